//! Directs the eye: marks the parts that a step speaks of and the control of its task, and brings them into the window.
//!
//! The marks are attributes that only the style sheet reads, so that no view has to know of the lesson: `data-spoken` on
//! the parts, `data-ring` on the control.

use gloo::timers::callback::Timeout;
use gloo::utils::{document, window};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, ScrollBehavior, ScrollIntoViewOptions, ScrollLogicalPosition};

use crate::state::{State, Step};

const SPOKEN: &str = "data-spoken";
const RING: &str = "data-ring";

/// Marks the parts of `step` and its control, and takes earlier marks away. Returns the control, where it is on the page.
pub fn mark(step: Option<&Step>, control: Option<&str>) -> Option<Element> {
    let parts: Vec<Element> =
        step.iter().flat_map(|step| step.parts).filter_map(|id| document().get_element_by_id(id)).collect();
    set(SPOKEN, &parts);
    let control = control.and_then(|selector| document().query_selector(selector).ok().flatten());
    set(RING, control.as_slice());
    control
}

/// Gives `elements` the attribute, and takes it from all others.
fn set(attribute: &str, elements: &[Element]) {
    if let Ok(marked) = document().query_selector_all(&format!("[{attribute}]")) {
        let marked = (0..marked.length()).filter_map(|index| marked.get(index)?.dyn_into::<Element>().ok());
        for element in marked.filter(|element| !elements.contains(element)) {
            // An attribute that cannot be removed stays for a while; nothing depends on it.
            let _ = element.remove_attribute(attribute);
        }
    }
    for element in elements {
        let _ = element.set_attribute(attribute, "");
    }
}

/// The control of the first task that is still to be done, or of the last task.
pub fn control(state: &State) -> Option<&'static str> {
    let (_, step) = state.step()?;
    state.task().or(step.tasks.last()).map(|task| task.control)
}

/// Time between two looks at where the control is, in milliseconds, and the looks after its last move.
const PAUSE: u32 = 100;
const LOOKS: usize = 8;

/// Brings the parts of a step into the window, and then its control: where not all fit, those named first do, and the
/// control above all. While the page is still being laid out, the control moves on the page, and is followed. The window
/// stays the user's: a control that only the window's scrolling moves is left alone.
pub fn bring(step: &'static Step, control: Element) {
    follow(step, control, f64::NAN, LOOKS);
}

fn follow(step: &'static Step, control: Element, last: f64, looks: usize) {
    let place = control.get_bounding_client_rect().top() + window().scroll_y().unwrap_or_default();
    // Parts of a pixel are rounding. The first time, there is no last place.
    let moved = last.is_nan() || (place - last).abs() >= 1.0;
    if moved {
        let parts = step.parts.iter().rev().filter_map(|id| document().get_element_by_id(id));
        parts.for_each(|part| scroll(&part));
        scroll(&control);
    }
    let looks = if moved { LOOKS } else { looks - 1 };
    if looks > 0 && control.is_connected() {
        Timeout::new(PAUSE, move || follow(step, control, place, looks)).forget();
    }
}

/// Scrolls by the smallest distance that shows `element`.
fn scroll(element: &Element) {
    let options = ScrollIntoViewOptions::new();
    options.set_behavior(ScrollBehavior::Instant);
    options.set_block(ScrollLogicalPosition::Nearest);
    element.scroll_into_view_with_scroll_into_view_options(&options);
}

/// Moves the keyboard focus to the control, or to the first element in it that takes the focus.
pub fn focus(control: &str) {
    let Some(element) = document().query_selector(control).ok().flatten() else { return };
    scroll(&element);
    let takes = "button:not(:disabled):not([tabindex='-1']), input, select, [tabindex='0']";
    let inside =
        if element.matches(takes).unwrap_or(false) { None } else { element.query_selector(takes).ok().flatten() };
    let _ = inside.unwrap_or(element).unchecked_into::<HtmlElement>().focus();
}
