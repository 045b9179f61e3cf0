use engine::zoo::Architecture;
use facts::TraceRow;
use facts::fault::{Format, InjectedFault, Target};
use facts::model::Model;
use facts::outcome::{Outcome, Rate, Verdict};
use facts::report::LayerNumbers;
use facts::report::diagram::{Family, Role, family};
use protocol::{AnswerInfo, Danger, LayerInfo, ModelInfo, PreprocessInfo, SweepTrial, TensorDanger};

use super::*;
use crate::link::Colouring;

/// Makes the page's data of `model`, as far as the diagram needs them.
fn info(model: &Model) -> ModelInfo {
    let graph = &*model.graph;
    let paths = graph.paths();
    let layers = graph.nodes.iter().enumerate().map(|(index, node)| LayerInfo {
        index,
        name: node.name.clone(),
        kind: node.kind.clone(),
        outputs: Vec::new(),
        parameters: Vec::new(),
        shape: node.outputs.first().map(|&id| graph.values[id].source_shape()).unwrap_or_default(),
        inputs: graph.predecessors(index).into_iter().collect(),
        family: (node.op != facts::graph::Op::Folded).then(|| family(&node.op)),
        role: Role::of(&paths, index),
        sampled: false,
    });
    ModelInfo {
        name: model.card.name.clone(),
        classes: 10,
        parameters: 1,
        input: [8, 8],
        grouping: None,
        answer: AnswerInfo::default(),
        preprocess: PreprocessInfo::default(),
        notices: Vec::new(),
        layers: layers.collect(),
    }
}

fn zoo(id: &str) -> ModelInfo {
    let architecture = Architecture::of(id).expect("it is known");
    info(&architecture.random(architecture.classes(), 1).expect("a model"))
}

/// Makes a network of layers with these families; each has the layers it reads and whether `every` path passes it.
fn net(layers: &[(Family, &[usize], bool)]) -> ModelInfo {
    let layer = |(index, &(family, inputs, every)): (usize, &(Family, &[usize], bool))| LayerInfo {
        index,
        name: format!("layer{index}"),
        kind: format!("{family:?}"),
        outputs: Vec::new(),
        parameters: Vec::new(),
        shape: vec![1, 2, index + 1],
        inputs: inputs.to_vec(),
        family: Some(family),
        role: if every { Role::Super } else { Role::Branch },
        sampled: false,
    };
    let layers: Vec<LayerInfo> = layers.iter().enumerate().map(layer).collect();
    ModelInfo {
        name: "net".into(),
        classes: 2,
        parameters: 0,
        input: [8, 8],
        grouping: None,
        answer: AnswerInfo::default(),
        preprocess: PreprocessInfo::default(),
        notices: Vec::new(),
        layers,
    }
}

/// Makes a network with a stem, a residual block with the activation after it, and a head.
fn residual() -> ModelInfo {
    use Family::{Activation, Merge, Normalisation, Pooling, Product};
    net(&[
        (Product, &[], true),
        (Activation, &[0], true),
        (Product, &[1], false),
        (Normalisation, &[2], false),
        (Product, &[3], false),
        (Merge, &[1, 4], true),
        (Activation, &[5], true),
        (Pooling, &[6], true),
        (Product, &[7], true),
    ])
}

/// Makes a scene with every block folded.
fn folded(model: &ModelInfo, abreast: usize) -> (Network, Scene) {
    let network = Network::of(model);
    let scene = Scene::of(model, &network, &vec![false; network.blocks.len()], abreast);
    (network, scene)
}

fn contents(scene: &Scene) -> Vec<Content> {
    scene.boxes.clone()
}

#[test]
fn a_residual_block_is_folded_with_its_activation_and_a_product_with_its_own() {
    let model = residual();
    let (network, scene) = folded(&model, 10);
    let layers: Vec<&[usize]> = network.blocks.iter().map(|block| &block.layers[..]).collect();
    assert_eq!(layers, [&[0, 1][..], &[2, 3, 4, 5, 6]]);
    assert_eq!(network.blocks[0].title, "Product + Activation");
    assert_eq!(network.blocks[1].title, "Block 1");
    let boxes =
        [Content::Image, Content::Block(0), Content::Block(1), Content::Layer(7), Content::Layer(8), Content::Answer];
    assert_eq!(contents(&scene), boxes);
    assert_eq!(scene.lines, [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)]);
    assert!(network.open_at_first().iter().all(|&open| open), "a small network is shown as it is");

    let open = Scene::of(&model, &network, &[false, true], 20);
    assert_eq!(open.boxes.len(), 10);
    assert_eq!(open.frames.len(), 1);
    assert_eq!(open.lines.len(), 10);
}

