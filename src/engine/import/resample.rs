//! The shares of pixels in a resampled axis, and pooling over three axes.

use facts::graph::{CoordinateMode, Mix, NearestMode, Op, Padding2d, Pool, Step, infer};

use crate::ops::{coordinate, nearest};

/// How a value between two pixels is found.
#[derive(Clone, Copy, Debug)]
pub(super) enum Filter {
    /// The nearest pixel.
    Nearest(NearestMode),
    /// Two pixels; with antialiasing as many as an output pixel covers.
    Linear { antialias: bool },
    /// Four pixels, or as many as an output pixel covers; without those `exclude`d that lie outside.
    Cubic { a: f32, exclude: bool, antialias: bool },
}

/// An axis that is resampled.
pub(super) struct Axis {
    pub axis: usize,
    pub length: usize,
    pub size: usize,
    pub scale: f32,
    /// The part of the axis that is taken, from 0 to 1, where it is stated (tf_crop_and_resize).
    pub span: Option<(f32, f32)>,
}

impl Axis {
    /// The number of taps, about.
    pub fn taps(&self, filter: Filter) -> usize {
        let wide = if self.scale < 1.0 { (4.0 / self.scale) as usize + 4 } else { 4 };
        match filter {
            Filter::Nearest(_) => self.size,
            Filter::Linear { antialias: false } | Filter::Cubic { antialias: false, .. } => self.size.saturating_mul(4),
            _ => self.size.saturating_mul(wide.min(self.length.saturating_add(4))),
        }
    }

    /// The place of output pixel `index` in the input; `None` outside of a cut-out image.
    fn place(&self, coordinates: CoordinateMode, index: usize) -> Option<f32> {
        let Some((from, to)) = self.span else {
            return Some(coordinate(coordinates, (self.scale, self.size), index, self.length));
        };
        let last = self.length as f32 - 1.0;
        let place = match self.size {
            1 => (to - from) * last / 2.0,
            size => index as f32 * (to - from) * last / (size as f32 - 1.0),
        };
        Some(place + from * last).filter(|place| (0.0..=last).contains(place))
    }

    /// The taps of output pixel `index`.
    fn mixed(&self, filter: Filter, coordinates: CoordinateMode, index: usize) -> Vec<(u32, f32)> {
        let Some(place) = self.place(coordinates, index) else { return Vec::new() };
        let last = self.length as i64 - 1;
        let inside = |pixel: i64| pixel.clamp(0, last) as u32;
        let place64 = f64::from(place);
        let floor = place64.floor();
        let (support, exclude) = match filter {
            Filter::Nearest(mode) => return vec![(nearest(mode, place, self.length) as u32, 1.0)],
            Filter::Linear { .. } => (1.0, false),
            Filter::Cubic { exclude, .. } => (2.0, exclude),
        };
        let antialias = matches!(filter, Filter::Linear { antialias: true } | Filter::Cubic { antialias: true, .. });
        let scale = if antialias { f64::from(self.scale).min(1.0) } else { 1.0 };
        let share = |pixel: i64| {
            let distance = ((pixel as f64 - place64) * scale).abs();
            match filter {
                Filter::Cubic { a, .. } => cubic(f64::from(a), distance),
                _ => (1.0 - distance).max(0.0),
            }
        };
        // Far outside all pixels are that of the edge.
        let reach = (support / scale).ceil() as i64;
        let first = (floor as i64).clamp(-reach - 1, last + reach + 1) - reach + 1;
        let taps: Vec<(i64, f64)> = (first..first + 2 * reach)
            .map(|pixel| (pixel, share(pixel)))
            .filter(|&(pixel, _)| !exclude || (0..=last).contains(&pixel))
            .collect();
        let sum: f64 = if exclude || antialias { taps.iter().map(|(_, share)| share).sum() } else { 1.0 };
        // Shares of one pixel are added up.
        let mut made: Vec<(u32, f64)> = Vec::with_capacity(taps.len());
        for (pixel, share) in taps {
            match made.last_mut() {
                Some((before, sum)) if *before == inside(pixel) => *sum += share,
                _ => made.push((inside(pixel), share)),
            }
        }
        made.into_iter().map(|(pixel, share)| (pixel, (share / sum) as f32)).collect()
    }
}

/// Keys' cubic kernel.
fn cubic(a: f64, x: f64) -> f64 {
    if x <= 1.0 {
        ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a
    } else {
        0.0
    }
}

/// The operator that resamples these axes, one after the other; entries outside of a cut-out are `fill`.
pub(super) fn resampled(axes: &[Axis], filter: Filter, coordinates: CoordinateMode, fill: f32) -> Op {
    let op = |axis: &Axis| {
        let taps: Vec<_> = (0..axis.size).map(|index| axis.mixed(filter, coordinates, index)).collect();
        match filter {
            Filter::Nearest(_) if axis.span.is_none() => Op::Gather {
                axis: axis.axis,
                indices: taps.iter().map(|taps| taps[0].0 as usize).collect(),
                indices_shape: vec![axis.size],
            },
            _ => Op::Mix(Mix { axis: axis.axis, taps, fill }),
        }
    };
    let ops: Vec<Op> = axes.iter().map(op).collect();
    chained(ops)
}

/// Operators of one input, one after the other.
pub(super) fn chained(mut ops: Vec<Op>) -> Op {
    match ops.len() {
        0 => Op::Identity,
        1 => ops.remove(0),
        _ => {
            let step = |(index, op)| Step { op, inputs: usize::from(index == 0) };
            Op::Chain(ops.into_iter().enumerate().map(step).collect())
        }
    }
}

/// A pooling window over depth, height and width.
pub(super) struct Window3 {
    pub kernel: [usize; 3],
    pub strides: [usize; 3],
    pub dilations: [usize; 3],
    /// Before and after.
    pub padding: [(usize, usize); 3],
    pub ceil_mode: bool,
}

impl Window3 {
    /// The pooling `op` of a tensor N x C x D x H x W of shape `x`: over height and width, then over depth.
    ///
    /// # Errors
    /// If the window does not fit.
    pub fn pooled(&self, x: &[usize], op: impl Fn(Pool) -> Op) -> Result<Vec<Op>, String> {
        let &[n, channels, depth, height, width] = x else {
            return Err(format!("an input of five axes is expected, found shape {x:?}"));
        };
        let Self { kernel, strides, dilations, padding: [(front, back), (top, bottom), (left, right)], ceil_mode } =
            *self;
        let flat = vec![n, channels.saturating_mul(depth), height, width];
        let plane = op(Pool {
            kernel: [kernel[1], kernel[2]],
            strides: [strides[1], strides[2]],
            dilations: [dilations[1], dilations[2]],
            padding: Padding2d { top, left, bottom, right },
            ceil_mode,
        });
        let column = op(Pool {
            kernel: [kernel[0], 1],
            strides: [strides[0], 1],
            dilations: [dilations[0], 1],
            padding: Padding2d { top: front, left: 0, bottom: back, right: 0 },
            ceil_mode,
        });
        let pooled = infer(&plane, &[&flat])?.remove(0);
        let lines = vec![n, channels, depth, pooled[2] * pooled[3]];
        let made = infer(&column, &[&lines])?.remove(0);
        let shape = vec![n, channels, made[2], pooled[2], pooled[3]];
        Ok(vec![Op::Reshape { shape: flat }, plane, Op::Reshape { shape: lines }, column, Op::Reshape { shape }])
    }
}
