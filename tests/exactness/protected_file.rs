//! Files that `faultscope protect` writes: a fault before the bounds has the class and the scores that a campaign on the original
//! network under the same protection gives it, bit for bit. The command also moves the bounds of `clip-to-zero` outwards a little,
//! for runtimes that round otherwise; here they are as learnt.

use faultscope::campaign::compared::Method;
use faultscope::campaign::{Lab, Settings, Subject, Tried, learn_clips};
use faultscope::exec;
use faultscope::fault::{FaultModel, Site, SiteSpace, Target, sampler};
use faultscope::import;
use faultscope::import::onnx::{Guard, guard};

use super::Images;
use super::networks::{IMAGES, Network};

/// Faults under each protection.
const FAULTS: usize = 1000;
/// Lanes of a wave.
const LANES: usize = 50;
const SEED: u64 = 17;

/// Injects the same faults into the protected network and into the protected file, and compares what becomes of them.
fn prove(network: &Network, file: &[u8], protection: &str) {
    let name = format!("{}, {protection}", network.name);
    let lab = &network.bare;
    let graph = &**lab.executor().graph();
    let golden = |image| pollster::block_on(lab.golden(image)).expect("a golden run").activations;
    let runs: Vec<_> = network.images[..IMAGES / 2].iter().map(golden).collect();
    let Ok(Method::Clip(clip)) = protection.parse() else { panic!("{protection} clips") };
    let clips = pollster::block_on(learn_clips(graph, clip, &runs)).expect("bounds");
    let extents = exec::extents(graph);
    let guards: Vec<Guard> =
        clips.iter().map(|(id, bounds)| Guard::new(id, &graph.values[id], extents[id], bounds)).collect();

    let written = guard(&network.name, file, lab.model(), &guards, protection).expect("a protected file");
    let mut model = import::load(&network.name, written.bytes).expect("the file opens again");
    assert_eq!(model.graph.nodes.len(), graph.nodes.len() + written.nodes, "{name}");
    assert_eq!(model.answer, lab.model().answer, "{name}");
    model.card = lab.model().card.clone();
    let [protected, again] = [lab.clipped_by(&clips).expect("a protected network"), Lab::cpu(model).expect("a graph")];
    // The same place in the graph of the file: the layer has the same name, its output another one.
    let moved = |site: &Site| -> Site {
        let (old, new) = (&graph.nodes[site.layer], again.executor().graph());
        let layer = new.find(&old.name).expect("the layer keeps its name");
        let nth = old.outputs.iter().position(|&output| output == site.tensor).expect("an output");
        Site { layer, tensor: new.nodes[layer].outputs[nth], ..*site }
    };

    let space = SiteSpace::sampled(graph, Target::Activation);
    let draw = |fault: usize| -> Vec<Site> {
        let [image, fault] = [fault % IMAGES, fault / IMAGES].map(|index| index as u64);
        sampler::draw(graph, &space, &FaultModel::default(), SEED, image, fault).expect("a fault")
    };
    let (mut differing, mut classes) = (0, 0);
    for start in (0..FAULTS).step_by(LANES) {
        let own = |image| (start..start + LANES).filter(move |fault| fault % IMAGES == image).map(draw);
        let sites: Vec<Vec<Vec<Site>>> = (0..IMAGES).map(|image| own(image).collect()).collect();
        let there = sites.iter().map(|image| image.iter().map(|sites| sites.iter().map(moved).collect()).collect());
        let (expected, found) = (tried(&protected, network, sites.clone()), tried(&again, network, there.collect()));
        for ((expected, found), sites) in expected.into_iter().zip(found).zip(sites) {
            assert_eq!(bits(&found.logits), bits(&expected.logits), "{name}: a golden run");
            for ((expected_trial, trial), sites) in expected.trials.iter().zip(&found.trials).zip(sites) {
                assert_eq!(bits(&trial.logits), bits(&expected_trial.logits), "{name}: {sites:?}");
                assert_eq!(trial.class, expected_trial.class, "{name}: {sites:?}");
                differing += usize::from(bits(&trial.logits) != bits(&found.logits));
                classes += usize::from(trial.class != found.class);
            }
        }
    }
    println!("{name}: {FAULTS} faults, {differing} change the scores and {classes} the class");
    assert!(differing > FAULTS / 50, "{name}: where nothing happens nothing is proven");
}

fn tried(lab: &Lab, network: &Network, faults: Vec<Vec<Vec<Site>>>) -> Vec<Tried> {
    let subjects: Vec<Subject<'_>> =
        network.images.iter().zip(faults).map(|(input, faults)| Subject::new(input, faults)).collect();
    let trials = pollster::block_on(lab.trials(&subjects, Settings::default())).expect("trials");
    trials.images.into_iter().map(|tried| tried.expect("a golden run")).collect()
}

fn bits(scores: &[f32]) -> Vec<u32> {
    scores.iter().map(|score| score.to_bits()).collect()
}

/// Every rule, all kinds of bounds.
fn prove_all(network: &Network, file: &[u8]) {
    for protection in [
        "range",
        "range:neuron,scale=0.9",
        "ranger:channel",
        "ranger:percentile=99",
        "clip-to-zero",
        "clip-to-zero:channel",
    ] {
        prove(network, file, protection);
    }
}

#[test]
fn convnext_with_channels_first_and_last() {
    let (network, file) = Network::torch_file("convnext-torchscript.onnx");
    prove_all(&network, &file);
}

#[test]
fn a_vision_transformer() {
    let (network, file) = Network::torch_file("vit-dynamo.onnx");
    prove(&network, &file, "range");
    prove(&network, &file, "range:channel,scale=0.8");
    prove(&network, &file, "clip-to-zero:neuron");
}

#[test]
fn float16() {
    let (network, file) = Network::quantized_file("resnet20-float16.onnx");
    prove(&network, &file, "range");
    prove(&network, &file, "ranger:channel");
    prove(&network, &file, "clip-to-zero");
}

#[test]
fn integers() {
    let (network, file) = Network::quantized_file("mobile-qoperator-u8s8-channel.onnx");
    prove(&network, &file, "range");
}

#[test]
fn gtsrb_cnn() {
    let Some((network, file)) = Network::shared_file("gtsrb_cnn.onnx", Images::Gtsrb) else { return };
    prove_all(&network, &file);
}

#[test]
fn cifar100_resnet20() {
    let Some((network, file)) = Network::shared_file("cifar100_resnet20.onnx", Images::Cifar100) else { return };
    prove_all(&network, &file);
}
