//! Derivatives of operators that read or make places of elements.

use facts::graph::GridSample;

use super::flat::Flat;
use super::rule::Found;
use crate::ops;

/// TopK: a value's gradient is its element's, whose place is known.
pub(super) fn top(axis: usize, x: &Flat<'_>, places: &Flat<'_>, g: &Flat<'_>) -> Flat<'static> {
    let after: usize = x.shape[axis + 1..].iter().product();
    let (length, count) = (x.shape[axis], g.shape[axis]);
    let mut out = vec![0.0; x.shape.iter().product()];
    for (index, (&place, &g)) in places.elements().iter().zip(&*g.elements()).enumerate() {
        let outer = index / (count * after).max(1);
        out[(outer * length + place as usize) * after + index % after.max(1)] += g;
    }
    Flat::new(&x.shape, out)
}

/// GridSample: a sample's gradient is shared out among its pixels, and moves its place.
pub(super) fn grid(settings: GridSample, x: &[Flat<'_>], g: &Flat<'_>, wanted: &[bool]) -> Option<Found> {
    let (&[_, channels, height, width], &[_, rows, columns, 2]) = (&*x[0].shape, &*x[1].shape) else { return None };
    let (plane, area) = (height * width, rows * columns);
    let (pixels, places, gradient) = (x[0].elements(), x[1].elements(), g.elements());
    let mut of_pixels = vec![0.0; pixels.len()];
    let mut of_places = vec![0.0; places.len()];
    for (number, place) in places.chunks_exact(2).enumerate() {
        let (batch, position) = (number / area, number % area);
        for tap in ops::taps(settings, [height, width], [place[0], place[1]]) {
            for channel in batch * channels..(batch + 1) * channels {
                let g = gradient[channel * area + position];
                let pixel = channel * plane + tap.pixel;
                of_pixels[pixel] += g * tap.share;
                for axis in 0..2 {
                    of_places[2 * number + axis] += g * tap.slopes[axis] * pixels[pixel];
                }
            }
        }
    }
    let found = [of_pixels, of_places].into_iter().zip(x).zip(wanted);
    Some(found.map(|((data, x), &wanted)| wanted.then(|| Flat::new(&x.shape, data))).collect())
}
