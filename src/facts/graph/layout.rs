//! How a source framework lays out a tensor that Faultscope stores with its axes in another order.

use serde::{Deserialize, Serialize};

/// The order of a tensor's axes in the source framework: source axis `i` is stored axis `order[i]`.
///
/// Faultscope computes on N x C x H x W; Keras lays images out as N x H x W x C and kernels as H x W x I x O. What
/// users see and state, shapes and element indices, is in the source's layout; only what touches stored elements
/// (the injector, the page's pictures) maps to the stored index.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Layout {
    /// Empty where the source has the stored order.
    order: Vec<usize>,
}

impl Layout {
    /// The layout whose axis `i` is stored axis `order[i]`; `order` must be a permutation, which
    /// [`Graph::validate`](super::Graph::validate) checks.
    pub fn new(order: &[usize]) -> Self {
        if order.iter().copied().eq(0..order.len()) { Self::default() } else { Self { order: order.to_vec() } }
    }

    /// Whether it is the stored order.
    pub fn is_stored(&self) -> bool {
        self.order.is_empty()
    }

    /// Length of each axis in the source's order, for a tensor stored as `stored`.
    pub fn shape(&self, stored: &[usize]) -> Vec<usize> {
        match self.is_stored() {
            true => stored.to_vec(),
            false => self.order.iter().map(|&axis| stored[axis]).collect(),
        }
    }

    /// Row-major index, in a tensor stored as `stored`, of the source's row-major `element`.
    pub fn stored_index(&self, stored: &[usize], element: usize) -> usize {
        if self.is_stored() {
            return element;
        }
        let mut rest = element;
        let mut index = 0;
        for &axis in self.order.iter().rev() {
            let stride: usize = stored[axis + 1..].iter().product();
            index += rest % stored[axis] * stride;
            rest /= stored[axis];
        }
        index
    }

    /// The source's row-major index of the stored `index`: the reverse of [`Layout::stored_index`].
    pub fn source_index(&self, stored: &[usize], index: usize) -> usize {
        if self.is_stored() {
            return index;
        }
        let place = |axis: usize| index / stored[axis + 1..].iter().product::<usize>() % stored[axis];
        self.order.iter().fold(0, |element, &axis| element * stored[axis] + place(axis))
    }

    /// Whether it orders the axes of a tensor stored as `stored`; the sentence says why not.
    pub(super) fn fits(&self, stored: &[usize]) -> Result<(), String> {
        let mut sorted = self.order.clone();
        sorted.sort_unstable();
        if self.is_stored() || sorted.into_iter().eq(0..stored.len()) {
            return Ok(());
        }
        Err(format!("{:?} does not order the axes of a tensor of shape {stored:?}", self.order))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_last_counts_channels_first() {
        let layout = Layout::new(&[0, 2, 3, 1]);
        let stored = [1, 3, 4, 5];
        assert_eq!(layout.shape(&stored), [1, 4, 5, 3]);
        // Row 2, column 1, channel 2.
        let source = (2 * 5 + 1) * 3 + 2;
        assert_eq!(layout.stored_index(&stored, source), (2 * 4 + 2) * 5 + 1);
    }

    #[test]
    fn the_two_indices_are_each_others_reverse() {
        for order in [&[2, 3, 1, 0][..], &[0, 2, 3, 1], &[1, 2, 0, 3], &[0, 1, 2, 3]] {
            let layout = Layout::new(order);
            let stored = [2, 3, 4, 5];
            let mut seen = [false; 120];
            for element in 0..120 {
                let index = layout.stored_index(&stored, element);
                assert_eq!(layout.source_index(&stored, index), element, "{order:?}");
                assert!(!std::mem::replace(&mut seen[index], true), "{order:?}");
            }
        }
    }

    #[test]
    fn only_permutations_fit() {
        assert!(Layout::new(&[0, 2, 1]).fits(&[1, 2, 3]).is_ok());
        assert!(Layout::default().fits(&[1, 2, 3]).is_ok());
        for order in [&[0, 2][..], &[0, 1, 3], &[0, 0, 1], &[3, 2, 1, 0]] {
            assert!(Layout::new(order).fits(&[1, 2, 3]).is_err(), "{order:?}");
        }
    }
}
