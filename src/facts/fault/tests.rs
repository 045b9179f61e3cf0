use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::graph::{Graph, GraphBuilder, HostTensor, Op, SampledLayers, Unary};

/// Three layers of 4, 4 and 2 activations; the last one has 8 weights and 2 biases.
fn graph() -> Graph {
    let mut builder = GraphBuilder::new("test");
    let input = builder.input("image", [1, 4]).unwrap();
    let relu = builder.layer("relu", "Relu", Op::Unary(Unary::Relu), &[input]).unwrap();
    let tanh = builder.layer("tanh", "Tanh", Op::Unary(Unary::Tanh), &[relu]).unwrap();
    let weight = builder.parameter("w", HostTensor::new([4, 2], vec![0.5; 8]).unwrap()).unwrap();
    let bias = builder.parameter("b", HostTensor::new([2], vec![0.0; 2]).unwrap()).unwrap();
    let gemm = Op::Gemm { alpha: 1.0, beta: 1.0, trans_a: false, trans_b: false };
    let scores = builder.layer("scores", "Gemm", gemm, &[tanh, weight, bias]).unwrap();
    builder.finish(&[scores]).unwrap()
}

fn draw(model: &FaultModel, seed: u64, image: u64, fault: u64) -> Vec<Site> {
    let graph = graph();
    let space = SiteSpace::sampled(&graph, model.target);
    sampler::draw(&graph, &space, model, seed, image, fault).unwrap()
}

#[test]
fn every_fault_comes_once() {
    let graph = graph();
    let model = FaultModel {
        target: Target::Weight,
        kind: FaultKind::BitFlip { bits: Bits::parse("0,23-30", Format::F32).unwrap() },
        ..FaultModel::default()
    };
    let space = SiteSpace::drawn_from(&graph, &model).unwrap();
    let every = EveryFault::new(&graph, &space, &model).unwrap();
    assert_eq!(every.count(), 10 * 9, "8 weights and 2 biases, 9 bits each");
    let found: BTreeSet<_> = (0..every.count())
        .map(|number| {
            let site = every.site(&space, number).unwrap();
            (graph.values[site.tensor].name.clone(), site.element, site.corruption.bits().unwrap().mask())
        })
        .collect();
    let bits = || std::iter::once(0).chain(23..=30).map(|bit| 1u32 << bit);
    let all =
        [("w", 8), ("b", 2)].into_iter().flat_map(|(tensor, count)| (0..count).map(move |element| (tensor, element)));
    let all: BTreeSet<_> =
        all.flat_map(|(tensor, element)| bits().map(move |mask| (tensor.to_owned(), element, mask))).collect();
    assert_eq!(found, all);
    assert!(every.site(&space, 90).unwrap_err().to_string().contains("an image has 90 faults, no fault 90"));
    let other = FaultModel { amount: 2, ..model };
    assert!(
        EveryFault::new(&graph, &space, &other).unwrap_err().to_string().contains("each bit of each element by itself")
    );
}

proptest! {
    #[test]
    fn a_draw_depends_on_its_three_numbers_only(seed: u64, image in 0u64..1 << 40, fault in 0u64..1 << 40) {
        let model = FaultModel::default();
        let sites = draw(&model, seed, image, fault);
        prop_assert_eq!(&sites, &draw(&model, seed, image, fault));
        prop_assert_eq!(sites.len(), 1);
        prop_assert!(sites[0].layer < 2, "the last layer is not sampled");
    }

    #[test]
    fn sites_of_one_fault_are_distinct(seed: u64, amount in 1usize..=4) {
        let sites = draw(&FaultModel { amount, mode: Mode::Multiple, ..FaultModel::default() }, seed, 0, 0);
        let places: BTreeSet<_> = sites.iter().map(|site| (site.tensor, site.element)).collect();
        prop_assert_eq!(places.len(), 2 * amount, "amount in each of two layers");
    }

    #[test]
    fn records_survive_json(before: u32, after: u32, element: usize) {
        let record: InjectedFault = InjectedFault {
            target: Target::Weight,
            layer: "a \"b\"".into(),
            tensor: "t".into(),
            element,
            kind: Some(CorruptionKind::BitFlip),
            bit: Some(31),
            bits: None,
            format: Format::F32,
            before: f32::from_bits(before),
            after: f32::from_bits(after),
        };
        let json = serde_json::to_string(&record).unwrap();
        let read: InjectedFault = serde_json::from_str(&json).unwrap();
        // NaN payloads are the one thing that JSON does not keep.
        for (a, b) in [(record.before, read.before), (record.after, read.after)] {
            prop_assert!(a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()));
        }
    }
}

