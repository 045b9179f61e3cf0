//! Derivatives of convolutions along three axes, and of an attention with its projections.

use burn::tensor::Device;
use facts::graph::{Binary, Conv3, MultiHead, Op};
use futures_util::FutureExt;

use super::flat::Flat;
use super::{attention, product};
use crate::ops::{self, Array};

type Found = Vec<Option<Flat<'static>>>;

/// Returns the gradients of input, weight and bias.
///
/// The *small* tensor has an element for each place of the kernel, which covers elements of the *big* one: the output and the
/// input, of a transposed convolution the input and the output. The weight's first axis is the small tensor's channels.
pub(super) fn conv3(conv: &Conv3, x: &[Flat<'_>], g: &Flat<'_>, wanted: &[bool]) -> Option<Found> {
    let (small, big) = if conv.transposed.is_some() { (&x[0], g) } else { (g, &x[0]) };
    let (&[n, of_small, a, b, c], &[_, of_big, d, e, f]) = (&*small.shape, &*big.shape) else { return None };
    let &[_, in_group, kd, kh, kw] = &*x[1].shape else { return None };
    let (places, lengths, kernel) = ([a, b, c], [d, e, f], [kd, kh, kw]);
    let each = of_small / conv.groups;
    let (s, t, w) = (small.elements(), big.elements(), x[1].elements());
    let (mut into, mut of_weight) = (vec![0.0; x[0].elements().len()], vec![0.0; w.len()]);
    let flat = |place: [usize; 3], lengths: [usize; 3]| (place[0] * lengths[1] + place[1]) * lengths[2] + place[2];
    let all = |lengths: [usize; 3]| {
        (0..lengths[0]).flat_map(move |x| (0..lengths[1]).flat_map(move |y| (0..lengths[2]).map(move |z| [x, y, z])))
    };
    let (area, room, taps) = (a * b * c, d * e * f, kd * kh * kw);
    for place in all(places) {
        for (tap, offset) in all(kernel).enumerate() {
            let at = [0, 1, 2].map(|axis| {
                (place[axis] * conv.strides[axis] + offset[axis] * conv.dilations[axis])
                    .wrapping_sub(conv.padding[axis].0)
            });
            if (0..3).any(|axis| at[axis] >= lengths[axis]) {
                continue;
            }
            let (from, to) = (flat(place, places), flat(at, lengths));
            for (batch, channel) in (0..n).flat_map(|batch| (0..of_small).map(move |channel| (batch, channel))) {
                let own = (batch * of_small + channel) * area + from;
                for inner in 0..in_group {
                    let other = (batch * of_big + channel / each * in_group + inner) * room + to;
                    let weight = (channel * in_group + inner) * taps + tap;
                    of_weight[weight] += s[own] * t[other];
                    if conv.transposed.is_some() {
                        into[own] += t[other] * w[weight];
                    } else {
                        into[other] += s[own] * w[weight];
                    }
                }
            }
        }
    }
    let mut found =
        vec![wanted[0].then(|| Flat::new(&x[0].shape, into)), wanted[1].then(|| Flat::new(&x[1].shape, of_weight))];
    if let Some(bias) = x.get(2) {
        let (all, count): (_, usize) = (g.elements(), g.shape[2..].iter().product());
        let mut sums = vec![0.0; bias.shape[0]];
        for (index, values) in all.chunks_exact(count).enumerate() {
            sums[index % bias.shape[0]] += values.iter().sum::<f32>();
        }
        found.push(wanted[2].then(|| Flat::new(&bias.shape, sums)));
    }
    Some(found)
}

/// Returns the gradients of queries, keys and values, and of the matrices with their biases: from the last product back.
pub(super) fn multi_head(settings: &MultiHead, x: &[Flat<'_>], g: &Flat<'_>) -> Option<Found> {
    let step = 1 + usize::from(settings.bias);
    let matrix = |number: usize| 3 + number * step;
    let array = |x: &Flat<'_>| Array::from_slice(&x.shape, &x.elements(), &Device::flex());
    let computed = |op: &Op, inputs: &[&Array], shape: &[usize]| -> Option<Flat<'static>> {
        let made = ops::apply(op, inputs, &[shape]).pop()?;
        Some(Flat::new(shape, made.read().now_or_never()?.ok()?))
    };
    let projected = |number: usize| -> Option<Flat<'static>> {
        let shape = [x[number].shape[0], x[number].shape[1], x[matrix(number)].shape[1]];
        let product = computed(&Op::MatMul, &[&array(&x[number]), &array(&x[matrix(number)])], &shape)?;
        match settings.bias {
            true => computed(&Op::Binary(Binary::Add), &[&array(&product), &array(&x[matrix(number) + 1])], &shape),
            false => Some(product),
        }
    };
    let attend = settings.attention();
    let parts = [projected(0)?, projected(1)?, projected(2)?];
    let arrays = [0, 1, 2].map(|number| array(&parts[number]));
    let seen = [x[0].shape[0], x[0].shape[1], x[matrix(3)].shape[0]];
    let mask = settings.mask.then(|| &x[x.len() - 1]);
    let held = mask.map(array);
    let read: Vec<&Array> = arrays.iter().chain(&held).collect();
    let mixed = computed(&Op::Attention(attend.clone()), &read, &seen)?;
    let mut found: Found = vec![None; x.len()];
    // A matrix and its bias, from the gradient of the product.
    let mut back = |input: &Flat<'_>, number: usize, g: &Flat<'_>| -> Option<Flat<'static>> {
        let mut both = product::matmul(input, &x[matrix(number)], g, &[true, true]).into_iter();
        let (own, of_matrix) = (both.next()?, both.next()?);
        found[matrix(number)] = of_matrix;
        if settings.bias {
            let bias = matrix(number) + 1;
            let mut sums = vec![0.0; x[bias].shape[0]];
            for row in g.elements().chunks_exact(sums.len()) {
                sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
            }
            found[bias] = Some(Flat::new(&x[bias].shape, sums));
        }
        own
    };
    let of_mixed = back(&mixed, 3, g)?;
    let chosen = mask.map(|mask| Flat::new(&mask.shape, mask.elements().to_vec()));
    let parts: Vec<Flat<'_>> = parts.into_iter().chain(chosen).collect();
    let of_parts = attention::attention(&attend, &parts, &of_mixed, &[true, true, true, false])?;
    let mut own = Vec::with_capacity(3);
    for (number, gradient) in of_parts.into_iter().take(3).enumerate() {
        own.push(back(&x[number], number, &gradient?)?);
    }
    for (place, gradient) in own.into_iter().enumerate() {
        found[place] = Some(gradient);
    }
    Some(found)
}
