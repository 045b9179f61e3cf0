//! The pilot: a few images, many strata. It decides which faults of the campaign are injected, and no estimate counts its faults.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{Pick, Stratified, Stratum, generator, is_proved, pick};
use crate::campaign::Judgement;

/// Most images of a pilot.
const IMAGES: usize = 64;

/// Faults of a pilot: a quarter of the campaign's, within these limits.
const FAULTS: std::ops::RangeInclusive<u64> = 256..=2048;

/// Candidates of each image of the pilot where each fault of the campaign has candidates of its own.
const CANDIDATES: usize = 512;

/// Tells the stream of numbers from others that are drawn from the same seed.
const PILOT: u64 = u64::from_le_bytes(*b"pilot  1");

/// What the pilot has found of a stratum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pilot {
    /// The stratum.
    pub stratum: Stratum,
    /// Candidates.
    pub candidates: u64,
    /// Faults injected.
    pub injected: u64,
    /// SDCs among them.
    pub sdc: u64,
    /// SCMs among them, where the campaign has an aim.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub scm: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// A pilot under way: the choice of its images and faults, and what they have shown.
#[derive(Clone, Debug)]
pub struct Learning {
    design: Stratified,
    /// Images of the campaign.
    images: usize,
    candidates: Range<usize>,
    /// Faults injected into each image.
    each: usize,
    found: BTreeMap<Stratum, Pilot>,
}

impl Learning {
    /// The number of the first candidate of an image where each fault of the campaign has candidates of its own: no fault of the
    /// campaign has such a number, so that the pilot knows nothing of them.
    pub const APART: usize = 1 << 30;

    /// Begins the pilot of `design`, which knows nothing yet, for a campaign of `trials` faults in `images` images.
    pub fn new(design: Stratified, trials: u64, images: usize) -> Self {
        let (first, count) = if design.aim.is_some() { (Self::APART, CANDIDATES) } else { (0, design.candidates) };
        let budget = (trials / 4).clamp(*FAULTS.start(), *FAULTS.end());
        let each = usize::try_from(budget).unwrap_or(usize::MAX).div_ceil(images.clamp(1, IMAGES)).min(count);
        Self { design, images, candidates: first..first + count, each, found: BTreeMap::new() }
    }

    /// The images of the pilot, evenly spaced in the order of the campaign.
    pub fn places(&self) -> impl Iterator<Item = usize> + use<> {
        let (images, count) = (self.images, self.images.min(IMAGES));
        (0..count).map(move |place| place * images / count)
    }

    /// The numbers of the candidates of each image.
    pub fn candidates(&self) -> Range<usize> {
        self.candidates.clone()
    }

    /// Takes the strata of the candidates of image `image`, and returns those to be injected: of each stratum the root of their
    /// number. The number of a pick counts from the first candidate.
    pub fn picks(&mut self, strata: &[Stratum], seed: u64, image: u64) -> Vec<Pick> {
        let mut counts = [0u32; 256];
        for &stratum in strata {
            counts[usize::from(stratum)] += 1;
            let unknown = Pilot { stratum, candidates: 0, injected: 0, sdc: 0, scm: 0 };
            self.found.entry(stratum).or_insert(unknown).candidates += 1;
        }
        self.design.pilot_images += 1;
        let intensity = |stratum| f64::from(counts[usize::from(stratum)]).sqrt().recip();
        let mut picks = pick(strata, self.each, &intensity, generator(seed, image, 0, PILOT));
        picks.retain(|pick| !is_proved(strata[pick.candidate]));
        picks
    }

    /// Counts a fault that was injected.
    pub fn add(&mut self, stratum: Stratum, judgement: Judgement) {
        if let Some(pilot) = self.found.get_mut(&stratum) {
            pilot.injected += 1;
            pilot.sdc += u64::from(judgement.sdc);
            pilot.scm += u64::from(self.design.aim.is_some() && judgement.scm);
        }
    }

    /// Returns the design with what the pilot has found; `None` if it had no image.
    pub fn learnt(self) -> Option<Stratified> {
        let Self { mut design, found, .. } = self;
        design.strata = found.into_values().collect();
        (design.pilot_images > 0).then_some(design)
    }
}
