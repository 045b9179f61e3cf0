use proptest::prelude::*;

use super::*;
use crate::labels::Grouping;

/// The interval as the two roots of the score equation, found by bisection: an independent derivation.
fn wilson_by_bisection(count: u64, of: u64, z: f64) -> (f64, f64) {
    let observed = count as f64 / of as f64;
    let score = |p: f64| (observed - p).abs() - z * (p * (1.0 - p) / of as f64).sqrt();
    let root = |mut inside: f64, mut outside: f64| {
        for _ in 0..200 {
            let middle = f64::midpoint(inside, outside);
            if score(middle) <= 0.0 { inside = middle } else { outside = middle }
        }
        inside
    };
    (root(observed, 0.0), root(observed, 1.0))
}

proptest! {
    #[test]
    fn wilson_solves_the_score_equation(of in 1u64..100_000, share in 0.0f64..=1.0) {
        let count = (share * of as f64) as u64;
        let (low, high) = wilson(count, of, 1.96);
        let (expected_low, expected_high) = wilson_by_bisection(count, of, 1.96);
        prop_assert!((low - expected_low).abs() < 1e-9 && (high - expected_high).abs() < 1e-9);
        let observed = count as f64 / of as f64;
        prop_assert!(0.0 <= low && low <= observed && observed <= high && high <= 1.0);
    }
}

/// statsmodels 0.15.0, `proportion_confint(count, nobs, method="wilson")`.
#[test]
fn wilson_agrees_with_statsmodels() {
    for (count, of, low, high) in [
        (0, 10, 0.0, 0.277_532_799_862_889_3),
        (1, 10, 0.017_876_213_095_072_924, 0.404_150_026_795_238_5),
        (50, 100, 0.403_831_530_365_106_2, 0.596_168_469_634_004_4),
    ] {
        let rate = Rate::new(count, of);
        assert!((rate.low - low).abs() < 1e-12 && (rate.high - high).abs() < 1e-12, "{rate:?}");
    }
    assert_eq!((Rate::new(0, 0).low, Rate::new(0, 0).high), (0.0, 1.0));
}

/// statsmodels 0.15.0, `confint_proportions_2indep(x1, n1, x2, n2, method="score", compare="ratio", correction=False)`.
#[test]
fn koopman_agrees_with_statsmodels() {
    for (one, other, low, high) in [
        ((40, 100), (10, 100), 2.172_815_086_204_211_3, 7.551_284_206_021_87),
        ((3, 20), (5, 30), 0.255_267_669_030_636_63, 3.028_352_356_761_557),
        ((300, 1000), (290, 2000), 1.793_890_219_739_431_3, 2.384_736_164_536_803),
        ((1, 10), (9, 10), 0.019_719_383_314_441_192, 0.468_313_148_691_663_24),
        ((12, 15), (40, 2000), 25.029_908_659_214_243, 57.532_989_870_522_43),
    ] {
        let ratio = Ratio::new(&Rate::new(one.0, one.1), &Rate::new(other.0, other.1));
        let found = (ratio.low, ratio.high.unwrap());
        assert!((found.0 / low - 1.0).abs() < 1e-6 && (found.1 / high - 1.0).abs() < 1e-6, "{ratio:?}");
    }
}

#[test]
fn a_ratio_without_an_end_says_so() {
    let none = Ratio::new(&Rate::new(0, 20), &Rate::new(5, 20));
    assert_eq!((none.ratio, none.low), (Some(0.0), 0.0));
    let infinite = Ratio::new(&Rate::new(5, 20), &Rate::new(0, 20));
    assert_eq!((infinite.ratio, infinite.high), (None, None));
    assert!(infinite.low > 1.0, "{infinite:?}");
    let unknown = Ratio::new(&Rate::new(0, 0), &Rate::new(5, 20));
    assert_eq!((unknown.ratio, unknown.low, unknown.high), (None, 0.0, None));
    assert_eq!(unknown.comparison(), Comparison::Unknown);
    let all = Ratio::new(&Rate::new(20, 20), &Rate::new(20, 20));
    assert!(all.ratio == Some(1.0) && all.low < 1.0 && all.high > Some(1.0), "{all:?}");
}

#[test]
fn a_comparison_needs_an_interval_on_one_side_of_one() {
    let compare = |one: (u64, u64), other: (u64, u64)| {
        Ratio::new(&Rate::new(one.0, one.1), &Rate::new(other.0, other.1)).comparison()
    };
    assert_eq!(compare((400, 1000), (100, 1000)), Comparison::More);
    assert_eq!(compare((100, 1000), (400, 1000)), Comparison::Less);
    assert_eq!(compare((400, 1000), (410, 1000)), Comparison::Alike);
    assert_eq!(compare((4, 10), (3, 10)), Comparison::Unknown);
    assert_eq!(compare((30, 40), (0, 40)), Comparison::More);
}

#[test]
fn few_trials_are_too_few_to_say() {
    assert!(Rate::new(0, 0).too_few());
    assert!(Rate::new(0, 15).too_few() && !Rate::new(0, 16).too_few());
    assert!(Rate::new(46, 92).too_few() && !Rate::new(47, 94).too_few());
}

#[test]
fn top1_is_the_first_maximum_and_the_first_nan_wins() {
    assert_eq!(top1(&[1.0, 3.0, 3.0]), 1);
    assert_eq!(top1(&[1.0, f32::NAN, f32::INFINITY, f32::NAN]), 1);
    assert_eq!(top1(&[f32::NEG_INFINITY, f32::NEG_INFINITY]), 0);
    assert_eq!(top1(&[-0.0, 0.0]), 0);
}

#[test]
fn a_verdict_names_sdc_due_and_scm() {
    let grouping = Grouping::from_toml(
        "signs.toml",
        "name = \"signs\"\nclasses = 4\n[[group]]\nname = \"stop\"\ncritical = true\nclasses = \"0-1\"\n\
         [[group]]\nname = \"rest\"\ncritical = false\nclasses = \"2 3\"",
    )
    .unwrap();
    let judge = |golden: usize, faulty: &[f32]| {
        let scores: Vec<f32> = (0..4).map(|class| if class == golden { 1.0 } else { 0.0 }).collect();
        Verdict::new(&scores, faulty, Some(&grouping))
    };
    let critical = judge(0, &[0.0, 0.0, 1.0, 0.0]);
    assert_eq!(critical, Verdict { outcome: Outcome::Sdc, due: false, scm: Some(true) });
    assert_eq!(judge(0, &[0.0, 1.0, 0.0, 0.0]).scm, Some(false), "inside one group");
    assert_eq!(judge(2, &[1.0, 0.0, 0.0, 0.0]).scm, Some(false), "from a group that is not critical");
    let detected = judge(0, &[f32::NAN, 0.0, 0.0, 0.0]);
    assert_eq!(detected, Verdict { outcome: Outcome::Masked, due: true, scm: Some(false) });
    assert_eq!(Verdict::new(&[1.0], &[1.0], None).scm, None);
}

#[test]
fn minus_infinity_is_a_failure_only_where_the_golden_run_has_none() {
    const MINUS: f32 = f32::NEG_INFINITY;
    let due = |faulty: &[f32]| Verdict::new(&[0.0, MINUS, -1.0], faulty, None).due;
    assert!(!due(&[0.0, MINUS, -2.0]) && !due(&[0.0, -5.0, -2.0]));
    assert!(due(&[0.0, MINUS, MINUS]) && due(&[f32::INFINITY, MINUS, 0.0]) && due(&[0.0, f32::NAN, 0.0]));
}
