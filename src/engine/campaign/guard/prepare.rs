//! Making protections ready: learning from golden runs, choosing layers, counting costs.

use std::collections::BTreeMap;

use burn::tensor::Device;
use facts::campaign::compared::{Code, Compared, Cost, Detector, Guarded, Method, ProfileOf};
use facts::campaign::{OnBadImage, Plan};
use facts::data::ImageSource;
use facts::fault::{FaultKind, FaultModel, Target};
use facts::graph::{Graph, HostTensor, ValueId};
use facts::{Error, Result};

use super::learn::{Learning, check_clip};
use super::selection::{self, Vulnerability};
use super::spread::spread;
use super::stored::coded;
use super::{Guard, Guards, Means, Watch, margin_of};
use crate::campaign::Lab;
use crate::campaign::profile::golden_runs;
use crate::exec::{Clips, Range};

/// What protections are to be compared, and what they are learnt from.
#[derive(Debug)]
pub struct Asked<'a, S> {
    /// The protections.
    pub methods: &'a [Method],
    /// The campaign without them: its faults say which layers are vulnerable.
    pub plan: &'a Plan,
    /// Images for learning, the first of which are used.
    pub source: &'a S,
    /// Their number and origin.
    pub profile: ProfileOf,
    /// What is done at one that cannot be read.
    pub on_bad_image: OnBadImage,
}

/// What golden runs show.
struct Shown {
    clips: Vec<Learning>,
    scores: Range,
    margin: f32,
    vulnerability: Vulnerability,
}

/// Makes protections ready for campaigns on `lab`, which has none.
///
/// # Errors
/// If a protection does not go with the campaign's faults, an image cannot be read, a golden run fails, or `stopped` returns
/// true.
pub async fn guards<S: ImageSource>(lab: &Lab, asked: Asked<'_, S>, stopped: impl Fn() -> bool) -> Result<Guards> {
    let graph = lab.executor().graph().clone();
    for method in asked.methods {
        check(&graph, method, asked.plan)?;
    }
    let shown = learn(lab, &asked, stopped).await?;
    let inference = Cost::of(&graph);
    let on_cpu = *lab.executor().device() == Device::flex();
    let target = asked.plan.config().fault_model.target;
    let (mut guards, mut guarded, mut clips) = (Vec::new(), Vec::new(), Vec::new());
    let mut learnt = shown.clips.into_iter();
    for method in asked.methods {
        let mut network = None;
        let (means, layers, sum) = match method {
            Method::Clip(clip) => {
                let bounds = learnt.next().map(Learning::finish).unwrap_or_default();
                network = Some(lab.clipped_by(&bounds).map_err(|error| error.concerning(method.to_string()))?);
                let (layers, sum) = (clip.rule.layers(&graph), checksum(&bounds));
                if on_cpu {
                    clips.push(bounds);
                }
                (Means::Clip(on_cpu.then(|| clips.len() - 1)), layers, Some(sum))
            }
            Method::Code(code) => {
                if let Some(graph) = coded(&graph, *code)? {
                    let mut model = lab.model().clone();
                    model.graph = graph.into();
                    network = Some(Lab::on(model, lab.executor().device())?.judged_by(lab.grouping().cloned())?);
                }
                (Means::Code(*code), Vec::new(), None)
            }
            Method::WeightClip => (Means::WeightClip(parameter_ranges(&graph)), Vec::new(), None),
            Method::Duplicate(chosen) | Method::Tmr(chosen) => {
                let layers = selection::layers(&graph, method, chosen, &shown.vulnerability, inference.operations)?;
                let set = layers.iter().copied().collect();
                let means = if matches!(method, Method::Tmr(_)) { Means::Tmr(set) } else { Means::Duplicate(set) };
                (means, layers, None)
            }
            Method::Detector(detector) => {
                let watch = match detector {
                    Detector::NanCheck => Watch::Finite,
                    Detector::LogitRange => Watch::Range(shown.scores),
                    Detector::TopTwoMargin(margin) => {
                        Watch::Margin(margin.map_or(shown.margin, |margin| margin as f32))
                    }
                };
                (Means::Detector(watch), Vec::new(), None)
            }
        };
        guarded.push(Guarded {
            method: method.clone(),
            overhead: method.overhead(&graph, &layers, target),
            layers: layers.iter().map(|&id| graph.nodes[id].name.clone()).collect(),
            learnt: sum,
        });
        guards.push(Guard { means, network });
    }
    Ok(Guards::new(guards, clips, Compared { methods: guarded, profile: asked.profile, inference }))
}

