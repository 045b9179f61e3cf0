//! Wheel, mouse and fingers on the diagram.

use std::rc::Rc;

use facts::report::diagram::layout::Point;
use gloo::events::{EventListener, EventListenerOptions};
use wasm_bindgen::JsCast;
use web_sys::{Element, Event, PointerEvent, WheelEvent};
use yew::prelude::*;

use super::stage::Stage;

/// A pointer that moves less than this is a click.
const STILL: f64 = 4.0;
/// Pixels in a line, for wheels that count lines.
const LINE: f64 = 16.0;

/// Listeners. Dropping the value removes them.
pub struct Gestures {
    _listeners: Vec<EventListener>,
}

/// Adds listeners to the diagram. `resized` is called when the size of the window changes.
pub fn listen(stage: &Rc<Stage>, resized: Callback<()>) -> Option<Gestures> {
    let svg = stage.svg.cast::<Element>()?;
    let on = |kind: &'static str, act: fn(&Stage, &Event)| {
        let stage = stage.clone();
        EventListener::new_with_options(&svg, kind, EventListenerOptions::enable_prevent_default(), move |event| {
            act(&stage, event);
        })
    };
    let mut listeners = vec![
        on("wheel", |stage, event| wheel(stage, event.unchecked_ref())),
        on("pointerdown", |stage, event| down(stage, event.unchecked_ref())),
        on("pointermove", |stage, event| moved(stage, event.unchecked_ref())),
        on("pointerup", |stage, event| up(stage, event.unchecked_ref())),
        on("pointercancel", |stage, event| up(stage, event.unchecked_ref())),
    ];
    listeners.push(EventListener::new(&gloo::utils::window(), "resize", move |_| resized.emit(())));
    Some(Gestures { _listeners: listeners })
}

/// Zooms with Ctrl, which a pinch on a touch pad also reports. Otherwise the wheel moves the diagram to its end, and
/// then the page.
fn wheel(stage: &Stage, event: &WheelEvent) {
    let unit = if event.delta_mode() == WheelEvent::DOM_DELTA_PIXEL { 1.0 } else { LINE };
    let (x, y) = (event.delta_x() * unit, event.delta_y() * unit);
    if event.ctrl_key() || event.meta_key() {
        event.prevent_default();
        stage.touch();
        stage.zoom((-y.clamp(-60.0, 60.0) / 150.0).exp(), stage.at(event.client_x(), event.client_y()));
    } else if stage.show(stage.view().moved(-x, -y)) {
        stage.touch();
        event.prevent_default();
    }
}

fn down(stage: &Stage, event: &PointerEvent) {
    if event.pointer_type() == "mouse" && event.button() != 0 {
        return;
    }
    let mut fingers = stage.fingers.borrow_mut();
    if fingers.is_empty() {
        stage.dragged.set(false);
    }
    fingers.retain(|&(id, _)| id != event.pointer_id());
    fingers.push((event.pointer_id(), stage.at(event.client_x(), event.client_y())));
}

fn moved(stage: &Stage, event: &PointerEvent) {
    let mut fingers = stage.fingers.borrow_mut();
    let Some(at) = fingers.iter().position(|&(id, _)| id == event.pointer_id()) else { return };
    let (before, now) = (fingers[at].1, stage.at(event.client_x(), event.client_y()));
    if !stage.dragged.get() {
        if fingers.len() == 1 && distance(before, now) < STILL {
            return;
        }
        stage.dragged.set(true);
        stage.touch();
        // The diagram captures the pointer, also outside its window. If the browser refuses, the drag ends at the
        // window's edge.
        if let Some(svg) = stage.svg.cast::<Element>() {
            let _ = svg.set_pointer_capture(event.pointer_id());
        }
    }
    fingers[at].1 = now;
    let other = fingers.iter().find(|&&(id, _)| id != event.pointer_id()).map(|&(_, other)| other);
    drop(fingers);
    let view = match other {
        // Two fingers move the point between them and scale the diagram.
        Some(other) => {
            let (from, to) = (middle(before, other), middle(now, other));
            let factor = distance(now, other) / distance(before, other).max(1.0);
            stage.view().moved(to.0 - from.0, to.1 - from.1).zoomed(factor, to)
        }
        None => stage.view().moved(now.0 - before.0, now.1 - before.1),
    };
    stage.show(view);
}

fn up(stage: &Stage, event: &PointerEvent) {
    stage.fingers.borrow_mut().retain(|&(id, _)| id != event.pointer_id());
}

fn distance(a: Point, b: Point) -> f64 {
    (a.0 - b.0).hypot(a.1 - b.1)
}

fn middle(a: Point, b: Point) -> Point {
    ((a.0 + b.0) / 2.0, (a.1 + b.1) / 2.0)
}
