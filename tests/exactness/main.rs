//! Waves give what whole runs give, on real networks and on architectures with random weights: for every fault the same
//! scores, bit for bit, and so the same class and the same outcome. And they do it with as few multiply-adds as measured.
//!
//! Each network gets as many faults as take seconds. As many as one likes, of a network by the test's name (2,000 of VGG16
//! for small images took 76 s on two busy cores, of ResNet-50 ten minutes):
//! `FAULTSCOPE_FAULTS=2000 cargo test --release --test exactness -- --nocapture --include-ignored resnet50`

mod checked;
mod compared;
mod gradients;
#[path = "../support/missing.rs"]
mod missing;
mod networks;
mod proof;
mod protected_file;
#[path = "../support/shared.rs"]
mod shared;

use faultscope::fault::Target;
use networks::{Images, Network};
use proof::{Expected, prove};

/// The networks beside the project, from the files of two frameworks, with real images.
mod real {
    use super::*;

    fn gtsrb_cnn(file: &str) {
        let Some(network) = Network::shared(file, Images::Gtsrb) else { return };
        prove(&network, 2000, &Expected { multiply_adds: None, saved: 20.0 });
    }

    #[test]
    fn gtsrb_cnn_from_onnx() {
        gtsrb_cnn("gtsrb_cnn.onnx");
    }

    #[test]
    fn gtsrb_cnn_from_keras() {
        gtsrb_cnn("gtsrb_cnn.keras");
    }

    fn cifar100_resnet20(file: &str) {
        let Some(network) = Network::shared(file, Images::Cifar100) else { return };
        // He et al., "Deep Residual Learning for Image Recognition": 0.27 M parameters; its multiply-adds are known as
        // 40.8 M with ten classes.
        prove(&network, 2000, &Expected { multiply_adds: Some(40.8e6), saved: 6.5 });
    }

    #[test]
    fn cifar100_resnet20_from_onnx() {
        cifar100_resnet20("cifar100_resnet20.onnx");
    }

    #[test]
    fn cifar100_resnet20_from_hdf5() {
        cifar100_resnet20("cifar100_resnet20.h5");
    }
}

/// The first network whose weights are part of the project: what can be checked anywhere.
fn resnet8() -> Network {
    let bytes = include_bytes!("../../models/gtsrb-resnet8/gtsrb-resnet8.bpk");
    Network::read("gtsrb-resnet8.bpk", bytes.to_vec(), Images::Gtsrb)
}

/// The other one: convolutions, and attentions layer by layer.
fn vit() -> Network {
    let bytes = include_bytes!("../../models/gtsrb-vit/gtsrb-vit.bpk");
    Network::read("gtsrb-vit.bpk", bytes.to_vec(), Images::Gtsrb)
}

#[test]
fn gtsrb_resnet8() {
    let network = resnet8();
    prove(&network, 2000, &Expected { multiply_adds: None, saved: 8.0 });
}

#[test]
fn gtsrb_vit() {
    let network = vit();
    prove(&network, 3000, &Expected { multiply_adds: None, saved: 4.0 });
}

/// The vision transformer in other number formats, under patterns, and under protections.
#[test]
fn gtsrb_vit_in_other_formats() {
    for (outputs, weights) in [("bf16", "bf16"), ("int8", "int8")] {
        let [outputs, weights] = [outputs, weights].map(|format| format.parse().expect("a format"));
        prove(&vit().stored(outputs, weights), 400, &Expected { multiply_adds: None, saved: 2.0 });
    }
}

#[test]
fn gtsrb_vit_under_patterns() {
    for (kind, pattern) in [("bitflips", "single"), ("bitflip", "row"), ("zero", "channel"), ("bitflip", "random:3")] {
        prove(&vit().struck(kind, pattern), 200, &Expected { multiply_adds: None, saved: 1.0 });
    }
}

#[test]
fn gtsrb_vit_under_protections() {
    let network = vit();
    let all = ["range", "ranger", "clip-to-zero", "parity-zero", "secded", "tmr:kind:Conv2d", "nan-check"];
    compared::prove(&network, Target::Activation, &all, 1000, 6);
    compared::prove(&network, Target::Weight, &["ranger", "parity-zero", "secded", "nan-check"], 400, 6);
}

/// The residual network with clipped outputs: a fault takes little more, and gives what a clipped whole run gives.
#[test]
fn gtsrb_resnet8_protected() {
    let network = resnet8().protected();
    prove(&network, 2000, &Expected { multiply_adds: None, saved: 8.0 });
}

