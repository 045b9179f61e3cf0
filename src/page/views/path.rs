//! The effect of the fault: both answers class by class, and the corruption by layer.

use std::rc::Rc;

use protocol::{ClassScores, Injection};
use yew::prelude::*;

use super::Props;
use super::corruption::Corruption;
use super::export::save;
use super::parts::{Panel, Term};
use crate::{tables, words};

/// What the fault did on its way to the answer.
#[component]
pub fn PathPanel(props: &Props) -> Html {
    let Props { state, act } = props;
    let Some(injection) = state.injection_now() else { return Html::default() };
    html! {
        <Panel id="path" title="What the fault did" busy={state.asked.injection.busy()}>
            { answers(injection) }
            <Corruption injection={injection.clone()} model={state.model().cloned()} act={act.clone()} />
            { take(injection) }
        </Panel>
    }
}
/// The fault as files.
fn take(injection: &Rc<Injection>) -> Html {
    let json = {
        let injection = injection.clone();
        Callback::from(move |_: MouseEvent| {
            let link = gloo::utils::window().location().href().unwrap_or_default();
            save("fault.json", "application/json", tables::fault_json(&injection, &link).as_bytes());
        })
    };
    let csv = {
        let injection = injection.clone();
        Callback::from(move |_: MouseEvent| save("trace.csv", "text/csv", tables::trace_csv(&injection).as_bytes()))
    };
    html! {
        <div class="take" role="group" aria-label="Save this fault">
            <button type="button" class="button" id="save-fault" onclick={json}
                title="The fault, both answers, the corruption layer by layer and the link">{ "Save as JSON" }</button>
            <button type="button" class="button" id="save-trace" onclick={csv}
                title="The corruption layer by layer">{ "Save the layers as CSV" }</button>
        </div>
    }
}

/// Both answers, class by class.
fn answers(injection: &Injection) -> Html {
    html! {
        <div class="answers" id="answers">
            <table>
                <caption class="visually-hidden">{ "Probability of the likeliest classes in both runs" }</caption>
                <thead><tr>
                    <th scope="col">{ "Class" }</th>
                    <th scope="col"><Term text="Golden run" means={words::GOLDEN_RUN} /></th>
                    <th scope="col"><Term text="Faulty run" means={words::FAULTY_RUN} /></th>
                </tr></thead>
                <tbody>{ for injection.classes().into_iter().map(|row| answer(injection, &row)) }</tbody>
            </table>
        </div>
    }
}

fn answer(injection: &Injection, row: &ClassScores) -> Html {
    let cell = |probability: Option<f32>, winner: bool, class: &'static str| {
        let share = probability.filter(|probability| probability.is_finite()).unwrap_or(0.0).clamp(0.0, 1.0);
        let text = probability.map_or_else(|| "–".to_owned(), |probability| words::percent(f64::from(probability)));
        html! {
            <td class={classes!("answer", class, winner.then_some("winner"))}>
                { text }<span class="bar" aria-hidden="true"><span style={format!("width: {:.2}%", share * 100.0)}></span></span>
            </td>
        }
    };
    html! {
        <tr key={row.class}>
            <th scope="row" title={format!("class {}", row.class)}>{ &row.label }</th>
            { cell(row.golden, row.class == injection.golden.class, "answer-golden") }
            { cell(row.faulty, row.class == injection.faulty.class, "answer-faulty") }
        </tr>
    }
}