#[test]
fn what_computes_nothing_is_left_out() {
    let mut model = residual();
    model.layers[3].family = None;
    let (network, scene) = folded(&model, 10);
    assert!(!network.shown.contains(&3));
    assert_eq!(scene.box_of[3], None);
}

#[test]
fn blocks_of_known_networks_are_found() {
    for (id, blocks, boxes) in [
        ("resnet50", 17, 24),
        ("mobilenetv2", 24, 29),
        ("inceptionv3", 16, 22),
        ("vgg16", 0, 24),
        ("densenet121", 62, 71),
        ("nasnetmobile", 17, 21),
        ("xception", 16, 20),
        ("vgg16-32x32", 15, 26),
        ("resnet18-32x32", 9, 13),
    ] {
        let model = zoo(id);
        let (network, scene) = folded(&model, 6);
        let titles: Vec<_> = network.blocks.iter().map(|block| (&block.title, block.layers.len())).collect();
        assert_eq!((network.blocks.len(), scene.boxes.len()), (blocks, boxes), "{id}: {titles:?}");
    }
    let titles = |id: &str| Network::of(&zoo(id)).blocks.into_iter().map(|block| block.title).collect::<Vec<_>>();
    assert_eq!(titles("resnet50")[1], "conv2_block1", "what the names have in common");
    assert_eq!(titles("nasnetmobile")[2], "Block 2", "where they have nothing in common");
}

#[test]
fn every_layer_has_one_box_whatever_is_unfolded() {
    for id in ["nasnetmobile", "inceptionv3", "resnet18-32x32"] {
        let model = zoo(id);
        let network = Network::of(&model);
        for step in 1..5 {
            let open: Vec<bool> = (0..network.blocks.len()).map(|block| block % step == 0).collect();
            let scene = Scene::of(&model, &network, &open, 6);
            for &layer in &network.shown {
                let position = scene.box_of[layer].expect("it is drawn");
                assert!(scene.layers(&network, position).contains(&layer), "{id}: {layer}");
            }
            let told: usize = (0..scene.boxes.len()).map(|position| scene.layers(&network, position).len()).sum();
            assert_eq!(told, network.shown.len(), "{id}");
            assert!(scene.lines.iter().all(|&(from, to)| from < to), "{id}: boxes are in order");
            let (width, height) = (scene.layout.width, scene.layout.height);
            for &(x, y) in &scene.layout.boxes {
                assert!(x >= 0.0 && y >= 0.0 && x + scene::WIDTH <= width && y + scene::HEIGHT <= height, "{id}");
            }
        }
    }
}

#[test]
fn a_large_network_is_laid_out_the_same_twice() {
    let model = zoo("nasnetlarge");
    let network = Network::of(&model);
    let network_again = Network::of(&model);
    let scene = Scene::of(&model, &network, &vec![true; network.blocks.len()], 6);
    assert_eq!(network_again, network);
    assert!(scene.boxes.len() > 500);
}

#[test]
fn arrows_follow_the_lines_and_change_the_branch() {
    let model = residual();
    let network = Network::of(&model);
    let scene = Scene::of(&model, &network, &[true, true], 20);
    let at = |layer: usize| scene.box_of[layer].expect("it is drawn");
    assert_eq!(scene.step(at(0), Direction::Onwards), Some(at(1)));
    assert_eq!(scene.step(at(1), Direction::Onwards), Some(at(2)), "not the skip");
    assert_eq!(scene.step(at(5), Direction::Back), Some(at(4)), "not the skip");
    assert_eq!(scene.step(at(1), Direction::Down), None, "there is but one band");
    let narrow = Scene::of(&model, &network, &[true, true], 2);
    let at = |layer: usize| narrow.box_of[layer].expect("it is drawn");
    let below = narrow.step(at(0), Direction::Down).expect("there is a band below");
    assert!(narrow.layout.boxes[below].1 > narrow.layout.boxes[at(0)].1);
    assert_eq!(narrow.step(below, Direction::Up).map(|up| narrow.layout.columns[up]), Some(0));
}

