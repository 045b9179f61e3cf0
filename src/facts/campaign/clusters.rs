//! Images as clusters: the design effect of a campaign.
//!
//! The faults of an image have that image in common, so that they may say less than as many faults in images of their own.
//! With x_i trials and y_i outcomes in image i, of G images with trials, the rate is r = Σ y_i / Σ x_i, and its variance by
//! image is
//!
//! `V = G / (G - 1) Σ (y_i - r x_i)² / (Σ x_i)²`
//!
//! (Taylor linearisation of a ratio; Särndal, Swensson and Wretman, 1992, chapter 5). The design effect is V over the variance
//! r (1 - r) / (n - 1) of n independent trials (Kish, 1965): n trials say as much as n over the design effect independent ones.
//! Where trials have weights, y_i is a sum of weights, and the effect is that of weights, strata and images together.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{FaultSummary, Judgement};
use crate::outcome::Rate;

/// The design effects of a campaign's rates over all faults.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Clusters {
    /// Images with faults.
    pub images: u64,
    /// Of the SDC rate; `None` where it has no variance.
    pub sdc: Option<DesignEffect>,
    /// Of the SCM rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scm: Option<DesignEffect>,
    /// Of the share of SCMs among the SDCs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scm_of_sdc: Option<DesignEffect>,
    /// Of the DUE rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<DesignEffect>,
}

/// How much the trials behind a rate say.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DesignEffect {
    /// The variance of the rate, with images as clusters, over that of as many independent trials.
    pub deff: f64,
    /// The trials over the design effect: so many independent ones would say as much.
    pub effective: f64,
    /// The intraclass correlation of the outcomes in an image; `None` where trials have weights, or each is alone in its image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation: Option<f64>,
}

/// The part of a rate that an image has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cluster {
    /// What the rate is a share of: trials, or their weights.
    pub of: f64,
    /// The outcomes, or their weights.
    pub hits: f64,
}

impl DesignEffect {
    /// Returns the effect for the rate of `trials` trials in these images, `None` where a variance is not known. Images
    /// without trials do not count.
    pub fn new(clusters: impl Iterator<Item = Cluster> + Clone, trials: u64, weighted: bool) -> Option<Self> {
        let clusters = clusters.filter(|cluster| cluster.of > 0.0);
        let (mut images, mut of, mut hits, mut squares) = (0u64, 0.0, 0.0, 0.0);
        for cluster in clusters.clone() {
            images += 1;
            of += cluster.of;
            hits += cluster.hits;
            squares += cluster.of * cluster.of;
        }
        if images < 2 || trials < 2 || of <= 0.0 {
            return None;
        }
        let rate = hits / of;
        let independent = rate * (1.0 - rate) / (trials - 1) as f64;
        let sum: f64 = clusters.clone().map(|cluster| (cluster.hits - rate * cluster.of).powi(2)).sum();
        let variance = images as f64 / (images - 1) as f64 * sum / (of * of);
        if independent <= 0.0 || variance <= 0.0 {
            return None;
        }
        let deff = variance / independent;
        let correlation = if weighted { None } else { Self::correlation(clusters, images as f64, [of, hits, squares]) };
        Some(Self { deff, effective: trials as f64 / deff, correlation })
    }

    /// Returns the intraclass correlation from the mean squares between and within images (one-way analysis of variance; Donner,
    /// 1986).
    fn correlation(clusters: impl Iterator<Item = Cluster>, images: f64, [of, hits, squares]: [f64; 3]) -> Option<f64> {
        let (mut between, mut within) = (0.0, 0.0);
        for Cluster { of: own, hits: own_hits } in clusters {
            between += (own_hits - hits / of * own).powi(2) / own;
            within += own_hits - own_hits * own_hits / own;
        }
        if of <= images {
            return None;
        }
        let (between, within) = (between / (images - 1.0), within / (of - images));
        let size = (of - squares / of) / (images - 1.0);
        let all = between + (size - 1.0) * within;
        (all > 0.0).then(|| (between - within) / all)
    }

    /// Returns the effect for a rate with an interval by image, which knows the number of independent trials.
    fn of_estimate(rate: &Rate, trials: u64) -> Option<Self> {
        let effective = rate.effective.filter(|effective| *effective > 0.0 && rate.count > 0 && rate.rate < 1.0)?;
        Some(Self { deff: trials as f64 / effective, effective, correlation: None })
    }

    /// How many times as wide the interval of independent trials is with images as clusters.
    pub fn width(&self) -> f64 {
        self.deff.sqrt()
    }
}

