//! ONNX's own node cases, for every operator that Faultscope imports, and its light models.
//!
//! The cases are in the `onnx` package on PyPI. They are fetched once, into the user's cache, and never committed.
//! `onnx_conformance.toml` names every case of these operators: those that run and pass, and those that are skipped,
//! with the reason. A case that is not listed, a listed one that fails and a skipped one that would pass are all
//! failures.

#[path = "support/missing.rs"]
mod missing;
#[path = "support/wheel.rs"]
mod wheel;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use burn::tensor::Device;
use faultscope::cli::download::Wheel;
use faultscope::exec::{Executor, Plain};
use faultscope::fault::Format;
use faultscope::graph::Source;
use faultscope::import::onnx::{Data, Importer, Tensor};
use faultscope::ops::Array;
use faultscope::zoo::Archive;
use prost::Message;
use serde::Deserialize;

const FILE: &str = "onnx-1.21.0-cp312-abi3-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl";
const SIZE: u64 = 17_613_697;
const SHA256: &str = "a9261bd580fb8548c9c37b3c6750387eb8f21ea43c63880d37b2c622e1684285";
const CASES: &str = "onnx/backend/test/data/node/";
const LIGHT: &str = "onnx/backend/test/data/light/";

/// ONNX's runner allows a relative error of 1e-3 and an absolute one of 1e-7. Ours is ten times stricter where
/// values are large. Near zero the absolute bound is what float32 can give: a sum of values around 1 that cancel is off
/// by their rounding, 1e-7 each, in whatever order they are added.
const TOLERANCE: Tolerance = Tolerance { relative: 1e-4, absolute: 1e-6 };

/// For outputs that ONNX stores rounded to four decimals: its own relative bound.
const ROUNDED: Tolerance = Tolerance { relative: 1e-3, absolute: 1e-6 };

#[derive(Clone, Copy)]
struct Tolerance {
    relative: f64,
    absolute: f64,
}

/// `onnx_conformance.toml`.
#[derive(Deserialize)]
struct List {
    /// Cases of which all nodes are among these belong here.
    operators: BTreeSet<String>,
    passing: BTreeSet<String>,
    /// Those of `passing` whose outputs are stored rounded.
    rounded: BTreeSet<String>,
    skipped: Vec<Skipped>,
}

#[derive(Deserialize)]
struct Skipped {
    reason: String,
    cases: BTreeSet<String>,
}

/// The part of `ModelProto` that says what a case is about.
#[derive(Clone, PartialEq, Message)]
struct Model {
    #[prost(message, optional, tag = "7")]
    graph: Option<Graph>,
}

#[derive(Clone, PartialEq, Message)]
struct Graph {
    #[prost(message, repeated, tag = "1")]
    node: Vec<Node>,
    #[prost(message, repeated, tag = "11")]
    input: Vec<Info>,
    #[prost(message, repeated, tag = "12")]
    output: Vec<Info>,
}

#[derive(Clone, PartialEq, Message)]
struct Node {
    #[prost(string, repeated, tag = "1")]
    input: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    output: Vec<String>,
    #[prost(string, tag = "4")]
    op_type: String,
    #[prost(string, tag = "7")]
    domain: String,
}

#[derive(Clone, PartialEq, Message)]
struct Info {
    #[prost(string, tag = "1")]
    name: String,
}

impl Graph {
    /// Whether `output` is one that Faultscope does not make: statistics for training, tensors of text generators.
    fn is_left_out(&self, output: &str) -> bool {
        self.node.iter().any(|node| {
            matches!(node.op_type.as_str(), "Attention" | "LayerNormalization")
                && node.output.iter().skip(1).any(|name| name == output)
        })
    }

    /// Whether `input` is data of an operator that moves or adds numbers of any type.
    fn is_data(&self, input: &str) -> bool {
        self.node.iter().any(|node| {
            let moves = matches!(node.op_type.as_str(), "CumSum" | "Einsum" | "GatherND" | "Trilu");
            (moves || node.op_type.starts_with("ReduceLog")) && node.input.first().is_some_and(|name| name == input)
                || node.op_type == "Einsum"
        })
    }

