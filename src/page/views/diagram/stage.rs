//! The window that shows the diagram. Moving the diagram changes one attribute of one element and redraws nothing.

use std::cell::{Cell, RefCell};

use facts::report::diagram::layout::Point;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};
use yew::prelude::*;

use crate::diagram::View;
use crate::diagram::scene::{HEIGHT, WIDTH};
use crate::diagram::view::Size;

/// The data that persist between renderings.
#[derive(Default)]
pub struct Stage {
    /// The drawing.
    pub svg: NodeRef,
    /// The element that holds the transform.
    pub world: NodeRef,
    view: Cell<View>,
    content: Cell<Size>,
    /// The window's width and the size of the text at the last drawing.
    pub drawn: Cell<Size>,
    /// The user has moved the diagram, so it no longer fits itself to the window.
    touched: Cell<bool>,
    /// Pointers on the diagram and their positions.
    pub fingers: RefCell<Vec<(i32, Point)>>,
    /// The pointer has moved since it went down, so its click is ignored.
    pub dragged: Cell<bool>,
    /// Whether the next drawing moves the keyboard focus to the active box.
    pub focus: Cell<bool>,
    /// The fixed point while blocks fold: a layer and its position on the screen.
    pub anchor: Cell<Option<(usize, Point)>>,
}

impl Stage {
    /// Returns the width and height of the window.
    pub fn window(&self) -> Size {
        let svg = self.svg.cast::<Element>();
        svg.map_or((0.0, 0.0), |svg| (f64::from(svg.client_width()), f64::from(svg.client_height())))
    }

    /// Converts the position of a pointer to coordinates of the window.
    pub fn at(&self, x: i32, y: i32) -> Point {
        let corner = self.svg.cast::<Element>().map(|svg| svg.get_bounding_client_rect());
        let (left, top) = corner.map_or((0.0, 0.0), |corner| (corner.left(), corner.top()));
        (f64::from(x) - left, f64::from(y) - top)
    }

    pub fn view(&self) -> View {
        self.view.get()
    }

    /// Shows `view`, limited to the diagram. Returns whether the view has changed.
    pub fn show(&self, view: View) -> bool {
        let view = view.kept(self.content.get(), self.window());
        if let Some(world) = self.world.cast::<Element>() {
            // Setting an attribute of our own element cannot fail.
            let _ = world.set_attribute("transform", &view.transform());
        }
        self.view.replace(view) != view
    }

    pub fn zoom(&self, factor: f64, at: Point) {
        self.show(self.view().zoomed(factor, at));
    }

    /// Sets the size of the diagram.
    pub fn resize(&self, content: Size) {
        self.content.set(content);
        self.settle();
    }

    /// Updates the view after a possible change of the window.
    pub fn settle(&self) {
        let view = if self.touched.get() { self.view() } else { self.fitted() };
        self.show(view);
    }

    /// Records that the user has moved the diagram.
    pub fn touch(&self) {
        self.touched.set(true);
    }

    /// Lets the diagram fit itself to its window again.
    pub fn untouch(&self) {
        self.touched.set(false);
    }

    pub fn fit(&self) -> bool {
        self.show(self.fitted())
    }

    /// The view with the whole width, in the size of the text.
    fn fitted(&self) -> View {
        let ((width, height), (_, size)) = (self.window(), self.drawn.get());
        let size = size.max(1.0);
        View::fit(self.content.get(), (width / size, height / size)).zoomed(size, (0.0, 0.0))
    }

    /// Shows the whole diagram.
    pub fn whole(&self) -> bool {
        self.show(View::whole(self.content.get(), self.window()))
    }

    /// Moves the diagram by the smallest distance that shows the box at `corner`.
    pub fn reveal(&self, corner: Point) {
        self.show(self.view().showing(corner, (WIDTH, HEIGHT), 12.0, self.window()));
    }

    /// Moves the diagram so that its point `from` appears at `place`.
    pub fn centre(&self, from: Point, place: Point) {
        self.touch();
        self.hold(from, place);
    }

    /// Returns the window position of the box at `corner`.
    pub fn seen(&self, corner: Point) -> Point {
        let View { x, y, scale } = self.view();
        (corner.0 * scale + x, corner.1 * scale + y)
    }

    /// Moves the diagram so that the box at `corner` appears at `place`.
    pub fn hold(&self, corner: Point, place: Point) {
        let now = self.seen(corner);
        self.show(self.view().moved(place.0 - now.0, place.1 - now.1));
    }

    /// Moves the focus to the box at `position`.
    pub fn focus_box(&self, position: usize) {
        let Some(svg) = self.svg.cast::<Element>() else { return };
        let found = svg.query_selector(&format!("[data-box=\"{position}\"]")).ok().flatten();
        if let Some(element) = found {
            // SVG elements have the same focus method as HTML elements.
            let _ = element.unchecked_into::<HtmlElement>().focus();
        }
    }

    /// Makes the window as large as the diagram while `saved` is true, for a picture of the whole diagram.
    pub fn unveil(&self, saved: bool) {
        let (Some(svg), Some(world)) = (self.svg.cast::<HtmlElement>(), self.world.cast::<Element>()) else { return };
        let (width, height) = self.content.get();
        let style = svg.style();
        let _ = if saved {
            let _ = world.set_attribute("transform", &View::default().transform());
            let _ = style.set_property("width", &format!("{width}px"));
            let _ = style.set_property("max-height", "none");
            style.set_property("min-height", &format!("{height}px"))
        } else {
            let _ = world.set_attribute("transform", &self.view().transform());
            let _ = style.remove_property("width");
            let _ = style.remove_property("max-height");
            style.remove_property("min-height").map(drop)
        };
    }
}
