//! Rounding a network to number formats, with scales that are learnt from golden runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use facts::campaign::{Calibration, CoveredRange, NumberFormats, OnBadImage, TensorScale, rounded_outputs};
use facts::data::ImageSource;
use facts::format::Scale;
use facts::graph::{Graph, ValueId};
use facts::model::Model;
use facts::{Error, Result};

use super::profile::golden_run;
use super::{Golden, Lab};
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
    let mut rounding = Rounding::new(model, *numbers, source)?;
    if numbers.learns() {
        let plain = Lab::cpu(model.clone())?;
        while rounding.step(&plain, source, bad).await? {}
    }
    rounding.finish(model)
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

/// A rounding under way. It learns scales a golden run at a time, so that whoever waits can be told and can end it.
#[derive(Debug)]
pub struct Rounding {
    numbers: NumberFormats,
    /// `None` where the formats need no golden runs.
    learning: Option<Learning>,
}

impl Rounding {
    /// Begins to round `model`, which `numbers` describe. No golden run is made yet.
    ///
    /// # Errors
    /// If the numbers contradict each other, or `source` has too few images.
    pub fn new(model: &Model, numbers: NumberFormats, source: &impl ImageSource) -> Result<Self> {
        numbers.validate()?;
        let learning = match &numbers.calibration {
            Some(calibration) if numbers.learns() => Some(Learning::new(&model.graph, calibration, source)?),
            _ => None,
        };
        Ok(Self { numbers, learning })
    }

    /// Rounds `model` with 1 for each scale that is still to be learnt. Checks of a campaign need the formats of tensors and
    /// not their scales.
    ///
    /// # Errors
    /// If the formats cannot be emulated on the model.
    pub fn unlearnt(&self, model: &Model) -> Result<Rounded> {
        let scales = self.learning.iter().flat_map(|learning| learning.seen.tensors());
        with_scales(model, &self.numbers, scales.map(|id| (id, Scale::default())).collect())
    }

    /// The number of golden runs that were made or passed over, and of all of them.
    pub fn progress(&self) -> [usize; 2] {
        self.learning.as_ref().map_or([0, 0], Learning::progress)
    }

    /// Learns from the next golden run of `plain`, the network before it is rounded, on the CPU. Returns whether there was one.
    ///
    /// # Errors
    /// If the image cannot be read and `bad` images are not skipped, the golden run fails, or none of the images could be read.
    pub async fn step(&mut self, plain: &Lab, source: &impl ImageSource, bad: OnBadImage) -> Result<bool> {
        match &mut self.learning {
            Some(learning) => learning.step(plain, source, bad).await,
            None => Ok(false),
        }
    }

    /// Rounds `model` with the scales that were learnt.
    ///
    /// # Errors
    /// If the formats cannot be emulated on the model.
    pub fn finish(self, model: &Model) -> Result<Rounded> {
        let Self { numbers, learning } = self;
        let ranges = learning.map(Learning::ranges).unwrap_or_default();
        let scales = ranges.into_iter().map(|(id, range)| (id, numbers.output_scale(range.low, range.high)));
        with_scales(model, &numbers, scales.collect())
    }
}

/// The range of every output that is rounded, learnt from golden runs.
#[derive(Debug)]
struct Learning {
    calibration: Calibration,
    /// The next image.
    next: usize,
    /// Golden runs so far.
    runs: usize,
    seen: Seen,
}

/// What golden runs have shown of each output that is rounded.
#[derive(Debug)]
enum Seen {
    /// The first look at the images finds the ends.
    Ranges(BTreeMap<ValueId, Range>),
    /// A second look counts the values between them, where some of the values are left out.
    Histograms(BTreeMap<ValueId, Histogram>),
}

impl Learning {
    fn new(graph: &Graph, calibration: &Calibration, source: &impl ImageSource) -> Result<Self> {
        let count = calibration.images;
        if count == 0 || count > source.len() {
            return Err(Error::request(format_args!(
                "scales are to be learnt from the golden runs of {count} images; expected 1 to {}, the number of images of \
                 the data",
                source.len()
            )));
        }
        let seen = Seen::Ranges(rounded_outputs(graph).map(|id| (id, Range::NONE)).collect());
        Ok(Self { calibration: *calibration, next: 0, runs: 0, seen })
    }

    fn progress(&self) -> [usize; 2] {
        let count = self.calibration.images;
        let looks = if matches!(self.calibration.range, CoveredRange::Percentile(_)) { 2 } else { 1 };
        let before = if matches!(self.seen, Seen::Histograms(_)) { count } else { 0 };
        [before + self.next, looks * count]
    }

    async fn step(&mut self, plain: &Lab, source: &impl ImageSource, bad: OnBadImage) -> Result<bool> {
        if self.next == self.calibration.images && !self.look_again()? {
            return Ok(false);
        }
        let golden = golden_run(plain, source, self.next, bad).await?;
        self.next += 1;
        if let Some(golden) = golden {
            self.runs += 1;
            self.seen.include(&golden).await?;
        }
        Ok(true)
    }

    /// Goes back to the first image, if a second look is needed and was not made.
    fn look_again(&mut self) -> Result<bool> {
        if self.runs == 0 {
            return Err(Error::request(format_args!(
                "none of the first {} images can be read, from which scales are learnt",
                self.calibration.images
            )));
        }
        match (&self.seen, self.calibration.range) {
            (Seen::Ranges(ranges), CoveredRange::Percentile(_)) => {
                self.seen = Seen::Histograms(ranges.iter().map(|(&id, &range)| (id, Histogram::new(range))).collect());
                self.next = 0;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    fn ranges(self) -> BTreeMap<ValueId, Range> {
        match (self.seen, self.calibration.range) {
            (Seen::Histograms(histograms), CoveredRange::Percentile(share)) => {
                histograms.into_iter().map(|(id, histogram)| (id, histogram.covered(share))).collect()
            }
            (Seen::Histograms(histograms), CoveredRange::MinMax) => {
                histograms.into_iter().map(|(id, histogram)| (id, histogram.range)).collect()
            }
            (Seen::Ranges(ranges), _) => ranges,
        }
    }
}

impl Seen {
    fn tensors(&self) -> Vec<ValueId> {
        match self {
            Self::Ranges(ranges) => ranges.keys().copied().collect(),
            Self::Histograms(histograms) => histograms.keys().copied().collect(),
        }
    }

    async fn include(&mut self, golden: &Golden) -> Result<()> {
        match self {
            Self::Ranges(ranges) => {
                for (&id, range) in ranges {
                    let Some(array) = golden.activations.get(id) else { continue };
                    let elements = array.read().await?.into_iter().filter(|element| element.is_finite());
                    elements.for_each(|element| range.widen(element));
                }
            }
            Self::Histograms(histograms) => {
                for (&id, histogram) in histograms {
                    let Some(array) = golden.activations.get(id) else { continue };
                    array.read().await?.into_iter().for_each(|element| histogram.add(element));
                }
            }
        }
        Ok(())
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
