//! Derivatives of reductions, softmax and pooling.

use facts::graph::{Mix, Pool, Reduction, as_image};

use super::flat::{Flat, broadcast, flow};
use crate::platform::{self, Vector, Vectorised};

/// Returns the gradient of the input of a softmax, or of its logarithm.
pub(super) fn softmax(axis: usize, to_end: bool, log: bool, y: &Flat<'_>, g: &Flat<'_>) -> Flat<'static> {
    let (y_all, g_all) = (y.elements(), g.elements());
    let (_, along, after) = lines(axis, to_end, &y.shape);
    let mut out = vec![0.0; y_all.len()];
    for start in (0..y_all.len()).step_by(along * after).flat_map(|block| block..block + after) {
        let places = || (0..along).map(|place| start + place * after);
        let sum: f32 = places().map(|at| if log { g_all[at] } else { flow(y_all[at], g_all[at]) }).sum();
        for at in places() {
            out[at] = if log { g_all[at] - y_all[at].exp() * sum } else { y_all[at] * (g_all[at] - sum) };
        }
    }
    Flat::new(&y.shape, out)
}

/// Number of lines before, elements of a line, and distance between its elements.
fn lines(axis: usize, to_end: bool, shape: &[usize]) -> (usize, usize, usize) {
    let count = |axes: &[usize]| axes.iter().product::<usize>();
    match to_end {
        true => (count(&shape[..axis]), count(&shape[axis..]), 1),
        false => (count(&shape[..axis]), shape[axis], count(&shape[axis + 1..])),
    }
}

