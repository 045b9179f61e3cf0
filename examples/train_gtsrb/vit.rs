//! A small vision transformer (Dosovitskiy et al., "An Image Is Worth 16x16 Words", ICLR 2021) whose first layers are
//! convolutions (Xiao et al., "Early Convolutions Help Transformers See Better", NeurIPS 2021).
//!
//! The classifier reads the mean of the tokens (Beyer et al., "Better plain ViT baselines for ImageNet-1k", 2022) and not
//! a class token: there is no single token on which the whole answer hangs.
//!
//! In the graph an attention is the layers that it is made of, so that a fault can strike each.

use burn::module::{Module, Param};
use burn::nn::{Initializer, LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::activation::{gelu, relu, softmax};
use burn::tensor::{Device, Tensor};
use faultscope::Result;
use faultscope::graph::{Graph, Normalise, Op, Reduction, Unary, ValueId};

use crate::network::{CLASSES, ConvNorm, Export, SIDE, SignNet};

/// Channels after each convolution of the stem, which halves the image each time; the last ones are a token's features.
const STEM: [usize; 3] = [32, 64, WIDTH];
/// Features of a token.
const WIDTH: usize = 64;
/// Tokens: the pixels that the stem leaves.
const TOKENS: usize = (SIDE >> STEM.len()) * (SIDE >> STEM.len());
const BLOCKS: usize = 4;
const HEADS: usize = 4;
/// Features of a token in the middle of an MLP.
const HIDDEN: usize = 3 * WIDTH;
/// Added to the variance by layer normalisation.
const EPSILON: f64 = 1e-5;

fn layer_norm(device: &Device) -> LayerNorm {
    LayerNormConfig::new(WIDTH).with_epsilon(EPSILON).init(device)
}

/// Factor of the products of queries and keys.
fn scale() -> f32 {
    ((WIDTH / HEADS) as f32).sqrt().recip()
}

/// Each token takes a mean of all tokens, with weights that follow from queries and keys; each head by itself.
#[derive(Module, Debug)]
struct Attention {
    query: Linear,
    key: Linear,
    value: Linear,
    output: Linear,
}

impl Attention {
    fn new(device: &Device) -> Self {
        let linear = || LinearConfig::new(WIDTH, WIDTH).init(device);
        Self { query: linear(), key: linear(), value: linear(), output: linear() }
    }

    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let [images, ..] = x.dims();
        let heads =
            |layer: &Linear| layer.forward(x.clone()).reshape([images, TOKENS, HEADS, WIDTH / HEADS]).swap_dims(1, 2);
        let (query, key, value) = (heads(&self.query), heads(&self.key), heads(&self.value));
        let attention = softmax(query.matmul(key.transpose()) * scale(), 3);
        self.output.forward(attention.matmul(value).swap_dims(1, 2).reshape([images, TOKENS, WIDTH]))
    }

    fn export(&self, net: &mut Export, scope: &str, x: ValueId) -> Result<ValueId> {
        let mut heads = |name: &str, layer: &Linear, perm: [usize; 4]| {
            let name = format!("{scope}.{name}");
            let x = net.linear(&name, layer, x)?;
            let shape = vec![1, TOKENS, HEADS, WIDTH / HEADS];
            let x = net.layer(&format!("{name}.heads"), "Reshape", Op::Reshape { shape }, &[x])?;
            net.layer(&format!("{name}.transpose"), "Transpose", Op::Transpose { perm: perm.to_vec() }, &[x])
        };
        let query = heads("query", &self.query, [0, 2, 1, 3])?;
        let key = heads("key", &self.key, [0, 2, 3, 1])?;
        let value = heads("value", &self.value, [0, 2, 1, 3])?;
        let x = net.layer(&format!("{scope}.scores"), "MatMul", Op::MatMul, &[query, key])?;
        let factor = Op::Affine { axis: 0, factor: vec![scale()], offset: vec![0.0] };
        let x = net.layer(&format!("{scope}.scale"), "Mul", factor, &[x])?;
        let along_keys = Op::Softmax { axis: 3, to_end: false, log: false };
        let x = net.layer(&format!("{scope}.softmax"), "Softmax", along_keys, &[x])?;
        let x = net.layer(&format!("{scope}.mix"), "MatMul", Op::MatMul, &[x, value])?;
        let x =
            net.layer(&format!("{scope}.transpose"), "Transpose", Op::Transpose { perm: vec![0, 2, 1, 3] }, &[x])?;
        let shape = vec![1, TOKENS, WIDTH];
        let x = net.layer(&format!("{scope}.join"), "Reshape", Op::Reshape { shape }, &[x])?;
        net.linear(&format!("{scope}.output"), &self.output, x)
    }
}

