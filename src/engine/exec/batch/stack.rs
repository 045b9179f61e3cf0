//! A tensor of many inferences.

use crate::ops::Array;

/// A tensor as a batch holds it: the golden one of each image, then those of the lanes for which it may differ.
#[derive(Clone, Debug)]
pub(super) struct Stack {
    /// A row an inference.
    pub rows: Array,
    /// Number of images.
    pub images: usize,
    /// The lanes of the rows that follow, in their order.
    pub lanes: Vec<usize>,
}

/// An inference of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// The golden run of an image.
    Image(usize),
    /// A lane, and its image, whose tensors it has where it has no own.
    Lane { lane: usize, image: usize },
}

impl Stack {
    /// The rows of these inferences.
    pub fn select(&self, whose: &[Whose]) -> Array {
        let last = self.lanes.iter().max().map_or(0, |last| last + 1);
        let mut own = vec![None; last];
        for (row, &lane) in self.lanes.iter().enumerate() {
            own[lane] = Some(self.images + row);
        }
        let row = |whose: &Whose| match *whose {
            Whose::Image(image) => image,
            Whose::Lane { lane, image } => own.get(lane).copied().flatten().unwrap_or(image),
        };
        self.rows.entries(&whose.iter().map(row).collect::<Vec<_>>())
    }
}
