//! Networks and images to inject faults into.

use std::io::Read;

use faultscope::campaign::{
    Calibration, CoveredRange, Granularity, Lab, NumberFormats, Rounded, Scaling, TensorScale, rounded_outputs,
};
use faultscope::data::{Image, LabelledImage};
use faultscope::exec::Ranges;
use faultscope::fault::{FaultKind, FaultModel, Format};
use faultscope::graph::HostTensor;
use faultscope::import;
use faultscope::model::{Card, Model};
use faultscope::zoo::{Architecture, EfficientNetLite, efficientnet_lite};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Images of a network: more are not needed to meet every kind of activation.
pub const IMAGES: usize = 8;

/// Where images come from.
#[derive(Clone, Copy)]
pub enum Images {
    Gtsrb,
    Cifar100,
}

/// A network with its images.
pub struct Network {
    pub name: String,
    /// With the protection, where there is one.
    pub lab: Lab,
    /// Without.
    pub bare: Lab,
    /// The ranges of the protection; none without one.
    pub ranges: Ranges,
    /// What is drawn.
    pub faults: FaultModel,
    pub images: Vec<HostTensor>,
    /// What the images were made of.
    pub pictures: Vec<LabelledImage>,
}

impl Network {
    /// A model beside the project; `None`, with a word, where it or its images are not there.
    pub fn shared(file: &str, images: Images) -> Option<Self> {
        let path = super::shared::shared(&format!("models/{file}"))?;
        let bytes = std::fs::read(path).expect("the model can be read");
        images.real()?;
        Some(Self::read(file, bytes, images))
    }

    /// The same with the bytes of its file.
    pub fn shared_file(file: &str, images: Images) -> Option<(Self, Vec<u8>)> {
        let bytes = std::fs::read(super::shared::shared(&format!("models/{file}"))?).expect("the model can be read");
        Some((Self::shared(file, images)?, bytes))
    }

    /// The model in `bytes`.
    pub fn read(file: &str, bytes: Vec<u8>, images: Images) -> Self {
        Self::new(file, import::load(file, bytes).expect("a model"), images)
    }

    /// A network that PyTorch exported, from `fixtures/torch_zoo/small.zip` or a folder of whole networks.
    pub fn torch(name: &str) -> Self {
        Self::archived(include_bytes!("../fixtures/torch_zoo/small.zip"), name)
    }

    /// A network of integers or of float16, from `fixtures/quantized/small.zip`.
    pub fn quantized(name: &str) -> Self {
        Self::archived(include_bytes!("../fixtures/quantized/small.zip"), name)
    }

    /// A network that PyTorch exported, with the bytes of its file.
    pub fn torch_file(name: &str) -> (Self, Vec<u8>) {
        (Self::torch(name), member(include_bytes!("../fixtures/torch_zoo/small.zip"), name))
    }

    /// A network of integers or of float16, with the bytes of its file.
    pub fn quantized_file(name: &str) -> (Self, Vec<u8>) {
        (Self::quantized(name), member(include_bytes!("../fixtures/quantized/small.zip"), name))
    }

    fn archived(archive: &[u8], name: &str) -> Self {
        Self::read(name, member(archive, name), Images::Gtsrb)
    }

