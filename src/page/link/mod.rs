//! The link: everything that is needed to see the same fault again.
//!
//! The link is the part of the URL after `#`, written like a query: `#model=efficientnet-lite0&image=...`. Each field is
//! checked as it is read. A field that does not hold is left out, with a sentence that says so.

mod campaign;
mod card;
mod fields;
mod place;
mod protect;
mod steps;
#[cfg(test)]
mod tests;

use form_urlencoded::Serializer;

use fields::{Fields, Key, choice, fields, group, number, parsed, renamed, switch, text};

pub use campaign::{CampaignLink, Counting, MAX_FAULTS, MAX_IMAGES, offered};
pub use card::CardChoice;
pub use fields::Anew;
pub use place::Place;
pub use protect::on_one_fault;
pub use steps::Steps;

use facts::campaign::compared::Method;
use facts::fault::{BitField, Bits, Corruption, FaultKind, Format, Pattern};
use facts::{DeviceChoice, Name, Named};
use protocol::Which;

/// The mark before the name of the user's own file in a link.
pub const OWN: &str = "file:";

/// The measure that colours the layers of the diagram.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colouring {
    /// The kind of the layer.
    #[default]
    Kind,
    /// How many elements its output has.
    Size,
    /// The rate of SDCs that the last campaign measured.
    Vulnerability,
    /// How much of its output the fault has changed.
    Corruption,
    /// The share of its elements in which the corruption is predicted to change the answer.
    Danger,
    /// The number that a file of the user's has for it.
    Numbers,
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
        (
            Self::Danger,
            Name::new(
                "danger",
                "Danger",
                "In how many elements of each layer the corruption is predicted to change the answer",
            ),
        ),
        (
            Self::Numbers,
            Name::new(
                "numbers",
                "Yours",
                "A number for each layer from a file of yours: CSV with a column “layer”, or JSON",
            ),
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

/// The value at which the colours of a feature map end.
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

fields! {
    /// The contents of a link. The page has a default for what is `None`. The fields are written in this order.
    pub struct Link {
        /// The part of the page that is shown.
        view: View = choice::<View>("view").kept(&[Anew::Model]);
        /// Id of a model of the catalogue, or `file:NAME`.
        model: Option<String> = text("model");
        /// File name of a sample, or `file:NAME`.
        image: Option<String> = text("image");
        /// Statements about the model beside its file.
        card: CardChoice = group();
        /// The device that computes.
        device: Option<DeviceChoice> = choice::<DeviceChoice>("device").kept(&[Anew::Model, Anew::Scene]);
        /// The place where the fault strikes.
        fault: Place = group().kept(&[Anew::Model]);
        /// The change of the value.
        kind: Option<FaultKind> = choice::<FaultKind>("type").kept(&[Anew::Model]), else FaultKind = FaultKind::default();
        /// The bits that flip.
        bits: Option<Bits> = parsed::<Bits>("bit").kept(&[Anew::Model]), else Bits = first_bit();
        /// The value that a random fault writes.
        value: Option<f32> = number::<f32>("value", |v| (0.0..1.0).contains(v), "a random value is from 0 up to 1"),
            else f32 = 0.5;
        /// The elements that are struck together with the chosen one.
        pattern: Option<Pattern> = parsed::<Pattern>("pattern").kept(&[Anew::Model]), else Pattern = Pattern::Single;
        /// The seed of what the pattern leaves open.
        draw: Option<u64> = number::<u64>("draw", |_| true, "a draw is a whole number from 0 on").kept(&[Anew::Model]),
            else u64 = 0;
        /// The measure that colours the layers of the diagram.
        colouring: Colouring = choice::<Colouring>("colour").kept(&[Anew::Model]);
        /// The campaign.
        campaign: CampaignLink = group().kept(&[Anew::Model]);
        /// Trials around the fault.
        sweep: Option<Sweep> = choice::<Sweep>("sweep");
        /// The values that the colours of the feature maps are measured against.
        scale: Scale = choice::<Scale>("scale").kept(&[Anew::Model, Anew::Scene]);
        /// The run whose values the small maps show.
        which: Option<Which> = choice::<Which>("show").kept(&[Anew::Scene]);
        /// The place that is looked at, where it is another one than the fault's.
        look: Option<Place> = renamed(place::look);
        /// Show the fault under a protection, too.
        protect: bool = switch("protect").kept(&[Anew::Model]);
        /// The protection, in the words of `faultscope campaign --protect`.
        protection: Option<Method> = Key::new("protection", protect::protection, |method: &Method| Some(method.to_string()))
            .kept(&[Anew::Model]), else Method = protect::usual();
        /// Show where in the network the corruption changes the answer.
        danger: bool = switch("danger").kept(&[Anew::Model, Anew::Scene]);
        /// The steps of the lesson.
        lesson: Option<Steps> = parsed::<Steps>("lesson").kept(&[Anew::Model, Anew::Scene]);
        /// Show the page to a class: in large, and only the parts that are spoken of.
        present: bool = switch("present").kept(&[Anew::Model, Anew::Scene]);
        /// Show the stage alone, as a part of another page.
        embed: bool = switch("embed").kept(&[Anew::Model, Anew::Scene]);
        /// Inject on opening.
        run: bool = switch("run");
    }
}

/// The bit that is chosen at first: the highest of the exponent, which changes a value most.
fn first_bit() -> Bits {
    let exponent = Bits::of(BitField::Exponent, Format::F32).unwrap_or_default();
    exponent.nth(exponent.count() - 1)
}

/// The sentence about a part of a link that does not hold.
pub fn refusal(key: &str, value: &str, expected: &str) -> String {
    let value: String = value.chars().take(40).collect();
    format!("The link says {key}=\"{value}\", but {expected}; this part of it was left out.")
}

impl Link {
    /// Reads the part of a URL after `#`. Returns a sentence for each field that does not hold.
    pub fn parse(hash: &str) -> (Self, Vec<String>) {
        let mut link = Self::default();
        let mut problems = Vec::new();
        for (key, value) in form_urlencoded::parse(hash.trim_start_matches('#').as_bytes()) {
            if let Err(expected) = link.set(&key, &value, |key| key) {
                problems.push(refusal(&key, &value, &expected));
            }
        }
        (link, problems)
    }

    /// The part of a URL after `#`.
    pub fn to_hash(&self) -> String {
        let mut query = Serializer::new(String::new());
        self.put(|key| key, &mut |key, value| {
            query.append_pair(key, &value);
        });
        query.finish()
    }

    /// The same choices without those that `anew` resets.
    pub fn for_another(mut self, anew: Anew) -> Self {
        self.reset(anew);
        self
    }

    /// Chooses the change of the value; false where a link has no words for it.
    pub fn set_corruption(&mut self, corruption: Corruption) -> bool {
        (self.kind, self.bits, self.value) = match corruption {
            Corruption::Flip(bits) => (Some(FaultKind::default()), Some(bits), None),
            Corruption::Set(0.0) => (Some(FaultKind::Zero { percent: None }), None, None),
            Corruption::Set(value) => (Some(FaultKind::Random), None, Some(value)),
            Corruption::StuckAt1(bits) => (Some(FaultKind::Stuck1 { bits: Bits::ALL }), Some(bits), None),
            Corruption::StuckAt0(bits) => (Some(FaultKind::Stuck0 { bits: Bits::ALL }), Some(bits), None),
            Corruption::Scale(_) | Corruption::Add(_) | Corruption::Rescale { .. } => return false,
        };
        true
    }
}
