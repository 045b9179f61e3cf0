//! A failure budget: from the measured share of dangerous faults to a failure rate.
//!
//! The rate of dangerous faults in a memory is λ = Σ r · N · ρ · P over its layers, with the raw rate r of bit flips
//! (FIT/Mbit; 1 FIT is one event in 10⁹ hours, 1 Mbit is 2²⁰ bits), the number of bits N, the share ρ of time in which a bit
//! is live, and the measured probability P that a flip of a live bit is dangerous. r and ρ are the user's. Each layer is a
//! stratum: within a layer every element and bit is drawn with the same chance, under either sampling.
//!
//! The upper bound of a sum of independently estimated shares is by the method of variance estimates recovery (Zou and
//! Donner, Statistics in Medicine 27, 2008, 1693-1702) over the layers' exact one-sided 95 % bounds (Clopper and Pearson 1934). A layer without
//! a fault counts as wholly dangerous in the bound.

mod residency;
mod tables;

use serde::Serialize;

pub use residency::Residency;
pub use tables::tables;
pub(super) use tables::{name, number};

use crate::campaign::{ProtectionSummary, Summary};
use crate::fault::Target;
use crate::outcome::upper_bound;
use crate::{Error, Result};

/// Bits of a Mbit.
const MBIT: f64 = 1_048_576.0;

/// One-sided error probability of the bounds.
const ALPHA: f64 = 0.05;

/// Raw rates that a table shows.
const STEPS: usize = 5;

/// The outcome that counts as dangerous.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Dangerous {
    /// Safety-critical misclassification.
    Scm,
    /// Any other prediction than that of the golden run.
    Sdc,
}

/// The user's assumptions.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Assumptions {
    /// Lowest and highest raw rate of bit flips, in FIT/Mbit.
    pub fit_per_mbit: [f64; 2],
    /// The failure rate that may not be exceeded, in FIT.
    pub target_fit: f64,
    /// The share of time in which bits are live.
    pub residency: Residency,
    /// The dangerous outcome.
    pub dangerous: Dangerous,
}

/// A layer of a memory, as a campaign has measured it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerMeasured {
    /// Name of the layer.
    pub layer: String,
    /// Bits in which faults of the campaign can strike.
    pub bits: u64,
    /// Faults in the layer.
    pub faults: u64,
    /// Dangerous ones among them.
    pub dangerous: u64,
}

/// A campaign.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measured {
    /// Its name.
    pub name: String,
    /// The memory.
    pub target: Target,
    /// The protection in words; `None` without one.
    pub protection: Option<String>,
    /// Whether the campaign ended by its results (`--until`).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub until: bool,
    /// The layers.
    pub layers: Vec<LayerMeasured>,
}

impl Measured {
    /// The same memory under each protection that the campaign of `summary` compares. A silent error is dangerous, a noticed fault is
    /// not. Nothing is known of SCM without a grouping.
    pub fn protected(&self, summary: &Summary, dangerous: Dangerous) -> Vec<Self> {
        let of = |layer: &LayerMeasured, one: &ProtectionSummary| {
            let part = one.by_layer.iter().find(|own| own.layer == layer.layer).map(|own| &own.part);
            let rate = part.and_then(|part| match dangerous {
                Dangerous::Sdc => Some(part.with),
                Dangerous::Scm => part.scm_with,
            });
            LayerMeasured {
                faults: rate.map_or(0, |rate| rate.of),
                dangerous: rate.map_or(0, |rate| rate.count),
                ..layer.clone()
            }
        };
        let protections = summary.protections.iter();
        protections
            .map(|one| Self {
                protection: Some(one.method.to_string()),
                layers: self.layers.iter().map(|layer| of(layer, one)).collect(),
                ..self.clone()
            })
            .collect()
    }
}

