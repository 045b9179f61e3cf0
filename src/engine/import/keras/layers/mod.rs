//! What each Keras layer computes.

mod activation;
mod adaptive;
pub(super) mod attention;
mod convolution;
mod dense;
mod merge;
mod normalization;
pub(super) mod operation;
mod pooling;
mod repeat;
mod shape;
mod spaces;

use facts::Result;

use super::draft::Draft;
use super::settings::Settings;

/// A weight that a layer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Weight {
    /// Whether Keras trains it, unless the layer is frozen.
    pub trained: bool,
}

/// The weights of a layer, in Keras' order: those that are trained come first.
pub(super) fn weights(settings: &Settings) -> Result<Vec<Weight>> {
    let bias = || settings.switch("use_bias", true).map(usize::from);
    let (trained, fixed) = match settings.class {
        "Conv2D" | "Conv2DTranspose" | "DepthwiseConv2D" | "Dense" => (1 + bias()?, 0),
        "Conv1D" | "Conv3D" | "DepthwiseConv1D" | "Conv1DTranspose" | "Conv3DTranspose" => (1 + bias()?, 0),
        "Attention" => (usize::from(settings.switch("use_scale", false)?), 0),
        "Embedding" => (1, 0),
        "TimeDistributed" => return weights(&attention::wrapped(settings)?),
        "EinsumDense" => (1 + usize::from(settings.get("bias_axes").is_some()), 0),
        "MultiHeadAttention" | "GroupQueryAttention" | "GroupedQueryAttention" => (4 + 4 * bias()?, 0),
        "SpectralNormalization" => {
            let mut all = weights(&attention::wrapped(settings)?)?;
            all.push(Weight { trained: false });
            return Ok(all);
        }
        "SeparableConv1D" | "SeparableConv2D" => (2 + bias()?, 0),
        "BatchNormalization" => {
            let switch = |key| settings.switch(key, true).map(usize::from);
            (switch("scale")? + switch("center")?, 2)
        }
        "LayerNormalization" | "GroupNormalization" => {
            let switch = |key| settings.switch(key, true).map(usize::from);
            (switch("scale")? + switch("center")?, 0)
        }
        "PReLU" | "RMSNormalization" | "LayerScale" => (1, 0),
        "Normalization" if settings.get("mean").is_none() => (0, 3),
        _ => (0, 0),
    };
    Ok((0..trained + fixed).map(|index| Weight { trained: index < trained }).collect())
}

/// Takes the steps of a layer. Fails where the layer does not fit its input, or is set to something that is not
/// supported.
type Translator = fn(&mut Draft) -> Result<()>;

/// What translates a layer of this class.
///
/// # Errors
/// Where no layer of this class is executed.
pub(super) fn translator(settings: &Settings) -> Result<Translator> {
    if operation::is_operation(settings) {
        return operation::translator(settings);
    }
    Ok(match settings.class {
        "Conv2D" => convolution::conv2d,
        "Conv2DTranspose" => convolution::transposed,
        "DepthwiseConv2D" => convolution::depthwise,
        "SeparableConv2D" => convolution::separable,
        "Conv1D" | "Conv3D" | "DepthwiseConv1D" => spaces::convolution,
        "MaxPooling1D" | "AveragePooling1D" | "MaxPooling3D" | "AveragePooling3D" => spaces::pool,
        "GlobalMaxPooling1D" | "GlobalAveragePooling1D" | "GlobalMaxPooling3D" | "GlobalAveragePooling3D" => {
            spaces::global
        }
        "ZeroPadding1D" | "ZeroPadding3D" | "Cropping1D" | "Cropping3D" => spaces::sides,
        "UpSampling1D" | "UpSampling3D" => spaces::up_sampling,
        "MultiHeadAttention" | "GroupQueryAttention" | "GroupedQueryAttention" => attention::multi_head,
        "Attention" => attention::plain,
        "Embedding" => repeat::embedding,
        "RepeatVector" => repeat::vector,
        "TimeDistributed" => repeat::each_entry,
        "AdaptiveAveragePooling1D"
        | "AdaptiveAveragePooling2D"
        | "AdaptiveAveragePooling3D"
        | "AdaptiveMaxPooling1D"
        | "AdaptiveMaxPooling2D"
        | "AdaptiveMaxPooling3D" => adaptive::pool,
        "Conv1DTranspose" | "Conv3DTranspose" => spaces::transposed,
        "SeparableConv1D" => spaces::separable,
        "EinsumDense" => attention::einsum,
        "Dot" => attention::dot,
        "SpectralNormalization" => {
            translator(&attention::wrapped(settings)?)?;
            attention::spectral
        }
        "Resizing" => shape::resizing,
        "Dense" => dense::dense,
        "BatchNormalization" => normalization::batch,
        "Normalization" => normalization::normalization,
        "LayerNormalization" | "RMSNormalization" => normalization::layer,
        "GroupNormalization" => normalization::group,
        "UnitNormalization" => normalization::unit,
        "LayerScale" => normalization::layer_scale,
        "Rescaling" => normalization::rescaling,
        "MaxPooling2D" | "AveragePooling2D" => pooling::window,
        "GlobalMaxPooling2D" | "GlobalAveragePooling2D" => pooling::global,
        "ZeroPadding2D" | "Cropping2D" => shape::sides,
        "CenterCrop" => shape::center_crop,
        "UpSampling2D" => shape::up_sampling,
        "Flatten" => shape::flatten,
        "Reshape" => shape::reshape,
        "Permute" => shape::permute,
        "Add" | "Subtract" | "Multiply" | "Average" | "Maximum" | "Minimum" => merge::elementwise,
        "Concatenate" => merge::concatenate,
        "CustomScaleLayer" => merge::scaled_sum,
        "Activation" | "ReLU" | "LeakyReLU" | "PReLU" | "ELU" | "ThresholdedReLU" | "Softmax" | "TFOpLambda" => {
            activation::layer
        }
        "InputLayer"
        | "Identity"
        | "Dropout"
        | "SpatialDropout1D"
        | "SpatialDropout2D"
        | "SpatialDropout3D"
        | "AlphaDropout"
        | "GaussianDropout"
        | "StochasticDepth"
        | "GaussianNoise"
        | "ActivityRegularization"
        | "RandomFlip"
        | "RandomRotation"
        | "RandomZoom"
        | "RandomTranslation"
        | "RandomContrast"
        | "RandomBrightness"
        | "AugMix"
        | "CutMix"
        | "Equalization"
        | "MixUp"
        | "RandAugment"
        | "RandomColorDegeneration"
        | "RandomColorJitter"
        | "RandomElasticTransform"
        | "RandomErasing"
        | "RandomGaussianBlur"
        | "RandomGrayscale"
        | "RandomHue"
        | "RandomInvert"
        | "RandomPerspective"
        | "RandomPosterization"
        | "RandomSaturation"
        | "RandomSharpness"
        | "RandomShear"
        | "Solarization" => identity,
        "Lambda" => {
            merge::lambda_scale(settings)?;
            merge::lambda
        }
        _ => return Err(settings.unsupported("it is none of those that Faultscope executes")),
    })
}

/// Layers that do nothing at inference.
fn identity(_: &mut Draft) -> Result<()> {
    Ok(())
}
