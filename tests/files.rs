//! Models of the zoo with their sample images: the built-in ones, and EfficientNet-Lite0 as `faultscope fetch efficientnet-lite0`
//! leaves it: read, preprocessed, executed and compared with PyTorch (tests/fixtures/files/reference.py).

#[path = "support/missing.rs"]
mod missing;
#[path = "support/shared.rs"]
mod shared;

use std::path::{Path, PathBuf};

use faultscope::campaign::Lab;
use faultscope::cli::convert::{convert, load};
use faultscope::cli::write::Existing;
use faultscope::data::Image;
use faultscope::graph::HostTensor;
use faultscope::import::{self, Format, Statements};
use faultscope::model::Model;
use faultscope::zoo::Manifest;

const ID: &str = "efficientnet-lite0";
const BUILT_IN: [&str; 2] = ["gtsrb-resnet8", "gtsrb-vit"];

/// EfficientNet's model file, or `None` with a printed line if it was not fetched.
fn fetched() -> Option<PathBuf> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("models").join(ID).join(format!("{ID}.bpk"));
    if !file.is_file() {
        missing::missing(format_args!("{} does not exist; `faultscope fetch {ID}` makes it", file.display()));
        return None;
    }
    Some(file)
}

/// The sample photos as inputs of `model`, with their labels.
fn samples(model: &Model, file: &Path) -> Vec<(HostTensor, usize)> {
    let shape = &model.graph.values[model.graph.inputs[0]].shape;
    let id = file.file_stem().and_then(|stem| stem.to_str()).expect("it is named after the model");
    let manifest = Manifest::builtin(id).expect("a manifest");
    let owner = manifest.samples_of.clone().map_or(manifest, |other| Manifest::builtin(&other).expect("a manifest"));
    let samples = owner.samples.expect("sample images");
    let models = file.ancestors().nth(2).expect("a file in a folder of the folder of models");
    let folder = models.join(owner.id).join(&samples.folder);
    samples
        .images
        .iter()
        .map(|sample| {
            let bytes = std::fs::read(folder.join(&sample.file)).expect("a sample image");
            let image = Image::decode(&sample.file, &bytes).expect("a photo");
            let input = model.preprocess().apply(&image, shape).expect("fits");
            (input, sample.class().expect("a label"))
        })
        .collect()
}

fn logits_of_pytorch() -> Vec<f32> {
    let bytes: &[u8] = include_bytes!("fixtures/files/efficientnet-lite0.logits.npy");
    npyz::NpyFile::new(bytes).expect("a header").into_vec().expect("float32")
}

/// What the page opens with must be right at first sight. The transformer takes the traffic lights for pedestrians,
/// and is unsure of it.
#[test]
fn the_built_in_networks_name_their_signs() {
    for (id, missed) in [(BUILT_IN[0], None), (BUILT_IN[1], Some(26))] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("models").join(id).join(format!("{id}.bpk"));
        let model = load(&file).expect("the model comes along");
        let samples = samples(&model, &file);
        assert!(samples.len() >= 12, "{} signs", samples.len());
        let lab = Lab::cpu(model).expect("a model that runs");
        let name = |class: usize| lab.model().label(class);
        for (input, label) in samples {
            let golden = pollster::block_on(lab.golden(&input)).expect("a golden run");
            let probability = faultscope::outcome::probabilities(&golden.logits)[golden.class];
            if missed == Some(label) {
                assert!(golden.class != label && probability < 0.5, "{id}: {} with {probability}", name(golden.class));
                continue;
            }
            assert_eq!(golden.class, label, "{id}: {} is taken for {}", name(label), name(golden.class));
            assert!(probability > 0.7, "{id}: {}: {probability}", name(label));
        }
    }
}

