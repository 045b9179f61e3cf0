use proptest::prelude::*;

use super::*;
use crate::fault::{Corruption, Format};

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
    (0..50).for_each(|_| tried.add(Judgement { sdc: true, due: None, scm: true, deviation: None }));
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
    let directed = |bit, score, direction| words(stratum(flip(bit), Format::F32, score, direction), true);
    let named = |bit, score| directed(bit, score, Direction::Other);
    assert_eq!(named(30, Score::Finite(0.5)), "highest exponent bit, score 0.1 to 1");
    assert_eq!(named(31, Score::Finite(-20.0)), "sign, score below -10");
    assert_eq!(named(28, Score::Finite(99.0)), "upper exponent bits, score 10 or more");
    assert_eq!(named(23, Score::Flat(2.0)), "lower exponent bits, gradient 0, change 1 to 100");
    assert_eq!(named(3, Score::NotFinite), "mantissa, not finite");
    assert_eq!(named(3, Score::Proved), "proved masked");
    assert_eq!(
        words(stratum(Corruption::Set(0.0), Format::F32, Score::Unknown(0.5), Direction::Other), false),
        "other, change 0.001 to 1"
    );
    let half = Score::Finite(0.5);
    assert_eq!(directed(30, half, Direction::Raised), "highest exponent bit, score 0.1 to 1, outputs rise");
    assert_eq!(directed(30, half, Direction::Amplified(99.0)), "highest exponent bit, score 0.1 to 1");
    assert_eq!(
        directed(28, half, Direction::Amplified(1e3)),
        "upper exponent bits, variance 100 to 10000 times smaller"
    );
    assert_eq!(
        directed(28, half, Direction::Amplified(1e9)),
        "upper exponent bits, variance 10000 times smaller or more"
    );
    assert_eq!(directed(28, Score::Proved, Direction::Raised), "proved masked");
}

/// No two classes share a number.
#[test]
fn strata_have_numbers_of_their_own() {
    let scores = [-99.0, -5.0, -0.5, -0.01, 0.0, 0.01, 0.5, 5.0, 99.0].map(Score::Finite);
    let changes = [0.0, 0.5, 50.0, 500.0].map(Score::Flat);
    let scores = scores.into_iter().chain(changes).chain([Score::NotFinite]);
    let directions = [Direction::Other, Direction::Raised, Direction::Amplified(1e3), Direction::Amplified(1e6)];
    let mut numbers = std::collections::BTreeMap::new();
    for score in scores {
        for bit in [31, 30, 29, 23, 0] {
            for direction in directions {
                let stratum = stratum(Corruption::flip(bit).unwrap(), Format::F32, score, direction);
                let words = words(stratum, true);
                assert_eq!(numbers.entry(stratum).or_insert_with(|| words.clone()), &words, "{stratum}");
            }
        }
    }
    let all: std::collections::BTreeSet<_> = numbers.values().collect();
    assert_eq!((numbers.len(), all.len()), (5 * (14 * 2 + 2), numbers.len()));
}
