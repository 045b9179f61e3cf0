//! Whole networks on both devices: the logits of an outside reference, and the very same faults.

use std::io::Read;
use std::path::Path;

use burn::tensor::Device;
use faultscope::campaign::{Budget, CampaignConfig, CampaignEvent, Faults, Lab, Record, Runner};
use faultscope::cli::convert::load;
use faultscope::data::{Image, ImageSource};
use faultscope::fault::FaultModel;
use faultscope::graph::HostTensor;
use faultscope::import;
use faultscope::model::Model;
use faultscope::outcome::{Outcome, top1};
use faultscope::zoo::Manifest;

use super::gpu;
use super::missing::missing;
use super::shared::shared;

const ID: &str = "efficientnet-lite0";

/// How far `found` is from `expected`, in parts of the largest logit.
fn distance(found: &[f32], expected: &[f32]) -> f32 {
    let scale = expected.iter().fold(0.0f32, |scale, value| scale.max(value.abs()));
    found.iter().zip(expected).fold(0.0f32, |worst, (a, b)| worst.max((a - b).abs())) / scale
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    npyz::NpyFile::new(bytes).expect("a header").into_vec().expect("float32")
}

/// PyTorch's logits (fixtures/files/reference.py) for the first photos, on the GPU.
#[test]
fn the_default_model_answers_on_the_gpu_as_pytorch_does() {
    let Some(gpu) = gpu() else { return };
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("models").join(ID).join(format!("{ID}.bpk"));
    if !file.is_file() {
        missing(format_args!("{} does not exist; `faultscope fetch {ID}` makes it", file.display()));
        return;
    }
    let model = load(&file).expect("the model");
    let shape = model.graph.values[model.graph.inputs[0]].shape.clone();
    let samples = Manifest::builtin(ID).expect("a manifest").samples.expect("sample images");
    let expected = floats(include_bytes!("../fixtures/files/efficientnet-lite0.logits.npy"));
    let classes = model.classes();
    let lab = Lab::on(model, &gpu).expect("a model that runs");
    for (sample, expected) in samples.images.iter().zip(expected.chunks_exact(classes)).take(4) {
        let bytes = std::fs::read(file.with_file_name(&samples.folder).join(&sample.file)).expect("a sample image");
        let image = Image::decode(&sample.file, &bytes).expect("a photo");
        let input = lab.model().preprocess().apply(&image, &shape).expect("fits");
        let golden = pollster::block_on(lab.golden(&input)).expect("a golden run");
        assert!(distance(&golden.logits, expected) <= 1e-4, "{}", distance(&golden.logits, expected));
        assert_eq!(golden.class, top1(expected), "{}", sample.file);
    }
}

/// onnxruntime's logits for real traffic signs, on the GPU.
#[test]
fn the_sign_network_answers_on_the_gpu_as_onnxruntime_does() {
    let Some(gpu) = gpu() else { return };
    let Some(network) = shared("models/gtsrb_cnn.onnx") else { return };
    let Some(expected) = shared("models/gtsrb_cnn.expected.npy") else { return };
    let Some(images) = shared("data/gtsrb/test_images.npy") else { return };
    let read = |path: &Path| std::fs::read(path).expect("a file that is there");
    let model = import::load("gtsrb_cnn.onnx", read(&network)).expect("the model");
    let (expected, images) = (floats(&read(&expected)), read(&images));
    let pixels = &images[images.len() - 12_630 * 32 * 32 * 3..];
    let lab = Lab::on(model, &gpu).expect("a model that runs");
    for (image, expected) in pixels.chunks_exact(32 * 32 * 3).zip(expected.chunks_exact(43)).take(32) {
        let image = Image { width: 32, height: 32, rgb: image.to_vec() };
        let input = lab.model().preprocess().apply(&image, &[1, 3, 32, 32]).expect("fits");
        let golden = pollster::block_on(lab.golden(&input)).expect("a golden run");
        assert!(distance(&golden.logits, expected) <= 1e-4, "{}", distance(&golden.logits, expected));
        assert_eq!(golden.class, top1(expected));
    }
}

