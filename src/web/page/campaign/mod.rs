//! Many faults: the panel that draws them from a seed and counts what they do.

mod charts;

use std::rc::Rc;

use gloo::file::{Blob, ObjectUrl};
use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use super::Props;
use super::export::SaveChart;
use super::parts::{Panel, Term};
use crate::fault::{BIT_COUNT, FaultKind, FaultModel, Sampling, Target};
use crate::outcome::Rate;
use crate::web::link::MAX_FAULTS;
use crate::web::protocol::CampaignUpdate;
use crate::web::state::{Action, State};
use crate::web::words;

/// Settings, progress and rates.
#[component]
pub fn CampaignPanel(props: &Props) -> Html {
    let Props { state, act } = props;
    html! {
        <Panel id="campaign" title="Campaign" busy={state.campaign.running()}
            hint="Many faults, drawn from a seed: how often is one masked, and how often does it change the answer?">
            { settings(state, act) }
            if let Some(update) = &state.campaign.update {
                { progress(state, update) }
                { rates(update) }
                if update.over() { <SaveRecords update={update.clone()} /> }
                <div class="profiles">
                    { bits(&update.bits, act) }
                    { layers(&update.layers) }
                </div>
            }
        </Panel>
    }
}

fn settings(state: &State, act: &Callback<Action>) -> Html {
    let running = state.campaign.running();
    let images = state.images().len();
    let total = words::count((images * state.faults()) as u64);
    let faults = number(act, "Faults for each image", 1, MAX_FAULTS as u64, |faults| {
        Action::ChooseFaults(usize::try_from(faults).unwrap_or(MAX_FAULTS))
    });
    let seed = number(act, "A seed", 0, u64::MAX, Action::ChooseSeed);
    html! {
        <form class="settings" onsubmit={start(act)}>
            <fieldset disabled={running}>
                <div class="field">
                    <label for="faults">{ "Faults an image" }</label>
                    <input id="faults" type="number" min="1" max={MAX_FAULTS.to_string()} value={state.faults().to_string()} onchange={faults} />
                </div>
                <div class="field">
                    <label for="seed">{ "Seed" }</label>
                    <input id="seed" type="text" inputmode="numeric" value={state.seed().to_string()} onchange={seed} />
                </div>
                { fault_model(&state.campaign.fault_model, act) }
            </fieldset>
            <div class="settings-go">
                if running {
                    <button type="button" class="button button-primary" id="stop" disabled={state.campaign.stopping}
                        onclick={act.reform(|_| Action::Stop)}>{ if state.campaign.stopping { "Stopping…" } else { "Stop" } }</button>
                } else {
                    <button type="submit" class="button button-primary" id="start" disabled={!state.can_start()}>{ "Start campaign" }</button>
                }
                <span class="hint">{ format!("{images} images: {total} faults") }</span>
            </div>
        </form>
    }
}

fn start(act: &Callback<Action>) -> Callback<SubmitEvent> {
    act.reform(|event: SubmitEvent| {
        event.prevent_default();
        Action::Start
    })
}

fn number(
    act: &Callback<Action>,
    what: &'static str,
    least: u64,
    most: u64,
    action: impl Fn(u64) -> Action + 'static,
) -> Callback<Event> {
    act.reform(move |event: Event| {
        let text = event.target_unchecked_into::<HtmlInputElement>().value();
        match text.trim().parse::<u64>() {
            Ok(number) if (least..=most).contains(&number) => action(number),
            _ => Action::Tell(format!("{what}: a whole number from {least} to {most} is expected, found \"{text}\".")),
        }
    })
}

/// What the campaign draws: target, kind and bit, sampling.
fn fault_model(model: &FaultModel, act: &Callback<Action>) -> Html {
    let select = |id: &'static str, label: &'static str, title: &'static str, options: Vec<(String, FaultModel)>| {
        let choices: Vec<FaultModel> = options.iter().map(|(_, choice)| choice.clone()).collect();
        let onchange = act.reform(move |event: Event| {
            let index = event.target_unchecked_into::<HtmlSelectElement>().selected_index();
            let choice = usize::try_from(index).ok().and_then(|index| choices.get(index).cloned());
            Action::ChooseFaultModel(choice.unwrap_or_default())
        });
        html! {
            <div class="field" {title}>
                <label for={id}>{ label }</label>
                <select {id} {onchange}>
                    { for options.iter().map(|(text, choice)| html! { <option selected={choice == model}>{ text }</option> }) }
                </select>
            </div>
        }
    };
    let target = |target| FaultModel { target, ..model.clone() };
    let kind = |kind| FaultModel { kind, ..model.clone() };
    let sampling = |sampling| FaultModel { sampling, ..model.clone() };
    let mut kinds = vec![("Bit flip, any bit".to_owned(), kind(FaultKind::BitFlip { bit: None }))];
    kinds.push(("Zero".to_owned(), kind(FaultKind::Zero { percent: None })));
    kinds.push(("Random value".to_owned(), kind(FaultKind::Random)));
    kinds.extend((0..BIT_COUNT).rev().map(|bit| {
        (format!("Bit flip, bit {bit} ({})", words::field(bit)), kind(FaultKind::BitFlip { bit: Some(bit) }))
    }));
    html! {
        <>
            { select("campaign-target", "Target", "What is changed", vec![
                ("Activations".to_owned(), target(Target::Activation)),
                ("Weights".to_owned(), target(Target::Weight)),
            ]) }
            { select("campaign-kind", "Fault", "How it is changed", kinds) }
            { select("campaign-sampling", "Drawn", "By layer: every layer equally likely. By element: every stored value equally likely.", vec![
                ("By layer, as in the study".to_owned(), sampling(Sampling::Layer)),
                ("By element".to_owned(), sampling(Sampling::Element)),
            ]) }
        </>
    }
}