/// Known answers: what these seeds draw is part of the contract, on every platform and in every version.
#[test]
fn draws_are_pinned() {
    let drawn: Vec<_> = (0..6)
        .map(|fault| {
            let site = draw(&FaultModel::default(), 2022, 7, fault)[0];
            let bit = site.corruption.bits().and_then(Bits::single).expect("the default flips one bit");
            (site.layer, site.element, bit)
        })
        .collect();
    assert_eq!(drawn, [(1, 1, 12), (1, 2, 22), (1, 3, 10), (0, 2, 23), (1, 2, 6), (0, 1, 16)]);
}

/// What the newer kinds and patterns draw, pinned in `fixtures/draws.txt`: it must not change either.
#[test]
fn draws_of_every_kind_are_pinned() {
    let mut builder = GraphBuilder::new("test");
    let image = builder.input("image", [1, 8, 4, 6]).unwrap();
    let relu = builder.layer("relu", "Relu", Op::Unary(Unary::Relu), &[image]).unwrap();
    let tanh = builder.layer("tanh", "Tanh", Op::Unary(Unary::Tanh), &[relu]).unwrap();
    let graph = builder.finish(&[tanh]).unwrap();
    let stored = |format| graph.stored([(relu, format, Default::default())]).unwrap();
    let graphs = [graph.clone(), stored(Format::Bf16), stored(Format::I8)];
    let space = SiteSpace::sampled(&graph, Target::Activation);
    let kinds = ["bitflip", "bitflips", "burst", "stuck0", "stuck1", "set:2.5", "scale:3", "noise:0.5"];
    let kinds = kinds.map(|kind| (FaultKind::parse(kind).unwrap(), Pattern::Single));
    let patterns = ["row", "column", "block:2x3", "bullet-wake", "shattered-glass", "skip:5", "random:4"];
    let patterns = patterns.map(|pattern| (FaultKind::default(), pattern.parse().unwrap()));
    let mut text = String::new();
    for (graph, (kind, pattern)) in
        graphs.iter().flat_map(|graph| kinds.iter().chain(&patterns).map(move |row| (graph, row)))
    {
        let model = FaultModel { kind: *kind, pattern: *pattern, ..FaultModel::default() };
        let format = graph.values[relu].format;
        text += &format!("{format} {} {pattern}\n", crate::Named::name(*kind));
        for fault in 0..3 {
            for site in sampler::draw(graph, &space, &model, 2022, 7, fault).unwrap() {
                text += &format!("  {fault} {} {}\n", site.element, serde_json::to_string(&site.corruption).unwrap());
            }
        }
    }
    let ber = Some("1e-3,1e-2".parse().unwrap());
    let errors = FaultModel { ber, ..FaultModel::default() };
    for graph in &graphs {
        text += &format!("{} bit errors\n", graph.values[relu].format);
        for fault in 0..4 {
            for site in sampler::draw(graph, &space, &errors, 2022, 7, fault).unwrap() {
                text += &format!("  {fault} {} {}\n", site.element, serde_json::to_string(&site.corruption).unwrap());
            }
        }
    }
    assert!(text == include_str!("fixtures/draws.txt"), "{text}");
}

