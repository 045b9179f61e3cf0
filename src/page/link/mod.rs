//! What a link holds: everything that is needed to see the same fault again.
//!
//! The link is the part of the URL after `#`, written like a query: `#model=efficientnet-lite0&image=...`. What
//! comes in is checked field by field; what does not hold is left out, with a sentence that says so.

mod campaign;
mod card;
mod place;
#[cfg(test)]
mod tests;

use form_urlencoded::Serializer;

pub use campaign::{CampaignLink, Counting, MARGINS, MAX_FAULTS, MAX_IMAGES};
pub use card::CardChoice;
pub use place::Place;

use facts::fault::{FaultKind, Format};
use facts::{DeviceChoice, Name, Named};
use protocol::Which;

/// Longest name that a link may hold.
const MAX_NAME: usize = 300;
/// Steps of the lesson.
pub const STEPS: usize = 11;

/// What colours the layers of the diagram.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colouring {
    /// What sort of layer it is.
    #[default]
    Kind,
    /// How many elements its output has.
    Size,
    /// The rate of SDCs that the last campaign measured.
    Vulnerability,
    /// How much of its output the fault has changed.
    Corruption,
}

impl Named for Colouring {
    const ALL: &'static [(Self, Name)] = &[
        (Self::Kind, Name::new("kind", "Kind", "What each layer computes")),
        (Self::Size, Name::new("size", "Size", "How many elements each layer puts out")),
        (
            Self::Vulnerability,
            Name::new(
                "vulnerability",
                "SDC rate",
                "How often a fault in the layer changes the answer, as the last campaign measured it",
            ),
        ),
        (
            Self::Corruption,
            Name::new("corruption", "Corruption", "How much of each layer's output the fault has changed"),
        ),
    ];
}

/// The part of the page that is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum View {
    /// One fault.
    #[default]
    Explore,
    /// Many faults.
    Campaign,
}

impl Named for View {
    const ALL: &'static [(Self, Name)] = &[
        (Self::Explore, Name::new("explore", "Explore", "One fault, looked at closely")),
        (Self::Campaign, Name::new("campaign", "Campaign", "Many faults, counted")),
    ];
}

/// Many trials around one fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sweep {
    /// Each bit of the element.
    Bits,
    /// The same corruption in each element of the element's plane.
    Map,
    /// The same fault in each image.
    Images,
}

impl Named for Sweep {
    const ALL: &'static [(Self, Name)] = &[
        (Self::Bits, Name::new("bits", "Every bit", "Each bit of the element")),
        (Self::Map, Name::new("map", "Every element of the map", "The same corruption in each element of the plane")),
        (Self::Images, Name::new("images", "Every image", "The same fault in each image")),
    ];
}

/// What the colours of a feature map are measured against.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scale {
    /// The largest value of the map on show.
    Map,
    /// That of the whole tensor.
    #[default]
    Layer,
    /// That of all layers.
    Network,
}

impl Named for Scale {
    const ALL: &'static [(Self, Name)] = &[
        (Self::Map, Name::new("map", "Map", "The largest value of the map on show")),
        (Self::Layer, Name::new("layer", "Layer", "The largest value of the tensor")),
        (Self::Network, Name::new("network", "Network", "The largest value of all layers")),
    ];
}

/// The contents of a link. What is `None` is left to the page's defaults.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Link {
    /// The part of the page that is shown.
    pub view: View,
    /// Id of a model of the catalogue, or `file:NAME`.
    pub model: Option<String>,
    /// File name of a sample, or `file:NAME`.
    pub image: Option<String>,
    /// What is said of the model beside its file.
    pub card: CardChoice,
    /// Where to compute.
    pub device: Option<DeviceChoice>,
    /// Where the fault strikes.
    pub fault: Place,
    /// What is looked at, where that is another place.
    pub look: Option<Place>,
    /// What happens to the value.
    pub kind: Option<FaultKind>,
    /// The bit that flips.
    pub bit: Option<u8>,
    /// The value that a random fault writes.
    pub value: Option<f32>,
    /// Inject on opening.
    pub run: bool,
    /// Trials around the fault.
    pub sweep: Option<Sweep>,
    /// What the colours of the feature maps are measured against.
    pub scale: Scale,
    /// Whose values the small maps show.
    pub which: Option<Which>,
    /// What colours the layers of the diagram.
    pub colouring: Colouring,
    /// The campaign.
    pub campaign: CampaignLink,
    /// Show what range clipping makes of the fault.
    pub protect: bool,
    /// The step of the lesson, counted from 0; links count from 1.
    pub lesson: Option<usize>,
}

