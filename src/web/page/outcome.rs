//! What became of the answer.

use yew::prelude::*;

use super::Props;
use super::corruption::Corruption;
use super::follow::FollowPanel;
use super::parts::{Panel, Term};
use super::scores::Scores;
use crate::outcome::{Outcome, Verdict};
use crate::web::protocol::Injection;
use crate::web::words;

/// Badge, sentence, both answers, and the corruption by layer.
#[component]
pub fn OutcomePanel(props: &Props) -> Html {
    let Props { state, act } = props;
    let injection = state.injection_now();
    let time = injection.map(|injection| words::duration(injection.milliseconds));
    html! {
        <Panel id="outcome" title="What becomes of the answer" busy={state.injection.busy()}
            aside={html! { { for time.map(|time| html! { <span class="hint">{ time }</span> }) } }}>
            <div aria-live="polite">
                if let Some(injection) = injection { { told(injection) } } else { <Waiting /> }
            </div>
            if let Some(injection) = injection {
                <FollowPanel {state} {act} />
                { answers(injection) }
                <Corruption injection={injection.clone()} model={state.model().cloned()} act={act.clone()} />
            }
        </Panel>
    }
}

/// Before the first fault.
#[component]
fn Waiting() -> Html {
    html! {
        <div class="empty">
            <p>{ "Choose a layer, an element and a bit, then inject. One of two things happens to the predicted class:" }</p>
            <dl class="glossary">
                <dt><span class="verdict verdict-masked">{ "Masked" }</span></dt><dd>{ "it stays;" }</dd>
                <dt><span class="verdict verdict-sdc">{ "SDC" }</span></dt><dd>{ "silent data corruption: it changes, and nothing gives a warning." }</dd>
            </dl>
            <p>{ "An SDC that takes an object of a critical group for one of another group is a safety-critical misclassification, SCM. \
                Where NaN or infinity reaches the output, a system could notice: DUE, a detected unrecoverable error." }</p>
        </div>
    }
}

fn told(injection: &Injection) -> Html {
    html! {
        <>
            <p class="verdicts" id="verdict">{ verdicts(&injection.verdict) }</p>
            <p class="sentence" id="sentence">{ words::outcome(injection) }</p>
            { for injection.faults.iter().map(|fault| html! { <p class="hint" id="fault-sentence">{ words::fault(fault) }</p> }) }
        </>
    }
}

fn verdicts(verdict: &Verdict) -> Html {
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

fn answers(injection: &Injection) -> Html {
    html! {
        <div class="answers">
            <div>
                <h3><Term text="Golden run" means={words::GOLDEN_RUN} /></h3>
                <Scores scores={injection.before.clone()} label="Golden top five" marked={injection.golden.class} />
            </div>
            <div>
                <h3><Term text="Faulty run" means={words::FAULTY_RUN} /></h3>
                <Scores scores={injection.after.clone()} label="Faulty top five" marked={injection.golden.class} />
            </div>
        </div>
    }
}