/// A layer's share of the failure rate, for a raw rate of 1 FIT/Mbit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerBudget {
    /// The measurement.
    #[serde(flatten)]
    pub measured: LayerMeasured,
    /// Share of time in which its bits are live: an assumption.
    pub residency: f64,
    /// Probability that a flip is dangerous; `None` if no fault struck the layer.
    pub probability: Option<f64>,
    /// Upper bound of the probability.
    pub probability_upper: f64,
    /// Failure rate for a raw rate of 1 FIT/Mbit.
    pub fit_per_raw: f64,
}

/// The failure rate of a memory, for a raw rate of 1 FIT/Mbit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MemoryBudget {
    /// Name of the campaign.
    pub campaign: String,
    /// The memory.
    pub target: Target,
    /// The protection in words; `None` without one.
    pub protection: Option<String>,
    /// Whether the campaign ended by its results (`--until`): the bounds are those of a fixed number of faults.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub until: bool,
    /// Bits that are live on average, and bits in all.
    pub live_bits: f64,
    /// Bits in all.
    pub bits: u64,
    /// Bits of layers in which no fault struck.
    pub bits_without_fault: u64,
    /// Failure rate for a raw rate of 1 FIT/Mbit, and its upper bound.
    pub fit_per_raw: f64,
    /// Upper bound.
    pub fit_per_raw_upper: f64,
    /// Probability that a flip of a live bit is dangerous.
    pub probability: f64,
    /// Upper bound.
    pub probability_upper: f64,
    /// Under a protection: the share of dangerous faults that it takes away, 1 - λ with it / λ without.
    pub diagnostic_coverage: Option<f64>,
    /// The layers, in model order.
    pub layers: Vec<LayerBudget>,
}

/// All memories at one raw rate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AtRate {
    /// Raw rate in FIT/Mbit.
    pub fit_per_mbit: f64,
    /// Failure rate of all memories together, in FIT.
    pub fit: f64,
    /// Upper bound.
    pub fit_upper: f64,
    /// Whether the upper bound is within the target.
    pub target_met: bool,
    /// The diagnostic coverage that is still needed for the upper bound to be within the target; 0 if none is.
    pub coverage_needed: f64,
}

/// The memories under one protection, or without any.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Variant {
    /// The protection in words; `None` without one.
    pub protection: Option<String>,
    /// The memories.
    pub memories: Vec<MemoryBudget>,
    /// All memories over the range of raw rates.
    pub rates: Vec<AtRate>,
    /// Highest raw rate at which the upper bound meets the target, in FIT/Mbit; `None` if every rate does.
    pub highest_raw_rate: Option<f64>,
    /// The contribution of these memories to the single-point fault metric of ISO 26262-5, 1 - λ / (raw rate of all live bits). It does not
    /// depend on the raw rate.
    pub single_point_fault_metric: f64,
}

/// A failure budget.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Budget {
    /// What the user has stated.
    pub assumed: Assumptions,
    /// Without a protection first, then each protection that a campaign has measured.
    pub variants: Vec<Variant>,
}

impl Assumptions {
    /// Checks the numbers.
    ///
    /// # Errors
    /// If a rate is not a positive number, or the range runs backwards.
    pub fn validate(&self) -> Result<()> {
        let positive = |value: f64| value.is_finite() && value > 0.0;
        let [low, high] = self.fit_per_mbit;
        if !(positive(low) && positive(high)) || low > high {
            return Err(Error::request(format_args!(
                "raw rates are positive numbers of FIT/Mbit, such as 20..1000; found {low}..{high}"
            )));
        }
        if !positive(self.target_fit) {
            return Err(Error::request(format_args!(
                "the target is a positive failure rate in FIT, found {}",
                self.target_fit
            )));
        }
        Ok(())
    }

    /// The raw rates of a table: evenly spaced by ratio.
    fn rates(&self) -> Vec<f64> {
        let [low, high] = self.fit_per_mbit;
        if low == high {
            return vec![low];
        }
        let step = |at: usize| low * (high / low).powf(at as f64 / (STEPS - 1) as f64);
        (0..STEPS).map(|at| if at == STEPS - 1 { high } else { step(at) }).collect()
    }
}

