//! Campaigns and data sets that the user brings.

use protocol::{CampaignRequest, FileRef};

use super::super::{Effect, OWN, Order, State};
use crate::link::View;

/// Whether `file` ends in `ending`.
fn ends(file: &FileRef, ending: &str) -> bool {
    file.name.to_lowercase().ends_with(ending)
}

/// Whether `file` has images or labels, and the other ones are in another file.
fn is_array(file: &FileRef) -> bool {
    ends(file, ".npy") || file.name.to_lowercase().contains("ubyte")
}

impl State {
    /// Opens the campaign that `files` are, where there are any.
    pub(in super::super) fn open_campaign(&mut self, mut files: Vec<FileRef>, effects: &mut Vec<Effect>) {
        if let Some(zip) = files.iter().position(|file| ends(file, ".zip")) {
            files = vec![files.swap_remove(zip)];
        }
        if !files.is_empty() {
            self.link.view = View::Campaign;
            self.order(CampaignRequest::Import { files }, Order::Import, effects);
        }
    }

    /// Keeps the data sets among `files`, the last of which is chosen.
    pub(in super::super) fn keep_data(&mut self, files: Vec<FileRef>) {
        let (arrays, sets): (Vec<_>, Vec<_>) = files.into_iter().partition(is_array);
        for file in sets {
            self.keep_set(vec![file]);
        }
        if !arrays.is_empty() {
            self.keep_arrays(arrays);
        }
    }

    /// Images and labels belong together, also where they come one after the other.
    fn keep_arrays(&mut self, mut arrays: Vec<FileRef>) {
        // Of a whole data set the test set is used, as the command line does.
        let is_test = |file: &FileRef| ["t10k", "test"].iter().any(|word| file.name.to_lowercase().contains(word));
        if arrays.len() > 2 && arrays.iter().filter(|file| is_test(file)).count() == 2 {
            arrays.retain(is_test);
        }
        let half = self.campaign.sets.iter().position(|set| matches!(&set[..], [one] if is_array(one)));
        if let (1, Some(half)) = (arrays.len(), half) {
            let mut set = self.campaign.sets.remove(half);
            set.retain(|file| file.name != arrays[0].name);
            arrays = set.into_iter().chain(arrays).collect();
        }
        self.keep_set(arrays);
    }

    /// Keeps a list of labels, which is chosen.
    pub(in super::super) fn keep_list(&mut self, list: Option<FileRef>) {
        let Some(list) = list else { return };
        self.link.campaign.labels = Some(format!("{OWN}{}", list.name));
        // A list labels each image; an order of folders does not go with it.
        self.link.campaign.folder_order = None;
        self.campaign.lists.retain(|known| known.name != list.name);
        self.campaign.lists.push(list);
    }

    fn keep_set(&mut self, files: Vec<FileRef>) {
        let Some(first) = files.first().map(|file| file.name.clone()) else { return };
        self.campaign.sets.retain(|set| set.first().is_none_or(|file| file.name != first));
        self.campaign.sets.push(files);
        self.link.campaign.data = Some(format!("{OWN}{first}"));
    }
}
