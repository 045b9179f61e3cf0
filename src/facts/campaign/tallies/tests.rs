use super::*;
use crate::campaign::{Faults, Prediction};
use crate::fault::{FaultModel, Format, InjectedFault, Target};
use crate::outcome::Outcome;

fn config(grouping: Option<&str>) -> CampaignConfig {
    CampaignConfig {
        model: "m".to_owned(),
        seed: 1,
        images: None,
        faults: Faults::Each(1),
        fault_model: FaultModel::default(),
        grouping: grouping.map(str::to_owned),
        protect: None,
        compared: None,
        on_bad_image: Default::default(),
        design: None,
        exhaustive: false,
        until: None,
        numbers: Default::default(),
    }
}

fn grouping() -> Grouping {
    let text = r#"
        name = "g"
        classes = 3
        [[group]]
        name = "people"
        critical = true
        classes = "0"
        [[group]]
        name = "things"
        critical = false
        classes = "1-2"
    "#;
    Grouping::from_toml("g", text).unwrap()
}

fn fault(layer: &str, bit: u8) -> InjectedFault {
    let layer = layer.to_owned();
    InjectedFault {
        target: Target::Activation,
        tensor: layer.clone(),
        layer,
        element: 0,
        kind: None,
        bit: Some(bit),
        bits: None,
        format: Format::F32,
        before: 0.0,
        after: 1.0,
    }
}

fn record(golden: usize, faulty: usize, scm: Option<bool>, faults: &[InjectedFault]) -> Record {
    Record {
        image: 0,
        label: None,
        golden: Prediction { class: golden },
        faulty: Prediction { class: faulty },
        outcome: if golden == faulty { Outcome::Masked } else { Outcome::Sdc },
        due: false,
        scm,
        fault: faults.first().cloned(),
        errors: None,
        pixels: None,
        elements: Vec::new(),
        faults: if faults.len() > 1 { faults.to_vec() } else { Vec::new() },
        drawn: None,
        protected: Vec::new(),
        scores: None,
    }
}

#[test]
fn outcomes_are_counted_by_field_bit_and_layer() {
    let mut tallies = Tallies::new(config(Some("g")), vec!["a".to_owned(), "b".to_owned()], Some(grouping()));
    tallies.add(&record(0, 0, Some(false), &[fault("a", 0)]));
    tallies.add(&record(0, 1, Some(true), &[fault("b", 30)]));
    tallies.add(&record(1, 2, Some(false), &[fault("b", 30)]));
    tallies.add(&Record { due: true, ..record(1, 1, Some(false), &[fault("b", 31)]) });
    let summary = tallies.summary(true);
    assert!(summary.complete);
    assert_eq!(summary.faults.masked, Rate::new(2, 4));
    assert_eq!(summary.faults.sdc, Rate::new(2, 4));
    assert_eq!(summary.faults.due, Rate::new(1, 4));
    assert_eq!(summary.faults.scm, Some(Rate::new(1, 4)));
    assert_eq!(summary.faults.scm_of_sdc, Some(Rate::new(1, 2)));
    let fields: Vec<_> = summary.fields.iter().map(|row| (row.field, row.faults.sdc)).collect();
    let expected = [
        (BitField::Sign, Rate::new(0, 1)),
        (BitField::Exponent, Rate::new(2, 2)),
        (BitField::Mantissa, Rate::new(0, 1)),
    ];
    assert_eq!(fields, expected);
    assert_eq!(summary.bits.iter().map(|row| row.bit).collect::<Vec<_>>(), [0, 30, 31]);
    let layers: Vec<_> = summary.layers.iter().map(|row| (row.layer.as_str(), row.faults.sdc)).collect();
    assert_eq!(layers, [("a", Rate::new(0, 1)), ("b", Rate::new(2, 3))]);
}

