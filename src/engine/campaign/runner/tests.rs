use std::collections::BTreeSet;

use facts::campaign::{Confidence, Faults, Goal, OnBadImage, Position, Record, Shard};
use facts::data::{Image, LabelledImage};
use facts::fault::{Bits, FaultKind, FaultModel, Mode, Target};
use facts::graph::{GraphBuilder, HostTensor, Op, Unary};
use facts::model::{Card, Model};

use super::*;
use crate::campaign::{Alone, Passes};

/// A network with three scores, each the mean of one colour.
fn lab() -> Lab {
    let mut builder = GraphBuilder::new("means");
    let input = builder.input("image", [1, 3, 2, 2]).unwrap();
    let relu = builder.layer("relu", "Relu", Op::Unary(Unary::Relu), &[input]).unwrap();
    let flat = builder.layer("flat", "Flatten", Op::Reshape { shape: vec![1, 12] }, &[relu]).unwrap();
    let weight: Vec<f32> = (0..12 * 3).map(|i| if i / 3 / 4 == i % 3 { 0.25 } else { 0.0 }).collect();
    let weight = builder.parameter("fc.weight", HostTensor::new([12, 3], weight).unwrap()).unwrap();
    let scores = builder.layer("fc", "MatMul", Op::MatMul, &[flat, weight]).unwrap();
    let graph = builder.finish(&[scores]).unwrap();
    Lab::cpu(Model::new(graph, Card::default()).unwrap()).unwrap()
}

fn images() -> Vec<LabelledImage> {
    let image = |rgb: [u8; 3], label| LabelledImage {
        name: format!("{rgb:?}"),
        label: Some(label),
        image: Image { width: 2, height: 2, rgb: rgb.repeat(4) },
    };
    vec![image([200, 30, 20], 0), image([10, 250, 90], 1), image([90, 60, 70], 2)]
}

fn config(faults: usize) -> CampaignConfig {
    CampaignConfig {
        model: "means".to_owned(),
        seed: 7,
        images: None,
        faults: Faults::Each(faults),
        fault_model: FaultModel::default(),
        grouping: None,
        protect: None,
        compared: None,
        on_bad_image: Default::default(),
        design: None,
        exhaustive: false,
        until: None,
        numbers: Default::default(),
    }
}

fn events(mut runner: Runner<impl Work>) -> Vec<CampaignEvent> {
    let mut events = Vec::new();
    while let Some(event) = pollster::block_on(runner.next()).unwrap() {
        events.push(event);
    }
    assert!(pollster::block_on(runner.next()).unwrap().is_none());
    events
}

fn records(events: &[CampaignEvent]) -> Vec<Record> {
    events
        .iter()
        .filter_map(|event| match event {
            CampaignEvent::Injection(record) => Some((**record).clone()),
            _ => None,
        })
        .collect()
}

#[test]
fn events_come_in_order_and_add_up() {
    let lab = lab();
    let events = events(Runner::new(&lab, config(2), images(), Budget::default()).unwrap());
    let kinds: String = events
        .iter()
        .map(|event| match event {
            CampaignEvent::Started { images: 3, faults: 6 } => 'S',
            CampaignEvent::Started { .. } => '?',
            CampaignEvent::Golden { .. } => 'G',
            CampaignEvent::Injection(_) => 'I',
            CampaignEvent::Skipped(_) => '-',
            CampaignEvent::Finished(_) => 'F',
        })
        .collect();
    assert_eq!(kinds, "SGIIGIIGIIF");
    let Some(CampaignEvent::Finished(summary)) = events.last() else { panic!("{events:?}") };
    assert!(summary.complete);
    assert_eq!(summary.faults.injections, 6);
    let sdc = records(&events).iter().filter(|record| record.outcome == facts::outcome::Outcome::Sdc).count();
    assert_eq!(summary.faults.sdc.count, sdc as u64);
    let accuracy = summary.golden.accuracy.unwrap();
    assert_eq!((accuracy.count, accuracy.of), (2, 3), "the third image is reddest, its label says blue");
}

