//! Which layers the campaign strikes: all, those of a kind, or one by one.

use std::collections::BTreeMap;

use facts::graph::NodeId;
use protocol::LayerInfo;
use yew::prelude::*;

use super::super::Props;
use super::super::parts::use_unfolded;
use crate::state::{Action, CampaignAction};
use crate::words;

/// A list to open, with a box to tick for each layer.
#[component]
pub fn LayersField(props: &Props) -> Html {
    let Props { state, act } = props;
    let (open, toggle) = use_unfolded();
    let layers = state.campaign_layers();
    let set = |indices: Vec<NodeId>, strike: bool| {
        act.reform(move |_: MouseEvent| Action::Campaign(CampaignAction::Strike(indices.clone(), strike)))
    };
    let all: Vec<NodeId> = layers.iter().map(|(layer, _)| layer.index).collect();
    html! {
        <details class="layer-choice" id="campaign-layers" ontoggle={toggle}>
            <summary><span class="label">{ "Layers" }</span><span class="layer-choice-sum">{ summary(&layers) }</span></summary>
            if open {
                <div class="layer-choice-kinds" role="group" aria-label="Layers of a kind">
                    <button type="button" class="choice" onclick={set(all.clone(), true)}>{ "All" }</button>
                    <button type="button" class="choice" onclick={set(all, false)}>{ "None" }</button>
                    { for kinds(&layers).into_iter().map(|(kind, (indices, struck))| {
                        let title = format!("Strike the layers of kind {kind}, or leave them out");
                        let text = format!("{kind} {}", indices.len());
                        html! {
                            <button type="button" class={classes!("choice", struck.then_some("chosen"))} aria-pressed={struck.to_string()}
                                {title} onclick={set(indices, !struck)}>{ text }</button>
                        }
                    }) }
                </div>
                <ul class="layer-choice-list" tabindex="0" aria-label="Layers">
                    { for layers.iter().map(|(layer, struck)| html! {
                        <li key={layer.index}>
                            <label>
                                <input type="checkbox" checked={*struck} onclick={set(vec![layer.index], !struck)} />
                                <span class="layer-choice-name">{ &layer.name }</span>
                                <span class="layer-choice-kind">{ &layer.kind }</span>
                            </label>
                        </li>
                    }) }
                </ul>
            }
        </details>
    }
}

/// The layers of each kind, and whether all of them are struck.
fn kinds<'a>(layers: &[(&'a LayerInfo, bool)]) -> BTreeMap<&'a str, (Vec<NodeId>, bool)> {
    let mut kinds = BTreeMap::new();
    for (layer, struck) in layers {
        let (indices, all) = kinds.entry(layer.kind.as_str()).or_insert((Vec::new(), true));
        indices.push(layer.index);
        *all &= *struck;
    }
    kinds
}

fn summary(layers: &[(&LayerInfo, bool)]) -> String {
    let struck: Vec<_> = layers.iter().filter(|(_, struck)| *struck).map(|(layer, _)| layer.name.as_str()).collect();
    match struck[..] {
        [] if layers.is_empty() => "of the network".to_owned(),
        [] => "none: choose at least one".to_owned(),
        [only] => only.to_owned(),
        _ if struck.len() == layers.len() => format!("all {}", words::count(layers.len() as u64)),
        _ => format!("{} of {}", words::count(struck.len() as u64), words::count(layers.len() as u64)),
    }
}
