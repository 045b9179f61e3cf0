//! How many faults, and how long, before anything runs.

use facts::campaign::FAULTS;
use facts::data::{Classes, FolderChoice, classes_of_files};
use protocol::{Labelling, Labels, Protocol};

use super::super::asked::Want;
use super::super::{LabKey, State};

/// Time in milliseconds of a campaign for which the user states no number of faults.
const USUAL_TIME: f64 = 3000.0;

/// Most faults of an image in such a campaign.
const MOST_USUAL: usize = 1000;

/// Faults that take as long as a golden run of which every tensor is kept, as long as no campaign has shown it: few
/// enough that a campaign is rather shorter than longer.
const FAULTS_A_RUN: f64 = 8.0;

/// An estimate of a campaign's size and time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Images; `None` for a data set that was not opened yet.
    pub images: Option<u64>,
    /// Fewest and most faults; `None` where nobody can know yet.
    pub faults: Option<[u64; 2]>,
    /// Time for the most of them in milliseconds.
    pub milliseconds: Option<f64>,
    /// Whether that was measured on faults, not judged by a golden run.
    pub measured: bool,
    /// Images without a label, which the study's protocol needs.
    pub unlabelled: u64,
}

impl State {
    /// The estimate for the chosen settings.
    pub fn estimate(&self) -> Estimate {
        let link = &self.link.campaign;
        let own = link.data.is_none();
        let available = own.then(|| self.single_images());
        let limit = link.images.unwrap_or(usize::MAX);
        let images = available.as_ref().map(|images| images.len().min(limit) as u64);
        // A data set has at least as many images as are asked for, or says so when it is opened.
        let images = images.or(link.images.map(|limit| limit as u64));
        let faults = images.and_then(|images| faults(self.protocol(), images));
        let names: Vec<&str> = available.iter().flatten().map(|file| file.name.as_str()).collect();
        let pace = self.pace();
        // A fault takes a part of a golden run's time; which part, nobody knows yet.
        let each = pace.or_else(|| Some(2.0 * self.runs_of_fault() * self.golden_time()? / FAULTS_A_RUN));
        Estimate {
            images,
            faults,
            milliseconds: each.zip(faults).map(|(each, [_, most])| each * most as f64),
            measured: pace.is_some(),
            unlabelled: self.unlabelled(&names) as u64,
        }
    }

    /// The number of faults of each image where the user states none: as many as [`USUAL_TIME`] allows, as a round number.
    pub fn usual_faults(&self) -> usize {
        let link = &self.link.campaign;
        if link.data.is_some() {
            return FAULTS;
        }
        let images = self.single_images().len().min(link.images.unwrap_or(usize::MAX)).max(1);
        let pace = self.pace().or_else(|| Some(self.runs_of_fault() * self.golden_time()? / FAULTS_A_RUN));
        let Some(each) = pace.filter(|&each| each > 0.0) else { return FAULTS };
        let fitting = USUAL_TIME / each / images as f64;
        let rounds = [1, 2, 5, 10, 20, 50, 100, 200, 500, MOST_USUAL];
        rounds.into_iter().rev().find(|&faults| faults as f64 <= fitting).unwrap_or(1)
    }

    /// Milliseconds that a fault takes with this network on this device, as the last campaign has shown.
    fn pace(&self) -> Option<f64> {
        let (key, protections, pace) = self.campaign.pace.as_ref()?;
        (Some(key) == LabKey::wanted(self).as_ref() && *protections == self.protections()).then_some(*pace)
    }

    /// Most runs of a fault: without a protection, and under each.
    fn runs_of_fault(&self) -> f64 {
        1.0 + self.protections().len() as f64
    }

    /// Milliseconds of the golden run at hand.
    fn golden_time(&self) -> Option<f64> {
        self.golden_now().map(|golden| golden.milliseconds).filter(|&time| time > 0.0)
    }

    /// How many of the images `names` have no label.
    fn unlabelled(&self, names: &[&str]) -> usize {
        match self.labelling().unwrap_or_default() {
            Labelling { labels: Some(Labels::List(_)), .. } => 0,
            Labelling { labels: Some(Labels::None), .. } => names.len(),
            Labelling { labels: None, folder_order, .. } => {
                let known = self.campaign.naming.as_ref().map_or(&[][..], |naming| &naming.labels);
                let classes = Classes { names: known.to_vec(), count: self.model().map(|model| model.classes) };
                // The worker reports names without a class when it opens the images.
                let choice = FolderChoice { classes: None, order: folder_order };
                let labels = classes_of_files(names, &classes, &choice).map(|(labels, _)| labels).unwrap_or_default();
                labels.iter().filter(|label| label.is_none()).count()
            }
        }
    }
}

/// Fewest and most faults; `None` where the rates decide.
fn faults(protocol: Protocol, images: u64) -> Option<[u64; 2]> {
    Some(match protocol {
        Protocol::Fixed { faults } => [images * faults as u64; 2],
        Protocol::Study { correct, misclassified } => {
            [images * correct.min(misclassified) as u64, images * correct.max(misclassified) as u64]
        }
        Protocol::Until(goal) => {
            // Whole rounds; a rate near 0 or 1 is known soonest.
            let rounds = |faults: u64| faults.div_ceil(images.max(1)).max(1) * images;
            [rounds(goal.about(0.0)?), rounds(goal.about(0.5)?)]
        }
    })
}
