//! One fault under each protection.

use std::time::{Duration, Instant};

use engine::campaign::{Asked, Lab, Settings, Subject, guards};
use facts::campaign::compared::{Effect, ProfileOf, Stop};
use facts::campaign::{CampaignConfig, Images, OnBadImage, Plan};
use facts::data::{Image, LabelledImage};
use facts::fault::FaultModel;
use protocol::{ProtectAnswer, Protection};

use super::*;

/// Asks for the fault at `site` under a protection, and takes all steps to the answer.
fn ask_for(
    engine: &mut Service<Bench>,
    site: Site,
    name: &str,
    images: &[&str],
) -> (Vec<(usize, usize)>, ProtectAnswer) {
    let images = images.iter().map(|name| file(name)).collect();
    let method = name.parse().expect("a protection");
    let mut answer = ask(engine, Request::Protect(ProtectRequest { strike: site.into(), method, images }));
    let mut steps = Vec::new();
    loop {
        match answer {
            Response::Protecting { done, total } => steps.push((done, total)),
            Response::Protected(answer) => return (steps, answer),
            other => panic!("{other:?}"),
        }
        let (id, next) = pollster::block_on(engine.go_on()).expect("something is under way");
        assert_eq!(id, 1);
        answer = next.expect("every step of it is told");
    }
}

fn protect(engine: &mut Service<Bench>, site: Site, name: &str, images: &[&str]) -> (Vec<(usize, usize)>, Protection) {
    match ask_for(engine, site, name, images) {
        (steps, ProtectAnswer::With(protection)) => (steps, *protection),
        (_, ProtectAnswer::Unfit { why }) => panic!("{name}: {why}"),
    }
}

fn unfit(engine: &mut Service<Bench>, site: Site, name: &str) -> String {
    match ask_for(engine, site, name, &["a.ppm"]) {
        (_, ProtectAnswer::Unfit { why }) => why,
        (_, ProtectAnswer::With(protection)) => panic!("{name}: {protection:?}"),
    }
}

fn inject(engine: &mut Service<Bench>, site: Site) -> protocol::Injection {
    match ask(engine, Request::Inject { strike: site.into() }) {
        Response::Injected(injection) => injection,
        other => panic!("{other:?}"),
    }
}

/// A site in the first tensor of `target` of the layer `name`.
fn at(model: &ModelInfo, target: Target, name: &str, element: usize, corruption: Corruption) -> Site {
    let layer = model.layers.iter().find(|layer| layer.name == name).expect("a layer of the network");
    Site { target, layer: layer.index, tensor: layer.tensors(target)[0].id, element, corruption }
}

fn flip(bit: u8) -> Corruption {
    Corruption::flip(bit).expect("a bit")
}

#[test]
fn a_clipped_run_stands_beside_the_faulty_one() {
    let mut engine = engine();
    let model = load(&mut engine);
    ask(&mut engine, Request::Golden { image: file("a.ppm") });
    let layer = model.layers.iter().find(|layer| !layer.outputs.is_empty()).expect("a layer that can be struck");
    let site = |corruption| at(&model, Target::Activation, &layer.name, 3, corruption);
    let images = ["a.ppm", "no.png", "gone.png", "b.ppm"];
    let (steps, kept) = protect(&mut engine, site(Corruption::Set(1e30)), "range", &images);
    assert_eq!(steps, [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4)]);
    assert_eq!(kept.images, 2, "what is no image teaches nothing");
    assert_eq!(kept.clipped[0].0, layer.name);
    assert!(kept.after.iter().all(|score| score.logit.is_finite()));
    assert!(pollster::block_on(engine.go_on()).is_none());

    // The ranges are there, and what is within them is not clipped: the answer is that of the faulty run.
    let small = site(flip(0));
    let (steps, kept) = protect(&mut engine, small, "range", &images);
    assert_eq!(steps, [(4, 4)]);
    let bare = inject(&mut engine, small);
    assert_eq!((kept.clipped.len(), kept.after, kept.verdict), (0, bare.after, bare.verdict));
    assert_eq!(kept.trace, bare.trace);

    // What one protection has learnt, others know.
    let (steps, other) = protect(&mut engine, small, "logit-range", &images);
    assert_eq!((steps, other.images), (vec![(4, 4)], 2));
    let (steps, code) = protect(&mut engine, small, "secded", &images);
    assert_eq!((steps, code.images), (vec![(0, 0)], 0), "a code learns nothing");

    // Other images have other ranges; the one that is looked at always counts.
    let (steps, kept) = protect(&mut engine, small, "range", &[]);
    assert_eq!((steps, kept.images), (vec![(0, 0)], 1));
    let (_, kept) = protect(&mut engine, small, "range", &["b.ppm"]);
    assert_eq!(kept.images, 2);

    // Another image: nobody waits for what was under way.
    let method = "range".parse().expect("a protection");
    let request = ProtectRequest { strike: small.into(), method, images: vec![file("a.ppm")] };
    ask(&mut engine, Request::Protect(request));
    ask(&mut engine, Request::Golden { image: file("b.ppm") });
    assert!(pollster::block_on(engine.go_on()).is_none());
}

