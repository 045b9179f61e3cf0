//! The outcome of the fault: the answer before and after, badge and sentence, and the same fault under a protection.

use facts::outcome::Outcome;
use protocol::Injection;
use yew::prelude::*;

use super::Props;
use super::parts::{Panel, verdicts};
use super::protect::ProtectCard;
use crate::state::State;
use crate::words;

/// The answer without and with the fault, and the verdict on it.
#[component]
pub fn OutcomePanel(props: &Props) -> Html {
    let Props { state, act } = props;
    let injection = state.injection_now();
    let time = injection.map(|injection| words::duration(injection.milliseconds));
    html! {
        <Panel id="outcome" title="The answer" busy={state.asked.injection.busy()}
            aside={html! { { for time.map(|time| html! { <span class="hint">{ time }</span> }) } }}>
            { turn(state) }
            <div aria-live="polite">
                if let Some(injection) = injection { { told(injection) } } else { <Waiting /> }
            </div>
            if injection.is_some() { <ProtectCard {state} {act} /> }
        </Panel>
    }
}

/// The answers before and after, side by side.
fn turn(state: &State) -> Html {
    let before = state.golden_now().and_then(|golden| golden.top.first());
    let before = before.map(|score| (score.label.clone(), score.probability));
    let injection = state.injection_now();
    let after = injection.map(|injection| {
        let Injection { faulty, after, .. } = &**injection;
        let score = after.iter().find(|score| score.class == faulty.class);
        (faulty.label.clone(), score.map_or(f32::NAN, |score| score.probability))
    });
    let class = injection.map(|injection| match (injection.verdict.scm, injection.verdict.outcome) {
        (Some(true), _) => "turn-scm",
        (_, Outcome::Sdc) => "turn-sdc",
        (_, Outcome::Masked) => "turn-masked",
    });
    html! {
        <div class={classes!("turn", class)} id="turn">
            { answer("before", "Without fault", before) }
            <span class="turn-arrow" aria-hidden="true">{ "→" }</span>
            { answer("after", "With fault", after) }
        </div>
    }
}

/// One answer: the class and its probability.
fn answer(id: &'static str, title: &'static str, class: Option<(String, f32)>) -> Html {
    let Some((label, probability)) = class else {
        return html! {
            <div class="turn-side" id={id}>
                <span class="turn-title">{ title }</span><span class="turn-class turn-open">{ "?" }</span>
            </div>
        };
    };
    let share = if probability.is_finite() { probability.clamp(0.0, 1.0) } else { 0.0 };
    html! {
        <div class="turn-side" id={id}>
            <span class="turn-title">{ title }</span>
            <span class="turn-class" title={label.clone()}>{ label }</span>
            <span class="turn-share">{ words::percent(f64::from(probability)) }</span>
            <span class="bar" aria-hidden="true"><span style={format!("width: {:.2}%", share * 100.0)}></span></span>
        </div>
    }
}

/// Before the first fault.
#[component]
fn Waiting() -> Html {
    html! {
        <div class="empty">
            <p>{ "Click a bit, or inject. One of two things happens to the predicted class:" }</p>
            <dl class="glossary">
                <dt><span class="verdict verdict-masked">{ "Masked" }</span></dt><dd>{ "it stays;" }</dd>
                <dt><span class="verdict verdict-sdc">{ "SDC" }</span></dt><dd>{ "silent data corruption: it changes, and nothing gives a warning." }</dd>
            </dl>
        </div>
    }
}

fn told(injection: &Injection) -> Html {
    html! {
        <>
            <p class="verdicts" id="verdict">{ verdicts(&injection.verdict) }</p>
            <p class="sentence" id="sentence">{ words::outcome(injection) }</p>
            if let Some(struck) = words::struck(injection) { <p class="hint" id="fault-sentence">{ struck }</p> }
        </>
    }
}
