//! Integer and float16 networks as onnxruntime's quantizer writes them: Faultscope's scores against onnxruntime's.
//!
//! `fixtures/quantized/small.zip` holds small networks of random weights; `quantize.py` made them and ran onnxruntime, with its
//! graph optimisations (`optimised`) and without (`plain`).

use std::io::Read;
use std::sync::Arc;

use burn::tensor::Device;
use faultscope::exec::{Executor, Plain};
use faultscope::graph::{Graph, Op};
use faultscope::import::onnx::import;
use faultscope::ops::Array;
use npyz::NpyFile;

struct Archive(zip::ZipArchive<std::io::Cursor<&'static [u8]>>);

impl Archive {
    fn open() -> Self {
        let bytes: &[u8] = include_bytes!("fixtures/quantized/small.zip");
        Self(zip::ZipArchive::new(std::io::Cursor::new(bytes)).expect("an archive"))
    }

    /// The names of the networks whose file name contains `kind`.
    fn networks(&self, kind: &str) -> Vec<String> {
        let names = self.0.file_names().map(|name| name.expect("a name").into_owned());
        names
            .filter_map(|name| Some(name.strip_suffix(".onnx")?.to_owned()))
            .filter(|name| name.contains(kind))
            .collect()
    }

    fn bytes(&mut self, name: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.0.by_name(name).expect(name).read_to_end(&mut bytes).expect(name);
        bytes
    }

    fn numbers(&mut self, name: &str) -> Vec<f32> {
        NpyFile::new(&self.bytes(name)[..]).expect("an npy file").into_vec().expect("float32")
    }

    /// The graph of a network, its scores of all images, and those of onnxruntime: plain and optimised.
    fn run(&mut self, name: &str) -> (Arc<Graph>, Vec<f32>, [Vec<f32>; 2]) {
        let graph = import(name, &self.bytes(&format!("{name}.onnx"))).expect(name).graph;
        let family = name.split('-').next().expect("a name");
        let images = self.numbers(&format!("{family}.input.npy"));
        let shape = &graph.values[graph.inputs[0]].shape;
        let executor = Executor::new(graph.clone(), &Device::flex()).expect(name);
        let mut found = Vec::new();
        for image in images.chunks_exact(shape.iter().product()) {
            let input = Array::from_slice(shape, image, &Device::flex());
            let run = pollster::block_on(executor.run(&[input], &mut Plain)).expect(name);
            found.extend(pollster::block_on(run.get(graph.outputs[0]).expect("an output").read()).expect("scores"));
        }
        let expected = ["plain", "optimised"].map(|way| self.numbers(&format!("{name}.{way}.npy")));
        assert!(expected.iter().all(|expected| expected.len() == found.len()), "{name}");
        (graph, found, expected)
    }
}

fn farthest(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).fold(0.0, |most, (a, b)| most.max((a - b).abs()))
}

/// Networks of integer operators have onnxruntime's integers, every one.
#[test]
fn integer_operators_give_the_same_integers() {
    let mut archive = Archive::open();
    let networks = archive.networks("qoperator");
    assert_eq!(networks.len(), 5, "{networks:?}");
    for name in networks {
        let (_, found, [plain, optimised]) = archive.run(&name);
        assert_eq!(found, plain, "{name}");
        assert_eq!(found, optimised, "{name}");
    }
}

/// Between the integers of a QDQ network lie sums of float32 numbers, which round by their order. Where one comes near the
/// middle of two integers, implementations differ by one step, and so do onnxruntime's own runs.
#[test]
fn quantized_floats_differ_by_one_step_at_most() {
    let mut archive = Archive::open();
    let networks = archive.networks("qdq");
    assert_eq!(networks.len(), 3, "{networks:?}");
    for name in networks {
        let (graph, found, [plain, _]) = archive.run(&name);
        let last = graph.nodes.iter().rfind(|node| matches!(node.op, Op::Dequantize { .. })).expect("an end");
        let step = graph.parameters[&last.inputs[1]].data[0];
        let apart = farthest(&found, &plain);
        assert!(apart <= 1.001 * step, "{name}: scores differ by {apart}, a step is {step}");
        let equal = found.iter().zip(&plain).filter(|(a, b)| a == b).count();
        assert!(equal * 10 >= found.len() * 8, "{name}: {equal} of {} scores are equal", found.len());
    }
}

/// Sums of 32 bits, scaled by numbers that the network finds itself.
#[test]
fn dynamic_quantization_agrees() {
    let mut archive = Archive::open();
    for name in archive.networks("dynamic") {
        let (_, found, [plain, _]) = archive.run(&name);
        let largest = plain.iter().fold(0f32, |most, x| most.max(x.abs()));
        assert!(farthest(&found, &plain) <= 2e-5 * largest, "{name}: {found:?}, expected {plain:?}");
    }
}

/// Every layer's output is rounded to float16. onnxruntime computes float16 as float32 on the CPU and rounds between some layers
/// only, so scores differ by some units in the eleventh bit.
#[test]
fn float16_agrees() {
    let mut archive = Archive::open();
    let networks = archive.networks("float16");
    assert_eq!(networks.len(), 4, "{networks:?}");
    for name in networks {
        let (graph, found, [plain, _]) = archive.run(&name);
        let largest = plain.iter().fold(0f32, |most, x| most.max(x.abs()));
        assert!(farthest(&found, &plain) <= 4e-3 * largest, "{name}: {found:?}, expected {plain:?}");
        let halves = graph.values.iter().filter(|value| value.format.width() == 16).count();
        assert!(halves + 2 >= graph.values.len(), "{name}: {halves} of {} tensors are float16", graph.values.len());
    }
}