/// The page's answer is the one that a campaign records of the same fault, whatever the protection.
#[test]
fn a_single_fault_has_the_effect_that_a_campaign_records() {
    let mut engine = engine();
    let model = load(&mut engine);
    let files = engine.host.files.borrow().clone();
    let lab = Lab::cpu(engine::import::load("net.bpk", files["net.bpk"].clone()).expect("a network")).expect("a lab");
    let image = |name: &str| Image::decode(name, &files[name]).expect("an image");
    let source: Vec<LabelledImage> = ["a.ppm", "b.ppm"]
        .iter()
        .map(|name| LabelledImage { name: (*name).to_owned(), label: None, image: image(name) })
        .collect();
    let input = lab.model().preprocess().apply(&image("a.ppm"), lab.model().input_shape()).expect("an input");
    ask(&mut engine, Request::Golden { image: file("a.ppm") });

    let layers = ["stem.conv", "stem.relu", "block1.relu", "pool", "classifier"];
    let mut seen = std::collections::BTreeSet::new();
    let mut refused = 0;
    for target in [Target::Activation, Target::Weight] {
        let struck = layers
            .iter()
            .filter(|name| model.layers.iter().any(|layer| layer.name == **name && !layer.tensors(target).is_empty()));
        let places: Vec<(&str, usize, u8)> = struck
            .flat_map(|name| [0, 5, 40].into_iter().flat_map(move |at| [20, 26, 30].map(|bit| (*name, at, bit))))
            .collect();
        let sites: Vec<Site> =
            places.iter().map(|&(name, element, bit)| at(&model, target, name, element, flip(bit))).collect();
        let config = CampaignConfig {
            fault_model: FaultModel { target, ..FaultModel::default() },
            ..CampaignConfig::new("net")
        };
        let plan = Plan::new(config, lab.executor().graph().clone(), Images::All(2)).expect("a plan");
        for name in [
            "range",
            "ranger",
            "ranger:percentile=60",
            "clip-to-zero:channel",
            "parity-zero",
            "secded",
            "lsb-parity",
            "weight-clip",
            "duplicate:block1.relu,pool",
            "tmr:stem.relu,classifier",
            "abft",
            "abft:detect",
            "abft:learnt=2",
            "nan-check",
            "logit-range",
            "top-2-margin",
            "top-2-margin:1000",
        ] {
            let methods = [name.parse().expect("a protection")];
            let profile = ProfileOf { images: 2, data: None };
            let asked =
                Asked { methods: &methods, plan: &plan, source: &source, profile, on_bad_image: OnBadImage::Stop };
            let compared = match pollster::block_on(guards(&lab, asked, || false)) {
                Ok(guards) => lab.compared_with(guards.into()),
                Err(error) => {
                    assert_eq!(unfit(&mut engine, sites[0], name), format!("{error}."));
                    refused += 1;
                    continue;
                }
            };
            let faults: Vec<Vec<Site>> = sites.iter().map(|&site| vec![site]).collect();
            let tried = pollster::block_on(compared.trials(&[Subject::new(&input, faults)], Settings::default()));
            let tried = tried.expect("trials").only().expect("a golden run");
            for (trial, &site) in tried.trials.iter().zip(&sites) {
                let recorded = trial.protected[0];
                let (_, told) = protect(&mut engine, site, name, &["a.ppm", "b.ppm"]);
                let context = format!("{name}, {site:?}");
                assert_eq!(told.effect, recorded.effect(tried.class, trial.class), "{context}");
                assert_eq!(told.faulty.class, recorded.class, "{context}");
                assert_eq!(told.golden.as_ref().map(|class| class.class), recorded.golden, "{context}");
                assert_eq!((told.stops.is_some(), told.alarm), (recorded.detected, recorded.alarm), "{context}");
                assert_eq!(told.verdict.due, recorded.due, "{context}");
                let overhead = compared.guards().expect("a protection").compared().methods[0].overhead;
                assert_eq!((told.operations.0, told.bytes.0), (overhead.operations, overhead.bytes), "{context}");
                seen.insert(format!("{:?}", told.effect));
            }
        }
    }
    assert_eq!(refused, 4, "two that are for weights, and two repetitions of activations");
    assert!(
        ["Mended", "Detected", "Missed", "Needless", "Unchanged"].iter().all(|effect| seen.contains(*effect)),
        "{seen:?}"
    );
}

