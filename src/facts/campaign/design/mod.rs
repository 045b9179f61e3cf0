//! Designs: how the faults of a campaign are chosen, and what each of them stands for.
//!
//! The uniform design injects faults as the fault model draws them. The stratified design draws many *candidates* for each
//! image in the same way, puts each into a stratum by its bits, its score and its direction, and injects few of them: those of strata that
//! tell more are more likely. The chance of each is known, so the estimates stay unbiased.

mod pilot;
mod stratum;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

pub use self::pilot::{Learning, Pilot};
pub use self::stratum::{Direction, Score, Stratum, is_proved, stratum, words};
use super::{Judgement, Quantity};
use crate::named::{Name, Named};
use crate::{Error, Result};

/// How the faults of a campaign are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DesignKind {
    /// As the fault model draws them, each with the same weight.
    #[default]
    Uniform,
    /// More from the strata that tell more, each with its weight.
    Stratified,
    /// Every bit of every element, each once.
    Exhaustive,
}

impl Named for DesignKind {
    const ALL: &'static [(Self, Name)] = &[
        (Self::Uniform, Name::new("uniform", "Uniform", "as the fault model draws them, each with the same weight")),
        (
            Self::Stratified,
            Name::new("stratified", "Stratified", "more faults where they tell more, each with its weight"),
        ),
        (Self::Exhaustive, Name::new("exhaustive", "Exhaustive", "every bit (of --bit) of every element, each once")),
    ];
}

/// Candidates of an image for each fault that is injected, unless the user chooses another number.
const CANDIDATES: usize = 64;

/// Most candidates of an image.
const MOST: usize = 1 << 16;

/// Share of the faults that are spread over all candidates alike, so that no weight is above the inverse of it.
const DEFENSIVE: f64 = 0.2;

/// The same share where each fault has candidates of its own. It is larger: an interval that holds whenever one looks has to
/// allow for the largest weight.
const SINGLE_DEFENSIVE: f64 = 0.35;

/// A stratified design: the candidates, and what its pilot has found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stratified {
    /// Candidates of each image; with `aim` of each fault.
    pub candidates: usize,
    /// The quantity that the campaign is to know: each fault is then drawn by itself, from candidates of its own. `None`
    /// where the faults of an image are drawn together, for the SDC rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aim: Option<Quantity>,
    /// Whether scores were known. Without them strata are of bits and changes alone.
    pub scored: bool,
    /// Images of the pilot, evenly spaced.
    pub pilot_images: usize,
    /// The strata that the pilot has met, in order.
    pub strata: Vec<Pilot>,
    /// Elements of each layer that faults are drawn from, in model order.
    pub elements: Vec<usize>,
}

/// Faults of a stratum that were injected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tried {
    injected: u64,
    sdc: u64,
    scm: u64,
}

impl Tried {
    /// Counts a fault.
    pub fn add(&mut self, judgement: Judgement) {
        self.injected += 1;
        self.sdc += u64::from(judgement.sdc);
        self.scm += u64::from(judgement.scm);
    }
}

/// A candidate that is injected.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pick {
    /// Its number among the candidates of the image.
    pub candidate: usize,
    /// The number of candidates that it stands for: the inverse of its chance.
    pub weight: f64,
}

impl Stratified {
    /// The number of candidates where `faults` of them are injected.
    pub fn usual_candidates(faults: usize) -> usize {
        faults.saturating_mul(CANDIDATES).clamp(256, MOST)
    }

    /// The design of a pilot, which knows nothing yet.
    pub fn new(candidates: usize, scored: bool, elements: Vec<usize>) -> Self {
        Self { candidates, aim: None, scored, pilot_images: 0, strata: Vec::new(), elements }
    }

    /// Checks the numbers.
    ///
    /// # Errors
    /// If there are fewer candidates than `faults`, or too many.
    pub fn validate(&self, faults: usize) -> Result<()> {
        if self.candidates < faults || self.candidates > MOST {
            return Err(Error::request(format_args!(
                "a stratified campaign draws {faults} to {MOST} candidates for {faults} faults of an image; {} were asked \
                 for",
                self.candidates
            )));
        }
        Ok(())
    }

