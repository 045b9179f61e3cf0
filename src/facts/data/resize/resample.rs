//! Resamples each row, then each column; only rows that are needed, and only as many at a time as a column's taps span.

use super::super::image::Image;
use super::filter::{Filter, Resampler, Tap};

/// Bits after the binary point of Pillow's weights.
const PRECISION: u32 = 22;

impl Resampler {
    /// The pixels that `columns` and `rows` make of `image`, R G B interleaved.
    pub fn resample(self, image: &Image, columns: &[Tap], rows: &[Tap]) -> Vec<u8> {
        match (self.filter, self.antialias) {
            (Filter::Nearest, _) | (Filter::Bilinear | Filter::Bicubic | Filter::Lanczos, true) => {
                resampled::<Fixed>(image, columns, rows)
            }
            // As OpenCV's wheels and TensorFlow compute it: what overshoots between rows and columns is kept.
            (Filter::Area, _) | (_, false) => resampled::<Float>(image, columns, rows),
        }
    }
}

/// The arithmetic of a resampler.
trait Arithmetic {
    /// A weight.
    type Weight: Copy;
    /// A sum of products.
    type Sum: Copy;
    /// What is kept between rows and columns.
    type Between: Copy + Default;

    const ZERO: Self::Sum;
    fn weight(weight: f64) -> Self::Weight;
    fn add_byte(sum: Self::Sum, byte: u8, weight: Self::Weight) -> Self::Sum;
    fn between(sum: Self::Sum) -> Self::Between;
    fn add(sum: Self::Sum, between: Self::Between, weight: Self::Weight) -> Self::Sum;
    fn byte(sum: Self::Sum) -> u8;
}

/// Float32, rounded once at the end: to the nearest grey level, and of two that are as near to the even one.
struct Float;

impl Arithmetic for Float {
    type Weight = f32;
    type Sum = f32;
    type Between = f32;

    const ZERO: f32 = 0.0;

    fn weight(weight: f64) -> f32 {
        weight as f32
    }

    fn add_byte(sum: f32, byte: u8, weight: f32) -> f32 {
        sum + f32::from(byte) * weight
    }

    fn between(sum: f32) -> f32 {
        sum
    }

    fn add(sum: f32, between: f32, weight: f32) -> f32 {
        sum + between * weight
    }

    fn byte(sum: f32) -> u8 {
        // `as` saturates.
        sum.round_ties_even() as u8
    }
}

/// Pillow's: fixed point, rounded to grey levels after the rows and after the columns.
struct Fixed;

impl Arithmetic for Fixed {
    type Weight = i32;
    type Sum = i32;
    type Between = u8;

    const ZERO: i32 = 1 << (PRECISION - 1);

    fn weight(weight: f64) -> i32 {
        // `round` takes halves away from zero.
        (weight * f64::from(1 << PRECISION)).round() as i32
    }

    // The weights of a tap add up to 1, and the absolute values of Lanczos' to less than 2: no sum leaves i32.
    fn add_byte(sum: i32, byte: u8, weight: i32) -> i32 {
        sum + i32::from(byte) * weight
    }

    fn between(sum: i32) -> u8 {
        Self::byte(sum)
    }

    fn add(sum: i32, between: u8, weight: i32) -> i32 {
        Self::add_byte(sum, between, weight)
    }

    fn byte(sum: i32) -> u8 {
        (sum >> PRECISION).clamp(0, 255) as u8
    }
}

/// A tap in the weights of `A`.
type Weighted<'tap, A> = (&'tap [usize], Vec<<A as Arithmetic>::Weight>);

fn resampled<A: Arithmetic>(image: &Image, columns: &[Tap], rows: &[Tap]) -> Vec<u8> {
    let columns: Vec<Weighted<'_, A>> = columns.iter().map(weighted::<A>).collect();
    let width = columns.len() * 3;
    let span = |tap: &Tap| tap.from.last().zip(tap.from.first()).map_or(1, |(last, first)| last - first + 1);
    let spans = rows.iter().map(span).max().unwrap_or(1);
    // As many rows that follow one another have as many remainders.
    let mut held: Vec<(Option<usize>, Vec<A::Between>)> = vec![(None, vec![A::Between::default(); width]); spans];
    let mut sums = vec![A::ZERO; width];
    let mut rgb = Vec::with_capacity(rows.len() * width);
    for tap in rows {
        let (from, weights) = weighted::<A>(tap);
        sums.fill(A::ZERO);
        for (&row, weight) in from.iter().zip(weights) {
            let (kept, values) = &mut held[row % spans];
            if *kept != Some(row) {
                *kept = Some(row);
                resample_row::<A>(&image.rgb[row * image.width * 3..][..image.width * 3], &columns, values);
            }
            sums.iter_mut().zip(values).for_each(|(sum, value)| *sum = A::add(*sum, *value, weight));
        }
        rgb.extend(sums.iter().map(|&sum| A::byte(sum)));
    }
    rgb
}

fn weighted<A: Arithmetic>(tap: &Tap) -> Weighted<'_, A> {
    (&tap.from, tap.weights.iter().map(|&weight| A::weight(weight)).collect())
}

fn resample_row<A: Arithmetic>(row: &[u8], columns: &[Weighted<'_, A>], values: &mut [A::Between]) {
    for ((from, weights), pixel) in columns.iter().zip(values.chunks_exact_mut(3)) {
        let mut sums = [A::ZERO; 3];
        for (&at, &weight) in from.iter().zip(weights) {
            for (sum, &byte) in sums.iter_mut().zip(&row[at * 3..at * 3 + 3]) {
                *sum = A::add_byte(*sum, byte, weight);
            }
        }
        pixel.iter_mut().zip(sums).for_each(|(value, sum)| *value = A::between(sum));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grey_level_is_the_nearest_and_even_where_two_are_as_near() {
        assert_eq!([-3.0, 0.5, 1.5, 254.5, 300.0, f32::NAN].map(Float::byte), [0, 0, 2, 254, 255, 0]);
        assert_eq!([i32::MIN, Fixed::ZERO, 255 << PRECISION, i32::MAX].map(Fixed::byte), [0, 0, 255, 255]);
    }
}
