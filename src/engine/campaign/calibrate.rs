//! Rounding a network to number formats: the scales, learnt from golden runs, and the accuracy that is left.

use std::collections::BTreeMap;
use std::sync::Arc;

use facts::campaign::{
    BadImage, Calibration, CoveredRange, NumberFormats, OnBadImage, Plan, RoundedAccuracy, TensorScale, rounded_outputs,
};
use facts::data::ImageSource;
use facts::format::Scale;
use facts::graph::{HostTensor, ValueId};
use facts::model::Model;
use facts::{Error, Result};

use super::{Budget, Lab, look};
use crate::ops::Range;

/// A network in other number formats.
#[derive(Clone, Debug)]
pub struct Rounded {
    /// The model.
    pub model: Model,
    /// The scales of the outputs of layers, in the order of the graph's tensors; empty where the format has none.
    pub scales: Vec<TensorScale>,
}

/// Rounds `model`, which `numbers` describe. The images that scales are learnt from are the first of `source`; those that
/// cannot be read are left out if `bad` images are skipped. Golden runs are made on the CPU, so that every machine finds
/// the same scales.
///
/// # Errors
/// If the formats cannot be emulated on the model, there are too few images, an image cannot be read, or a golden run
/// fails.
pub async fn rounded(
    model: &Model,
    numbers: &NumberFormats,
    source: &impl ImageSource,
    bad: OnBadImage,
) -> Result<Rounded> {
    numbers.validate()?;
    let ranges = match &numbers.calibration {
        Some(calibration) if numbers.learns() => learn(model, calibration, source, bad).await?,
        _ => BTreeMap::new(),
    };
    let scales = ranges.iter().map(|(&id, range)| (id, numbers.output_scale(range.low, range.high)));
    with_scales(model, numbers, scales.collect())
}

impl Rounded {
    /// Rounds `model` with scales that were learnt before.
    ///
    /// # Errors
    /// If the formats cannot be emulated on the model, or a scale is of another model's tensor.
    pub fn again(model: &Model, numbers: &NumberFormats, scales: &[TensorScale]) -> Result<Self> {
        let mut known = BTreeMap::new();
        for TensorScale { tensor, scale } in scales {
            let id = rounded_outputs(&model.graph).find(|&id| model.graph.values[id].name == *tensor);
            let id = id.ok_or_else(|| {
                Error::request(format_args!("a scale is for tensor \"{tensor}\", which no layer of the model makes"))
            })?;
            known.insert(id, *scale);
        }
        with_scales(model, numbers, known)
    }
}

fn with_scales(model: &Model, numbers: &NumberFormats, scales: BTreeMap<ValueId, Scale>) -> Result<Rounded> {
    let graph = Arc::new(numbers.store(&model.graph, &scales)?);
    let named = |(&id, &scale): (&ValueId, &Scale)| TensorScale { tensor: graph.values[id].name.clone(), scale };
    let scales = scales.iter().map(named).collect();
    Ok(Rounded { model: Model { graph, ..model.clone() }, scales })
}

/// Learns the range of every output that is rounded.
async fn learn(
    model: &Model,
    calibration: &Calibration,
    source: &impl ImageSource,
    bad: OnBadImage,
) -> Result<BTreeMap<ValueId, Range>> {
    let count = calibration.images;
    if count == 0 || count > source.len() {
        return Err(Error::request(format_args!(
            "scales are to be learnt from the golden runs of {count} images; expected 1 to {}, the number of images of \
             the data",
            source.len()
        )));
    }
    let lab = Lab::cpu(model.clone())?;
    let outputs: Vec<ValueId> = rounded_outputs(&model.graph).collect();
    let mut ranges: BTreeMap<ValueId, Range> = outputs.iter().map(|&id| (id, Range::NONE)).collect();
    let mut runs = 0;
    for index in 0..count {
        let Some(input) = input(model, source, index, bad)? else { continue };
        runs += 1;
        let golden = lab.golden(&input).await.map_err(|error| error.concerning(source.name(index)))?;
        for (&id, range) in &mut ranges {
            let Some(array) = golden.activations.get(id) else { continue };
            array
                .read()
                .await?
                .into_iter()
                .filter(|element| element.is_finite())
                .for_each(|element| range.widen(element));
        }
    }
    if runs == 0 {
        return Err(Error::request(format_args!(
            "none of the first {count} images can be read, from which scales are learnt"
        )));
    }
    let CoveredRange::Percentile(share) = calibration.range else { return Ok(ranges) };
    let mut histograms: BTreeMap<ValueId, Histogram> =
        ranges.into_iter().map(|(id, range)| (id, Histogram::new(range))).collect();
    for index in 0..count {
        let Some(input) = input(model, source, index, bad)? else { continue };
        let golden = lab.golden(&input).await.map_err(|error| error.concerning(source.name(index)))?;
        for (&id, histogram) in &mut histograms {
            let Some(array) = golden.activations.get(id) else { continue };
            array.read().await?.into_iter().for_each(|element| histogram.add(element));
        }
    }
    Ok(histograms.into_iter().map(|(id, histogram)| (id, histogram.covered(share))).collect())
}

