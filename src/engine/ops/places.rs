//! Operators that read places from a tensor, or make places of its elements. They run in main memory.

use std::cmp::Ordering;

use burn::tensor::Device;
use facts::graph::{GridMode, GridSample, Outside};
use futures_util::FutureExt;

use super::Array;

fn host(array: &Array) -> Vec<f32> {
    array.read().now_or_never().and_then(Result::ok).expect("these operators run on the CPU")
}

fn made(shape: &[usize], data: &[f32]) -> Array {
    Array::from_slice(shape, data, &Device::flex())
}

/// Passes the elements along `axis` to `work`, line by line, with the number of lines before and the line's place.
fn lines(axis: usize, x: &Array, mut work: impl FnMut(usize, usize, &[f32])) {
    let (before, after) = x.shape().split_at(axis);
    let (length, after) = (after[0], after[1..].iter().product::<usize>());
    let data = host(x);
    let mut line = vec![0.0; length];
    for outer in 0..before.iter().product() {
        for inner in 0..after {
            for (index, element) in line.iter_mut().enumerate() {
                *element = data[(outer * length + index) * after + inner];
            }
            work(outer, inner, &line);
        }
    }
}

/// Orders numbers from the first in rank to the last; a NaN is greater than all numbers.
fn ranked(smallest: bool, a: f32, b: f32) -> Ordering {
    let ascending = a.is_nan().cmp(&b.is_nan()).then(a.partial_cmp(&b).unwrap_or(Ordering::Equal));
    if smallest { ascending } else { ascending.reverse() }
}

pub(super) fn place(axis: usize, smallest: bool, last: bool, x: &Array, shape: &[usize]) -> Array {
    let after: usize = x.shape()[axis + 1..].iter().product();
    let mut out = vec![0.0; shape.iter().product()];
    lines(axis, x, |outer, inner, line| {
        let mut best = 0;
        for (index, &element) in line.iter().enumerate().skip(1) {
            let held = line[best];
            let order = match (held.is_nan(), element.is_nan()) {
                (true, true) => Ordering::Equal,
                (true, false) => Ordering::Greater,
                (false, true) => Ordering::Less,
                _ => ranked(smallest, element, held),
            };
            if order == Ordering::Less || last && order == Ordering::Equal {
                best = index;
            }
        }
        out[outer * after + inner] = best as f32;
    });
    made(shape, &out)
}

pub(super) fn top(axis: usize, smallest: bool, x: &Array, shape: &[usize]) -> Vec<Array> {
    let (after, count) = (shape[axis + 1..].iter().product::<usize>(), shape[axis]);
    let mut values = vec![0.0; shape.iter().product()];
    let mut places = values.clone();
    lines(axis, x, |outer, inner, line| {
        let mut order: Vec<usize> = (0..line.len()).collect();
        // A stable sort keeps equal elements in their order.
        order.sort_by(|&a, &b| ranked(smallest, line[a], line[b]));
        for (rank, &index) in order.iter().take(count).enumerate() {
            let at = (outer * count + rank) * after + inner;
            (values[at], places[at]) = (line[index], index as f32);
        }
    });
    vec![made(shape, &values), made(shape, &places)]
}

/// A number that is no whole number is cut off, as a cast to an integer does.
pub(super) fn one_hot(axis: usize, depth: usize, [on, off]: [f32; 2], x: &Array, shape: &[usize]) -> Array {
    let after: usize = x.shape()[axis..].iter().product();
    let mut out = vec![off; shape.iter().product()];
    for (index, class) in host(x).into_iter().enumerate() {
        let class = class.trunc();
        let counted = if class < 0.0 { class + depth as f32 } else { class };
        if counted >= 0.0 && counted < depth as f32 {
            out[(index / after * depth + counted as usize) * after + index % after] = on;
        }
    }
    made(shape, &out)
}

pub(super) fn grid(settings: GridSample, x: &Array, grid: &Array, shape: &[usize]) -> Array {
    let &[_, _, height, width] = x.shape() else { unreachable!("shape inference lets only images through") };
    let (pixels, places) = (host(x), host(grid));
    let area = shape[2] * shape[3];
    let mut out = vec![0.0; shape.iter().product()];
    for (number, place) in places.chunks_exact(2).enumerate() {
        let (batch, position) = (number / area, number % area);
        let sampler = Sampler::new(settings, [height, width], [place[1], place[0]]);
        for channel in 0..shape[1] {
            let plane = batch * shape[1] + channel;
            let image = &pixels[plane * height * width..][..height * width];
            out[plane * area + position] = sampler.of(image);
        }
    }
    made(shape, &out)
}

