//! The display of a tensor of any rank as planes, each a small picture.

use serde::{Deserialize, Serialize};

/// Maximum number of elements that one message to the page holds.
const MAX_SENT: usize = 384 * 1024;
/// Maximum number of planes on one sheet of thumbnails.
const MAX_SHEET: usize = 24;
/// A matrix with more elements than this is shown row by row.
const MAX_MATRIX: usize = 64 * 1024;

/// A partition of a tensor's elements, in the stored order, into planes of equal size. A plane is drawn in rows of
/// `columns` elements. The last row may be shorter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planes {
    /// Number of planes.
    pub count: usize,
    /// Elements in each plane.
    pub per_plane: usize,
    /// Elements in a row.
    pub columns: usize,
    /// The kind of plane. It decides the notation of an index.
    pub kind: PlaneKind,
}

/// The kind of a plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PlaneKind {
    /// A channel of a feature map, or the last two axes of another tensor.
    Channel,
    /// All weights of one output channel, or one row of a matrix, wrapped.
    Filter,
    /// A whole vector, wrapped.
    Vector,
    /// What each query of a head of an attention makes of each key.
    Head {
        /// Number of heads.
        heads: usize,
        /// Number of windows, each with its own heads.
        windows: usize,
    },
}

impl Planes {
    /// Chooses the planes for an attention map: windows, heads, queries and keys.
    pub fn of_attention(shape: &[usize]) -> Self {
        let planes = Self::of(shape, false);
        match *shape {
            [windows, heads, ..] => Self { kind: PlaneKind::Head { heads, windows }, ..planes },
            _ => planes,
        }
    }

    /// Chooses the planes for `shape`. `weight` distinguishes a parameter from a layer's output. The first axis of an
    /// output is the batch, which has one image, if it is not windows or tokens.
    pub fn of(shape: &[usize], weight: bool) -> Self {
        let shape = match shape {
            [1, rest @ ..] if !weight && !rest.is_empty() => rest,
            shape => shape,
        };
        let elements: usize = shape.iter().product();
        match *shape {
            [.., rows, columns] if !weight || (shape.len() == 2 && elements <= MAX_MATRIX) => Self {
                count: elements / (rows * columns).max(1),
                per_plane: rows * columns,
                columns,
                kind: PlaneKind::Channel,
            },
            [first, ref rest @ ..] if !rest.is_empty() => {
                let per_plane = rest.iter().product();
                // Whole kernel rows lie side by side, so that a 3 x 3 kernel stays in one piece where possible.
                let unit = rest.last().copied().unwrap_or(1);
                Self { count: first, per_plane, columns: wrap(per_plane, unit), kind: PlaneKind::Filter }
            }
            _ => Self { count: 1, per_plane: elements, columns: wrap(elements, 1), kind: PlaneKind::Vector },
        }
    }

    /// Returns the number of elements.
    pub fn elements(&self) -> usize {
        self.count * self.per_plane
    }

    /// Returns the number of rows in a plane.
    pub fn rows(&self) -> usize {
        self.per_plane.div_ceil(self.columns.max(1))
    }

    /// Returns the plane that holds the stored `element`.
    pub fn plane_of(&self, element: usize) -> usize {
        element / self.per_plane.max(1)
    }

    /// Returns the row and column of `element` in its plane.
    pub fn position(&self, element: usize) -> (usize, usize) {
        let within = element % self.per_plane.max(1);
        (within / self.columns.max(1), within % self.columns.max(1))
    }

    /// Returns the element at `row` and `column` of `plane`, if it exists.
    pub fn element(&self, plane: usize, row: usize, column: usize) -> Option<usize> {
        let within = row.checked_mul(self.columns)?.checked_add(column)?;
        (plane < self.count && column < self.columns && within < self.per_plane)
            .then(|| plane * self.per_plane + within)
    }

    /// Returns the outline of the `spots` that lie in `plane`, as an SVG path with one unit for each row and column. Spots are
    /// elements in the stored order, and ascend.
    pub fn outline(&self, plane: usize, spots: &[usize]) -> String {
        // Equal runs of neighbouring rows are one box: first row, height, first column, width.
        let mut boxes: Vec<[usize; 4]> = Vec::new();
        let mut open = 0;
        let mut inside = spots.iter().filter(|&&spot| self.plane_of(spot) == plane).peekable();
        while let Some(&spot) = inside.next() {
            let (row, column) = self.position(spot);
            let mut width = 1;
            while inside
                .next_if(|&&next| self.position(next) == (row, column + width) && next == spot + width)
                .is_some()
            {
                width += 1;
            }
            let above =
                boxes[open..].iter_mut().find(|known| known[0] + known[1] == row && known[2..] == [column, width]);
            match above {
                Some(known) => known[1] += 1,
                None => boxes.push([row, 1, column, width]),
            }
            // Boxes that ended rows ago stay closed.
            while boxes.get(open).is_some_and(|known| known[0] + known[1] < row) {
                open += 1;
            }
        }
        let path = |[row, height, column, width]: [usize; 4]| format!("M{column} {row}h{width}v{height}h-{width}z");
        boxes.into_iter().map(path).collect()
    }

