//! The page before a class, and as a part of another page: which of its parts show, the code of the present link, and the
//! keys of a clicker.

use gloo::events::EventListener;
use gloo::utils::{document, window};
use wasm_bindgen::JsCast;
use web_sys::{Element, KeyboardEvent};
use yew::prelude::*;

use super::Props;
use crate::code::Code;
use crate::state::{Action, LessonAction, State};

/// Tells the style sheets whether the page is presented or embedded.
pub fn dress(state: &State) {
    let Some(root) = document().document_element() else { return };
    for (attribute, on) in [("data-present", state.link.present), ("data-embed", state.link.embed)] {
        // Attributes of the page's own root can be set.
        let _ = if on { root.set_attribute(attribute, "") } else { root.remove_attribute(attribute) };
    }
}

/// The scale of drawings in pixels, at least 1. It grows with the size of the page's text, a little less: three lines of
/// boxes leave room for the rest.
pub fn size() -> f64 {
    let root = document().document_element();
    let style = root.and_then(|root| window().get_computed_style(&root).ok().flatten());
    let text = style.and_then(|style| style.get_property_value("font-size").ok());
    let pixels = text.and_then(|text| text.trim_end_matches("px").parse::<f64>().ok());
    pixels.map_or(1.0, |pixels| (0.85 * pixels / 16.0).max(1.0))
}

/// The address of the page with the fragment `hash`.
pub fn address(hash: &str) -> String {
    let page = window().location().href().unwrap_or_default();
    format!("{}#{hash}", page.split('#').next().unwrap_or_default())
}

/// The switch in the page's header, and the button that shows the code.
#[component]
pub fn PresentToggle(props: &Props) -> Html {
    let Props { state, act } = props;
    let on = state.link.present;
    html! {
        <>
            <button type="button" class={classes!("button", on.then_some("pressed"))} id="present" aria-pressed={on.to_string()}
                onclick={act.reform(move |_| Action::choose(move |link| link.present = !on))}
                title="In large, for a class: PageDown and PageUp go through the lesson">{ "Present" }</button>
            if on {
                <button type="button" class="button" id="show-code" popovertarget="code">{ "QR code" }</button>
                <CodeSheet text={address(&state.shared().to_hash())} />
            }
        </>
    }
}

#[derive(Properties, PartialEq)]
struct CodeProps {
    /// The text in the code.
    text: AttrValue,
}

/// The code of a link, in large.
#[component]
fn CodeSheet(props: &CodeProps) -> Html {
    let code = use_memo(props.text.clone(), |text| Code::of(text));
    html! {
        <div id="code" class="code" popover="auto" role="dialog" aria-label="The link to this page as a QR code">
            { match &*code {
                Some(Code { side, path }) => html! {
                    <svg viewBox={format!("0 0 {side} {side}")} role="img" aria-label="QR code" shape-rendering="crispEdges">
                        <rect width="100%" height="100%" fill="#fff" /><path d={path.clone()} fill="#000" />
                    </svg>
                },
                None => html! { <p>{ "The link is longer than a QR code can hold." }</p> },
            } }
            <p class="code-link">{ &props.text }</p>
        </div>
    }
}

/// The way out of a frame: the same fault on the whole page.
#[component]
pub fn Outside(props: &Props) -> Html {
    let href = address(&props.state.shared().to_hash());
    html! { <p class="outside"><a id="outside" {href} target="_blank" rel="noopener">{ "Open in Faultscope" }</a></p> }
}

/// PageDown and PageUp, as clickers send them, and the arrows, except where a control has moved its own focus with them.
/// Only a page that is presented listens.
pub fn keys(act: &Callback<Action>) -> EventListener {
    let act = act.clone();
    EventListener::new_with_options(
        &window(),
        "keydown",
        gloo::events::EventListenerOptions::enable_prevent_default(),
        move |event| {
            let Some(event) = event.dyn_ref::<KeyboardEvent>() else { return };
            let presented = document().document_element().is_some_and(|root| root.has_attribute("data-present"));
            let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
            let taken = target
                .is_some_and(|target| target.matches("input, textarea, select, [contenteditable]").unwrap_or(false));
            if !presented
                || taken
                || event.default_prevented()
                || event.ctrl_key()
                || event.meta_key()
                || event.alt_key()
            {
                return;
            }
            let action = match event.key().as_str() {
                "PageDown" | "ArrowRight" => LessonAction::Next,
                "PageUp" | "ArrowLeft" => LessonAction::Back,
                _ => return,
            };
            event.prevent_default();
            act.emit(Action::Lesson(action));
        },
    )
}
