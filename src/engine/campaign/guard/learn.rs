//! Learning bounds from golden runs.

use std::collections::BTreeMap;

use facts::campaign::OnBadImage;
use facts::campaign::compared::{Clip, ClipRule, Method, Per};
use facts::data::ImageSource;
use facts::graph::{Graph, ValueId};
use facts::{Error, Result};

use super::spread::Walk;
use crate::campaign::Lab;
use crate::exec::{Activations, Bounds, Clips, Range, extents};
use crate::ops::Extent;

/// What golden runs show of the tensors that clips need. Clips that differ in a number alone share it.
#[derive(Clone, Debug)]
pub(super) struct Learning {
    clip: Clip,
    /// The tensors that are clipped.
    values: Vec<ValueId>,
    extents: Vec<Extent>,
    /// `None` for a tensor with a NaN: it is not clipped.
    seen: BTreeMap<ValueId, Option<Seen>>,
}

#[derive(Clone, Debug)]
enum Seen {
    /// One for the tensor, one for each channel, or one for each element.
    Ranges(Vec<Range>),
    /// How many values there are, by the upper 16 bits of their place in the order of all floats.
    Counts(Vec<u32>),
}

/// The place of a float in the order of all floats.
fn order(value: f32) -> u32 {
    let bits = value.to_bits();
    if bits >> 31 == 0 { bits | 1 << 31 } else { !bits }
}

/// The float at a place in the order of all floats.
fn at(order: u32) -> f32 {
    f32::from_bits(if order >> 31 == 1 { order & !(1 << 31) } else { !order })
}

impl Learning {
    pub fn new(graph: &Graph, clip: Clip) -> Self {
        let ranged = graph.ranged();
        let outputs = clip.rule.layers(graph).into_iter().flat_map(|id| &graph.nodes[id].outputs);
        let values = outputs.copied().filter(|&output| ranged[output]).collect();
        Self { clip, values, extents: extents(graph), seen: BTreeMap::new() }
    }

    /// Whether the bounds of `clip` are made from what is learnt here.
    pub fn serves(&self, clip: Clip) -> bool {
        let kind = |clip: Clip| (clip.rule, clip.per, clip.percentile < 100.0);
        kind(self.clip) == kind(clip)
    }

    /// Adds a golden run.
    pub async fn include(&mut self, run: &Activations) -> Result<()> {
        for &value in &self.values {
            let Some(array) = run.get(value) else { continue };
            let extent = self.extents[value];
            let rows = extent.rows(&array.read().await?);
            let clip = self.clip;
            let seen = self.seen.entry(value).or_insert_with(|| Some(Seen::new(clip, extent)));
            if rows.iter().any(|element| element.is_nan()) {
                *seen = None;
            }
            if let Some(seen) = seen {
                seen.add(&rows, extent.channels);
            }
        }
        Ok(())
    }

    /// Returns the bounds of `clip`, which this serves.
    pub fn bounds(&self, clip: Clip) -> Clips {
        let to_zero = clip.rule == ClipRule::ClipToZero;
        let scale = clip.scale as f32;
        let bounds = |(&value, seen): (&ValueId, &Option<Seen>)| {
            let mut ranges = match seen.as_ref()? {
                Seen::Ranges(ranges) => ranges.clone(),
                Seen::Counts(counts) => vec![within(counts, clip.percentile)],
            };
            for range in &mut ranges {
                (range.low, range.high) = (range.low * scale, range.high * scale);
            }
            Some((value, Bounds::new(ranges, to_zero)))
        };
        self.seen.iter().filter_map(bounds).collect()
    }
}

impl Seen {
    fn new(clip: Clip, extent: Extent) -> Self {
        match clip.per {
            Per::Tensor if clip.percentile < 100.0 => Self::Counts(vec![0; 1 << 16]),
            Per::Tensor => Self::Ranges(vec![Range::NONE]),
            Per::Channel => Self::Ranges(vec![Range::NONE; extent.channels]),
            Per::Neuron => Self::Ranges(vec![Range::NONE; extent.elements()]),
        }
    }

    fn add(&mut self, rows: &[f32], channels: usize) {
        match self {
            Self::Counts(counts) => {
                for &element in rows {
                    let count = &mut counts[(order(element) >> 16) as usize];
                    *count = count.saturating_add(1);
                }
            }
            Self::Ranges(ranges) => match &mut ranges[..] {
                [range] => rows.iter().for_each(|&element| range.widen(element)),
                ranges if ranges.len() == rows.len() => {
                    ranges.iter_mut().zip(rows).for_each(|(range, &element)| range.widen(element));
                }
                ranges => {
                    for row in rows.chunks_exact(channels) {
                        ranges.iter_mut().zip(row).for_each(|(range, &element)| range.widen(element));
                    }
                }
            },
        }
    }
}