    /// The same with the input beside it.
    pub fn torch_with_input(name: &str) -> (Self, HostTensor) {
        let network = Self::torch(&format!("{name}.onnx"));
        let archive = std::io::Cursor::new(include_bytes!("../fixtures/torch_zoo/small.zip"));
        let mut bytes = Vec::new();
        let mut archive = zip::ZipArchive::new(archive).expect("an archive");
        archive.by_name(&format!("{name}.input.npy")).expect(name).read_to_end(&mut bytes).expect(name);
        let shape = network.lab.model().input_shape().to_vec();
        let count = shape.iter().product::<usize>();
        // The numbers stand at the end of the file.
        let numbers = bytes[bytes.len() - 4 * count..].chunks_exact(4);
        let data: Vec<f32> = numbers.map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]])).collect();
        (network, HostTensor::new(shape, data).expect("an input"))
    }

    /// An architecture with random weights.
    pub fn zoo(id: &str) -> Self {
        let architecture = Architecture::of(id).expect("an architecture");
        Self::sober(id, architecture.random(architecture.classes(), 0).expect("weights"))
    }

    /// The architecture that lies under models/, with random weights: kernels as He et al. draw them, statistics of
    /// batch normalisation 0 and 1.
    pub fn efficientnet_lite0() -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let graph = efficientnet_lite(EfficientNetLite::Lite0, |name, shape| {
            let count = shape.iter().product();
            let limit = (6.0 / shape[1..].iter().product::<usize>() as f32).sqrt();
            let data = match shape {
                [_] if name.ends_with(".weight") || name.ends_with(".running_var") => vec![1.0; count],
                [_] => vec![0.0; count],
                _ => (0..count).map(|_| limit * (2.0 * rng.random::<f32>() - 1.0)).collect(),
            };
            HostTensor::new(shape, data)
        });
        let card = Card { name: "efficientnet-lite0".into(), ..Card::default() };
        Self::sober("efficientnet-lite0", Model::new(graph.expect("builds"), card).expect("a classifier"))
    }

    fn new(name: &str, model: Model, images: Images) -> Self {
        let images = images.real().unwrap_or_else(drawn);
        let input = |image: &Image| model.preprocess().apply(image, model.input_shape()).expect("an input");
        let inputs = images.iter().map(input).collect();
        let picture = |image: Image| LabelledImage { name: String::new(), label: None, image };
        let pictures = images.into_iter().map(picture).collect();
        let bare = Lab::cpu(model).expect("a valid graph");
        Self {
            name: name.into(),
            lab: bare.clone(),
            bare,
            ranges: Ranges::default(),
            faults: FaultModel::default(),
            images: inputs,
            pictures,
        }
    }

    /// The same with every layer's output clipped to its range in the golden runs of half of the images.
    pub fn protected(mut self) -> Self {
        for image in &self.images[..IMAGES / 2] {
            let golden = pollster::block_on(self.bare.golden(image)).expect("a golden run");
            let graph = self.bare.executor().graph();
            pollster::block_on(self.ranges.include(graph, &golden.activations)).expect("the CPU can be read");
        }
        self.lab = self.bare.protected_by(self.ranges.clone());
        self.name += ", protected by range";
        self
    }

    /// The same with layers' outputs and parameters in other number formats, as `--format` and `--weight-format` have it. The
    /// scales of integers cover what the golden runs of the images have.
    pub fn stored(mut self, outputs: Format, weights: Format) -> Self {
        let (range, scaling, scales) = (CoveredRange::MinMax, Scaling::default(), Granularity::default());
        let calibration = Some(Calibration { images: IMAGES, range, scaling, scales });
        let numbers = NumberFormats { outputs, weights, calibration };
        let (model, mut ranges) = (self.bare.model().clone(), Ranges::default());
        for image in &self.images {
            let golden = pollster::block_on(self.bare.golden(image)).expect("a golden run");
            pollster::block_on(ranges.include(&model.graph, &golden.activations)).expect("the CPU can be read");
        }
        let scale = |id| {
            let range = ranges.get(id)?;
            let scale = numbers.output_scale(range.low, range.high);
            Some(TensorScale { tensor: model.graph.values[id].name.clone(), scale })
        };
        let known: Vec<TensorScale> = rounded_outputs(&model.graph).filter_map(scale).collect();
        let scales = if numbers.learns() { known } else { Vec::new() };
        let rounded = Rounded::again(&model, &numbers, &scales).expect("formats that can be emulated");
        self.bare = Lab::cpu(rounded.model).expect("a valid graph");
        self.lab = self.bare.clone();
        self.name += &format!(" in {outputs} and {weights}");
        self
    }

    /// The same with faults of another kind and pattern.
    pub fn struck(mut self, kind: &str, pattern: &str) -> Self {
        let kind = FaultKind::parse(kind).expect("a kind");
        self.faults = FaultModel { kind, pattern: pattern.parse().expect("a pattern"), ..self.faults };
        self.name += &format!(", {kind} {pattern}", kind = kind.words());
        self
    }

    /// The same with bit errors at these rates.
    pub fn with_errors(mut self, rates: &str) -> Self {
        self.faults.ber = Some(rates.parse().expect("bit error rates"));
        self.name += &format!(", bit errors at {rates}");
        self
    }

    /// Random weights may make scores so large that a class is certain, and rounding then hides what a fault does. Images
    /// faint enough make the network less sure.
    fn sober(name: &str, model: Model) -> Self {
        let mut network = Self::new(name, model, Images::Gtsrb);
        let sure = |network: &Self| {
            let golden = pollster::block_on(network.lab.golden(&network.images[0])).expect("a golden run");
            golden.logits.iter().fold(0f32, |most, score| most.max(*score)) > 0.75
        };
        // Scores without softmax are never sure.
        let classifies = network.lab.model().graph.nodes.last().is_some_and(|layer| layer.kind == "Dense");
        while classifies && sure(&network) {
            for image in &mut network.images {
                image.data = image.data.iter().map(|value| value / 8.0).collect();
            }
        }
        network
    }
}

impl Images {
    /// Photographs, where they are.
    fn real(self) -> Option<Vec<Image>> {
        const BYTES: usize = 3 * 32 * 32;
        let image = |rgb: Vec<u8>| Image { width: 32, height: 32, rgb };
        match self {
            Self::Gtsrb => {
                let bytes = std::fs::read(super::shared::shared("data/gtsrb/test_images.npy")?).expect("images");
                let pixels = npyz::NpyFile::new(&bytes[..]).expect("an npy file").into_vec::<u8>().expect("bytes");
                // The data set is sorted by nothing; a stride gets several signs all the same.
                Some(pixels.chunks_exact(BYTES).step_by(97).take(IMAGES).map(|rgb| image(rgb.to_vec())).collect())
            }
            Self::Cifar100 => {
                let bytes = std::fs::read(super::shared::shared("data/cifar100/test.bin")?).expect("images");
                // Two labels, then a plane for each colour.
                let interleaved = |record: &[u8]| -> Vec<u8> {
                    let planes = &record[2..];
                    (0..BYTES).map(|index| planes[index % 3 * 1024 + index / 3]).collect()
                };
                let records = bytes.chunks_exact(BYTES + 2).take(IMAGES);
                Some(records.map(|record| image(interleaved(record))).collect())
            }
        }
    }
}

/// A file of an archive.
fn member(archive: &[u8], name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(archive)).expect("an archive");
    archive.by_name(name).expect(name).read_to_end(&mut bytes).expect(name);
    bytes
}

/// Discs of random colours on random grounds.
fn drawn() -> Vec<Image> {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    (0..IMAGES)
        .map(|_| {
            let [ground, disc]: [[u8; 3]; 2] = rng.random();
            let (x, y, radius) = (rng.random_range(8..24), rng.random_range(8..24), rng.random_range(4..12));
            let inside = |at: i32| (at % 32 - x).pow(2) + (at / 32 - y).pow(2) < i32::pow(radius, 2);
            let rgb = (0..32 * 32).flat_map(|at| if inside(at) { disc } else { ground }).collect();
            Image { width: 32, height: 32, rgb }
        })
        .collect()
}