#[test]
fn a_campaign_is_repeatable_and_may_start_anywhere() {
    let lab = lab();
    let all = records(&events(Runner::new(&lab, config(4), images(), Budget::default()).unwrap()));
    let again = records(&events(Runner::new(&lab, config(4), images(), Budget::default()).unwrap()));
    assert_eq!(all, again);
    let plan = Arc::new(steps::plan(&lab, config(4), &images(), Images::All(3)).unwrap());
    let tallies = || Tallies::new(plan.config().clone(), plan.layers(), None);
    let from = Position { nth: 1, fault: 2 };
    let part = |to| Runner::over(Steps::new(&lab, images(), plan.clone()).between(from, to), tallies());
    let tail = events(part(Position { nth: 9, fault: 0 }));
    assert_eq!(all[6..], records(&tail));
    let golden = tail.iter().filter(|event| matches!(event, CampaignEvent::Golden { .. })).count();
    assert_eq!(golden, 1, "the golden run of the image in hand was announced before");
    assert_eq!(all[6..9], records(&events(part(Position { nth: 2, fault: 1 }))));
    let other = CampaignConfig { seed: 8, ..config(4) };
    assert_ne!(all, records(&events(Runner::new(&lab, other, images(), Budget::default()).unwrap())));
}

fn alone<'a, S: Clone>(lab: &'a Lab, source: &S, budget: Budget) -> Alone<&'a Lab, S> {
    Alone { lab, source: source.clone(), budget }
}

/// `config` with the goal of knowing the SDC rate.
fn goal(margin: &str, max_faults: u64, config: CampaignConfig) -> CampaignConfig {
    let margin = margin.parse().unwrap();
    let goal = Goal { margin, of: Default::default(), confidence: Confidence::NinetyFive, max_faults };
    CampaignConfig { until: Some(goal), ..config }
}

/// The records of a campaign in rounds, sorted by image, equal those of a campaign with as many faults for each image.
#[test]
fn a_campaign_in_rounds_ends_when_enough_is_known_and_is_one_of_whole_rounds() {
    let (lab, images) = (lab(), Arc::new(images()));
    for (margin, max_faults) in [("10pp", 30_000), ("20pp", 30_000), ("1pp", 40)] {
        let config = goal(margin, max_faults, config(2));
        let plan = Arc::new(steps::plan(&lab, config.clone(), &images, Images::All(3)).unwrap());
        let mut passes = Passes::of(alone(&lab, &images, Budget { runs: 7, ..Budget::default() }), plan.clone());
        let mut tallies = Tallies::new(config, plan.layers(), None);
        let (mut made, mut golden) = (Vec::new(), 0);
        while let Some(event) = pollster::block_on(passes.next()).unwrap() {
            match event {
                CampaignEvent::Injection(record) => made.push(*record),
                _ => golden += 1,
            }
            assert!(passes.expected() >= made.len() as u64);
        }
        assert_eq!(golden, 3, "one for each image, however many rounds");
        assert_eq!(passes.expected(), made.len() as u64);
        let each = made.len() / 3;
        assert_eq!(3 * each, made.len());
        let mut of_image = [0; 3];
        for record in &made {
            tallies.replay(Position { nth: 0, fault: of_image[record.image] }, record);
            of_image[record.image] += 1;
        }
        let aim = tallies.summary(true).aim.expect("an aim");
        assert_eq!(aim.reached, max_faults > 1000, "{margin}: {aim:?}");
        assert!(aim.reached || each == max_faults as usize / 3);
        made.sort_by_key(|record| record.image);
        let plain = records(&events(Runner::new(&lab, self::config(each), images.clone(), Budget::default()).unwrap()));
        assert_eq!(made, plain, "{margin}");
    }
}

#[test]
fn misclassified_images_get_their_own_number_of_faults() {
    let lab = lab();
    let config = CampaignConfig { faults: Faults::ByGolden { correct: 1, misclassified: 3 }, ..config(1) };
    let events = events(Runner::new(&lab, config.clone(), images(), Budget::default()).unwrap());
    let images_of: Vec<_> = records(&events).iter().map(|record| record.image).collect();
    assert_eq!(images_of, [0, 1, 2, 2, 2]);
    let Some(CampaignEvent::Finished(summary)) = events.last() else { panic!("{events:?}") };
    assert_eq!((summary.golden.images, summary.faults.injections), (3, 5));
    let mut unlabelled = images();
    unlabelled[1].label = None;
    let error = Runner::new(&lab, config, unlabelled, Budget::default()).unwrap_err().to_string();
    assert!(error.contains("[10, 250, 90]: the image has no label"), "{error}");
}