    /// Returns how much more likely a candidate of `stratum` is injected than one of a stratum of intensity 1.
    ///
    /// This is Neyman's allocation, n_h ~ W_h √(p_h (1 - p_h)), with p_h from the pilot, mixed with a share that is the
    /// same for all.
    pub fn intensity(&self, stratum: Stratum) -> f64 {
        let spread = |pilot: &Pilot| {
            let share = (pilot.sdc as f64 + 0.5) / (pilot.injected as f64 + 1.0);
            (share * (1.0 - share)).sqrt()
        };
        let at_risk = || self.strata.iter().filter(|pilot| !is_proved(pilot.stratum));
        let all: u64 = at_risk().map(|pilot| pilot.candidates).sum();
        let mean: f64 = at_risk().map(|pilot| pilot.candidates as f64 * spread(pilot)).sum::<f64>() / all.max(1) as f64;
        let own = self.strata.iter().find(|pilot| pilot.stratum == stratum).map_or(0.5, spread);
        let mean = if mean > 0.0 { mean } else { own };
        (1.0 - DEFENSIVE) * own / mean + DEFENSIVE
    }

    /// Returns the design with what further faults have shown.
    #[must_use]
    pub fn with(&self, tried: &std::collections::BTreeMap<Stratum, Tried>) -> Self {
        let mut design = self.clone();
        for (&stratum, more) in tried {
            let at = design.strata.binary_search_by_key(&stratum, |pilot| pilot.stratum);
            let at = at.unwrap_or_else(|at| {
                design.strata.insert(at, Pilot { stratum, candidates: 0, injected: 0, sdc: 0, scm: 0 });
                at
            });
            let pilot = &mut design.strata[at];
            pilot.injected += more.injected;
            pilot.sdc += more.sdc;
            pilot.scm += more.scm;
        }
        design
    }

    /// Returns a weight relative to that of a uniform draw.
    pub fn relative(&self, weight: f64) -> f64 {
        weight / self.candidates as f64
    }

    /// Returns the root of the mean square of what a fault of the stratum adds to the estimate, which the best chance of a single
    /// draw is proportional to (Hansen and Hurwitz, 1943). For the SCM share it is that of the linearised ratio R: SCM - R SDC.
    fn size(&self, pilot: &Pilot, share: f64) -> f64 {
        if is_proved(pilot.stratum) {
            return 0.0;
        }
        let of = |count: u64, prior: f64| (count as f64 + prior) / (pilot.injected as f64 + 1.0);
        let square = match self.aim.unwrap_or_default() {
            Quantity::Sdc => of(pilot.sdc, 0.5),
            Quantity::Scm => of(pilot.scm, 0.5),
            Quantity::ScmShare | Quantity::Ratio => {
                let (scm, other) =
                    (of(pilot.scm, 0.5 * share), of(pilot.sdc - pilot.scm.min(pilot.sdc), 0.5 * (1.0 - share)));
                scm * (1.0 - share) * (1.0 - share) + other * share * share
            }
        };
        square.sqrt()
    }

    /// The share of SCMs among the SDCs of all candidates, about.
    fn scm_share(&self) -> f64 {
        let sum = |of: fn(&Pilot) -> u64| -> f64 {
            let part = |pilot: &Pilot| pilot.candidates as f64 * of(pilot) as f64 / pilot.injected.max(1) as f64;
            self.strata.iter().map(part).sum()
        };
        let (sdc, scm) = (sum(|pilot| pilot.sdc), sum(|pilot| pilot.scm));
        if sdc > 0.0 { (scm / sdc).clamp(0.05, 0.95) } else { 0.5 }
    }

    /// Returns the size of each stratum.
    fn sizes(&self) -> Vec<f64> {
        let share = self.scm_share();
        let unknown = |stratum| Pilot { stratum, candidates: 0, injected: 0, sdc: 0, scm: 0 };
        let found = |stratum| self.strata.iter().find(|pilot| pilot.stratum == stratum).copied();
        (0..=u8::MAX).map(|stratum| self.size(&found(stratum).unwrap_or(unknown(stratum)), share)).collect()
    }

