//! Designs: how the faults of a campaign are chosen, and what each of them stands for.
//!
//! The uniform design injects faults as the fault model draws them. The stratified design draws many *candidates* for each
//! image in the same way, puts each into a stratum by its bits and its score, and injects few of them: those of strata that
//! tell more are more likely. The chance of each is known, so the estimates stay unbiased.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::{Judgement, Quantity};
use crate::fault::{BitField, Corruption, Format};
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
        (Self::Exhaustive, Name::new("exhaustive", "Exhaustive", "every bit of every element, each once")),
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

/// What the pilot has found of a stratum. The pilot decides which faults are injected, and no estimate counts its faults.
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

/// The number of a stratum: the class of its bits times [`SCORES`], plus the class of its score.
pub type Stratum = u8;

/// Classes of scores.
const SCORES: u8 = 16;

/// The class of a fault that is proved to change no output.
const PROVED: u8 = 0;

/// Upper ends of the classes of finite scores, which are counted from 1.
const EDGES: [f32; 8] = [-10.0, -1.0, -0.1, -1e-3, 1e-3, 0.1, 1.0, 10.0];

/// Upper ends of the classes of changes without a gradient.
const CHANGES: [f32; 3] = [1e-3, 1.0, 100.0];

/// What is known of a fault before it is injected.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Score {
    /// It is proved to change no output.
    Proved,
    /// The change of the margin to first order over the margin: 1 is where the answer changes.
    Finite(f32),
    /// A value that is no finite number, or a score that is none.
    NotFinite,
    /// The margin does not depend on the element to first order; the greatest change of a value.
    Flat(f32),
    /// There is no gradient; the greatest change of a value.
    Unknown(f32),
}

/// Returns the stratum of a fault of this score that strikes `corruption` first.
pub fn stratum(corruption: Corruption, format: Format, score: Score) -> Stratum {
    let below = |edges: &[f32], value: f32| edges.iter().filter(|&&edge| value >= edge).count() as u8;
    let class = match score {
        Score::Proved => return PROVED,
        Score::Finite(score) if score.is_nan() => 10,
        Score::Finite(score) => 1 + below(&EDGES, score),
        Score::NotFinite => 10,
        Score::Flat(change) => 11 + below(&CHANGES, change),
        // Not to be mixed with faults of a campaign with scores.
        Score::Unknown(change) => 11 + below(&CHANGES, change),
    };
    bits_of(corruption, format) * SCORES + class
}

/// Returns the class of the most significant bit that is struck.
fn bits_of(corruption: Corruption, format: Format) -> u8 {
    let Some(highest) = corruption.bits().and_then(|bits| bits.iter().max()) else { return 6 };
    match format.field(highest) {
        Some(BitField::Sign) => 1,
        Some(BitField::Exponent) => {
            let bits = format.bits_of(BitField::Exponent);
            match bits.end - 1 - highest {
                0 => 2,
                below if below <= bits.len() as u8 / 2 => 3,
                _ => 4,
            }
        }
        Some(BitField::Integer) => {
            let bits = format.bits_of(BitField::Integer);
            if highest - bits.start >= bits.len() as u8 / 2 { 3 } else { 4 }
        }
        Some(BitField::Mantissa | BitField::Fraction) => 5,
        None => 6,
    }
}

/// Returns whether a fault of the stratum is proved to change no output.
pub fn is_proved(stratum: Stratum) -> bool {
    stratum == PROVED
}

/// Returns the words for a stratum.
pub fn words(stratum: Stratum, scored: bool) -> String {
    if is_proved(stratum) {
        return "proved masked".to_owned();
    }
    let bits = match stratum / SCORES {
        1 => "sign",
        2 => "highest exponent bit",
        3 => "upper exponent bits",
        4 => "lower exponent bits",
        5 => "mantissa",
        _ => "other",
    };
    let between = |edges: &[f32], class: usize| match (class.checked_sub(1), edges.get(class)) {
        (Some(low), Some(high)) => format!("{} to {high}", edges[low]),
        (None, Some(high)) => format!("below {high}"),
        (Some(low), None) => format!("{} or more", edges[low]),
        (None, None) => String::new(),
    };
    let score = match stratum % SCORES {
        class @ 1..=9 => format!("score {}", between(&EDGES, usize::from(class - 1))),
        10 => "not finite".to_owned(),
        class => {
            let gradient = if scored { "gradient 0, change" } else { "change" };
            format!("{gradient} {}", between(&CHANGES, usize::from(class - 11)))
        }
    };
    format!("{bits}, {score}")
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

    /// Picks candidates for the pilot: of each stratum the root of their number.
    pub fn pick_pilot(strata: &[Stratum], faults: usize, seed: u64, image: u64) -> Vec<Pick> {
        let mut counts = [0u32; 256];
        strata.iter().for_each(|&stratum| counts[usize::from(stratum)] += 1);
        pick(
            strata,
            faults,
            &|stratum| f64::from(counts[usize::from(stratum)]).sqrt().recip(),
            generator(seed, image, 0, PILOT),
        )
    }
}

