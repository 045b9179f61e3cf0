//! The name of a protection, with its options, as users write it: `ranger:channel,percentile=99.9`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::text::scientific;
use crate::{Error, Named as _, Result};

use super::abft::{Abft, Tolerance};
use super::names::Kind;

/// A protection that a campaign compares with the unprotected network.
#[derive(Clone, Debug, PartialEq)]
pub enum Method {
    /// The outputs of layers are bounded by their values in golden runs.
    Clip(Clip),
    /// A code in the memory that the struck tensor lies in.
    Code(Code),
    /// A parameter is clipped to the range of its tensor.
    WeightClip,
    /// Layers are computed twice and compared.
    Duplicate(Selection),
    /// Layers are computed three times, and the majority counts.
    Tmr(Selection),
    /// Products and convolutions are checked by checksums of their weights.
    Abft(Abft),
    /// The scores are looked at.
    Detector(Detector),
}

/// A restriction of layers' outputs to bounds that golden runs show.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clip {
    /// The layers, and what becomes of a value beyond its bounds.
    pub rule: ClipRule,
    /// The elements that share their bounds.
    pub per: Per,
    /// Bounds that this share of the golden values lies within, in percent; 100 where they are the smallest and the largest one.
    pub percentile: f64,
    /// Factor by which the bounds are moved away from 0; 1 where they are as learnt.
    pub scale: f64,
}

/// The layers that a clip works on, and what it makes of a value beyond its bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClipRule {
    /// Every layer; the nearest bound.
    Range,
    /// Activations, pooling, concatenation, normalisation; the nearest bound.
    Ranger,
    /// Activations; 0.
    ClipToZero,
}

/// Elements of a tensor that share their bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Per {
    /// All of them.
    Tensor,
    /// Those of a channel.
    Channel,
    /// Each has its own.
    Neuron,
}

/// A code in a memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// One bit of parity for each word; a word with an odd number of flipped bits is read as 0.
    ParityZero,
    /// Eight bits for 64: corrects one flipped bit, detects two.
    Secded,
    /// Parity in place of the least significant bit of each word; a word with an odd number of flipped bits is read as 0.
    LsbParity,
    /// SEC-DED in bits of int8 weights that small values leave free.
    InPlaceEcc,
}

/// Layers that a protection is for.
#[derive(Clone, Debug, PartialEq)]
pub enum Selection {
    /// Names, indices, or `kind:KIND`, as `--layers` takes them.
    Layers(Vec<String>),
    /// The most vulnerable layers that cost at most this share of the network's operations, in percent.
    Auto(f64),
}

/// A look at the scores of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Detector {
    /// NaN or an infinity among the scores.
    NanCheck,
    /// A score beyond the range of the scores of golden runs.
    LogitRange,
    /// The best score is less than this above the runner-up; `None` where golden runs say it: the smallest of their margins.
    TopTwoMargin(Option<f64>),
}

impl Method {
    /// The entry of the table of names.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Clip(Clip { rule: ClipRule::Range, .. }) => Kind::Range,
            Self::Clip(Clip { rule: ClipRule::Ranger, .. }) => Kind::Ranger,
            Self::Clip(Clip { rule: ClipRule::ClipToZero, .. }) => Kind::ClipToZero,
            Self::Code(Code::ParityZero) => Kind::ParityZero,
            Self::Code(Code::Secded) => Kind::Secded,
            Self::Code(Code::LsbParity) => Kind::LsbParity,
            Self::Code(Code::InPlaceEcc) => Kind::InPlaceEcc,
            Self::WeightClip => Kind::WeightClip,
            Self::Duplicate(_) => Kind::Duplicate,
            Self::Tmr(_) => Kind::Tmr,
            Self::Abft(_) => Kind::Abft,
            Self::Detector(Detector::NanCheck) => Kind::NanCheck,
            Self::Detector(Detector::LogitRange) => Kind::LogitRange,
            Self::Detector(Detector::TopTwoMargin(_)) => Kind::TopTwoMargin,
        }
    }

    /// Whether golden runs say what the protection does.
    pub fn is_learnt(&self) -> bool {
        match self {
            Self::Clip(_) => true,
            Self::Detector(Detector::TopTwoMargin(threshold)) => threshold.is_none(),
            Self::Detector(detector) => *detector == Detector::LogitRange,
            // The vulnerability of layers is that of golden runs.
            Self::Duplicate(selection) | Self::Tmr(selection) => matches!(selection, Selection::Auto(_)),
            Self::Abft(abft) => matches!(abft.tolerance, Tolerance::Learnt(_)),
            Self::Code(_) | Self::WeightClip => false,
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind().name())?;
        let mut options = Vec::new();
        match self {
            Self::Clip(clip) => {
                match clip.per {
                    Per::Tensor => {}
                    Per::Channel => options.push("channel".to_owned()),
                    Per::Neuron => options.push("neuron".to_owned()),
                }
                if clip.percentile < 100.0 {
                    options.push(format!("percentile={}", clip.percentile));
                }
                if (clip.scale - 1.0).abs() > 0.0 {
                    options.push(format!("scale={}", clip.scale));
                }
            }
            Self::Duplicate(selection) | Self::Tmr(selection) => match selection {
                Selection::Auto(percent) => options.push(format!("auto:{percent}%")),
                Selection::Layers(layers) => options.extend(layers.iter().map(|layer| quoted(layer))),
            },
            Self::Abft(abft) => {
                if !abft.recomputes {
                    options.push("detect".to_owned());
                }
                match abft.tolerance {
                    Tolerance::Bound => {}
                    Tolerance::Factor(factor) => options.push(format!("tolerance={}", scientific(factor))),
                    Tolerance::Learnt(multiple) => options.push(format!("learnt={multiple}")),
                }
            }
            Self::Detector(Detector::TopTwoMargin(Some(margin))) => options.push(margin.to_string()),
            Self::Code(_) | Self::WeightClip | Self::Detector(_) => {}
        }
        if options.is_empty() { Ok(()) } else { write!(f, ":{}", options.join(",")) }
    }
}

