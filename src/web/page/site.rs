//! Where the fault strikes: target, layer, tensor, element.

use std::rc::Rc;

use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use super::feature_map::FeatureMap;
use super::layers::Layers;
use super::parts::{Choice, Panel};
use crate::fault::Target;
use crate::web::state::{Action, State};
use crate::web::words;

#[derive(Properties, PartialEq)]
pub struct SiteProps {
    pub state: Rc<State>,
    pub act: Callback<Action>,
    /// Whether the page is dark.
    pub dark: bool,
}

/// Where the fault strikes.
#[component]
pub fn SitePanel(props: &SiteProps) -> Html {
    let SiteProps { state, act, dark } = props;
    let targets = [Target::Activation, Target::Weight];
    let options = vec![
        ("Activation".into(), "A layer's output, wrong for this one image".into()),
        ("Weight".into(), "A stored parameter, wrong for every image from now on".into()),
    ];
    let chosen = targets.iter().position(|&target| target == state.target()).unwrap_or(0);
    let choose = act.reform(move |index: usize| Action::ChooseTarget(targets[index]));
    html! {
        <Panel id="site" title="Where the fault strikes" aside={html! {
            <Choice id="target" label="Target" {options} {chosen} {choose} />
        }}>
            <div class="site-grid">
                <Layers {state} {act} />
                <div class="site-map">
                    { place(state, act) }
                    <FeatureMap {state} {act} {dark} />
                </div>
            </div>
        </Panel>
    }
}

/// Layer, tensor and element in words and as inputs.
fn place(state: &State, act: &Callback<Action>) -> Html {
    let Some((layer, tensor)) = state.layer().zip(state.tensor()) else {
        return html! { <p class="hint">{ "The layers appear when the network is loaded." }</p> };
    };
    let tensors = layer.tensors(state.target());
    let element = state.element().unwrap_or(0);
    let last = tensor.elements().saturating_sub(1);
    let act_element = act.clone();
    let onchange = Callback::from(move |event: Event| {
        let input: HtmlInputElement = event.target_unchecked_into();
        let text = input.value();
        act_element.emit(match text.trim().parse::<usize>() {
            Ok(element) => Action::ChooseElement(element),
            Err(_) => Action::Tell(format!("An element is a whole number from 0 to {last}; \"{text}\" is none.")),
        });
    });
    let choose_tensor = act.reform(|event: Event| {
        let index = event.target_unchecked_into::<HtmlSelectElement>().selected_index();
        Action::ChooseTensor(usize::try_from(index).unwrap_or(0))
    });
    html! {
        <div class="place">
            <p class="place-layer" id="layer-name">
                <strong>{ &layer.name }</strong>
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
                <input id="element" type="number" min="0" max={last.to_string()} value={element.to_string()} {onchange} />
                <span class="hint">{ format!("of {}", words::count(tensor.elements() as u64)) }</span>
            </div>
        </div>
    }
}
