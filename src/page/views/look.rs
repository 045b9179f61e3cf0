//! The layer that is looked at: its description, its values, and the trials around one of them.

use std::rc::Rc;

use facts::fault::Target;
use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use super::danger::danger;
use super::maps::Maps;
use super::parts::{Choice, Panel};
use super::sweep::SweepPanel;
use crate::state::{Action, State};
use crate::words;

#[derive(Properties, PartialEq)]
pub struct LookProps {
    pub state: Rc<State>,
    pub act: Callback<Action>,
    /// Whether the page is dark.
    pub dark: bool,
}

/// The layer that is looked at.
#[component]
pub fn LookPanel(props: &LookProps) -> Html {
    let LookProps { state, act, dark } = props;
    let targets = [Target::Activation, Target::Weight];
    let options = vec![
        ("Activation".into(), "The layer's output: a fault in it is wrong for this one image".into()),
        ("Weight".into(), "Its stored parameters: a fault in them is wrong for every image from now on".into()),
    ];
    let chosen = targets.iter().position(|&target| target == state.target()).unwrap_or(0);
    let choose = act.reform(move |index: usize| Action::ChooseTarget(targets[index]));
    html! {
        <Panel id="look" title="The layer and its values" busy={state.asked.view.busy()} aside={html! {
            <Choice id="target" label="Side of the layer" {options} {chosen} {choose} />
        }}>
            <div class="look">
                { place(state, act) }
                <Maps {state} {act} {dark} />
                { danger(state, act) }
                <SweepPanel {state} {act} {dark} />
            </div>
        </Panel>
    }
}

/// Layer, tensor and element in words and as inputs.
fn place(state: &State, act: &Callback<Action>) -> Html {
    let Some(looked) = state.looked() else {
        return html! { <p class="hint">{ "The layers appear when the network is loaded." }</p> };
    };
    let (layer, tensor) = (looked.layer, looked.tensor);
    let tensors = layer.tensors(looked.target);
    let last = tensor.elements().saturating_sub(1);
    let act_element = act.clone();
    let onchange = Callback::from(move |event: Event| {
        let input: HtmlInputElement = event.target_unchecked_into();
        let text = input.value();
        act_element.emit(match text.trim().parse::<usize>() {
            Ok(element) if element <= last => Action::ChooseElement(element),
            _ => Action::Tell(format!("An element is a whole number from 0 to {last}; \"{text}\" is none.")),
        });
    });
    let choose_tensor = act.reform(|event: Event| {
        let index = event.target_unchecked_into::<HtmlSelectElement>().selected_index();
        Action::ChooseTensor(usize::try_from(index).unwrap_or(0))
    });
    html! {
        <div class="place">
            <p class="place-layer" id="layer-name">
                <strong data-layer={layer.index.to_string()}>{ &layer.name }</strong>
                <span class="hint">{ format!("{}, {}", layer.kind, words::shape(&tensor.source_shape())) }</span>
            </p>
            if tensors.len() > 1 {
                <div class="field field-inline">
                    <label for="tensor">{ "Tensor" }</label>
                    <select id="tensor" onchange={choose_tensor}>
                        { for tensors.iter().map(|known| html! {
                            <option selected={known.id == tensor.id}>{ format!("{} ({})", known.name, words::shape(&known.source_shape())) }</option>
                        }) }
                    </select>
                </div>
            }
            <div class="field field-inline">
                <label for="element">{ "Element" }</label>
                <input id="element" type="number" min="0" max={last.to_string()} value={looked.element.to_string()} {onchange} />
                <span class="hint">{ format!("of {}", words::count(tensor.elements() as u64)) }</span>
            </div>
        </div>
    }
}
