//! The layer under the mouse, wherever on the page it is.
//!
//! An element that shows a layer has its number: `data-layer="7"`, or `data-layer="7 8 9"` where it stands for several. While the mouse
//! or the focus is on one of them, all others of the same layer have the attribute `data-hovered`, which the style
//! sheet draws; no component is drawn anew. What wants to tell more of the layer asks [`use_hovered`].

use std::cell::RefCell;
use std::rc::Rc;

use gloo::events::EventListener;
use wasm_bindgen::JsCast;
use web_sys::{Element, Event};
use yew::prelude::*;

const SHOWS: &str = "data-layer";
const HOVERED: &str = "data-hovered";

thread_local! {
    static HOVER: RefCell<Hover> = RefCell::default();
}

#[derive(Default)]
struct Hover {
    /// The layers under the mouse.
    layers: Rc<[usize]>,
    /// The listeners.
    listeners: Vec<(usize, Callback<Rc<[usize]>>)>,
    next: usize,
}

/// Follows mouse and focus on the whole page, as long as the listeners live.
pub fn listen() -> Vec<EventListener> {
    let document = gloo::utils::document();
    let follow = |kind: &'static str| EventListener::new(&document, kind, |event| to(layers_at(event)));
    vec![follow("pointerover"), follow("focusin"), EventListener::new(&document, "pointerleave", |_| to(Rc::default()))]
}

/// The layers under the mouse: several, in order, on a folded block.
#[hook]
pub fn use_hovered() -> Rc<[usize]> {
    let hovered = use_state_eq(Rc::<[usize]>::default);
    let heard = hovered.clone();
    use_effect_with((), move |()| {
        let id = HOVER.with_borrow_mut(|hover| {
            hover.next += 1;
            hover.listeners.push((hover.next, Callback::from(move |layers| heard.set(layers))));
            hover.next
        });
        move || HOVER.with_borrow_mut(|hover| hover.listeners.retain(|(known, _)| *known != id))
    });
    (*hovered).clone()
}

fn layers_at(event: &Event) -> Rc<[usize]> {
    let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let shown = target.and_then(|target| target.closest("[data-layer]").ok().flatten());
    let list = shown.and_then(|shown| shown.get_attribute(SHOWS)).unwrap_or_default();
    list.split(' ').filter_map(|index| index.parse().ok()).collect()
}

fn to(layers: Rc<[usize]>) {
    let listeners = HOVER.with_borrow_mut(|hover| {
        (hover.layers != layers).then(|| {
            hover.layers = layers.clone();
            hover.listeners.clone()
        })
    });
    let Some(listeners) = listeners else { return };
    each(&format!("[{HOVERED}]"), |element| {
        // An attribute that cannot be taken away is one that is not there.
        let _ = element.remove_attribute(HOVERED);
    });
    // The attribute is a list of words: `~=` finds one among them.
    let selector: Vec<String> = layers.iter().map(|layer| format!("[{SHOWS}~=\"{layer}\"]")).collect();
    if !selector.is_empty() {
        each(&selector.join(","), |element| {
            let _ = element.set_attribute(HOVERED, "");
        });
    }
    listeners.iter().for_each(|(_, listener)| listener.emit(layers.clone()));
}

fn each(selector: &str, act: impl Fn(&Element)) {
    let Ok(found) = gloo::utils::document().query_selector_all(selector) else { return };
    for index in 0..found.length() {
        if let Some(element) = found.get(index).and_then(|node| node.dyn_into::<Element>().ok()) {
            act(&element);
        }
    }
}
