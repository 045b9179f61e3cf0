use proptest::prelude::*;

use super::super::*;
use crate::campaign::{CampaignConfig, Position, Prediction, Record, Sequence, Tallies};
use crate::fault::{BitField, Bits, Format, InjectedFault, Target};
use crate::labels::Grouping;
use crate::outcome::{Decision, Outcome, Pairs, Rate};

fn compared(methods: &[&str]) -> Compared {
    let guarded = |name: &&str| Guarded {
        method: name.parse().unwrap(),
        layers: vec!["a".to_owned()],
        overhead: Cost { operations: 50, parameters: 2, bytes: 8 },
        learnt: None,
    };
    Compared {
        methods: methods.iter().map(guarded).collect(),
        profile: ProfileOf { images: 16, data: None },
        inference: Cost { operations: 1000, parameters: 100, bytes: 0 },
    }
}

fn config(methods: &[&str]) -> CampaignConfig {
    CampaignConfig { compared: Some(compared(methods)), ..CampaignConfig::new("m") }
}

/// Of three classes, 0 is critical.
fn grouping() -> Grouping {
    let text = "name = \"g\"\nclasses = 3\n[[group]]\nname = \"people\"\ncritical = true\nclasses = \"0\"\n\
                [[group]]\nname = \"things\"\ncritical = false\nclasses = \"1-2\"\n";
    Grouping::from_toml("g", text).unwrap()
}

fn run(class: usize) -> Protected {
    Protected { class, detected: false, due: false, golden: None, alarm: false }
}

fn record(image: usize, golden: usize, faulty: usize, protected: Vec<Protected>) -> Record {
    let fault = InjectedFault {
        target: Target::Activation,
        layer: if image.is_multiple_of(2) { "a" } else { "b" }.to_owned(),
        tensor: "t".to_owned(),
        element: 7,
        kind: None,
        bit: Some(30 + (image % 2) as u8),
        bits: None,
        format: Format::F32,
        before: 0.0,
        after: 1.0,
    };
    Record {
        image,
        label: Some(golden),
        golden: Prediction { class: golden },
        faulty: Prediction { class: faulty },
        outcome: if golden == faulty { Outcome::Masked } else { Outcome::Sdc },
        due: false,
        scm: None,
        fault: Some(fault),
        faults: Vec::new(),
        errors: None,
        elements: Vec::new(),
        pixels: None,
        drawn: None,
        protected,
        scores: None,
    }
}

fn count(methods: &[&str], records: &[(Position, Record)]) -> Tallies {
    let mut tallies = Tallies::new(config(methods), ["a".to_owned(), "b".to_owned()], Some(grouping()));
    records.iter().for_each(|(position, record)| tallies.replay(*position, record));
    tallies
}

#[test]
fn each_trial_has_one_of_six_effects() {
    let detected = |class| Protected { detected: true, ..run(class) };
    let other = |class, golden| Protected { golden: Some(golden), ..run(class) };
    let trials = [
        // Bad without.
        (1, run(0)),      // mended
        (1, other(2, 2)), // mended: the protected network's own golden class
        (1, detected(0)), // detected
        (1, detected(1)), // detected
        (1, run(2)),      // missed
        (1, other(0, 2)), // missed: the unprotected network's golden class is wrong here
        // Right without.
        (0, run(1)),      // worse
        (0, detected(1)), // needless
        (0, detected(0)), // needless
        (0, run(0)),      // unchanged
        (0, other(2, 2)), // unchanged
    ];
    let records = trials.map(|(faulty, run)| record(0, 0, faulty, vec![run]));
    let records: Vec<_> = (0..).map(|fault| Position { nth: 0, fault }).zip(records).collect();
    let summary = count(&["ranger"], &records).summary(true);
    let [one] = &summary.protections[..] else { panic!("one protection") };
    let expected = Effects { mended: 2, detected: 2, missed: 2, worse: 1, needless: 2, unchanged: 2 };
    assert_eq!(one.effects, expected);
    assert_eq!(
        (one.sdc.without, one.sdc.with, one.sdc.coverage),
        (Rate::new(6, 11), Rate::new(3, 11), Rate::new(4, 6))
    );
    assert_eq!(one.sdc.without, summary.faults.sdc);
    // Class 0 is critical, and only it: 0 taken for another class, and with the protection 2 or 0 for another one.
    let scm = one.scm.unwrap();
    assert_eq!((scm.without, scm.with, scm.discordant), (Rate::new(6, 11), Rate::new(2, 11), [5, 1]));
    assert_eq!(scm.without, summary.faults.scm.unwrap());
    let pairs = Pairs { both: 2, first: 4, second: 1, neither: 4 };
    assert_eq!((one.sdc.difference, one.sdc.p), (pairs.difference(), Some(pairs.mcnemar())));
    assert_eq!(one.sdc.decision, Decision::TooFewToSay);
}

