use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::campaign::design::Pilot;
use crate::campaign::{ChangedScores, Judgement, Quantity, Scores, Tally};

/// Rates of SDC and of SCM by stratum, and their shares: a few strata hold almost all SDCs, as in real networks.
const STRATA: [(Stratum, f64, f64, f64); 6] = [
    (0, 0.25, 0.0, 0.0),
    (82, 0.60, 0.0003, 0.0001),
    (56, 0.10, 0.004, 0.001),
    (37, 0.03, 0.10, 0.02),
    (41, 0.012, 0.85, 0.30),
    (26, 0.008, 0.45, 0.10),
];

/// The share of images with a right golden prediction.
const RIGHT_SHARE: f64 = 0.9;

/// The part of the fault space that a layer is.
const LAYER: [Stratum; 2] = [37, 41];

/// The estimates of a simulated campaign: over all faults, and over those of a layer.
struct Simulated {
    faults: FaultSummary,
    layer: FaultSummary,
    design: DesignSummary,
}

/// Simulates a campaign over `images` images, and returns the estimates. If it is `single`, each fault is drawn by itself.
fn campaign(images: usize, faults: usize, seed: u64, single: bool) -> Simulated {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut other = ChaCha8Rng::seed_from_u64(seed ^ 0xffff_0000);
    let mut design = Stratified::new(64 * if single { 1 } else { faults }, true, vec![1]);
    design.aim = single.then_some(Quantity::Sdc);
    for (stratum, share, sdc, _) in STRATA {
        let candidates = (20_000.0 * share) as u64;
        let injected = if stratum == 0 { 0 } else { (candidates as f64).sqrt() as u64 };
        let hits = (0..injected).filter(|_| rng.random::<f64>() < sdc).count() as u64;
        design.strata.push(Pilot { stratum, candidates, injected, sdc: hits, scm: 0 });
    }
    let (mut weighted, mut tally, mut hits) = (Weighted::default(), Tally::default(), Hits::default());
    let (mut layer, mut of_layer) = (Part::default(), Tally::default());
    let mut right_images = 0;
    for image in 0..images {
        let right = other.random::<f64>() < RIGHT_SHARE;
        right_images += u64::from(right);
        for fault in 0..if single { faults } else { 1 } {
            let mut candidates = Vec::new();
            for _ in 0..design.candidates {
                let mut rest = rng.random::<f64>();
                let found = STRATA.iter().find(|(_, share, ..)| {
                    rest -= share;
                    rest < 0.0
                });
                candidates.push(found.unwrap_or(&STRATA[1]).0);
            }
            let mut counts = BTreeMap::new();
            candidates.iter().for_each(|&stratum| *counts.entry(stratum).or_insert(0u32) += 1);
            let picks = match single {
                true => vec![design.singles(seed)(image as u64, fault as u64, &candidates)],
                false => design.pick(&candidates, faults, seed, image as u64),
            };
            for (nth, pick) in picks.into_iter().enumerate() {
                let stratum = candidates[pick.candidate];
                let (_, _, sdc, scm) = *STRATA.iter().find(|(own, ..)| *own == stratum).unwrap();
                let chance = rng.random::<f64>();
                // A wrong prediction becomes right in every third SDC.
                let correct = if right { chance >= sdc } else { chance < sdc / 3.0 };
                let deviation = scores(stratum, sdc, chance, other.random()).deviation(Some(correct));
                let judgement =
                    Judgement { sdc: chance < sdc, due: Some(false), scm: chance < scm, deviation: Some(deviation) };
                let counts = if nth == 0 { counts.clone().into_iter().collect() } else { Vec::new() };
                let drawn = Drawn { candidate: pick.candidate, stratum, weight: pick.weight, candidates: counts };
                let trial = Trial::new(judgement, Some(right));
                weighted.add(image, &drawn, &trial);
                tally.add(judgement);
                hits.add(design.relative(pick.weight), judgement);
                if LAYER.contains(&stratum) {
                    layer.add(&drawn, &trial);
                    of_layer.add(judgement);
                }
            }
        }
    }
    let (mut all, mut of_layer) = (tally.summary(true), of_layer.summary(true));
    let size = (images * design.candidates * if single { faults } else { 1 }) as f64;
    let right = right_images as f64 / images as f64;
    let population = Population { size, labelled: size, right, units: images as f64, draws: None };
    let share: f64 = STRATA.iter().filter(|row| LAYER.contains(&row.0)).map(|row| row.1).sum();
    layer.estimate(&mut of_layer, &population.part(share));
    let design = match single {
        true => weighted.estimate_single(&design, &hits, &mut all),
        false => weighted.estimate(&design, &mut all),
    };
    Simulated { faults: all, layer: of_layer, design }
}

