//! The study's subsampling: so many trials of each starting set, drawn at random.

use std::collections::BinaryHeap;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::campaign::{Judgement, Start, StartSummary, Summary, Tally};

/// Tells this stream of numbers from any other that may be drawn from the same seed.
const DOMAIN: u64 = u64::from_le_bytes(*b"study v1");

/// How many trials to draw from each starting set, without drawing one twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StudySample {
    /// Trials; the study draws 3,000.
    pub count: usize,
    /// Seed of the draw.
    pub seed: u64,
}

/// What the trials drawn say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SampleSummary {
    /// Trials asked for from each starting set.
    pub count: usize,
    /// Seed of the draw.
    pub seed: u64,
    /// The starting sets; where one has fewer trials than asked for, all of them.
    pub starts: Vec<StartSummary>,
}

/// A draw in progress.
///
/// Each trial gets a random number, which depends only on the seed, the set and the trial's place in the records,
/// and the trials with the smallest numbers are drawn. So a draw does not depend on how the records were cut into
/// pieces, and its size not on their number.
#[derive(Clone, Debug)]
pub struct Draw {
    count: usize,
    numbers: [ChaCha8Rng; Start::ALL.len()],
    /// The trials drawn so far, with their numbers and places.
    drawn: [BinaryHeap<(u64, u64, Judgement)>; Start::ALL.len()],
    next: u64,
}

impl Draw {
    /// A draw that begins with trial number `first` of the records.
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

    /// Takes the next trial, which is of an image in the sets `starts`.
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

    /// Takes what `other` has drawn.
    pub fn merge(&mut self, other: Self) {
        for (set, drawn) in other.drawn.into_iter().enumerate() {
            for trial in drawn {
                self.keep(set, trial);
            }
        }
    }

    /// The rates of the trials drawn; `all` are those of every trial.
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
