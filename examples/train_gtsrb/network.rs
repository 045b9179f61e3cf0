//! What the networks share. A [`SignNet`] is what burn trains, [`SignNet::graph`] is what Faultscope runs.
//!
//! Batch normalisation stays a layer of its own in the graph, as the study counts layers.

use burn::module::{Module, Param, RunningState};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, Initializer, Linear, PaddingConfig2d};
use burn::tensor::{Device, Tensor};
use faultscope::Result;
use faultscope::graph::{Binary, Conv, Graph, GraphBuilder, HostTensor, Op, Padding2d, Step, Unary, ValueId};

/// Height and width of the input.
pub const SIDE: usize = 32;
/// Classes of GTSRB.
pub const CLASSES: usize = 43;

/// A network that reads signs; from N x 3 x 32 x 32 to N x 43 scores.
pub trait SignNet: Module {
    /// A network of random weights; [`Device::seed`] decides which.
    fn new(device: &Device) -> Self;

    /// Scores of a batch of images.
    fn forward(&self, images: Tensor<4>) -> Tensor<2>;

    /// The trained network as Faultscope's graph, for one image.
    fn graph(&self, name: &str) -> Result<Graph>;
}

/// A convolution without bias, and the batch normalisation after it.
#[derive(Module, Debug)]
pub struct ConvNorm {
    conv: Conv2d,
    norm: BatchNorm,
}

impl ConvNorm {
    pub fn new(channels: [usize; 2], kernel: usize, stride: usize, device: &Device) -> Self {
        let around = kernel / 2;
        let conv = Conv2dConfig::new(channels, [kernel; 2])
            .with_stride([stride; 2])
            .with_padding(PaddingConfig2d::Explicit(around, around, around, around))
            .with_bias(false)
            .with_initializer(Initializer::KaimingNormal { gain: std::f64::consts::SQRT_2, fan_out_only: true })
            .init(device);
        Self { conv, norm: BatchNormConfig::new(channels[1]).init(device) }
    }

    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.norm.forward(self.conv.forward(x))
    }
}

/// A trained network on its way to a graph.
pub struct Export {
    builder: GraphBuilder,
}

impl Export {
    /// A graph without layers, and its input: one image.
    pub fn new(name: &str) -> Result<(Self, ValueId)> {
        let mut builder = GraphBuilder::new(name);
        let image = builder.input("image", [1, 3, SIDE, SIDE])?;
        Ok((Self { builder }, image))
    }

    /// The graph, whose output is `scores`.
    pub fn finish(self, scores: ValueId) -> Result<Graph> {
        self.builder.finish(&[scores])
    }

    /// A layer with one output.
    pub fn layer(&mut self, name: &str, kind: &str, op: Op, inputs: &[ValueId]) -> Result<ValueId> {
        self.builder.layer(name, kind, op, inputs)
    }

    /// The sum of two tensors of one shape.
    pub fn add(&mut self, name: &str, a: ValueId, b: ValueId) -> Result<ValueId> {
        self.layer(name, "Add", Op::Binary(Binary::Add), &[a, b])
    }

    pub fn relu(&mut self, name: &str, x: ValueId) -> Result<ValueId> {
        self.layer(name, "ReLU", Op::Unary(Unary::Relu), &[x])
    }

    pub fn conv_norm(&mut self, scope: &str, layers: &ConvNorm, x: ValueId) -> Result<ValueId> {
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

    /// Of one row of features, or of each token by itself: one layer either way, as PyTorch counts it. burn keeps the
    /// matrix as inputs x outputs.
    pub fn linear(&mut self, name: &str, layer: &Linear, x: ValueId) -> Result<ValueId> {
        let mut inputs = vec![x, self.parameter(&format!("{name}.weight"), &layer.weight)?];
        if let Some(bias) = &layer.bias {
            inputs.push(self.parameter(&format!("{name}.bias"), bias)?);
        }
        let op = match (self.builder.shape(x).len(), &layer.bias) {
            (2, _) => Op::Gemm { alpha: 1.0, beta: 1.0, trans_a: false, trans_b: false },
            (_, None) => Op::MatMul,
            (_, Some(_)) => {
                Op::Chain(vec![Step { op: Op::MatMul, inputs: 2 }, Step { op: Op::Binary(Binary::Add), inputs: 1 }])
            }
        };
        self.layer(name, "Linear", op, &inputs)
    }

    pub fn parameter<const D: usize>(&mut self, name: &str, tensor: &Param<Tensor<D>>) -> Result<ValueId> {
        self.builder.parameter(name, host(tensor.val())?)
    }

    fn statistics(&mut self, name: &str, tensor: &RunningState<Tensor<1>>) -> Result<ValueId> {
        self.builder.parameter(name, host(tensor.value())?)
    }
}

fn host<const D: usize>(tensor: Tensor<D>) -> Result<HostTensor> {
    let shape = tensor.dims();
    let data: Vec<f32> = tensor.into_data().try_to_vec().map_err(|error| {
        faultscope::Error::request(format_args!("a trained tensor of shape {shape:?} is not float32: {error:?}"))
    })?;
    HostTensor::new(shape, data)
}