/// The range that holds `percent` of the values, with an equal share of the others on both sides. It is rounded outwards to the
/// upper 16 bits of float32.
fn within(counts: &[u32], percent: f64) -> Range {
    let total: f64 = counts.iter().map(|&count| f64::from(count)).sum();
    let outside = total * (100.0 - percent) / 200.0;
    // A bin is a float's upper half: its lowest and its highest value.
    let low = beyond(counts.iter().enumerate(), outside).map_or(0.0, |bin| at(bin << 16));
    let high = beyond(counts.iter().enumerate().rev(), outside).map_or(0.0, |bin| at(bin << 16 | 0xffff));
    Range { low, high }
}

/// The first of `bins` with which there are more than `values`.
fn beyond<'a>(bins: impl Iterator<Item = (usize, &'a u32)>, values: f64) -> Option<u32> {
    let mut sum = 0.0;
    for (bin, count) in bins {
        sum += f64::from(*count);
        if sum > values {
            // There are 2^16 bins.
            return Some(bin as u32);
        }
    }
    None
}

/// The bounds of a clip, learnt a golden run at a time, so that whoever waits can be told and can end it.
#[derive(Debug)]
pub struct ClipLearning {
    learning: Learning,
    walk: Walk,
}

impl ClipLearning {
    /// Begins to learn the bounds of `clip` from `count` images of `source`, evenly spaced.
    ///
    /// # Errors
    /// If the clip has percentiles of parts of tensors, no layer is clipped, or `count` is 0 or above the number of images.
    pub fn new(lab: &Lab, clip: Clip, source: &impl ImageSource, count: usize) -> Result<Self> {
        let graph = lab.executor().graph();
        check_clip(graph, clip)?;
        let walk = Walk::new(source, count, source.len(), &format!("{} is", Method::Clip(clip)))?;
        Ok(Self { learning: Learning::new(graph, clip), walk })
    }

    /// The number of images that were learnt from, and of all of them.
    pub fn progress(&self) -> [usize; 2] {
        self.walk.progress()
    }

    /// Learns from the next image, and returns whether there was one.
    ///
    /// # Errors
    /// If the image cannot be read, or the golden run fails.
    pub async fn step(&mut self, lab: &Lab, source: &impl ImageSource) -> Result<bool> {
        let Some(run) = self.walk.next(lab, source, OnBadImage::Stop).await? else { return Ok(false) };
        if let Some(golden) = run {
            self.learning.include(&golden.activations).await?;
        }
        Ok(true)
    }

    /// Returns the bounds.
    pub fn finish(self) -> Clips {
        self.learning.bounds(self.learning.clip)
    }
}

/// Learns the bounds of `clip` from the golden runs of `count` images of `source`, evenly spaced, one at a time.
///
/// # Errors
/// As [`ClipLearning::new`] and [`ClipLearning::step`].
pub async fn learn_clips_from(lab: &Lab, clip: Clip, source: &impl ImageSource, count: usize) -> Result<Clips> {
    let mut learning = ClipLearning::new(lab, clip, source, count)?;
    while learning.step(lab, source).await? {}
    Ok(learning.finish())
}

/// Refuses a clip whose bounds are not learnt, or that clips no layer of `graph`.
pub(super) fn check_clip(graph: &Graph, clip: Clip) -> Result<()> {
    let method = Method::Clip(clip);
    if clip.percentile < 100.0 && clip.per != Per::Tensor {
        return Err(Error::request(format_args!(
            "the protection {method} has percentiles of whole tensors only; leave channel and neuron away"
        )));
    }
    if clip.rule.layers(graph).is_empty() {
        return Err(Error::request(format_args!("{method}: the model has no layer that it clips")));
    }
    Ok(())
}

/// Learns the bounds of `clip` from golden `runs` of `graph`.
///
/// # Errors
/// If the device fails.
pub async fn learn_clips<'a>(
    graph: &Graph,
    clip: Clip,
    runs: impl IntoIterator<Item = &'a Activations>,
) -> Result<Clips> {
    let mut learning = Learning::new(graph, clip);
    for run in runs {
        learning.include(run).await?;
    }
    Ok(learning.bounds(clip))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_holds_its_share_and_no_more_than_a_bin_too_much() {
        let values: Vec<f32> = (-500..500).map(|at| at as f32 / 100.0).collect();
        let mut counts = Seen::Counts(vec![0; 1 << 16]);
        counts.add(&values, 1);
        let Seen::Counts(counts) = counts else { panic!() };
        for percent in [60.0, 90.0, 99.0] {
            let range = within(&counts, percent);
            let inside = values.iter().filter(|value| range.contains(**value)).count() as f64 / 10.0;
            assert!(inside >= percent && inside < percent + 2.0, "{percent}: {range:?} holds {inside} %");
        }
    }

    #[test]
    fn the_order_of_floats_is_theirs() {
        let floats = [f32::NEG_INFINITY, -3.0e38, -1.0, -1.0e-45, -0.0, 0.0, 1.0e-45, 2.5, f32::INFINITY];
        assert!(floats.windows(2).all(|pair| order(pair[0]) < order(pair[1])));
        assert!(floats.iter().all(|&float| at(order(float)).to_bits() == float.to_bits()));
    }
}