#[test]
fn bit_errors_strike_each_parameter_once_and_go_through_the_rates() {
    // The second layer reads the first one's parameter, too.
    let mut builder = GraphBuilder::new("test");
    let image = builder.input("image", [1, 8]).unwrap();
    let weight = builder.parameter("w", HostTensor::new([8, 8], vec![0.5; 64]).unwrap()).unwrap();
    let bias = builder.parameter("b", HostTensor::new([8], vec![0.5; 8]).unwrap()).unwrap();
    let gemm = || Op::Gemm { alpha: 1.0, beta: 1.0, trans_a: false, trans_b: false };
    let first = builder.layer("first", "Gemm", gemm(), &[image, weight, bias]).unwrap();
    let second = builder.layer("second", "Gemm", gemm(), &[first, weight, bias]).unwrap();
    let graph = builder.finish(&[second]).unwrap();
    let ber = Some("0.01,0.25".parse().unwrap());
    let model = FaultModel { target: Target::Weight, ber, ..FaultModel::default() };
    let space = SiteSpace::sampled(&graph, Target::Weight);
    assert_eq!(sampler::bits(&graph, &space, &model).unwrap(), Some(72 * 32));
    let flips = |fault| {
        let sites = sampler::draw(&graph, &space, &model, 1, 0, fault).unwrap();
        assert!(sites.iter().all(|site| site.layer == 0));
        let places: BTreeSet<_> = sites.iter().map(|site| (site.tensor, site.element)).collect();
        assert_eq!(places.len(), sites.len(), "the flips of a word are one change");
        sites.iter().map(|site| site.corruption.bits().unwrap().count()).sum::<u32>()
    };
    for fault in 0..20 {
        // 576 and 23 flips on average, within five standard deviations.
        let [mean, deviation] = if fault % 2 == 0 { [576.0, 20.8] } else { [23.04, 4.78] };
        assert!((f64::from(flips(fault)) - mean).abs() < 5.0 * deviation, "fault {fault}: {}", flips(fault));
    }
    let refused = |model: FaultModel| model.validate().unwrap_err().to_string();
    for model in [
        FaultModel { amount: 2, ..model.clone() },
        FaultModel { mode: Mode::Multiple, ..model.clone() },
        FaultModel { sampling: Sampling::Element, ..model.clone() },
        FaultModel { pattern: Pattern::Row, ..model.clone() },
        FaultModel { kind: FaultKind::Random, ..model.clone() },
    ] {
        assert!(refused(model).contains("do not go with it"));
    }
    assert!(FaultModel { kind: FaultKind::BitFlip { bits: Bits::one(30).unwrap() }, ..model }.validate().is_ok());
}

#[test]
fn values_inside_and_outside_a_range() {
    use rand::SeedableRng;
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(5);
    let uint8 = Code::new(Format::U8, crate::format::Scale { scale: 0.5, zero: 0 });
    let mut values = [0usize; 2];
    for _ in 0..2000 {
        let Corruption::Set(value) = FaultKind::OutOfRange.draw(&mut rng, uint8, Some([10.0, 100.0])).unwrap() else {
            panic!("a value is set")
        };
        // Of 256 words 20 stand for less than 10, and 55 for more than 100.
        assert!(!(10.0..=100.0).contains(&value) && uint8.round(value) == value, "{value}");
        values[usize::from(value > 100.0)] += 1;
        let Corruption::Set(value) = FaultKind::InRange.draw(&mut rng, uint8, Some([-3.0, 7.0])).unwrap() else {
            panic!("a value is set")
        };
        assert!((-3.0..=7.0).contains(&value));
    }
    let expected = 2000.0 * 20.0 / 75.0;
    assert!((values[0] as f64 - expected).abs() < 5.0 * (expected * 55.0 / 75.0).sqrt(), "{values:?}");
    let refused = FaultKind::OutOfRange.draw(&mut rng, uint8, Some([0.0, 127.5])).unwrap_err().to_string();
    assert!(refused.contains("uint8 holds no number outside the range 0 to 127.5"), "{refused}");
    assert!(FaultKind::InRange.draw(&mut rng, uint8, None).is_err());
}

