//! Where the present corruption changes the answer: the layers by their danger, each with its worst element.

use facts::fault::Target;
use facts::outcome::Outcome;
use protocol::{ModelInfo, TensorDanger};
use yew::prelude::*;

use super::bits::mark_class;
use crate::link::Place;
use crate::state::asked::Progress;
use crate::state::{Action, State};
use crate::words;

/// Tensors that are listed at once; the others unfold.
const LISTED: usize = 8;

/// The button, and the list once it is there.
pub fn danger(state: &State, act: &Callback<Action>) -> Html {
    let ready = state.golden_now().is_some() && state.looked().is_some();
    let pressed = state.link.danger;
    let what = if state.link.kind().takes_bits() { words::bits(state.bits()) } else { "this value".to_owned() };
    html! {
        <div class="sweep" id="danger">
            <h3>{ "Where is it most dangerous?" }</h3>
            <div class="sweep-choices">
                <button type="button" class={classes!("button", pressed.then_some("pressed"))} id="predict" disabled={!ready}
                    aria-pressed={pressed.to_string()} onclick={act.reform(move |_| Action::choose(move |link| link.danger = !pressed))}>
                    { format!("Predict the danger of {}", lower_first(&what)) }
                </button>
                if pressed && state.asked.danger.busy() {
                    <button type="button" class="button button-quiet" id="danger-stop"
                        onclick={act.reform(|_| Action::choose(|link| link.danger = false))}>{ "Stop" }</button>
                }
            </div>
            { found(state, act) }
        </div>
    }
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

fn found(state: &State, act: &Callback<Action>) -> Html {
    if !state.link.danger {
        return html! { <p class="hint">{ "One pass back through the network tells for every element how far this corruption moves the answer. The map above shows it, and the layers are listed by it." }</p> };
    }
    let (Some(danger), Some(model)) = (state.danger_now(), state.model()) else {
        return html! { <div id="danger-waits" aria-busy={state.asked.danger.busy().to_string()}>{ waits(state) }</div> };
    };
    let mut ranked: Vec<&TensorDanger> = danger.tensors.iter().collect();
    // A stable order: of two equal layers the earlier one comes first.
    ranked.sort_by(|a, b| b.share().total_cmp(&a.share()));
    let elements: usize = ranked.iter().map(|tensor| tensor.elements).sum();
    let changes: usize = ranked.iter().map(|tensor| tensor.dangerous()).sum();
    let confirmed = ranked.iter().filter(|tensor| tensor.trial.verdict.outcome == Outcome::Sdc).count();
    let rows: Vec<Html> = ranked.iter().filter_map(|tensor| row(model, state.target(), tensor, act)).collect();
    let (first, rest) = rows.split_at(rows.len().min(LISTED));
    html! {
        <>
            <p class="sweep-told" id="danger-told" role="status">
                { format!("Predicted to change the answer in {} of {} elements of the whole network. An injection into the worst element changed the answer in {confirmed} of {} tensors. Predictions are first-order: an injection decides.",
                    words::count(changes as u64), words::count(elements as u64), ranked.len()) }
            </p>
            <ol class="worst-list" id="danger-list">{ for first.iter().cloned() }</ol>
            if !rest.is_empty() {
                <details><summary>{ format!("{} more", rest.len()) }</summary>
                    <ol class="worst-list" start={(LISTED + 1).to_string()}>{ for rest.iter().cloned() }</ol></details>
            }
        </>
    }
}

/// How far the prediction is: tensors are gone through once to predict, and once to inject.
fn waits(state: &State) -> Html {
    if !state.asked.danger.busy() {
        return html! { <p class="hint">{ "There is no prediction for this network and device." }</p> };
    }
    let (done, all, left) = match state.asked.danger.progress() {
        Some(Progress { done, all: Some(all), left }) if all > 0 => (done, all, left),
        _ => return html! { <p class="hint">{ "Computing…" }</p> },
    };
    let tensors = all / 2;
    let mut told = match done.checked_sub(tensors) {
        None => format!("Predicting: {done} of {tensors} tensors"),
        Some(made) => format!("Injecting into the worst element: {made} of {tensors} tensors"),
    };
    if let Some(left) = left {
        told.push_str(&format!(", about {} left", words::duration(left)));
    }
    html! {
        <div class="progress"><progress value={done.to_string()} max={all.to_string()} aria-label="Tensors done with" />
            <span>{ told }</span></div>
    }
}

fn row(model: &ModelInfo, target: Target, found: &TensorDanger, act: &Callback<Action>) -> Option<Html> {
    let layer = model.layers.get(found.layer)?;
    let tensors = layer.tensors(target);
    let tensor = tensors.iter().find(|tensor| tensor.id == found.tensor)?;
    let several = tensors.len() > 1;
    let place = Place {
        target: Some(target),
        layer: Some(layer.name.clone()),
        tensor: several.then(|| tensor.name.clone()),
        element: Some(found.worst),
    };
    let onclick = act.reform(move |_: MouseEvent| {
        let place = place.clone();
        Action::choose(move |link| {
            (link.fault, link.look, link.run) = (place.clone(), None, true);
        })
    });
    let name = if several { &tensor.name } else { &layer.name };
    let verdict = &found.trial.verdict;
    let fault = &found.trial.fault;
    let effect = match found.effect {
        effect if effect.is_nan() => String::new(),
        effect => format!("; predicted effect {}", words::number(effect)),
    };
    Some(html! {
        <li>
            <button type="button" class="worst-fault" {onclick} data-layer={layer.name.clone()}>
                <span class={classes!("verdict", "verdict-small", mark_class(verdict).replace("mark-", "verdict-"))}>{ words::verdict(verdict) }</span>
                <span class="worst-answer">{ name }</span>
                <span class="worst-drop">{ words::percent(found.share()) }</span>
                <span class="worst-where">
                    { format!("Worst: element {}, {} → {}{effect}; injected", found.worst, words::number(fault.before), words::number(fault.after)) }
                </span>
            </button>
        </li>
    })
}
