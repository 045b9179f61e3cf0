//! Following a corruption from layer to layer: the controls, and the effect of the present layer in words and as a map.

use gloo::timers::callback::Timeout;
use yew::prelude::*;

use super::Props;
use super::explore::StageProps;
use super::maps::Glance;
use super::parts::{Icon, icon};
use crate::state::{Action, Follow};

/// Time that each layer is shown, in milliseconds.
const PACE: u32 = 700;

/// The controls: step or play through the layers.
#[component]
pub fn FollowTools(props: &Props) -> Html {
    let Props { state, act } = props;
    let way = state.way();
    let at = state.station();
    {
        // The next step comes when this layer's values have been seen, however long they took to come.
        let act = act.clone();
        let ready = state.playing && !state.asked.view.busy();
        use_effect_with((ready, at), move |(ready, _)| {
            let timer = ready.then(|| Timeout::new(PACE, move || act.emit(Action::Follow(Follow::Forward))));
            move || drop(timer)
        });
    }
    let Some(last) = way.len().checked_sub(1) else { return Html::default() };
    let button = |id: &'static str, look: Icon, label: &'static str, step: Follow, enabled: bool| {
        html! {
            <button type="button" class="button button-icon" {id} aria-label={label} title={label} disabled={!enabled}
                onclick={act.reform(move |_| Action::Follow(step))}>{ icon(look) }</button>
        }
    };
    let here = at.map_or_else(|| "–".to_owned(), |at| (at + 1).to_string());
    html! {
        <div class="follow-tools" role="group" aria-label="Follow the fault through the layers">
            { button("follow-first", Icon::First, "To the layer that is struck", Follow::First, at != Some(0)) }
            { button("follow-back", Icon::Back, "One layer back", Follow::Back, at.is_some_and(|at| at > 0)) }
            if state.playing {
                { button("follow-play", Icon::Pause, "Pause", Follow::Play(false), true) }
            } else {
                { button("follow-play", Icon::Play, "Play through the layers", Follow::Play(true), true) }
            }
            { button("follow-forward", Icon::Forward, "One layer on", Follow::Forward, at.is_none_or(|at| at < last)) }
            { button("follow-last", Icon::Last, "To the last layer", Follow::Last, at != Some(last)) }
            <span class="hint" id="follow-at">{ format!("{here} of {}", way.len()) }</span>
        </div>
    }
}

/// The effect of the present layer, in words and as a map.
#[component]
pub fn FollowPanel(props: &StageProps) -> Html {
    let StageProps { state, act, dark } = props;
    if state.way().is_empty() {
        return Html::default();
    }
    let told = state.station_told();
    let told =
        told.unwrap_or_else(|| "This layer lies off the fault's way: it computes the same as before.".to_owned());
    html! {
        <div class="follow" id="follow">
            <h3 class="visually-hidden">{ "Follow the fault" }</h3>
            <p class="follow-told" id="follow-told" aria-live="polite">{ told }</p>
            <Glance {state} {act} {dark} />
        </div>
    }
}
