//! The layout of tensors on the CPU: positions, each with a row of channels.

/// The axis of a tensor whose elements form a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Axis 1 of an image 1 x C x H x W.
    Channels,
    /// The last axis. Elements lie row-major.
    Last,
}

/// Size of a tensor on the CPU: positions, each with a row of channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Number of rows of positions.
    pub height: usize,
    /// Number of columns of positions.
    pub width: usize,
    /// Length of a position's row.
    pub channels: usize,
    /// The axis of the rows.
    pub order: Order,
}

impl Extent {
    /// Returns the size of a tensor of `shape` for one image. 1 x C x H x W has H x W positions of C channels, any other
    /// tensor is as [`Extent::last`] says.
    pub fn of(shape: &[usize]) -> Self {
        match *shape {
            [1, channels, height, width] => Self { height, width, channels, order: Order::Channels },
            _ => Self::last(shape),
        }
    }

    /// Returns the size of a tensor whose rows lie along its last axis: the tokens of a sequence, the heads and tokens of
    /// an attention. Axes of length 1 at the end do not count, so 1 x N x 1 is one row.
    pub fn last(shape: &[usize]) -> Self {
        let end = shape.iter().rposition(|&length| length != 1).map_or(0, |last| last + 1);
        let (height, width, channels) = match &shape[..end] {
            [] => (1, 1, 1),
            [channels] => (1, 1, *channels),
            [before @ .., width, channels] => (before.iter().product(), *width, *channels),
        };
        Self { height, width, channels, order: Order::Last }
    }

    /// Returns the size of a tensor with one number for each row of another: its last axis has length 1, and every number is a
    /// position.
    pub fn column(shape: &[usize]) -> Self {
        let height = shape.iter().rev().skip(2).product();
        let width = shape.iter().rev().nth(1).copied().unwrap_or(1);
        Self { height, width, channels: 1, order: Order::Last }
    }

    /// Returns the number of positions.
    pub fn positions(self) -> usize {
        self.height * self.width
    }

    /// Returns the number of elements.
    pub fn elements(self) -> usize {
        self.positions() * self.channels
    }

    /// Returns the region of all positions.
    pub fn region(self) -> Region {
        Region { top: 0, left: 0, bottom: self.height, right: self.width }
    }

    /// Converts row-major elements to rows.
    pub fn rows(self, row_major: &[f32]) -> Vec<f32> {
        if self.order == Order::Last {
            return row_major.to_vec();
        }
        transposed(row_major, self.channels, self.positions())
    }

    /// Converts rows to row-major elements.
    pub fn row_major(self, rows: &[f32]) -> Vec<f32> {
        if self.order == Order::Last {
            return rows.to_vec();
        }
        transposed(rows, self.positions(), self.channels)
    }

    /// Returns the position and the channel of the element with index `row_major` in the row-major tensor.
    pub fn locate(self, row_major: usize) -> ([usize; 2], usize) {
        let (channel, position) = match self.order {
            Order::Channels => (row_major / self.positions(), row_major % self.positions()),
            Order::Last => (row_major % self.channels, row_major / self.channels),
        };
        ([position / self.width, position % self.width], channel)
    }
}

/// Transposes a matrix of `height` x `width`. A single row or column keeps its elements' order.
pub(crate) fn transposed(matrix: &[f32], height: usize, width: usize) -> Vec<f32> {
    /// Edge of a block that is turned between being read and being written, both line by line.
    const BLOCK: usize = 16;
    if height <= 1 || width <= 1 {
        return matrix.to_vec();
    }
    let mut turned = vec![0.0; matrix.len()];
    let mut block = [[0.0; BLOCK]; BLOCK];
    for left in (0..width).step_by(BLOCK) {
        let wide = BLOCK.min(width - left);
        for top in (0..height).step_by(BLOCK) {
            let high = BLOCK.min(height - top);
            for row in 0..high {
                let line = &matrix[(top + row) * width + left..][..wide];
                line.iter().zip(&mut block).for_each(|(&value, to)| to[row] = value);
            }
            for (column, line) in block[..wide].iter().enumerate() {
                turned[(left + column) * height + top..][..high].copy_from_slice(&line[..high]);
            }
        }
    }
    turned
}

/// A box of positions: `top..bottom` by `left..right`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Region {
    /// First row of positions.
    pub top: usize,
    /// First column.
    pub left: usize,
    /// First row after the region.
    pub bottom: usize,
    /// First column after the region.
    pub right: usize,
}

impl Region {
    /// No position.
    pub const EMPTY: Self = Self { top: 0, left: 0, bottom: 0, right: 0 };

    /// One position.
    pub fn position([y, x]: [usize; 2]) -> Self {
        Self { top: y, left: x, bottom: y + 1, right: x + 1 }
    }

    /// Returns whether the region has no position.
    pub fn is_empty(self) -> bool {
        self.top >= self.bottom || self.left >= self.right
    }

    /// Returns the number of rows.
    pub fn height(self) -> usize {
        self.bottom.saturating_sub(self.top)
    }

    /// Returns the number of columns.
    pub fn width(self) -> usize {
        self.right.saturating_sub(self.left)
    }

    /// Returns the number of positions.
    pub fn positions(self) -> usize {
        self.height() * self.width()
    }

    /// Returns whether the region contains the position.
    pub fn contains(self, y: usize, x: usize) -> bool {
        (self.top..self.bottom).contains(&y) && (self.left..self.right).contains(&x)
    }

    /// Returns the index of a position in the region, row by row.
    pub fn index(self, y: usize, x: usize) -> usize {
        (y - self.top) * self.width() + (x - self.left)
    }

    /// Returns the smallest region around both.
    pub fn union(self, other: Self) -> Self {
        if self.is_empty() {
            return other;
        }
        if other.is_empty() {
            return self;
        }
        Self {
            top: self.top.min(other.top),
            left: self.left.min(other.left),
            bottom: self.bottom.max(other.bottom),
            right: self.right.max(other.right),
        }
    }

    /// Returns the positions that are in both.
    pub fn intersection(self, other: Self) -> Self {
        let both = Self {
            top: self.top.max(other.top),
            left: self.left.max(other.left),
            bottom: self.bottom.min(other.bottom),
            right: self.right.min(other.right),
        };
        if both.is_empty() { Self::EMPTY } else { both }
    }

    /// Returns the positions, row by row.
    pub fn iter(self) -> impl Iterator<Item = [usize; 2]> {
        (self.top..self.bottom).flat_map(move |y| (self.left..self.right).map(move |x| [y, x]))
    }
}
