//! What is asked of each measure.

/// Which way a measure is better.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Better {
    More,
    Less,
}

/// What must be, and what is hoped for.
#[derive(Clone, Copy)]
pub struct Target {
    pub must: f64,
    pub goal: Option<f64>,
    pub better: Better,
}

/// What is asked of `measure` of the network `net`, where anything is.
pub fn target(net: &str, measure: &str) -> Option<Target> {
    let more = |must, goal| Some(Target { must, goal: Some(goal), better: Better::More });
    let less = |must| Some(Target { must, goal: None, better: Better::Less });
    match (measure, net) {
        ("injections / dense", "resnet50") => more(4.0, 9.0),
        ("injections / dense", "vgg16-32x32" | "efficientnet-lite0" | "resnet20") => more(3.0, 6.0),
        ("injections / dense", "gtsrb") => more(5.0, 12.0),
        ("injections / dense", "convnext-t") => more(4.0, 8.0),
        ("injections / dense", "swin-t") => more(2.5, 5.0),
        ("injections / dense", "vit-b16") => more(1.8, 3.0),
        ("injections / dense", "resnet50-int8") => more(6.0, 12.0),
        ("weight faults / dense", _) => more(1.5, 3.0),
        ("injections, protected / injections", _) => more(0.8, 0.95),
        ("gradients / dense", _) => more(0.4, 0.4),
        ("injections, bfloat16 / injections" | "injections, int8 / injections", "resnet50" | "gtsrb") => more(0.6, 0.9),
        ("injections, bullet wake / injections" | "injections, shattered glass / injections", "resnet50") => {
            more(0.5, 0.8)
        }
        ("injections / PyTorchFI", _) => more(5.0, 12.0),
        ("dense / torch", _) => more(0.7, 1.0),
        ("dense / onnxruntime", _) => more(0.4, 1.0),
        ("single image / torch", _) => more(0.5, 1.0),
        ("peak memory, --memory 2GiB", "resnet50") => less(2.5),
        ("time of 10 x the faults", _) => less(10.5),
        _ if net == "gpu" => more(2.0, 5.0),
        _ => None,
    }
}