#[test]
fn golden_runs_are_counted_on_every_image_with_and_without_the_protection() {
    let alarm = Protected { alarm: true, ..run(1) };
    let changed = Protected { golden: Some(0), ..run(2) };
    let records = [record(0, 1, 2, vec![alarm]), record(0, 1, 1, vec![alarm]), record(1, 1, 1, vec![changed])];
    let positions = [(0, 0), (0, 1), (1, 0)].map(|(nth, fault)| Position { nth, fault });
    let records: Vec<_> = positions.into_iter().zip(records).collect();
    let found = count(&["nan-check"], &records).summary(true).protections.remove(0).golden;
    let expected = ProtectedGolden {
        accuracy_without: Some(Rate::new(2, 2)),
        accuracy: Some(Rate::new(1, 2)),
        changed: Rate::new(1, 2),
        false_alarms: Rate::new(1, 2),
    };
    assert_eq!(found, expected);
    // The golden runs as the runner reports them.
    let mut tallies = Tallies::new(config(&["nan-check"]), [], None);
    tallies.add_golden(Some(1), 1);
    tallies.add_golden_protected(Some(1), 1, &[Protected { alarm: true, detected: true, ..run(1) }]);
    tallies.add_golden(Some(1), 1);
    tallies.add_golden_protected(Some(1), 1, &[Protected { golden: Some(0), ..run(0) }]);
    assert_eq!(tallies.summary(true).protections[0].golden, expected);
}

#[test]
fn costs_are_given_as_shares_of_an_inference() {
    let summary = count(&["ranger", "secded"], &[]).summary(true);
    let [ranger, secded] = &summary.protections[..] else { panic!("two protections") };
    assert_eq!(ranger.overhead.operations_share, Some(0.05));
    assert_eq!((ranger.overhead.parameters_share, ranger.overhead.bytes_share), (Some(0.02), None));
    assert_eq!((ranger.profile.as_ref().map(|profile| profile.images), secded.profile.as_ref()), (Some(16), None));
}

#[test]
fn faults_that_one_protection_saves_and_another_loses_are_listed() {
    let records: Vec<_> = (0..50)
        .map(|image| (Position { nth: image, fault: 0 }, record(image, 0, 1, vec![run(0), run(2)])))
        .chain([(Position { nth: 50, fault: 0 }, record(50, 0, 0, vec![run(1), run(0)]))])
        .collect();
    let summary = count(&["ranger", "range"], &records).summary(true);
    let [ranger, range] = &summary.protections[..] else { panic!("two protections") };
    let [saves] = &ranger.saves[..] else { panic!("one other protection") };
    assert_eq!((saves.other.to_string(), saves.faults, saves.listed.len()), ("range".to_owned(), 50, Saves::LISTED));
    let last = &saves.listed[Saves::LISTED - 1];
    let expected = SavedFault {
        record: 20,
        image: 19,
        layer: Some("b".to_owned()),
        element: Some(7),
        bits: Bits::from_mask(1 << 31),
        golden: 0,
        faulty: 1,
        saved: 0,
        stopped: false,
        lost: 2,
    };
    assert_eq!(*last, expected);
    assert_eq!((range.saves[0].faults, range.saves[0].listed[0].record), (1, 51));
}

