//! The colours of layers: their kind, the size of their outputs, the results of a campaign, or the corruption of the
//! current fault. Every colour has a description in words.

use std::collections::HashMap;

use facts::TraceRow;
use facts::outcome::Rate;
use facts::report::LayerNumbers;
use facts::report::diagram::Family;
use protocol::{Danger, ModelInfo};

use crate::link::Colouring;
use crate::words;

/// A colour. The style sheet defines its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// No information.
    Blank,
    /// The kind of the layer.
    Kind(Family),
    /// A level from 0 (none) to [`TOP`] (most).
    Level(u8),
    /// NaN or infinity, which no level covers.
    Odd,
}

/// The highest level.
pub const TOP: u8 = 6;

/// Upper ends of levels 1 to `TOP - 1` for a share of corrupted elements.
const CORRUPTION: [f64; 5] = [0.001, 0.01, 0.1, 0.3, 0.7];
/// See [`CORRUPTION`].
const VULNERABILITY: [f64; 5] = [0.01, 0.02, 0.05, 0.1, 0.25];

impl Tone {
    /// Returns the class of the style sheet.
    pub fn class(self) -> &'static str {
        const LEVELS: [&str; TOP as usize + 1] =
            ["level-0", "level-1", "level-2", "level-3", "level-4", "level-5", "level-6"];
        match self {
            Self::Blank => "tone-blank",
            Self::Odd => "tone-odd",
            Self::Level(level) => LEVELS[usize::from(level.min(TOP))],
            Self::Kind(family) => match family {
                Family::Ends => "kind-ends",
                Family::Product => "kind-product",
                Family::Normalisation => "kind-normalisation",
                Family::Activation => "kind-activation",
                Family::Pooling => "kind-pooling",
                Family::Merge => "kind-merge",
                Family::Shape => "kind-shape",
            },
        }
    }
}

/// The data that colours can show.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shown<'a> {
    /// The corruption of the current fault.
    pub trace: Option<&'a [TraceRow]>,
    /// The SDC rates of a campaign, by layer.
    pub measured: Option<&'a [(String, Rate)]>,
    /// The predictions of the present corruption.
    pub danger: Option<&'a Danger>,
    /// The user's numbers.
    pub numbers: Option<&'a LayerNumbers>,
}

/// The known facts about a layer.
#[derive(Clone, Debug, PartialEq)]
struct Fact {
    tone: Tone,
    /// The rank of the fact when a block shows one of its layers' facts.
    weight: f64,
    words: String,
}

/// The colours of all layers.
#[derive(Clone, Debug, PartialEq)]
pub struct Paint {
    /// The active colouring.
    pub colouring: Colouring,
    facts: Vec<Option<Fact>>,
    /// The colours with their meanings.
    pub legend: Vec<(Tone, String)>,
    /// The reason for missing colours, and the remedy.
    pub missing: Option<&'static str>,
}

impl Paint {
    /// Colours `model` by what is there of `shown`.
    pub fn of(model: &ModelInfo, colouring: Colouring, shown: Shown<'_>) -> Self {
        match colouring {
            Colouring::Kind => Self::kind(model),
            Colouring::Size => Self::size(model),
            Colouring::Corruption => Self::corruption(model, shown.trace),
            Colouring::Vulnerability => Self::vulnerability(model, shown.measured),
            Colouring::Danger => Self::danger(model, shown.danger),
            Colouring::Numbers => Self::numbers(model, shown.numbers),
        }
    }

    fn kind(model: &ModelInfo) -> Self {
        let fact = |family: Family| Fact {
            tone: Tone::Kind(family),
            weight: f64::from(u8::from(family == Family::Product)),
            words: String::new(),
        };
        let facts: Vec<Option<Fact>> = model.layers.iter().map(|layer| layer.family.map(fact)).collect();
        let there = |family: &Family| model.layers.iter().any(|layer| layer.family == Some(*family));
        let families = Family::ALL.into_iter().filter(there);
        let legend = families.map(|family| (Tone::Kind(family), family.name().to_owned())).collect();
        Self { colouring: Colouring::Kind, facts, legend, missing: None }
    }

