//! The description of the layer under the mouse.

use protocol::{LayerInfo, ModelInfo};
use yew::prelude::*;

use super::props::Same;
use crate::diagram::{Network, Paint};
use crate::views::hover::use_hovered;
use crate::words;

#[derive(Properties, PartialEq)]
pub struct ReadoutProps {
    pub model: Same<ModelInfo>,
    pub network: Same<Network>,
    pub paint: Same<Paint>,
    /// The layer to describe while the mouse is elsewhere.
    pub looked: Option<usize>,
}

/// One line of text. A movement of the mouse redraws only this component.
#[component]
pub fn Readout(props: &ReadoutProps) -> Html {
    let ReadoutProps { model, network, paint, looked } = props;
    let hovered = use_hovered();
    let layers = if hovered.is_empty() { looked.as_slice() } else { &hovered[..] };
    let text = match layers {
        [] => "Point at a layer to read its name and shape.".to_owned(),
        layers => describe(&model.0, &network.0, &paint.0, layers),
    };
    html! { <p class="readout-line net-readout" id="net-readout">{ text }</p> }
}

/// Returns the description of a box: kind, name, shape, and the meaning of its colour.
pub fn describe(model: &ModelInfo, network: &Network, paint: &Paint, layers: &[usize]) -> String {
    let infos: Vec<&LayerInfo> = layers.iter().filter_map(|&layer| model.layers.get(layer)).collect();
    let Some((first, last)) = infos.first().zip(infos.last()) else { return String::new() };
    let (_, colour) = paint.tone(model, layers);
    let colour = if colour.is_empty() { colour } else { format!("; {colour}") };
    let parameters: usize = infos.iter().flat_map(|info| &info.parameters).map(|parameter| parameter.elements()).sum();
    let parameters = match parameters {
        0 => String::new(),
        count => format!(", {} parameters", words::count(count as u64)),
    };
    let shape = words::shape(last.shape.get(1..).unwrap_or_default());
    if infos.len() == 1 {
        return format!("{}, {} (layer {}), {shape}{parameters}{colour}", first.name, first.kind, first.index);
    }
    let title = network.block_of[first.index].map_or("Block", |block| &network.blocks[block].title);
    let (from, to) = (first.index, last.index);
    format!("{title}, folded: {} layers ({from} to {to}), {shape}{parameters}{colour}", infos.len())
}
