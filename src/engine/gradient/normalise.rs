//! Derivatives of normalisations.

use facts::graph::Normalise;

use super::flat::{Flat, broadcast, flow};
use crate::ops::Order;
use crate::platform::{self, Vector, Vectorised};

/// The gradient times its channel's factor. A channel has `inner` neighbouring elements, then the next one follows.
struct Scaled<'a, 'b> {
    factor: &'a [f32],
    inner: usize,
    g: &'a [f32],
    out: &'b mut [f32],
}

impl Vectorised for Scaled<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<LANES>, const LANES: usize>(self) {
        let Self { factor, inner, g, out } = self;
        if inner == 1 {
            let count = factor.len().max(1);
            for (out, g) in out.chunks_exact_mut(count).zip(g.chunks_exact(count)) {
                out.iter_mut().zip(g).zip(factor).for_each(|((out, &g), &factor)| *out = flow(factor, g));
            }
            return;
        }
        for ((out, g), &factor) in out.chunks_exact_mut(inner).zip(g.chunks_exact(inner)).zip(factor.iter().cycle()) {
            out.iter_mut().zip(g).for_each(|(out, &g)| *out = flow(factor, g));
        }
    }
}

/// Sums by channel of the gradient, and of the gradient times the distance from the mean.
struct Sums<'a, 'b> {
    inner: usize,
    x: &'a [f32],
    means: &'a [f32],
    g: &'a [f32],
    sums: [&'b mut [f32]; 2],
}

impl Vectorised for Sums<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<LANES>, const LANES: usize>(self) {
        let Self { inner, x, means, g, sums: [sums, products] } = self;
        let count = means.len().max(1);
        if inner == 1 {
            for (row, g) in x.chunks_exact(count).zip(g.chunks_exact(count)) {
                let sums = sums.iter_mut().zip(&mut *products).zip(means);
                for ((&value, &g), ((sum, product), mean)) in row.iter().zip(g).zip(sums) {
                    *sum += g;
                    *product += flow(value - mean, g);
                }
            }
            return;
        }
        for (plane, (values, g)) in x.chunks_exact(inner).zip(g.chunks_exact(inner)).enumerate() {
            let channel = plane % count;
            for (&value, &g) in values.iter().zip(g) {
                sums[channel] += g;
                products[channel] += flow(value - means[channel], g);
            }
        }
    }
}

/// Returns the gradients of the inputs of a batch normalisation with stored statistics.
pub(super) fn batch(
    epsilon: f32,
    scale: bool,
    bias: bool,
    x: &[Flat<'_>],
    g: &Flat<'_>,
    wanted: &[bool],
) -> Vec<Option<Flat<'static>>> {
    let (image, count) = (&x[0], x[0].shape[1]);
    let g = g.rows(image.extent);
    // Rows of channels, or the planes of one channel after the other.
    let inner = match image.extent.order {
        Order::Channels => 1,
        Order::Last => image.shape.iter().skip(2).product::<usize>().max(1),
    };
    let scales = if scale { x[1].elements().to_vec() } else { vec![1.0; count] };
    let first = 1 + usize::from(scale) + usize::from(bias);
    let (means, variances) = (x[first].elements(), x[first + 1].elements());
    let inverse: Vec<f32> = variances.iter().map(|variance| (variance + epsilon).sqrt().recip()).collect();
    let factor: Vec<f32> = scales.iter().zip(&inverse).map(|(scale, inverse)| scale * inverse).collect();
    let mut found = vec![None; x.len()];
    if wanted[0] {
        let mut out = vec![0.0; g.len()];
        platform::vectorised(Scaled { factor: &factor, inner, g: &g, out: &mut out });
        found[0] = Some(image.with(out));
    }
    if wanted[1..].iter().all(|wanted| !wanted) {
        return found;
    }
    // By channel: sums of the gradient, and of the gradient times the distance from the mean.
    let (mut sums, mut products) = (vec![0.0f32; count], vec![0.0f32; count]);
    platform::vectorised(Sums { inner, x: &image.data, means: &means, g: &g, sums: [&mut sums, &mut products] });
    let each = |of: &dyn Fn(usize) -> f32| (0..count).map(of).collect::<Vec<f32>>();
    let mut give = |place: usize, values: Vec<f32>| {
        if wanted[place] {
            found[place] = Some(Flat::new(&x[place].shape, values));
        }
    };
    if scale {
        give(1, each(&|channel| products[channel] * inverse[channel]));
    }
    if bias {
        give(1 + usize::from(scale), sums.clone());
    }
    give(first, each(&|channel| -sums[channel] * scales[channel] * inverse[channel]));
    let of_variance = |channel: usize| -0.5 * products[channel] * scales[channel] * inverse[channel].powi(3);
    give(first + 1, each(&of_variance));
    found
}

