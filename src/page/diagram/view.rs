//! The visible part of the diagram, and its scale.

use facts::report::diagram::layout::Point;

/// The smallest scale with readable text.
const READABLE: f64 = 0.7;
/// Smallest scale.
const LEAST: f64 = 0.02;
/// Largest scale.
const MOST: f64 = 4.0;

/// The position of the diagram in its window: a point appears at `scale` times its coordinates, plus `x` and `y`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// Position of the left edge.
    pub x: f64,
    /// Position of the top edge.
    pub y: f64,
    /// Screen pixels for one pixel of the diagram.
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
    /// Shows the whole width from the left edge, if the text is then readable.
    pub fn fit(content: Size, window: Size) -> Self {
        let scale = (window.0 / content.0.max(1.0)).clamp(READABLE, 1.0);
        Self { x: 0.0, y: 0.0, scale }.kept(content, window)
    }

    /// Shows the whole diagram at any scale.
    pub fn whole(content: Size, window: Size) -> Self {
        let scale = (window.0 / content.0.max(1.0)).min(window.1 / content.1.max(1.0)).clamp(LEAST, 1.0);
        Self { x: 0.0, y: 0.0, scale }.kept(content, window)
    }

    /// Scales the view by `factor` around the window's point `at`.
    pub fn zoomed(self, factor: f64, at: Point) -> Self {
        let scale = (self.scale * factor).clamp(LEAST, MOST);
        let grown = scale / self.scale;
        Self { x: at.0 - (at.0 - self.x) * grown, y: at.1 - (at.1 - self.y) * grown, scale }
    }

    /// Moves the view by a number of screen pixels.
    pub fn moved(self, x: f64, y: f64) -> Self {
        Self { x: self.x + x, y: self.y + y, ..self }
    }

    /// Moves the view back so that the diagram fills the window. A diagram smaller than the window is centred.
    pub fn kept(self, content: Size, window: Size) -> Self {
        let keep = |at: f64, content: f64, window: f64| {
            let spare = window - content * self.scale;
            if spare >= 0.0 { spare / 2.0 } else { at.clamp(spare, 0.0) }
        };
        Self { x: keep(self.x, content.0, window.0), y: keep(self.y, content.1, window.1), ..self }
    }

    /// Moves the view by the smallest distance that shows the box of `size` at `corner`, with `room` around it.
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

    /// Returns the view as an SVG transform.
    pub fn transform(self) -> String {
        format!("translate({:.2} {:.2}) scale({:.4})", self.x, self.y, self.scale)
    }
}
