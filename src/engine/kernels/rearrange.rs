//! Operators that only move elements of one input: every element keeps its bits.

use facts::graph::{Op, PadMode};

use super::band::{Band, in_bands};
use super::{Extent, Form, Job, Kernel, Region};
use crate::ops::{self, Array};

/// Largest index that a float represents exactly: the operator is run on the indices as floats.
const MOST: usize = 1 << 24;
/// The source index of an element that comes from no input element.
const NOTHING: u32 = u32::MAX;

/// The input, unchanged.
#[derive(Debug)]
pub(super) struct Copy {
    pub channels: usize,
}

impl Kernel for Copy {
    fn reach(&self, _input: usize, changed: Region) -> Region {
        changed
    }

    fn is_local(&self) -> bool {
        true
    }

    fn compute(&self, jobs: &mut [Job<'_>]) {
        in_bands(jobs, self.channels, |band| band.each(|x, out| out.copy_from_slice(x)));
    }
}

/// Elements moved from other places.
#[derive(Debug)]
pub(super) struct Rearrange {
    input: Extent,
    output: Extent,
    /// Number of adjacent elements that always move together. A row consists of whole pieces of this length.
    unit: usize,
    /// For each piece of the output, its start in the input's rows.
    sources: Vec<u32>,
    /// The value of elements without a source.
    fill: f32,
    /// For each line of the input, the positions of the output that read it.
    lines: Vec<Region>,
    /// For each column of the input, the positions of the output that read it.
    columns: Vec<Region>,
    local: bool,
}

/// Builds the kernels of an operator that only moves elements, one for each output; `None` if a tensor is too large.
pub(super) fn rearrange(op: &Op, input: Form<'_>, outputs: &[Form<'_>]) -> Option<Vec<Box<dyn Kernel>>> {
    let extent = input.extent;
    if extent.elements() > MOST {
        return None;
    }
    // The operator is run on each element's own index.
    // `Take` makes elements without a source 0, so its indices count from 1.
    let first = u32::from(matches!(op, Op::Take { .. })) as f32;
    let indices: Vec<f32> = (0..extent.elements()).map(|index| index as f32 + first).collect();
    let (op, fill) = match op {
        Op::Pad { mode: PadMode::Constant(fill), pads } => {
            (&Op::Pad { mode: PadMode::Constant(-1.0), pads: pads.clone() }, *fill)
        }
        _ => (op, 0.0),
    };
    let shapes: Vec<&[usize]> = outputs.iter().map(|output| output.shape).collect();
    let made = ops::apply(op, &[&Array::from_rows(input.shape, extent, indices)], &shapes);
    let kernel = |(array, output): (&Array, &Form<'_>)| -> Option<Box<dyn Kernel>> {
        let sources = array.rows(output.extent).ok()?;
        let sources: Vec<u32> = sources.iter().map(|&x| if x < first { NOTHING } else { (x - first) as u32 }).collect();
        Some(Rearrange::kernel(extent, output.extent, &sources, fill))
    };
    made.iter().zip(outputs).map(kernel).collect()
}

impl Rearrange {
    /// Builds the kernel from `sources`, the source index of each element.
    fn kernel(input: Extent, output: Extent, sources: &[u32], fill: f32) -> Box<dyn Kernel> {
        let follows = |index: usize| {
            let (before, here) = (sources[index - 1], sources[index]);
            if here == NOTHING { before == NOTHING } else { before != NOTHING && here == before + 1 }
        };
        let size = |extent: Extent| (extent.height, extent.width, extent.channels);
        if size(input) == size(output) && sources[0] == 0 && (1..sources.len()).all(follows) {
            return Box::new(Copy { channels: output.channels });
        }
        // A piece lies within one row of the input and one row of the output.
        let starts_row =
            |index: usize| sources[index] != NOTHING && (sources[index] as usize).is_multiple_of(input.channels);
        let cut = |index: &usize| !follows(*index) || starts_row(*index);
        let unit = (1..sources.len()).filter(cut).fold(output.channels, greatest_common_divisor);
        let sources: Vec<u32> = sources.iter().step_by(unit).copied().collect();
        let pieces = output.channels / unit;
        let mut lines = vec![Region::EMPTY; input.height];
        let mut columns = vec![Region::EMPTY; input.width];
        let mut local = (input.height, input.width) == (output.height, output.width);
        for (index, &source) in sources.iter().enumerate() {
            let to = index / pieces;
            let from = source as usize / input.channels;
            local &= source != NOTHING && from == to;
            if source != NOTHING {
                let to = Region::position([to / output.width, to % output.width]);
                let (line, column) = (&mut lines[from / input.width], &mut columns[from % input.width]);
                *line = line.union(to);
                *column = column.union(to);
            }
        }
        Box::new(Self { input, output, unit, sources, fill, lines, columns, local })
    }

    fn move_to(&self, band: Band<'_, '_>) {
        let Extent { channels, width, .. } = self.input;
        let (pieces, input) = (self.output.channels / self.unit, &band.inputs[0]);
        let rows = band.out.chunks_exact_mut(self.output.channels);
        for ([y, x], row) in band.region.iter().zip(rows) {
            let sources = &self.sources[(y * self.output.width + x) * pieces..][..pieces];
            for (to, &source) in row.chunks_exact_mut(self.unit).zip(sources) {
                if source == NOTHING {
                    to.fill(self.fill);
                    continue;
                }
                let (position, channel) = (source as usize / channels, source as usize % channels);
                to.copy_from_slice(&input.row(position / width, position % width)[channel..][..self.unit]);
            }
        }
    }
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

impl Kernel for Rearrange {
    fn reach(&self, _input: usize, changed: Region) -> Region {
        let around = |regions: &[Region]| regions.iter().copied().fold(Region::EMPTY, Region::union);
        around(&self.lines[changed.top..changed.bottom])
            .intersection(around(&self.columns[changed.left..changed.right]))
    }

    fn is_local(&self) -> bool {
        self.local
    }

    fn compute(&self, jobs: &mut [Job<'_>]) {
        in_bands(jobs, self.output.channels, |band| self.move_to(band));
    }
}
