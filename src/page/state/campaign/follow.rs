//! From a fault of a campaign to the same fault in the explorer.

use facts::fault::{Format, Pattern, Site, Strike};
use protocol::{CampaignRequest, FileRef, Picture, WorstFault};

use super::super::{Effect, OWN, Order, State};
use crate::link::{Place, View};
use crate::words;

impl State {
    /// Asks for the image of this one of the worst faults, where the model has its layer.
    pub(super) fn ask_to_follow(&mut self, index: usize, effects: &mut Vec<Effect>) {
        let Some(fault) = self.campaign.profile.as_ref().and_then(|profile| profile.worst.get(index)).cloned() else {
            return;
        };
        let Some(model) = self.model().cloned() else {
            self.tell("No network is loaded; open the one of the campaign to follow its faults.".to_owned());
            return;
        };
        let layer = model.layers.iter().find(|layer| layer.name == fault.layer);
        let tensor =
            layer.and_then(|layer| layer.tensors(fault.target).iter().find(|tensor| tensor.name == fault.tensor));
        if tensor.is_none_or(|tensor| fault.element >= tensor.elements()) {
            self.tell(format!(
                "The network on the page, {}, has no element {} of layer \"{}\"; open the one of the campaign to follow its faults.",
                model.name, fault.element, fault.layer
            ));
            return;
        }
        let numbers = self.campaign.profile.as_ref().map(|profile| profile.numbers).unwrap_or_default();
        let card = &self.link.card;
        if self.campaign.running() && [card.format(), card.weight_format()] != [numbers.outputs, numbers.weights] {
            self.tell(format!(
                "This fault struck the network in {}. The explorer has it in {}, and changes that when the campaign is over.",
                words::formats([numbers.outputs, numbers.weights]),
                words::formats([card.format(), card.weight_format()])
            ));
            return;
        }
        let request = CampaignRequest::Picture {
            image: fault.image,
            images: self.campaign_images(),
            labelling: self.labelling().unwrap_or_default(),
        };
        self.order(request, Order::Follow(Box::new(fault)), effects);
    }

    pub(super) fn hear_of_picture(&mut self, fault: WorstFault, picture: Picture, effects: &mut Vec<Effect>) {
        match picture {
            Picture::File(file) => {
                let known = self.images().into_iter().find(|(_, known, _)| *known == file);
                match known {
                    Some((id, ..)) => self.strike_as(id, &fault),
                    None => self.tell(format!("The image {} is not on the page any more.", file.name)),
                }
            }
            Picture::Made { name, png } => {
                self.campaign.followed = Some(fault);
                effects.push(Effect::Picture { name, png: png.into_vec() });
            }
        }
    }

    /// The page holds the picture of an image of a data set now.
    pub(super) fn take_picture(&mut self, file: FileRef) {
        let Some(fault) = self.campaign.followed.take() else { return };
        let id = format!("{OWN}{}", file.name);
        self.own_images.retain(|known| known.name != file.name);
        self.own_images.push(file);
        self.strike_as(id, &fault);
    }

    /// Looks at a layer in the explorer.
    pub(super) fn look_at_named_layer(&mut self, name: &str) {
        let index = self.model().and_then(|model| model.layers.iter().position(|layer| layer.name == name));
        match index {
            Some(index) => {
                self.link.view = View::Explore;
                self.look_at_layer(index);
            }
            None => self.tell(format!("The network on the page has no layer \"{name}\".")),
        }
    }

    /// Strikes `image` as the campaign did, in the explorer.
    fn strike_as(&mut self, image: String, fault: &WorstFault) {
        if !self.link.set_corruption(fault.corruption) {
            self.tell(format!("The explorer cannot inject this fault: {}.", words::corruption(fault.corruption)));
            return;
        }
        let struck = self.pattern_of(fault);
        if fault.others > 0 && struck.is_none() {
            self.tell(format!(
                "This trial struck {} elements at once; the explorer follows the first of them.",
                fault.others + 1
            ));
        }
        let numbers = self.campaign.profile.as_ref().map(|profile| profile.numbers).unwrap_or_default();
        if numbers.learns() {
            self.tell(format!(
                "The explorer learns the scales of {} from the images on the page, so values can differ from those of the campaign.",
                numbers.outputs.name()
            ));
        }
        let link = &mut self.link;
        let stated = |format: Format| Some(format).filter(|format| !format.is_default());
        (link.card.format, link.card.weight_format) = (stated(numbers.outputs), stated(numbers.weights));
        link.view = View::Explore;
        link.image = Some(image);
        link.fault = Place {
            target: Some(fault.target),
            layer: Some(fault.layer.clone()),
            tensor: Some(fault.tensor.clone()),
            element: Some(fault.element),
        };
        link.pattern = struck.map(|(pattern, _)| pattern);
        link.draw = struck.filter(|(pattern, _)| pattern.is_drawn()).map(|(_, draw)| draw);
        (link.look, link.sweep) = (None, None);
        link.run = true;
        self.asked.injection.forget();
    }

    /// The pattern that strikes the elements of `fault` in the explorer, and its draw; `None` where none is found.
    fn pattern_of(&self, fault: &WorstFault) -> Option<(Pattern, u64)> {
        /// Draws that are tried: chance in a campaign has other seeds than the explorer's.
        const DRAWS: u64 = 1000;
        let pattern = self.campaign.profile.as_ref()?.pattern;
        let layer = self.model()?.layers.iter().find(|layer| layer.name == fault.layer)?;
        let tensor = layer.tensors(fault.target).iter().find(|tensor| tensor.name == fault.tensor)?;
        let site = Site {
            target: fault.target,
            layer: layer.index,
            tensor: tensor.id,
            element: fault.element,
            corruption: fault.corruption,
        };
        let strikes = |&seed: &u64| {
            let elements = Strike { site, pattern, seed }.elements(&tensor.name, &tensor.shape, &tensor.layout);
            elements.is_ok_and(|elements| elements == fault.alike)
        };
        let draws = if pattern.is_drawn() { DRAWS } else { 1 };
        let found = (!fault.alike.is_empty()).then(|| (0..draws).find(strikes)).flatten()?;
        Some((pattern, found))
    }
}