/// Returns the gradient of the input of a reduction.
pub(super) fn reduce(reduction: Reduction, axes: &[usize], x: &Flat<'_>, y: &Flat<'_>, g: &Flat<'_>) -> Flat<'static> {
    let mut kept = x.shape.to_vec();
    axes.iter().for_each(|&axis| kept[axis] = 1);
    let places = broadcast(&kept, &x.shape);
    let (x_all, y_all, g_all) = (x.elements(), y.elements(), g.elements());
    let count = (x_all.len() / y_all.len().max(1)) as f32;
    // The gradient of an extremum is divided among the elements that reach it.
    let mut ties = vec![0.0f32; y_all.len()];
    let mut zeros = vec![0u32; y_all.len()];
    let mut others = vec![1.0f32; y_all.len()];
    for (&x, &at) in x_all.iter().zip(&places) {
        ties[at] += f32::from(u8::from(x == y_all[at]));
        zeros[at] += u32::from(x == 0.0);
        others[at] *= if x == 0.0 { 1.0 } else { x };
    }
    let slope = |x: f32, at: usize| {
        let y = y_all[at];
        match reduction {
            Reduction::Mean => 1.0 / count,
            Reduction::Sum => 1.0,
            Reduction::Max | Reduction::Min => {
                if x == y {
                    1.0 / ties[at]
                } else {
                    0.0
                }
            }
            Reduction::Prod => match (zeros[at], x == 0.0) {
                (0, _) => others[at] / x,
                (1, true) => others[at],
                _ => 0.0,
            },
            Reduction::L1 if x == 0.0 => 0.0,
            Reduction::L1 => x.signum(),
            Reduction::L2 if y == 0.0 => 0.0,
            Reduction::L2 => x / y,
            Reduction::SumSquare => 2.0 * x,
            Reduction::LogSum => (-y).exp(),
            Reduction::LogSumExp => (x - y).exp(),
        }
    };
    let out = x_all.iter().zip(&places).map(|(&x, &at)| flow(slope(x, at), g_all[at])).collect();
    Flat::new(&x.shape, out)
}

/// Returns the gradient of the input of a running sum: the running sum from the other end.
pub(super) fn running(axis: usize, exclusive: bool, reverse: bool, g: &Flat<'_>) -> Flat<'static> {
    let g_all = g.elements();
    let (_, along, after) = lines(axis, false, &g.shape);
    let mut out = vec![0.0; g_all.len()];
    for start in (0..g_all.len()).step_by((along * after).max(1)).flat_map(|block| block..block + after) {
        let mut sum = 0.0;
        for step in 0..along {
            let place = start + after * if reverse { step } else { along - 1 - step };
            if exclusive {
                out[place] = sum;
            }
            sum += g_all[place];
            if !exclusive {
                out[place] = sum;
            }
        }
    }
    Flat::new(&g.shape, out)
}

/// Returns the gradient of the input of a pooling: of the first maximum of each window, or of all its elements.
pub(super) fn pool(
    pool: &Pool,
    counts_padding: Option<bool>,
    x: &Flat<'_>,
    y: &Flat<'_>,
    g: &Flat<'_>,
) -> Option<Flat<'static>> {
    let (shape_x, shape_y) = (as_image(&x.shape)?, as_image(&y.shape)?);
    let (rows, y_rows, g_rows) = (x.image(&shape_x), y.image(&shape_y), g.image(&shape_y));
    let mut out = vec![0.0; rows.len()];
    let (rows, y, g) = (&*rows, &*y_rows, &*g_rows);
    platform::vectorised(Pooling { pool, counts_padding, shapes: [shape_x, shape_y], rows, y, g, out: &mut out });
    let extent = crate::ops::Extent::of(&shape_x);
    Some(Flat { shape: x.shape.to_vec().into(), extent, data: out.into() })
}

/// The rows of a pooling's input, output and gradients.
struct Pooling<'a, 'b> {
    pool: &'a Pool,
    counts_padding: Option<bool>,
    /// Shapes of input and output.
    shapes: [[usize; 4]; 2],
    rows: &'a [f32],
    y: &'a [f32],
    g: &'a [f32],
    out: &'b mut [f32],
}

impl Vectorised for Pooling<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<LANES>, const LANES: usize>(self) {
        let Self { pool, counts_padding, shapes: [[_, c, h, w], [_, _, oh, ow]], rows, y, g: g_rows, out } = self;
        // Of a maximum's gradient, what no element of the window has taken yet.
        let mut left = vec![0.0; c];
        for (oy, ox) in (0..oh).flat_map(|oy| (0..ow).map(move |ox| (oy, ox))) {
            let taps = (0..pool.kernel[0]).flat_map(|ky| (0..pool.kernel[1]).map(move |kx| (ky, kx)));
            let place = |(ky, kx): (usize, usize)| {
                let at_y = (oy * pool.strides[0] + ky * pool.dilations[0]).wrapping_sub(pool.padding.top);
                let at_x = (ox * pool.strides[1] + kx * pool.dilations[1]).wrapping_sub(pool.padding.left);
                (at_y < h && at_x < w).then(|| at_y * w + at_x)
            };
            let g = &g_rows[(oy * ow + ox) * c..][..c];
            match counts_padding {
                None => {
                    let most = &y[(oy * ow + ox) * c..][..c];
                    left.copy_from_slice(g);
                    for at in taps.filter_map(place) {
                        let elements = out[at * c..][..c].iter_mut().zip(&rows[at * c..][..c]);
                        for ((out, value), (left, most)) in elements.zip(left.iter_mut().zip(most)) {
                            let taken = if value == most { *left } else { 0.0 };
                            *out += taken;
                            *left = if value == most { 0.0 } else { *left };
                        }
                    }
                }
                Some(counts_padding) => {
                    let padded = |(ky, kx): &(usize, usize)| {
                        let at_y = oy * pool.strides[0] + ky * pool.dilations[0];
                        let at_x = ox * pool.strides[1] + kx * pool.dilations[1];
                        at_y < h + pool.padding.top + pool.padding.bottom
                            && at_x < w + pool.padding.left + pool.padding.right
                    };
                    let inside = taps.clone().filter_map(place).count();
                    let count = if counts_padding { taps.clone().filter(padded).count() } else { inside };
                    for at in taps.filter_map(place) {
                        out[at * c..][..c].iter_mut().zip(g).for_each(|(out, g)| *out += g / count as f32);
                    }
                }
            }
        }
    }
}

/// Divides the gradient of each entry among those that it is mixed from.
pub(super) fn mixed(mix: &Mix, x: &Flat<'_>, g: &Flat<'_>) -> Flat<'static> {
    let after: usize = x.shape[mix.axis + 1..].iter().product();
    let (length, count) = (x.shape[mix.axis], mix.taps.len());
    let mut out = vec![0.0; x.shape.iter().product()];
    let g_all = g.elements();
    for (outer, g) in g_all.chunks_exact((count * after).max(1)).enumerate() {
        for (taps, g) in mix.taps.iter().zip(g.chunks_exact(after.max(1))) {
            for &(entry, share) in taps {
                let to = &mut out[(outer * length + entry as usize) * after..][..after];
                to.iter_mut().zip(g).for_each(|(out, g)| *out += g * share);
            }
        }
    }
    Flat::new(&x.shape, out)
}