/// A place in an image, and how it is read. Axis 0 is the vertical one.
struct Sampler {
    settings: GridSample,
    size: [usize; 2],
    place: [f32; 2],
}

impl Sampler {
    fn new(settings: GridSample, size: [usize; 2], normal: [f32; 2]) -> Self {
        let mut place = [0, 1].map(|axis| {
            let length = size[axis] as f32;
            match settings.align_corners {
                true => (normal[axis] + 1.0) / 2.0 * (length - 1.0),
                false => ((normal[axis] + 1.0) * length - 1.0) / 2.0,
            }
        });
        if settings.mode == GridMode::Nearest {
            place = place.map(f32::round_ties_even);
        }
        let mut sampler = Self { settings, size, place };
        // A place far outside is moved first, except where the pixels around it are.
        if settings.mode != GridMode::Cubic {
            sampler.place = [0, 1].map(|axis| sampler.moved(axis, place[axis]));
        }
        sampler
    }

    /// A coordinate, moved into the image if the settings ask for that.
    fn moved(&self, axis: usize, place: f32) -> f32 {
        let last = self.size[axis] as f32 - 1.0;
        let (low, high) = if self.settings.align_corners { (0.0, last) } else { (-0.5, last + 0.5) };
        match self.settings.outside {
            Outside::Zeros => place,
            Outside::Border => clamped(place, last),
            Outside::Reflection => {
                let range = high - low;
                let reflected = if !place.is_finite() || range == 0.0 {
                    if place.is_finite() { 0.0 } else { place }
                } else if place < low {
                    let by = low - place;
                    let (turns, rest) = ((by / range).trunc(), by % range);
                    if turns % 2.0 == 0.0 { low + rest } else { high - rest }
                } else if place > high {
                    let by = place - high;
                    let (turns, rest) = ((by / range).trunc(), by % range);
                    if turns % 2.0 == 0.0 { high - rest } else { low + rest }
                } else {
                    place
                };
                if self.settings.mode == GridMode::Cubic { reflected } else { clamped(reflected, last) }
            }
        }
    }

    /// The pixel at whole coordinates; 0 outside.
    fn pixel(&self, image: &[f32], place: [f32; 2]) -> f32 {
        let inside = (0..2).all(|axis| place[axis] >= 0.0 && place[axis] < self.size[axis] as f32);
        if inside { image[place[0] as usize * self.size[1] + place[1] as usize] } else { 0.0 }
    }

    fn of(&self, image: &[f32]) -> f32 {
        let [y, x] = self.place;
        if !(y.is_finite() && x.is_finite()) {
            // No pixel lies there.
            return f32::NAN;
        }
        let (top, left) = (y.floor(), x.floor());
        match self.settings.mode {
            GridMode::Nearest => self.pixel(image, [y, x]),
            GridMode::Linear => {
                let (down, right) = (y - top, x - left);
                let (up, back) = (1.0 - down, 1.0 - right);
                let corner = |dy: f32, dx: f32| self.pixel(image, [top + dy, left + dx]);
                up * back * corner(0.0, 0.0)
                    + up * right * corner(0.0, 1.0)
                    + down * back * corner(1.0, 0.0)
                    + down * right * corner(1.0, 1.0)
            }
            GridMode::Cubic => {
                let (rows, columns) = (cubic(y - top), cubic(x - left));
                let mut sum = 0.0;
                for (dy, row) in rows.into_iter().enumerate() {
                    let at_y = self.whole(0, top - 1.0 + dy as f32);
                    for (dx, column) in columns.into_iter().enumerate() {
                        let at_x = self.whole(1, left - 1.0 + dx as f32);
                        sum += row * column * self.pixel(image, [at_y, at_x]);
                    }
                }
                sum
            }
        }
    }