#[test]
fn the_run_goes_as_far_as_the_protection_lets_it() {
    let mut engine = engine();
    let model = load(&mut engine);
    ask(&mut engine, Request::Golden { image: file("a.ppm") });
    let value = at(&model, Target::Activation, "block1.relu", 7, Corruption::Set(1e9));
    let bare = inject(&mut engine, value);
    let (_, twice) = protect(&mut engine, value, "duplicate:block1.relu", &[]);
    assert_eq!(twice.stops, Some(Stop::Layer("block1.relu".into())));
    assert_eq!(twice.trace, bare.trace[..1]);
    let (_, thrice) = protect(&mut engine, value, "tmr:block1.relu", &[]);
    assert!(thrice.stops.is_none() && thrice.trace.iter().all(|row| row.changed == 0));
    assert_eq!((thrice.confidence, &thrice.after), (bare.confidence[0], &bare.before));
    let (_, elsewhere) = protect(&mut engine, value, "tmr:pool", &[]);
    assert_eq!((&elsewhere.trace, &elsewhere.after), (&bare.trace, &bare.after), "the protection is in another layer");

    // Two bits of a word are noticed when it is read; no layer is computed from it.
    let bits = "29,30".parse().expect("bits");
    let two = at(&model, Target::Weight, "stem.conv", 700, Corruption::Flip(bits));
    inject(&mut engine, two);
    let (_, noticed) = protect(&mut engine, two, "secded", &[]);
    assert_eq!((noticed.stops, noticed.trace.len()), (Some(Stop::Read), 0));
    assert!(matches!(noticed.effect, Effect::Detected | Effect::Needless));
    let (_, missed) = protect(&mut engine, two, "parity-zero", &[]);
    assert!(missed.stops.is_none() && missed.trace.iter().any(|row| row.changed > 0), "parity sees odd numbers only");

    // Without the faulty run at hand the answer is the same.
    let (_, fresh) = protect(&mut engine, value, "duplicate:block1.relu", &[]);
    assert_eq!(Protection { milliseconds: 0.0, ..fresh }, Protection { milliseconds: 0.0, ..twice });
}

#[test]
fn what_a_protection_does_not_apply_to_is_said_by_the_engine() {
    let mut engine = engine();
    let model = load(&mut engine);
    ask(&mut engine, Request::Golden { image: file("a.ppm") });
    let value = at(&model, Target::Activation, "block1.relu", 7, flip(30));
    let weight = at(&model, Target::Weight, "stem.conv", 7, flip(30));
    let set = Site { corruption: Corruption::Set(0.5), ..value };
    for (site, name, why) in [
        (value, "weight-clip", "is for faults in weights"),
        (value, "lsb-parity", "is for faults in weights"),
        (set, "secded", "is known only after a run"),
        (weight, "tmr:block1.relu", "a fault of this target is in all repetitions"),
        (weight, "in-place-ecc", "the model has none"),
        (value, "duplicate:nowhere", "nowhere"),
        (value, "duplicate:auto:20%", "name the layers instead of auto"),
        (value, "ranger:channel,percentile=99", "percentiles of whole tensors only"),
    ] {
        let told = unfit(&mut engine, site, name);
        assert!(told.contains(why) && told.ends_with('.') && !told.ends_with(".."), "{name}: {told}");
    }
}

/// The time is printed, and not judged: `cargo test -- --nocapture`.
#[test]
fn a_click_with_a_protection_beside_it() {
    let mut engine = engine();
    let model = load(&mut engine);
    ask(&mut engine, Request::Golden { image: file("a.ppm") });
    let sites: Vec<Site> =
        (0..41).map(|nth| at(&model, Target::Activation, "block1.relu", 70 * nth, flip(30))).collect();
    let median = |mut times: Vec<Duration>| {
        times.sort();
        times[times.len() / 2]
    };
    let images = ["a.ppm", "b.ppm"];
    for name in ["range", "clip-to-zero", "secded", "tmr:block1.relu", "nan-check"] {
        protect(&mut engine, sites[0], name, &images);
        let (mut alone, mut beside) = (Vec::new(), Vec::new());
        for &site in &sites {
            let begun = Instant::now();
            inject(&mut engine, site);
            alone.push(begun.elapsed());
            protect(&mut engine, site, name, &images);
            beside.push(begun.elapsed());
        }
        let (alone, beside) = (median(alone), median(beside));
        println!(
            "{name}: {alone:?} a click, {beside:?} with the protection, {:.2} times",
            beside.as_secs_f64() / alone.as_secs_f64()
        );
    }
}