impl Clusters {
    /// The effects of rates whose intervals are design-based by image.
    pub fn of_estimates(images: u64, faults: &FaultSummary) -> Self {
        let all = |rate: &Rate| DesignEffect::of_estimate(rate, faults.injections);
        Self {
            images,
            sdc: all(&faults.sdc),
            scm: faults.scm.as_ref().and_then(all),
            scm_of_sdc: faults.scm_of_sdc.as_ref().and_then(|rate| DesignEffect::of_estimate(rate, faults.sdc.count)),
            due: all(&faults.due),
        }
    }

    /// Their names in reports, and the number of trials of each.
    pub fn named(&self, faults: &FaultSummary) -> impl Iterator<Item = (&'static str, DesignEffect, u64)> {
        let all = faults.injections;
        let rows = [
            ("SDC", self.sdc, all),
            ("SCM", self.scm, all),
            ("SCM among SDCs", self.scm_of_sdc, faults.sdc.count),
            ("DUE", self.due, faults.due.of),
        ];
        rows.into_iter().filter_map(|(name, effect, trials)| Some((name, effect?, trials)))
    }
}

/// The outcomes of uniform trials, by image.
#[derive(Clone, Debug, Default)]
pub struct ByImage {
    images: BTreeMap<usize, OfImage>,
    /// The image of the last trial: most follow one of the same image.
    last: Option<(usize, OfImage)>,
}

/// The trials of an image.
#[derive(Clone, Copy, Debug, Default)]
struct OfImage {
    trials: u64,
    sdc: u64,
    scm: u64,
    /// Trials of which it is known whether they are DUE.
    observed: u64,
    due: u64,
}

impl OfImage {
    fn merge(&mut self, other: &Self) {
        self.trials += other.trials;
        self.sdc += other.sdc;
        self.scm += other.scm;
        self.observed += other.observed;
        self.due += other.due;
    }
}

impl ByImage {
    /// Counts a trial of image `image`.
    pub fn add(&mut self, image: usize, judgement: Judgement) {
        let trial = OfImage {
            trials: 1,
            sdc: judgement.sdc.into(),
            scm: judgement.scm.into(),
            observed: judgement.due.is_some().into(),
            due: (judgement.due == Some(true)).into(),
        };
        match &mut self.last {
            Some((own, counts)) if *own == image => counts.merge(&trial),
            _ => {
                if let Some((image, counts)) = self.last.replace((image, trial)) {
                    self.images.entry(image).or_default().merge(&counts);
                }
            }
        }
    }

    /// Counts what `other` has counted.
    pub fn merge(&mut self, other: &Self) {
        for (&image, counts) in other.images.iter().chain(other.last.iter().map(|(image, counts)| (image, counts))) {
            self.images.entry(image).or_default().merge(counts);
        }
    }