/// The residual network under protections beside it, learnt from half of the images: golden runs of the others go beyond the bounds.
#[test]
fn gtsrb_resnet8_under_protections() {
    let network = resnet8();
    let clips = ["range", "ranger", "ranger:channel", "range:neuron", "clip-to-zero", "clip-to-zero:channel"];
    for profile in [4, 8] {
        compared::prove(&network, Target::Activation, &clips, 2000, profile);
    }
    let others = ["range", "parity-zero", "secded", "tmr:kind:Conv2d", "duplicate:kind:Conv2d", "nan-check"];
    compared::prove(&network, Target::Activation, &others, 2000, 8);
    compared::prove(&network, Target::Weight, &["ranger", "parity-zero", "secded", "nan-check"], 1000, 6);
    let network = network.struck("bitflips", "single");
    compared::prove(&network, Target::Weight, &["parity-zero", "secded"], 500, 6);
}

/// The same network whose products are checked by checksums: the definition, written out, comes to the same for every fault.
#[test]
fn gtsrb_resnet8_under_checksums() {
    let network = resnet8();
    checked::prove(&network, Target::Activation, 2000, 4);
    checked::prove(&network, Target::Weight, 1000, 4);
}

/// The same network in every kind of number format: a fault strikes the bits that the format has, and gives what a rounded
/// whole run gives. Rounding itself is held to a reference that shares no code with it in the engine's own tests.
#[test]
fn gtsrb_resnet8_in_other_formats() {
    for (outputs, weights) in
        [("f16", "f16"), ("bf16", "e4m3"), ("e5m2", "bf16"), ("int8", "int8"), ("fixed:4.11", "int16")]
    {
        let [outputs, weights] = [outputs, weights].map(|format| format.parse().expect("a format"));
        let network = resnet8().stored(outputs, weights);
        prove(&network, 400, &Expected { multiply_adds: None, saved: 5.0 });
    }
}

/// The same network under every kind of fault and every pattern.
#[test]
fn gtsrb_resnet8_under_patterns() {
    for (kind, pattern) in [
        ("bitflips", "single"),
        ("burst", "single"),
        ("stuck1", "single"),
        ("scale:-2", "single"),
        ("noise:3", "single"),
        ("bitflip", "row"),
        ("set:NaN", "column"),
        ("zero", "channel"),
        ("bitflip", "bullet-wake"),
        ("random", "shattered-glass"),
        ("bitflip", "random:3"),
        ("bitflip", "skip:4x3"),
    ] {
        let network = resnet8().struck(kind, pattern);
        prove(&network, 200, &Expected { multiply_adds: None, saved: 1.0 });
    }
}

/// The same network with bit errors all over it, in float32 and in integers.
#[test]
fn gtsrb_resnet8_with_bit_errors() {
    let int8 = "int8".parse().expect("a format");
    // Errors in the first layers make whole runs of nearly all inferences.
    prove(&resnet8().with_errors("1e-7..1e-4"), 400, &Expected { multiply_adds: None, saved: 0.5 });
    prove(&resnet8().stored(int8, int8).with_errors("1e-6..1e-3"), 400, &Expected { multiply_adds: None, saved: 0.5 });
}

/// Architectures with random weights. Their sizes are those of the papers.
mod random {
    use super::*;

    /// Simonyan and Zisserman's, for images of 32 x 32.
    #[test]
    fn vgg16_for_small_images() {
        prove(&Network::zoo("vgg16-32x32"), 100, &Expected { multiply_adds: Some(0.333e9), saved: 7.5 });
    }

    /// He et al., table 1: 3.8 G.
    #[test]
    fn resnet50() {
        prove(&Network::zoo("resnet50"), 20, &Expected { multiply_adds: Some(3.86e9), saved: 8.5 });
    }

    /// The authors' repository: 407 M.
    #[test]
    fn efficientnet_lite0() {
        prove(&Network::efficientnet_lite0(), 40, &Expected { multiply_adds: Some(0.39e9), saved: 5.0 });
    }

    /// Sandler et al., "MobileNetV2": 300 M.
    #[test]
    fn mobilenetv2() {
        prove(&Network::zoo("mobilenetv2"), 40, &Expected { multiply_adds: Some(0.30e9), saved: 8.0 });
    }

    /// Huang et al., "Densely Connected Convolutional Networks".
    #[test]
    fn densenet121() {
        prove(&Network::zoo("densenet121"), 16, &Expected { multiply_adds: Some(2.85e9), saved: 7.0 });
    }

    /// Squeeze and excite.
    #[test]
    fn efficientnetb0() {
        prove(&Network::zoo("efficientnetb0"), 20, &Expected { multiply_adds: Some(0.39e9), saved: 2.0 });
    }

    /// Attention over tokens: what mixes all of them leaves little to save.
    #[test]
    fn small_vision_transformers() {
        for (name, saved) in [("vit", 3.6), ("deit-distilled", 4.0), ("vit-pooled", 4.2), ("mixer", 3.4)] {
            for exporter in ["torchscript", "dynamo"] {
                let network = Network::torch(&format!("{name}-{exporter}.onnx"));
                prove(&network, 2000, &Expected { multiply_adds: None, saved });
            }
        }
    }