#[test]
fn a_fault_that_is_saved_by_a_stop_has_no_prediction() {
    let stopped = Protected { detected: true, ..run(1) };
    let records = [(Position { nth: 0, fault: 0 }, record(0, 0, 1, vec![stopped, run(1)]))];
    let summary = count(&["nan-check", "range"], &records).summary(true);
    let [fault] = &summary.protections[0].saves[0].listed[..] else { panic!("one fault") };
    assert_eq!((fault.saved, fault.stopped), (1, true));
}

#[test]
fn the_correction_is_over_all_protections_and_both_outcomes() {
    // Eight faults that each protection mends: p = 2 / 2^8, four times that with four tests.
    let records: Vec<_> =
        (0..8).map(|image| (Position { nth: image, fault: 0 }, record(image, 0, 1, vec![run(0), run(0)]))).collect();
    let summary = count(&["ranger", "range"], &records).summary(true);
    for one in &summary.protections {
        for paired in [one.sdc, one.scm.unwrap()] {
            assert_eq!((paired.p, paired.p_adjusted), (Some(2.0 / 256.0), Some(8.0 / 256.0)));
            assert_eq!(paired.decision, Decision::Better);
        }
    }
    let alone = count(&["ranger"], &records[..7]).summary(true).protections.remove(0);
    assert_eq!(alone.sdc.p_adjusted, Some(4.0 / 128.0));
}

#[test]
fn a_campaign_of_all_faults_has_no_intervals_and_no_test() {
    let config = CampaignConfig { exhaustive: true, ..config(&["ranger"]) };
    let mut tallies = Tallies::new(config, ["a".to_owned()], None);
    tallies.add(&record(0, 0, 1, vec![run(0)]));
    let one = tallies.summary(true).protections.remove(0);
    assert_eq!((one.sdc.difference.low, one.sdc.difference.high, one.sdc.p), (-1.0, -1.0, None));
    assert_eq!((one.sdc.decision, one.sdc.with.high, one.by_bit[0].part.without.low), (Decision::Better, 0.0, 1.0));
}

#[test]
fn a_list_that_makes_no_comparison_is_refused() {
    let refused = |methods: &[&str]| config(methods).validate().unwrap_err().to_string();
    config(&["ranger", "ranger:channel"]).validate().unwrap();
    assert!(refused(&[]).contains("expected 1 to 32 protections to compare, found 0"), "{}", refused(&[]));
    assert!(refused(&["range", "secded", "range"]).contains("the protection range is given twice"));
    let many: Vec<String> = (1..=33).map(|margin| format!("top-2-margin:{margin}")).collect();
    assert!(refused(&many.iter().map(String::as_str).collect::<Vec<_>>()).contains("found 33"));
}

#[test]
fn records_of_an_image_agree_on_its_golden_runs() {
    let mut sequence = Sequence::new(crate::campaign::Faults::Each(3), 1);
    let same = record(0, 0, 1, vec![run(0), run(1)]);
    sequence.take(&same).unwrap();
    sequence.take(&record(0, 0, 0, vec![run(2), run(2)])).unwrap();
    let other = record(0, 0, 0, vec![run(2), Protected { golden: Some(0), ..run(2) }]);
    let error = sequence.take(&other).unwrap_err().to_string();
    assert!(error.contains("label and golden prediction of image 0 are not those of the record before"), "{error}");
}

#[test]
fn an_entry_fits_into_its_bytes() {
    let largest = Protected { class: usize::MAX, detected: true, due: true, golden: Some(usize::MAX), alarm: true };
    assert_ne!(record(0, 0, 0, vec![largest]).head(), record(0, 0, 0, vec![run(0)]).head());
    assert!(serde_json::to_string(&largest).unwrap().len() < Protected::BYTES);
    let (own, plain) = (config(&["range", "secded"]), CampaignConfig::new("m"));
    assert_eq!(own.most_record_bytes(), plain.most_record_bytes() + 2 * Protected::BYTES);
}

