//! Small parts that several views are made of.

use std::rc::Rc;

use facts::outcome::{Outcome, Verdict};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};
use yew::prelude::*;

use crate::state::{Action, State};
use crate::words;

/// The properties of most views.
#[derive(Clone, Properties)]
pub struct Props {
    /// The state to show.
    pub state: Rc<State>,
    /// Receives the user's actions.
    pub act: Callback<Action>,
}

impl PartialEq for Props {
    fn eq(&self, other: &Self) -> bool {
        // Every change makes a new state.
        Rc::ptr_eq(&self.state, &other.state) && self.act == other.act
    }
}

#[derive(Properties, PartialEq)]
pub struct PanelProps {
    /// Id of the section, for links and tests.
    pub id: AttrValue,
    /// Heading.
    pub title: AttrValue,
    /// A description in one line.
    #[prop_or_default]
    pub hint: AttrValue,
    /// Whether the heading is for screen readers only, because the panel begins with a name of its own.
    #[prop_or_default]
    pub untitled: bool,
    /// Shown at the right of the heading.
    #[prop_or_default]
    pub aside: Html,
    /// Whether it waits for the worker.
    #[prop_or_default]
    pub busy: bool,
    pub children: Html,
}

/// A section with a heading.
#[component]
pub fn Panel(props: &PanelProps) -> Html {
    let heading = format!("{}-title", props.id);
    html! {
        <section id={props.id.clone()} class="panel" aria-labelledby={heading.clone()} aria-busy={props.busy.to_string()}>
            <header class="panel-head">
                <h2 id={heading} class={props.untitled.then_some("visually-hidden")}>{ &props.title }</h2>
                <div class="panel-aside">{ props.aside.clone() }</div>
                if !props.hint.is_empty() { <p class="hint">{ &props.hint }</p> }
            </header>
            { props.children.clone() }
        </section>
    }
}

#[derive(Properties, PartialEq)]
pub struct ChoiceProps {
    /// Name of the group, for screen readers.
    pub label: AttrValue,
    /// Id of the group.
    pub id: AttrValue,
    /// The options, each with a tooltip.
    pub options: Vec<(AttrValue, AttrValue)>,
    /// Position of the chosen option.
    pub chosen: usize,
    /// Receives the choice.
    pub choose: Callback<usize>,
}

/// A row of buttons of which one is pressed.
#[component]
pub fn Choice(props: &ChoiceProps) -> Html {
    let options = props.options.iter().enumerate().map(|(index, (text, title))| {
        let chosen = index == props.chosen;
        html! {
            <button type="button" class={classes!("choice", chosen.then_some("chosen"))} aria-pressed={chosen.to_string()}
                tabindex={stop(chosen)} title={title.clone()} onclick={props.choose.reform(move |_| index)}>{ text }</button>
        }
    });
    html! {
        <div class="choices" id={props.id.clone()} role="toolbar" aria-label={props.label.clone()} data-strip="" onkeydown={walk}>
            { for options }
        </div>
    }
}

/// The `tabindex` of a button in a strip: only the button that is `chosen` is a stop of the Tab key.
pub fn stop(chosen: bool) -> &'static str {
    if chosen { "0" } else { "-1" }
}

/// Moves the focus between the buttons of a strip, which is an element with `data-strip`: with the arrow keys, Home and End.
pub fn walk(event: KeyboardEvent) {
    let Some(focused) = event.target().and_then(|target| target.dyn_into::<Element>().ok()) else { return };
    let strip = focused.closest("[data-strip]").ok().flatten();
    let Some(buttons) = strip.and_then(|strip| strip.query_selector_all("button:not(:disabled)").ok()) else { return };
    let button = |index: u32| buttons.get(index).and_then(|node| node.dyn_into::<HtmlElement>().ok());
    let here = focused.closest("button").ok().flatten();
    let at = (0..buttons.length()).find(|&index| here.is_some() && button(index).map(Element::from) == here);
    let to = match (event.key().as_str(), at) {
        ("ArrowLeft" | "ArrowUp", Some(at)) => at.checked_sub(1),
        ("ArrowRight" | "ArrowDown", Some(at)) => Some(at + 1),
        ("Home", _) => Some(0),
        ("End", _) => buttons.length().checked_sub(1),
        _ => return,
    };
    event.prevent_default();
    event.stop_propagation();
    if let Some(to) = to.and_then(button) {
        // A button that cannot be focused leaves the focus unchanged.
        let _ = to.focus();
    }
}

#[derive(Properties, PartialEq)]
pub struct TermProps {
    /// Its text.
    pub text: AttrValue,
    /// The explanation.
    pub means: AttrValue,
}

/// A term of the field with its explanation, shown on hover and on focus.
#[component]
pub fn Term(props: &TermProps) -> Html {
    html! {
        <span class="term" tabindex="0" aria-description={props.means.clone()}>
            { &props.text }<span class="term-tip" aria-hidden="true">{ &props.means }</span>
        </span>
    }
}

/// Whether a `<details>` is open, and the listener of its `toggle`. Its contents need not be made before.
#[hook]
pub fn use_unfolded() -> (bool, Callback<Event>) {
    let open = use_state_eq(|| false);
    let toggle = {
        let open = open.clone();
        Callback::from(move |event: Event| {
            open.set(event.target_unchecked_into::<web_sys::Element>().has_attribute("open"));
        })
    };
    (*open, toggle)
}

/// A small picture on a button, drawn so that no font has to have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icon {
    /// To the first.
    First,
    /// One back.
    Back,
    /// Play.
    Play,
    /// Pause.
    Pause,
    /// One on.
    Forward,
    /// To the last.
    Last,
}

/// Draws `icon` in the colour of the text around it.
pub fn icon(icon: Icon) -> Html {
    let path = match icon {
        Icon::First => "M3 3h2v10H3zM13 3v10L6 8z",
        Icon::Back => "M11 3v10L4 8z",
        Icon::Play | Icon::Forward => "M5 3v10l8-5z",
        Icon::Pause => "M4 3h3v10H4zM9 3h3v10H9z",
        Icon::Last => "M11 3h2v10h-2zM3 3v10l7-5z",
    };
    html! { <svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><path d={path} /></svg> }
}

/// The badges of an outcome.
pub fn verdicts(verdict: &Verdict) -> Html {
    let badge = |class: &'static str, text: &'static str, means: &'static str| {
        html! { <span class={classes!("verdict", class)}><Term {text} {means} /></span> }
    };
    html! {
        <>
            { match verdict.outcome {
                Outcome::Masked => badge("verdict-masked", "Masked", words::MASKED),
                Outcome::Sdc => badge("verdict-sdc", "SDC", words::SDC),
            } }
            if verdict.scm == Some(true) { { badge("verdict-scm", "SCM", words::SCM) } }
            if verdict.due { { badge("verdict-due", "DUE", words::DUE) } }
        </>
    }
}