#[test]
fn several_bits_of_a_word_are_where_they_may_be() {
    let of = |kind: FaultKind, fault| {
        let sites = draw(&FaultModel { kind, ..FaultModel::default() }, 3, 0, fault);
        sites[0].corruption.bits().unwrap()
    };
    let exponent = Bits::of(BitField::Exponent, Format::F32).unwrap();
    for fault in 0..50 {
        let three = of(FaultKind::BitFlips { bits: exponent, count: 3 }, fault);
        assert!(three.count() == 3 && three.or(exponent) == exponent, "{three}");
        let burst = of(FaultKind::Burst { bits: exponent, length: 4 }, fault);
        assert!(burst.count() == 4 && burst.mask() >> burst.lowest() == 0b1111 && burst.or(exponent) == exponent);
    }
    let refused = |kind: FaultKind| {
        let model = FaultModel { kind, ..FaultModel::default() };
        sampler::draw(&graph(), &SiteSpace::sampled(&graph(), Target::Activation), &model, 0, 0, 0)
            .unwrap_err()
            .to_string()
    };
    assert!(refused(FaultKind::Burst { bits: exponent, length: 9 }).contains("9 adjacent bits"));
    assert!(refused(FaultKind::BitFlips { bits: exponent, count: 9 }).contains("9 bits of a word"));
    assert!(refused(FaultKind::BitFlips { bits: exponent, count: 0 }).contains("1 to 32 bits"));
    assert!(refused(FaultKind::Noise { deviation: -1.0 }).contains("0 or above"));
}

#[test]
fn layers_elements_and_bits_are_drawn_uniformly() {
    const DRAWS: u64 = 6400;
    let model = FaultModel::default();
    let mut layers = BTreeMap::new();
    let mut bits = BTreeMap::new();
    for fault in 0..DRAWS {
        let site = draw(&model, 1, 0, fault)[0];
        *layers.entry(site.layer).or_insert(0u64) += 1;
        let bit = site.corruption.bits().and_then(Bits::single).expect("the default flips one bit");
        *bits.entry(bit).or_insert(0u64) += 1;
    }
    // Five standard deviations of a binomial.
    assert!(layers[&0].abs_diff(DRAWS / 2) < 200, "{layers:?}");
    assert_eq!(bits.len(), 32);
    assert!(bits.values().all(|count| count.abs_diff(DRAWS / 32) < 70), "{bits:?}");
}

#[test]
fn element_uniform_sampling_weighs_layers_by_their_size() {
    const DRAWS: u64 = 3000;
    let model = FaultModel { target: Target::Weight, sampling: Sampling::Element, ..FaultModel::default() };
    let graph = graph();
    let bias = graph.values.iter().position(|value| value.name == "b").unwrap();
    let hits = (0..DRAWS).filter(|&fault| draw(&model, 3, 0, fault)[0].tensor == bias).count() as u64;
    assert!(hits.abs_diff(DRAWS / 5) < 110, "2 of 10 parameters are biases, {hits} of {DRAWS} draws hit them");
}

#[test]
fn a_percentage_is_of_the_layer() {
    let model = FaultModel { kind: FaultKind::Zero { percent: Some(50.0) }, ..FaultModel::default() };
    let sites = draw(&model, 0, 0, 0);
    assert_eq!(sites.len(), 2);
    assert!(sites.iter().all(|site| site.corruption == Corruption::Set(0.0)));
}

