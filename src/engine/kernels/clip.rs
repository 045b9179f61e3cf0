//! Clipping to bounds, in place.

use crate::ops::{Extent, Range, Region};
use crate::platform::{self, Vector, Vectorised};

/// Bounds of the elements of one tensor, and what becomes of an element beyond them.
#[derive(Clone, Debug, PartialEq)]
pub struct Bounds {
    /// One for the tensor, one for each channel of a row, or one for each element in the order of the rows.
    ranges: Vec<Range>,
    to_zero: bool,
}

impl Bounds {
    /// One range for a tensor, one for each channel of its rows, or one for each element in the order of its rows. An element
    /// beyond its range becomes 0 if `to_zero`, the nearest bound otherwise.
    pub fn new(ranges: Vec<Range>, to_zero: bool) -> Self {
        Self { ranges, to_zero }
    }

    /// Returns the ranges: one for the tensor, one for each channel of a row, or one for each element in the order of the rows.
    pub fn ranges(&self) -> &[Range] {
        &self.ranges
    }

    /// Returns whether an element beyond its range becomes 0.
    pub fn is_to_zero(&self) -> bool {
        self.to_zero
    }

    /// Returns the only range, if elements beyond it become its nearest bound.
    pub fn simple(&self) -> Option<Range> {
        match self.ranges[..] {
            [range] if !self.to_zero => Some(range),
            _ => None,
        }
    }

    /// Clips the `rows` of `region` in a tensor of `extent`. Returns the number of elements that came out with other bits.
    pub fn clip(&self, extent: Extent, region: Region, rows: &mut [f32]) -> u64 {
        match self.ranges[..] {
            [range] if self.to_zero => platform::vectorised(Clipped::<true> { range, elements: rows }),
            [range] => platform::vectorised(Clipped::<false> { range, elements: rows }),
            _ => {
                let mut count = 0;
                self.each(extent, region, rows, |element, range| {
                    let clipped = if self.to_zero { range.zeroed(*element) } else { range.clip(*element) };
                    count += u64::from(clipped.to_bits() != element.to_bits());
                    *element = clipped;
                });
                count
            }
        }
    }

    /// Returns whether clipping would change the `rows` of `region` in a tensor of `extent`.
    pub fn clips(&self, extent: Extent, region: Region, rows: &[f32]) -> bool {
        match self.ranges[..] {
            [range] if self.to_zero => platform::vectorised(Beyond::<true> { range, elements: rows }),
            [range] => platform::vectorised(Beyond::<false> { range, elements: rows }),
            _ => {
                let changes = |element: f32, range: Range| match self.to_zero {
                    true => is_beyond::<true>(range, element),
                    false => is_beyond::<false>(range, element),
                };
                let lines = self.lines(extent, region);
                let line = |(row, ranges): (&[f32], &[Range])| row.iter().zip(ranges).any(|(e, r)| changes(*e, *r));
                rows.chunks_exact(extent.channels).zip(lines).any(line)
            }
        }
    }

    /// The ranges of each position of `region`, row by row: those of all positions, or its own.
    fn lines(&self, extent: Extent, region: Region) -> impl Iterator<Item = &[Range]> {
        let places = (region.top..region.bottom).flat_map(move |y| (region.left..region.right).map(move |x| (y, x)));
        let channels = extent.channels;
        places.map(move |(y, x)| {
            let first = if self.ranges.len() == channels { 0 } else { (y * extent.width + x) * channels };
            self.ranges.get(first..first + channels).unwrap_or_default()
        })
    }

    fn each(&self, extent: Extent, region: Region, rows: &mut [f32], mut act: impl FnMut(&mut f32, Range)) {
        for (row, ranges) in rows.chunks_exact_mut(extent.channels).zip(self.lines(extent, region)) {
            row.iter_mut().zip(ranges).for_each(|(element, range)| act(element, *range));
        }
    }
}

/// Clips parts of a tensor of `extent` in place, each the rows of a region. Returns of each the number of elements that came
/// out with other bits.
pub fn clip_all<'a>(
    bounds: &Bounds,
    extent: Extent,
    parts: impl IntoIterator<Item = (Region, &'a mut [f32])>,
) -> Vec<u64> {
    /// Elements that justify another thread.
    const WORTH: usize = 16 << 10;
    let mut parts: Vec<(Region, &mut [f32], u64)> = parts.into_iter().map(|(region, rows)| (region, rows, 0)).collect();
    let clip = |(region, rows, count): &mut (Region, &mut [f32], u64)| *count = bounds.clip(extent, *region, rows);
    if parts.iter().map(|(_, rows, _)| rows.len()).sum::<usize>() > WORTH {
        platform::for_each(parts.iter_mut().collect(), clip);
    } else {
        parts.iter_mut().for_each(clip);
    }
    parts.into_iter().map(|(_, _, count)| count).collect()
}