impl Link {
    /// Reads the part of a URL after `#`, and says in sentences what of it does not hold.
    pub fn parse(hash: &str) -> (Self, Vec<String>) {
        let mut link = Self::default();
        let mut problems = Vec::new();
        for (key, value) in form_urlencoded::parse(hash.trim_start_matches('#').as_bytes()) {
            if let Err(expected) = link.set(&key, &value) {
                let value: String = value.chars().take(40).collect();
                problems
                    .push(format!("The link says {key}=\"{value}\", but {expected}; this part of it was left out."));
            }
        }
        (link, problems)
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        match key {
            "model" => self.model = Some(name(value)?),
            "image" => self.image = Some(name(value)?),
            "view" => self.view = Named::named(value)?,
            "sweep" => self.sweep = Some(Named::named(value)?),
            "show" => self.which = Some(Named::named(value)?),
            "scale" => self.scale = Named::named(value)?,
            "device" => self.device = Some(Named::named(value)?),
            "type" => self.kind = Some(Named::named(value)?),
            "bit" => self.bit = Some(number(value, |&bit| bit < Format::F32.width(), "a float32 has bits 0 to 31")?),
            "value" => {
                self.value = Some(number(value, |v: &f32| (0.0..1.0).contains(v), "a random value is from 0 up to 1")?);
            }
            "run" => self.run = switch(value)?,
            "colour" => self.colouring = Named::named(value)?,
            "protect" => self.protect = switch(value)?,
            "lesson" => {
                let expected = format!("the lesson has steps 1 to {STEPS}");
                self.lesson = Some(number(value, |n| (1..=STEPS).contains(n), &expected)? - 1);
            }
            _ => {
                let taken = self.card.set(key, value)?
                    || self.fault.set(&place::FAULT, key, value)?
                    || self.campaign.set(key, value)?;
                if !taken {
                    let mut look = self.look.take().unwrap_or_default();
                    let taken = look.set(&place::LOOK, key, value);
                    self.look = (look != Place::default()).then_some(look);
                    taken?;
                }
            }
        }
        Ok(())
    }

    /// The part of a URL after `#`.
    pub fn to_hash(&self) -> String {
        let mut query = Serializer::new(String::new());
        let mut put = |key: &str, value: Option<String>| {
            if let Some(value) = value {
                query.append_pair(key, &value);
            }
        };
        put("view", (self.view != View::default()).then(|| self.view.name().to_owned()));
        put("model", self.model.clone());
        put("image", self.image.clone());
        self.card.put(&mut put);
        put("device", self.device.map(|device| device.name().to_owned()));
        self.fault.put(&place::FAULT, &mut put);
        put("type", self.kind.map(|kind| kind.name().to_owned()));
        put("bit", self.bit.map(|bit| bit.to_string()));
        put("value", self.value.map(|value| value.to_string()));
        put("colour", (self.colouring != Colouring::default()).then(|| self.colouring.name().to_owned()));
        self.campaign.each(&mut put);
        put("sweep", self.sweep.map(|sweep| sweep.name().to_owned()));
        put("scale", (self.scale != Scale::default()).then(|| self.scale.name().to_owned()));
        put("show", self.which.map(|which| which.name().to_owned()));
        if let Some(look) = &self.look {
            look.put(&place::LOOK, &mut put);
        }
        put("protect", self.protect.then(|| "1".to_owned()));
        put("lesson", self.lesson.map(|step| (step + 1).to_string()));
        put("run", self.run.then(|| "1".to_owned()));
        query.finish()
    }
}

fn name(text: &str) -> Result<String, String> {
    if text.is_empty() || text.chars().count() > MAX_NAME || text.chars().any(char::is_control) {
        return Err(format!("a name of 1 to {MAX_NAME} printable characters is expected"));
    }
    Ok(text.to_owned())
}

fn switch(text: &str) -> Result<bool, String> {
    match text {
        "1" => Ok(true),
        "0" => Ok(false),
        _ => Err("1 or 0 is expected".to_owned()),
    }
}

fn number<T: std::str::FromStr>(text: &str, fits: impl Fn(&T) -> bool, expected: &str) -> Result<T, String> {
    text.parse().ok().filter(fits).ok_or_else(|| expected.to_owned())
}