fn row(layer: &str, changed: u64, non_finite: u64) -> TraceRow {
    TraceRow {
        layer: layer.into(),
        changed,
        elements: 100,
        max_abs_delta: 1.0,
        non_finite,
        touched: changed.min(1),
        positions: 1,
    }
}

#[test]
fn corruption_colours_what_it_reaches() {
    let model = residual();
    let trace = [row("layer2", 1, 0), row("layer3", 30, 2), row("layer4", 0, 0), row("layer5", 0, 0)];
    let paint = Paint::of(&model, Colouring::Corruption, Shown { trace: Some(&trace), ..Shown::default() });
    let tone = |layers: &[usize]| paint.tone(&model, layers).0;
    assert_eq!(tone(&[0]), Tone::Blank);
    assert_eq!(tone(&[2]), Tone::Level(2));
    assert_eq!(tone(&[3]), Tone::Odd);
    assert_eq!(tone(&[4]), Tone::Level(0));
    assert_eq!(tone(&[2, 3, 4, 5]), Tone::Odd, "the worst layer speaks for a block");
    assert!(paint.tone(&model, &[2, 4]).1.contains("at most, in layer2: 1.0 %"), "{:?}", paint.tone(&model, &[2, 4]));
    assert_eq!(paint.missing, None);
    assert!(paint.corrupt(3) && !paint.corrupt(4));
    assert_eq!(paint::swallowed(&model, &trace), [4]);
    let none = Paint::of(&model, Colouring::Corruption, Shown::default());
    assert!(none.missing.is_some_and(|missing| missing.contains("Inject")));
}

fn trial() -> SweepTrial {
    SweepTrial {
        verdict: Verdict { outcome: Outcome::Sdc, due: false, scm: None },
        golden: String::new(),
        faulty: String::new(),
        fault: InjectedFault {
            target: Target::Activation,
            layer: String::new(),
            tensor: String::new(),
            element: 0,
            kind: None,
            bit: None,
            bits: None,
            format: Format::F32,
            before: 0.0,
            after: 1.0,
        },
    }
}

#[test]
fn rates_and_sizes_have_levels_and_words() {
    let model = residual();
    let rates = [("layer1".to_owned(), Rate::new(3, 100)), ("layer2".to_owned(), Rate::new(0, 0))];
    let paint = Paint::of(&model, Colouring::Vulnerability, Shown { measured: Some(&rates), ..Shown::default() });
    let (tone, words) = paint.tone(&model, &[1]);
    assert_eq!(tone, Tone::Level(3));
    assert!(words.starts_with("SDC rate 3.0 % (3 of 100 faults"), "{words}");
    assert_eq!(paint.tone(&model, &[2]).0, Tone::Blank, "nothing was measured there");
    assert!(Paint::of(&model, Colouring::Vulnerability, Shown::default()).missing.is_some());

    let tensor = |layer, changes| TensorDanger {
        layer,
        tensor: layer,
        elements: 200,
        changes,
        not_finite: 1,
        worst: 0,
        effect: 2.0,
        trial: trial(),
    };
    let danger = Danger { tensors: vec![tensor(1, 1), tensor(1, 99), tensor(2, 3)], milliseconds: 1.0 };
    let paint = Paint::of(&model, Colouring::Danger, Shown { danger: Some(&danger), ..Shown::default() });
    assert_eq!(
        paint.tone(&model, &[1]),
        (Tone::Level(5), "predicted to change the answer in 100 of 200 elements".into())
    );
    assert!(Paint::of(&model, Colouring::Danger, Shown::default()).missing.is_some());

    let numbers =
        [("layer1", 2.0), ("layer2", 8.0), ("nothing", 99.0)].map(|(layer, number)| (layer.to_owned(), number));
    let numbers = LayerNumbers { name: "latency".into(), numbers: numbers.into() };
    let paint = Paint::of(&model, Colouring::Numbers, Shown { numbers: Some(&numbers), ..Shown::default() });
    assert_eq!(paint.tone(&model, &[1]), (Tone::Level(1), "latency: 2".into()));
    assert_eq!(paint.tone(&model, &[2]).0, Tone::Level(paint::TOP));
    assert_eq!((paint.tone(&model, &[3]).0, paint.missing), (Tone::Blank, None));

    let paint = Paint::of(&model, Colouring::Size, Shown::default());
    assert_eq!(paint.tone(&model, &[0]), (Tone::Level(1), "2 elements".into()));
    assert_eq!(paint.tone(&model, &[0, 8]), (Tone::Level(6), "18 elements".into()), "what leaves the block");
    assert_eq!(paint.legend.len(), usize::from(paint::TOP));
}

