//! Published error models: shares of spatial patterns, of their sizes, and of the values that faults leave, as injection into the
//! instructions of single operators measures them.
//!
//! The files are those of CLASSES (Bolchini et al., `models/*.json`), one for each operator. What a file says is drawn; what is
//! not understood is refused.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::graph::Graph;
use crate::{Error, Result};

use super::SiteSpace;

/// Error models by the kind of layer that they are for; the empty kind is for every layer without one of its own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ErrorModels(BTreeMap<String, ErrorModel>);

/// The errors of one operator: its patterns by name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ErrorModel(pub(super) BTreeMap<String, Spatial>);

/// A spatial pattern with its share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with frequency, domain_classes and parameters")]
pub(super) struct Spatial {
    /// Share of the errors that have it.
    pub frequency: f64,
    /// The values that it leaves.
    pub domain_classes: Vec<ValueClass>,
    /// Its sizes.
    pub parameters: Vec<Parameters>,
}

/// Values that the elements of one error have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(expecting = "an object with frequency and the shares of values")]
pub(super) struct ValueClass {
    /// Share of the errors with this pattern.
    pub frequency: f64,
    /// By the name of a rule, the share of the elements that follow it, in percent from and to.
    #[serde(flatten)]
    pub shares: BTreeMap<String, serde_json::Value>,
}

/// The size of a pattern.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with keys, stats and conditional_frequency")]
pub(super) struct Parameters {
    /// Numbers that tell sizes apart.
    pub keys: BTreeMap<String, Choice>,
    /// Numbers measured besides.
    #[serde(default)]
    pub stats: BTreeMap<String, Choice>,
    /// Share of the errors with this pattern.
    pub conditional_frequency: f64,
}

/// A number, a range in percent, or one of several.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "a whole number, a range of percent such as [10.0, 20.0], or {\"RANDOM\": [..]} with several of them is expected"
)]
pub(super) enum Choice {
    /// A number.
    Number(u64),
    /// From and to, in percent.
    Span([f64; 2]),
    /// One of these, each as likely.
    Any {
        /// The choices.
        #[serde(rename = "RANDOM")]
        any: Vec<Choice>,
    },
}

/// A rule for the value of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rule {
    InRange,
    OutOfRange,
    Zero,
    Nan,
    Flip,
}

impl Rule {
    /// The rules by name.
    const NAMES: [(&'static str, Self); 5] = [
        ("in_range", Self::InRange),
        ("out_of_range", Self::OutOfRange),
        ("zero", Self::Zero),
        ("nan", Self::Nan),
        ("flip", Self::Flip),
    ];

    fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(own, _)| *own == name).map(|(_, rule)| *rule)
    }
}

/// How the elements of one error get their values.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Values {
    /// Each element by itself, by these shares.
    Each(Vec<(Rule, f64)>),
    /// So many percent of the elements by the first rule, the others by the second.
    Two([f64; 2], [Rule; 2]),
}

/// The parameters of channels that several patterns have.
const CHANNELS: [&str; 4] = ["affected_channels_pct", "max_corrupted_channels", "min_channel_skip", "max_channel_skip"];

/// The patterns that are understood: their name, whether they strike several channels, and their other parameters.
pub(super) const PATTERNS: [(&str, bool, &[&str]); 13] = [
    ("single", false, &[]),
    ("same_row", false, &["row_corruption_pct", "max_cardinality", "min_value_skip", "max_value_skip"]),
    (
        "single_channel_random",
        false,
        &["channel_corruption_pct", "max_cardinality", "min_value_skip", "max_value_skip"],
    ),
    ("single_block", false, &["block_size", "block_corruption_pct"]),
    (
        "single_channel_alternated_blocks",
        false,
        &["block_size", "min_block_skip", "max_block_skip", "max_feature_map_size"],
    ),
    ("bullet_wake", true, &[]),
    ("full_channels", true, &["avg_channel_corruption_pct"]),
    ("multi_channel_block", true, &["block_size", "avg_block_corruption_pct"]),
    (
        "multiple_channels_uncategorized",
        true,
        &["avg_channel_corruption_pct", "min_errors_per_channel", "max_errors_per_channel"],
    ),
    ("shattered_channel", true, &["avg_span_corruption_pct", "min_span_width", "max_span_width"]),
    ("quasi_shattered_channel", true, &["avg_span_corruption_pct", "min_span_width", "max_span_width"]),
    ("skip_4", true, &["skip_amount", "unique_channel_indexes", "indexes_corruption_pct"]),
    ("rectangles", true, &["rectangle_width", "rectangle_height"]),
];

/// Largest number of a parameter: more elements than any tensor has.
const LARGEST: u64 = 1 << 28;

/// How far shares may be from a sum of 1.
const ROUNDING: f64 = 1e-3;

