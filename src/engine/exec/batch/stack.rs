//! A tensor of several inferences.

use crate::ops::Array;

/// A tensor of a batch: the golden tensor of each image, then the tensors of the lanes that may differ.
#[derive(Clone, Debug)]
pub(super) struct Stack {
    /// One row for each inference.
    pub rows: Array,
    /// Number of images.
    pub images: usize,
    /// The lanes of the rows after the images, in order.
    pub lanes: Vec<usize>,
}

/// An inference of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// The golden run of an image.
    Image(usize),
    /// A lane and its image. The lane reads the image's tensor where it has none of its own.
    Lane { lane: usize, image: usize },
}

impl Stack {
    /// Returns the rows of these inferences.
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