    /// The slope of [`Sampler::moved`]: 0 where a coordinate is held at an edge, -1 where the image is mirrored.
    fn slope(&self, axis: usize, place: f32) -> f32 {
        let last = self.size[axis] as f32 - 1.0;
        let held = |place: f32| if place <= 0.0 || place >= last { 0.0 } else { 1.0 };
        match self.settings.outside {
            Outside::Zeros => 1.0,
            Outside::Border => held(place),
            Outside::Reflection => {
                let (low, high) = if self.settings.align_corners { (0.0, last) } else { (-0.5, last + 0.5) };
                let range = high - low;
                if !place.is_finite() || range == 0.0 {
                    return 0.0;
                }
                let by = place - low;
                let turns = (by.abs() / range).floor();
                let sign = if by < 0.0 { -1.0 } else { 1.0 };
                let sign = if turns % 2.0 == 0.0 { sign } else { -sign };
                sign * held(self.moved(axis, place))
            }
        }
    }

    /// Along one axis, the coordinates of the pixels that are read, their shares, and how the shares change with the place.
    fn along(&self, axis: usize, normal: f32) -> Vec<(f32, f32, f32)> {
        let length = self.size[axis] as f32;
        let stretch = if self.settings.align_corners { (length - 1.0) / 2.0 } else { length / 2.0 };
        let place = self.place[axis];
        let (first, t) = (place.floor(), place - place.floor());
        match self.settings.mode {
            GridMode::Nearest => vec![(place, 1.0, 0.0)],
            GridMode::Linear => {
                let origin = match self.settings.align_corners {
                    true => (normal + 1.0) / 2.0 * (length - 1.0),
                    false => ((normal + 1.0) * length - 1.0) / 2.0,
                };
                let slope = stretch * self.slope(axis, origin);
                vec![(first, 1.0 - t, -slope), (first + 1.0, t, slope)]
            }
            GridMode::Cubic => {
                let (shares, slopes) = (cubic(t), cubic_slopes(t));
                let at = |step: usize| self.whole(axis, first - 1.0 + step as f32);
                (0..4).map(|step| (at(step), shares[step], stretch * slopes[step])).collect()
            }
        }
    }

    /// A whole coordinate, moved into the image.
    fn whole(&self, axis: usize, place: f32) -> f32 {
        self.moved(axis, place).round_ties_even()
    }
}

fn clamped(place: f32, last: f32) -> f32 {
    if place.is_nan() { place } else { place.clamp(0.0, last) }
}

/// The shares of the four pixels around a place, `t` behind the second one; the constant is -0.75.
fn cubic(t: f32) -> [f32; 4] {
    const A: f32 = -0.75;
    let near = |t: f32| ((A + 2.0) * t - (A + 3.0)) * t * t + 1.0;
    let far = |t: f32| ((A * t - 5.0 * A) * t + 8.0 * A) * t - 4.0 * A;
    [far(t + 1.0), near(t), near(1.0 - t), far(2.0 - t)]
}

/// How the shares of [`cubic`] change with `t`.
fn cubic_slopes(t: f32) -> [f32; 4] {
    const A: f32 = -0.75;
    let near = |t: f32| (3.0 * (A + 2.0) * t - 2.0 * (A + 3.0)) * t;
    let far = |t: f32| (3.0 * A * t - 10.0 * A) * t + 8.0 * A;
    [far(t + 1.0), near(t), -near(1.0 - t), -far(2.0 - t)]
}

/// A pixel that a sample of a grid reads.
#[derive(Clone, Copy, Debug)]
pub struct Tap {
    /// Its place in the plane, row by row.
    pub pixel: usize,
    /// The factor that it counts with.
    pub share: f32,
    /// How the factor changes with the two numbers of the grid: the horizontal one first.
    pub slopes: [f32; 2],
}

/// The pixels that GridSample reads at the place `[x, y]` of a grid, in an image of height and width `size`.
pub fn taps(settings: GridSample, size: [usize; 2], place: [f32; 2]) -> Vec<Tap> {
    let sampler = Sampler::new(settings, size, [place[1], place[0]]);
    if !sampler.place.iter().all(|place| place.is_finite()) {
        return Vec::new();
    }
    let (rows, columns) = (sampler.along(0, place[1]), sampler.along(1, place[0]));
    let inside = |at: f32, length: usize| at >= 0.0 && at < length as f32;
    let mut taps = Vec::with_capacity(rows.len() * columns.len());
    for &(y, row, by_y) in rows.iter().filter(|(y, ..)| inside(*y, size[0])) {
        for &(x, column, by_x) in columns.iter().filter(|(x, ..)| inside(*x, size[1])) {
            let pixel = y as usize * size[1] + x as usize;
            taps.push(Tap { pixel, share: row * column, slopes: [row * by_x, by_y * column] });
        }
    }
    taps
}
