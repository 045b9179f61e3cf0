//! Following a corruption from layer to layer: the controls, and the effect of the present layer in words and as a map.

use facts::TraceRow;
use gloo::timers::callback::Timeout;
use yew::prelude::*;

use super::Props;
use super::explore::StageProps;
use super::maps::Glance;
use super::parts::{Icon, icon};
use crate::state::{Action, Follow, State};
use crate::words;

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
    let way = state.way();
    if way.is_empty() {
        return Html::default();
    }
    let told = state.station().and_then(|at| way.get(at)).map(|(_, row)| row_told(state, &way, row));
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

/// The effect of a layer on the corruption that it reads.
fn row_told(state: &State, way: &[(usize, &TraceRow)], row: &TraceRow) -> String {
    let share = words::percent(row.changed as f64 / row.elements.max(1) as f64);
    let (Some(model), Some((index, _))) = (state.model(), way.iter().find(|(_, known)| known.layer == row.layer))
    else {
        return String::new();
    };
    let layer = &model.layers[*index];
    let struck = state.struck().is_some_and(|struck| struck.layer.index == *index);
    // The elements that differ in the outputs that this layer reads.
    let came: u64 = way.iter().filter(|(from, _)| layer.inputs.contains(from)).map(|(_, from)| from.changed).sum();
    let what = format!("{} ({})", layer.name, layer.kind);
    let mut text = match (row.changed, struck) {
        (0, true) => format!("{what}: the fault leaves the value as it was."),
        (0, false) if came > 0 => {
            format!("{what} swallows the corruption: {} changed elements come in, none leaves.", words::count(came))
        }
        (0, false) => format!("{what}: nothing is left of the corruption."),
        (changed, true) => format!(
            "{what} is struck: {} of {} elements changed ({share}).",
            words::count(changed),
            words::count(row.elements)
        ),
        (changed, false) => {
            let trend = match came {
                0 => "",
                came if changed < came => "less than came in: ",
                came if changed > came => "it spreads: ",
                _ => "as many as came in: ",
            };
            format!(
                "{what}: {trend}{} of {} elements changed ({share}).",
                words::count(changed),
                words::count(row.elements)
            )
        }
    };
    if row.positions > 1 && row.changed > 0 {
        text.push_str(&format!(
            " It touches {} of the map.",
            words::percent(row.touched as f64 / row.positions as f64)
        ));
    }
    if row.max_abs_delta > 0.0 {
        text.push_str(&format!(" Largest change {}.", words::number(row.max_abs_delta)));
    }
    if row.non_finite > 0 {
        text.push_str(&format!(" NaN or infinite: {}.", words::count(row.non_finite)));
    }
    text
}
