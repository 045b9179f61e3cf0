//! The models beside the project (`../shared`, or FAULTSCOPE_SHARED), in both formats.

use faultscope::import::load;
use faultscope::outcome::top1;

use super::common::{Runner, compare, layers, npy};
use super::files::shared;

/// Bytes of a file beside the project; `None`, with a word, where it is absent.
fn read(file: &str) -> Option<Vec<u8>> {
    shared(file).map(|path| std::fs::read(path).expect("a file"))
}

/// Imports both files of a model and compares list of layers and scores; `image` gives an image's pixels, HWC.
fn agrees(name: &str, image: impl Fn(usize) -> Vec<u8>) {
    let Some(expected) = read(&format!("models/{name}.expected_keras.npy")) else { return };
    let expected: Vec<f32> = npy(&expected);
    let listed: serde_json::Value =
        serde_json::from_str(include_str!("../fixtures/keras/layers.json")).expect("layers.json");
    let listed: Vec<(String, String)> = serde_json::from_value(listed[name].clone()).expect("pairs");
    for extension in ["h5", "keras"] {
        let file = format!("{name}.{extension}");
        let Some(bytes) = read(&format!("models/{file}")) else { return };
        let model = load(&file, bytes).expect("the model imports");
        assert_eq!(model.card.name, name);
        assert_eq!(layers(&model.graph), listed, "{file}");
        let input = &model.graph.values[model.graph.inputs[0]];
        assert_eq!(
            (input.shape.as_slice(), input.source_shape().as_slice()),
            (&[1, 3, 32, 32][..], &[1, 32, 32, 3][..])
        );
        let runner = Runner::new(&model);
        for (index, expected) in expected.chunks_exact(model.classes()).enumerate() {
            let pixels: Vec<f32> = image(index).into_iter().map(|pixel| f32::from(pixel) / 255.0).collect();
            let scores = runner.scores(&pixels);
            compare(&scores, expected, 1e-4).unwrap_or_else(|problem| panic!("{file}, image {index}: {problem}"));
            assert_eq!(top1(&scores), top1(expected), "{file}, image {index}");
        }
    }
}

#[test]
fn gtsrb_cnn() {
    let Some(images) = read("data/gtsrb/test_images.npy") else { return };
    let images: Vec<u8> = npy(&images);
    agrees("gtsrb_cnn", |index| images[index * 3072..(index + 1) * 3072].to_vec());
}

#[test]
fn cifar100_resnet20() {
    let Some(images) = read("data/cifar100/test.bin") else { return };
    agrees("cifar100_resnet20", |index| {
        // Stored plane by plane, after two labels.
        let planes = &images[index * 3074 + 2..(index + 1) * 3074];
        (0..1024).flat_map(|pixel| [planes[pixel], planes[1024 + pixel], planes[2048 + pixel]]).collect()
    });
}
