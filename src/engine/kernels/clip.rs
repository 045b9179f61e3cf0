//! Clipping to a range, in place.

use crate::ops::Range;
use crate::platform::{self, Vector, Vectorised};

/// Clips each of `tensors` to `range` in place. Returns of each the number of elements that came out with other bits.
pub fn clip_all<'a>(range: Range, tensors: impl IntoIterator<Item = &'a mut [f32]>) -> Vec<u64> {
    /// Elements that justify another thread.
    const WORTH: usize = 16 << 10;
    let mut tensors: Vec<(&mut [f32], u64)> = tensors.into_iter().map(|tensor| (tensor, 0)).collect();
    let clip = |(elements, count): &mut (&mut [f32], u64)| {
        *count = platform::vectorised(Clipped { range, elements });
    };
    if tensors.iter().map(|(elements, _)| elements.len()).sum::<usize>() > WORTH {
        platform::for_each(tensors.iter_mut().collect(), clip);
    } else {
        tensors.iter_mut().for_each(clip);
    }
    tensors.into_iter().map(|(_, count)| count).collect()
}

struct Clipped<'a> {
    range: Range,
    elements: &'a mut [f32],
}

impl Vectorised for Clipped<'_> {
    type Output = u64;

    #[inline(always)]
    fn run<V: Vector<LANES>, const LANES: usize>(self) -> u64 {
        // The counter has the width of an element and covers one block, so that the compiler vectorises the loop.
        const BLOCK: usize = 1 << 12;
        let mut total = 0;
        for block in self.elements.chunks_mut(BLOCK) {
            let mut count = 0u32;
            for element in block {
                let clipped = self.range.clip(*element);
                count += u32::from(clipped.to_bits() != element.to_bits());
                *element = clipped;
            }
            total += u64::from(count);
        }
        total
    }
}
