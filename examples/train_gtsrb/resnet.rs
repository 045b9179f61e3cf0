//! A small residual network (He et al., "Deep Residual Learning", CVPR 2016).

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::activation::relu;
use burn::tensor::module::adaptive_avg_pool2d;
use burn::tensor::{Device, Tensor};
use faultscope::Result;
use faultscope::graph::{Graph, Op, Reduction, ValueId};

use crate::network::{CLASSES, ConvNorm, Export, SignNet};

const STEM: usize = 24;
const MIDDLE: usize = 48;
const LAST: usize = 96;

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

    fn export(&self, net: &mut Export, scope: &str, input: ValueId) -> Result<ValueId> {
        let x = net.conv_norm(&format!("{scope}.first"), &self.first, input)?;
        let x = net.relu(&format!("{scope}.first.relu"), x)?;
        let x = net.conv_norm(&format!("{scope}.second"), &self.second, x)?;
        let x = net.add(&format!("{scope}.add"), x, input)?;
        net.relu(&format!("{scope}.relu"), x)
    }
}

/// Two stages of one residual block each.
#[derive(Module, Debug)]
pub struct ResNet8 {
    stem: ConvNorm,
    down1: ConvNorm,
    block1: Residual,
    down2: ConvNorm,
    block2: Residual,
    classifier: Linear,
}

impl SignNet for ResNet8 {
    fn new(device: &Device) -> Self {
        Self {
            stem: ConvNorm::new([3, STEM], 5, 2, device),
            down1: ConvNorm::new([STEM, MIDDLE], 3, 2, device),
            block1: Residual::new(MIDDLE, device),
            down2: ConvNorm::new([MIDDLE, LAST], 3, 2, device),
            block2: Residual::new(LAST, device),
            classifier: LinearConfig::new(LAST, CLASSES).init(device),
        }
    }

    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let x = relu(self.stem.forward(images));
        let x = self.block1.forward(relu(self.down1.forward(x)));
        let x = self.block2.forward(relu(self.down2.forward(x)));
        self.classifier.forward(adaptive_avg_pool2d(x, [1, 1]).flatten(1, 3))
    }

    fn graph(&self, name: &str) -> Result<Graph> {
        let (mut net, image) = Export::new(name)?;
        let x = net.conv_norm("stem", &self.stem, image)?;
        let x = net.relu("stem.relu", x)?;
        let x = net.conv_norm("down1", &self.down1, x)?;
        let x = net.relu("down1.relu", x)?;
        let x = self.block1.export(&mut net, "block1", x)?;
        let x = net.conv_norm("down2", &self.down2, x)?;
        let x = net.relu("down2.relu", x)?;
        let x = self.block2.export(&mut net, "block2", x)?;
        let mean = Op::Reduce { reduction: Reduction::Mean, axes: vec![2, 3], keep_dims: true };
        let x = net.layer("pool", "GlobalAveragePool", mean, &[x])?;
        let x = net.layer("flatten", "Flatten", Op::Reshape { shape: vec![1, LAST] }, &[x])?;
        let scores = net.linear("classifier", &self.classifier, x)?;
        net.finish(scores)
    }
}
