//! The answer without a fault.

use yew::prelude::*;

use super::Props;
use super::parts::{Panel, Term};
use super::scores::Scores;
use crate::state::{Action, State};
use crate::words;

/// The golden run.
#[component]
pub fn GoldenPanel(props: &Props) -> Html {
    let Props { state, act } = props;
    let time = state
        .asked
        .golden
        .latest()
        .filter(|_| !state.asked.golden.busy())
        .map(|golden| words::duration(golden.milliseconds));
    let title = html! { <Term text="Golden run" means={words::GOLDEN_RUN} /> };
    html! {
        <Panel id="golden" title="Answer without a fault" busy={state.asked.golden.busy()}
            aside={html! { <>{ title }{ for time.map(|time| html! { <span class="hint">{ time }</span> }) }</> }}>
            { answer(state, act) }
        </Panel>
    }
}

fn answer(state: &State, act: &Callback<Action>) -> Html {
    let shown = state.golden_now();
    if let Some(golden) = shown {
        let marked = golden.top.first().map(|score| score.class);
        return html! { <Scores scores={golden.top.clone()} label="Golden top five" {marked} /> };
    }
    if state.question().is_some() {
        return html! { <div class="empty"><p>{ "Waiting for what the network’s file leaves open." }</p></div> };
    }
    if state.stuck() {
        return html! {
            <div class="empty">
                <p>{ "There is no answer: the last attempt failed." }</p>
                <button class="button" onclick={act.reform(|_| Action::Retry)}>{ "Try again" }</button>
            </div>
        };
    }
    let text = if state.model_file().is_none() {
        "Waiting for a network."
    } else if state.model().is_none() {
        "Waiting for the network to load."
    } else if state.image().is_none() {
        "Waiting for an image."
    } else {
        "Computing."
    };
    html! { <div class="skeleton-lines" data-text={text}><p class="hint">{ text }</p><i></i><i></i><i></i><i></i></div> }
}
