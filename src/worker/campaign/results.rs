//! What is known of a campaign so far.

use std::collections::BTreeMap;

use facts::campaign::{BadImage, Position, Provenance, Record, Skipped, Summary, Tallies};
use facts::labels::Grouping;
use facts::report::{Report, heading, skipped};
use protocol::{CampaignProfile, Confusion, LayerCounts, Naming, ProtectionCounts};
use serde_bytes::ByteBuf;

use super::history::History;
use super::store::Store;
use super::worst::{Worst, shown};

/// The records of a campaign, and what follows from them. The records say what was predicted and never change; how that is
/// judged follows the grouping, which may.
#[derive(Clone, Debug)]
pub struct Results {
    provenance: Provenance,
    /// Where it was made, for one that was imported.
    imported: Option<String>,
    store: Store,
    /// Images that were skipped, in their order.
    skipped: Vec<Skipped>,
    counts: Counts,
}

/// Skipped images that are named.
const NAMED: usize = 10;

/// What was counted under one grouping.
#[derive(Clone, Debug)]
struct Counts {
    tallies: Tallies,
    /// By golden and faulty prediction, SDCs.
    changes: BTreeMap<(usize, usize), u64>,
    history: History,
    worst: Worst,
}

impl Counts {
    fn new(provenance: &Provenance) -> Self {
        let (config, layers) = (provenance.campaign.clone(), provenance.layers.clone());
        Self {
            tallies: Tallies::new(config, layers, provenance.grouping.clone()).about(provenance),
            changes: BTreeMap::new(),
            history: History::default(),
            worst: Worst::default(),
        }
    }

    fn add(&mut self, index: usize, nth: usize, record: &Record<&str>, grouping: Option<&Grouping>) {
        // All that matters of a position here is whether it is the image's first.
        self.tallies.replay(Position { nth: 0, fault: nth }, record);
        let judgement = record.observation().judge(grouping);
        if judgement.sdc {
            *self.changes.entry((record.golden.class, record.faulty.class)).or_default() += 1;
        }
        self.history.add(judgement);
        self.worst.add(index, record);
    }
}

impl Results {
    /// Nothing yet of the campaign that `provenance` tells of; `imported` says where it was made, if not here.
    pub fn new(provenance: Provenance, imported: Option<String>) -> Self {
        let counts = Counts::new(&provenance);
        Self { provenance, imported, store: Store::default(), skipped: Vec::new(), counts }
    }

    /// What the campaign is.
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// Whether they were made elsewhere.
    pub fn is_imported(&self) -> bool {
        self.imported.is_some()
    }

    /// Says which file the model is, and which files beside it hold its weights.
    pub fn name_model(&mut self, path: String, sha256: String, external: BTreeMap<String, String>) {
        let model = &mut self.provenance.model;
        (model.path, model.sha256, model.external) = (path, sha256, external);
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        self.store.len()
    }

    /// Takes the record of fault number `nth` of its image.
    pub fn add<S: AsRef<str>>(&mut self, nth: usize, record: &Record<S>) {
        let index = self.store.len();
        self.store.push(nth, record);
        let grouping = self.provenance.grouping.as_ref();
        self.counts.add(index, nth, &self.store.record(index, grouping), grouping);
    }

    /// Takes an image that was skipped.
    pub fn skip(&mut self, skipped: Skipped) {
        self.skipped.push(skipped);
        self.counts.tallies.skip();
    }

    /// The images that were skipped, in their order.
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// The sentence on the images that were skipped; `None` if there are none.
    pub fn told_of_skipped(&self, summary: &Summary) -> Option<String> {
        skipped(summary, &self.first_skipped())
    }

    fn first_skipped(&self) -> Vec<BadImage> {
        self.skipped.iter().take(NAMED).map(|skipped| skipped.cause.clone()).collect()
    }

    /// Judges everything again by `grouping`.
    pub fn judge(&mut self, grouping: Option<Grouping>) {
        self.provenance.campaign.grouping = grouping.as_ref().map(|grouping| grouping.name().to_owned());
        self.provenance.grouping = grouping;
        self.counts = Counts::new(&self.provenance);
        let grouping = self.provenance.grouping.as_ref();
        let mut skipped = self.skipped.iter().peekable();
        for index in 0..self.store.len() {
            let (image, nth) = self.store.place(index);
            // The numbers of records count the lines of skipped images, too.
            while skipped.next_if(|skipped| skipped.image < image).is_some() {
                self.counts.tallies.skip();
            }
            self.counts.add(index, nth, &self.store.record(index, grouping), grouping);
        }
        skipped.for_each(|_| self.counts.tallies.skip());
    }

    /// The records at `indices`.
    pub fn records(&self, indices: &[usize]) -> impl Iterator<Item = Record<&str>> {
        indices.iter().map(|&index| self.store.record(index, self.provenance.grouping.as_ref()))
    }

