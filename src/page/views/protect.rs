//! The fault under range clipping.

use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::Props;
use super::parts::{Term, verdicts};
use crate::state::{Action, State};
use crate::words;

/// The switch, and beneath it the clipped run.
#[component]
pub fn ProtectCard(props: &Props) -> Html {
    let Props { state, act } = props;
    let onchange = act.reform(|event: Event| {
        let on = event.target_unchecked_into::<HtmlInputElement>().checked();
        Action::choose(move |link| link.protect = on)
    });
    html! {
        <div class="protect" id="protection" aria-busy={state.asked.protect.busy().to_string()}>
            <div class="protect-head">
                <label class="switch"><input type="checkbox" id="protect" checked={state.link.protect} {onchange} />{ "With range clipping" }</label>
                <span class="hint"><Term text="What is this?" means={words::RANGE_CLIPPING} /></span>
            </div>
            if state.link.protect { <div aria-live="polite">{ told(state, act) }</div> }
        </div>
    }
}

fn told(state: &State, act: &Callback<Action>) -> Html {
    if let (Some(injection), Some(protection)) = (state.injection_now(), state.protection_now()) {
        return html! {
            <>
                <p class="verdicts" id="protected-verdict">{ verdicts(&protection.verdict) }</p>
                <p id="protected-sentence">{ words::protection(injection, protection) }</p>
            </>
        };
    }
    match state.asked.protect.progress() {
        Some((done, Some(total))) if done < total => html! {
            <div class="progress">
                <progress value={done.to_string()} max={total.to_string()} aria-label="Images whose ranges are known" />
                <span>{ format!("Learning the ranges: {done} of {total} images") }</span>
            </div>
        },
        _ if state.asked.protect.busy() => html! { <p class="hint">{ "Running once more, clipped." }</p> },
        _ => html! {
            <p class="hint">
                { "The clipped run could not be made. " }
                <button type="button" class="button button-quiet" onclick={act.reform(|_| Action::Retry)}>{ "Try again" }</button>
            </p>
        },
    }
}