    /// Returns the number of planes that are sent and shown together.
    pub fn sheet(&self) -> usize {
        (MAX_SENT / self.per_plane.max(1)).clamp(1, MAX_SHEET)
    }

    /// Returns the first plane of the sheet that holds `plane`.
    pub fn sheet_of(&self, plane: usize) -> usize {
        plane - plane % self.sheet()
    }
}

/// Returns the row length for `elements`, wrapped to about a square, in multiples of `unit`.
fn wrap(elements: usize, unit: usize) -> usize {
    let side = (elements as f64).sqrt().ceil() as usize;
    side.next_multiple_of(unit.max(1)).clamp(1, elements.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feature_map_is_shown_by_channel() {
        let planes = Planes::of(&[1, 8, 5, 7], false);
        assert_eq!((planes.count, planes.rows(), planes.columns), (8, 5, 7));
        assert_eq!(planes.plane_of(35), 1);
        assert_eq!(planes.position(35 + 8), (1, 1));
        assert_eq!(planes.element(1, 1, 1), Some(43));
    }

    #[test]
    fn an_attention_map_is_shown_by_head_and_window() {
        let planes = Planes::of_attention(&[1, 4, 16, 16]);
        assert_eq!((planes.count, planes.kind), (4, PlaneKind::Head { heads: 4, windows: 1 }));
        let planes = Planes::of_attention(&[64, 3, 49, 49]);
        assert_eq!((planes.count, planes.elements()), (192, 64 * 3 * 49 * 49));
        assert_eq!(Planes::of(&[49, 96], false).elements(), 49 * 96, "tokens without a batch are all shown");
    }

    #[test]
    fn logits_are_wrapped_to_a_picture() {
        let planes = Planes::of(&[1, 1000], false);
        assert_eq!((planes.count, planes.columns, planes.rows()), (1, 32, 32));
        assert_eq!(planes.element(0, 31, 7), Some(999));
        assert_eq!(planes.element(0, 31, 8), None);
    }

    #[test]
    fn a_convolution_is_shown_by_filter() {
        let planes = Planes::of(&[16, 3, 3, 3], true);
        assert_eq!((planes.count, planes.per_plane, planes.columns), (16, 27, 6));
    }

    #[test]
    fn a_large_matrix_is_sent_in_parts() {
        let planes = Planes::of(&[4096, 25088], true);
        assert_eq!(planes.elements(), 4096 * 25088);
        assert!(planes.sheet() * planes.per_plane <= MAX_SENT);
        assert_eq!(planes.sheet_of(planes.count - 1) % planes.sheet(), 0);
    }

    #[test]
    fn an_outline_joins_neighbours() {
        let planes = Planes::of(&[1, 2, 3, 5], false);
        assert_eq!(planes.outline(1, &(15..30).collect::<Vec<_>>()), "M0 0h5v3h-5z", "a channel is one box");
        assert_eq!(planes.outline(0, &[3, 18]), "M3 0h1v1h-1z", "the other element is in another channel");
        assert_eq!(planes.outline(1, &[3]), "");
        // A block of two by two, an element beside it, and one below that is no part of a box.
        assert_eq!(planes.outline(0, &[1, 2, 4, 6, 7, 13]), "M1 0h2v2h-2zM4 0h1v1h-1zM3 2h1v1h-1z");
        assert_eq!(planes.outline(0, &[4, 5]), "M4 0h1v1h-1zM0 1h1v1h-1z", "a row ends at its last column");
    }

    #[test]
    fn every_element_has_one_place() {
        for (shape, weight) in [
            (vec![], true),
            (vec![1], false),
            (vec![5], true),
            (vec![1, 43], false),
            (vec![7, 9], true),
            (vec![1, 3, 4, 5], false),
            (vec![6, 1, 3, 3], true),
            (vec![1, 197, 12], false),
        ] {
            let planes = Planes::of(&shape, weight);
            assert_eq!(planes.elements(), shape.iter().product::<usize>(), "{shape:?}");
            for element in 0..planes.elements() {
                let (row, column) = planes.position(element);
                assert_eq!(planes.element(planes.plane_of(element), row, column), Some(element), "{shape:?}");
            }
        }
    }
}
