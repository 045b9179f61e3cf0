//! The table of architectures.

use facts::data::Normalise;

use super::Architecture;

/// Declares a network of `keras.applications`: its id, name, input side, normalisation, and the weights-only file if
/// its name is not `ID_weights_tf_dim_ordering_tf_kernels.h5`.
macro_rules! imagenet {
    ($id:literal, $name:literal, $side:literal, $normalise:ident) => {
        imagenet!($id, $name, $side, $normalise, concat!($id, "_weights_tf_dim_ordering_tf_kernels.h5"))
    };
    ($id:literal, $name:literal, $side:literal, $normalise:ident, $file:expr) => {
        Architecture {
            id: $id,
            name: $name,
            side: $side,
            normalise: Normalise::$normalise,
            file: $file,
            config: include_bytes!(concat!("keras/configs/", $id, ".json.gz")),
        }
    };
}

/// Declares a network for small images: the id of its family, and its name.
macro_rules! small {
    ($family:literal, $name:literal) => {
        Architecture {
            id: concat!($family, "-32x32"),
            name: $name,
            side: 32,
            normalise: Normalise::Unit,
            file: concat!($family, "-32x32.h5"),
            config: include_bytes!(concat!("keras/configs/", $family, "-32x32.json.gz")),
        }
    };
}

pub(super) static ARCHITECTURES: [Architecture; 29] = [
    imagenet!("resnet50", "ResNet50", 224, Caffe),
    imagenet!("resnet101", "ResNet101", 224, Caffe),
    imagenet!("resnet152", "ResNet152", 224, Caffe),
    imagenet!("vgg16", "VGG16", 224, Caffe),
    imagenet!("vgg19", "VGG19", 224, Caffe),
    imagenet!("xception", "Xception", 299, Tf),
    imagenet!("nasnetmobile", "NASNetMobile", 224, Tf, "nasnet_mobile.h5"),
    imagenet!("nasnetlarge", "NASNetLarge", 331, Tf, "nasnet_large.h5"),
    imagenet!("mobilenet", "MobileNet", 224, Tf, "mobilenet_1_0_224_tf.h5"),
    imagenet!("mobilenetv2", "MobileNetV2", 224, Tf, "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224.h5"),
    imagenet!(
        "inceptionresnetv2",
        "InceptionResNetV2",
        299,
        Tf,
        "inception_resnet_v2_weights_tf_dim_ordering_tf_kernels.h5"
    ),
    imagenet!("inceptionv3", "InceptionV3", 299, Tf, "inception_v3_weights_tf_dim_ordering_tf_kernels.h5"),
    imagenet!("densenet121", "DenseNet121", 224, Torch),
    imagenet!("densenet169", "DenseNet169", 224, Torch),
    imagenet!("densenet201", "DenseNet201", 224, Torch),
    // The network's first layers do the preprocessing.
    imagenet!("efficientnetb0", "EfficientNetB0", 224, Byte, "efficientnetb0.h5"),
    small!("vgg11", "VGG11"),
    small!("vgg13", "VGG13"),
    small!("vgg16", "VGG16"),
    small!("vgg19", "VGG19"),
    small!("googlenet", "GoogLeNet"),
    small!("inceptionv3", "Inception-v3"),
    small!("inceptionv4", "Inception-v4"),
    small!("resnet18", "ResNet18"),
    small!("resnet34", "ResNet34"),
    small!("resnet50", "ResNet50"),
    small!("resnet101", "ResNet101"),
    small!("resnet152", "ResNet152"),
    small!("xception", "Xception"),
];