#[test]
fn impossible_requests_are_refused() {
    let graph = graph();
    let space = SiteSpace::sampled(&graph, Target::Activation);
    let refusal = |model: &FaultModel| sampler::draw(&graph, &space, model, 0, 0, 0).unwrap_err().to_string();
    let default = FaultModel::default();
    assert!(refusal(&FaultModel { amount: 5, ..default.clone() }).contains("has 4"));
    assert!(refusal(&FaultModel { amount: 0, ..default.clone() }).contains("amount is 0"));
    assert!(refusal(&FaultModel { layers: Some(Vec::new()), ..default.clone() }).contains("at least one layer"));
    for percent in [0.0, -1.0, 100.5, f64::NAN] {
        let model = FaultModel { kind: FaultKind::Zero { percent: Some(percent) }, ..default.clone() };
        assert!(refusal(&model).contains("percentage"));
    }
}

#[test]
fn an_element_counts_the_layers_tensors_end_to_end() {
    let graph = graph();
    let space = SiteSpace::of(&graph, Target::Weight);
    let sites = space.layer(&graph, 2).unwrap();
    let name =
        |index| sites.locate(&graph, index).map(|(tensor, element)| (graph.values[tensor].name.clone(), element));
    assert_eq!(name(7).unwrap(), ("w".to_owned(), 7));
    assert_eq!(name(8).unwrap(), ("b".to_owned(), 0));
    assert!(name(10).unwrap_err().to_string().contains("0 to 9"));
    assert!(space.layer(&graph, 0).unwrap_err().to_string().contains("no parameters"));
}

/// Four layers, all of which depend on the image, and campaigns draw from those between the first and the last.
#[test]
fn a_keras_models_inner_layers_are_sampled_whatever_they_do() {
    let mut builder = GraphBuilder::new("test");
    builder.sample(SampledLayers::Inner);
    let mut value = builder.input("image", [1, 4]).unwrap();
    for name in ["input", "dropout", "relu", "scores"] {
        let op = if name == "relu" { Op::Unary(Unary::Relu) } else { Op::Identity };
        value = builder.layer(name, "Layer", op, &[value]).unwrap();
    }
    let graph = builder.finish(&[value]).unwrap();
    let layers = |space: SiteSpace| space.layers().iter().map(|sites| sites.layer).collect::<Vec<_>>();
    assert_eq!(layers(SiteSpace::of(&graph, Target::Activation)), [0, 1, 2, 3]);
    assert_eq!(layers(SiteSpace::sampled(&graph, Target::Activation)), [1, 2]);
    assert!(layers(SiteSpace::sampled(&graph, Target::Weight)).is_empty());
}

#[test]
fn truth_values_have_no_bits_to_flip() {
    use crate::graph::{Binary, Step};
    let mut builder = GraphBuilder::new("test");
    let input = builder.input("image", [1, 4]).unwrap();
    let relu = builder.layer("relu", "Relu", Op::Unary(Unary::Relu), &[input]).unwrap();
    let zero = builder.parameter("zero", HostTensor::new([1], vec![0.0]).unwrap()).unwrap();
    let equal = builder.layer("equal", "Equal", Op::Binary(Binary::Equal), &[relu, zero]).unwrap();
    let moved = builder.layer("moved", "Reshape", Op::Reshape { shape: vec![4, 1] }, &[equal]).unwrap();
    let chain = Op::Chain(vec![
        Step { op: Op::Reshape { shape: vec![1, 4] }, inputs: 1 },
        Step { op: Op::Unary(Unary::Not), inputs: 0 },
    ]);
    let not = builder.layer("not", "Not", chain, &[moved]).unwrap();
    let scores = builder.layer("scores", "Where", Op::Where, &[not, relu, zero]).unwrap();
    let graph = builder.finish(&[scores]).unwrap();
    let space = SiteSpace::of(&graph, Target::Activation);
    let layers: Vec<&str> = space.layers().iter().map(|sites| graph.nodes[sites.layer].name.as_str()).collect();
    assert_eq!(layers, ["relu", "scores"]);
    let refusal = space.layer(&graph, graph.find("moved").unwrap()).unwrap_err().to_string();
    assert!(refusal.contains("moved") && refusal.contains("truth values"), "{refusal}");
}
