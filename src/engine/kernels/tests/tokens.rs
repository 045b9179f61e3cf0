//! Operators on rows of tokens, compared with burn.

use facts::graph::{Attention, Einsum, Normalise, Op};

use super::dense::{left, own};
use super::{constant, value};

#[test]
fn normalisation() {
    for (scale, bias, centred) in [(true, true, true), (true, false, false), (false, false, true)] {
        let settings = |axes: &[usize], groups| Normalise {
            axes: axes.to_vec(),
            groups,
            centred,
            epsilon: 1e-5,
            scale,
            bias,
            along: axes[0],
        };
        let parameters = |length: usize| {
            let scale = scale.then(|| constant(&[length], 2));
            scale.into_iter().chain(bias.then(|| constant(&[length], 3)))
        };
        for shape in [&[1, 5, 40][..], &[2, 3, 5, 7], &[1, 33]] {
            let length = shape[shape.len() - 1];
            let inputs = std::iter::once(value(shape, 1)).chain(parameters(length)).collect::<Vec<_>>();
            own(&Op::Normalise(settings(&[shape.len() - 1], 1)), &inputs);
        }
        let image = || std::iter::once(value(&[1, 6, 4, 3], 1));
        own(&Op::Normalise(settings(&[1], 1)), &image().chain(parameters(6)).collect::<Vec<_>>());
        left(&Op::Normalise(settings(&[1, 2, 3], 1)), &image().chain(parameters(6)).collect::<Vec<_>>());
    }
}

#[test]
fn products() {
    for (a, b) in [
        (&[1, 5, 7][..], &[1, 7, 9][..]),
        (&[2, 3, 5, 7], &[2, 3, 7, 9]),
        (&[3, 2, 40], &[3, 40, 33]),
        (&[3, 2, 40], &[40, 33]),
        (&[1, 1, 2, 1, 7], &[1, 1, 2, 7, 3]),
    ] {
        own(&Op::MatMul, &[value(a, 1), value(b, 2)]);
    }
    left(&Op::MatMul, &[value(&[2, 3, 5, 7], 1), value(&[2, 1, 7, 9], 2)]);
}

#[test]
fn equations() {
    let einsum = |inputs: [&str; 2], output: &str| {
        let axes = |letters: &str| letters.bytes().collect::<Vec<u8>>();
        Op::Einsum(Einsum { inputs: inputs.map(axes).to_vec(), output: axes(output) })
    };
    for rows in [1, 3, 9] {
        let (q, k, v) = (value(&[2, 3, rows, 6], 1), value(&[2, 3, 11, 6], 2), value(&[2, 3, 6, 11], 3));
        own(&einsum(["bgid", "bgjd"], "bgij"), &[q.clone(), k.clone()]);
        own(&einsum(["bgid", "bgdj"], "bgij"), &[q.clone(), v.clone()]);
        left(&einsum(["bgid", "bgjd"], "bgji"), &[q.clone(), k]);
        left(&einsum(["bgid", "bgdj"], "gbij"), &[q, v]);
    }
}

#[test]
fn attention() {
    let plain = Attention { heads: None, scale: 0.4, causal: false, softcap: 0.0, mask: false, selects: false };
    for (queries, keys) in [(1, 1), (4, 4), (4, 2), (6, 1)] {
        for tokens in [1, 3, 20] {
            let q = value(&[2, queries, tokens, 8], 1);
            let (k, v) = (value(&[2, keys, 11, 8], 2), value(&[2, keys, 11, 5], 3));
            own(&Op::Attention(plain.clone()), &[q.clone(), k.clone(), v.clone()]);
            left(&Op::Attention(Attention { causal: true, ..plain.clone() }), &[q, k, v]);
        }
    }
}
