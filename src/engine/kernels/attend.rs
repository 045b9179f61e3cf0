//! Scaled dot-product attention as one operator.
//!
//! A line of positions is the tokens of one head. A query reads the keys and values of its head.

use std::ops::Range;

use super::channels::Softmax;
use super::product::Factor;
use super::{Extent, Job, Kernel, Region, View};
use crate::platform;

/// `softmax(Q K' * scale) V` for each head.
#[derive(Debug)]
pub(super) struct Attend {
    pub scale: f32,
    /// Heads of the queries, and of the keys and values: neighbouring queries' heads share one of those.
    pub heads: [usize; 2],
    pub key: Extent,
    pub output: Extent,
}

/// The tokens of one head in a job.
struct Head<'j, 'a> {
    inputs: [View<'a>; 3],
    y: usize,
    across: Range<usize>,
    out: &'j mut [f32],
}

impl Attend {
    /// Returns the line of keys that line `y` of queries reads.
    fn line_of_keys(&self, y: usize) -> usize {
        let [queries, keys] = self.heads;
        y / queries * keys + y % queries / (queries / keys)
    }

    fn head(&self, head: Head<'_, '_>) {
        let Head { inputs: [query, key, value], y, across, out } = head;
        let (line, tokens) = (self.line_of_keys(y), self.key.width);
        let queries: Vec<&[f32]> = across.map(|x| query.row(y, x)).collect();
        let mut scores = vec![0.0; queries.len() * tokens];
        Factor { view: key, line, turned: true }.multiply(&queries, &mut scores);
        scores.iter_mut().for_each(|score| *score *= self.scale);
        let softmax = Softmax { channels: tokens, log: false };
        let mut weights = vec![0.0; scores.len()];
        for (scores, weights) in scores.chunks_exact(tokens).zip(weights.chunks_exact_mut(tokens)) {
            softmax.row(scores, weights);
        }
        let weights: Vec<&[f32]> = weights.chunks_exact(tokens).collect();
        Factor { view: value, line, turned: false }.multiply(&weights, out);
    }
}

impl Kernel for Attend {
    fn reach(&self, input: usize, changed: Region) -> Region {
        if changed.is_empty() || input == 0 {
            return changed;
        }
        // Every query of the heads that share these keys.
        let [queries, keys] = self.heads;
        let shared = queries / keys;
        let first = |line: usize| line / keys * queries + line % keys * shared;
        Region {
            top: first(changed.top),
            left: 0,
            bottom: first(changed.bottom - 1) + shared,
            right: self.output.width,
        }
    }

    fn is_local(&self) -> bool {
        false
    }

    fn compute(&self, jobs: &mut [Job<'_>]) {
        let mut heads = Vec::new();
        for job in jobs.iter_mut().filter(|job| !job.region.is_empty()) {
            let Region { top, left, right, .. } = job.region;
            let inputs = [job.inputs[0], job.inputs[1], job.inputs[2]];
            for (y, out) in (top..).zip(job.out.chunks_mut((right - left) * self.output.channels)) {
                heads.push(Head { inputs, y, across: left..right, out });
            }
        }
        platform::for_each(heads, |head| self.head(head));
    }

    fn multiply_adds(&self) -> u64 {
        (self.key.width * (self.key.channels + self.output.channels)) as u64
    }
}
