use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::prelude::*;

use super::*;
use crate::campaign::{self, CampaignConfig, Faults, Images, Shard};
use crate::data::Image;
use crate::fault::FaultModel;
use crate::import;

/// Images of one colour each; the third and the fifth carry wrong labels. Number `torn` cannot be read, and number
/// `fatal` is a defect.
#[derive(Default)]
struct Colours {
    torn: Option<usize>,
    fatal: Option<usize>,
}

impl ImageSource for Colours {
    fn len(&self) -> usize {
        7
    }

    fn name(&self, index: usize) -> String {
        format!("colour {index}")
    }

    fn label(&self, index: usize) -> Option<usize> {
        Some(if [2, 4].contains(&index) { (index + 1) % 3 } else { index % 3 })
    }

    fn image(&self, index: usize) -> Result<Image> {
        assert_ne!(self.fatal, Some(index), "a defect");
        if self.torn == Some(index) {
            return Err(Error::input(self.name(index), "it is torn"));
        }
        let mut pixel = [30 + index as u8, 60, 50];
        pixel[index % 3] = 200;
        Ok(Image { width: 8, height: 8, rgb: pixel.repeat(64) })
    }
}

fn lab() -> Arc<Lab> {
    let bytes = include_bytes!("../../../tests/fixtures/cli/colours.onnx");
    let model = import::load("colours.onnx", bytes.to_vec()).unwrap();
    Arc::new(Lab::cpu(model).unwrap())
}

fn plan(lab: &Lab, faults: Faults) -> Plan {
    let config = CampaignConfig {
        model: "colours".to_owned(),
        seed: 9,
        images: None,
        faults,
        fault_model: FaultModel::default(),
        grouping: None,
        protect: None,
        compared: None,
        on_bad_image: Default::default(),
        numbers: Default::default(),
        design: None,
        exhaustive: false,
        until: None,
    };
    campaign::plan(lab, config, &Colours::default(), Images::All(7)).unwrap()
}

fn at(nth: usize, fault: usize) -> Position {
    Position { nth, fault }
}

/// What `work` does, to its end or to its first error; as JSON, in which a NaN equals another.
fn all(mut work: impl Work) -> (Vec<String>, Option<Error>) {
    let mut events = Vec::new();
    loop {
        match pollster::block_on(work.next()) {
            Ok(Some(event)) => events.push(serde_json::to_string(&event).unwrap()),
            Ok(None) => return (events, None),
            Err(error) => return (events, Some(error)),
        }
    }
}

fn faults() -> impl Strategy<Value = Faults> {
    prop_oneof![
        (1usize..600).prop_map(Faults::Each),
        (1usize..9, 1usize..40).prop_map(|(correct, misclassified)| Faults::ByGolden { correct, misclassified }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn any_number_of_threads_does_what_one_does_when_asked(
        faults in faults(), jobs in 1usize..5, runs in 2usize..100, shard in 1usize..4, nth in 0usize..3,
        skipped in 0.0f64..1.0,
    ) {
        let lab = lab();
        let plan = Arc::new(plan(&lab, faults).shard(Shard::new(shard, 3).unwrap()).unwrap());
        let source: SharedSource = Arc::new(Colours::default());
        let start = at(nth, (skipped * faults.at_most() as f64) as usize);
        let steps = Steps::new(lab.clone(), source.clone(), plan.clone()).between(start, at(7, 0));
        let budget = Budget { runs, ..Budget::default() };
        let crew = Crew::new(&lab, &source, plan, start, jobs, budget).unwrap();
        prop_assert!(all(steps).0 == all(crew).0);
    }
}

#[test]
fn an_error_comes_after_all_that_was_before_it() {
    let lab = lab();
    let plan = Arc::new(plan(&lab, Faults::STUDY));
    let whole = all(Steps::new(lab.clone(), Colours::default(), plan.clone())).0;
    let torn: SharedSource = Arc::new(Colours { torn: Some(3), ..Colours::default() });
    let (events, error) = all(Crew::new(&lab, &torn, plan, Position::default(), 3, Budget::default()).unwrap());
    // Three golden runs, the third of which is wrong.
    assert!(events == whole[..3 + 5 + 5 + 30]);
    assert_eq!(error.unwrap().to_string(), "colour 3: it is torn");
}

#[test]
fn a_defect_in_a_thread_is_passed_on() {
    let lab = lab();
    let plan = Arc::new(plan(&lab, Faults::Each(2)));
    let fatal: SharedSource = Arc::new(Colours { fatal: Some(1), ..Colours::default() });
    let crew = Crew::new(&lab, &fatal, plan, Position::default(), 2, Budget::default()).unwrap();
    let panic = catch_unwind(AssertUnwindSafe(|| all(crew))).unwrap_err();
    assert!(panic.downcast_ref::<String>().is_some_and(|message| message.contains("a defect")));
}

#[test]
fn who_has_heard_enough_need_not_wait_for_the_rest() {
    let lab = lab();
    let plan = Arc::new(plan(&lab, Faults::Each(usize::MAX)));
    let source: SharedSource = Arc::new(Colours::default());
    let mut crew = Crew::new(&lab, &source, plan, at(2, 1 << 40), 2, Budget::default()).unwrap();
    for _ in 0..500 {
        assert!(pollster::block_on(crew.next()).unwrap().is_some());
    }
}
