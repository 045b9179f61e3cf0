//! EfficientNet-Lite: EfficientNet without squeeze-and-excitation, with ReLU6 instead of swish, and with a stem and a
//! head of fixed width.
//!
//! Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks" (ICML 2019); the Lite
//! variants are Google's (2020). Parameters have the names of the PyTorch checkpoints of ML Illustrated
//! (`_blocks.3._bn1.running_var`). Layers have the same names without the underscores.

use facts::graph::{Binary, Conv, Graph, GraphBuilder, HostTensor, Op, Padding2d, Reduction, Unary, ValueId};
use facts::{Error, Result};
use serde::{Deserialize, Serialize};

/// The variants that Faultscope builds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EfficientNetLite {
    /// Width 1.0, depth 1.0, 224 x 224.
    #[serde(rename = "efficientnet-lite0")]
    Lite0,
    /// Width 1.0, depth 1.1, 240 x 240.
    #[serde(rename = "efficientnet-lite1")]
    Lite1,
    /// Width 1.1, depth 1.2, 260 x 260.
    #[serde(rename = "efficientnet-lite2")]
    Lite2,
}

impl EfficientNetLite {
    /// Returns the factors for the numbers of channels and of blocks.
    fn scale(self) -> (f64, f64) {
        match self {
            Self::Lite0 => (1.0, 1.0),
            Self::Lite1 => (1.0, 1.1),
            Self::Lite2 => (1.1, 1.2),
        }
    }

    /// Returns the height and width of the input.
    pub fn resolution(self) -> usize {
        match self {
            Self::Lite0 => 224,
            Self::Lite1 => 240,
            Self::Lite2 => 260,
        }
    }

    /// Returns the display name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lite0 => "EfficientNet-Lite0",
            Self::Lite1 => "EfficientNet-Lite1",
            Self::Lite2 => "EfficientNet-Lite2",
        }
    }
}

/// A row of the paper's table 1: a stage of equal blocks.
struct Stage {
    blocks: usize,
    kernel: usize,
    stride: usize,
    expansion: usize,
    channels: usize,
}

const STEM_CHANNELS: usize = 32;
const HEAD_CHANNELS: usize = 1280;
const CLASSES: usize = 1000;
const EPSILON: f32 = 1e-3;

const STAGES: [Stage; 7] = [
    Stage { blocks: 1, kernel: 3, stride: 1, expansion: 1, channels: 16 },
    Stage { blocks: 2, kernel: 3, stride: 2, expansion: 6, channels: 24 },
    Stage { blocks: 2, kernel: 5, stride: 2, expansion: 6, channels: 40 },
    Stage { blocks: 3, kernel: 3, stride: 2, expansion: 6, channels: 80 },
    Stage { blocks: 3, kernel: 5, stride: 1, expansion: 6, channels: 112 },
    Stage { blocks: 4, kernel: 5, stride: 2, expansion: 6, channels: 192 },
    Stage { blocks: 1, kernel: 3, stride: 1, expansion: 6, channels: 320 },
];

/// Builds the network for ImageNet's 1000 classes; its output is the logits.
///
/// `weights` returns the checkpoint's parameter for a name and a shape.
///
/// # Errors
/// If a parameter is missing or has another shape.
pub fn efficientnet_lite(
    variant: EfficientNetLite,
    weights: impl FnMut(&str, &[usize]) -> Result<HostTensor>,
) -> Result<Graph> {
    let (width, depth) = variant.scale();
    let side = variant.resolution();
    let mut net = Net { builder: GraphBuilder::new(variant.name()), weights };

    let mut x = net.builder.input("image", [1, 3, side, side])?;
    x = net.conv(x, "", "conv_stem", STEM_CHANNELS, 3, 2, 1)?;
    x = net.norm(x, "", "bn0")?;
    x = net.relu6(x, "", "relu0")?;

    let mut block = 0;
    for (index, stage) in STAGES.iter().enumerate() {
        let fixed = index == 0 || index == STAGES.len() - 1;
        let blocks = if fixed { stage.blocks } else { (stage.blocks as f64 * depth).ceil() as usize };
        for repeat in 0..blocks {
            let stride = if repeat == 0 { stage.stride } else { 1 };
            x = net.block(x, block, stage, stride, scaled_channels(stage.channels, width))?;
            block += 1;
        }
    }

    x = net.conv(x, "", "conv_head", HEAD_CHANNELS, 1, 1, 1)?;
    x = net.norm(x, "", "bn1")?;
    x = net.relu6(x, "", "relu1")?;
    let mean = Op::Reduce { reduction: Reduction::Mean, axes: vec![2, 3], keep_dims: true };
    x = net.builder.layer("avg_pooling", "AdaptiveAvgPool2d", mean, &[x])?;
    x = net.builder.layer("flatten", "Flatten", Op::Reshape { shape: vec![1, HEAD_CHANNELS] }, &[x])?;
    x = net.builder.layer("dropout", "Dropout", Op::Identity, &[x])?;
    let weight = net.parameter("_fc.weight", &[CLASSES, HEAD_CHANNELS])?;
    let bias = net.parameter("_fc.bias", &[CLASSES])?;
    let linear = Op::Gemm { alpha: 1.0, beta: 1.0, trans_a: false, trans_b: true };
    let logits = net.builder.layer("fc", "Linear", linear, &[x, weight, bias])?;
    net.builder.finish(&[logits])
}