/// Of three SDCs one is an SDC-5. The confidence changes by more than 20 % in twice, and by more than 10 % in three times as many
/// faults as are SDCs. The margin falls by 2 where the prediction changes and by 0.5 elsewhere, and is no number in every tenth fault.
fn scores(stratum: Stratum, sdc: f64, chance: f64, other: f64) -> Scores {
    if is_proved(stratum) {
        return Scores::Golden;
    }
    let change = if chance < 2.0 * sdc {
        0.25
    } else if chance < 3.0 * sdc {
        0.125
    } else {
        0.0
    };
    let after = if other < 0.1 {
        f32::NAN
    } else if chance < sdc {
        -1.0
    } else {
        0.5
    };
    let rank = if chance < sdc / 3.0 { 6 } else { 2 };
    Scores::Changed(ChangedScores { rank: Some(rank), confidence: [0.5, 0.5 - 0.5 * change], margin: [1.0, after] })
}

/// The true values of the outcomes beyond the predicted class, over `strata`: SDC-5, SDC-10 %, SDC-20 %, correct, and the change
/// of the margin.
fn truth(strata: &[(Stratum, f64, f64, f64)]) -> [f64; 5] {
    let all: f64 = strata.iter().map(|row| row.1).sum();
    let mean = |of: &dyn Fn(f64) -> f64| strata.iter().map(|row| row.1 * of(row.2)).sum::<f64>() / all;
    let at_risk = |of: &dyn Fn(f64) -> f64| {
        strata.iter().filter(|row| !is_proved(row.0)).map(|row| row.1 * of(row.2)).sum::<f64>() / all
    };
    let known = 1.0 - 0.1 * at_risk(&|_| 1.0);
    [
        mean(&|sdc| sdc / 3.0),
        mean(&|sdc| (3.0 * sdc).min(1.0)),
        mean(&|sdc| (2.0 * sdc).min(1.0)),
        RIGHT_SHARE * mean(&|sdc| 1.0 - sdc) + (1.0 - RIGHT_SHARE) * mean(&|sdc| sdc / 3.0),
        0.9 * at_risk(&|sdc| -2.0 * sdc - 0.5 * (1.0 - sdc)) / known,
    ]
}

/// The rates of `faults` in the order of [`truth`], and the change of the margin.
fn beyond(faults: &FaultSummary) -> ([Rate; 4], f64) {
    let criteria = faults.criteria.unwrap();
    let rates = [criteria.sdc5.unwrap(), criteria.sdc10pct, criteria.sdc20pct, criteria.accuracy.unwrap()];
    (rates, criteria.margin.unwrap().mean)
}