    /// Whether some node reads a setting from `input`: an attribute, as far as Faultscope is concerned.
    fn reads_setting(&self, input: &str) -> bool {
        self.node.iter().any(|node| {
            let first = match node.op_type.as_str() {
                "Clip" | "CumSum" | "Dropout" | "Expand" | "GatherElements" | "GatherND" | "OneHot" | "Pad"
                | "Resize" | "ScatterND" | "Tile" | "Trilu" | "Upsample" | "AffineGrid" | "CenterCropPad"
                | "Compress" | "ReverseSequence" | "Scatter" | "ScatterElements" | "TopK" => 1,
                "If" | "Loop" | "Range" => 0,
                _ => return false,
            };
            let count = match node.op_type.as_str() {
                "If" | "Scatter" | "ScatterElements" | "ScatterND" => 1,
                "Loop" => 2,
                _ => usize::MAX,
            };
            node.input.iter().skip(first).take(count).any(|name| name == input)
        })
    }
}

/// The files of a case by their name in its folder.
type Case = BTreeMap<String, Vec<u8>>;

#[test]
fn node_cases() {
    let Some(cases) = cases() else { return };
    let list: List = toml::from_str(include_str!("onnx_conformance.toml")).expect("onnx_conformance.toml");
    let reasons: BTreeMap<&str, &str> = list
        .skipped
        .iter()
        .flat_map(|skipped| skipped.cases.iter().map(|case| (case.as_str(), skipped.reason.as_str())))
        .collect();
    let importer = Importer::new().keep_batch();
    let mut belonging = BTreeSet::new();
    let mut wrong = Vec::new();
    let (mut passed, mut skipped) = (0, 0);
    for (name, case) in &cases {
        let model = Model::decode(case["model.onnx"].as_slice()).expect("a case's model");
        let graph = model.graph.expect("a case's graph");
        if !graph.node.iter().all(|node| node.domain.is_empty() && list.operators.contains(&node.op_type)) {
            continue;
        }
        belonging.insert(name.as_str());
        let tolerance = if list.rounded.contains(name) { ROUNDED } else { TOLERANCE };
        let result = run(name, case, &graph, &importer, tolerance);
        match (result, list.passing.contains(name), reasons.get(name.as_str())) {
            (Ok(()), true, None) => passed += 1,
            (Err(_), false, Some(_)) => skipped += 1,
            (Err(problem), true, None) => wrong.push(format!("{name} fails: {problem}")),
            (Ok(()), false, Some(reason)) => wrong.push(format!("{name} passes, but is skipped ({reason})")),
            (Ok(()), ..) => wrong.push(format!("{name} passes, but is not listed as passing")),
            (Err(problem), ..) => wrong.push(format!("{name} is not listed, or twice, and fails: {problem}")),
        }
    }
    for name in list.passing.iter().chain(&list.rounded).map(String::as_str).chain(reasons.keys().copied()) {
        if !belonging.contains(name) {
            wrong.push(format!("{name} is listed, but there is no such case of these operators"));
        }
    }
    println!("{passed} cases pass, {skipped} are skipped");
    assert!(wrong.is_empty(), "{} cases differ from onnx_conformance.toml:\n{}", wrong.len(), wrong.join("\n"));
}

/// Older operator sets, and what exporters write around operators: see `fixtures/onnx/versions.py`.
#[test]
fn operator_versions() {
    let versions = include_bytes!("fixtures/onnx/versions.zip");
    let cases = unpack(Wheel::open("versions.zip", versions.to_vec()).expect("a ZIP archive"), "");
    let mut wrong = Vec::new();
    for (name, case) in &cases {
        let model = Model::decode(case["model.onnx"].as_slice()).expect("a case's model");
        let graph = model.graph.expect("a case's graph");
        if let Err(problem) = run(name, case, &graph, &Importer::new(), TOLERANCE) {
            wrong.push(format!("{name}: {problem}"));
        }
    }
    assert!(cases.len() > 80, "{} cases in versions.zip", cases.len());
    assert!(wrong.is_empty(), "{} cases fail:\n{}", wrong.len(), wrong.join("\n"));
}

/// Runs a case on the CPU and compares all outputs.
fn run(name: &str, case: &Case, graph: &Graph, importer: &Importer, tolerance: Tolerance) -> Result<(), String> {
    let sets = (0..).take_while(|set| case.keys().any(|file| file.starts_with(&format!("test_data_set_{set}/"))));
    let mut ran = false;
    for set in sets {
        run_set(name, case, graph, importer, tolerance, set)?;
        ran = true;
    }
    if ran { Ok(()) } else { Err("the case has no data".to_owned()) }
}

