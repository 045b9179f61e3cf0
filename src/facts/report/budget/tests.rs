use super::*;

fn layer(layer: &str, bits: u64, faults: u64, dangerous: u64) -> LayerMeasured {
    LayerMeasured { layer: layer.to_owned(), bits, faults, dangerous }
}

fn campaign(target: Target, protection: Option<&str>, layers: Vec<LayerMeasured>) -> Measured {
    let name = format!("{target:?} {protection:?}");
    Measured { name, target, protection: protection.map(str::to_owned), until: false, layers }
}

fn assumed() -> Assumptions {
    Assumptions {
        fit_per_mbit: [20.0, 2000.0],
        target_fit: 10.0,
        residency: Residency::default(),
        dangerous: Dangerous::Scm,
    }
}

fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-9 * expected.abs(), "{found}, {expected} expected");
}

#[test]
fn a_rate_is_the_sum_over_layers_of_bits_live_share_and_probability() {
    let layers = vec![layer("a", 2 << 20, 1000, 10), layer("b", 6 << 20, 500, 50)];
    let residency = Residency { layers: [("b".to_owned(), 0.5)].into(), ..Residency::default() };
    let budget =
        Budget::new(vec![campaign(Target::Weight, None, layers)], Assumptions { residency, ..assumed() }).unwrap();
    let memory = &budget.variants[0].memories[0];
    close(memory.fit_per_raw, 2.0 * 0.01 + 6.0 * 0.5 * 0.1);
    close(memory.probability, 0.32 / 5.0);
    // Upper bounds by scipy: beta.ppf(0.95, 11, 990) and beta.ppf(0.95, 51, 450).
    let upper = 0.32 + f64::hypot(2.0 * (UPPER_A - 0.01), 3.0 * (UPPER_B - 0.1));
    assert!((memory.fit_per_raw_upper - upper).abs() < 1e-9, "{} {upper}", memory.fit_per_raw_upper);
    let rates = &budget.variants[0].rates;
    assert_eq!(
        rates.iter().map(|rate| rate.fit_per_mbit.round()).collect::<Vec<_>>(),
        [20.0, 63.0, 200.0, 632.0, 2000.0]
    );
    close(rates[0].fit, 6.4);
    assert_eq!(rates.iter().map(|rate| rate.target_met).collect::<Vec<_>>(), [true, false, false, false, false]);
    close(rates[4].coverage_needed, 1.0 - 10.0 / (2000.0 * memory.fit_per_raw_upper));
    close(budget.variants[0].single_point_fault_metric, 1.0 - 0.32 / 5.0);
}

#[test]
fn what_no_fault_has_struck_counts_as_dangerous_in_the_bound() {
    let layers = vec![layer("a", 1 << 20, 3000, 0), layer("last", 1 << 10, 0, 0)];
    let budget = Budget::new(vec![campaign(Target::Activation, None, layers)], assumed()).unwrap();
    let memory = &budget.variants[0].memories[0];
    assert_eq!((memory.fit_per_raw, memory.bits_without_fault), (0.0, 1 << 10));
    close(memory.fit_per_raw_upper, (1.0 - 0.05f64.powf(1.0 / 3000.0)) + 1.0 / 1024.0);
    assert!(tables(&budget)[0].notes[0].starts_with("1,024 of 1,049,600 bits"));
}

#[test]
fn a_protection_is_compared_with_none_and_leaves_other_memories_as_they_are() {
    let plain = || vec![layer("a", 1 << 20, 1000, 100)];
    let campaigns = vec![
        campaign(Target::Activation, None, plain()),
        campaign(Target::Activation, Some("range"), vec![layer("a", 1 << 20, 1000, 10)]),
        campaign(Target::Weight, None, plain()),
    ];
    let budget = Budget::new(campaigns, assumed()).unwrap();
    assert_eq!(budget.variants.len(), 2);
    let [weights, activations] = &budget.variants[1].memories[..] else { panic!("two memories") };
    assert_eq!((weights.protection.clone(), weights.diagnostic_coverage), (None, None));
    close(activations.diagnostic_coverage.unwrap(), 0.9);
    close(budget.variants[1].rates[0].fit, 20.0 * 0.11);
}

