//! Which part of the diagram is seen, and how large.

use facts::report::diagram::layout::Point;

/// Text is readable down to this scale.
const READABLE: f64 = 0.7;
/// Smallest scale.
const LEAST: f64 = 0.02;
/// Largest scale.
const MOST: f64 = 4.0;

/// Where the diagram lies in its window: a point of it is seen at `scale` times its place, plus `x` and `y`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// Where its left edge is.
    pub x: f64,
    /// Where its top edge is.
    pub y: f64,
    /// Pixels of the screen a pixel of the diagram takes.
    pub scale: f64,
}

/// A width and a height.
pub type Size = (f64, f64);

impl Default for View {
    fn default() -> Self {
        Self { x: 0.0, y: 0.0, scale: 1.0 }
    }
}

impl View {
    /// The whole width where that is readable, from the beginning.
    pub fn fit(content: Size, window: Size) -> Self {
        let scale = (window.0 / content.0.max(1.0)).clamp(READABLE, 1.0);
        Self { x: 0.0, y: 0.0, scale }.kept(content, window)
    }

    /// All of it, however small.
    pub fn whole(content: Size, window: Size) -> Self {
        let scale = (window.0 / content.0.max(1.0)).min(window.1 / content.1.max(1.0)).clamp(LEAST, 1.0);
        Self { x: 0.0, y: 0.0, scale }.kept(content, window)
    }

    /// Enlarged by `factor` around the point of the window at `at`.
    pub fn zoomed(self, factor: f64, at: Point) -> Self {
        let scale = (self.scale * factor).clamp(LEAST, MOST);
        let grown = scale / self.scale;
        Self { x: at.0 - (at.0 - self.x) * grown, y: at.1 - (at.1 - self.y) * grown, scale }
    }

    /// Moved by so many pixels of the screen.
    pub fn moved(self, x: f64, y: f64) -> Self {
        Self { x: self.x + x, y: self.y + y, ..self }
    }

    /// Moved back so that the window is full of diagram; what is smaller than the window stands in its middle.
    pub fn kept(self, content: Size, window: Size) -> Self {
        let keep = |at: f64, content: f64, window: f64| {
            let spare = window - content * self.scale;
            if spare >= 0.0 { spare / 2.0 } else { at.clamp(spare, 0.0) }
        };
        Self { x: keep(self.x, content.0, window.0), y: keep(self.y, content.1, window.1), ..self }
    }

    /// Moved as little as it takes for the box of `size` at `corner` to be seen, with `room` around it.
    pub fn showing(self, corner: Point, size: Size, room: f64, window: Size) -> Self {
        let show = |at: f64, from: f64, length: f64, window: f64| {
            let (low, high) = (from * self.scale + at - room, (from + length) * self.scale + at + room);
            if low < 0.0 {
                at - low
            } else if high > window {
                at - (high - window)
            } else {
                at
            }
        };
        Self { x: show(self.x, corner.0, size.0, window.0), y: show(self.y, corner.1, size.1, window.1), ..self }
    }

    /// As an SVG transform.
    pub fn transform(self) -> String {
        format!("translate({:.2} {:.2}) scale({:.4})", self.x, self.y, self.scale)
    }
}