/// Returns the gradient of the input of a multiplication with constants.
pub(super) fn affine(axis: usize, factor: &[f32], x: &Flat<'_>, g: &Flat<'_>) -> Flat<'static> {
    if let [factor] = factor {
        return g.with(g.data.iter().map(|&g| flow(*factor, g)).collect());
    }
    let inner: usize = x.shape[axis + 1..].iter().product();
    let of = |(index, &g): (usize, &f32)| flow(factor[index / inner % factor.len()], g);
    Flat::new(&x.shape, g.elements().iter().enumerate().map(of).collect())
}

/// Returns the gradients of input, scale and bias of a normalisation by the input's own statistics.
pub(super) fn own(settings: &Normalise, x: &[Flat<'_>], g: &Flat<'_>, wanted: &[bool]) -> Vec<Option<Flat<'static>>> {
    let Normalise { axes, groups, centred, epsilon, scale, bias, along } = settings;
    let shape = &*x[0].shape;
    // The groups become an axis of their own.
    let (grouped, axes): (Vec<usize>, Vec<usize>) = match groups {
        1 => (shape.to_vec(), axes.clone()),
        _ => {
            let split = [&shape[..1], &[*groups, shape[1] / groups], &shape[2..]].concat();
            (split, axes.iter().map(|axis| axis + 1).collect())
        }
    };
    let mut kept = grouped.clone();
    axes.iter().for_each(|&axis| kept[axis] = 1);
    let set = broadcast(&kept, &grouped);
    let sets: usize = kept.iter().product();
    let count = (set.len() / sets.max(1)) as f32;
    let (values, g) = (x[0].elements(), g.elements());
    // For each element the place of its scale and bias.
    let places = |constants: &Flat<'_>| -> Vec<usize> {
        let channel = shape.get(1).copied().unwrap_or(1);
        let mut own = vec![1; *along];
        own.extend(constants.shape.iter());
        own.resize(shape.len(), 1);
        if *groups != 1 && *constants.shape == [*groups] && *groups != channel {
            let inner: usize = shape[2..].iter().product();
            return (0..values.len()).map(|index| index / inner.max(1) % channel / (channel / groups)).collect();
        }
        broadcast(&own, shape)
    };
    let mean = |of: &dyn Fn(usize) -> f32| -> Vec<f32> {
        let mut sums = vec![0.0f32; sets];
        set.iter().enumerate().for_each(|(index, &set)| sums[set] += of(index));
        sums.iter().map(|sum| sum / count).collect()
    };
    let means = if *centred { mean(&|index| values[index]) } else { vec![0.0; sets] };
    let variances = mean(&|index| (values[index] - means[set[index]]).powi(2));
    let inverse: Vec<f32> = variances.iter().map(|variance| (variance + epsilon).sqrt().recip()).collect();
    let normal: Vec<f32> = values.iter().zip(&set).map(|(value, &set)| (value - means[set]) * inverse[set]).collect();
    let mut found = vec![None; x.len()];
    let scaled: Vec<f32> = match scale {
        true => {
            let (at, scales) = (places(&x[1]), x[1].elements());
            g.iter().zip(&at).map(|(&g, &at)| flow(scales[at], g)).collect()
        }
        false => g.to_vec(),
    };
    if wanted[0] {
        let gradients = if *centred { mean(&|index| scaled[index]) } else { vec![0.0; sets] };
        let products = mean(&|index| scaled[index] * normal[index]);
        let of = |index: usize| {
            let set = set[index];
            inverse[set] * (scaled[index] - gradients[set] - normal[index] * products[set])
        };
        found[0] = Some(Flat::new(shape, (0..values.len()).map(of).collect()));
    }
    let mut constants = |place: usize, of: &dyn Fn(usize) -> f32| {
        if wanted[place] {
            let mut sums = vec![0.0f32; x[place].data.len()];
            places(&x[place]).into_iter().enumerate().for_each(|(index, at)| sums[at] += of(index));
            found[place] = Some(Flat::new(&x[place].shape, sums));
        }
    };
    if *scale {
        constants(1, &|index| g[index] * normal[index]);
    }
    if *bias {
        constants(1 + usize::from(*scale), &|index| g[index]);
    }
    found
}