#[test]
fn logits_are_pytorchs_and_18_of_20_photos_are_recognised() {
    let Some(file) = fetched() else { return };
    let model = load(&file).expect("the model");
    let samples = samples(&model, &file);
    let expected = logits_of_pytorch();
    let classes = model.classes();
    assert_eq!(expected.len(), samples.len() * classes);
    let lab = Lab::cpu(model).expect("a model that runs");
    let mut correct = 0;
    let mut worst = 0.0f32;
    for ((input, label), expected) in samples.iter().zip(expected.chunks_exact(classes)) {
        let golden = pollster::block_on(lab.golden(input)).expect("a golden run");
        let scale = expected.iter().fold(0.0f32, |scale, value| scale.max(value.abs()));
        let delta = golden.logits.iter().zip(expected).fold(0.0f32, |delta, (a, b)| delta.max((a - b).abs()));
        worst = worst.max(delta / scale);
        assert_eq!(golden.class, faultscope::outcome::top1(expected), "label {label}");
        correct += usize::from(golden.class == *label);
    }
    println!("{correct} of {} correct; largest difference {worst:e} of the largest logit", samples.len());
    assert!(worst <= 1e-4, "{worst:e}");
    assert_eq!(correct, 18);
}

#[test]
fn converting_the_real_model_keeps_every_bit_and_every_file() {
    let Some(file) = fetched() else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let other = folder.path().join("lite.safetensors");
    let again = folder.path().join("lite.bpk");
    convert(file.to_str().expect("unicode"), None, Statements::default(), &other, Existing::Keep).expect("converts");
    convert(other.to_str().expect("unicode"), None, Statements::default(), &again, Existing::Keep)
        .expect("converts back");
    let bytes = std::fs::read(&file).expect("the model");
    assert!(std::fs::read(&again).expect("the copy") == bytes, "two conversions change the file");

    std::fs::write(&other, b"precious").expect("a file");
    let error = convert(ID, None, Statements::default(), &other, Existing::Keep)
        .map(|_| ())
        .expect_err("it exists")
        .to_string();
    assert!(error.contains("--force"), "{error}");
    assert_eq!(std::fs::read(&other).expect("the file"), b"precious");
    convert(file.to_str().expect("unicode"), None, Statements::default(), &other, Existing::Replace).expect("replaces");
    assert_eq!(import::load("lite", std::fs::read(&other).expect("the file")).expect("a model").classes(), 1000);
    let error = convert(ID, None, Statements::default(), &folder.path().join("lite.onnx"), Existing::Keep)
        .map(|_| ())
        .expect_err("a format")
        .to_string();
    assert!(error.contains(".bpk or .safetensors"), "{error}");
    assert!(Format::of_extension("BPK").is_some());
}

/// Writes the preprocessed photos for reference.py, to the file that FAULTSCOPE_INPUTS names.
#[test]
#[ignore = "makes the input of tests/fixtures/files/reference.py"]
fn write_inputs() {
    let path = std::env::var("FAULTSCOPE_INPUTS").expect("FAULTSCOPE_INPUTS names the file to write");
    let file = fetched().expect("the model is fetched");
    let model = load(&file).expect("the model");
    let samples = samples(&model, &file);
    let shape: Vec<u64> =
        std::iter::once(samples.len()).chain(samples[0].0.shape[1..].iter().copied()).map(|axis| axis as u64).collect();
    use npyz::WriterBuilder;
    let mut writer = npyz::WriteOptions::new()
        .default_dtype()
        .shape(&shape)
        .writer(std::io::BufWriter::new(std::fs::File::create(path).expect("a new file")))
        .begin_nd()
        .expect("a header");
    for (input, _) in &samples {
        writer.extend(input.data.iter().copied()).expect("the elements");
    }
    writer.finish().expect("the end");
}

/// The models that stand beside the project, or none with a printed word.
fn shared_models() -> Vec<PathBuf> {
    ["models/cifar100_resnet20.onnx", "models/gtsrb_cnn.onnx"].into_iter().filter_map(shared::shared).collect()
}

#[test]
fn an_onnx_model_survives_conversion() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for path in shared_models() {
        let original = load(&path).expect("an ONNX model");
        for name in ["net.bpk", "net.safetensors"] {
            let output = folder.path().join(name);
            convert(path.to_str().expect("unicode"), None, Statements::default(), &output, Existing::Replace)
                .expect("converts");
            let converted = load(&output).expect("the converted model");
            assert_eq!(converted, original, "{} as {name}", path.display());
            assert!(!converted.card.name.is_empty());
        }
    }
}