/// Attention, then an MLP on each token by itself; either adds to the tokens what it makes of the normalised ones.
#[derive(Module, Debug)]
struct Block {
    norm1: LayerNorm,
    attention: Attention,
    norm2: LayerNorm,
    expand: Linear,
    contract: Linear,
}

impl Block {
    fn new(device: &Device) -> Self {
        Self {
            norm1: layer_norm(device),
            attention: Attention::new(device),
            norm2: layer_norm(device),
            expand: LinearConfig::new(WIDTH, HIDDEN).init(device),
            contract: LinearConfig::new(HIDDEN, WIDTH).init(device),
        }
    }

    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let x = self.attention.forward(self.norm1.forward(x.clone())) + x;
        self.contract.forward(gelu(self.expand.forward(self.norm2.forward(x.clone())))) + x
    }

    fn export(&self, net: &mut Export, scope: &str, input: ValueId) -> Result<ValueId> {
        let x = export_norm(net, &format!("{scope}.norm1"), &self.norm1, input)?;
        let x = self.attention.export(net, &format!("{scope}.attention"), x)?;
        let middle = net.add(&format!("{scope}.add1"), x, input)?;
        let x = export_norm(net, &format!("{scope}.norm2"), &self.norm2, middle)?;
        let x = net.linear(&format!("{scope}.mlp.expand"), &self.expand, x)?;
        let x = net.layer(&format!("{scope}.mlp.gelu"), "GELU", Op::Unary(Unary::Gelu { tanh: false }), &[x])?;
        let x = net.linear(&format!("{scope}.mlp.contract"), &self.contract, x)?;
        net.add(&format!("{scope}.add2"), x, middle)
    }
}

/// Convolutions, transformer blocks, the mean of the tokens.
#[derive(Module, Debug)]
pub struct SignVit {
    stem: Vec<ConvNorm>,
    position: Param<Tensor<3>>,
    blocks: Vec<Block>,
    norm: LayerNorm,
    classifier: Linear,
}

impl SignNet for SignVit {
    fn new(device: &Device) -> Self {
        let inputs = std::iter::once(3).chain(STEM);
        Self {
            stem: inputs.zip(STEM).map(|(from, to)| ConvNorm::new([from, to], 3, 2, device)).collect(),
            position: Initializer::Normal { mean: 0.0, std: 0.02 }.init([1, TOKENS, WIDTH], device),
            blocks: (0..BLOCKS).map(|_| Block::new(device)).collect(),
            norm: layer_norm(device),
            classifier: LinearConfig::new(WIDTH, CLASSES).init(device),
        }
    }

    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let x = self.stem.iter().fold(images, |x, layers| relu(layers.forward(x)));
        let tokens = x.flatten::<3>(2, 3).swap_dims(1, 2) + self.position.val();
        let tokens = self.blocks.iter().fold(tokens, |x, block| block.forward(x));
        self.classifier.forward(self.norm.forward(tokens).mean_dim(1).flatten(1, 2))
    }

    fn graph(&self, name: &str) -> Result<Graph> {
        let (mut net, mut x) = Export::new(name)?;
        for (number, layers) in (1..).zip(&self.stem) {
            x = net.conv_norm(&format!("stem{number}"), layers, x)?;
            x = net.relu(&format!("stem{number}.relu"), x)?;
        }
        let x = net.layer("flatten", "Flatten", Op::Reshape { shape: vec![1, WIDTH, TOKENS] }, &[x])?;
        let x = net.layer("tokens", "Transpose", Op::Transpose { perm: vec![0, 2, 1] }, &[x])?;
        let position = net.parameter("position.embedding", &self.position)?;
        let mut x = net.add("position", x, position)?;
        for (number, block) in (1..).zip(&self.blocks) {
            x = block.export(&mut net, &format!("block{number}"), x)?;
        }
        let x = export_norm(&mut net, "norm", &self.norm, x)?;
        let mean = Op::Reduce { reduction: Reduction::Mean, axes: vec![1], keep_dims: false };
        let x = net.layer("pool", "ReduceMean", mean, &[x])?;
        let scores = net.linear("classifier", &self.classifier, x)?;
        net.finish(scores)
    }
}

fn export_norm(net: &mut Export, name: &str, layer: &LayerNorm, x: ValueId) -> Result<ValueId> {
    let mut inputs = vec![x, net.parameter(&format!("{name}.weight"), &layer.gamma)?];
    if let Some(bias) = &layer.beta {
        inputs.push(net.parameter(&format!("{name}.bias"), bias)?);
    }
    let op = Op::Normalise(Normalise {
        axes: vec![2],
        groups: 1,
        centred: true,
        epsilon: EPSILON as f32,
        scale: true,
        bias: layer.beta.is_some(),
        along: 2,
    });
    net.layer(name, "LayerNorm", op, &inputs)
}