/// A known truth: the mean of many campaigns is it within the error of the mean, and the intervals hold it as often as
/// they say.
#[test]
fn estimates_are_unbiased_and_intervals_hold_the_truth() {
    const CAMPAIGNS: u64 = 250;
    let sum = |of: fn(&(Stratum, f64, f64, f64)) -> f64| -> f64 { STRATA.iter().map(|row| row.1 * of(row)).sum() };
    let (sdc, scm) = (sum(|row| row.2), sum(|row| row.3));
    let (mut sums, mut squares, mut held, mut gains) = ([0.0; 2], [0.0; 2], [0u32; 3], 0.0);
    for seed in 0..CAMPAIGNS {
        let Simulated { faults, design, .. } = campaign(200, 5, seed, false);
        let estimates = [faults.sdc, faults.scm.unwrap()];
        for (index, rate) in estimates.iter().enumerate() {
            sums[index] += rate.rate;
            squares[index] += rate.rate * rate.rate;
        }
        let share = faults.scm_of_sdc.unwrap();
        let truths = [(faults.sdc, sdc), (faults.scm.unwrap(), scm), (share, scm / sdc)];
        for (held, (rate, truth)) in held.iter_mut().zip(truths) {
            *held += u32::from(rate.low <= truth && truth <= rate.high);
        }
        gains += design.gain.unwrap_or(0.0) / CAMPAIGNS as f64;
    }
    for (index, truth) in [sdc, scm].into_iter().enumerate() {
        let mean = sums[index] / CAMPAIGNS as f64;
        let error = ((squares[index] / CAMPAIGNS as f64 - mean * mean) / CAMPAIGNS as f64).sqrt();
        assert!((mean - truth).abs() < 3.0 * error, "outcome {index}: mean {mean} +- {error}, truth {truth}");
    }
    let shares = held.map(|held| f64::from(held) / CAMPAIGNS as f64);
    assert!(shares.iter().all(|&share| share > 0.91), "coverage {shares:?}, gain {gains}");
    assert!(gains > 4.0, "gain {gains}, coverage {shares:?}");
}

/// Few images may agree by chance; their intervals hold the truth as often as those of many.
#[test]
fn intervals_over_few_images_hold_the_truth() {
    const CAMPAIGNS: u64 = 250;
    let sum = |of: fn(&(Stratum, f64, f64, f64)) -> f64| -> f64 { STRATA.iter().map(|row| row.1 * of(row)).sum() };
    let (sdc, scm) = (sum(|row| row.2), sum(|row| row.3));
    for images in [1, 2, 3, 5, 9] {
        let mut held = [0u32; 3];
        for seed in 0..CAMPAIGNS {
            let faults = campaign(images, 60, seed, false).faults;
            let truths = [(faults.sdc, sdc), (faults.scm.unwrap(), scm), (faults.scm_of_sdc.unwrap(), scm / sdc)];
            for (held, (rate, truth)) in held.iter_mut().zip(truths) {
                *held += u32::from(rate.low <= truth && truth <= rate.high);
            }
        }
        let shares = held.map(|held| f64::from(held) / CAMPAIGNS as f64);
        assert!(shares.iter().all(|&share| share > 0.92), "{images} images: coverage {shares:?}");
    }
}

/// scipy 1.16: `scipy.stats.t.ppf(0.975, freedom)`.
#[test]
fn students_quantile_is_that_of_scipy() {
    for (freedom, quantile) in
        [(1.0, 12.706205), (2.0, 4.302653), (9.0, 2.262157), (10.0, 2.228139), (30.0, 2.042272), (1e6, 1.959966)]
    {
        assert!((student(freedom) / quantile - 1.0).abs() < 2e-3, "{freedom}: {}", student(freedom));
    }
    // Between two whole numbers the wider one.
    assert_eq!(student(3.7), student(3.0));
    // Two values are known with one degree of freedom.
    assert!((widened(&[1.0, 2.0]) - (12.706205_f64 / Z).powi(2)).abs() < 1e-3);
}