#[test]
fn neither_sample_nor_shard_changes_the_faults_of_an_image() {
    let lab = lab();
    let all = records(&events(Runner::new(&lab, config(4), images(), Budget::default()).unwrap()));
    let made = |available: Images, shard: Option<Shard>| {
        let plan = steps::plan(&lab, config(4), &images(), available).unwrap();
        let plan = match shard {
            Some(shard) => plan.shard(shard).unwrap(),
            None => plan,
        };
        let tallies = Tallies::new(plan.config().clone(), plan.layers(), None);
        records(&events(Runner::over(Steps::new(&lab, images(), Arc::new(plan)), tallies)))
    };
    let sampled = made(Images::Sample(vec![0, 2]), None);
    assert_eq!(sampled, [&all[..4], &all[8..]].concat());
    let shards = [1, 2].map(|index| made(Images::Sample(vec![0, 2]), Shard::new(index, 2)));
    assert_eq!(shards.concat(), sampled);
    let plan = steps::plan(&lab, config(4), &images(), Images::All(3)).unwrap();
    let error = plan.shard(Shard::new(1, 4).unwrap()).unwrap_err().to_string();
    assert!(error.contains("3 images cannot be cut into 4 shards"), "{error}");
}

#[test]
fn a_trial_with_several_faults_lists_them_all() {
    let lab = lab();
    let fault_model =
        FaultModel { kind: FaultKind::Zero { percent: Some(25.0) }, mode: Mode::Multiple, ..FaultModel::default() };
    let config = CampaignConfig { fault_model, ..config(1) };
    let records = records(&events(Runner::new(&lab, config, images(), Budget::default()).unwrap()));
    for record in records {
        let layers: Vec<_> = record.faults.iter().map(|fault| fault.layer.as_str()).collect();
        assert_eq!(layers, ["relu", "relu", "relu", "flat", "flat", "flat"]);
        assert_eq!(record.fault.as_ref(), record.faults.first());
    }
}

#[test]
fn weight_faults_strike_one_inference_at_a_time() {
    let lab = lab();
    let kind = FaultKind::BitFlip { bits: Bits::one(30).unwrap() };
    let fault_model = FaultModel { target: Target::Weight, kind, ..FaultModel::default() };
    let config = CampaignConfig { fault_model, ..config(8) };
    let records = records(&events(Runner::new(&lab, config, images(), Budget::default()).unwrap()));
    assert!(records.iter().all(|record| record.fault.as_ref().unwrap().tensor == "fc.weight"));
    // If a fault persisted, a later fault in the same element would find another value.
    assert!(records.iter().all(|record| [0.0, 0.25].contains(&record.fault.as_ref().unwrap().before)));
    assert!(records.iter().any(|record| record.faulty != record.golden));
}

#[test]
fn faults_strike_the_layers_that_are_named() {
    let lab = lab();
    let only = |layers: &[&str]| {
        let layers = Some(layers.iter().map(|&layer| layer.to_owned()).collect());
        let fault_model = FaultModel { layers, ..FaultModel::default() };
        Runner::new(&lab, CampaignConfig { fault_model, ..config(9) }, images(), Budget::default())
    };
    // The last layer is drawn only if it is requested.
    let runner = only(&["fc", "0", "relu"]).unwrap();
    assert_eq!(runner.plan().config().fault_model.layers.as_deref().unwrap(), ["relu", "fc"]);
    assert_eq!(runner.plan().layers(), ["relu", "fc"]);
    let struck: BTreeSet<_> = records(&events(runner)).into_iter().map(|record| record.fault.unwrap().layer).collect();
    assert_eq!(struck, ["relu", "fc"].map(String::from).into());
    assert!(only(&["relux"]).unwrap_err().to_string().contains("no layer \"relux\""));
    assert!(only(&[]).unwrap_err().to_string().contains("at least one layer"));
}

#[test]
fn what_does_not_fit_is_refused_before_any_work() {
    let lab = lab();
    let refused = |config: CampaignConfig, images: Vec<LabelledImage>| {
        Runner::new(&lab, config, images, Budget::default()).unwrap_err().to_string()
    };
    assert!(refused(config(0), images()).contains("at least one fault"));
    assert!(refused(CampaignConfig { images: Some(0), ..config(1) }, images()).contains("at least one image"));
    assert!(refused(CampaignConfig { images: Some(4), ..config(1) }, images()).contains("the data has 3"));
    assert!(refused(config(1), Vec::new()).contains("no images"));
    let mut labelled = images();
    labelled[1].label = Some(3);
    assert!(refused(config(1), labelled).contains("label 3 is out of range"));
    let amount = FaultModel { amount: 13, ..FaultModel::default() };
    assert!(refused(CampaignConfig { fault_model: amount, ..config(1) }, images()).contains("13 distinct elements"));
}