    /// The share of the candidates that are not proved masked, as the pilot found it.
    fn at_risk(&self) -> f64 {
        let count = |risky: bool| -> u64 {
            let strata = self.strata.iter().filter(|pilot| !risky || !is_proved(pilot.stratum));
            strata.map(|pilot| pilot.candidates).sum()
        };
        let all = count(false);
        if all > 0 { count(true) as f64 / all as f64 } else { 1.0 }
    }

    /// The largest weight of a fault that is drawn by itself, relative to a uniform draw: no candidate has a smaller chance than
    /// the inverse, whatever the others are.
    pub fn most_weight(&self) -> f64 {
        (self.at_risk() / SINGLE_DEFENSIVE).max(1.0)
    }

    /// Returns the mean weight, relative to a uniform draw, of faults with the outcome that the campaign aims at, as the pilot
    /// foretells it.
    pub fn mean_weight(&self, of: Quantity) -> f64 {
        let sizes = self.sizes();
        let all: f64 = self.strata.iter().map(|pilot| pilot.candidates as f64).sum();
        let share = |pilot: &Pilot| pilot.candidates as f64 / all.max(1.0);
        let at_risk = || self.strata.iter().filter(|pilot| !is_proved(pilot.stratum));
        let mean: f64 = at_risk().map(|pilot| share(pilot) * sizes[usize::from(pilot.stratum)]).sum();
        let even = 1.0 / self.most_weight();
        let (mut sum, mut hits) = (0.0, 0.0);
        for pilot in at_risk() {
            let count = if of == Quantity::Scm { pilot.scm } else { pilot.sdc };
            let rate = share(pilot) * count as f64 / pilot.injected.max(1) as f64;
            let own = sizes[usize::from(pilot.stratum)];
            let intensity = even + (1.0 - even * self.at_risk()) * own / mean.max(1e-12);
            sum += rate / intensity;
            hits += rate;
        }
        if hits > 0.0 { sum / hits } else { 1.0 }
    }

    /// Picks the fault number `fault` of image `image` from candidates of its own, given by their strata. `sizes` are those of
    /// the strata, and `most` is the largest weight.
    fn pick_single(sizes: &[f64], most: f64, strata: &[Stratum], seed: u64, [image, fault]: [u64; 2]) -> Pick {
        let at_risk: Vec<usize> = (0..strata.len()).filter(|&candidate| !is_proved(strata[candidate])).collect();
        // Proved faults count as masked: any of them stands for all.
        let Some(&last) = at_risk.last() else { return Pick { candidate: 0, weight: strata.len() as f64 } };
        let size = |candidate: usize| sizes[usize::from(strata[candidate])];
        let all: f64 = at_risk.iter().map(|&candidate| size(candidate)).sum();
        let even = 1.0 / (most * strata.len() as f64);
        let rest = 1.0 - even * at_risk.len() as f64;
        let chance = |candidate: usize| match all > 0.0 {
            true => even + rest * size(candidate) / all,
            false => 1.0 / at_risk.len() as f64,
        };
        let point = generator(seed, image, fault, SINGLE).random_range(0..1u64 << 53) as f64 / (1u64 << 53) as f64;
        let mut sum = 0.0;
        let candidate = at_risk.iter().copied().find(|&candidate| {
            sum += chance(candidate);
            sum > point
        });
        let candidate = candidate.unwrap_or(last);
        Pick { candidate, weight: 1.0 / chance(candidate) }
    }

    /// Returns a function that picks one of the candidates of a fault, given by image, fault and strata.
    pub fn singles(&self, seed: u64) -> impl Fn(u64, u64, &[Stratum]) -> Pick {
        let (sizes, most) = (self.sizes(), self.most_weight());
        move |image, fault, strata| Self::pick_single(&sizes, most, strata, seed, [image, fault])
    }

    /// Picks `faults` of the candidates of image `image`, given by their strata. The chance of each is proportional to
    /// its intensity, and at most 1.
    ///
    /// The candidates lie end to end on a line, strata one after the other, each as long as its chance; points at distance
    /// 1 from a random start pick those that they hit (systematic sampling: Madow, 1949).
    pub fn pick(&self, strata: &[Stratum], faults: usize, seed: u64, image: u64) -> Vec<Pick> {
        let intensities: Vec<f64> = (0..=u8::MAX).map(|stratum| self.intensity(stratum)).collect();
        pick(strata, faults, &|stratum| intensities[usize::from(stratum)], generator(seed, image, 0, DRAW))
    }
}