impl ErrorModels {
    /// Adds the model in `json`, of the file `name`, for layers of `kind`; the empty kind is for all.
    ///
    /// # Errors
    /// Where the file is no error model, or holds more than is understood, or there is a model for the kind already.
    pub fn add(&mut self, kind: &str, name: &str, json: &str) -> Result<()> {
        let model = ErrorModel::parse(json).map_err(|problem| Error::input(name, problem))?;
        if self.0.insert(kind.to_lowercase(), model).is_some() {
            let whose = if kind.is_empty() { "all layers".to_owned() } else { format!("layers of kind \"{kind}\"") };
            return Err(Error::input(name, format_args!("it is the second error model for {whose}")));
        }
        Ok(())
    }

    /// The model for layers of `kind`.
    pub(super) fn of(&self, kind: &str) -> Option<&ErrorModel> {
        self.0.get(&kind.to_lowercase()).or_else(|| self.0.get(""))
    }

    /// Checks what a file may not have said, after reading from a configuration.
    ///
    /// # Errors
    /// As [`ErrorModels::add`].
    pub fn validate(&self) -> Result<()> {
        if self.0.is_empty() {
            return Err(Error::request("an error model is expected, found none"));
        }
        self.0.values().try_for_each(|model| model.check().map_err(Error::request))
    }

    /// Checks that each layer of `space` has a model.
    ///
    /// # Errors
    /// For the first layer without one.
    pub(crate) fn check_layers(&self, graph: &Graph, space: &SiteSpace) -> Result<()> {
        for sites in space.layers() {
            let node = &graph.nodes[sites.layer];
            if self.of(&node.kind).is_none() {
                let known: Vec<_> = self.0.keys().map(String::as_str).collect();
                return Err(Error::request(format_args!(
                    "layer \"{}\" is of kind \"{}\", and the error models are for {}; --layers kind:KIND chooses layers, and \
                     --pattern-file KIND=FILE gives a model",
                    node.name,
                    node.kind,
                    known.join(", ")
                )));
            }
        }
        Ok(())
    }

    /// The models in words.
    pub fn words(&self) -> String {
        let kinds: Vec<_> =
            self.0.keys().map(|kind| if kind.is_empty() { "all layers" } else { kind.as_str() }).collect();
        format!("patterns and values of error models for {}", kinds.join(", "))
    }
}

impl ErrorModel {
    fn parse(json: &str) -> std::result::Result<Self, String> {
        let mut all: BTreeMap<String, serde_json::Value> =
            serde_json::from_str(json).map_err(|error| format!("an error model is a JSON object: {error}"))?;
        // Notes on how the model was measured.
        all.retain(|name, _| !name.starts_with('_'));
        all.values_mut().for_each(without_counts);
        let patterns = all.into_iter().map(|(name, value)| {
            let at = |problem: String| format!("{}pattern \"{name}\": {problem}", line_of(json, &name));
            known(&name).map_err(at)?;
            let pattern =
                Spatial::deserialize(value).map_err(|error| at(error.to_string().replace("f64", "a number")))?;
            pattern.check(&name).map_err(at)?;
            Ok((name, pattern))
        });
        let model = Self(patterns.collect::<std::result::Result<_, String>>()?);
        model.check()?;
        Ok(model)
    }

    fn check(&self) -> std::result::Result<(), String> {
        if self.0.is_empty() {
            let known: Vec<_> = PATTERNS.iter().map(|(known, ..)| *known).collect();
            return Err(format!("the file has no patterns; one or more of {} are expected", known.join(", ")));
        }
        sum_to_one("the frequencies of the patterns", self.0.values().map(|pattern| pattern.frequency))?;
        for (name, pattern) in &self.0 {
            pattern.check(name).map_err(|problem| format!("pattern \"{name}\": {problem}"))?;
        }
        Ok(())
    }
}

/// Returns the line of the key `name` in `json`, as the beginning of a message; nothing where it is written with escapes.
fn line_of(json: &str, name: &str) -> String {
    let key = format!("\"{name}\"");
    let is_key = |&(at, _): &(usize, &str)| json[at + key.len()..].trim_start().starts_with(':');
    let place = json.match_indices(&key).find(is_key);
    place.map_or_else(String::new, |(at, _)| format!("line {}: ", 1 + json[..at].matches('\n').count()))
}

/// Returns whether the pattern called `name` strikes several channels, and its other parameters.
fn known(name: &str) -> std::result::Result<(bool, &'static [&'static str]), String> {
    let found = PATTERNS.iter().find(|(known, ..)| *known == name);
    found.map(|(_, channels, others)| (*channels, *others)).ok_or_else(|| {
        let known: Vec<_> = PATTERNS.iter().map(|(known, ..)| *known).collect();
        format!("there is no such pattern; the patterns that are understood are {}", known.join(", "))
    })
}

/// Leaves out how often something was measured, which its share states as well.
fn without_counts(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(entries) => {
            entries.retain(|name, _| !matches!(name.as_str(), "count" | "categories_count" | "overall_frequency"));
            entries.values_mut().for_each(without_counts);
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(without_counts),
        _ => {}
    }
}

