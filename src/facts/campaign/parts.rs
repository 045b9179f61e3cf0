//! The weighted sums of a stratified campaign: over all trials, and by layer, bit, field and starting set.

use std::collections::BTreeMap;

use super::weighted::{Part, Population, Trial, Weighted, share_of_bits, share_of_layer};
use super::{CampaignConfig, FaultSummary, Hits, Judgement, Observation, Start, StartSummary, Stratified, Summary};
use crate::fault::{BitField, Format};
use crate::labels::Grouping;
use crate::outcome::Ratio;

/// The sums behind the estimates of a [`Summary`].
#[derive(Clone, Debug, Default)]
pub struct Parts {
    all: Weighted,
    layers: BTreeMap<String, Part>,
    bits: BTreeMap<u8, Part>,
    fields: BTreeMap<BitField, Part>,
    starts: [Part; Start::ALL.len()],
    /// Whether a fault struck another format than float32: the share of a bit is then not known.
    formats: bool,
}

impl Parts {
    /// Counts a trial, if it has a weight.
    pub fn add<S: AsRef<str>>(
        &mut self,
        trial: &Observation<'_, S>,
        judgement: Judgement,
        grouping: Option<&Grouping>,
    ) {
        let Some((image, drawn)) = trial.draw else { return };
        let judged = &Trial::new(judgement, trial.label.map(|label| label == trial.golden));
        self.all.add(image, drawn, judged);
        for &start in Start::containing(trial.label, trial.golden, grouping) {
            self.starts[start as usize].add(drawn, judged);
        }
        let (mut layers, mut bits): (Vec<&str>, u32) = (Vec::new(), 0);
        let mut fields: Vec<BitField> = Vec::new();
        for fault in trial.faults {
            layers.push(fault.layer.as_ref());
            let mask = fault.struck().map_or(0, |bits| bits.mask());
            bits |= mask;
            fields.extend(fault.format.fields_of(mask));
            self.formats |= fault.format != Format::F32;
        }
        layers.sort_unstable();
        layers.dedup();
        for layer in layers {
            match self.layers.get_mut(layer) {
                Some(part) => part.add(drawn, judged),
                None => self.layers.entry(layer.to_owned()).or_default().add(drawn, judged),
            }
        }
        for bit in (0..Format::F32.width()).filter(|bit| bits >> bit & 1 == 1) {
            self.bits.entry(bit).or_default().add(drawn, judged);
        }
        fields.sort_unstable();
        fields.dedup();
        for field in fields {
            self.fields.entry(field).or_default().add(drawn, judged);
        }
    }

    /// Counts what `other` has counted.
    pub fn merge(&mut self, other: &Self) {
        self.all.merge(&other.all);
        self.formats |= other.formats;
        other.layers.iter().for_each(|(layer, part)| self.layers.entry(layer.clone()).or_default().merge(part));
        other.bits.iter().for_each(|(&bit, part)| self.bits.entry(bit).or_default().merge(part));
        other.fields.iter().for_each(|(&field, part)| self.fields.entry(field).or_default().merge(part));
        self.starts.iter_mut().zip(&other.starts).for_each(|(own, other)| own.merge(other));
    }

    /// Replaces the shares in `summary` by estimates. Rates of layers and bits whose share of the fault space is not known
    /// are left out.
    pub fn estimate(&self, config: &CampaignConfig, design: &Stratified, hits: Option<&Hits>, summary: &mut Summary) {
        summary.design = Some(match hits {
            Some(hits) => self.all.estimate_single(design, hits, &mut summary.faults),
            None => self.all.estimate(design, &mut summary.faults),
        });
        summary.clusters = Some(self.all.clusters(hits.is_some().then_some(design), &summary.faults));
        let golden = summary.golden.scm;
        summary.scm_ratio_interval =
            summary.faults.scm_of_sdc.zip(golden).map(|(faulty, golden)| Ratio::new(&faulty, &golden));
        summary.scm_ratio = summary.scm_ratio_interval.and_then(|ratio| ratio.ratio);
        let each = design.candidates as f64;
        // The candidates: of each image, or of each fault.
        let size = |images: u64, faults: u64| each * if hits.is_some() { faults } else { images } as f64;
        let [labelled, right] = match (hits, summary.golden.accuracy) {
            (None, accuracy) => accuracy.map_or([0, 0], |rate| [rate.of, rate.count]),
            (Some(_), _) => self.all.labelled(),
        };
        let all = Population {
            size: size(summary.golden.images, summary.faults.injections),
            labelled: each * labelled as f64,
            right: right as f64 / labelled.max(1) as f64,
            units: summary.golden.accuracy.map_or(0.0, |rate| rate.of as f64),
            draws: None,
        };
        let estimate = |part: Option<&Part>, faults: &mut FaultSummary, population: Population| {
            part.copied().unwrap_or_default().estimate(faults, &population);
        };
        for start in &mut summary.starts {
            let mut faults = start.faults.clone();
            let size = size(start.images, start.faults.injections);
            let right = if start.start == Start::Correct { 1.0 } else { 0.0 };
            let population = Population { size, labelled: size, right, ..all };
            estimate(Some(&self.starts[start.start as usize]), &mut faults, population);
            *start = StartSummary::new(start.start, start.images, faults, golden.as_ref());
        }
        let layers = std::mem::take(&mut summary.layers).into_iter().enumerate();
        summary.layers = layers
            .filter_map(|(index, mut layer)| {
                let share = share_of_layer(config, design, index)?;
                estimate(self.layers.get(&layer.layer), &mut layer.faults, all.part(share));
                Some(layer)
            })
            .collect();
        summary.bits.retain_mut(|bit| {
            let share = share_of_bits(config, [bit.bit]).filter(|_| !self.formats);
            share.inspect(|&share| estimate(self.bits.get(&bit.bit), &mut bit.faults, all.part(share))).is_some()
        });
        summary.fields.retain_mut(|field| {
            let share = share_of_bits(config, Format::F32.bits_of(field.field)).filter(|_| !self.formats);
            share
                .inspect(|&share| estimate(self.fields.get(&field.field), &mut field.faults, all.part(share)))
                .is_some()
        });
    }
}