/// Returns the gradient of the input of a division by the norm along an axis.
pub(super) fn by_norm(axis: usize, p: u8, x: &Flat<'_>, y: &Flat<'_>, g: &Flat<'_>) -> Flat<'static> {
    let (x_all, y_all, g_all) = (x.elements(), y.elements(), g.elements());
    let (along, after) = (x.shape[axis], x.shape[axis + 1..].iter().product::<usize>());
    let mut out = vec![0.0; x_all.len()];
    for start in (0..x_all.len()).step_by((along * after).max(1)).flat_map(|block| block..block + after) {
        let places = || (0..along).map(|place| start + place * after);
        let norm: f32 = match p {
            1 => places().map(|at| x_all[at].abs()).sum(),
            _ => places().map(|at| x_all[at] * x_all[at]).sum::<f32>().sqrt(),
        };
        if norm == 0.0 {
            continue;
        }
        let sum: f32 = places().map(|at| g_all[at] * y_all[at]).sum();
        for at in places() {
            let side = if p == 1 && x_all[at] != 0.0 { x_all[at].signum() } else { y_all[at] };
            out[at] = (g_all[at] - side * sum) / norm;
        }
    }
    Flat::new(&x.shape, out)
}

/// Settings of a local response normalisation.
#[derive(Clone, Copy)]
pub(super) struct Lrn {
    pub size: usize,
    pub alpha: f32,
    pub beta: f32,
    pub bias: f32,
}

/// Returns the gradient of the input of a local response normalisation.
pub(super) fn lrn(settings: Lrn, x: &Flat<'_>, g: &Flat<'_>) -> Flat<'static> {
    let Lrn { size, alpha, beta, bias } = settings;
    let (values, g) = (x.elements(), g.elements());
    let count = x.shape[1];
    let space: usize = x.shape[2..].iter().product();
    let (before, after) = ((size - 1) / 2, size / 2);
    let mut out = vec![0.0; values.len()];
    for start in (0..values.len()).step_by((count * space).max(1)).flat_map(|block| block..block + space) {
        let at = |channel: usize| start + channel * space;
        let window = |channel: usize| channel.saturating_sub(before)..(channel + after + 1).min(count);
        for channel in 0..count {
            let sum: f32 = window(channel).map(|other| values[at(other)].powi(2)).sum();
            let base = bias + alpha / size as f32 * sum;
            let own = g[at(channel)];
            out[at(channel)] += flow(base.powf(-beta), own);
            let shared = flow(2.0 * alpha * beta / size as f32 * values[at(channel)] * base.powf(-beta - 1.0), own);
            for other in window(channel) {
                out[at(other)] -= shared * values[at(other)];
            }
        }
    }
    Flat::new(&x.shape, out)
}
