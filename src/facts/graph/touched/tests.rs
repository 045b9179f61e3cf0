use super::*;
use crate::graph::{Binary, Conv, GraphBuilder, HostTensor, Padding2d, Pool, Reduction};

fn parameter(builder: &mut GraphBuilder, name: &str, shape: &[usize]) -> ValueId {
    let zeros = HostTensor::new(shape, vec![0.0; shape.iter().product()]).unwrap();
    builder.parameter(name, zeros).unwrap()
}

fn conv(builder: &mut GraphBuilder, name: &str, x: ValueId, features: usize, kernel: usize, settings: Conv) -> ValueId {
    let depth = builder.shape(x)[1] / settings.groups;
    let weight = parameter(builder, &format!("{name}.weight"), &[features, depth, kernel, kernel]);
    builder.layer(name, "Conv", Op::Conv(settings), &[x, weight]).unwrap()
}

fn settings(stride: usize, padding: usize, groups: usize) -> Conv {
    let padding = Padding2d { top: padding, left: padding, bottom: padding, right: padding };
    Conv { strides: [stride; 2], dilations: [1; 2], padding, groups }
}

/// A convolution of 2 x 5 x 5, then another, then all that a position can do to a single one.
#[test]
fn patches_grow_and_are_cut_at_the_edge() {
    let mut b = GraphBuilder::new("test");
    let image = b.input("image", [1, 1, 5, 5]).unwrap();
    let first = conv(&mut b, "first", image, 2, 3, settings(1, 1, 1));
    let second = conv(&mut b, "second", first, 4, 3, settings(1, 1, 1));
    let mean = Op::Reduce { reduction: Reduction::Mean, axes: vec![2, 3], keep_dims: true };
    let mean = b.layer("mean", "GlobalAveragePool", mean, &[second]).unwrap();
    let flat = b.layer("flat", "Flatten", Op::Reshape { shape: vec![1, 4] }, &[mean]).unwrap();
    let weight = parameter(&mut b, "weight", &[4, 3]);
    let gemm = Op::Gemm { alpha: 1.0, beta: 1.0, trans_a: false, trans_b: false };
    let scores = b.layer("scores", "Gemm", gemm, &[flat, weight]).unwrap();
    let graph = b.finish(&[scores]).unwrap();

    let dense = [25 * 2 * 9, 25 * 4 * 18, 0, 0, 12];
    assert_eq!(std::array::from_fn(|node| graph.multiply_adds(node)), dense);
    // Along an axis of 5, a position reaches 2, 3, 3, 3 or 2 others.
    let reached = (13.0f64 / 5.0).powi(2);
    assert!((graph.touched_multiply_adds(0) - (reached * 4.0 * 18.0 + 12.0)).abs() < 1e-9);
    assert_eq!(graph.touched_multiply_adds(1), 12.0);
    assert_eq!(graph.touched_multiply_adds(4), 0.0);
}

/// Filters of single channels keep a change in its channel; what a stride passes over comes to nothing.
#[test]
fn channels_and_strides() {
    let mut b = GraphBuilder::new("test");
    let image = b.input("image", [1, 4, 4, 4]).unwrap();
    let start = b.layer("start", "Identity", Op::Identity, &[image]).unwrap();
    let apart = conv(&mut b, "apart", start, 8, 1, settings(2, 0, 4));
    let together = conv(&mut b, "together", apart, 3, 1, settings(1, 0, 1));
    let graph = b.finish(&[together]).unwrap();
    // One position of four is read: by 2 of the 8 filters, then by 3 of 8 channels each.
    assert_eq!(graph.touched_multiply_adds(0), 0.25 * (2.0 + 3.0 * 8.0));
}

/// A branch that is pooled and one that is not meet again; a gate of one position opens or shuts a whole map.
#[test]
fn branches_meet() {
    let mut b = GraphBuilder::new("test");
    let image = b.input("image", [1, 2, 6, 6]).unwrap();
    let start = b.layer("start", "Identity", Op::Identity, &[image]).unwrap();
    let pool = Pool {
        kernel: [3; 2],
        strides: [1; 2],
        dilations: [1; 2],
        padding: Padding2d { top: 1, left: 1, bottom: 1, right: 1 },
        ceil_mode: false,
    };
    let pooled = b.layer("pool", "MaxPool", Op::MaxPool(pool), &[start]).unwrap();
    let joined = b.layer("join", "Concat", Op::Concat { axis: 1 }, &[start, pooled]).unwrap();
    let point = conv(&mut b, "point", joined, 5, 1, settings(1, 0, 1));
    let mean = Op::Reduce { reduction: Reduction::Mean, axes: vec![2, 3], keep_dims: true };
    let gate = b.layer("gate", "GlobalAveragePool", mean, &[point]).unwrap();
    let gated = b.layer("gated", "Mul", Op::Binary(Binary::Mul), &[point, gate]).unwrap();
    let last = conv(&mut b, "last", gated, 1, 1, settings(1, 0, 1));
    let graph = b.finish(&[last]).unwrap();
    let reached = (16.0f64 / 6.0).powi(2);
    assert!((graph.touched_multiply_adds(0) - (reached * 5.0 * 4.0 + 36.0 * 5.0)).abs() < 1e-9);
}