/// Tell these streams of numbers from others that are drawn from the same seed.
const DRAW: u64 = u64::from_le_bytes(*b"strata 1");
const SINGLE: u64 = u64::from_le_bytes(*b"single 1");

fn generator(seed: u64, image: u64, fault: u64, domain: u64) -> ChaCha8Rng {
    let mut key = [0u8; 32];
    for (part, number) in key.chunks_exact_mut(8).zip([seed, image, fault, domain]) {
        part.copy_from_slice(&number.to_le_bytes());
    }
    ChaCha8Rng::from_seed(key)
}

fn pick(strata: &[Stratum], faults: usize, intensity: &dyn Fn(Stratum) -> f64, mut rng: ChaCha8Rng) -> Vec<Pick> {
    let mut order: Vec<usize> = (0..strata.len()).filter(|&candidate| !is_proved(strata[candidate])).collect();
    order.sort_by_key(|&candidate| strata[candidate]);
    let wanted = faults.min(strata.len());
    let mut picks = Vec::with_capacity(wanted);
    if order.len() <= wanted {
        // All that may change something, and as many of the others as are missing.
        picks.extend(order.iter().map(|&candidate| Pick { candidate, weight: 1.0 }));
        let proved: Vec<usize> = (0..strata.len()).filter(|&candidate| is_proved(strata[candidate])).collect();
        let missing = wanted - picks.len();
        let weight = proved.len() as f64 / missing.max(1) as f64;
        picks.extend(proved.into_iter().take(missing).map(|candidate| Pick { candidate, weight }));
        picks.sort_by_key(|pick| pick.candidate);
        return picks;
    }
    // Chances above 1 are cut to 1, and the others grow by what was cut off.
    let sizes: Vec<f64> = order.iter().map(|&candidate| intensity(strata[candidate])).collect();
    let mut certain = vec![false; order.len()];
    let factor = loop {
        let sure = certain.iter().filter(|&&certain| certain).count();
        let rest: f64 = sizes.iter().zip(&certain).filter(|(_, certain)| !**certain).map(|(size, _)| size).sum();
        let factor = (wanted - sure) as f64 / rest;
        let above: Vec<usize> = (0..order.len()).filter(|&at| !certain[at] && sizes[at] * factor >= 1.0).collect();
        if above.is_empty() || sure + above.len() >= wanted && above.len() == order.len() - sure {
            break factor;
        }
        above.into_iter().for_each(|at| certain[at] = true);
        if certain.iter().filter(|&&certain| certain).count() >= wanted {
            break 0.0;
        }
    };
    // In 53 bits, so that each platform draws the same.
    let start = rng.random_range(0..1u64 << 53) as f64 / (1u64 << 53) as f64;
    let (mut sum, mut next) = (0.0, start);
    for (at, &candidate) in order.iter().enumerate() {
        if certain[at] {
            picks.push(Pick { candidate, weight: 1.0 });
            continue;
        }
        let chance = sizes[at] * factor;
        sum += chance;
        if sum > next && picks.len() < wanted {
            picks.push(Pick { candidate, weight: 1.0 / chance });
            next += 1.0;
        }
    }
    // Rounding may leave the last point just beyond the end of the line.
    if picks.len() < wanted
        && let Some(at) = (0..order.len()).rev().find(|&at| {
            !certain[at] && picks.iter().all(|pick| pick.candidate != order[at]) && sizes[at] * factor > 0.0
        })
    {
        picks.push(Pick { candidate: order[at], weight: 1.0 / (sizes[at] * factor) });
    }
    picks.sort_by_key(|pick| pick.candidate);
    picks
}

/// What a record says of its draw in a stratified campaign.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drawn {
    /// The fault's number among the candidates of its image.
    pub candidate: usize,
    /// Its stratum.
    pub stratum: Stratum,
    /// The number of candidates that the fault stands for.
    pub weight: f64,
    /// In the first record of an image: the strata of its candidates, with their numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<(Stratum, u32)>,
}

#[cfg(test)]
mod tests;