    /// The design effects; those of SCM where the trials were `judged` by a grouping. `None` without a trial.
    pub fn clusters(&self, judged: bool) -> Option<Clusters> {
        // One order, however the trials were counted: sums are the same to the last bit.
        let mut all = self.clone();
        if let Some((image, counts)) = all.last.take() {
            all.images.entry(image).or_default().merge(&counts);
        }
        let effect = |of: fn(&OfImage) -> u64, hits: fn(&OfImage) -> u64| {
            let clusters = all.images.values().map(|image| Cluster { of: of(image) as f64, hits: hits(image) as f64 });
            DesignEffect::new(clusters, all.images.values().map(of).sum(), false)
        };
        let trials = |image: &OfImage| image.trials;
        (!all.images.is_empty()).then(|| Clusters {
            images: all.images.len() as u64,
            sdc: effect(trials, |image| image.sdc),
            scm: judged.then(|| effect(trials, |image| image.scm)).flatten(),
            scm_of_sdc: judged.then(|| effect(|image| image.sdc, |image| image.scm)).flatten(),
            due: effect(|image| image.observed, |image| image.due),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judgement(outcome: [u8; 3]) -> Judgement {
        let [sdc, scm, due] = outcome.map(|flag| flag == 1);
        Judgement { sdc, due: Some(due), scm, deviation: None }
    }

    #[derive(Deserialize)]
    struct Expected {
        deff: f64,
        effective: f64,
        correlation: Option<f64>,
    }

    fn check(what: &str, found: Option<DesignEffect>, expected: Option<&Expected>) {
        let (Some(found), Some(expected)) = (found, expected) else {
            return assert!(found.is_none() && expected.is_none(), "{what}: {found:?}");
        };
        let near = |found: f64, expected: f64| (found - expected).abs() <= 1e-9 * expected.abs().max(1.0);
        assert!(near(found.deff, expected.deff), "{what}: {found:?}, {} expected", expected.deff);
        assert!(near(found.effective, expected.effective), "{what}: {found:?}, {} expected", expected.effective);
        match (found.correlation, expected.correlation) {
            (Some(found), Some(expected)) => assert!(near(found, expected), "{what}: {found}, {expected} expected"),
            (found, expected) => assert_eq!(found, expected, "{what}"),
        }
    }

    /// `clusters_reference.py`: cluster-robust variances of statsmodels.
    #[test]
    fn design_effects_are_those_of_an_independent_program() {
        #[derive(Deserialize)]
        struct Case {
            name: String,
            /// Image, SDC, SCM, DUE.
            trials: Vec<(usize, u8, u8, u8)>,
            sdc: Option<Expected>,
            scm: Option<Expected>,
            scm_of_sdc: Option<Expected>,
            due: Option<Expected>,
        }
        #[derive(Deserialize)]
        struct WeightedCase {
            name: String,
            /// Image, weight, SDC, SCM.
            trials: Vec<(usize, f64, u8, u8)>,
            sdc: Option<Expected>,
            scm_of_sdc: Option<Expected>,
        }
        #[derive(Deserialize)]
        struct Reference {
            uniform: Vec<Case>,
            weighted: Vec<WeightedCase>,
        }
        let reference: Reference = serde_json::from_str(include_str!("clusters_reference.json")).unwrap();
        assert!(reference.uniform.len() >= 6 && reference.weighted.len() >= 2);
        for case in &reference.uniform {
            let mut by_image = ByImage::default();
            let trials = || case.trials.iter().map(|&(image, sdc, scm, due)| (image, judgement([sdc, scm, due])));
            trials().for_each(|(image, trial)| by_image.add(image, trial));
            let clusters = by_image.clusters(true).unwrap();
            check(&format!("{}: SDC", case.name), clusters.sdc, case.sdc.as_ref());
            check(&format!("{}: SCM", case.name), clusters.scm, case.scm.as_ref());
            check(&format!("{}: SCM of SDC", case.name), clusters.scm_of_sdc, case.scm_of_sdc.as_ref());
            check(&format!("{}: DUE", case.name), clusters.due, case.due.as_ref());
            // Blocks may end within an image, and an image may come again.
            let mut parts = [ByImage::default(), ByImage::default(), ByImage::default()];
            trials().enumerate().for_each(|(at, (image, trial))| parts[at / 2 % 3].add(image, trial));
            let mut merged = ByImage::default();
            parts.iter().for_each(|part| merged.merge(part));
            assert_eq!(merged.clusters(true), Some(clusters), "{}", case.name);
        }
        for case in &reference.weighted {
            let mut rates: BTreeMap<usize, [f64; 3]> = BTreeMap::new();
            for &(image, weight, sdc, scm) in &case.trials {
                let sums = rates.entry(image).or_default();
                sums[0] += 1.0;
                sums[1] += weight * f64::from(sdc);
                sums[2] += weight * f64::from(scm);
            }
            let of = |of: usize, hits: usize, trials| {
                let clusters = rates.values().map(move |sums| Cluster { of: sums[of], hits: sums[hits] });
                DesignEffect::new(clusters, trials, true)
            };
            let sdc = case.trials.iter().filter(|trial| trial.2 == 1).count() as u64;
            check(&case.name, of(0, 1, case.trials.len() as u64), case.sdc.as_ref());
            check(&case.name, of(1, 2, sdc), case.scm_of_sdc.as_ref());
        }
    }

    /// One fault in each image has no cluster; images that are all hit or all missed count as one fault each.
    #[test]
    fn the_ends_are_those_of_arithmetic() {
        let mut alone = ByImage::default();
        (0..50).for_each(|image| alone.add(image, judgement([u8::from(image % 5 == 0), 0, 0])));
        let effect = alone.clusters(false).unwrap().sdc.unwrap();
        assert!((effect.deff - 1.0).abs() < 1e-12 && effect.correlation.is_none(), "{effect:?}");
        let mut alike = ByImage::default();
        (0..50 * 8).for_each(|trial| alike.add(trial / 8, judgement([u8::from(trial / 8 % 5 == 0), 0, 0])));
        let effect = alike.clusters(false).unwrap().sdc.unwrap();
        // 50 images of 8: 50/49 (400 - 1) / 400 * 8.
        assert!((effect.deff - 50.0 / 49.0 * 399.0 / 50.0).abs() < 1e-12, "{effect:?}");
        assert!((effect.effective - 400.0 / effect.deff).abs() < 1e-9);
        assert!((effect.correlation.unwrap() - 1.0).abs() < 1e-12, "{effect:?}");
        let clusters = alike.clusters(false).unwrap();
        assert_eq!((clusters.images, clusters.scm, clusters.scm_of_sdc, clusters.due), (50, None, None, None));
        assert!(ByImage::default().clusters(true).is_none());
    }
}