/// Tell these streams of numbers from others that are drawn from the same seed.
const DRAW: u64 = u64::from_le_bytes(*b"strata 1");
const PILOT: u64 = u64::from_le_bytes(*b"pilot  1");
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
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn design(strata: &[(Stratum, u64, u64, u64)]) -> Stratified {
        let pilot = |&(stratum, candidates, injected, sdc): &(Stratum, u64, u64, u64)| Pilot {
            stratum,
            candidates,
            injected,
            sdc,
            scm: 0,
        };
        Stratified { strata: strata.iter().map(pilot).collect(), ..Stratified::new(64, true, vec![1]) }
    }

    proptest! {
        #[test]
        fn the_picks_are_distinct_and_as_many_as_wanted(
            strata in prop::collection::vec(prop::sample::select(vec![0u8, 17, 25, 41, 90]), 1..200),
            faults in 1usize..20,
            seed: u64,
        ) {
            let design = design(&[(17, 500, 100, 0), (25, 50, 50, 20), (41, 20, 10, 10), (0, 100, 0, 0)]);
            let picks = design.pick(&strata, faults, seed, 3);
            prop_assert_eq!(picks.len(), faults.min(strata.len()));
            prop_assert!(picks.windows(2).all(|pair| pair[0].candidate < pair[1].candidate));
            prop_assert!(picks.iter().all(|pick| pick.weight >= 1.0 - 1e-12 && pick.weight.is_finite()));
            prop_assert_eq!(picks, design.pick(&strata, faults, seed, 3));
        }
    }

    /// The chance of a single draw is the inverse of its weight, no weight is above the limit, and proved faults are picked
    /// only where there are no others.
    #[test]
    fn a_single_fault_is_picked_as_often_as_its_weight_says() {
        let strata: Vec<Stratum> = (0..40).map(|index| [0, 17, 17, 17, 25, 41, 17, 17][index % 8]).collect();
        let mut design = design(&[(17, 700, 300, 0), (25, 60, 60, 20), (41, 40, 20, 19)]);
        (design.candidates, design.aim) = (40, Some(Quantity::Sdc));
        const SEEDS: u64 = 40_000;
        let (mut sums, mut squares) = ([0.0f64; 40], [0.0f64; 40]);
        for seed in 0..SEEDS {
            let pick = design.singles(7)(seed, 3, &strata);
            assert!(design.relative(pick.weight) <= design.most_weight() * (1.0 + 1e-12), "{pick:?}");
            sums[pick.candidate] += pick.weight;
            squares[pick.candidate] += pick.weight * pick.weight;
        }
        for (candidate, &stratum) in strata.iter().enumerate() {
            let mean = sums[candidate] / SEEDS as f64;
            let error = (squares[candidate] / SEEDS as f64 / SEEDS as f64).sqrt();
            let expected = if is_proved(stratum) { 0.0 } else { 1.0 };
            assert!((mean - expected).abs() <= 4.5 * error, "{candidate}: {mean} +- {error}");
        }
        assert_eq!(design.singles(7)(1, 1, &[0, 0, 0]), Pick { candidate: 0, weight: 3.0 });
        assert_ne!(design.singles(7)(1, 1, &strata), design.singles(7)(1, 2, &strata));
    }

    /// Faults that were injected move the draw towards the strata in which they showed something.
    #[test]
    fn later_rounds_learn_from_the_earlier_ones() {
        let mut design = design(&[(17, 700, 300, 0), (25, 60, 60, 20)]);
        design.aim = Some(Quantity::ScmShare);
        let mut tried = Tried::default();
        (0..50).for_each(|_| tried.add(Judgement { sdc: true, due: None, scm: true }));
        let later = design.with(&[(41u8, tried)].into());
        assert_eq!(later.strata.len(), 3);
        assert_eq!((later.strata[2].stratum, later.strata[2].injected, later.strata[2].scm), (41, 50, 50));
        assert!(later.sizes()[41] > design.sizes()[17]);
        assert_eq!(design.sizes()[0], 0.0);
    }

    /// The weights are the inverse chances: counted over many seeds, each candidate is picked as often as its weight says.
    #[test]
    fn each_candidate_is_picked_as_often_as_its_weight_says() {
        let strata: Vec<Stratum> = (0..40).map(|index| [0, 17, 17, 17, 25, 41, 17, 17][index % 8]).collect();
        let design = design(&[(17, 700, 300, 0), (25, 60, 60, 20), (41, 40, 20, 19)]);
        const SEEDS: u64 = 20_000;
        let mut sums = [0.0f64; 40];
        let mut squares = [0.0f64; 40];
        for seed in 0..SEEDS {
            for pick in design.pick(&strata, 6, seed, 0) {
                sums[pick.candidate] += pick.weight;
                squares[pick.candidate] += pick.weight * pick.weight;
            }
        }
        for (candidate, &stratum) in strata.iter().enumerate() {
            if is_proved(stratum) {
                assert_eq!(sums[candidate], 0.0);
                continue;
            }
            let mean = sums[candidate] / SEEDS as f64;
            let error = (squares[candidate] / SEEDS as f64 / SEEDS as f64).sqrt();
            assert!((mean - 1.0).abs() < 4.5 * error.max(1e-9), "{candidate}: {mean} +- {error}");
        }
    }

    #[test]
    fn strata_have_words() {
        let flip = |bit| Corruption::flip(bit).unwrap();
        let named = |bit, score| words(stratum(flip(bit), Format::F32, score), true);
        assert_eq!(named(30, Score::Finite(0.5)), "highest exponent bit, score 0.1 to 1");
        assert_eq!(named(31, Score::Finite(-20.0)), "sign, score below -10");
        assert_eq!(named(28, Score::Finite(99.0)), "upper exponent bits, score 10 or more");
        assert_eq!(named(23, Score::Flat(2.0)), "lower exponent bits, gradient 0, change 1 to 100");
        assert_eq!(named(3, Score::NotFinite), "mantissa, not finite");
        assert_eq!(named(3, Score::Proved), "proved masked");
        assert_eq!(
            words(stratum(Corruption::Set(0.0), Format::F32, Score::Unknown(0.5)), false),
            "other, change 0.001 to 1"
        );
    }
}
