//! Functions of two elements.

use facts::graph::Binary;

use super::band::in_bands;
use super::scale::Constants;
use super::{Extent, Job, Kernel, Region, View};
use crate::platform::{self, Vector, Vectorised};

/// The function of two elements.
#[derive(Clone, Copy, Debug)]
pub(super) enum Function {
    Binary(Binary),
    /// The first element if it is not negative, otherwise the product.
    PRelu,
}

/// A function of the elements of a map and of a second operand.
#[derive(Debug)]
pub(super) struct Zip {
    pub function: Function,
    /// The size of the output and of the map.
    pub extent: Extent,
    pub other: Other,
    /// Whether the map is the second argument.
    pub swapped: bool,
}

/// The second operand.
#[derive(Debug)]
pub(super) enum Other {
    /// A map of the same size: the second input.
    Map,
    /// A row that applies to every position: the other input.
    Gate,
    /// One number for each position: the other input.
    Column,
    /// Constants.
    Constant(Constants),
}

impl Zip {
    fn is_gate(&self, input: usize) -> bool {
        matches!(self.other, Other::Gate) && (input == 0) == self.swapped
    }
}

impl Kernel for Zip {
    fn reach(&self, input: usize, changed: Region) -> Region {
        if self.is_gate(input) && !changed.is_empty() { self.extent.region() } else { changed }
    }

    fn is_local(&self) -> bool {
        !matches!(self.other, Other::Gate)
    }

    fn compute(&self, jobs: &mut [Job<'_>]) {
        let pairs = |a: &[f32], b: &[f32], out: &mut [f32]| {
            platform::vectorised(Pairs { function: self.function, swapped: self.swapped, a, b, out });
        };
        in_bands(jobs, self.extent.channels, |mut band| match &self.other {
            Other::Map => {
                let inputs = band.inputs;
                band.each_of_two(&inputs[0], &inputs[1], pairs);
            }
            Other::Gate => {
                let gate = band.inputs[usize::from(!self.swapped)].row(0, 0);
                band.inputs = &band.inputs[usize::from(self.swapped)..][..1];
                band.each(|x, out| pairs(x, gate, out));
            }
            Other::Column => {
                let (map, column) = (&band.inputs[usize::from(self.swapped)], &band.inputs[usize::from(!self.swapped)]);
                let outs = band.out.chunks_exact_mut(self.extent.channels);
                for ([y, x], out) in band.region.iter().zip(outs) {
                    pairs(map.row(y, x), column.row(y, x), out);
                }
            }
            Other::Constant(Constants::Row(row)) => band.each(|x, out| pairs(x, row, out)),
            Other::Constant(Constants::Rows(rows)) => {
                let inputs = band.inputs;
                band.each_of_two(&inputs[0], &View::new(self.extent, rows), pairs);
            }
        });
    }
}

#[inline(always)]
fn truth(holds: bool) -> f32 {
    if holds { 1.0 } else { 0.0 }
}

/// Pairs of an element of `a` and an element of `b`, which restarts at its end.
struct Pairs<'a> {
    function: Function,
    swapped: bool,
    a: &'a [f32],
    b: &'a [f32],
    out: &'a mut [f32],
}

impl Pairs<'_> {
    #[inline(always)]
    fn each(self, function: impl Fn(f32, f32) -> f32) {
        let period = self.b.len();
        for (a, out) in self.a.chunks(period).zip(self.out.chunks_mut(period)) {
            for ((out, &a), &b) in out.iter_mut().zip(a).zip(self.b) {
                *out = function(a, b);
            }
        }
    }

    #[inline(always)]
    fn ordered(self, function: impl Fn(f32, f32) -> f32) {
        if self.swapped { self.each(|a, b| function(b, a)) } else { self.each(function) }
    }
}

impl Vectorised for Pairs<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<LANES>, const LANES: usize>(self) {
        match self.function {
            Function::Binary(Binary::Add) => self.ordered(|a, b| a + b),
            Function::Binary(Binary::Sub) => self.ordered(|a, b| a - b),
            Function::Binary(Binary::Mul) => self.ordered(|a, b| a * b),
            Function::Binary(Binary::Div) => self.ordered(|a, b| a / b),
            Function::Binary(Binary::Pow) => self.ordered(f32::powf),
            // A NaN in b stays: no comparison with it is true.
            Function::Binary(Binary::Max) => self.ordered(|a, b| if a > b || a.is_nan() { a } else { b }),
            Function::Binary(Binary::Min) => self.ordered(|a, b| if a < b || a.is_nan() { a } else { b }),
            Function::Binary(Binary::Mod) => self.ordered(|a, b| a % b),
            Function::Binary(Binary::Equal) => self.ordered(|a, b| truth(a == b)),
            Function::Binary(Binary::Greater) => self.ordered(|a, b| truth(a > b)),
            Function::Binary(Binary::GreaterOrEqual) => self.ordered(|a, b| truth(a >= b)),
            Function::Binary(Binary::Less) => self.ordered(|a, b| truth(a < b)),
            Function::Binary(Binary::LessOrEqual) => self.ordered(|a, b| truth(a <= b)),
            Function::Binary(Binary::And) => self.ordered(|a, b| truth((a != 0.0) & (b != 0.0))),
            Function::Binary(Binary::Or) => self.ordered(|a, b| truth((a != 0.0) | (b != 0.0))),
            Function::Binary(Binary::Xor) => self.ordered(|a, b| truth((a != 0.0) ^ (b != 0.0))),
            Function::PRelu => self.ordered(|x, slope| if x < 0.0 { x * slope } else { x }),
        }
    }
}