/// Returns `channels` times `width`, rounded to the nearest multiple of 8 that is at most 10 % smaller (MobileNet's
/// rule).
fn scaled_channels(channels: usize, width: f64) -> usize {
    const DIVISOR: usize = 8;
    let exact = channels as f64 * width;
    let rounded = ((exact + DIVISOR as f64 / 2.0) as usize / DIVISOR * DIVISOR).max(DIVISOR);
    if (rounded as f64) < 0.9 * exact { rounded + DIVISOR } else { rounded }
}

struct Net<W> {
    builder: GraphBuilder,
    weights: W,
}

impl<W: FnMut(&str, &[usize]) -> Result<HostTensor>> Net<W> {
    /// Adds an inverted residual: expand, filter each channel separately, project, and add the input if the shapes are
    /// equal.
    fn block(
        &mut self,
        input: ValueId,
        index: usize,
        stage: &Stage,
        stride: usize,
        channels: usize,
    ) -> Result<ValueId> {
        let scope = format!("blocks.{index}.");
        let input_channels = self.channels(input);
        let inner = input_channels * stage.expansion;
        let mut x = input;
        if stage.expansion != 1 {
            x = self.conv(x, &scope, "expand_conv", inner, 1, 1, 1)?;
            x = self.norm(x, &scope, "bn0")?;
            x = self.relu6(x, &scope, "relu0")?;
        }
        x = self.conv(x, &scope, "depthwise_conv", inner, stage.kernel, stride, inner)?;
        x = self.norm(x, &scope, "bn1")?;
        x = self.relu6(x, &scope, "relu1")?;
        x = self.conv(x, &scope, "project_conv", channels, 1, 1, 1)?;
        x = self.norm(x, &scope, "bn2")?;
        if stride == 1 && input_channels == channels {
            x = self.builder.layer(&format!("{scope}add"), "Add", Op::Binary(Binary::Add), &[x, input])?;
        }
        Ok(x)
    }

    /// Adds a square convolution without bias, padded as TensorFlow's SAME: the output size is the input size divided
    /// by the stride, rounded up. The greater half of an odd padding is below and on the right.
    #[allow(clippy::too_many_arguments, reason = "the settings of a convolution")]
    fn conv(
        &mut self,
        x: ValueId,
        scope: &str,
        name: &str,
        channels: usize,
        kernel: usize,
        stride: usize,
        groups: usize,
    ) -> Result<ValueId> {
        let input_channels = self.channels(x);
        let side = self.builder.shape(x)[2];
        let padding = ((side.div_ceil(stride) - 1) * stride + kernel).saturating_sub(side);
        let (before, after) = (padding / 2, padding - padding / 2);
        let conv = Conv {
            strides: [stride; 2],
            dilations: [1; 2],
            padding: Padding2d { top: before, left: before, bottom: after, right: after },
            groups,
        };
        let weight = self.parameter(
            &format!("{}.weight", checkpoint_name(scope, name)),
            &[channels, input_channels / groups, kernel, kernel],
        )?;
        self.builder.layer(&format!("{scope}{name}"), "Conv2d", Op::Conv(conv), &[x, weight])
    }

    fn norm(&mut self, x: ValueId, scope: &str, name: &str) -> Result<ValueId> {
        let channels = self.channels(x);
        let module = checkpoint_name(scope, name);
        let mut inputs = vec![x];
        for parameter in ["weight", "bias", "running_mean", "running_var"] {
            inputs.push(self.parameter(&format!("{module}.{parameter}"), &[channels])?);
        }
        self.builder.layer(
            &format!("{scope}{name}"),
            "BatchNorm2d",
            Op::BatchNorm { epsilon: EPSILON, scale: true, bias: true },
            &inputs,
        )
    }

    fn relu6(&mut self, x: ValueId, scope: &str, name: &str) -> Result<ValueId> {
        let clip = Op::Unary(Unary::Clip { min: 0.0, max: 6.0 });
        self.builder.layer(&format!("{scope}{name}"), "ReLU6", clip, &[x])
    }

    fn parameter(&mut self, name: &str, shape: &[usize]) -> Result<ValueId> {
        let tensor = (self.weights)(name, shape)?;
        if tensor.shape != shape {
            return Err(Error::graph(
                name,
                format_args!("a parameter of shape {shape:?} is expected, found {:?}", tensor.shape),
            ));
        }
        self.builder.parameter(name, tensor)
    }

    fn channels(&self, x: ValueId) -> usize {
        self.builder.shape(x)[1]
    }
}

/// Returns `_blocks.3._bn1` for `blocks.3.` and `bn1`: the checkpoint's modules are private attributes.
fn checkpoint_name(scope: &str, name: &str) -> String {
    if scope.is_empty() { format!("_{name}") } else { format!("_{scope}_{name}") }
}
