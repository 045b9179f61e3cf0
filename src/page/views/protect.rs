//! The fault under a protection: the choice of the protection, and what becomes of the fault without and with it.

use facts::campaign::compared::Effect;
use protocol::{Injection, Protection};
use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use super::Props;
use super::corruption::{Chart, indices};
use super::parts::{Term, verdicts};
use crate::link::Link;
use crate::state::asked::Progress;
use crate::state::{Action, Choice, State};
use crate::words;

/// The switch and the list of protections, and beneath them both runs.
#[component]
pub fn ProtectCard(props: &Props) -> Html {
    let Props { state, act } = props;
    let switch = act.reform(|event: Event| {
        let on = event.target_unchecked_into::<HtmlInputElement>().checked();
        Action::choose(move |link| link.protect = on)
    });
    let choose = act.reform(|event: Event| {
        let name = event.target_unchecked_into::<HtmlSelectElement>().value();
        Action::choose(move |link| {
            if let Ok(method) = name.parse() {
                link.protection = Some(method).filter(|method| *method != Link::default().protection());
                link.protect = true;
            }
        })
    });
    let choices = state.protections_of_one_fault();
    let means = choices.iter().find(|choice| choice.chosen).map(|choice| choice.row.help);
    let means = format!("{} {}", words::PROTECT, means.map(|help| format!("This one: {help}.")).unwrap_or_default());
    html! {
        <div class="protect" id="protection" aria-busy={state.asked.protect.busy().to_string()}>
            <div class="protect-head">
                <label class="switch"><input type="checkbox" id="protect" checked={state.link.protect} onchange={switch} />{ "Protect" }</label>
                <select id="protection-choice" aria-label="Protection" onchange={choose}>
                    { for choices.iter().map(option) }
                </select>
                <span class="hint"><Term text="About" {means} /></span>
            </div>
            if state.link.protect { <div aria-live="polite">{ told(state, act) }</div> }
        </div>
    }
}

fn option(choice: &Choice) -> Html {
    let name = choice.method.to_string();
    html! {
        <option key={name.clone()} value={name} selected={choice.chosen} title={choice.row.help}>
            { words::method(&choice.method) }
        </option>
    }
}

fn told(state: &State, act: &Callback<Action>) -> Html {
    if let (Some(injection), Some(protection)) = (state.injection_now(), state.protection_now()) {
        return beside(state, act, injection, protection);
    }
    if let Some(why) = state.protection_unfit().map(words::in_page_words) {
        return html! { <p class="hint" id="protection-unfit">{ why }</p> };
    }
    match state.asked.protect.progress() {
        Some(Progress { done, all: Some(total), .. }) if done < total => html! {
            <div class="progress">
                <progress value={done.to_string()} max={total.to_string()} aria-label="Images that were learnt from" />
                <span>{ format!("Learning from golden runs: {done} of {total} images") }</span>
            </div>
        },
        _ if state.asked.protect.busy() => html! { <p class="hint">{ "Running once more, protected." }</p> },
        _ => html! {
            <p class="hint">
                { "The run under the protection could not be made. " }
                <button type="button" class="button button-quiet" onclick={act.reform(|_| Action::Retry)}>{ "Try again" }</button>
            </p>
        },
    }
}

/// The fault without and with the protection.
fn beside(state: &State, act: &Callback<Action>, injection: &Injection, protection: &Protection) -> Html {
    let (effect, means) = words::effect(protection.effect);
    let class = match protection.effect {
        Effect::Mended | Effect::Unchanged => "verdict-masked",
        Effect::Detected | Effect::Needless => "verdict-due",
        Effect::Missed | Effect::Worse => "verdict-sdc",
    };
    html! {
        <>
            <p class="verdicts" id="protected-verdict">
                // Where the inference stops there is no answer to judge.
                if protection.stops.is_none() { { verdicts(&protection.verdict) } }
                <span class={classes!("verdict", class)} id="protected-effect"><Term text={effect} {means} /></span>
            </p>
            <p id="protected-sentence">{ words::protection(injection, protection) }</p>
            <p class="hint" id="protected-price">{ words::price(protection) }</p>
            { along(state, act, injection, protection) }
            { answers(injection, protection) }
        </>
    }
}

/// How much of each layer differs, without the protection above and with it below.
fn along(state: &State, act: &Callback<Action>, injection: &Injection, protection: &Protection) -> Html {
    let rows = protection.beside(&injection.trace);
    let Some((first, last)) = rows.first().zip(rows.last()) else { return Html::default() };
    let layers = indices(rows.iter().map(|row| row.layer.as_str()), state.model().map(|model| &**model));
    let choose = {
        let (layers, act) = (layers.clone(), act.clone());
        Callback::from(move |at: usize| {
            if let Some(&Some(layer)) = layers.get(at) {
                act.emit(Action::ChooseLayer(layer));
            }
        })
    };
    let without: Vec<f64> = rows.iter().map(|row| row.without).collect();
    let with: Vec<f64> = rows.iter().map(|row| row.with.unwrap_or(0.0)).collect();
    let stopped: Vec<f64> = rows.iter().map(|row| if row.with.is_some() { 0.0 } else { 1.0 }).collect();
    let title = if rows.iter().any(|row| row.with.is_none()) {
        "Changed elements with it; grey where the inference has stopped"
    } else {
        "Changed elements with it"
    };
    let share = |share: Option<f64>| share.map_or_else(|| "–".to_owned(), words::percent);
    html! {
        <div class="protect-along" id="protected-layers">
            <Chart title="Changed elements without the protection" top="100 %" bottom="0 %" values={without} class="chart-share"
                layers={layers.clone()} choose={choose.clone()} />
            <Chart {title} top="100 %" bottom="0 %" values={with} behind={stopped} class="chart-share chart-with" {layers} {choose} />
            <div class="chart-ends"><span>{ &first.layer }</span><span>{ "→ layers downstream →" }</span><span>{ &last.layer }</span></div>
            <details>
                <summary>{ "Layers as a table" }</summary>
                <div class="table-wrap" tabindex="0" role="region" aria-label="Changed elements by layer, without and with the protection">
                    <table>
                        <thead><tr><th>{ "Layer" }</th><th>{ "Without" }</th><th>{ "With" }</th></tr></thead>
                        <tbody>{ for rows.iter().map(|row| html! {
                            <tr><th scope="row">{ &row.layer }</th><td>{ words::percent(row.without) }</td><td>{ share(row.with) }</td></tr>
                        }) }</tbody>
                    </table>
                </div>
            </details>
        </div>
    }
}

/// The probabilities of the likeliest classes.
fn answers(injection: &Injection, protection: &Protection) -> Html {
    let share =
        |share: Option<f32>| share.map_or_else(|| "–".to_owned(), |probability| words::percent(f64::from(probability)));
    html! {
        <details id="protected-classes">
            <summary>{ "Classes as a table" }</summary>
            <div class="table-wrap" tabindex="0" role="region" aria-label="Probability of the likeliest classes, without and with the protection">
                <table>
                    <thead><tr><th>{ "Class" }</th><th>{ "Golden" }</th><th>{ "Without" }</th><th>{ "With" }</th></tr></thead>
                    <tbody>{ for protection.classes(injection).into_iter().map(|(row, with)| html! {
                        <tr key={row.class}>
                            <th scope="row" title={format!("class {}", row.class)}>{ row.label }</th>
                            <td>{ share(row.golden) }</td><td>{ share(row.faulty) }</td><td>{ share(with) }</td>
                        </tr>
                    }) }</tbody>
                </table>
            </div>
        </details>
    }
}
