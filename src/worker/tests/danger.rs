//! Predictions of the places where a corruption changes the answer.

use facts::fault::{Corruption, Site, Target};
use facts::outcome::Outcome;
use protocol::{Danger, DangerRequest, Request, Response, ViewRequest, Which};

use super::{ask, engine, file, keras_engine, load};
use crate::service::Service;

fn danger(engine: &mut Service<super::Bench>, request: DangerRequest) -> Danger {
    let mut answer = Some(ask(engine, Request::Danger(request)));
    let mut last = 0;
    loop {
        match answer {
            Some(Response::Predicting { done, total, left }) => {
                assert_eq!(left.is_some(), done > 0);
                assert!(last <= done && done <= total, "{done} of {total} after {last}");
                last = done;
            }
            Some(Response::Danger(Some(danger))) => return danger,
            other => panic!("{other:?}"),
        }
        answer = pollster::block_on(engine.step_danger());
    }
}

fn predicted(engine: &mut Service<super::Bench>, tensor: usize, request: DangerRequest) -> Vec<f32> {
    match ask(engine, Request::View(ViewRequest { tensor, first: 0, faulty: false, danger: Some(request) })) {
        Response::View(view) => view.slice(Which::Danger, 0, usize::MAX),
        other => panic!("{other:?}"),
    }
}

/// Whether an effect counts as the largest: no finite number.
fn is_endless(effect: f32) -> bool {
    effect.is_nan() || effect == f32::INFINITY
}

#[test]
fn the_worst_place_of_each_tensor_is_injected_and_stands_in_the_map() {
    // Every tensor of the small network, some of the large one.
    for (mut engine, step) in [(engine(), 1), (keras_engine(), 16)] {
        let model = load(&mut engine);
        ask(&mut engine, Request::Golden { image: file("a.ppm") });
        for target in [Target::Activation, Target::Weight] {
            let corruption = Corruption::flip(30).unwrap();
            let request = DangerRequest { target, corruption };
            let found = danger(&mut engine, request);
            let all: usize = model.layers.iter().map(|layer| layer.tensors(target).len()).sum();
            assert_eq!(found.tensors.len(), all);
            assert!(
                found.tensors.iter().any(|tensor| tensor.changes + tensor.not_finite > 0),
                "a flip of bit 30 hurts"
            );
            for found in found.tensors.iter().step_by(step) {
                let info =
                    model.layers[found.layer].tensors(target).iter().find(|info| info.id == found.tensor).unwrap();
                let site = Site { target, layer: found.layer, tensor: found.tensor, element: found.worst, corruption };
                let Response::Injected(injection) = ask(&mut engine, Request::Inject { strike: site.into() }) else {
                    panic!("no answer")
                };
                assert_eq!(injection.verdict, found.trial.verdict);
                assert_eq!(injection.faults[0].element, found.trial.fault.element);
                let map = predicted(&mut engine, found.tensor, request);
                if let Some(effect) = map.get(info.spot(found.worst)) {
                    assert_eq!(effect.to_bits(), found.effect.to_bits());
                }
                assert!(map.iter().all(|effect| *effect <= found.effect || is_endless(found.effect)), "{}", info.name);
            }
        }
    }
}

/// The margin is linear in the scores, so that predictions in the last layer before the softmax hold.
#[test]
fn predictions_in_the_last_layer_hold() {
    let mut engine = engine();
    let model = load(&mut engine);
    ask(&mut engine, Request::Golden { image: file("a.ppm") });
    let (target, corruption) = (Target::Activation, Corruption::Set(1e6));
    let request = DangerRequest { target, corruption };
    let last = model.layers.iter().rfind(|layer| !layer.outputs.is_empty()).expect("a network has layers");
    let effects = predicted(&mut engine, last.outputs[0].id, request);
    assert_eq!(effects.len(), model.classes);
    let mut changes = 0;
    for (spot, &effect) in effects.iter().enumerate() {
        let element = last.outputs[0].element(spot);
        let site = Site { target, layer: last.index, tensor: last.outputs[0].id, element, corruption };
        let Response::Injected(injection) = ask(&mut engine, Request::Inject { strike: site.into() }) else {
            panic!("no answer")
        };
        if effect >= 1.0 {
            assert_eq!(injection.verdict.outcome, Outcome::Sdc, "class {spot}: {effect}");
            changes += 1;
        }
    }
    assert_eq!(changes, 1, "the runner-up overtakes; no other class is in the margin");
}

#[test]
fn without_a_golden_run_nothing_is_predicted() {
    let mut engine = engine();
    load(&mut engine);
    let request = DangerRequest { target: Target::Activation, corruption: Corruption::Set(0.0) };
    let Response::Failed { message } = ask(&mut engine, Request::Danger(request)) else { panic!("no refusal") };
    assert!(message.contains("no golden run"), "{message}");
}

#[test]
fn a_prediction_ends_with_its_request_and_with_the_image() {
    let mut engine = engine();
    load(&mut engine);
    ask(&mut engine, Request::Golden { image: file("a.ppm") });
    let request = DangerRequest { target: Target::Activation, corruption: Corruption::flip(30).unwrap() };
    for end in [Request::EndDanger, Request::Golden { image: file("b.ppm") }] {
        ask(&mut engine, Request::Danger(request));
        pollster::block_on(engine.step_danger());
        assert!(engine.endangering().is_some(), "it is under way");
        let answer = ask(&mut engine, end.clone());
        assert!(engine.endangering().is_none(), "{answer:?}");
    }
    // Nothing of the first image is left.
    let mut alone = super::engine();
    load(&mut alone);
    ask(&mut alone, Request::Golden { image: file("b.ppm") });
    // As text, because NaN is another number than NaN.
    let found = |engine: &mut Service<super::Bench>| format!("{:?}", danger(engine, request).tensors);
    assert!(found(&mut engine) == found(&mut alone));
}