/// Refuses a protection that does not go with the faults of `plan`.
fn check(graph: &Graph, method: &Method, plan: &Plan) -> Result<()> {
    let model = &plan.config().fault_model;
    let target = model.target;
    let refused = |why: &str| Err(Error::request(format_args!("the protection {method} {why}")));
    let repairs = matches!(method, Method::Code(_) | Method::WeightClip | Method::Duplicate(_) | Method::Tmr(_));
    if repairs && model.accelerator.is_some() {
        return refused(
            "knows nothing of a register inside a processing element, which lies behind every memory and computes every copy; leave \
             --accelerator or the protection away",
        );
    }
    match method {
        Method::Code(Code::LsbParity | Code::InPlaceEcc) | Method::WeightClip if target != Target::Weight => {
            refused("is for faults in weights; use --target weight")
        }
        Method::Code(_) if !matches!(target, Target::Weight | Target::Activation) => {
            refused("is for faults in weights and activations; use --target weight or activation")
        }
        Method::Code(_) if target == Target::Activation && !flips_bits(model) => refused(
            "reads stored activations, and which bits of them a value of this --type changes is known only after a run; use \
             --type bitflip",
        ),
        Method::Duplicate(_) | Method::Tmr(_) if target != Target::Activation => {
            refused("repeats a computation, and a fault of this target is in all repetitions; use --target activation")
        }
        Method::Clip(clip) => check_clip(graph, *clip),
        _ => Ok(()),
    }
}

/// Whether the faults flip bits, whatever the values.
fn flips_bits(model: &FaultModel) -> bool {
    let flips = matches!(model.kind, FaultKind::BitFlip { .. } | FaultKind::BitFlips { .. } | FaultKind::Burst { .. });
    flips && model.error_models.is_none()
}

/// Makes the golden runs of the profile, if a protection is learnt.
async fn learn<S: ImageSource>(lab: &Lab, asked: &Asked<'_, S>, stopped: impl Fn() -> bool) -> Result<Shown> {
    let graph = lab.executor().graph();
    let clips = asked.methods.iter().filter_map(|method| match method {
        Method::Clip(clip) => Some(Learning::new(graph, *clip)),
        _ => None,
    });
    let mut shown = Shown {
        clips: clips.collect(),
        scores: Range::NONE,
        margin: f32::INFINITY,
        vulnerability: Vulnerability::default(),
    };
    if !asked.methods.iter().any(Method::is_learnt) {
        return Ok(shown);
    }
    let count = asked.profile.images;
    if count == 0 || count > asked.source.len() {
        return Err(Error::request(format_args!(
            "protections are to be learnt from {count} images; expected 1 to {}, the number of images of the profile",
            asked.source.len()
        )));
    }
    let auto = asked
        .methods
        .iter()
        .any(|method| matches!(method, Method::Duplicate(_) | Method::Tmr(_)) && method.is_learnt());
    // The first images of the campaign's own data, as it says; of other data evenly spaced ones.
    let all = if asked.profile.data.is_some() { asked.source.len() } else { count };
    let runs = golden_runs(lab, asked.source, spread(count, all), asked.on_bad_image, async |golden| {
        if stopped() {
            return Err(Error::request("interrupted while the protections were learnt, before the first record"));
        }
        for clip in &mut shown.clips {
            clip.include(graph, &golden.activations).await?;
        }
        golden.logits.iter().filter(|score| score.is_finite()).for_each(|&score| shown.scores.widen(score));
        shown.margin = shown.margin.min(margin_of(&golden.logits).unwrap_or(f32::INFINITY));
        if auto {
            shown.vulnerability.include(lab, asked.plan, &golden)?;
        }
        Ok(())
    })
    .await?;
    if runs == 0 {
        return Err(Error::request(format_args!(
            "none of the {count} images that protections are learnt from can be read"
        )));
    }
    Ok(shown)
}

/// The range of each parameter.
fn parameter_ranges(graph: &Graph) -> BTreeMap<ValueId, Range> {
    let range = |(&id, tensor): (&ValueId, &HostTensor)| {
        let mut range = Range::NONE;
        tensor.data.iter().filter(|value| !value.is_nan()).for_each(|&value| range.widen(value));
        (range.low <= range.high).then_some((id, range))
    };
    graph.parameters.iter().filter_map(range).collect()
}

/// CRC-32 of all bounds.
fn checksum(clips: &Clips) -> u32 {
    let mut sum = flate2::Crc::new();
    for (value, bounds) in clips.iter() {
        sum.update(&(value as u64).to_le_bytes());
        for range in bounds.ranges() {
            sum.update(&range.low.to_bits().to_le_bytes());
            sum.update(&range.high.to_bits().to_le_bytes());
        }
    }
    sum.sum()
}