/// A name of a layer as a list holds it.
fn quoted(layer: &str) -> String {
    if layer.contains(',') || layer.starts_with('"') {
        format!("\"{}\"", layer.replace('"', "\"\""))
    } else {
        layer.to_owned()
    }
}

impl FromStr for Method {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, options) = match text.split_once(':') {
            Some((name, options)) => (name, Some(options)),
            None => (text, None),
        };
        let kind = Kind::ALL.iter().find(|(_, known)| known.name == name).map(|(kind, _)| *kind).ok_or_else(|| {
            let known: Vec<&str> = Kind::ALL.iter().map(|(_, name)| name.name).collect();
            Error::request(format_args!("there is no protection \"{name}\"; known: {}", known.join(", ")))
        })?;
        let wrong = |option: &str, expected: &str| {
            Error::request(format_args!("the protection {name} does not take \"{option}\"; expected {expected}"))
        };
        let clip = |rule| Ok(Self::Clip(Clip::parse(rule, options, &wrong)?));
        let bare = |method: Self| match options {
            None => Ok(method),
            Some(options) => {
                Err(Error::request(format_args!("the protection {name} has no options; \"{options}\" was given")))
            }
        };
        match kind {
            Kind::Range => clip(ClipRule::Range),
            Kind::Ranger => clip(ClipRule::Ranger),
            Kind::ClipToZero => clip(ClipRule::ClipToZero),
            Kind::ParityZero => bare(Self::Code(Code::ParityZero)),
            Kind::Secded => bare(Self::Code(Code::Secded)),
            Kind::LsbParity => bare(Self::Code(Code::LsbParity)),
            Kind::InPlaceEcc => bare(Self::Code(Code::InPlaceEcc)),
            Kind::WeightClip => bare(Self::WeightClip),
            Kind::Duplicate => Selection::parse(name, options).map(Self::Duplicate),
            Kind::Tmr => Selection::parse(name, options).map(Self::Tmr),
            Kind::Abft => Ok(Self::Abft(Abft::parse(options, &wrong)?)),
            Kind::NanCheck => bare(Self::Detector(Detector::NanCheck)),
            Kind::LogitRange => bare(Self::Detector(Detector::LogitRange)),
            Kind::TopTwoMargin => {
                let expected = "a margin of scores, 0.5 for example";
                let margin = options.map(|text| match text.parse::<f64>() {
                    Ok(margin) if margin.is_finite() && margin >= 0.0 => Ok(margin),
                    _ => Err(wrong(text, expected)),
                });
                Ok(Self::Detector(Detector::TopTwoMargin(margin.transpose()?)))
            }
        }
    }
}

impl Clip {
    fn parse(rule: ClipRule, options: Option<&str>, wrong: &dyn Fn(&str, &str) -> Error) -> Result<Self> {
        let mut clip = Self { rule, per: Per::Tensor, percentile: 100.0, scale: 1.0 };
        for option in options.into_iter().flat_map(|options| options.split(',')) {
            let expected = "tensor, channel, neuron, percentile=P (above 50, at most 100) or scale=F (0.01 to 100)";
            let number = |text: &str, fits: fn(f64) -> bool| {
                text.parse().ok().filter(|number| fits(*number)).ok_or_else(|| wrong(option, expected))
            };
            match option.split_once('=') {
                None if option == "tensor" => clip.per = Per::Tensor,
                None if option == "channel" => clip.per = Per::Channel,
                None if option == "neuron" => clip.per = Per::Neuron,
                Some(("percentile", text)) => clip.percentile = number(text, |share| share > 50.0 && share <= 100.0)?,
                Some(("scale", text)) => clip.scale = number(text, |factor| (0.01..=100.0).contains(&factor))?,
                _ => return Err(wrong(option, expected)),
            }
        }
        Ok(clip)
    }
}

