//! The networks that are measured, and their images.

use std::path::{Path, PathBuf};

use faultscope::data::cifar::{Cifar, CifarSource};
use faultscope::data::npy::NpyImages;
use faultscope::data::{Image, ImageSource};
use faultscope::fault::{SiteSpace, Target};
use faultscope::graph::HostTensor;
use faultscope::import;
use faultscope::model::Model;
use faultscope::zoo::Architecture;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::Failure;
use crate::engine::Step;
use crate::peer::Peer;

/// Those with targets.
pub const DEFAULT: [&str; 5] = ["resnet50", "vgg16-32x32", "efficientnet-lite0", "resnet20", "gtsrb"];
/// Networks of which dense runs and injections are measured, and nothing else: those of today, from the folder of the peers.
pub const TODAY: [&str; 4] = ["vit-b16", "swin-t", "convnext-t", "resnet50-int8"];
/// Images of each.
pub const IMAGES: usize = 64;
/// Height and width of the images before they are resized.
const SIDE: usize = 32;

/// A network with images to run it on.
pub struct Subject {
    /// What the command line calls it.
    pub id: String,
    /// What the table calls it.
    pub title: String,
    /// What `faultscope campaign --model` calls it.
    pub name: String,
    pub model: Model,
    /// The images as they are, and as the network's input.
    pub pixels: Vec<Image>,
    pub inputs: Vec<HostTensor>,
    /// Where faults are drawn.
    pub activations: SiteSpace,
    pub weights: SiteSpace,
    /// Whether PyTorch runs the same.
    pub has_peer: bool,
}

impl Subject {
    /// The network `id`; `None`, with a word, where it is one that is not here.
    pub fn open(id: &str, peer_models: Option<&Path>) -> Result<Option<Self>, Failure> {
        let shared = |file: &str| shared().join(file);
        let known = match id {
            "efficientnet-lite0" => Some(root().join("models/efficientnet-lite0/efficientnet-lite0.bpk")),
            "resnet20" => Some(shared("models/cifar100_resnet20.onnx")),
            "gtsrb" => Some(shared("models/gtsrb_cnn.onnx")),
            file if file.ends_with(".onnx") => Some(PathBuf::from(file)),
            _ => None,
        };
        let exported =
            peer_models.filter(|_| Peer::NETWORKS.contains(&id)).map(|folder| folder.join(format!("{id}.onnx")));
        let has_peer = exported.is_some();
        if exported.is_none() && TODAY.contains(&id) {
            eprintln!("{id}: skipped, it is measured with --peer");
            return Ok(None);
        }
        let (name, model) = match known.or(exported) {
            Some(file) if !file.exists() => {
                eprintln!("{id}: skipped, {} is not there", file.display());
                return Ok(None);
            }
            Some(file) => {
                let name = file.display().to_string();
                let model = import::load(&name, std::fs::read(&file)?)?;
                (name, model)
            }
            None => {
                let architecture = Architecture::of(id)?;
                (format!("zoo:{id}"), architecture.random(architecture.classes(), 0)?)
            }
        };
        let pixels = match id {
            "gtsrb" => gtsrb(&shared("data/gtsrb/test_images.npy")),
            _ => cifar(&shared("data/cifar100/test.bin")),
        };
        let pixels = pixels?.unwrap_or_else(noise);
        let preprocess = model.preprocess();
        let input = |image: &Image| preprocess.apply(image, model.input_shape());
        let inputs = pixels.iter().map(input).collect::<Result<Vec<_>, _>>()?;
        let side = model.input_shape()[2];
        let title = match id {
            "resnet20" => "ResNet-20".to_owned(),
            "gtsrb" => "GTSRB net".to_owned(),
            "resnet50" => "ResNet-50".to_owned(),
            "vit-b16" => "ViT-B/16".to_owned(),
            "swin-t" => "Swin-T".to_owned(),
            "convnext-t" => "ConvNeXt-T".to_owned(),
            "resnet50-int8" => "ResNet-50 int8".to_owned(),
            _ => Architecture::of(id).map_or(model.card.name.clone(), |architecture| architecture.name.to_owned()),
        };
        let title = format!("{title} {side}");
        let space = |target| SiteSpace::sampled(&model.graph, target);
        let (activations, weights) = (space(Target::Activation), space(Target::Weight));
        Ok(Some(Self { id: id.to_owned(), title, name, model, pixels, inputs, activations, weights, has_peer }))
    }
}

impl Subject {
    /// The steps that are measured.
    pub fn steps(&self) -> &'static [Step] {
        if self.is_of_today() { &[Step::Dense, Step::Single, Step::Patches] } else { &Step::ALL }
    }

    /// Whether it is one of [`TODAY`].
    pub fn is_of_today(&self) -> bool {
        TODAY.contains(&self.id.as_str())
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The folder beside the project, as in tests/support/shared.rs.
fn shared() -> PathBuf {
    std::env::var_os("FAULTSCOPE_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from)
}

fn gtsrb(file: &Path) -> Result<Option<Vec<Image>>, Failure> {
    if !file.exists() {
        return Ok(None);
    }
    let images = NpyImages::new(&file.display().to_string(), Box::new(std::fs::read(file)?), None)?;
    Ok(Some((0..IMAGES).map(|index| images.get(index)).collect::<Result<_, _>>()?))
}

fn cifar(file: &Path) -> Result<Option<Vec<Image>>, Failure> {
    if !file.exists() {
        return Ok(None);
    }
    let images = CifarSource::new(&file.display().to_string(), Box::new(std::fs::read(file)?), Cifar::Hundred)?;
    Ok(Some((0..IMAGES).map(|index| images.image(index)).collect::<Result<_, _>>()?))
}

/// Where there are no photographs.
fn noise() -> Vec<Image> {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let mut image = || Image { width: SIDE, height: SIDE, rgb: (0..SIDE * SIDE * 3).map(|_| rng.random()).collect() };
    (0..IMAGES).map(|_| image()).collect()
}