/// onnxruntime's scores of small transformers that PyTorch exported (fixtures/torch_zoo/small.py), on the GPU.
#[test]
fn small_transformers_answer_on_the_gpu_as_onnxruntime_does() {
    let Some(gpu) = gpu() else { return };
    let archive = std::io::Cursor::new(include_bytes!("../fixtures/torch_zoo/small.zip"));
    let mut archive = zip::ZipArchive::new(archive).expect("an archive");
    let mut read = |name: String| {
        let mut bytes = Vec::new();
        archive.by_name(&name).expect(&name).read_to_end(&mut bytes).expect(&name);
        bytes
    };
    for name in ["vit-torchscript", "vit-dynamo", "swin-torchscript", "convnext-dynamo", "maxvit-dynamo"] {
        let model = import::load("small.onnx", read(format!("{name}.onnx"))).expect(name);
        let shape = model.graph.values[model.graph.inputs[0]].shape.clone();
        let input = HostTensor::new(shape, floats(&read(format!("{name}.input.npy")))).expect("an input");
        let expected = floats(&read(format!("{name}.scores.npy")));
        let lab = Lab::on(model, &gpu).expect("a model that runs");
        let golden = pollster::block_on(lab.golden(&input)).expect("a golden run");
        assert!(distance(&golden.logits, &expected) <= 1e-4, "{name}: {}", distance(&golden.logits, &expected));
        assert_eq!(golden.class, top1(&expected), "{name}");
    }
}

/// Twenty images of 8 x 8 pixels, told apart by a formula.
struct Patterns;

impl ImageSource for Patterns {
    fn len(&self) -> usize {
        20
    }

    fn name(&self, index: usize) -> String {
        format!("pattern {index}")
    }

    fn label(&self, index: usize) -> Option<usize> {
        Some(index % 3)
    }

    fn image(&self, index: usize) -> faultscope::Result<Image> {
        let rgb =
            (0..8 * 8 * 3).map(|byte| (40 + 7 * index + byte / 9 + 120 * usize::from(byte % 3 == index % 3)) as u8);
        Ok(Image { width: 8, height: 8, rgb: rgb.collect() })
    }
}

fn colours() -> Model {
    import::load("colours.onnx", include_bytes!("../fixtures/cli/colours.onnx").to_vec()).expect("the model")
}

/// 200 faults of seed 2022, ten an image.
fn campaign(device: &Device) -> Vec<Record> {
    let lab = Lab::on(colours(), device).expect("a model that runs");
    let config = CampaignConfig {
        model: "colours".into(),
        seed: 2022,
        images: None,
        faults: Faults::Each(10),
        fault_model: FaultModel::default(),
        grouping: None,
        protect: None,
        compared: None,
        on_bad_image: Default::default(),
        numbers: Default::default(),
        design: None,
        exhaustive: false,
        until: None,
    };
    let mut runner = Runner::new(&lab, config, Patterns, Budget::default()).expect("a campaign");
    let mut records = Vec::new();
    while let Some(event) = pollster::block_on(runner.next()).expect("it runs") {
        if let CampaignEvent::Injection(record) = event {
            records.push(*record);
        }
    }
    records
}

/// Where each fault strikes, one line a fault: what fixtures/sites.csv holds and the page's campaigns must draw, too.
fn sites(records: &[Record]) -> String {
    let mut csv = "image,layer,element,bit\n".to_owned();
    for record in records {
        let fault = record.fault.as_ref().expect("a fault");
        let bit = fault.bit.expect("a bit flip");
        csv += &format!("{},{},{},{bit}\n", record.image, fault.layer, fault.element);
    }
    csv
}

/// Known answers: 200 faults are the same on every device, on every platform, and in every version to come.
#[test]
fn one_seed_draws_the_same_200_faults_everywhere() {
    let expected = include_str!("../fixtures/sites.csv");
    let cpu = campaign(&Device::flex());
    assert_eq!(cpu.len(), 200);
    let drawn = sites(&cpu);
    if std::env::var_os("FAULTSCOPE_BLESS").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/sites.csv"), &drawn)
            .expect("a new fixture");
    } else {
        assert_eq!(drawn, expected);
    }
    let Some(gpu) = gpu() else { return };
    let gpu = campaign(&gpu);
    assert_eq!(sites(&gpu), drawn);
    for (cpu, gpu) in cpu.iter().zip(&gpu) {
        // Rounding differs between the devices, so values do by a little, and so may a class at a tie: there is none.
        assert_eq!((cpu.outcome, cpu.due, cpu.faulty), (gpu.outcome, gpu.due, gpu.faulty), "{cpu:?}\n{gpu:?}");
        let before = |record: &Record| record.fault.as_ref().map_or(f32::NAN, |fault| fault.before);
        assert!((before(cpu) - before(gpu)).abs() <= 1e-4, "{cpu:?}\n{gpu:?}");
    }
    assert!(cpu.iter().any(|record| record.outcome == Outcome::Sdc), "some faults must matter");
}