#[test]
fn an_image_that_cannot_be_read_is_named_and_may_be_tried_again() {
    struct Torn;
    impl ImageSource for Torn {
        fn len(&self) -> usize {
            1
        }
        fn name(&self, _: usize) -> String {
            "torn.jpg".to_owned()
        }
        fn label(&self, _: usize) -> Option<usize> {
            None
        }
        fn image(&self, index: usize) -> Result<Image> {
            Image::decode(&self.name(index), b"not an image")
        }
    }
    let lab = lab();
    let mut runner = Runner::new(&lab, config(1), Torn, Budget::default()).unwrap();
    pollster::block_on(runner.next()).unwrap();
    for _ in 0..2 {
        let error = pollster::block_on(runner.next()).unwrap_err().to_string();
        assert!(error.starts_with("torn.jpg: "), "{error}");
    }
    assert!(!runner.summary().complete);
}

/// Images of which those whose number is in the set cannot be read.
struct Holes(Vec<LabelledImage>, BTreeSet<usize>);

impl ImageSource for Holes {
    fn len(&self) -> usize {
        self.0.len()
    }
    fn name(&self, index: usize) -> String {
        format!("/data/{index}.jpg")
    }
    fn short_name(&self, index: usize) -> String {
        format!("{index}.jpg")
    }
    fn label(&self, index: usize) -> Option<usize> {
        self.0[index].label
    }
    fn image(&self, index: usize) -> Result<Image> {
        if self.1.contains(&index) { Image::decode(&self.name(index), b"not an image") } else { self.0.image(index) }
    }
}

#[test]
fn bad_images_are_skipped_and_the_others_have_the_records_that_they_have_anyway() {
    let lab = lab();
    let whole = records(&events(Runner::new(&lab, config(4), images(), Budget::default()).unwrap()));
    // All sets of holes, in waves of all sizes: one image cut in two, one at a time, all together.
    for holes in 0..8usize {
        let bad: BTreeSet<usize> = (0..3).filter(|image| holes & (1 << image) != 0).collect();
        for runs in [3, 5, 64] {
            let config = CampaignConfig { on_bad_image: OnBadImage::Skip, ..config(4) };
            let source = Holes(images(), bad.clone());
            let events = events(Runner::new(&lab, config, source, Budget { runs, ..Budget::default() }).unwrap());
            let expected: Vec<_> = whole.iter().filter(|record| !bad.contains(&record.image)).cloned().collect();
            assert_eq!(records(&events), expected);
            let skipped: Vec<(usize, &str)> = events
                .iter()
                .filter_map(|event| match event {
                    CampaignEvent::Skipped(skipped) => Some((skipped.image, skipped.cause.name.as_str())),
                    _ => None,
                })
                .collect();
            let names = ["0.jpg", "1.jpg", "2.jpg"];
            assert_eq!(skipped, bad.iter().map(|&image| (image, names[image])).collect::<Vec<_>>());
            let Some(CampaignEvent::Finished(summary)) = events.last() else { panic!("{events:?}") };
            assert_eq!((summary.skipped, summary.golden.images), (bad.len() as u64, 3 - bad.len() as u64));
            assert!(summary.complete);
        }
    }
}

#[test]
fn rounds_go_on_without_the_images_that_were_skipped() {
    let lab = lab();
    let config = goal("20pp", 30_000, CampaignConfig { on_bad_image: OnBadImage::Skip, ..config(2) });
    let source = Arc::new(Holes(images(), BTreeSet::from([1])));
    let plan = Arc::new(steps::plan(&lab, config, &source, Images::All(3)).unwrap());
    let mut passes = Passes::of(alone(&lab, &source, Budget::default()), plan);
    let (mut skipped, mut faults) = (0, 0);
    while let Some(event) = pollster::block_on(passes.next()).unwrap() {
        match event {
            CampaignEvent::Skipped(_) => skipped += 1,
            CampaignEvent::Injection(record) => {
                assert_ne!(record.image, 1);
                faults += 1;
            }
            _ => {}
        }
    }
    assert_eq!((skipped, faults % 2, passes.expected()), (1, 0, faults));
}