    fn size(model: &ModelInfo) -> Self {
        let size = |shape: &[usize]| shape.iter().map(|&length| length as f64).product::<f64>();
        let drawn = || model.layers.iter().filter(|layer| layer.family.is_some() && !layer.shape.is_empty());
        let logs = drawn().map(|layer| size(&layer.shape).max(1.0).log10());
        let (low, high) = logs.fold((f64::MAX, 0.0f64), |(low, high), log| (low.min(log), high.max(log)));
        let step = ((high - low) / f64::from(TOP)).max(1e-9);
        let level = |elements: f64| {
            // Level 1 is the smallest size, because every layer has an output.
            (1.0 + (elements.max(1.0).log10() - low) / step).floor().clamp(1.0, f64::from(TOP)) as u8
        };
        let mut facts = vec![None; model.layers.len()];
        for layer in drawn() {
            let elements = size(&layer.shape);
            let words = format!("{} elements", words::count(elements as u64));
            facts[layer.index] = Some(Fact { tone: Tone::Level(level(elements)), weight: 0.0, words });
        }
        let bound = |level: u8| {
            let bound = 10f64.powf(low + step * f64::from(level - 1));
            words::count(bound.round() as u64)
        };
        let legend = if drawn().next().is_none() {
            Vec::new()
        } else {
            (1..=TOP).map(|level| (Tone::Level(level), format!("from {}", bound(level)))).collect()
        };
        Self { colouring: Colouring::Size, facts, legend, missing: None }
    }

    fn corruption(model: &ModelInfo, trace: Option<&[TraceRow]>) -> Self {
        let mut facts = vec![None; model.layers.len()];
        let indices = indices(model);
        for row in trace.unwrap_or_default() {
            let Some(&index) = indices.get(row.layer.as_str()) else { continue };
            let share = row.changed as f64 / row.elements.max(1) as f64;
            let mut words = match row.changed {
                0 => "computed anew, nothing changed".to_owned(),
                _ => format!("{} of its elements changed", words::percent(share)),
            };
            let mut tone = Tone::Level(level(share, &CORRUPTION));
            let mut weight = share;
            if row.non_finite > 0 {
                (tone, weight) = (Tone::Odd, share + 1.0);
                words += &format!(", {} NaN or infinite", words::count(row.non_finite));
            }
            facts[index] = Some(Fact { tone, weight, words });
        }
        let mut legend = vec![(Tone::Blank, "not reached".to_owned()), (Tone::Level(0), "nothing changed".to_owned())];
        legend.extend(levels(&CORRUPTION));
        legend.push((Tone::Odd, "NaN or ±∞".to_owned()));
        let missing =
            trace.is_none().then_some("No fault was injected yet. Inject one, and the layers it reaches take colour.");
        Self { colouring: Colouring::Corruption, facts, legend, missing }
    }

    fn vulnerability(model: &ModelInfo, measured: Option<&[(String, Rate)]>) -> Self {
        let mut facts = vec![None; model.layers.len()];
        let indices = indices(model);
        for (layer, rate) in measured.unwrap_or_default() {
            let Some(&index) = indices.get(layer.as_str()).filter(|_| rate.of > 0) else { continue };
            let share = rate.rate;
            let words = format!(
                "SDC rate {} ({} of {} faults, {})",
                words::percent(share),
                words::count(rate.count),
                words::count(rate.of),
                words::interval(rate, 95)
            );
            facts[index] = Some(Fact { tone: Tone::Level(level(share, &VULNERABILITY)), weight: share, words });
        }
        let mut legend = vec![(Tone::Blank, "not measured".to_owned()), (Tone::Level(0), "no SDC".to_owned())];
        legend.extend(levels(&VULNERABILITY));
        let missing = measured.is_none().then_some(
            "No campaign was run yet. Run one under “Campaign”, and each layer takes the colour of its SDC rate.",
        );
        Self { colouring: Colouring::Vulnerability, facts, legend, missing }
    }

    fn danger(model: &ModelInfo, danger: Option<&Danger>) -> Self {
        let mut facts: Vec<Option<Fact>> = vec![None; model.layers.len()];
        for tensor in danger.iter().flat_map(|danger| &danger.tensors) {
            let share = tensor.share();
            let words = format!(
                "predicted to change the answer in {} of {} elements",
                words::count(tensor.dangerous() as u64),
                words::count(tensor.elements as u64)
            );
            let Some(fact) = facts.get_mut(tensor.layer) else { continue };
            // A layer of several parameters has the colour of the worst of them.
            if fact.as_ref().is_none_or(|fact| fact.weight < share) {
                *fact = Some(Fact { tone: Tone::Level(level(share, &CORRUPTION)), weight: share, words });
            }
        }
        let mut legend = vec![(Tone::Blank, "not predicted".to_owned()), (Tone::Level(0), "nowhere".to_owned())];
        legend.extend(levels(&CORRUPTION));
        let missing = danger
            .is_none()
            .then_some("Press “Predict the danger” below, and each layer takes the colour of its danger.");
        Self { colouring: Colouring::Danger, facts, legend, missing }
    }

