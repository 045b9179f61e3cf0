//! Which layers the campaign strikes.

use std::collections::BTreeSet;

use facts::graph::NodeId;
use protocol::LayerInfo;

use super::super::State;

impl State {
    /// The layers that faults of the campaign's target can strike, each with whether the campaign does.
    pub fn campaign_layers(&self) -> Vec<(&LayerInfo, bool)> {
        let link = &self.link.campaign;
        let target = link.target();
        let named: Option<BTreeSet<&str>> =
            link.layers.as_ref().map(|names| names.iter().map(String::as_str).collect());
        let layers = self.model().into_iter().flat_map(|model| &model.layers);
        layers
            .filter(|layer| !layer.tensors(target).is_empty())
            .map(|layer| {
                let usual = || layer.is_drawn_from(target);
                (layer, named.as_ref().map_or_else(usual, |names| names.contains(layer.name.as_str())))
            })
            .collect()
    }

    /// Lets the campaign strike these layers, or leave them out.
    pub(super) fn strike_layers(&mut self, layers: &[NodeId], strike: bool) {
        self.set_layers(|layer, struck| if layers.contains(&layer.index) { strike } else { struck });
    }

    /// Asks `strike` for each layer whether the campaign strikes it; the argument is whether it did so far.
    fn set_layers(&mut self, strike: impl Fn(&LayerInfo, bool) -> bool) {
        let target = self.link.campaign.target();
        let layers = self.campaign_layers().into_iter().map(|(layer, struck)| (layer, strike(layer, struck)));
        let layers: Vec<_> = layers.collect();
        let usual = layers.iter().all(|(layer, struck)| *struck == layer.is_drawn_from(target));
        let names = layers.iter().filter(|(_, struck)| *struck).map(|(layer, _)| layer.name.clone()).collect();
        self.link.campaign.layers = (!usual).then_some(names);
    }

    /// Leaves out the layers that the model does not have, or that faults of the target cannot strike. A link may also
    /// count them.
    pub(super) fn match_layers(&mut self) {
        let Some(named) = self.link.campaign.layers.take() else { return };
        let there = self.campaign_layers();
        let known = |name: &String| {
            let found = there.iter().find(|(layer, _)| layer.name == *name);
            let found = found.or_else(|| there.iter().find(|(layer, _)| layer.index.to_string() == *name));
            found.map(|(layer, _)| layer.index).ok_or_else(|| name.clone())
        };
        let (layers, missing): (Vec<_>, Vec<_>) = named.iter().map(known).partition(Result::is_ok);
        let layers: Vec<_> = layers.into_iter().flatten().collect();
        if let Some(Err(name)) = missing.first() {
            let more = if missing.len() > 1 { format!(" and {} more", missing.len() - 1) } else { String::new() };
            self.tell(format!("The campaign cannot strike the layer “{name}”{more}; it goes on without."));
        }
        if !layers.is_empty() {
            self.set_layers(|layer, _| layers.contains(&layer.index));
        }
    }
}
