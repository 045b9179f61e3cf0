//! The list of layers.

use std::collections::HashMap;

use facts::fault::Target;
use protocol::{LayerInfo, ModelInfo};
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, HtmlInputElement};
use yew::prelude::*;

use super::Props;
use crate::state::Action;
use crate::words;

/// The layers, to be filtered and chosen, with the corruption of the last fault.
#[component]
pub fn Layers(props: &Props) -> Html {
    let Props { state, act } = props;
    let filter = use_state(String::new);
    let list = use_node_ref();
    let target = state.target();
    let chosen = state.layer().map(|layer| layer.index);
    {
        let list = list.clone();
        use_effect_with((chosen, state.model().is_some()), move |_| {
            if let Some(list) = list.cast::<HtmlElement>() {
                show_chosen(&list);
            }
        });
    }
    let Some(model) = state.model() else {
        return html! { <div class="layers"><div class="skeleton-lines"><i></i><i></i><i></i><i></i><i></i><i></i></div></div> };
    };
    let oninput = {
        let filter = filter.clone();
        Callback::from(move |event: InputEvent| filter.set(event.target_unchecked_into::<HtmlInputElement>().value()))
    };
    let shown = matching(model, &filter);
    let corruption: HashMap<&str, f64> = state
        .injection_now()
        .map(|injection| {
            let rows = injection.trace.iter();
            rows.map(|row| (row.layer.as_str(), row.changed as f64 / row.elements.max(1) as f64)).collect()
        })
        .unwrap_or_default();
    let usable: Vec<usize> =
        shown.iter().filter(|layer| !layer.tensors(target).is_empty()).map(|layer| layer.index).collect();
    let onkeydown = {
        let act = act.clone();
        Callback::from(move |event: KeyboardEvent| {
            let at = usable.iter().position(|&index| Some(index) == chosen);
            let to = match (event.key().as_str(), at) {
                ("ArrowDown", Some(at)) => usable.get(at + 1),
                ("ArrowUp", Some(at)) => at.checked_sub(1).and_then(|at| usable.get(at)),
                ("Home", _) | ("ArrowDown" | "ArrowUp", None) => usable.first(),
                ("End", _) => usable.last(),
                _ => return,
            };
            event.prevent_default();
            if let Some(&to) = to {
                act.emit(Action::ChooseLayer(to));
            }
        })
    };
    let rows = shown.iter().map(|layer| row(layer, target, chosen, corruption.get(layer.name.as_str()).copied(), act));
    html! {
        <div class="layers">
            <label class="visually-hidden" for="layer-filter">{ "Filter the layers by name or kind" }</label>
            <input id="layer-filter" type="search" placeholder="Filter layers" value={(*filter).clone()} {oninput} />
            <div class="layer-list" role="listbox" aria-label="Layers" tabindex="0" ref={list} {onkeydown}
                aria-activedescendant={chosen.map(|index| format!("layer-{index}"))}>
                { for rows }
                if shown.is_empty() { <p class="hint empty">{ "No layer matches." }</p> }
            </div>
            <p class="hint">{ format!("{} of {} layers", shown.len(), model.layers.len()) }</p>
        </div>
    }
}

fn row(
    layer: &LayerInfo,
    target: Target,
    chosen: Option<usize>,
    corruption: Option<f64>,
    act: &Callback<Action>,
) -> Html {
    let index = layer.index;
    let usable = !layer.tensors(target).is_empty();
    let chosen = chosen == Some(index);
    let title = match (usable, target) {
        (true, _) => layer.name.clone(),
        (false, Target::Activation) => format!("{}: does not depend on the image", layer.name),
        (false, Target::Weight) => format!("{}: has no weights", layer.name),
        (false, Target::Input | Target::Metadata) => format!("{}: the explorer cannot inject such faults", layer.name),
    };
    let onclick = usable.then(|| act.reform(move |_: MouseEvent| Action::ChooseLayer(index)));
    html! {
        <div id={format!("layer-{index}")} key={index} data-layer={index.to_string()} role="option" class={classes!("layer", chosen.then_some("chosen"))}
            aria-selected={chosen.to_string()} aria-disabled={(!usable).to_string()} {title} {onclick}>
            <span class="layer-index">{ index }</span>
            <span class="layer-name">{ &layer.name }</span>
            <span class="layer-kind">{ &layer.kind }</span>
            <span class="layer-shape">{ words::shape(layer.shape.get(1..).unwrap_or_default()) }</span>
            if let Some(share) = corruption {
                <span class="layer-corruption" title={format!("{} of its elements changed", words::percent(share))}>
                    <span style={format!("width: {:.1}%", (share * 100.0).clamp(2.0, 100.0))}></span>
                </span>
            }
        </div>
    }
}

fn matching<'a>(model: &'a ModelInfo, filter: &str) -> Vec<&'a LayerInfo> {
    let wanted = filter.trim().to_lowercase();
    let matches = |layer: &&LayerInfo| {
        wanted.is_empty()
            || layer.name.to_lowercase().contains(&wanted)
            || layer.kind.to_lowercase().contains(&wanted)
            || layer.index.to_string() == wanted
    };
    model.layers.iter().filter(matches).collect()
}

/// Scrolls the list, and only the list, so that the chosen layer is in it.
fn show_chosen(list: &HtmlElement) {
    let chosen = list.query_selector("[aria-selected=true]").ok().flatten();
    if let Some(row) = chosen.and_then(|row| row.dyn_into::<HtmlElement>().ok()) {
        let (top, height) = (row.offset_top(), row.offset_height());
        if top < list.scroll_top() || top + height > list.scroll_top() + list.client_height() {
            list.set_scroll_top(top - list.client_height() / 2 + height / 2);
        }
    }
}