/// Any entry under a protection, of an image whose golden runs are `golden`.
fn entry() -> impl Strategy<Value = (usize, bool, bool)> {
    (0usize..3, prop::bool::weighted(0.2), prop::bool::weighted(0.1))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Counts of a slow program, of one pass and of parts that are added up.
    #[test]
    fn counts_are_those_of_a_slow_program_and_add_up(
        trials in prop::collection::vec((0usize..3, prop::array::uniform3(entry())), 1..160),
        cut in 0usize..160,
        golden in prop::array::uniform4(0usize..3),
        own in prop::array::uniform4(prop::option::of(0usize..3)),
    ) {
        let methods = ["ranger", "secded", "nan-check"];
        let records: Vec<_> = trials.iter().enumerate().map(|(index, (faulty, runs))| {
            // Four images in turn, one of them with other golden runs under the second protection.
            let image = index * 4 / trials.len();
            let fault = index - (0..index).rev().take_while(|&i| i * 4 / trials.len() == image).last().unwrap_or(index);
            let runs = runs.iter().enumerate().map(|(method, &(class, detected, due))| {
                let golden = own[image].filter(|_| method == 1);
                Protected { class, detected, due, golden, alarm: golden.is_some() }
            });
            (Position { nth: image, fault }, record(image, golden[image], *faulty, runs.collect()))
        }).collect();
        let all = count(&methods, &records);
        let cut = cut.min(records.len());
        let mut sum = count(&methods, &records[..cut]);
        sum.merge(&count(&methods, &records[cut..]));
        let summary = all.summary(true);
        prop_assert_eq!(&sum.summary(true), &summary);
        let json = serde_json::to_string(&summary).unwrap();
        let again: crate::campaign::Summary = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(serde_json::to_string(&again).unwrap(), json);

        let grouping = grouping();
        let wrong = |record: &Record, method: usize| {
            let run = record.protected[method];
            let golden = run.golden.unwrap_or(record.golden.class);
            (!run.detected && run.class != golden, golden, run.class)
        };
        for (method, found) in summary.protections.iter().enumerate() {
            let number = |which: &dyn Fn(&Record) -> bool| records.iter().filter(|(_, record)| which(record)).count() as u64;
            let bad = |record: &Record| record.golden.class != record.faulty.class;
            let effects = Effects {
                mended: number(&|r| bad(r) && !r.protected[method].detected && !wrong(r, method).0),
                detected: number(&|r| bad(r) && r.protected[method].detected),
                missed: number(&|r| bad(r) && wrong(r, method).0),
                worse: number(&|r| !bad(r) && wrong(r, method).0),
                needless: number(&|r| !bad(r) && r.protected[method].detected),
                unchanged: number(&|r| !bad(r) && !r.protected[method].detected && !wrong(r, method).0),
            };
            prop_assert_eq!(found.effects, effects);
            prop_assert_eq!(found.sdc.with.count, number(&|r| wrong(r, method).0));
            let scm = number(&|r| { let (sdc, from, to) = wrong(r, method); sdc && grouping.is_scm(from, to) });
            prop_assert_eq!(found.scm.unwrap().with.count, scm);
            prop_assert_eq!(found.due.count, number(&|r| r.protected[method].due));
            let sign = number(&|r| r.image % 2 == 1 && wrong(r, method).0);
            let of_sign = found.by_field.iter().find(|row| row.field == BitField::Sign).map_or(0, |row| row.part.with.count);
            prop_assert_eq!(of_sign, sign);
            let of_bit = found.by_bit.iter().find(|row| row.bit == 31).map_or(0, |row| row.part.with.count);
            let of_layer = found.by_layer.iter().find(|row| row.layer == "b").map_or(0, |row| row.part.with.count);
            prop_assert_eq!((of_bit, of_layer), (sign, sign));
            for (other, method_of_other) in methods.iter().enumerate() {
                let faults = number(&|r| !wrong(r, method).0 && wrong(r, other).0);
                let list = found.saves.iter().find(|saves| saves.other.to_string() == *method_of_other);
                prop_assert_eq!(list.map_or(0, |list| list.faults), faults);
            }
        }
    }
}