    /// Where records lie, in the order of the plan; with a number of faults for each image, those of so many.
    pub fn in_order(&self, faults: Option<usize>) -> Vec<usize> {
        let within = |index: &usize| faults.is_none_or(|faults| self.store.place(*index).1 < faults);
        let mut indices: Vec<usize> = (0..self.store.len()).filter(within).collect();
        indices.sort_by_key(|&index| self.store.place(index));
        indices
    }

    /// The rates.
    pub fn summary(&self, complete: bool) -> Summary {
        self.counts.tallies.summary(complete)
    }

    /// All rates, as `faultscope report` has them.
    pub fn report(&self, complete: bool, planned: u64) -> Report {
        Report {
            summary: self.summary(complete),
            records: self.store.len() as u64,
            planned,
            truncated: false,
            skipped_images: self.first_skipped(),
            study_sample: None,
            classes: self.counts.tallies.classes(),
            layer_bits: self.counts.tallies.layer_bits(),
        }
    }

    /// Class names, and the grouping in force.
    pub fn naming(&self, classes: usize) -> Naming {
        let Provenance { labels, grouping, .. } = &self.provenance;
        Naming { classes, labels: labels.clone(), grouping: grouping.clone() }
    }

    /// The breakdown for the page.
    pub fn profile(&self, summary: Summary) -> CampaignProfile {
        let counts = &self.counts;
        let format = self.store.format();
        let width = usize::from(format.width());
        let mut map = vec![0u8; summary.layers.len() * width * 8];
        let places: BTreeMap<&str, usize> =
            summary.layers.iter().enumerate().map(|(place, layer)| (layer.layer.as_str(), place)).collect();
        for cell in counts.tallies.layer_bits() {
            let Some(place) = places.get(cell.layer.as_str()).filter(|_| usize::from(cell.bit) < width) else {
                continue;
            };
            let at = 8 * (place * width + usize::from(cell.bit));
            for (at, number) in [(at, cell.injections), (at + 4, cell.sdc)] {
                map[at..at + 4].copy_from_slice(&u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes());
            }
        }
        let indices: Vec<usize> = counts.worst.indices().collect();
        CampaignProfile {
            format,
            heading: heading(&self.provenance.campaign.model, &summary),
            imported: self.imported.clone(),
            preprocess: self.provenance.model.preprocess.to_string(),
            notices: self.provenance.notices.clone(),
            grouping: summary.grouping.clone(),
            bits: summary.bits.iter().map(|bit| (bit.bit, bit.faults.sdc)).collect(),
            starts: summary
                .starts
                .iter()
                .filter_map(|start| start.faults.scm_of_sdc.map(|rate| (start.start, rate)))
                .collect(),
            layers: summary
                .layers
                .into_iter()
                .map(|row| LayerCounts {
                    name: row.layer,
                    faults: row.faults.injections,
                    sdc: row.faults.sdc.count,
                    scm: row.faults.scm.map(|scm| scm.count),
                    due: row.faults.due.count,
                })
                .collect(),
            protections: summary
                .protections
                .into_iter()
                .map(|one| ProtectionCounts {
                    method: one.method,
                    effects: one.effects,
                    without: one.sdc.without,
                    with: one.sdc.with,
                    coverage: one.sdc.coverage,
                    decision: one.sdc.decision,
                    false_alarms: one.golden.false_alarms,
                    operations: one.overhead.operations_share,
                })
                .collect(),
            map: ByteBuf::from(map),
            history: counts.history.points(),
            confusion: self.confusion(),
            worst: self.records(&indices).filter_map(|record| shown(&record)).collect(),
        }
    }

    fn confusion(&self) -> Option<Confusion> {
        let grouping = self.provenance.grouping.as_ref()?;
        let groups = grouping.groups();
        let place = |class: usize| {
            let group = grouping.group_of(class)?;
            groups.iter().position(|known| known.name == group.name)
        };
        let count = |errors: &mut dyn Iterator<Item = (usize, usize, u64)>| {
            let mut cells = vec![0; groups.len() * groups.len()];
            for (from, to, number) in errors {
                if let (Some(from), Some(to)) = (place(from), place(to)) {
                    cells[from * groups.len() + to] += number;
                }
            }
            cells
        };
        let golden = self.counts.tallies.classes();
        let mut golden = golden
            .iter()
            .flat_map(|class| class.errors.iter().map(move |error| (class.class, error.class, error.count)));
        Some(Confusion {
            groups: groups.iter().map(|group| (group.name.clone(), group.critical)).collect(),
            faults: count(&mut self.counts.changes.iter().map(|(&(from, to), &number)| (from, to, number))),
            golden: count(&mut golden),
        })
    }
}
