//! The bits of a stored value as a strip of boxes.

use facts::fault::{Bits, Code, Corruption};
use facts::outcome::{Outcome, Verdict};
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;
use yew::prelude::*;

use crate::words;

#[derive(Properties, PartialEq)]
pub struct BitStripProps {
    /// How the value is stored.
    pub code: Code,
    /// The value whose bits are shown, where it is known.
    pub value: Option<f32>,
    /// The bits that are chosen, or were flipped.
    pub chosen: Option<Bits>,
    /// The outcome of the flip of each bit, where it was tried.
    pub verdicts: Vec<Option<Verdict>>,
    /// Receives the bit that is to flip.
    pub strike: Callback<u8>,
}

/// The strip, and beneath it the effect of the bit under the pointer.
#[component]
pub fn BitStrip(props: &BitStripProps) -> Html {
    let (format, last) = (props.code.format, props.code.format.width() - 1);
    let strip = use_node_ref();
    let hovered = use_state_eq(|| None::<u8>);
    let groups = format.fields().into_iter().map(|(field, bits)| {
        let field = field.name();
        let width = format!("--bits: {}", bits.len());
        let boxes = bits.clone().rev().map(|bit| one(props, bit, &hovered));
        html! {
            <div class={classes!("bit-field", format!("bit-{field}"))} style={width} role="group" aria-label={field}>
                <span class="bit-caption" aria-hidden="true">{ field }</span>
                <div class="bit-boxes">{ for boxes }</div>
            </div>
        }
    });
    let shown = hovered.unwrap_or(first(props));
    // The arrows only move from box to box; Enter or the space bar flips.
    let keys = {
        let (strip, hovered) = (strip.clone(), hovered.clone());
        Callback::from(move |event: KeyboardEvent| {
            let to = match event.key().as_str() {
                "ArrowLeft" | "ArrowUp" => shown + 1,
                "ArrowRight" | "ArrowDown" => shown.wrapping_sub(1),
                "Home" => last,
                "End" => 0,
                _ => return,
            };
            event.prevent_default();
            if to <= last {
                hovered.set(Some(to));
                let strip = strip.cast::<HtmlElement>();
                let found = strip.and_then(|strip| strip.query_selector(&format!("[data-bit='{to}']")).ok().flatten());
                if let Some(found) = found.and_then(|found| found.dyn_into::<HtmlElement>().ok()) {
                    // A box that cannot be focused leaves the focus where it is.
                    let _ = found.focus();
                }
            }
        })
    };
    html! {
        <div class="bits">
            <div class="bit-strip" id="bits" ref={strip} role="group" aria-label={format!("The {} bits of the value; choose one to flip it", format.width())} onkeydown={keys}>
                { for groups }
            </div>
            <p class="bit-preview" id="bit-preview">
                <span class={classes!("bit-name", format!("bit-{}", format.field_name(shown)))}>{ format!("Bit {shown}, {}", format.field_name(shown)) }</span>
                if let Some((before, after)) = change(props, shown) {
                    <span class="bit-change">{ before }<span class="arrow">{ " → " }</span><strong>{ after }</strong></span>
                }
            </p>
        </div>
    }
}

/// The bit that the keyboard reaches first.
fn first(props: &BitStripProps) -> u8 {
    props.chosen.map_or(props.code.format.width() - 1, Bits::lowest)
}

/// The value before and after the flip of `bit`.
fn change(props: &BitStripProps, bit: u8) -> Option<(String, String)> {
    let before = props.value?;
    Some((words::number(before), words::number(Corruption::flip(bit).ok()?.apply(before, props.code))))
}

fn one(props: &BitStripProps, bit: u8, hovered: &UseStateHandle<Option<u8>>) -> Html {
    let set = props.value.map(|value| props.code.encode(value) >> bit & 1);
    let chosen = props.chosen.is_some_and(|chosen| chosen.iter().any(|chosen| chosen == bit));
    let verdict = props.verdicts.get(usize::from(bit)).copied().flatten();
    let state = set.map_or_else(|| "?".to_owned(), |set| set.to_string());
    let change = change(props, bit).map(|(before, after)| format!(": {before} becomes {after}")).unwrap_or_default();
    let told = verdict.map(|verdict| format!(", {}", words::verdict(&verdict))).unwrap_or_default();
    let label = format!("bit {bit}, {}, now {state}{change}{told}", props.code.format.field_name(bit));
    let over = |to: Option<u8>| {
        let hovered = hovered.clone();
        move || hovered.set(to)
    };
    let (enter, focus, leave, blur) = (over(Some(bit)), over(Some(bit)), over(None), over(None));
    let first = first(props) == bit;
    html! {
        <button type="button" key={bit} class={classes!("bit", chosen.then_some("chosen"), (set == Some(1)).then_some("set"))}
            aria-pressed={chosen.to_string()} data-bit={bit.to_string()} tabindex={if first { "0" } else { "-1" }}
            onclick={props.strike.reform(move |_| bit)}
            onpointerenter={move |_| enter()} onpointerleave={move |_| leave()} onfocus={move |_| focus()} onblur={move |_| blur()}>
            <span class="bit-value" aria-hidden="true">{ state }</span><span class="bit-index" aria-hidden="true">{ bit }</span>
            <span class="visually-hidden">{ label }</span>
            if let Some(verdict) = verdict {
                <span class={classes!("bit-outcome", mark_class(&verdict))} aria-hidden="true">{ mark(&verdict) }</span>
            }
        </button>
    }
}

/// One letter for an outcome, because colour alone does not tell outcomes apart for everybody.
pub fn mark(verdict: &Verdict) -> &'static str {
    match (verdict.scm, verdict.outcome, verdict.due) {
        (Some(true), ..) => "C",
        (_, Outcome::Sdc, false) => "S",
        (_, _, true) => "D",
        (_, Outcome::Masked, false) => "·",
    }
}

/// The style of an outcome's mark.
pub fn mark_class(verdict: &Verdict) -> &'static str {
    match (verdict.scm, verdict.outcome, verdict.due) {
        (Some(true), ..) => "mark-scm",
        (_, Outcome::Sdc, false) => "mark-sdc",
        (_, _, true) => "mark-due",
        (_, Outcome::Masked, false) => "mark-masked",
    }
}