struct Clipped<'a, const TO_ZERO: bool> {
    range: Range,
    elements: &'a mut [f32],
}

impl<const TO_ZERO: bool> Vectorised for Clipped<'_, TO_ZERO> {
    type Output = u64;

    #[inline(always)]
    fn run<V: Vector<LANES>, const LANES: usize>(self) -> u64 {
        // The counter has the width of an element and covers one block, so that the compiler vectorises the loop.
        const BLOCK: usize = 1 << 12;
        let mut total = 0;
        for block in self.elements.chunks_mut(BLOCK) {
            let mut count = 0u32;
            for element in block {
                let clipped = if TO_ZERO { self.range.zeroed(*element) } else { self.range.clip(*element) };
                count += u32::from(clipped.to_bits() != element.to_bits());
                *element = clipped;
            }
            total += u64::from(count);
        }
        total
    }
}

/// Whether clipping changes the element: a 0 beyond the range stays 0 if elements become 0.
#[inline(always)]
fn is_beyond<const TO_ZERO: bool>(range: Range, element: f32) -> bool {
    !range.contains(element) & !(TO_ZERO & (element.to_bits() == 0))
}

struct Beyond<'a, const TO_ZERO: bool> {
    range: Range,
    elements: &'a [f32],
}

impl<const TO_ZERO: bool> Vectorised for Beyond<'_, TO_ZERO> {
    type Output = bool;

    #[inline(always)]
    fn run<V: Vector<LANES>, const LANES: usize>(self) -> bool {
        // Without an early exit inside a block the compiler vectorises the loop.
        const BLOCK: usize = 1 << 10;
        let range = self.range;
        self.elements
            .chunks(BLOCK)
            .any(|block| block.iter().fold(false, |beyond, &element| beyond | is_beyond::<TO_ZERO>(range, element)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Elements inside, beyond, at the bounds, zeros of both signs, infinities and NaN.
    const ELEMENTS: [f32; 12] =
        [0.5, -0.0, 0.0, 1.0, -1.0, 1.000_000_1, -7.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, 3.0e38, -1.0e-45];

    #[test]
    fn each_kind_of_bounds_clips_an_element_to_its_own_range() {
        let extent = Extent::of(&[1, 3, 2, 2]);
        let range = |high: usize| Range { low: -1.0, high: high as f32 };
        for to_zero in [false, true] {
            for count in [1, 3, 12] {
                let bounds = Bounds::new((0..count).map(range).collect(), to_zero);
                let mut rows = ELEMENTS;
                let changed = bounds.clip(extent, extent.region(), &mut rows);
                let mut expected_changes = 0;
                for (index, (before, after)) in ELEMENTS.iter().zip(rows).enumerate() {
                    let own = match count {
                        1 => range(0),
                        3 => range(index % 3),
                        _ => range(index),
                    };
                    let inside = *before >= own.low && *before <= own.high;
                    let expected = match (inside, to_zero) {
                        (true, _) => *before,
                        (false, true) => 0.0,
                        (false, false) if before.is_nan() => 0.0,
                        (false, false) => before.clamp(own.low, own.high),
                    };
                    assert_eq!(after.to_bits(), expected.to_bits(), "{before} of {count}, {to_zero}");
                    expected_changes += u64::from(expected.to_bits() != before.to_bits());
                }
                assert_eq!(changed, expected_changes);
                assert!(bounds.clips(extent, extent.region(), &ELEMENTS));
                assert!(!bounds.clips(extent, extent.region(), &rows));
            }
        }
    }

    #[test]
    fn a_part_of_a_tensor_is_clipped_as_the_whole_is() {
        let extent = Extent::of(&[1, 3, 2, 2]);
        let bounds = Bounds::new((0..12).map(|at| Range { low: -0.5, high: at as f32 / 6.0 }).collect(), false);
        let mut whole = ELEMENTS;
        bounds.clip(extent, extent.region(), &mut whole);
        let part = Region { top: 1, left: 0, bottom: 2, right: 2 };
        let mut rows = ELEMENTS[6..].to_vec();
        clip_all(&bounds, extent, [(part, &mut rows[..])]);
        let bits = |rows: &[f32]| rows.iter().map(|row| row.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&rows), bits(&whole[6..]));
    }
}