fn progress(state: &State, update: &CampaignUpdate) -> Html {
    let done = update.faults.injections;
    let pace = if update.milliseconds > 0.0 { done as f64 / update.milliseconds * 1000.0 } else { 0.0 };
    let mut text = format!("{} of {} faults, {pace:.1} a second", words::count(done), words::count(update.planned));
    if let Some(left) = state.campaign.time_left() {
        text.push_str(&format!(", about {} left", words::duration(left)));
    } else if update.over() {
        text.push_str(if update.complete { ", complete" } else { ", stopped" });
    }
    html! {
        <div class="progress progress-wide">
            <progress value={done.to_string()} max={update.planned.max(1).to_string()} aria-label="Faults injected" />
            <span id="campaign-progress">{ text }</span>
        </div>
    }
}

#[derive(Properties, PartialEq)]
struct SaveRecordsProps {
    update: Rc<CampaignUpdate>,
}

/// Every fault of the campaign as a file.
#[component]
fn SaveRecords(props: &SaveRecordsProps) -> Html {
    let url = use_memo(props.update.clone(), |update| {
        let records = update.records.as_deref().unwrap_or_default();
        ObjectUrl::from(Blob::new_with_options(records, Some("application/jsonl")))
    });
    html! {
        <a class="button" id="save-records" download="faults.jsonl" href={url.to_string()}
            title="One line a fault, as the command line writes them">{ "Save every fault" }</a>
    }
}

fn rates(update: &CampaignUpdate) -> Html {
    let faults = &update.faults;
    let tile = |id: &'static str, class: &'static str, text: &'static str, means: &'static str, rate: &Rate| {
        html! {
            <div class={classes!("rate", class)} id={id}>
                <span class="rate-name"><Term {text} {means} /></span>
                <span class="rate-value">{ words::percent(rate.rate) }</span>
                <span class="rate-count">{ format!("{} of {}", words::count(rate.count), words::count(rate.of)) }</span>
                <Interval rate={*rate} />
                <span class="hint">{ words::interval(rate) }</span>
            </div>
        }
    };
    html! {
        <div class="rates">
            { tile("rate-masked", "rate-masked", "Masked", words::MASKED, &faults.masked) }
            { tile("rate-sdc", "rate-sdc", "SDC", words::SDC, &faults.sdc) }
            if let Some(scm) = &faults.scm { { tile("rate-scm", "rate-scm", "SCM", words::SCM, scm) } }
            { tile("rate-due", "rate-due", "DUE", words::DUE, &faults.due) }
            if let Some(accuracy) = &update.accuracy {
                { tile("rate-accuracy", "rate-accuracy", "Golden accuracy", words::GOLDEN_RUN, accuracy) }
            }
        </div>
    }
}

#[derive(Properties, PartialEq)]
struct IntervalProps {
    rate: Rate,
}

/// A rate as a mark on a band, from 0 to 100 %.
#[component]
fn Interval(props: &IntervalProps) -> Html {
    let Rate { rate, low, high, .. } = props.rate;
    html! {
        <span class="interval" aria-hidden="true">
            <span class="interval-band" style={format!("left: {:.2}%; width: {:.2}%", low * 100.0, (high - low) * 100.0)}></span>
            <span class="interval-mark" style={format!("left: {:.2}%", rate * 100.0)}></span>
        </span>
    }
}

/// SDC rate by bit, with intervals.
fn bits(bits: &[(u8, Rate)], act: &Callback<Action>) -> Html {
    if bits.is_empty() {
        return Html::default();
    }
    html! {
        <div class="profile" id="bit-profile">
            <div class="profile-head">
                <h3>{ "SDC rate by bit" }</h3>
                <SaveChart chart="bit-chart" title="SDC rate by bit" name="sdc-by-bit" {act} />
            </div>
            <p class="hint">{ "With 95 % intervals; sign, exponent and mantissa from left to right." }</p>
            <div id="bit-chart">{ Html::from_html_unchecked(charts::bits(bits).into()) }</div>
        </div>
    }
}

/// The layers where faults most often change the answer.
fn layers(layers: &[(String, Rate)]) -> Html {
    html! {
        <div class="profile" id="layer-profile">
            <h3>{ "Most vulnerable layers" }</h3>
            <p class="hint">{ "By SDC rate, those that are surest first." }</p>
            if layers.is_empty() { <p class="empty">{ "No fault has changed an answer yet." }</p> }
            <ol class="worst">
                { for layers.iter().map(|(layer, sdc)| {
                    html! {
                        <li>
                            <span class="worst-name">{ layer }</span>
                            <span class="worst-rate">{ format!("{} ({} of {})", words::percent(sdc.rate), sdc.count, sdc.of) }</span>
                            <Interval rate={*sdc} />
                        </li>
                    }
                }) }
            </ol>
        </div>
    }
}
