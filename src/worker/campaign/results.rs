//! What is known of a campaign so far.

use std::collections::BTreeMap;

use facts::Named as _;
use facts::campaign::{
    BadImage, Criterion, FaultSummary, Position, Provenance, Record, Skipped, Stratified, Summary, Tallies,
};
use facts::labels::Grouping;
use facts::outcome::Rate;
use facts::report::{Report, heading, skipped};
use protocol::{CampaignProfile, Confusion, LayerRates, Naming, ProtectionCounts};
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
    /// Images that were skipped, each with the number of records before it.
    skipped: Vec<(usize, Skipped)>,
    /// The records of each image so far.
    of_image: BTreeMap<usize, usize>,
    counts: Counts,
}

/// Skipped images that are named.
const NAMED: usize = 10;

/// What was counted under one grouping.
#[derive(Clone, Debug)]
struct Counts {
    design: Option<Stratified>,
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
            design: config.design.clone(),
            tallies: Tallies::new(config, layers, provenance.grouping.clone()).about(provenance),
            changes: BTreeMap::new(),
            history: History::new(&provenance.campaign),
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
        let design = self.design.as_ref().zip(record.drawn.as_ref());
        self.history.add(design.map_or(1.0, |(design, drawn)| design.relative(drawn.weight)), judgement);
        self.worst.add(index, record);
    }
}

impl Results {
    /// Nothing yet of the campaign that `provenance` tells of; `imported` says where it was made, if not here.
    pub fn new(provenance: Provenance, imported: Option<String>) -> Self {
        let counts = Counts::new(&provenance);
        Self { provenance, imported, store: Store::default(), skipped: Vec::new(), of_image: BTreeMap::new(), counts }
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

    /// Takes the next record.
    pub fn add<S: AsRef<str>>(&mut self, record: &Record<S>) {
        let index = self.store.len();
        let of_image = self.of_image.entry(record.image).or_default();
        let nth = *of_image;
        *of_image += 1;
        self.store.push(nth, record);
        let grouping = self.provenance.grouping.as_ref();
        self.counts.add(index, nth, &self.store.record(index, grouping), grouping);
    }

    /// Takes an image that was skipped.
    pub fn skip(&mut self, skipped: Skipped) {
        self.skipped.push((self.store.len(), skipped));
        self.counts.tallies.skip();
    }

    /// The images that were skipped, in their order, each with the number of records before it.
    pub fn skipped(&self) -> &[(usize, Skipped)] {
        &self.skipped
    }

    /// The sentence on the images that were skipped; `None` if there are none.
    pub fn told_of_skipped(&self, summary: &Summary) -> Option<String> {
        skipped(summary, &self.first_skipped())
    }

    fn first_skipped(&self) -> Vec<BadImage> {
        self.skipped.iter().take(NAMED).map(|(_, skipped)| skipped.cause.clone()).collect()
    }

    /// Judges everything again by `grouping`.
    pub fn judge(&mut self, grouping: Option<Grouping>) {
        self.provenance.campaign.grouping = grouping.as_ref().map(|grouping| grouping.name().to_owned());
        self.provenance.grouping = grouping;
        self.counts = Counts::new(&self.provenance);
        let grouping = self.provenance.grouping.as_ref();
        let mut skipped = self.skipped.iter().peekable();
        for index in 0..self.store.len() {
            // The numbers of records count the lines of skipped images, too.
            while skipped.next_if(|(before, _)| *before <= index).is_some() {
                self.counts.tallies.skip();
            }
            let nth = self.store.nth(index);
            self.counts.add(index, nth, &self.store.record(index, grouping), grouping);
        }
        skipped.for_each(|_| self.counts.tallies.skip());
    }

    /// The records at `indices`.
    pub fn records(&self, indices: &[usize]) -> impl Iterator<Item = Record<&str>> {
        indices.iter().map(|&index| self.store.record(index, self.provenance.grouping.as_ref()))
    }

    /// All records, in the order of the campaign.
    pub fn all(&self) -> impl Iterator<Item = Record<&str>> {
        (0..self.store.len()).map(|index| self.store.record(index, self.provenance.grouping.as_ref()))
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
        // Of part of the faults an outcome says nothing.
        let known = Criterion::ALL.iter().map(|(criterion, _)| *criterion);
        let criteria: Vec<Criterion> = known.filter(|criterion| criterion.rate(&summary.faults).is_some()).collect();
        let rates = |faults: &FaultSummary| -> Vec<Rate> {
            criteria.iter().map(|criterion| criterion.rate(faults).unwrap_or_else(|| Rate::new(0, 0))).collect()
        };
        let numbers = 1 + criteria.len();
        // Counts say nothing of faults with weights.
        let mapped = if summary.design.is_none() { summary.layers.len() } else { 0 };
        let mut map = vec![0u8; mapped * width * 4 * numbers];
        let cells = counts.tallies.cells().filter(|&(layer, bit, _)| layer < mapped && usize::from(bit) < width);
        for (layer, bit, tally) in cells {
            let cell = numbers * (layer * width + usize::from(bit));
            let counted = criteria.iter().map(|criterion| tally.count(*criterion));
            for (at, number) in (cell..).zip(std::iter::once(tally.injections()).chain(counted)) {
                map[4 * at..4 * at + 4].copy_from_slice(&u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes());
            }
        }
        let indices: Vec<usize> = counts.worst.indices().collect();
        CampaignProfile {
            format,
            numbers: self.provenance.campaign.numbers,
            pattern: self.provenance.campaign.fault_model.pattern,
            heading: heading(&self.provenance.campaign.model, &summary),
            imported: self.imported.clone(),
            preprocess: self.provenance.model.preprocess.to_string(),
            notices: self.provenance.notices.clone(),
            grouping: summary.grouping.clone(),
            bits: summary.bits.iter().map(|bit| (bit.bit, rates(&bit.faults))).collect(),
            starts: summary
                .starts
                .iter()
                .filter_map(|start| start.faults.scm_of_sdc.map(|rate| (start.start, rate)))
                .collect(),
            layers: summary
                .layers
                .iter()
                .map(|row| LayerRates { name: row.layer.clone(), rates: rates(&row.faults) })
                .collect(),
            criteria: criteria.clone(),
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
            design: summary.design,
            history: counts.history.points(),
            confusion: self.confusion(),
            worst: self.records(&indices).filter_map(|record| shown(&record)).collect(),
        }
    }

    fn confusion(&self) -> Option<Confusion> {
        // Counts say nothing of faults with weights.
        let grouping = self.provenance.grouping.as_ref().filter(|_| self.counts.design.is_none())?;
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
