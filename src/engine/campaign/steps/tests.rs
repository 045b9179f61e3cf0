use facts::campaign::{Faults, Scores};
use facts::data::{Image, LabelledImage};
use facts::fault::{Bits, FaultKind, FaultModel, Mode, Target};
use facts::graph::{GraphBuilder, Op, Unary};
use facts::model::{Card, Model};
use proptest::prelude::*;

use super::*;
use crate::campaign::Observe;

/// A network whose scores grow as colours get darker: a colour of 0 gives an infinite score.
fn lab() -> Lab {
    let mut builder = GraphBuilder::new("darkness");
    let input = builder.input("image", [1, 3, 2, 2]).unwrap();
    let inverse = builder.layer("inverse", "Reciprocal", Op::Unary(Unary::Reciprocal), &[input]).unwrap();
    let flat = builder.layer("flat", "Flatten", Op::Reshape { shape: vec![1, 12] }, &[inverse]).unwrap();
    let weight: Vec<f32> = (0..12 * 3).map(|i| if i / 3 / 4 == i % 3 { 0.25 } else { 0.01 }).collect();
    let weight = builder.parameter("fc.weight", HostTensor::new([12, 3], weight).unwrap()).unwrap();
    let scores = builder.layer("fc", "MatMul", Op::MatMul, &[flat, weight]).unwrap();
    let graph = builder.finish(&[scores]).unwrap();
    Lab::cpu(Model::new(graph, Card::default()).unwrap()).unwrap()
}

const IMAGES: usize = 9;

/// Images that are darkest in the colour of their label, except the third and the sixth. The golden run of image
/// `black` fails.
fn images(black: Option<usize>) -> Vec<LabelledImage> {
    let image = |index: usize| {
        let mut rgb = [200, 150 + index as u8, 100];
        rgb[index % 3] = if black == Some(index) { 0 } else { 20 };
        let label = if [2, 5].contains(&index) { (index + 1) % 3 } else { index % 3 };
        LabelledImage {
            name: format!("image {index}"),
            label: Some(label),
            image: Image { width: 2, height: 2, rgb: rgb.repeat(4) },
        }
    };
    (0..IMAGES).map(image).collect()
}

fn plan_of(lab: &Lab, faults: Faults, fault_model: FaultModel) -> Arc<Plan> {
    let config = CampaignConfig {
        model: "darkness".to_owned(),
        seed: 4,
        images: None,
        faults,
        fault_model,
        grouping: None,
        protect: None,
        compared: None,
        on_bad_image: Default::default(),
        design: None,
        exhaustive: false,
        until: None,
        numbers: Default::default(),
    };
    Arc::new(plan(lab, config, &images(None), Images::All(IMAGES)).unwrap())
}

fn in_runs(runs: usize) -> Budget {
    Budget { runs, ..Budget::default() }
}

/// Converts an event to JSON, because NaN equals NaN there.
fn json(event: &CampaignEvent) -> String {
    serde_json::to_string(event).unwrap()
}

fn events(mut work: impl Work) -> (Vec<String>, Option<String>) {
    let mut events = Vec::new();
    loop {
        match pollster::block_on(work.next()) {
            Ok(Some(event)) => events.push(json(&event)),
            Ok(None) => return (events, None),
            Err(error) => {
                let again = pollster::block_on(work.next()).unwrap_err();
                assert_eq!(error.to_string(), again.to_string(), "the same piece is tried again");
                return (events, Some(error.to_string()));
            }
        }
    }
}

/// Returns the events from `start` up to `end`, computed one run at a time.
fn one_by_one(lab: &Lab, plan: &Plan, start: Position, end: Position) -> Vec<String> {
    let mut events = Vec::new();
    for (nth, image) in images(None).into_iter().enumerate() {
        let (model, label) = (lab.model(), image.label);
        let input = model.preprocess().apply(&image.image, model.input_shape()).unwrap();
        let golden = pollster::block_on(lab.golden(&input)).unwrap();
        let class = golden.class;
        let within = |fault| (start..end).contains(&Position { nth, fault });
        if within(0) {
            let correct = Some(label == Some(class));
            events.push(json(&CampaignEvent::Golden { image: nth, label, class, correct, protected: Vec::new() }));
        }
        for fault in (0..plan.config().faults.of(label, class).unwrap()).filter(|&fault| within(fault)) {
            let sites = plan.sites(Position { nth, fault }).unwrap();
            let trial = pollster::block_on(lab.trial(&golden, &sites, Observe::default())).unwrap();
            let record = Record {
                image: nth,
                label,
                golden: Prediction { class },
                faulty: Prediction { class: trial.class },
                outcome: trial.verdict.outcome,
                due: trial.verdict.due,
                scm: trial.verdict.scm,
                fault: trial.faults.first().cloned(),
                errors: plan.errors(fault, &sites),
                pixels: None,
                elements: Vec::new(),
                faults: match trial.faults.len() {
                    0 | 1 => Vec::new(),
                    17.. if plan.config().fault_model.ber.is_some() => Vec::new(),
                    _ => trial.faults,
                },
                drawn: None,
                protected: Vec::new(),
                scores: Some(Scores::between(&golden.logits, class, &trial.logits, trial.class)),
            };
            events.push(json(&CampaignEvent::Injection(Box::new(record))));
        }
    }
    events
}

fn faults() -> impl Strategy<Value = Faults> {
    prop_oneof![
        (1usize..40).prop_map(Faults::Each),
        (1usize..6, 1usize..30).prop_map(|(correct, misclassified)| Faults::ByGolden { correct, misclassified }),
    ]
}

