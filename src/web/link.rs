//! What a link holds: everything that is needed to see the same fault again.
//!
//! The link is the part of the URL after `#`, written like a query: `#model=efficientnet-lite0&image=...`. What
//! comes in is checked field by field; what does not hold is left out, with a sentence that says so.

use form_urlencoded::Serializer;

use crate::fault::{BIT_COUNT, Target};
use crate::platform::DeviceChoice;

/// Longest name that a link may hold.
const MAX_NAME: usize = 300;
/// Most faults in an image that a link may ask for.
pub const MAX_FAULTS: usize = 10_000;

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

/// Targets with their names in links.
pub const TARGETS: [(Target, &str); 2] = [(Target::Activation, "activation"), (Target::Weight, "weight")];
/// Devices with their names in links.
pub const DEVICES: [(DeviceChoice, &str); 2] = [(DeviceChoice::Gpu, "gpu"), (DeviceChoice::Cpu, "cpu")];

/// The contents of a link. What is `None` is left to the page's defaults.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Link {
    /// Id of a model of the catalogue, or `file:NAME`.
    pub model: Option<String>,
    /// File name of a sample, or `file:NAME`.
    pub image: Option<String>,
    /// Where to compute.
    pub device: Option<DeviceChoice>,
    /// Activation or weight.
    pub target: Option<Target>,
    /// Name or index of the layer.
    pub layer: Option<String>,
    /// Name of the tensor, where the layer has several.
    pub tensor: Option<String>,
    /// Index into the tensor.
    pub element: Option<usize>,
    /// What happens to the value.
    pub kind: Option<Kind>,
    /// The bit that flips.
    pub bit: Option<u8>,
    /// The value that a random fault writes.
    pub value: Option<f32>,
    /// Inject on opening.
    pub run: bool,
    /// Seed of the campaign.
    pub seed: Option<u64>,
    /// Faults in each image of the campaign.
    pub faults: Option<usize>,
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
            "layer" => self.layer = Some(name(value)?),
            "tensor" => self.tensor = Some(name(value)?),
            "device" => self.device = Some(choice(&DEVICES, value)?),
            "target" => self.target = Some(choice(&TARGETS, value)?),
            "type" => self.kind = Some(choice(&Kind::ALL, value)?),
            "element" => self.element = Some(number(value, |_| true, "an element is a number from 0 on")?),
            "bit" => self.bit = Some(number(value, |&bit| bit < BIT_COUNT, "a float32 has bits 0 to 31")?),
            "value" => {
                self.value = Some(number(value, |v: &f32| (0.0..1.0).contains(v), "a random value is from 0 up to 1")?);
            }
            "run" => self.run = choice(&[(true, "1"), (false, "0")], value)?,
            "seed" => self.seed = Some(number(value, |_| true, "a seed is a whole number from 0 on")?),
            "faults" => {
                let expected = "a campaign has 1 to 10000 faults an image";
                self.faults = Some(number(value, |n| (1..=MAX_FAULTS).contains(n), expected)?);
            }
            _ => {}
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
        put("model", self.model.clone());
        put("image", self.image.clone());
        put("device", self.device.map(|device| word(&DEVICES, device)));
        put("target", self.target.map(|target| word(&TARGETS, target)));
        put("layer", self.layer.clone());
        put("tensor", self.tensor.clone());
        put("element", self.element.map(|element| element.to_string()));
        put("type", self.kind.map(|kind| word(&Kind::ALL, kind)));
        put("bit", self.bit.map(|bit| bit.to_string()));
        put("value", self.value.map(|value| value.to_string()));
        put("seed", self.seed.map(|seed| seed.to_string()));
        put("faults", self.faults.map(|faults| faults.to_string()));
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

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> Link {
        Link {
            model: Some("efficientnet-lite0".into()),
            image: Some("file:my cat & dog #1.png".into()),
            device: Some(DeviceChoice::Cpu),
            target: Some(Target::Weight),
            layer: Some("/conv1/Conv".into()),
            tensor: Some("conv1.weight".into()),
            element: Some(12345),
            kind: Some(Kind::Random),
            bit: Some(31),
            value: Some(0.1),
            run: true,
            seed: Some(u64::MAX),
            faults: Some(7),
        }
    }

    #[test]
    fn a_link_survives_the_round_trip() {
        for link in [Link::default(), full()] {
            let (back, problems) = Link::parse(&format!("#{}", link.to_hash()));
            assert_eq!(back, link);
            assert!(problems.is_empty(), "{problems:?}");
        }
    }

    #[test]
    fn what_does_not_hold_is_left_out_with_a_sentence() {
        let long = "x".repeat(5000);
        for bad in [
            "bit=32",
            "bit=-1",
            "element=1e9",
            "seed=-4",
            "device=tpu",
            "target=bias",
            "type=stuck",
            "value=NaN",
            "value=1",
            "run=yes",
            "faults=0",
            "faults=99999999999",
            "layer=",
            "layer=%00",
            &format!("model={long}"),
        ] {
            let (link, problems) = Link::parse(&format!("{bad}&image=a.jpg"));
            assert_eq!(link, Link { image: Some("a.jpg".into()), ..Link::default() }, "{bad}");
            assert_eq!(problems.len(), 1, "{bad}: {problems:?}");
            assert!(problems[0].len() < 250, "{bad}: {problems:?}");
        }
    }

    #[test]
    fn what_is_unknown_is_passed_over() {
        let (link, problems) = Link::parse("#utm_source=x&bit=3&&=");
        assert_eq!(link, Link { bit: Some(3), ..Link::default() });
        assert!(problems.is_empty());
    }
}
