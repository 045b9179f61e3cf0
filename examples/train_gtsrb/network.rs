//! The network: a small residual one for 32 x 32 pixels (He et al., "Deep Residual Learning", CVPR 2016).
//!
//! [`SignNet`] is what burn trains, [`SignNet::graph`] is what Faultscope runs. Batch normalisation stays a layer of
//! its own in the graph, as the study counts layers.

use burn::module::{Module, Param, RunningState};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, Initializer, Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::activation::relu;
use burn::tensor::module::adaptive_avg_pool2d;
use burn::tensor::{Device, Tensor};
use faultscope::graph::{Binary, Conv, Graph, GraphBuilder, HostTensor, Op, Padding2d, Reduction, Unary, ValueId};

/// Height and width of the input.
pub const SIDE: usize = 32;
/// Classes of GTSRB.
pub const CLASSES: usize = 43;

const STEM: usize = 24;
const MIDDLE: usize = 48;
const LAST: usize = 96;

/// A convolution without bias, and the batch normalisation after it.
#[derive(Module, Debug)]
struct ConvNorm {
    conv: Conv2d,
    norm: BatchNorm,
}

impl ConvNorm {
    fn new(channels: [usize; 2], kernel: usize, stride: usize, device: &Device) -> Self {
        let around = kernel / 2;
        let conv = Conv2dConfig::new(channels, [kernel; 2])
            .with_stride([stride; 2])
            .with_padding(PaddingConfig2d::Explicit(around, around, around, around))
            .with_bias(false)
            .with_initializer(Initializer::KaimingNormal { gain: std::f64::consts::SQRT_2, fan_out_only: true })
            .init(device);
        Self { conv, norm: BatchNormConfig::new(channels[1]).init(device) }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.norm.forward(self.conv.forward(x))
    }
}

/// Two convolutions, with the input added to what they make of it.
#[derive(Module, Debug)]
struct Residual {
    first: ConvNorm,
    second: ConvNorm,
}

impl Residual {
    fn new(channels: usize, device: &Device) -> Self {
        let conv = || ConvNorm::new([channels; 2], 3, 1, device);
        Self { first: conv(), second: conv() }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        relu(self.second.forward(relu(self.first.forward(x.clone()))) + x)
    }
}

/// The network; from N x 3 x 32 x 32 to N x 43 scores.
#[derive(Module, Debug)]
pub struct SignNet {
    stem: ConvNorm,
    down1: ConvNorm,
    block1: Residual,
    down2: ConvNorm,
    block2: Residual,
    classifier: Linear,
}

impl SignNet {
    /// A network of random weights; [`Device::seed`] decides which.
    pub fn new(device: &Device) -> Self {
        Self {
            stem: ConvNorm::new([3, STEM], 5, 2, device),
            down1: ConvNorm::new([STEM, MIDDLE], 3, 2, device),
            block1: Residual::new(MIDDLE, device),
            down2: ConvNorm::new([MIDDLE, LAST], 3, 2, device),
            block2: Residual::new(LAST, device),
            classifier: LinearConfig::new(LAST, CLASSES).init(device),
        }
    }

    /// Scores of a batch of images.
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let x = relu(self.stem.forward(images));
        let x = self.block1.forward(relu(self.down1.forward(x)));
        let x = self.block2.forward(relu(self.down2.forward(x)));
        self.classifier.forward(adaptive_avg_pool2d(x, [1, 1]).flatten(1, 3))
    }

    /// The trained network as Faultscope's graph, for one image.
    pub fn graph(&self, name: &str) -> faultscope::Result<Graph> {
        let mut net = Export { builder: GraphBuilder::new(name) };
        let image = net.builder.input("image", [1, 3, SIDE, SIDE])?;
        let x = net.conv_norm("stem", &self.stem, image)?;
        let x = net.relu("stem.relu", x)?;
        let x = net.conv_norm("down1", &self.down1, x)?;
        let x = net.relu("down1.relu", x)?;
        let x = net.residual("block1", &self.block1, x)?;
        let x = net.conv_norm("down2", &self.down2, x)?;
        let x = net.relu("down2.relu", x)?;
        let x = net.residual("block2", &self.block2, x)?;
        let mean = Op::Reduce { reduction: Reduction::Mean, axes: vec![2, 3], keep_dims: true };
        let x = net.builder.layer("pool", "GlobalAveragePool", mean, &[x])?;
        let x = net.builder.layer("flatten", "Flatten", Op::Reshape { shape: vec![1, LAST] }, &[x])?;
        let scores = net.linear("classifier", &self.classifier, x)?;
        net.builder.finish(&[scores])
    }
}

