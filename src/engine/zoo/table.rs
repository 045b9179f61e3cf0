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

pub(super) static ARCHITECTURES: [Architecture; 53] = [
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
    imagenet!("resnet50v2", "ResNet50V2", 224, Tf),
    imagenet!("resnet101v2", "ResNet101V2", 224, Tf),
    imagenet!("resnet152v2", "ResNet152V2", 224, Tf),
    // The network's first layers do the preprocessing.
    imagenet!("efficientnetb0", "EfficientNetB0", 224, Byte, "efficientnetb0.h5"),
    imagenet!("efficientnetb1", "EfficientNetB1", 240, Byte, "efficientnetb1.h5"),
    imagenet!("efficientnetb2", "EfficientNetB2", 260, Byte, "efficientnetb2.h5"),
    imagenet!("efficientnetb3", "EfficientNetB3", 300, Byte, "efficientnetb3.h5"),
    imagenet!("efficientnetb4", "EfficientNetB4", 380, Byte, "efficientnetb4.h5"),
    imagenet!("efficientnetb5", "EfficientNetB5", 456, Byte, "efficientnetb5.h5"),
    imagenet!("efficientnetb6", "EfficientNetB6", 528, Byte, "efficientnetb6.h5"),
    imagenet!("efficientnetb7", "EfficientNetB7", 600, Byte, "efficientnetb7.h5"),
    imagenet!("efficientnetv2-b0", "EfficientNetV2B0", 224, Byte, "efficientnetv2-b0.h5"),
    imagenet!("efficientnetv2-b1", "EfficientNetV2B1", 240, Byte, "efficientnetv2-b1.h5"),
    imagenet!("efficientnetv2-b2", "EfficientNetV2B2", 260, Byte, "efficientnetv2-b2.h5"),
    imagenet!("efficientnetv2-b3", "EfficientNetV2B3", 300, Byte, "efficientnetv2-b3.h5"),
    imagenet!("efficientnetv2-s", "EfficientNetV2S", 384, Byte, "efficientnetv2-s.h5"),
    imagenet!("efficientnetv2-m", "EfficientNetV2M", 480, Byte, "efficientnetv2-m.h5"),
    imagenet!("efficientnetv2-l", "EfficientNetV2L", 480, Byte, "efficientnetv2-l.h5"),
    imagenet!("mobilenetv3small", "MobileNetV3Small", 224, Byte, "weights_mobilenet_v3_small_224_1.0_float.h5"),
    imagenet!("mobilenetv3large", "MobileNetV3Large", 224, Byte, "weights_mobilenet_v3_large_224_1.0_float.h5"),
    imagenet!("convnexttiny", "ConvNeXtTiny", 224, Byte, "convnext_tiny.h5"),
    imagenet!("convnextsmall", "ConvNeXtSmall", 224, Byte, "convnext_small.h5"),
    imagenet!("convnextbase", "ConvNeXtBase", 224, Byte, "convnext_base.h5"),
    imagenet!("convnextlarge", "ConvNeXtLarge", 224, Byte, "convnext_large.h5"),
    imagenet!("convnextxlarge", "ConvNeXtXLarge", 224, Byte, "convnext_xlarge.h5"),
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
