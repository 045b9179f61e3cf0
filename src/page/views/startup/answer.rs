//! What the network's output means: which output is the answer, where a binary network's classes part, and what its file leaves
//! to the user.

use facts::Question;
use facts::answer::Threshold;
use facts::data::InputSize;
use web_sys::HtmlSelectElement;
use yew::prelude::*;

use super::super::Props;
use super::card::text;
use crate::state::{Action, State};

/// The question that the network's file leaves open, or what its output means.
#[component]
pub fn AnswerPanel(props: &Props) -> Html {
    let Props { state, act } = props;
    match (state.question(), state.model()) {
        (Some(question), _) => html! {
            <div id="question">
                { match question {
                    Question::Output { outputs } => {
                        let options = outputs.iter().map(|output| {
                            (output.name.clone(), format!("{} ({})", output.name, output.shape))
                        });
                        output(options.collect(), None, act)
                    }
                    Question::InputSize => input_size(String::new(), act),
                } }
            </div>
        },
        (None, Some(model)) => html! {
            <div id="answer">
                <p class="hint" id="answer-meaning">{ format!("Output “{}”: {}.", model.answer.output, model.answer.meaning) }</p>
                if model.answer.outputs.len() > 1 {
                    { output(names(state), Some(&model.answer.output), act) }
                }
                if let Some(used) = model.answer.threshold { { threshold(used, act) } }
            </div>
        },
        (None, None) => Html::default(),
    }
}

/// The outputs of the network's file, each as value and label.
fn names(state: &State) -> Vec<(String, String)> {
    let outputs = state.model().into_iter().flat_map(|model| &model.answer.outputs);
    outputs.map(|name| (name.clone(), name.clone())).collect()
}

/// The output that is the answer. Where none is in use, one has to be chosen.
fn output(options: Vec<(String, String)>, used: Option<&String>, act: &Callback<Action>) -> Html {
    let onchange = act.reform(|event: Event| {
        let name = event.target_unchecked_into::<HtmlSelectElement>().value();
        Action::choose(move |link| link.card.output = (!name.is_empty()).then(|| name.clone()))
    });
    html! {
        <div class="field">
            <label for="output">{ "Output that is the answer" }</label>
            <select id="output" {onchange}>
                if used.is_none() { <option value="" selected=true>{ "Choose one" }</option> }
                { for options.into_iter().map(|(name, label)| {
                    let selected = used == Some(&name);
                    html! { <option value={name} {selected}>{ label }</option> }
                }) }
            </select>
        </div>
    }
}

/// The probability of class 1 above which the answer is class 1.
fn threshold(used: Threshold, act: &Callback<Action>) -> Html {
    text(
        (
            "threshold",
            "Threshold",
            "Probability of class 1 above which the answer is class 1, also where the output is a logit",
            "",
        ),
        used.to_string(),
        act,
        |card, threshold| card.threshold = threshold,
    )
}

/// The height and width of the input, where the file leaves them open.
pub(super) fn input_size(value: String, act: &Callback<Action>) -> Html {
    text(
        ("input-size", "Input size", "Height and width of the input in pixels: 224x224", "224x224"),
        value,
        act,
        |card, size: Option<InputSize>| card.input_size = size,
    )
}