fn run_set(
    name: &str,
    case: &Case,
    graph: &Graph,
    importer: &Importer,
    tolerance: Tolerance,
    set: usize,
) -> Result<(), String> {
    let read = |kind: &str, index: usize| {
        let file = format!("test_data_set_{set}/{kind}_{index}.pb");
        let bytes = case.get(&file).ok_or_else(|| format!("{file} is missing"))?;
        Tensor::from_bytes(&file, bytes).map_err(|error| error.to_string())
    };
    let mut importer = importer.clone();
    let mut arrays = Vec::new();
    for (index, input) in graph.input.iter().enumerate() {
        let tensor = read("input", index)?;
        match &tensor.data {
            Data::Float(data) if !graph.reads_setting(&input.name) => {
                arrays.push(Array::from_slice(&tensor.shape, data, &Device::flex()));
            }
            // The sums of two halves are halves, too: only integers are constants.
            Data::Short(format, data) if format.is_float() && !graph.reads_setting(&input.name) => {
                arrays.push(Array::from_slice(&tensor.shape, data, &Device::flex()));
            }
            Data::Double(_) | Data::Int(_) if graph.is_data(&input.name) => {
                let data = match &tensor.data {
                    Data::Double(data) => data.iter().map(|&x| x as f32).collect(),
                    Data::Int(data) => data.iter().map(|&x| x as f32).collect(),
                    Data::Float(data) | Data::Short(_, data) => data.clone(),
                };
                importer = importer.bind(&input.name, Tensor { shape: tensor.shape, data: Data::Float(data) });
            }
            _ => importer = importer.bind(&input.name, tensor),
        }
    }
    let made = graph.output.iter().enumerate().filter(|(_, output)| !graph.is_left_out(&output.name));
    let made: Vec<(usize, &str)> = made.map(|(index, output)| (index, output.name.as_str())).collect();
    if made.len() < graph.output.len() {
        importer = importer.only(made.iter().map(|(_, name)| (*name).to_owned()).collect::<Vec<_>>());
    }
    let model = &case["model.onnx"];
    let known = importer.known_outputs(name, model).map_err(|error| error.to_string())?;
    let computed = if made.iter().all(|(_, output)| known.contains_key(*output)) {
        BTreeMap::new()
    } else {
        let graph = Arc::new(importer.graph(name, model).map_err(|error| error.to_string())?);
        compute(&graph, &arrays).map_err(|error| error.to_string())?
    };
    for (index, output) in made {
        let expected = read("output", index)?;
        let found = known.get(output).or_else(|| computed.get(output));
        let found = found.ok_or_else(|| format!("output \"{output}\" is not computed"))?;
        compare(found, &expected, tolerance).map_err(|problem| format!("output \"{output}\": {problem}"))?;
    }
    Ok(())
}

fn compute(graph: &Arc<faultscope::graph::Graph>, inputs: &[Array]) -> faultscope::Result<BTreeMap<String, Tensor>> {
    let executor = Executor::new(graph.clone(), &Device::flex())?;
    let run = pollster::block_on(executor.run(inputs, &mut Plain))?;
    let mut computed = BTreeMap::new();
    for &output in &graph.outputs {
        let value = &graph.values[output];
        if value.source == Source::Parameter {
            continue;
        }
        let array = run.get(output).expect("a run computes every output");
        let data = Data::Float(pollster::block_on(array.read())?.into());
        computed.insert(value.name.clone(), Tensor { shape: array.shape().to_vec(), data });
    }
    Ok(computed)
}

