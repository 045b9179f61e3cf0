//! Waves on a GPU.
//!
//! A GPU is fast with much work at a time. Therefore the lanes of a wave and the golden runs of its images are
//! computed as [`Batch`]es. One dispatch computes an operator for all of them, each lane from its first change on.
//!
//! The last bits of a result may depend on the size of the batch: the library chooses kernels by the size of the work,
//! and kernels add in different orders. Two rules follow.
//!
//! * Golden runs and lanes of a batch are rows of the same dispatch, so that a lane is compared with a golden run of
//!   the same arithmetic.
//! * The predicted class is that of a full run at batch 1, for any composition of the wave. If rounding could change
//!   the class ([`is_uncertain`]), the inference is repeated at batch 1. For an uncertain output of a lane, this is
//!   the lane; for an uncertain golden output, the golden run and all lanes of the image.

use facts::Result;
use facts::graph::{Graph, ValueId};

use super::batch::Batch;
use super::gpu::GpuGraph;
use super::lane::Changed;
use super::{Activations, Image, Lane, Observe, Plain, Settings, Wave, alone};

/// Most bytes of one tensor of a batch: the size that every implementation of WebGPU can bind.
const TENSOR_BYTES: usize = 128 << 20;

/// Outputs that differ by less than this share of the largest output may change places through rounding. Outputs of
/// this device and of other devices, which round differently, agree within a tenth of this value (tests/devices).
const ROUNDING: f32 = 1e-3;

pub(super) async fn wave(gpu: &GpuGraph, images: &[Image<'_>], lanes: &[Lane], settings: Settings) -> Result<Wave> {
    let observed = settings.observe != Observe::default();
    let mut wave = Wave { golden: vec![Vec::new(); images.len()], ..Wave::default() };
    wave.lanes.resize_with(lanes.len(), Default::default);
    let mut again = vec![observed || images.len() + lanes.len() <= 2 && !lanes.is_empty(); images.len()];
    if again.contains(&false) {
        for part in parts(images.len(), lanes, rows(&gpu.graph)) {
            let own: Vec<&Image<'_>> = part.images.iter().map(|&image| &images[image]).collect();
            let place = |image| part.images.iter().position(|&own| own == image).unwrap_or_default();
            let own_lanes = part.lanes.iter().map(|&lane| (place(lanes[lane].image), &lanes[lane])).collect();
            let (golden, faulty) = Batch::new(gpu, &own, own_lanes, settings.whole).run().await?;
            for (&image, golden) in part.images.iter().zip(golden) {
                again[image] |= is_uncertain(&golden);
                wave.golden[image] = golden;
            }
            for (&lane, faulty) in part.lanes.iter().zip(faulty) {
                wave.lanes[lane] = faulty;
            }
        }
    }
    for (index, image) in images.iter().enumerate() {
        let uncertain = |lane: &usize| {
            lanes[*lane].image == index
                && (again[index] || wave.lanes[*lane].output.as_deref().is_some_and(is_uncertain))
        };
        let own: Vec<usize> = (0..lanes.len()).filter(uncertain).collect();
        if own.is_empty() && !again[index] {
            continue;
        }
        let made;
        let golden: &Activations = match *image {
            Image::Golden(golden) => golden,
            Image::Inputs(inputs) => {
                made = gpu.run(inputs, &Changed::new(), &mut Plain).await?;
                &made
            }
        };
        if again[index]
            && let Some(output) = golden.get(gpu.graph.outputs[0])
        {
            wave.golden[index] = output.read().await?;
        }
        for lane in own {
            wave.lanes[lane] = alone::faulty(gpu, golden, &lanes[lane], settings.observe).await?;
        }
    }
    Ok(wave)
}

/// Returns whether rounding could change the predicted class. NaN and infinity come from overflow, and the order of a
/// sum decides where it overflows. If all outputs from the first class on are NaN, the class does not depend on the
/// order.
fn is_uncertain(output: &[f32]) -> bool {
    if output.iter().any(|value| !value.is_finite()) {
        return !output[0].is_nan();
    }
    let [mut first, mut second] = [f32::NEG_INFINITY; 2];
    for &value in output {
        second = second.max(value.min(first));
        first = first.max(value);
    }
    let largest = output.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
    first - second <= ROUNDING * largest
}

/// A part of a wave that forms one batch: the indices of images and of their lanes.
struct Part {
    images: Vec<usize>,
    lanes: Vec<usize>,
}

/// Returns the maximum number of rows of a batch.
fn rows(graph: &Graph) -> usize {
    let elements = |&value: &ValueId| graph.values[value].elements();
    let largest = graph.nodes.iter().flat_map(|node| &node.outputs).chain(&graph.inputs).map(elements).max();
    (TENSOR_BYTES / 4 / largest.unwrap_or(1).max(1)).max(2)
}

/// Splits a wave into batches of at most `most` rows, images and lanes together. An image with lanes in several
/// batches is part of each of them.
fn parts(images: usize, lanes: &[Lane], most: usize) -> Vec<Part> {
    let mut of_image: Vec<Vec<usize>> = vec![Vec::new(); images];
    for (index, lane) in lanes.iter().enumerate() {
        of_image[lane.image].push(index);
    }
    let mut parts = vec![Part { images: Vec::new(), lanes: Vec::new() }];
    let mut free = most;
    for (image, own) in of_image.iter().enumerate() {
        let mut own = &own[..];
        loop {
            // An image needs room for one of its lanes too, if it has any.
            if free < 1 + own.len().min(1) {
                parts.push(Part { images: Vec::new(), lanes: Vec::new() });
                free = most;
            }
            let (now, later) = own.split_at(own.len().min(free - 1));
            free -= 1 + now.len();
            if let Some(part) = parts.last_mut() {
                part.images.push(image);
                part.lanes.extend(now);
            }
            own = later;
            if own.is_empty() {
                break;
            }
        }
    }
    parts
}

#[cfg(test)]
mod tests;