#[test]
fn a_trial_of_several_faults_counts_once_a_layer_and_once_a_bit() {
    let mut tallies = Tallies::new(config(None), vec!["a".to_owned(), "b".to_owned()], None);
    tallies.add(&record(0, 1, None, &[fault("a", 3), fault("a", 3), fault("b", 4)]));
    let summary = tallies.summary(false);
    assert_eq!(summary.faults.injections, 1);
    assert!(summary.layers.iter().all(|row| row.faults.sdc == Rate::new(1, 1)), "{:?}", summary.layers);
    assert!(summary.bits.iter().all(|row| row.faults.sdc == Rate::new(1, 1)), "{:?}", summary.bits);
    assert_eq!(summary.fields.len(), 1);
}

#[test]
fn golden_errors_are_judged_by_the_grouping() {
    let mut tallies = Tallies::new(config(Some("g")), Vec::new(), Some(grouping()));
    tallies.add_golden(Some(0), 0);
    tallies.add_golden(Some(0), 2);
    tallies.add_golden(Some(1), 2);
    tallies.add_golden(Some(1), 0);
    tallies.add_golden(None, 1);
    tallies.add(&record(0, 1, Some(true), &[fault("a", 30)]));
    let summary = tallies.summary(true);
    assert_eq!(summary.golden.images, 5);
    assert_eq!(summary.golden.accuracy, Some(Rate::new(1, 4)));
    assert_eq!(summary.golden.scm, Some(Rate::new(1, 3)));
    let ratio = summary.scm_ratio.unwrap();
    assert!((ratio - 3.0).abs() < 1e-12, "{ratio}");
}

#[test]
fn what_is_unknown_is_null_not_zero() {
    let summary = Tallies::new(config(None), Vec::new(), None).summary(false);
    assert_eq!((summary.golden.accuracy, summary.golden.scm), (None, None));
    assert_eq!((summary.faults.scm, summary.faults.scm_of_sdc, summary.scm_ratio), (None, None, None));
    assert_eq!(summary.faults.sdc, Rate::new(0, 0));
}

#[test]
fn a_summary_survives_json() {
    let mut tallies = Tallies::new(config(Some("g")), vec!["a".to_owned()], Some(grouping()));
    for faulty in [0, 0, 1, 1] {
        tallies.add(&record(0, faulty, Some(faulty == 1), &[fault("a", 30)]));
    }
    let summary = tallies.summary(true);
    let text = serde_json::to_string(&summary).unwrap();
    let read: Summary = serde_json::from_str(&text).unwrap();
    assert_eq!(read.config, summary.config);
    assert_eq!(read.fields[0].field, BitField::Exponent);
    assert_eq!(read.bits[0].bit, 30);
    assert_eq!(read.layers[0].layer, "a");
    for faults in [&read.faults, &read.fields[0].faults, &read.bits[0].faults, &read.layers[0].faults] {
        assert_eq!((faults.injections, faults.sdc.count, faults.sdc.of), (4, 2, 4));
        assert_eq!(faults.scm_of_sdc.map(|rate| rate.rate), Some(1.0));
    }
}

/// Every pair of label and golden prediction, several trials each.
fn trials() -> Vec<(Option<usize>, Record)> {
    let mut all = Vec::new();
    for (image, (label, golden)) in [(0, 0), (0, 1), (0, 2), (1, 1), (1, 0), (2, 1)].into_iter().enumerate() {
        for faulty in 0..3 {
            let fault = fault(if faulty == 0 { "a" } else { "b" }, 29 + faulty as u8);
            let record = Record { image, label: Some(label), ..record(golden, faulty, None, &[fault]) };
            all.push((Some(label), record));
        }
    }
    all
}

fn count(trials: &[(Option<usize>, Record)]) -> Tallies {
    let mut tallies = Tallies::new(None, ["a".to_owned()], Some(grouping()));
    for (index, (label, record)) in trials.iter().enumerate() {
        if index % 3 == 0 {
            tallies.add_golden(*label, record.golden.class);
        }
        tallies.add(record);
    }
    tallies
}