#[test]
fn the_view_keeps_the_diagram_in_its_window() {
    let (content, window) = ((1000.0, 600.0), (500.0, 300.0));
    let fit = View::fit(content, window);
    assert_eq!((fit.x, fit.y, fit.scale), (0.0, 0.0, 0.7), "readable, from the beginning");
    let whole = View::whole(content, window);
    assert_eq!((whole.x, whole.y, whole.scale), (0.0, 0.0, 0.5));
    assert_eq!(View::fit((300.0, 100.0), window), View { x: 100.0, y: 100.0, scale: 1.0 }, "in the middle");
    let far = fit.moved(-9e9, 9e9).kept(content, window);
    assert_eq!((far.x, far.y), (-200.0, 0.0));
    let zoomed = whole.zoomed(2.0, (250.0, 150.0));
    assert_eq!((zoomed.x, zoomed.y, zoomed.scale), (-250.0, -150.0, 1.0), "the point under the mouse stays");
    let shown = View::default().showing((900.0, 10.0), (100.0, 40.0), 10.0, window);
    assert_eq!((shown.x, shown.y), (-510.0, 0.0));
}

#[test]
fn a_followed_corruption_passes_along_the_lines_that_carry_it() {
    use flow::{Passage, passages};
    let model = residual();
    let network = Network::of(&model);
    let scene = Scene::of(&model, &network, &vec![true; network.blocks.len()], 20);
    let place = |layer: usize| scene.box_of[layer].expect("every layer has a box");
    let answer = scene.boxes.len() - 1;
    let found = |way: &[(usize, bool)], station: usize, is: Passage| {
        let passages = passages(&scene, &network, way, station);
        let lines = scene.lines.iter().zip(passages).filter(|(_, passage)| *passage == is);
        lines.map(|(&line, _)| line).collect::<Vec<_>>()
    };
    // Struck in layer 1, which both branches read; the branch swallows it in layer 3, the other one carries it on.
    let way = [(1, true), (2, true), (3, false), (5, true), (6, true), (7, true), (8, true)];
    assert!(found(&way, 0, Passage::Arriving).is_empty(), "it begins here");
    assert_eq!(found(&way, 1, Passage::Arriving), [(place(1), place(2))]);
    assert_eq!(found(&way, 2, Passage::Arriving), [(place(2), place(3))], "it comes to the layer that swallows it");
    assert_eq!(found(&way, 3, Passage::Arriving), [(place(1), place(5))]);
    let passed = [(1, 2), (2, 3), (1, 5)].map(|(from, to)| (place(from), place(to)));
    assert_eq!(found(&way, 4, Passage::Passed), passed);
    assert_eq!(found(&way, 6, Passage::Arriving), [(place(7), place(8)), (place(8), answer)]);
    // Within a folded block there is no line; nothing reaches the answer from a layer that swallows the corruption.
    let (network, scene) = folded(&model, 10);
    let way = [(1, true), (2, true), (5, false)];
    let lines = |station| passages(&scene, &network, &way, station);
    assert_eq!(lines(1).iter().filter(|passage| **passage == Passage::Arriving).count(), 1);
    let arrives = |&(line, passage): &(&(usize, usize), Passage)| {
        passage == Passage::Arriving && scene.boxes[line.1] == Content::Answer
    };
    assert!(!scene.lines.iter().zip(lines(2)).any(|line| arrives(&line)));
}