fn compare(found: &Tensor, expected: &Tensor, tolerance: Tolerance) -> Result<(), String> {
    if found.shape != expected.shape {
        return Err(format!("shape {:?}, expected {:?}", found.shape, expected.shape));
    }
    match (&found.data, &expected.data) {
        (Data::Float(found), Data::Float(expected)) => {
            assert_eq!(found.len(), expected.len());
            for (index, (&found, &expected)) in found.iter().zip(expected.iter()).enumerate() {
                let (found, expected) = (f64::from(found), f64::from(expected));
                let same = found == expected || (found.is_nan() && expected.is_nan());
                let near = (found - expected).abs() <= tolerance.absolute + tolerance.relative * expected.abs();
                if !(same || near) {
                    return Err(format!("element {index} is {found}, expected {expected}"));
                }
            }
            Ok(())
        }
        (Data::Float(found), Data::Double(expected)) => {
            let expected = Data::Float(expected.iter().map(|&x| x as f32).collect());
            let found = Tensor { shape: Vec::new(), data: Data::Float(found.clone()) };
            compare(&found, &Tensor { shape: Vec::new(), data: expected }, tolerance)
        }
        // Half of a float16's last bit more; integers are exact.
        (Data::Float(found), Data::Short(format, expected)) => {
            let exact = Tolerance { relative: 0.0, absolute: 0.0 };
            let half = Tolerance { relative: 1e-3, absolute: 1e-6 };
            let brain = Tolerance { relative: 8e-3, absolute: 1e-6 };
            let tolerance = match format {
                Format::F16 => half,
                Format::Bf16 => brain,
                _ => exact,
            };
            let plain = |data: &Arc<[f32]>| Tensor { shape: Vec::new(), data: Data::Float(data.clone()) };
            compare(&plain(found), &plain(expected), tolerance)
        }
        // A layer's truth values are 1 and 0.
        (Data::Float(found), Data::Int(expected)) => {
            match found.iter().zip(expected.iter()).position(|(&found, &expected)| f64::from(found) != expected as f64)
            {
                None => Ok(()),
                Some(index) => Err(format!("element {index} is {}, expected {}", found[index], expected[index])),
            }
        }
        (found, expected) if found == expected => Ok(()),
        (found, expected) => Err(format!("{found:?}, expected {expected:?}")),
    }
}

/// ONNX's light models: nine networks of its model zoo whose weights are made by the model, to keep the files small. The
/// expected scores are beside them.
#[test]
fn light_models() {
    let Some(mut archive) = package() else { return };
    let members: Vec<String> = archive.members().map(Cow::into_owned).collect();
    let models: Vec<&str> =
        members.iter().filter_map(|member| member.strip_prefix(LIGHT)?.strip_suffix(".onnx")).collect();
    assert_eq!(models.len(), 9, "{models:?}");
    for name in models {
        let mut read = |ending: &str| archive.member(&format!("{LIGHT}{name}{ending}")).expect("a file of the archive");
        let (model, expected) = (read(".onnx"), read("_output_0.pb"));
        let graph = Arc::new(Importer::new().graph(name, &model).expect(name));
        let shape = &graph.values[graph.inputs[0]].shape;
        // As ONNX's runner makes it: numbers from 0 up to 1.
        let count: usize = shape.iter().product();
        let input: Vec<f32> = (0..count).map(|index| (index as f64 / count as f64) as f32).collect();
        let outputs = compute(&graph, &[Array::from_slice(shape, &input, &Device::flex())]).expect(name);
        let expected = Tensor::from_bytes(name, &expected).expect("scores");
        let found = outputs.values().next().expect("one output");
        compare(found, &expected, TOLERANCE).unwrap_or_else(|problem| panic!("{name}: {problem}"));
    }
}

/// All cases by name; `None`, with a word, where they can neither be found nor fetched.
fn cases() -> Option<BTreeMap<String, Case>> {
    let cases = unpack(package()?, CASES);
    assert!(cases.len() > 1000, "{} cases in the wheel", cases.len());
    Some(cases)
}

fn package() -> Option<Wheel> {
    let archive = Archive {
        package: "onnx".to_owned(),
        version: "1.21.0".to_owned(),
        file: FILE.to_owned(),
        size: SIZE,
        sha256: SHA256.to_owned(),
    };
    wheel::wheel(&archive)
}

/// The cases below `folder`.
fn unpack(mut archive: Wheel, folder: &str) -> BTreeMap<String, Case> {
    let members: Vec<String> = archive.members().map(Cow::into_owned).collect();
    let mut cases: BTreeMap<String, Case> = BTreeMap::new();
    for member in members {
        if let Some((case, path)) = member.strip_prefix(folder).and_then(|path| path.split_once('/')) {
            let bytes = archive.member(&member).expect("a file of the archive");
            cases.entry(case.to_owned()).or_default().insert(path.to_owned(), bytes);
        }
    }
    cases
}
