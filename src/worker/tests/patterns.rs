//! Faults that strike several elements together: the worker gives what the engine gives.

use engine::campaign::Observe;
use facts::campaign::NumberFormats;
use facts::fault::{BitErrors, Bits, FaultKind, FaultModel, Strike};
use protocol::{CampaignStart, ImageSet, Injection, Labelling, ProtectAnswer, Protocol, TensorInfo};

use super::campaign::{finish, start_over, update};
use super::numbers::direct;
use super::*;

const PATTERNS: [&str; 8] =
    ["row", "column", "channel", "full-channels", "bullet-wake:4", "shattered-glass", "skip:4", "random:5"];

fn golden(worker: &mut Service<Bench>) -> ModelInfo {
    let model = load(worker);
    assert!(matches!(ask(worker, Request::Golden { image: file("a.ppm") }), Response::Golden(_)));
    model
}

/// A flip of bit 27 in the layer at `layer`, in a pattern around element 21.
fn strike(model: &ModelInfo, target: Target, layer: usize, pattern: &str) -> (Strike, TensorInfo) {
    let tensor = model.layers[layer].tensors(target)[0].clone();
    let corruption = Corruption::flip(27).expect("a bit");
    let site = Site { target, layer, tensor: tensor.id, element: 21, corruption };
    (Strike { site, pattern: pattern.parse().expect("a pattern"), seed: 3 }, tensor)
}