impl Abft {
    fn parse(options: Option<&str>, wrong: &dyn Fn(&str, &str) -> Error) -> Result<Self> {
        let mut abft = Self { recomputes: true, tolerance: Tolerance::Bound };
        for option in options.into_iter().flat_map(|options| options.split(',')) {
            let expected =
                "detect, tolerance=F (a factor from 0 to 1) or learnt=M (a multiple above 0, at most 1000000)";
            let number = |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite());
            match option.split_once('=') {
                None if option == "detect" => abft.recomputes = false,
                Some(_) if abft.tolerance != Tolerance::Bound => {
                    return Err(wrong(option, "one of tolerance=F and learnt=M, once"));
                }
                Some(("tolerance", text)) => {
                    let factor = number(text).filter(|factor| (0.0..=1.0).contains(factor));
                    abft.tolerance = Tolerance::Factor(factor.ok_or_else(|| wrong(option, expected))?);
                }
                Some(("learnt", text)) => {
                    let multiple = number(text).filter(|multiple| *multiple > 0.0 && *multiple <= 1e6);
                    abft.tolerance = Tolerance::Learnt(multiple.ok_or_else(|| wrong(option, expected))?);
                }
                _ => return Err(wrong(option, expected)),
            }
        }
        Ok(abft)
    }
}

impl Selection {
    fn parse(name: &str, options: Option<&str>) -> Result<Self> {
        let missing = || {
            Error::request(format_args!(
                "the protection {name} needs its layers: {name}:NAME,.., {name}:kind:Conv, or {name}:auto:20% for the most \
                 vulnerable layers that cost at most 20 % of the operations"
            ))
        };
        let options = options.filter(|options| !options.is_empty()).ok_or_else(missing)?;
        match options.strip_prefix("auto:") {
            None if options == "auto" => Err(missing()),
            None => crate::text::names(options).map(Self::Layers),
            Some(share) => {
                let percent = share.strip_suffix('%').and_then(|percent| percent.parse::<f64>().ok());
                percent.filter(|percent| *percent > 0.0 && *percent <= 1000.0).map(Self::Auto).ok_or_else(|| {
                    Error::request(format_args!(
                        "\"auto:{share}\" is no share of the operations; expected auto:20% for example"
                    ))
                })
            }
        }
    }
}

impl Serialize for Method {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Method {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_options_is_read_and_written() {
        let names = [
            "range",
            "ranger",
            "ranger:channel",
            "clip-to-zero:neuron,percentile=99.9",
            "range:scale=1.5",
            "parity-zero",
            "secded",
            "lsb-parity",
            "in-place-ecc",
            "weight-clip",
            "duplicate:auto:20%",
            "tmr:conv1,\"a,b\",kind:Conv",
            "tmr:\"\"\"a\"\"\",b\"c",
            "abft",
            "abft:detect",
            "abft:tolerance=1e-5",
            "abft:detect,learnt=2.5",
            "nan-check",
            "logit-range",
            "top-2-margin",
            "top-2-margin:0.5",
        ];
        for name in names {
            let method: Method = name.parse().unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(method.to_string(), name);
            let json = serde_json::to_string(&method).unwrap();
            assert_eq!(serde_json::from_str::<Method>(&json).unwrap(), method);
        }
    }

    #[test]
    fn a_wrong_name_or_option_is_refused_with_those_that_exist() {
        let refused = |text: &str| text.parse::<Method>().unwrap_err().to_string();
        assert!(refused("rangr").contains("known: range, ranger"), "{}", refused("rangr"));
        assert!(refused("range:percentile=30").contains("above 50"));
        assert!(refused("range:channels").contains("channel"));
        assert!(refused("secded:2").contains("no options"));
        assert!(refused("duplicate").contains("auto:20%"));
        assert!(refused("tmr:auto").contains("auto:20%"));
        assert!(refused("ranger:scale=1e-320").contains("0.01 to 100"));
        assert!(refused("ranger:percentile=50").contains("above 50"));
        assert!(refused("tmr:auto:0%").contains("share of the operations"));
        assert!(refused("tmr:\"abc").contains("a quote is not closed"));
        assert!(refused("abft:tolerance=2").contains("a factor from 0 to 1"));
        assert!(refused("abft:learnt=0").contains("a multiple above 0"));
        assert!(refused("abft:learnt=2,tolerance=0").contains("once"));
        assert!(refused("abft:mend").contains("detect, tolerance=F"));
        assert!(refused("top-2-margin:NaN").contains("margin"));
    }
}