struct Export {
    builder: GraphBuilder,
}

impl Export {
    fn conv_norm(&mut self, scope: &str, layers: &ConvNorm, x: ValueId) -> faultscope::Result<ValueId> {
        let conv = &layers.conv;
        let [vertical, horizontal] = conv.kernel_size.map(|taps| taps / 2);
        let op = Op::Conv(Conv {
            strides: conv.stride,
            dilations: conv.dilation,
            padding: Padding2d { top: vertical, left: horizontal, bottom: vertical, right: horizontal },
            groups: conv.groups,
        });
        let weight = self.parameter(&format!("{scope}.conv.weight"), &conv.weight)?;
        let x = self.builder.layer(&format!("{scope}.conv"), "Conv2d", op, &[x, weight])?;
        let norm = &layers.norm;
        let name = format!("{scope}.norm");
        let inputs = [
            x,
            self.parameter(&format!("{name}.weight"), &norm.gamma)?,
            self.parameter(&format!("{name}.bias"), &norm.beta)?,
            self.statistics(&format!("{name}.running_mean"), &norm.running_mean)?,
            self.statistics(&format!("{name}.running_var"), &norm.running_var)?,
        ];
        let op = Op::BatchNorm { epsilon: norm.epsilon as f32, scale: true, bias: true };
        self.builder.layer(&name, "BatchNorm2d", op, &inputs)
    }

    fn residual(&mut self, scope: &str, layers: &Residual, input: ValueId) -> faultscope::Result<ValueId> {
        let x = self.conv_norm(&format!("{scope}.first"), &layers.first, input)?;
        let x = self.relu(&format!("{scope}.first.relu"), x)?;
        let x = self.conv_norm(&format!("{scope}.second"), &layers.second, x)?;
        let x = self.builder.layer(&format!("{scope}.add"), "Add", Op::Binary(Binary::Add), &[x, input])?;
        self.relu(&format!("{scope}.relu"), x)
    }

    fn relu(&mut self, name: &str, x: ValueId) -> faultscope::Result<ValueId> {
        self.builder.layer(name, "ReLU", Op::Unary(Unary::Relu), &[x])
    }

    /// burn keeps the matrix as inputs x outputs.
    fn linear(&mut self, name: &str, layer: &Linear, x: ValueId) -> faultscope::Result<ValueId> {
        let mut inputs = vec![x, self.parameter(&format!("{name}.weight"), &layer.weight)?];
        if let Some(bias) = &layer.bias {
            inputs.push(self.parameter(&format!("{name}.bias"), bias)?);
        }
        self.builder.layer(name, "Linear", Op::Gemm { alpha: 1.0, beta: 1.0, trans_a: false, trans_b: false }, &inputs)
    }

    fn parameter<const D: usize>(&mut self, name: &str, tensor: &Param<Tensor<D>>) -> faultscope::Result<ValueId> {
        self.builder.parameter(name, host(tensor.val())?)
    }

    fn statistics(&mut self, name: &str, tensor: &RunningState<Tensor<1>>) -> faultscope::Result<ValueId> {
        self.builder.parameter(name, host(tensor.value())?)
    }
}

fn host<const D: usize>(tensor: Tensor<D>) -> faultscope::Result<HostTensor> {
    let shape = tensor.dims();
    let data: Vec<f32> = tensor.into_data().try_to_vec().map_err(|error| {
        faultscope::Error::request(format_args!("a trained tensor of shape {shape:?} is not float32: {error:?}"))
    })?;
    HostTensor::new(shape, data)
}