fn inject(worker: &mut Service<Bench>, strike: Strike) -> Injection {
    match ask(worker, Request::Inject { strike }) {
        Response::Injected(injection) => injection,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_pattern_is_that_of_the_engine_and_is_seen_in_the_values() {
    let mut worker = engine();
    let model = golden(&mut worker);
    let (lab, run) = direct(&NumberFormats::default());
    for (target, layer) in [(Target::Activation, 2), (Target::Weight, 0)] {
        for pattern in PATTERNS {
            let (strike, tensor) = strike(&model, target, layer, pattern);
            let injection = inject(&mut worker, strike);
            let sites = strike.sites(lab.executor().graph()).expect("it fits");
            let observe = Observe { trace: true, ..Observe::default() };
            let trial = pollster::block_on(lab.trial(&run, &sites, observe)).expect("a trial");
            assert_eq!((injection.struck, injection.verdict), (sites.len(), trial.verdict), "{pattern}");
            assert_eq!(injection.faults, trial.faults[..sites.len().min(BitErrors::LISTED)], "{pattern}");
            assert_eq!(injection.trace, trial.trace, "{pattern}");
            // The page draws these elements before the fault strikes.
            let drawn = strike.elements(&tensor.name, &tensor.shape, &tensor.layout).expect("it fits");
            assert_eq!(drawn, sites.iter().map(|site| site.element).collect::<Vec<_>>(), "{pattern}");
            let spots: Vec<usize> = drawn.iter().map(|&element| tensor.spot(element)).collect();
            let difference = view(&mut worker, tensor.id, Which::Difference);
            let changed = difference.iter().enumerate().filter(|(_, difference)| **difference != 0.0);
            assert!(changed.map(|(spot, _)| spot).all(|spot| spots.contains(&spot)), "{pattern}: nothing else changes");
            let apart = |spot: &&usize| difference.get(**spot).is_some_and(|difference| *difference != 0.0);
            assert!(spots.iter().filter(apart).count() > 0, "{pattern}");
        }
    }
}

#[test]
fn a_sweep_strikes_the_pattern_around_each_element() {
    let mut worker = engine();
    let model = golden(&mut worker);
    let (strike, tensor) = strike(&model, Target::Activation, 2, "bullet-wake:3");
    let per_plane = tensor.shape[2] * tensor.shape[3];
    let trials = sweep(&mut worker, SweepRequest::Map { strike, first: per_plane, count: 40 });
    for (at, trial) in trials.into_iter().enumerate() {
        let element = tensor.element(per_plane + at);
        let trial = trial.expect("it was made");
        assert_eq!(trial.fault.element, element, "the element that the trial is about");
        let alone = inject(&mut worker, Strike { site: Site { element, ..strike.site }, ..strike });
        assert_eq!((trial.verdict, trial.faulty), (alone.verdict, alone.faulty.label));
    }
    let bits = sweep(&mut worker, SweepRequest::Bits { strike, width: 32 });
    let alone = inject(&mut worker, strike);
    let trial = bits[27].as_ref().expect("it was made");
    assert_eq!((trial.verdict, &trial.faulty), (alone.verdict, &alone.faulty.label));
    let images = sweep(&mut worker, SweepRequest::Images { strike, images: vec![file("a.ppm")] });
    assert_eq!(images[0].as_ref().map(|trial| trial.verdict), Ok(alone.verdict));
}

#[test]
fn a_protection_meets_the_whole_pattern() {
    let mut worker = engine();
    let model = golden(&mut worker);
    let (strike, _) = strike(&model, Target::Activation, 2, "channel");
    let alone = inject(&mut worker, strike);
    let method: Method = "nan-check".parse().expect("a protection");
    let asked = ask(&mut worker, Request::Protect(ProtectRequest { strike, method, images: Vec::new() }));
    assert!(matches!(asked, Response::Protecting { .. }), "{asked:?}");
    match pollster::block_on(worker.step_protection()) {
        Some(Response::Protected(ProtectAnswer::With(protection))) => {
            assert_eq!(protection.trace, alone.trace, "a check of the scores changes no layer");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_pattern_that_does_not_fit_is_told_in_a_sentence() {
    let mut worker = engine();
    let model = golden(&mut worker);
    for (pattern, part) in [("bullet-wake:500", "takes 500 channels"), ("block:99x1", "takes 99 columns")] {
        let (strike, _) = strike(&model, Target::Activation, 2, pattern);
        match ask(&mut worker, Request::Inject { strike }) {
            Response::Failed { message } => assert!(message.contains(part) && message.ends_with('.'), "{message}"),
            other => panic!("{other:?}"),
        }
    }
}

/// The worst faults of a campaign name all their elements if these were changed alike.
#[test]
fn a_campaign_tells_the_elements_that_were_changed_alike() {
    let mut worker = engine();
    let model = golden(&mut worker);
    for (bits, alike) in [(Bits::one(30).expect("a bit"), true), (Bits::ALL, false)] {
        let images = ImageSet::Files(vec![file("a.ppm"), file("b.ppm")]);
        let protocol = Protocol::Fixed { faults: 20 };
        let CampaignRequest::Start(start) = start_over(images, Labelling::default(), protocol) else { panic!() };
        let pattern = "column".parse().expect("a pattern");
        let fault_model = FaultModel { pattern, kind: FaultKind::BitFlip { bits }, ..FaultModel::default() };
        let start = CampaignStart { fault_model, ..*start };
        update(&mut worker, 1, CampaignRequest::Start(Box::new(start)));
        let profile = finish(&mut worker).profile.expect("the end tells everything");
        assert_eq!(profile.pattern, pattern);
        let several = profile.worst.iter().filter(|fault| fault.others > 0);
        assert!(several.clone().count() > 3, "{:?}", profile.worst);
        for fault in several.filter(|fault| !fault.alike.is_empty() || alike) {
            let tensors = model.layers.iter().flat_map(|layer| &layer.outputs);
            let tensor = tensors.clone().find(|tensor| tensor.name == fault.tensor).expect("a tensor");
            let (target, layer, element) = (fault.target, 0, fault.element);
            let site = Site { target, layer, tensor: tensor.id, element, corruption: fault.corruption };
            let elements = Strike { site, pattern, seed: 0 }.elements(&tensor.name, &tensor.shape, &tensor.layout);
            assert_eq!(elements.expect("it fits"), fault.alike);
        }
        let drawn = profile.worst.iter().filter(|fault| fault.others > 2 && !fault.alike.is_empty()).count();
        assert_eq!(drawn > 0, alike, "each element has a bit of its own");
    }
}
