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

pub use campaign::{COUNTINGS, CampaignLink, Counting, MARGINS, MAX_FAULTS, MAX_IMAGES, SAMPLINGS};
pub use card::{CardChoice, NORMALISE, RESIZE};
pub use place::Place;

use facts::DeviceChoice;
use facts::fault::Format;
use protocol::Which;

/// Longest name that a link may hold.
const MAX_NAME: usize = 300;
/// Steps of the lesson.
pub const STEPS: usize = 11;

/// What happens to the value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// A bit is inverted.
    #[default]
    BitFlip,
    /// It becomes zero.
    Zero,
    /// It becomes a number from [0, 1).
    Random,
}

impl Kind {
    /// All kinds with their names in links.
    pub const ALL: [(Self, &'static str); 3] =
        [(Self::BitFlip, "bitflip"), (Self::Zero, "zero"), (Self::Random, "random")];
}

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

impl Colouring {
    /// All colourings with their names in links.
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::Kind, "kind"),
        (Self::Size, "size"),
        (Self::Vulnerability, "vulnerability"),
        (Self::Corruption, "corruption"),
    ];
}

/// Devices with their names in links.
pub const DEVICES: [(DeviceChoice, &str); 2] = [(DeviceChoice::Gpu, "gpu"), (DeviceChoice::Cpu, "cpu")];

/// The part of the page that is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum View {
    /// One fault.
    #[default]
    Explore,
    /// Many faults.
    Campaign,
}

/// Views with their names in links.
pub const VIEWS: [(View, &str); 2] = [(View::Explore, "explore"), (View::Campaign, "campaign")];

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

impl Sweep {
    /// All sweeps with their names in links.
    pub const ALL: [(Self, &'static str); 3] = [(Self::Bits, "bits"), (Self::Map, "map"), (Self::Images, "images")];
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

impl Scale {
    /// All scales with their names in links.
    pub const ALL: [(Self, &'static str); 3] = [(Self::Map, "map"), (Self::Layer, "layer"), (Self::Network, "network")];
}

/// Whose values, with their names in links.
pub const WHICH: [(Which, &str); 3] =
    [(Which::Golden, "golden"), (Which::Faulty, "faulty"), (Which::Difference, "difference")];

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
    pub kind: Option<Kind>,
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
            "view" => self.view = choice(&VIEWS, value)?,
            "sweep" => self.sweep = Some(choice(&Sweep::ALL, value)?),
            "show" => self.which = Some(choice(&WHICH, value)?),
            "scale" => self.scale = choice(&Scale::ALL, value)?,
            "device" => self.device = Some(choice(&DEVICES, value)?),
            "type" => self.kind = Some(choice(&Kind::ALL, value)?),
            "bit" => self.bit = Some(number(value, |&bit| bit < Format::F32.width(), "a float32 has bits 0 to 31")?),
            "value" => {
                self.value = Some(number(value, |v: &f32| (0.0..1.0).contains(v), "a random value is from 0 up to 1")?);
            }
            "run" => self.run = choice(&[(true, "1"), (false, "0")], value)?,
            "colour" => self.colouring = choice(&Colouring::ALL, value)?,
            "protect" => self.protect = choice(&[(true, "1"), (false, "0")], value)?,
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
        put("view", (self.view != View::default()).then(|| word(&VIEWS, self.view)));
        put("model", self.model.clone());
        put("image", self.image.clone());
        self.card.put(&mut put);
        put("device", self.device.map(|device| word(&DEVICES, device)));
        self.fault.put(&place::FAULT, &mut put);
        put("type", self.kind.map(|kind| word(&Kind::ALL, kind)));
        put("bit", self.bit.map(|bit| bit.to_string()));
        put("value", self.value.map(|value| value.to_string()));
        put("colour", (self.colouring != Colouring::default()).then(|| word(&Colouring::ALL, self.colouring)));
        self.campaign.each(&mut put);
        put("sweep", self.sweep.map(|sweep| word(&Sweep::ALL, sweep)));
        put("scale", (self.scale != Scale::default()).then(|| word(&Scale::ALL, self.scale)));
        put("show", self.which.map(|which| word(&WHICH, which)));
        if let Some(look) = &self.look {
            look.put(&place::LOOK, &mut put);
        }
        put("protect", self.protect.then(|| "1".to_owned()));
        put("lesson", self.lesson.map(|step| (step + 1).to_string()));
        put("run", self.run.then(|| "1".to_owned()));
        query.finish()
    }
}

/// The word for `value` in links.
pub fn word<T: PartialEq + Copy>(words: &[(T, &str)], value: T) -> String {
    words.iter().find(|(known, _)| *known == value).map_or_else(String::new, |(_, word)| (*word).to_owned())
}

/// The value that `text` is the word for.
///
/// # Errors
/// The words there are.
pub fn choice<T: Copy>(words: &[(T, &str)], text: &str) -> Result<T, String> {
    words.iter().find(|(_, word)| *word == text).map(|(value, _)| *value).ok_or_else(|| {
        let words: Vec<_> = words.iter().map(|(_, word)| *word).collect();
        format!("{} is expected", words.join(" or "))
    })
}

fn name(text: &str) -> Result<String, String> {
    if text.is_empty() || text.chars().count() > MAX_NAME || text.chars().any(char::is_control) {
        return Err(format!("a name of 1 to {MAX_NAME} printable characters is expected"));
    }
    Ok(text.to_owned())
}

fn number<T: std::str::FromStr>(text: &str, fits: impl Fn(&T) -> bool, expected: &str) -> Result<T, String> {
    text.parse().ok().filter(fits).ok_or_else(|| expected.to_owned())
}