/// Of a campaign that compares protections, each has the counts of its own silent errors.
#[test]
fn protections_on_the_same_faults_become_variants() {
    use crate::report::tests::{compared, protected, read};
    let text = [
        protected(0, 7, r#"{"class":4},{"class":7}"#),
        protected(0, 7, r#"{"class":7},{"class":7,"detected":true}"#),
        protected(1, 7, r#"{"class":4},{"class":7}"#),
        protected(1, 4, r#"{"class":5},{"class":4}"#),
    ];
    let summary = read(&compared(2, 2), &text.concat()).unwrap().summary;
    let plain = campaign(Target::Activation, None, vec![layer("conv", 1 << 20, 0, 0), layer("relu", 1 << 20, 4, 3)]);
    let others = plain.protected(&summary, Dangerous::Sdc);
    let found: Vec<_> = others.iter().map(|one| (one.protection.as_deref(), one.layers.clone())).collect();
    let layers = |dangerous| vec![layer("conv", 1 << 20, 0, 0), layer("relu", 1 << 20, 4, dangerous)];
    assert_eq!(found, [(Some("ranger"), layers(2)), (Some("nan-check"), layers(2))]);
    let budget = Budget::new([vec![plain], others].concat(), assumed()).unwrap();
    assert_eq!(budget.variants.len(), 3);
    close(budget.variants[1].memories[0].diagnostic_coverage.unwrap(), 1.0 / 3.0);
    let page = crate::report::html_budget("m", &budget);
    assert!(page.matches("nan-check").count() >= 3, "a line, its legend and rows");
}

/// The share of 400 simulated campaigns whose bound is above the true rate, for layers of very different size and danger.
#[test]
fn the_bound_holds_in_simulated_campaigns() {
    use rand::{RngExt, SeedableRng};
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(11);
    let truth = [(0.3, 0.02), (5.0, 0.001), (1.0, 0.0), (0.01, 0.6), (2.0, 0.008)];
    let exact: f64 = truth.iter().map(|(weight, share)| weight * share).sum();
    for faults in [30u64, 200, 1000] {
        let mut held = 0;
        for _ in 0..400 {
            let layers = truth.iter().enumerate().map(|(index, &(weight, share))| {
                let dangerous = (0..faults).filter(|_| rng.random_bool(share)).count() as u64;
                layer(&index.to_string(), (weight * MBIT) as u64, faults, dangerous)
            });
            let campaign = campaign(Target::Weight, None, layers.collect());
            let budget = Budget::new(vec![campaign], assumed()).unwrap();
            held += u32::from(budget.variants[0].memories[0].fit_per_raw_upper >= exact * (1.0 - 1e-6));
        }
        assert!(held >= 376, "{held} of 400 with {faults} faults a layer; 95 % less two standard errors are 372");
    }
}

#[test]
fn what_makes_no_budget_is_refused() {
    let plain = || campaign(Target::Weight, None, vec![layer("a", 32, 5, 1)]);
    let refused = |campaigns, assumed| Budget::new(campaigns, assumed).unwrap_err().to_string();
    assert!(refused(vec![plain(), plain()], assumed()).contains("both measure weights"));
    let protected = || campaign(Target::Weight, Some("range"), vec![layer("a", 32, 5, 1)]);
    assert!(refused(vec![protected()], assumed()).contains("without a protection is needed"));
    assert!(refused(vec![plain(), protected(), protected()], assumed()).contains("both measure weights range"));
    for range in [[0.0, 1.0], [5.0, 1.0], [f64::NAN, 1.0], [1.0, f64::INFINITY]] {
        assert!(refused(vec![plain()], Assumptions { fit_per_mbit: range, ..assumed() }).contains("raw rates"));
    }
    assert!(refused(vec![plain()], Assumptions { target_fit: -1.0, ..assumed() }).contains("the target is"));
    let residency = Residency { layers: [("b".to_owned(), 0.5)].into(), ..Residency::default() };
    assert!(refused(vec![plain()], Assumptions { residency, ..assumed() }).contains("no campaign has struck: \"b\""));
    let residency = Residency { weights: 1.5, ..Residency::default() };
    assert!(refused(vec![plain()], Assumptions { residency, ..assumed() }).contains("from 0 to 1"));
}

const UPPER_A: f64 = 0.016903175120563;
const UPPER_B: f64 = 0.124865807413809;
