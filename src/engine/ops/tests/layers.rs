//! Operators of source frameworks' layers that ONNX does not have.

use facts::graph::{Binary, Op, Step, Unary};

use super::{array, counting, run, values};

#[test]
fn a_chain_is_its_steps_one_after_the_other() {
    let (x, slope, more) = (counting(&[1, 2, 3]), array(&[3], &[0.1, 0.2, 0.3]), array(&[3], &[-1.0, -2.0, -30.0]));
    let step = |op: &Op, inputs| Step { op: op.clone(), inputs };
    let (add, transpose) = (Op::Binary(Binary::Add), Op::Transpose { perm: vec![0, 2, 1] });
    let chain = Op::Chain(vec![step(&add, 2), step(&Op::PRelu, 1), step(&transpose, 0)]);
    let made = run(&chain, &[&x, &more, &slope]);
    let expected = run(&add, &[&x, &more]);
    let expected = run(&Op::PRelu, &[&expected[0], &slope]);
    let expected = run(&transpose, &[&expected[0]]);
    assert_eq!(made[0].shape(), [1, 3, 2]);
    assert_eq!(values(&Op::Identity, &[&made[0]]), values(&Op::Identity, &[&expected[0]]));
}

#[test]
fn constants_lie_along_their_axis() {
    let x = counting(&[1, 2, 2]);
    let affine =
        |axis, factor: &[f32], offset: &[f32]| Op::Affine { axis, factor: factor.into(), offset: offset.into() };
    assert_eq!(values(&affine(0, &[2.0], &[1.0]), &[&x]), [1.0, 3.0, 5.0, 7.0]);
    assert_eq!(values(&affine(1, &[1.0, 10.0], &[0.0, 5.0]), &[&x]), [0.0, 1.0, 25.0, 35.0]);
    assert_eq!(values(&affine(2, &[1.0, 10.0], &[0.0, 5.0]), &[&x]), [0.0, 15.0, 2.0, 35.0]);
    let zero = array(&[1], &[-0.0]);
    assert!(values(&affine(0, &[2.0], &[0.0]), &[&zero])[0].is_sign_negative());
}

/// The values are those of `tensorflow.keras.layers.ReLU(max_value=3, negative_slope=0.5, threshold=1)`.
#[test]
fn a_clipped_relu_has_three_parts() {
    let relu = Op::Unary(Unary::ClippedRelu { max: 3.0, slope: 0.5, threshold: 1.0 });
    let x = array(&[6], &[-2.0, 0.0, 1.0, 1.5, 3.5, f32::NAN]);
    let found = values(&relu, &[&x]);
    assert_eq!(found[..5], [-1.5, -0.5, 0.0, 1.5, 3.0]);
    assert!(found[5].is_nan());
}

#[test]
fn a_scale_or_bias_that_is_not_given_is_one_or_zero() {
    let x = counting(&[1, 2, 3]);
    let (one, zero) = (array(&[2], &[1.0, 1.0]), array(&[2], &[0.0, 0.0]));
    let (mean, variance) = (array(&[2], &[1.0, 3.0]), array(&[2], &[4.0, 0.25]));
    let norm = |scale, bias| Op::BatchNorm { epsilon: 1e-3, scale, bias };
    let all = values(&norm(true, true), &[&x, &one, &zero, &mean, &variance]);
    for (scale, bias) in [(true, false), (false, true), (false, false)] {
        let given = [scale.then_some(&one), bias.then_some(&zero)];
        let inputs: Vec<_> = std::iter::once(&x).chain(given.into_iter().flatten()).chain([&mean, &variance]).collect();
        for (found, expected) in values(&norm(scale, bias), &inputs).iter().zip(&all) {
            assert!((found - expected).abs() < 1e-6, "{found}, {expected}");
        }
    }
}
