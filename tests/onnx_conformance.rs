//! ONNX's own node cases, for every operator that Faultscope imports.
//!
//! The cases are in the `onnx` package on PyPI. They are fetched once, into Cargo's folder for test files, and
//! never committed. `onnx_conformance.toml` names every case of these operators: those that run and pass, and those
//! that are skipped, with the reason. A case that is not listed, a listed one that fails and a skipped one that
//! would pass are all failures.
#![cfg(feature = "cli")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read};
use std::path::Path;
use std::sync::Arc;

use burn::tensor::Device;
use faultscope::exec::{Executor, Plain};
use faultscope::graph::Source;
use faultscope::import::onnx::{Data, Importer, Tensor};
use faultscope::ops::Array;
use prost::Message;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig};

const FILE: &str = "onnx-1.21.0-cp312-abi3-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl";
const FOLDER: &str =
    "https://files.pythonhosted.org/packages/a7/00/4823f06357892d1e60d6f34e7299d2ba4ed2108c487cc394f7ce85a3ff14";
const SHA256: &str = "a9261bd580fb8548c9c37b3c6750387eb8f21ea43c63880d37b2c622e1684285";
const CASES: &str = "onnx/backend/test/data/node/";

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
    /// Whether some node reads a setting from `input`: an attribute, as far as Faultscope is concerned.
    fn reads_setting(&self, input: &str) -> bool {
        self.node.iter().any(|node| {
            let first = match node.op_type.as_str() {
                "Clip" | "Dropout" | "Pad" | "Resize" | "Upsample" => 1,
                "Range" => 0,
                _ => return false,
            };
            node.input.iter().skip(first).any(|name| name == input)
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
    let cases = unpack(include_bytes!("fixtures/onnx/versions.zip").to_vec(), "");
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
            _ => importer = importer.bind(&input.name, tensor),
        }
    }
    let model = &case["model.onnx"];
    let known = importer.known_outputs(name, model).map_err(|error| error.to_string())?;
    let computed = if graph.output.iter().all(|output| known.contains_key(&output.name)) {
        BTreeMap::new()
    } else {
        let graph = Arc::new(importer.graph(name, model).map_err(|error| error.to_string())?);
        compute(&graph, &arrays).map_err(|error| error.to_string())?
    };
    for (index, output) in graph.output.iter().enumerate() {
        let expected = read("output", index)?;
        let found = known.get(&output.name).or_else(|| computed.get(&output.name));
        let found = found.ok_or_else(|| format!("output \"{}\" is not computed", output.name))?;
        compare(found, &expected, tolerance).map_err(|problem| format!("output \"{}\": {problem}", output.name))?;
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
        (found, expected) if found == expected => Ok(()),
        (found, expected) => Err(format!("{found:?}, expected {expected:?}")),
    }
}

/// All cases by name; `None`, with a word, where they can neither be found nor fetched.
fn cases() -> Option<BTreeMap<String, Case>> {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(FILE);
    let cached = std::fs::read(&path).ok().filter(|bytes| hex(&Sha256::digest(bytes)) == SHA256);
    let bytes = cached.or_else(|| match fetch() {
        Ok(bytes) => {
            let found = hex(&Sha256::digest(&bytes));
            assert_eq!(found, SHA256, "{FOLDER}/{FILE} is not the file that is expected");
            std::fs::write(&path, &bytes).expect("Cargo's folder for test files can be written");
            Some(bytes)
        }
        Err(error) if std::env::var_os("CI").is_none() => {
            println!("skipped: ONNX's node cases are not here and cannot be fetched ({error})");
            None
        }
        Err(error) => panic!("ONNX's node cases cannot be fetched: {error}"),
    })?;
    let cases = unpack(bytes, CASES);
    assert!(cases.len() > 1000, "{} cases in the wheel", cases.len());
    Some(cases)
}

/// The cases below `folder` in a zip file.
fn unpack(bytes: Vec<u8>, folder: &str) -> BTreeMap<String, Case> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).expect("a zip file");
    let mut cases: BTreeMap<String, Case> = BTreeMap::new();
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).expect("a file of the zip file");
        let name = file.name().expect("a name in UTF-8");
        let Some((case, path)) = name.strip_prefix(folder).and_then(|path| path.split_once('/')) else {
            continue;
        };
        let (case, path) = (case.to_owned(), path.to_owned());
        drop(name);
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).expect("a file of the zip file");
        cases.entry(case).or_default().insert(path, bytes);
    }
    cases
}

fn fetch() -> Result<Vec<u8>, ureq::Error> {
    println!("fetching {FILE} from PyPI");
    // The machine's own certificates: networks that inspect traffic add theirs there.
    let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
    let agent = Agent::config_builder().tls_config(tls).build().new_agent();
    agent.get(format!("{FOLDER}/{FILE}")).call()?.body_mut().with_config().limit(64 << 20).read_to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