impl MemoryBudget {
    fn new(measured: Measured, residency: &Residency) -> Self {
        let (mut fit, mut excess, mut unknown) = (0.0, 0.0, 0.0);
        let (mut live_bits, mut bits, mut bits_without_fault) = (0.0, 0, 0);
        let mut layers = Vec::with_capacity(measured.layers.len());
        for layer in measured.layers {
            let live = residency.of(measured.target, &layer.layer);
            let weight = layer.bits as f64 * live / MBIT;
            let probability = (layer.faults > 0).then(|| layer.dangerous as f64 / layer.faults as f64);
            let upper = upper_bound(layer.dangerous, layer.faults, ALPHA);
            bits += layer.bits;
            live_bits += layer.bits as f64 * live;
            match probability {
                Some(probability) => {
                    fit += weight * probability;
                    excess += (weight * (upper - probability)).powi(2);
                }
                None => {
                    unknown += weight;
                    bits_without_fault += layer.bits;
                }
            }
            layers.push(LayerBudget {
                measured: layer,
                residency: live,
                probability,
                probability_upper: upper,
                fit_per_raw: weight * probability.unwrap_or(0.0),
            });
        }
        let upper = fit + f64::sqrt(excess) + unknown;
        let share = |fit: f64| if live_bits > 0.0 { fit / (live_bits / MBIT) } else { 0.0 };
        Self {
            campaign: measured.name,
            target: measured.target,
            protection: measured.protection,
            until: measured.until,
            live_bits,
            bits,
            bits_without_fault,
            fit_per_raw: fit,
            fit_per_raw_upper: upper,
            probability: share(fit),
            probability_upper: share(upper).min(1.0),
            diagnostic_coverage: None,
            layers,
        }
    }
}

impl Variant {
    fn new(protection: Option<String>, memories: Vec<MemoryBudget>, assumed: &Assumptions) -> Self {
        let fit: f64 = memories.iter().map(|memory| memory.fit_per_raw).sum();
        // The memories were measured independently of each other.
        let excess = memories.iter().map(|memory| (memory.fit_per_raw_upper - memory.fit_per_raw).powi(2)).sum::<f64>();
        let upper = fit + excess.sqrt();
        let at = |rate: f64| {
            let high = rate * upper;
            AtRate {
                fit_per_mbit: rate,
                fit: rate * fit,
                fit_upper: high,
                target_met: high <= assumed.target_fit,
                coverage_needed: if high > assumed.target_fit { 1.0 - assumed.target_fit / high } else { 0.0 },
            }
        };
        let live: f64 = memories.iter().map(|memory| memory.live_bits / MBIT).sum();
        Self {
            protection,
            rates: assumed.rates().into_iter().map(at).collect(),
            highest_raw_rate: (upper > 0.0).then(|| assumed.target_fit / upper),
            single_point_fault_metric: if live > 0.0 { 1.0 - fit / live } else { 1.0 },
            memories,
        }
    }
}