#[test]
fn starting_sets_are_those_of_the_study() {
    let summary = count(&trials()).summary(true);
    let sets: Vec<_> = summary.starts.iter().map(|set| (set.start, set.images, set.faults.masked)).collect();
    let expected = [
        (Start::Correct, 2, Rate::new(2, 6)),
        (Start::Scm, 2, Rate::new(2, 6)),
        (Start::NonScm, 2, Rate::new(2, 6)),
        (Start::Misclassified, 4, Rate::new(4, 12)),
    ];
    assert_eq!(sets, expected);
    // From 0, people, each of two SDCs is critical; from 1, a thing, none is: one set has golden 0 and golden 1.
    let scm: Vec<_> = summary.starts.iter().map(|set| set.faults.scm_of_sdc.unwrap()).collect();
    assert_eq!(scm, [Rate::new(2, 4), Rate::new(0, 4), Rate::new(2, 4), Rate::new(2, 8)]);
    for set in &summary.starts {
        let (scm, rest) = (set.faults.scm_of_sdc.unwrap(), set.non_scm_of_sdc.unwrap());
        assert_eq!((scm.count + rest.count, rest.of), (scm.of, scm.of), "they are normalised");
        assert_eq!(set.scm_ratio, Some(Ratio::new(&scm, &summary.golden.scm.unwrap())));
    }
    assert_eq!(summary.golden.scm, Some(Rate::new(2, 4)));
    assert_eq!(summary.golden.non_scm, Some(Rate::new(2, 4)));
}

#[test]
fn without_a_grouping_there_are_two_starting_sets() {
    let mut tallies = Tallies::new(None, [], None);
    for (label, record) in trials() {
        tallies.add_golden(label, record.golden.class);
        tallies.add(&record);
    }
    let starts = tallies.summary(true).starts;
    assert_eq!(starts.iter().map(|set| set.start).collect::<Vec<_>>(), [Start::Correct, Start::Misclassified]);
    assert!(starts.iter().all(|set| set.scm_ratio.is_none() && set.non_scm_of_sdc.is_none()));
}

#[test]
fn golden_errors_are_listed_by_class() {
    let classes = count(&trials()).classes();
    let error = |class, scm| ClassError { class, count: 1, scm: Some(scm) };
    let expected = [
        ClassErrors { class: 0, images: 3, errors: vec![error(1, true), error(2, true)] },
        ClassErrors { class: 1, images: 2, errors: vec![error(0, false)] },
        ClassErrors { class: 2, images: 1, errors: vec![error(1, false)] },
    ];
    assert_eq!(classes, expected);
}

#[test]
fn what_is_counted_apart_adds_up() {
    let trials = trials();
    let all = count(&trials);
    for cut in [0, 3, 9, 18] {
        let mut sum = count(&trials[..cut]);
        sum.merge(&count(&trials[cut..]));
        assert_eq!(sum.summary(true), all.summary(true), "cut at {cut}");
        assert_eq!((sum.classes(), sum.layer_bits()), (all.classes(), all.layer_bits()));
    }
    let cells: Vec<_> =
        all.layer_bits().iter().map(|cell| (cell.layer.clone(), cell.bit, cell.injections, cell.sdc)).collect();
    assert_eq!(cells, [("a".to_owned(), 29, 6, 4), ("b".to_owned(), 30, 6, 3), ("b".to_owned(), 31, 6, 5)]);
}

#[test]
fn a_log_that_does_not_say_whether_a_fault_was_detected_has_no_due_rate() {
    let mut tallies = Tallies::new(None, [], None);
    tallies.observe(&Observation::<String> {
        image: 0,
        label: None,
        golden: 1,
        faulty: 2,
        due: None,
        faults: &[],
        errors: None,
        draw: None,
        protected: &[],
        scores: None,
    });
    let summary = tallies.summary(true);
    assert_eq!((summary.faults.due, summary.faults.sdc), (Rate::new(0, 0), Rate::new(1, 1)));
}