    fn numbers(model: &ModelInfo, numbers: Option<&LayerNumbers>) -> Self {
        let mut facts = vec![None; model.layers.len()];
        let indices = indices(model);
        let known = || {
            let numbers = numbers.iter().flat_map(|numbers| &numbers.numbers);
            numbers.filter_map(|(layer, number)| Some((*indices.get(layer.as_str())?, *number)))
        };
        let (low, high) =
            known().fold((f64::MAX, f64::MIN), |(low, high), (_, number)| (low.min(number), high.max(number)));
        let step = (high - low) / f64::from(TOP);
        for (index, number) in known() {
            let level = if step > 0.0 { 1.0 + ((number - low) / step).floor() } else { 1.0 };
            let words = format!("{}: {}", numbers.map_or("", |numbers| &numbers.name), words::number(number as f32));
            let tone = Tone::Level(level.clamp(1.0, f64::from(TOP)) as u8);
            facts[index] = Some(Fact { tone, weight: number, words });
        }
        let any = facts.iter().any(Option::is_some);
        let from = |level: u8| words::number((low + step * f64::from(level - 1)) as f32);
        let mut legend = vec![(Tone::Blank, "no number".to_owned())];
        if any {
            legend.extend((1..=TOP).map(|level| (Tone::Level(level), format!("from {}", from(level)))));
        }
        let missing = (!any).then_some(
            "Drop a CSV with a column “layer” and one of numbers, or JSON such as {\"conv1\": 3.5}, on the page: its numbers colour the layers that it names.",
        );
        Self { colouring: Colouring::Numbers, facts, legend, missing }
    }

    /// Returns whether the corruption passes on from `layer`, if the colouring shows the corruption.
    pub fn corrupt(&self, layer: usize) -> bool {
        let fact = self.facts.get(layer).and_then(Option::as_ref);
        self.colouring == Colouring::Corruption && fact.is_some_and(|fact| fact.weight > 0.0)
    }

    /// Returns the colour and the description of a box for `layers`. A block has those of its most affected layer; its
    /// size is that of its output.
    pub fn tone(&self, model: &ModelInfo, layers: &[usize]) -> (Tone, String) {
        let mut facts = layers.iter().filter_map(|&layer| Some((layer, self.facts.get(layer)?.as_ref()?)));
        let found = match self.colouring {
            Colouring::Size => facts.next_back(),
            // The first layer with the greatest weight.
            _ => facts.rev().max_by(|(_, a), (_, b)| a.weight.total_cmp(&b.weight)),
        };
        let Some((layer, fact)) = found else { return (Tone::Blank, String::new()) };
        let several = layers.len() > 1 && !fact.words.is_empty();
        let words = match self.colouring {
            Colouring::Corruption | Colouring::Vulnerability | Colouring::Danger | Colouring::Numbers if several => {
                format!("at most, in {}: {}", model.layers[layer].name, fact.words)
            }
            _ => fact.words.clone(),
        };
        (fact.tone, words)
    }
}

/// Returns the index of each layer of `model` by name.
fn indices(model: &ModelInfo) -> HashMap<&str, usize> {
    model.layers.iter().map(|layer| (layer.name.as_str(), layer.index)).collect()
}

/// Returns the level of `share`, where levels 1 to 5 end at `ends`.
fn level(share: f64, ends: &[f64; 5]) -> u8 {
    if share <= 0.0 { 0 } else { ends.iter().take_while(|&&end| share > end).count() as u8 + 1 }
}

fn levels(ends: &[f64; 5]) -> impl Iterator<Item = (Tone, String)> {
    let percent = |share: f64| format!("{} %", (share * 1000.0).round() / 10.0);
    let upto = ends.iter().map(move |&end| format!("≤ {}", percent(end)));
    let more = format!("> {}", percent(ends[4]));
    (1..=TOP).zip(upto.chain([more])).map(|(level, text)| (Tone::Level(level), text))
}

/// Returns the layers in which a corruption ends: it reaches them, and their output is unchanged.
pub fn swallowed(model: &ModelInfo, trace: &[TraceRow]) -> Vec<usize> {
    let mut changed = vec![None; model.layers.len()];
    let indices = indices(model);
    for row in trace {
        if let Some(&index) = indices.get(row.layer.as_str()) {
            changed[index] = Some(row.changed > 0);
        }
    }
    let reached = |layer: &usize| {
        let inputs = &model.layers[*layer].inputs;
        changed[*layer] == Some(false) && inputs.iter().any(|&input| changed.get(input) == Some(&Some(true)))
    };
    (0..model.layers.len()).filter(reached).collect()
}
