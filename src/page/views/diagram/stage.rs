//! The window through which the diagram is seen. Moving it changes one attribute of one element, and nothing is drawn
//! anew.

use std::cell::{Cell, RefCell};

use facts::report::diagram::layout::Point;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};
use yew::prelude::*;

use crate::diagram::View;
use crate::diagram::scene::{HEIGHT, WIDTH};
use crate::diagram::view::Size;

/// The data that outlives a drawing.
#[derive(Default)]
pub struct Stage {
    /// The drawing.
    pub svg: NodeRef,
    /// The element that moves.
    pub world: NodeRef,
    view: Cell<View>,
    content: Cell<Size>,
    /// The window's width when it was drawn last.
    pub width: Cell<f64>,
    /// The user has moved it: it does not fit itself any more.
    touched: Cell<bool>,
    /// Fingers on the diagram, and where they are.
    pub fingers: RefCell<Vec<(i32, Point)>>,
    /// The pointer has moved since it went down: its click is none.
    pub dragged: Cell<bool>,
    /// The box that gets the focus when it is drawn.
    pub focus: Cell<bool>,
    /// The place that is not to move when blocks fold: a layer, and where it was on the screen.
    pub anchor: Cell<Option<(usize, Point)>>,
}

impl Stage {
    /// Width and height of the window.
    pub fn window(&self) -> Size {
        let svg = self.svg.cast::<Element>();
        svg.map_or((0.0, 0.0), |svg| (f64::from(svg.client_width()), f64::from(svg.client_height())))
    }

    /// Where on the window a pointer is.
    pub fn at(&self, x: i32, y: i32) -> Point {
        let corner = self.svg.cast::<Element>().map(|svg| svg.get_bounding_client_rect());
        let (left, top) = corner.map_or((0.0, 0.0), |corner| (corner.left(), corner.top()));
        (f64::from(x) - left, f64::from(y) - top)
    }

    pub fn view(&self) -> View {
        self.view.get()
    }

    /// Shows `view`, as far as the diagram goes; says whether that is another one than before.
    pub fn show(&self, view: View) -> bool {
        let view = view.kept(self.content.get(), self.window());
        if let Some(world) = self.world.cast::<Element>() {
            // An attribute of our own element can always be written.
            let _ = world.set_attribute("transform", &view.transform());
        }
        self.view.replace(view) != view
    }

    pub fn zoom(&self, factor: f64, at: Point) {
        self.show(self.view().zoomed(factor, at));
    }

    /// The diagram has this size from now on.
    pub fn resize(&self, content: Size) {
        self.content.set(content);
        self.settle();
    }

    /// Finds its place again in a window that may have changed.
    pub fn settle(&self) {
        let view = if self.touched.get() { self.view() } else { View::fit(self.content.get(), self.window()) };
        self.show(view);
    }

    /// The user takes over.
    pub fn touch(&self) {
        self.touched.set(true);
    }

    /// The diagram fits itself into its window again.
    pub fn untouch(&self) {
        self.touched.set(false);
    }

    pub fn fit(&self) -> bool {
        self.show(View::fit(self.content.get(), self.window()))
    }

    /// All of the diagram.
    pub fn whole(&self) -> bool {
        self.show(View::whole(self.content.get(), self.window()))
    }

    /// Moves as little as it takes to see the box at `corner`.
    pub fn reveal(&self, corner: Point) {
        self.show(self.view().showing(corner, (WIDTH, HEIGHT), 12.0, self.window()));
    }

    /// Moves so that the point `from` of the diagram is seen at `place`.
    pub fn centre(&self, from: Point, place: Point) {
        self.touch();
        self.hold(from, place);
    }

    /// Where on the window the box at `corner` is.
    pub fn seen(&self, corner: Point) -> Point {
        let View { x, y, scale } = self.view();
        (corner.0 * scale + x, corner.1 * scale + y)
    }

    /// Moves so that the box at `corner` is seen at `place`.
    pub fn hold(&self, corner: Point, place: Point) {
        let now = self.seen(corner);
        self.show(self.view().moved(place.0 - now.0, place.1 - now.1));
    }

    /// Gives the focus to the box at `position`.
    pub fn focus_box(&self, position: usize) {
        let Some(svg) = self.svg.cast::<Element>() else { return };
        let found = svg.query_selector(&format!("[data-box=\"{position}\"]")).ok().flatten();
        if let Some(element) = found {
            // SVG elements take the focus by the same method as those of HTML.
            let _ = element.unchecked_into::<HtmlElement>().focus();
        }
    }

    /// While `saved` is true the window is as large as the diagram, for a picture of all of it.
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