    /// Attention within windows, which shift.
    #[test]
    fn small_swin_transformers() {
        for (name, saved) in [
            ("swin-torchscript", 10.0),
            ("swin-dynamo", 10.0),
            ("swin-v2-torchscript", 6.5),
            ("maxvit-torchscript", 5.8),
            ("maxvit-dynamo", 5.8),
        ] {
            prove(&Network::torch(&format!("{name}.onnx")), 2000, &Expected { multiply_adds: None, saved });
        }
    }

    #[test]
    fn small_convnext() {
        for name in ["convnext-torchscript", "convnext-dynamo"] {
            prove(&Network::torch(&format!("{name}.onnx")), 2000, &Expected { multiply_adds: None, saved: 4.2 });
        }
    }

    /// ResNet-20 and a network with depthwise convolutions, in integers: operators on integers, float32 between integers, and
    /// sums whose scale the network finds itself. What mixes all of a tensor to find a scale leaves nothing to save.
    #[test]
    fn small_integer_networks() {
        for (name, saved) in [
            ("resnet20-qoperator-s8s8-channel", 4.0),
            ("resnet20-qoperator-u8s8", 4.0),
            ("resnet20-qdq-s8s8-channel", 4.0),
            ("resnet20-dynamic", 1.0),
            ("mobile-qoperator-u8s8-channel", 2.0),
            ("mobile-qdq-u8s8-channel", 2.0),
        ] {
            let network = Network::quantized(&format!("{name}.onnx"));
            prove(&network, 2000, &Expected { multiply_adds: None, saved });
        }
    }

    /// The same in float16.
    #[test]
    fn small_float16_networks() {
        for name in ["resnet20-float16", "resnet20-float16-inside", "mobile-float16"] {
            let network = Network::quantized(&format!("{name}.onnx"));
            prove(&network, 2000, &Expected { multiply_adds: None, saved: 2.0 });
        }
    }

    /// Networks that `fixtures/quantized/quantize.py` made of those beside the project, from the folder
    /// `FAULTSCOPE_QUANTIZED`; those whose file name contains `FAULTSCOPE_QUANTIZED_NAME`.
    #[test]
    #[ignore = "needs a folder of quantized networks"]
    fn real_quantized_networks() {
        let folder = std::env::var("FAULTSCOPE_QUANTIZED").expect("FAULTSCOPE_QUANTIZED names the folder");
        let wanted = std::env::var("FAULTSCOPE_QUANTIZED_NAME").unwrap_or_default();
        let entries = std::fs::read_dir(folder).expect("the folder").map(|entry| entry.expect("an entry").path());
        let mut files: Vec<_> =
            entries.filter(|path| path.extension().is_some_and(|ending| ending == "onnx")).collect();
        files.sort();
        for path in files {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            if name.contains(&wanted) {
                let images = if name.starts_with("cifar") { Images::Cifar100 } else { Images::Gtsrb };
                let network = Network::read(&name, std::fs::read(path).expect("a model"), images);
                prove(&network, 2000, &Expected { multiply_adds: None, saved: 1.0 });
            }
        }
    }

    /// Whole networks that `fixtures/torch_zoo/export.py` made, from the folder `FAULTSCOPE_TORCH_ZOO`; those whose file
    /// name contains `FAULTSCOPE_TORCH_NAME`.
    #[test]
    #[ignore = "needs a folder of exported networks"]
    fn whole_torch_networks() {
        let folder = std::env::var("FAULTSCOPE_TORCH_ZOO").expect("FAULTSCOPE_TORCH_ZOO names the folder");
        let wanted = std::env::var("FAULTSCOPE_TORCH_NAME").unwrap_or_default();
        let entries = std::fs::read_dir(folder).expect("the folder").map(|entry| entry.expect("an entry").path());
        let mut files: Vec<_> =
            entries.filter(|path| path.extension().is_some_and(|ending| ending == "onnx")).collect();
        files.sort();
        for path in files {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            if name.contains(&wanted) {
                let network = Network::read(&name, std::fs::read(path).expect("a model"), Images::Gtsrb);
                prove(&network, 20, &Expected { multiply_adds: None, saved: 1.0 });
            }
        }
    }

    /// Too large to be made in seconds.
    #[test]
    #[ignore = "takes gigabytes and minutes"]
    fn vgg16() {
        prove(&Network::zoo("vgg16"), 20, &Expected { multiply_adds: Some(15.47e9), saved: 20.0 });
    }

    #[test]
    #[ignore = "takes minutes"]
    fn the_others() {
        for id in ["resnet18-32x32", "resnet50-32x32", "googlenet-32x32", "inceptionv4-32x32", "xception-32x32"] {
            prove(&Network::zoo(id), 100, &Expected { multiply_adds: None, saved: 1.5 });
        }
        for id in ["nasnetmobile", "inceptionresnetv2", "inceptionv3", "xception"] {
            prove(&Network::zoo(id), 20, &Expected { multiply_adds: None, saved: 1.5 });
        }
    }
}