fn sum_to_one(what: &str, shares: impl Iterator<Item = f64> + Clone) -> std::result::Result<(), String> {
    if let Some(share) = shares.clone().find(|share| !(0.0..=1.0).contains(share)) {
        return Err(format!("{what} are from 0 to 1, found {share}"));
    }
    if shares.clone().next().is_none() {
        return Err(format!("{what} are missing: the list is empty"));
    }
    let sum: f64 = shares.sum();
    if (sum - 1.0).abs() > ROUNDING {
        return Err(format!("{what} sum to {sum:.4}, and 1 is expected"));
    }
    Ok(())
}

impl Spatial {
    fn check(&self, name: &str) -> std::result::Result<(), String> {
        let (channels, others) = known(name)?;
        let known = |key: &str| others.contains(&key) || channels && CHANNELS.contains(&key);
        sum_to_one("the frequencies of its sizes", self.parameters.iter().map(|set| set.conditional_frequency))?;
        for set in &self.parameters {
            let numbers = || set.keys.iter().chain(&set.stats);
            if let Some((key, _)) = numbers().find(|(key, _)| !known(key)) {
                return Err(format!("the parameter \"{key}\" is not understood"));
            }
            let needed = others.iter().chain(CHANNELS.iter().filter(|_| channels));
            for key in needed.filter(|key| **key != "max_feature_map_size") {
                let (_, choice) = numbers()
                    .find(|(own, _)| own == key)
                    .ok_or_else(|| format!("the parameter \"{key}\" is missing"))?;
                choice.check(key.ends_with("_pct")).map_err(|problem| format!("parameter \"{key}\": {problem}"))?;
            }
        }
        sum_to_one("the frequencies of its values", self.domain_classes.iter().map(|class| class.frequency))?;
        self.domain_classes.iter().try_for_each(|class| class.values().map(|_| ()))
    }
}

impl Choice {
    fn check(&self, is_share: bool) -> std::result::Result<(), String> {
        match (self, is_share) {
            (Self::Number(number), false) if *number <= LARGEST => Ok(()),
            (Self::Span([low, high]), true) if 0.0 <= *low && low <= high && *high <= 100.0 => Ok(()),
            (Self::Any { any }, _) if !any.is_empty() && any.iter().all(|one| !matches!(one, Self::Any { .. })) => {
                any.iter().try_for_each(|one| one.check(is_share))
            }
            (_, true) => Err("a range of percent is expected, such as [10.0, 20.0]".to_owned()),
            (_, false) => Err(format!("a whole number up to {LARGEST} is expected")),
        }
    }
}

impl ValueClass {
    /// How the values are drawn.
    pub fn values(&self) -> std::result::Result<Values, String> {
        let span = |name: &str, value: &serde_json::Value| -> std::result::Result<[f64; 2], String> {
            let span = <[f64; 2]>::deserialize(value).ok();
            span.filter(|[low, high]| 0.0 <= *low && low <= high && *high <= 100.0).ok_or_else(|| {
                format!("the values \"{name}\" have a range of percent, such as [10.0, 20.0]; found {value}")
            })
        };
        let shares = || self.shares.iter().filter(|(name, _)| *name != "values");
        let mut rules: Vec<(Option<Rule>, [f64; 2])> = Vec::new();
        for (name, value) in shares() {
            let rule = match (name.as_str(), Rule::named(name)) {
                ("random", _) => None,
                (_, Some(rule)) => Some(rule),
                _ => {
                    let known: Vec<_> = Rule::NAMES.iter().map(|(name, _)| *name).collect();
                    return Err(format!(
                        "the values \"{name}\" are not understood; there are {}, random",
                        known.join(", ")
                    ));
                }
            };
            rules.push((rule, span(name, value)?));
        }
        match (&rules[..], self.shares.get("values")) {
            ([(None, [100.0, 100.0])], Some(values)) => {
                let values: BTreeMap<String, f64> = BTreeMap::deserialize(values)
                    .map_err(|error| format!("the shares of random values are numbers: {error}"))?;
                sum_to_one("the shares of random values", values.values().copied())?;
                let rule = |(name, share): (&String, &f64)| {
                    let rule = Rule::named(name);
                    rule.map(|rule| (rule, *share)).ok_or_else(|| format!("the values \"{name}\" are not understood"))
                };
                values.iter().map(rule).collect::<std::result::Result<_, _>>().map(Values::Each)
            }
            ([(Some(rule), [100.0, 100.0])], None) => Ok(Values::Two([100.0, 100.0], [*rule; 2])),
            ([(Some(first), share), (Some(second), other)], None)
                if (share[0] + other[1] - 100.0).abs() < 13.0 && (share[1] + other[0] - 100.0).abs() < 13.0 =>
            {
                Ok(Values::Two(*share, [*first, *second]))
            }
            _ => Err(
                "its values are all of one rule, of two whose shares make 100 %, or random with shares of their own"
                    .to_owned(),
            ),
        }
    }
}
