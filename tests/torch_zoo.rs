//! Classifiers as PyTorch exports them, with both of its exporters: Faultscope's scores against onnxruntime's.
//!
//! `fixtures/torch_zoo/small.zip` holds small members of the families; `small.py` made them. A folder that `export.py`
//! has filled with whole networks is compared, too, if `FAULTSCOPE_TORCH_ZOO` names it.

use std::io::Read;
use std::path::Path;

use burn::tensor::Device;
use faultscope::exec::{Executor, Plain};
use faultscope::import::onnx::import;
use faultscope::ops::Array;
use npyz::NpyFile;

/// Largest difference of a score, relative to the largest score.
const TOLERANCE: f32 = 2e-5;

fn read(bytes: &[u8]) -> Vec<f32> {
    NpyFile::new(bytes).expect("an npy file").into_vec().expect("float32")
}

/// Compares the scores, and returns the largest difference relative to the largest score.
fn difference(name: &str, model: &[u8], input: &[f32], expected: &[f32]) -> Result<f32, String> {
    let model = import(name, model).map_err(|error| error.to_string())?;
    let graph = model.graph;
    let input = Array::from_slice(&graph.values[graph.inputs[0]].shape, input, &Device::flex());
    let executor = Executor::new(graph.clone(), &Device::flex()).map_err(|error| error.to_string())?;
    let run = pollster::block_on(executor.run(&[input], &mut Plain)).map_err(|error| error.to_string())?;
    let found = pollster::block_on(run.get(graph.outputs[0]).expect("an output").read()).expect("scores");
    let largest = expected.iter().fold(0.0f32, |most, x| most.max(x.abs()));
    let apart = found.iter().zip(expected).fold(0.0f32, |most, (a, b)| most.max((a - b).abs()));
    if found.len() != expected.len() {
        return Err(format!("{} scores, {} are expected", found.len(), expected.len()));
    }
    Ok(apart / largest)
}

/// Every small network imports and agrees.
#[test]
fn small_networks() {
    let archive = include_bytes!("fixtures/torch_zoo/small.zip");
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(archive)).expect("an archive");
    let names: Vec<String> = archive.file_names().map(|name| name.expect("a name").into_owned()).collect();
    let mut read_entry = |name: &str| {
        let mut bytes = Vec::new();
        archive.by_name(name).expect(name).read_to_end(&mut bytes).expect(name);
        bytes
    };
    let networks: Vec<&str> = names.iter().filter_map(|name| name.strip_suffix(".onnx")).collect();
    assert_eq!(networks.len(), 15, "{networks:?}");
    let mut failed = Vec::new();
    for name in networks {
        let [model, input, scores] =
            ["onnx", "input.npy", "scores.npy"].map(|ending| read_entry(&format!("{name}.{ending}")));
        match difference(name, &model, &read(&input), &read(&scores)) {
            Ok(apart) if apart <= TOLERANCE => println!("{name}: {apart:.1e}"),
            Ok(apart) => failed.push(format!("{name}: scores differ by {apart:.1e}")),
            Err(error) => failed.push(format!("{name}: {error}")),
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn whole_networks() {
    let Some(folder) = std::env::var_os("FAULTSCOPE_TORCH_ZOO") else { return };
    let mut failed = Vec::new();
    let mut files: Vec<_> =
        std::fs::read_dir(folder).expect("the folder").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    for path in files.iter().filter(|path| path.extension().is_some_and(|ending| ending == "onnx")) {
        let name = path.file_name().expect("a name").to_string_lossy();
        let read_beside = |ending: &str| read(&std::fs::read(Path::new(path).with_extension(ending)).expect(ending));
        let bytes = std::fs::read(path).expect("a model");
        let started = std::time::Instant::now();
        match difference(&name, &bytes, &read_beside("input.npy"), &read_beside("scores.npy")) {
            Ok(apart) if apart <= TOLERANCE => println!("{name}: {apart:.1e} ({:.1?})", started.elapsed()),
            Ok(apart) => failed.push(format!("{name}: scores differ by {apart:.1e}")),
            Err(error) => failed.push(format!("{name}: {error}")),
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
