//! The study's subsampling: a number of trials from each starting set, drawn at random.

use std::collections::BinaryHeap;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::campaign::{Judgement, Start, StartSummary, Summary, Tally};

/// Separates this stream of random numbers from others with the same seed.
const DOMAIN: u64 = u64::from_le_bytes(*b"study v1");

/// A draw of trials from each starting set, without replacement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StudySample {
    /// Number of trials per starting set. The study draws 3,000.
    pub count: usize,
    /// Seed of the draw.
    pub seed: u64,
}

/// The results of the trials drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SampleSummary {
    /// Requested number of trials per starting set.
    pub count: usize,
    /// Seed of the draw.
    pub seed: u64,
    /// The starting sets. If a set has fewer trials than requested, all of them are drawn.
    pub starts: Vec<StartSummary>,
}

/// A draw in progress.
///
/// Each trial gets a random number, which depends only on the seed, the set and the trial's index in the records. The
/// trials with the smallest numbers are drawn. A draw therefore does not depend on the division of the records into
/// blocks, and its memory does not depend on the number of records.
#[derive(Clone, Debug)]
pub struct Draw {
    count: usize,
    numbers: [ChaCha8Rng; Start::ALL.len()],
    /// The trials drawn so far, with their random numbers and indices.
    drawn: [BinaryHeap<(u64, u64, Judgement)>; Start::ALL.len()],
    next: u64,
}

impl Draw {
    /// Begins a draw with trial number `first` of the records.
    pub fn new(sample: StudySample, first: u64) -> Self {
        let numbers = std::array::from_fn(|set| {
            let mut key = [0u8; 32];
            for (part, number) in key.chunks_exact_mut(8).zip([sample.seed, set as u64, 0, DOMAIN]) {
                part.copy_from_slice(&number.to_le_bytes());
            }
            let mut numbers = ChaCha8Rng::from_seed(key);
            // A number takes two words.
            numbers.set_word_pos(2 * u128::from(first));
            numbers
        });
        Self { count: sample.count, numbers, drawn: Default::default(), next: first }
    }

    /// Takes the next trial. Its image belongs to the sets `starts`.
    pub fn take(&mut self, starts: &[Start], judgement: Judgement) {
        let numbers: [u64; Start::ALL.len()] = std::array::from_fn(|set| self.numbers[set].next_u64());
        for &start in starts {
            self.keep(start as usize, (numbers[start as usize], self.next, judgement));
        }
        self.next += 1;
    }

    fn keep(&mut self, set: usize, trial: (u64, u64, Judgement)) {
        let drawn = &mut self.drawn[set];
        if drawn.len() < self.count {
            drawn.push(trial);
        } else if drawn.peek().is_some_and(|last| trial < *last) {
            drawn.pop();
            drawn.push(trial);
        }
    }

    /// Adds the trials that `other` has drawn.
    pub fn merge(&mut self, other: Self) {
        for (set, drawn) in other.drawn.into_iter().enumerate() {
            for trial in drawn {
                self.keep(set, trial);
            }
        }
    }

    /// Returns the rates of the trials drawn. `all` are the rates of all trials.
    pub fn summary(&self, sample: StudySample, all: &Summary) -> SampleSummary {
        let starts = all.starts.iter().map(|set| {
            let mut tally = Tally::default();
            for &(_, _, judgement) in &self.drawn[set.start as usize] {
                tally.add(judgement);
            }
            let faults = tally.summary(all.grouping.is_some());
            StartSummary::new(set.start, set.images, faults, all.golden.scm.as_ref())
        });
        SampleSummary { count: sample.count, seed: sample.seed, starts: starts.collect() }
    }
}

#[cfg(test)]
mod tests;