fn fault_model() -> impl Strategy<Value = FaultModel> {
    let kind = prop_oneof![
        Just(FaultKind::BitFlip { bits: Bits::ALL }),
        Just(FaultKind::Random),
        Just(FaultKind::Zero { percent: Some(20.0) })
    ];
    let target = prop_oneof![Just(Target::Activation), Just(Target::Weight)];
    let mode = prop_oneof![Just(Mode::Single), Just(Mode::Multiple)];
    let one = (target.clone(), kind, mode, 1usize..4).prop_map(|(target, kind, mode, amount)| FaultModel {
        target,
        kind,
        mode,
        amount,
        ..FaultModel::default()
    });
    // So many flips that some records list them all, some list the first, and some have none.
    let errors = target.prop_map(|target| {
        let ber = Some("1e-5,1e-3..1e-1".parse().unwrap());
        FaultModel { target, ber, ..FaultModel::default() }
    });
    prop_oneof![3 => one, 1 => errors]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn waves_of_any_size_make_what_is_made_one_by_one(
        faults in faults(), fault_model in fault_model(), runs in 0usize..60,
        from in (0..IMAGES, 0.0f64..1.0), to in (0..=IMAGES, 0.0f64..1.0),
    ) {
        let lab = lab();
        let plan = plan_of(&lab, faults, fault_model);
        let at = |(nth, share): (usize, f64)| Position { nth, fault: (share * faults.at_most() as f64) as usize };
        let end = at(to).min(Position { nth: IMAGES, fault: 0 });
        let steps = Steps::new(&lab, images(None), plan.clone()).within(in_runs(runs)).between(at(from), at(to));
        prop_assert_eq!(events(steps), (one_by_one(&lab, &plan, at(from), end), None));
    }

    #[test]
    fn a_golden_run_that_fails_is_told_after_all_that_was_before_it(
        faults in faults(), runs in 0usize..60, black in 0..IMAGES,
    ) {
        let lab = lab();
        let plan = plan_of(&lab, faults, FaultModel::default());
        let (events, error) = events(Steps::new(&lab, images(Some(black)), plan.clone()).within(in_runs(runs)));
        let end = Position { nth: black, fault: 0 };
        prop_assert_eq!(events, one_by_one(&lab, &plan, Position::default(), end));
        let (error, name) = (error.unwrap(), format!("image {black}: the golden run fails"));
        prop_assert!(error.starts_with(&name), "{}", error);
    }
}

#[test]
fn what_a_wave_has_made_is_at_hand() {
    let lab = lab();
    let plan = plan_of(&lab, Faults::Each(3), FaultModel::default());
    let mut steps = Steps::new(&lab, images(None), plan).within(in_runs(12));
    assert!(!steps.is_at_hand());
    // Three images and their faults. The next three images are not started before they are requested.
    for left in (0..12).rev() {
        pollster::block_on(steps.next()).unwrap();
        assert_eq!(steps.images.iter().map(|at| at.events.len()).sum::<usize>(), left);
    }
    pollster::block_on(steps.next()).unwrap();
    assert!(steps.is_at_hand());
}

/// A stratified campaign's steps do not depend on waves or on where they begin, and a record names its candidate.
#[test]
fn stratified_steps_are_the_same_in_any_wave() {
    let lab = lab();
    let uniform = plan_of(&lab, Faults::Each(5), FaultModel::default());
    let stratified = |plan: &Plan| {
        let (images, never) = (images(None), || false);
        let made = crate::campaign::stratify(&lab, plan.clone(), &images, Some(300), Budget::default(), never);
        pollster::block_on(made).unwrap()
    };
    let plan = Arc::new(stratified(&uniform));
    assert_eq!(plan.config().design, stratified(&uniform).config().design, "the pilot depends on the plan alone");
    let steps = || Steps::new(&lab, images(None), plan.clone());
    let (whole, error) = events(steps());
    assert_eq!(error, None);
    for runs in [2, 3, 7] {
        assert_eq!(events(steps().within(in_runs(runs))).0, whole);
    }
    let middle = Position { nth: 4, fault: 2 };
    let first = events(steps().between(Position::default(), middle)).0;
    let second = events(steps().between(middle, Position { nth: IMAGES, fault: 0 })).0;
    assert_eq!([first, second].concat(), whole);
    let mut tallies = facts::campaign::Tallies::new(plan.config().clone(), plan.layers(), None);
    let mut position = Position::default();
    for event in &whole {
        match serde_json::from_str(event).unwrap() {
            CampaignEvent::Golden { label, class, .. } => tallies.add_golden(label, class),
            CampaignEvent::Injection(record) => {
                plan.check(position, &record).unwrap();
                let mut other = record.clone();
                other.drawn = None;
                assert!(plan.check(position, &other).unwrap_err().to_string().contains("names one of 300 candidates"));
                tallies.add(&record);
                position.fault += 1;
                if position.fault == 5 {
                    position = Position { nth: position.nth + 1, fault: 0 };
                }
            }
            _ => {}
        }
    }
    let summary = tallies.summary(true);
    let design = summary.design.unwrap();
    assert_eq!((design.candidates, summary.faults.injections), (300 * IMAGES as u64, 5 * IMAGES as u64));
    let shares: f64 = design.strata.iter().map(|stratum| stratum.share).sum();
    assert!((shares - 1.0).abs() < 1e-9, "{shares}");
}