impl Budget {
    /// Computes the budget of what campaigns have measured: for each memory one campaign without a protection, and any number
    /// of protected ones.
    ///
    /// # Errors
    /// If an assumption is out of range, a memory was measured without a protection by no campaign or by several, or a residency names a
    /// layer that no campaign has.
    pub fn new(campaigns: Vec<Measured>, assumed: Assumptions) -> Result<Self> {
        assumed.validate()?;
        assumed.residency.check(campaigns.iter().flat_map(|campaign| &campaign.layers).map(|layer| &*layer.layer))?;
        let mut protections: Vec<Option<String>> = vec![None];
        for campaign in &campaigns {
            if !protections.contains(&campaign.protection) {
                protections.push(campaign.protection.clone());
            }
        }
        let memories: Vec<_> =
            campaigns.into_iter().map(|campaign| MemoryBudget::new(campaign, &assumed.residency)).collect();
        let mut variants = Vec::new();
        for protection in protections {
            let mut own = Vec::new();
            for target in [Target::Weight, Target::Activation] {
                let mut same = of(&memories, target, protection.as_deref());
                if let (Some(one), Some(other), Some(protection)) = (same.next(), same.next(), &protection) {
                    return Err(Error::request(format_args!(
                        "\"{}\" and \"{}\" both measure {} {protection}; give one of them",
                        one.campaign,
                        other.campaign,
                        words(target)
                    )));
                }
                let plain: Vec<_> = of(&memories, target, None).collect();
                let plain = match plain[..] {
                    [one] => one,
                    [] if memories.iter().all(|memory| memory.target != target) => continue,
                    [] => {
                        return Err(Error::request(format_args!(
                            "a campaign of {} without a protection is needed beside \"{}\", to compare with",
                            words(target),
                            memories
                                .iter()
                                .find(|memory| memory.target == target)
                                .map_or("", |memory| &memory.campaign)
                        )));
                    }
                    [one, other, ..] => return Err(twice(&memories, target, [&one.campaign, &other.campaign])),
                };
                // A memory that was not measured under the protection is as it is without.
                let mut memory = of(&memories, target, protection.as_deref()).next().unwrap_or(plain).clone();
                if memory.protection.is_some() && plain.fit_per_raw > 0.0 {
                    memory.diagnostic_coverage = Some(1.0 - memory.fit_per_raw / plain.fit_per_raw);
                }
                own.push(memory);
            }
            variants.push(Variant::new(protection, own, &assumed));
        }
        Ok(Self { assumed, variants })
    }

    /// Returns a sentence for each campaign that ended by its results: its bounds are for a fixed number of faults.
    pub fn looked_at(&self) -> Vec<String> {
        let mut sentences = Vec::new();
        for memory in self.variants.iter().flat_map(|variant| &variant.memories).filter(|memory| memory.until) {
            let sentence = format!(
                "{} ended by its results (--until): its bounds are those of a fixed number of faults, and may be missed more often \
                 than in 5 % of such campaigns",
                memory.campaign
            );
            if !sentences.contains(&sentence) {
                sentences.push(sentence);
            }
        }
        sentences
    }
}

/// Returns the refusal of two campaigns that measure the same memory without a protection, with the one to leave away.
fn twice(memories: &[MemoryBudget], target: Target, campaigns: [&str; 2]) -> Error {
    let compares = |campaign: &str| {
        let same = |memory: &&MemoryBudget| memory.target == target && memory.campaign == campaign;
        memories.iter().filter(same).any(|memory| memory.protection.is_some())
    };
    let [one, other] = campaigns;
    let away = |plain: &str, compared: &str| {
        format!(
            "leave \"{plain}\" away: \"{compared}\" compares protections, and measures the unprotected network as well"
        )
    };
    let remedy = match campaigns.map(compares) {
        [false, true] => away(one, other),
        [true, false] => away(other, one),
        [true, true] => {
            "leave one of them away; one campaign with --protect for each protection compares all of them".to_owned()
        }
        [false, false] => "leave one of them away".to_owned(),
    };
    Error::request(format_args!(
        "\"{one}\" and \"{other}\" both measure {} without a protection; {remedy}",
        words(target)
    ))
}

/// The measurements of a memory under a protection, or without any.
fn of<'a>(
    memories: &'a [MemoryBudget],
    target: Target,
    protection: Option<&'a str>,
) -> impl Iterator<Item = &'a MemoryBudget> {
    memories.iter().filter(move |memory| memory.target == target && memory.protection.as_deref() == protection)
}

/// The memory in words.
fn words(target: Target) -> &'static str {
    match target {
        Target::Weight => "weights",
        Target::Activation => "activations",
        Target::Input => "the image",
        Target::Metadata => "scales",
    }
}

#[cfg(test)]
mod tests;
