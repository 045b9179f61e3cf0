//! Rounding to a number format, in place.

use facts::fault::Code;

use crate::platform::{self, Vector, Vectorised};

/// Rounds the elements of each of `tensors` to the numbers that `code` has.
pub fn round_all<'a>(code: Code, tensors: impl IntoIterator<Item = &'a mut [f32]>) {
    /// Elements that justify another thread.
    const WORTH: usize = 16 << 10;
    let mut tensors: Vec<&mut [f32]> = tensors.into_iter().collect();
    let round = |elements: &mut &mut [f32]| platform::vectorised(Rounded { code, elements });
    if tensors.iter().map(|elements| elements.len()).sum::<usize>() > WORTH {
        platform::for_each(tensors.iter_mut().collect(), round);
    } else {
        tensors.iter_mut().for_each(round);
    }
}

struct Rounded<'a> {
    code: Code,
    elements: &'a mut [f32],
}

impl Vectorised for Rounded<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<LANES>, const LANES: usize>(self) {
        self.code.round_all(self.elements);
    }
}
