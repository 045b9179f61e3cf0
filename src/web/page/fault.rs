//! What the fault does to the value, and the button that does it.

use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::Props;
use super::bits::Bits;
use super::parts::{Choice, Panel};
use crate::web::link::Kind;
use crate::web::state::{Action, State};
use crate::web::words;

/// Kind of fault, bit, and the button.
#[component]
pub fn FaultPanel(props: &Props) -> Html {
    let Props { state, act } = props;
    let kinds = Kind::ALL.map(|(kind, _)| kind);
    let options = vec![
        ("Bit flip".into(), "One bit of the stored number is inverted, as a particle strike does".into()),
        ("Zero".into(), "The value becomes 0".into()),
        ("Random".into(), "The value becomes a number from 0 up to 1".into()),
    ];
    let chosen = kinds.iter().position(|&kind| kind == state.kind()).unwrap_or(0);
    let choose = act.reform(move |index: usize| Action::ChooseKind(kinds[index]));
    let ready = state.golden_now().is_some() && state.site().is_some();
    let busy = state.injection.busy();
    html! {
        <Panel id="fault" title="What happens to the value" aside={html! {
            <Choice id="kind" label="Kind of fault" {options} {chosen} {choose} />
        }}>
            <div class="fault-body">
                { corruption(state, act) }
                <button type="button" class="button button-primary" id="inject" disabled={!ready || busy}
                    onclick={act.reform(|_| Action::Inject)}>
                    { if busy { "Running…" } else { "Inject fault" } }
                </button>
            </div>
        </Panel>
    }
}

fn corruption(state: &State, act: &Callback<Action>) -> Html {
    let value = state.golden_value();
    match state.kind() {
        Kind::BitFlip => html! { <Bits {value} chosen={state.bit()} choose={act.reform(Action::ChooseBit)} /> },
        Kind::Zero => change(value, 0.0),
        Kind::Random => {
            let tell = act.clone();
            let onchange = Callback::from(move |event: Event| {
                let text = event.target_unchecked_into::<HtmlInputElement>().value();
                tell.emit(match text.trim().parse::<f32>() {
                    Ok(value) if (0.0..1.0).contains(&value) => Action::ChooseValue(value),
                    _ => Action::Tell(format!("A random fault writes a number from 0 up to 1; \"{text}\" is none.")),
                });
            });
            let draw = act
                .reform(|_: MouseEvent| Action::ChooseValue((js_sys::Math::random() as f32).min(1.0 - f32::EPSILON)));
            html! {
                <div class="fault-random">
                    <div class="field field-inline">
                        <label for="value">{ "New value" }</label>
                        <input id="value" type="number" min="0" max="1" step="any" value={state.value().to_string()} {onchange} />
                        <button type="button" class="button button-quiet" onclick={draw}>{ "Draw" }</button>
                    </div>
                    { change(value, state.value()) }
                </div>
            }
        }
    }
}

fn change(value: Option<f32>, after: f32) -> Html {
    html! {
        <p class="bit-preview" id="bit-preview">
            <span class="bit-change">
                { value.map_or_else(|| "?".to_owned(), words::number) }<span class="arrow">{ " → " }</span>
                <strong>{ words::number(after) }</strong>
            </span>
        </p>
    }
}
