//! Campaigns and data sets that the user brings.

use super::super::{Effect, OWN, State};
use crate::web::link::View;
use crate::web::protocol::{CampaignRequest, FileRef, Request};

/// Whether `file` ends in `ending`.
fn ends(file: &FileRef, ending: &str) -> bool {
    file.name.to_lowercase().ends_with(ending)
}

impl State {
    /// Opens the campaign among `files`, where there is one, and keeps the data sets; says which files are neither.
    pub(in super::super) fn bring_to_campaign(&mut self, files: Vec<FileRef>, effects: &mut Vec<Effect>) {
        let (mut campaign, mut arrays, mut strange) = (Vec::new(), Vec::new(), Vec::new());
        for file in files {
            if [".zip", ".json", ".jsonl"].iter().any(|ending| ends(&file, ending)) {
                campaign.push(file);
            } else if ends(&file, ".bin") {
                self.keep_set(vec![file]);
            } else if ends(&file, ".npy") {
                arrays.push(file);
            } else {
                strange.push(file.name);
            }
        }
        if let Some(zip) = campaign.iter().position(|file| ends(file, ".zip")) {
            campaign = vec![campaign.swap_remove(zip)];
        }
        if !campaign.is_empty() {
            self.link.view = View::Campaign;
            let id = self.send(Request::Campaign(CampaignRequest::Import { files: campaign }), effects);
            self.campaign.waiting = Some(id);
        }
        if !arrays.is_empty() {
            self.keep_arrays(arrays);
        }
        if !strange.is_empty() {
            self.tell(format!(
                "{}: neither a campaign (config.json and faults.jsonl, or a .zip of them) nor a data set (CIFAR’s .bin, or two .npy).",
                strange.join(", ")
            ));
        }
    }

    /// Images and labels belong together, also where they come one after the other.
    fn keep_arrays(&mut self, mut arrays: Vec<FileRef>) {
        let half = self.campaign.sets.iter().position(|set| matches!(&set[..], [one] if ends(one, ".npy")));
        if let (1, Some(half)) = (arrays.len(), half) {
            let mut set = self.campaign.sets.remove(half);
            set.retain(|file| file.name != arrays[0].name);
            arrays = set.into_iter().chain(arrays).collect();
        }
        self.keep_set(arrays);
    }

    fn keep_set(&mut self, files: Vec<FileRef>) {
        let Some(first) = files.first().map(|file| file.name.clone()) else { return };
        self.campaign.sets.retain(|set| set.first().is_none_or(|file| file.name != first));
        self.campaign.sets.push(files);
        self.link.campaign.data = Some(format!("{OWN}{first}"));
    }
}