/// The same for the outcomes beyond the predicted class, of all faults and of a layer, for faults that are drawn together and one
/// by one.
#[test]
fn estimates_beyond_the_predicted_class_are_unbiased_and_hold_the_truth() {
    const CAMPAIGNS: u64 = 250;
    let layer: Vec<_> = STRATA.into_iter().filter(|row| LAYER.contains(&row.0)).collect();
    for single in [false, true] {
        let names = [("all", truth(&STRATA)), ("layer", truth(&layer))];
        let (mut sums, mut squares, mut held) = ([[0.0; 5]; 2], [[0.0; 5]; 2], [[0u32; 4]; 2]);
        for seed in 0..CAMPAIGNS {
            let simulated = campaign(200, 5, seed, single);
            for (part, faults) in [&simulated.faults, &simulated.layer].into_iter().enumerate() {
                let (rates, margin) = beyond(faults);
                for (index, value) in rates.iter().map(|rate| rate.rate).chain([margin]).enumerate() {
                    sums[part][index] += value;
                    squares[part][index] += value * value;
                }
                for (index, rate) in rates.iter().enumerate() {
                    let truth = names[part].1[index];
                    held[part][index] += u32::from(rate.low <= truth && truth <= rate.high);
                }
            }
        }
        for (part, (name, truths)) in names.into_iter().enumerate() {
            for (index, truth) in truths.into_iter().enumerate() {
                let mean = sums[part][index] / CAMPAIGNS as f64;
                let error = ((squares[part][index] / CAMPAIGNS as f64 - mean * mean) / CAMPAIGNS as f64).sqrt();
                let what = format!("{name}, single {single}, outcome {index}: mean {mean} +- {error}, truth {truth}");
                assert!((mean - truth).abs() < 3.5 * error + 1e-9, "{what}");
            }
            let shares = held[part].map(|held| f64::from(held) / CAMPAIGNS as f64);
            assert!(shares.iter().all(|&share| share > 0.91), "{name}, single {single}: coverage {shares:?}");
        }
    }
}

/// Where every candidate is injected, the estimates are the shares and means of the uniform campaign over the same faults.
#[test]
fn a_census_has_the_shares_and_the_mean_of_its_faults() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let (mut weighted, mut tally) = (Weighted::default(), Tally::default());
    for image in 0..40 {
        let right = image % 5 != 0;
        for candidate in 0..8 {
            let stratum: Stratum = [82, 37, 41, 26][candidate % 4];
            let chance = rng.random::<f64>();
            let correct = if right { chance >= 0.3 } else { chance < 0.1 };
            let deviation = Some(scores(stratum, 0.3, chance, rng.random()).deviation(Some(correct)));
            let judgement = Judgement { sdc: chance < 0.3, due: Some(false), scm: false, deviation };
            let candidates = if candidate == 0 { vec![(26, 2), (37, 2), (41, 2), (82, 2)] } else { Vec::new() };
            let drawn = Drawn { candidate, stratum, weight: 1.0, candidates };
            weighted.add(image, &drawn, &Trial::new(judgement, Some(right)));
            tally.add(judgement);
        }
    }
    let plain = tally.summary(false);
    let mut estimated = plain.clone();
    weighted.estimate(&Stratified::new(8, true, vec![1]), &mut estimated);
    let ((rates, margin), (plain, plain_margin)) = (beyond(&estimated), beyond(&plain));
    for (rate, plain) in rates.iter().zip(plain) {
        assert!((rate.rate - plain.rate).abs() < 1e-12 && rate.count == plain.count, "{rate:?} {plain:?}");
        assert!(rate.effective.is_some() && plain.effective.is_none());
    }
    assert!((margin - plain_margin).abs() < 1e-9, "{margin} {plain_margin}");
}

#[test]
fn blocks_add_up_to_the_whole() {
    let drawn = |stratum, weight, candidates| Drawn { candidate: 0, stratum, weight, candidates };
    let trial = |sdc| Trial::new(Judgement { sdc, due: Some(false), scm: false, deviation: None }, None);
    let (mut one, mut other) = (Weighted::default(), Weighted::default());
    one.add(3, &drawn(17, 2.0, vec![(17, 4), (0, 4)]), &trial(true));
    other.add(3, &drawn(17, 2.0, Vec::new()), &trial(false));
    other.add(4, &drawn(17, 4.0, vec![(17, 8)]), &trial(false));
    one.merge(&other);
    let design = Stratified::new(8, true, vec![1]);
    // Image 3: 2 of 8 by weights; the prediction from image 4 is 0. Image 4: predicted 1/2 times 8 candidates, of which
    // 4 were found masked.
    assert_eq!(one.by_image(&design, |cell| cell.outcomes[SDC]), [0.25, 0.25]);
}