/// The preprocessed image; `None` if it cannot be read and is skipped.
fn input(model: &Model, source: &impl ImageSource, index: usize, bad: OnBadImage) -> Result<Option<HostTensor>> {
    let read = || model.preprocess().apply(&source.image(index)?, model.input_shape());
    match read() {
        Ok(input) => Ok(Some(input)),
        Err(error) if bad == OnBadImage::Skip && BadImage::of(String::new(), &error).is_some() => Ok(None),
        Err(error) => Err(error.concerning(source.name(index))),
    }
}

/// How often the values of a tensor fall into each of equal parts of its range.
#[derive(Clone, Debug)]
struct Histogram {
    range: Range,
    counts: Vec<u64>,
}

impl Histogram {
    /// Parts of a range.
    const PARTS: usize = 1 << 12;

    fn new(range: Range) -> Self {
        Self { range, counts: vec![0; Self::PARTS] }
    }

    fn width(&self) -> f64 {
        (f64::from(self.range.high) - f64::from(self.range.low)) / Self::PARTS as f64
    }

    fn add(&mut self, element: f32) {
        if element.is_finite() && self.width() > 0.0 {
            let part = (f64::from(element) - f64::from(self.range.low)) / self.width();
            self.counts[(part as usize).min(Self::PARTS - 1)] += 1;
        }
    }

    /// The range without `(100 - share) / 2` % of the values at either end, to the bounds of parts.
    fn covered(&self, share: f64) -> Range {
        let all: u64 = self.counts.iter().sum();
        let cut = ((100.0 - share) / 200.0 * all as f64).floor() as u64;
        let beyond = |counts: &mut dyn Iterator<Item = &u64>| {
            let mut sum = 0;
            counts
                .take_while(|&&count| {
                    sum += count;
                    sum <= cut
                })
                .count()
        };
        let (below, above) = (beyond(&mut self.counts.iter()), beyond(&mut self.counts.iter().rev()));
        if below + above >= Self::PARTS {
            return self.range;
        }
        let (low, high) = (f64::from(self.range.low), f64::from(self.range.high));
        Range { low: (low + below as f64 * self.width()) as f32, high: (high - above as f64 * self.width()) as f32 }
    }
}

/// The golden accuracy of the network in float32, `plain`, and rounded, `lab`, over the same images: the first of `plan`
/// that have a label. `None` if none has.
///
/// # Errors
/// If the device fails.
pub async fn accuracy_beside(
    plain: &Lab,
    lab: &Lab,
    source: &impl ImageSource,
    plan: &Plan,
    budget: Budget,
) -> Result<Option<RoundedAccuracy>> {
    /// Multiply-adds that the two golden runs of all images take at most, if there are not more than the first hundred.
    const WORK: u64 = 100_000_000_000;
    let each = (2 * plain.executor().multiply_adds()).max(1);
    let most = usize::try_from(WORK / each).unwrap_or(usize::MAX).clamp(100, 1000);
    let (images, float32) = look(plain, source, plan, most, budget, || false).await?.hits();
    let (also, rounded) = look(lab, source, plan, most, budget, || false).await?.hits();
    // A golden run that fails ends a look.
    Ok((images > 0 && images == also).then_some(RoundedAccuracy { images, float32, rounded }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_leaves_out_the_ends() {
        let mut histogram = Histogram::new(Range { low: 0.0, high: 1000.0 });
        (0..1000).for_each(|value| histogram.add(value as f32 + 0.5));
        let all = histogram.covered(100.0);
        assert!(all.low <= 0.5 && all.high >= 999.5, "{all:?}");
        let most = histogram.covered(98.0);
        assert!((9.0..=10.5).contains(&most.low) && (989.5..=991.0).contains(&most.high), "{most:?}");
        let mut constant = Histogram::new(Range { low: 2.0, high: 2.0 });
        constant.add(2.0);
        assert_eq!(constant.covered(90.0), Range { low: 2.0, high: 2.0 });
    }
}
