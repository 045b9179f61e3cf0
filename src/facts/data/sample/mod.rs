//! Some of a data set's images, drawn without replacement.

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::{DataSource, ImageSource};
use crate::{Error, Result};

/// Tells this stream of numbers from any other that may be drawn from the same seed.
const DOMAIN: u64 = u64::from_le_bytes(*b"sampl v1");

/// Images drawn from a data set: what `faultscope sample` writes and a campaign reads.
///
/// The images keep the indices, and with them the order, that they have in the data set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// The data set.
    pub data: DataSource,
    /// Seed of the draw.
    pub seed: u64,
    /// How many images were drawn.
    pub count: usize,
    /// Whether each class has the same number of them, give or take one.
    pub balanced: bool,
    /// How many images the data set has.
    pub of: usize,
    /// The images, by their index in the data set, ascending.
    pub indices: Vec<usize>,
}

impl Sample {
    /// Draws `count` of the images of `source`, all sets of so many equally likely. `data` says what `source` is.
    ///
    /// The draw depends on the seed, on the number of images and, where it is `balanced`, on the labels: each class
    /// then gives `count` divided by the number of classes, and as many classes as the remainder says, drawn at
    /// random, one more.
    ///
    /// # Errors
    /// Where there are fewer images than `count`, in all or in a class, none is asked for, or a balanced draw meets an
    /// image without a label.
    pub fn draw(
        source: &(impl ImageSource + ?Sized),
        data: DataSource,
        seed: u64,
        count: usize,
        balanced: bool,
    ) -> Result<Self> {
        let of = source.len();
        if count == 0 || count > of {
            return Err(Error::request(format_args!("{count} images are to be drawn, the data has {of}")));
        }
        let mut key = [0u8; 32];
        for (part, number) in key.chunks_exact_mut(8).zip([seed, of as u64, u64::from(balanced), DOMAIN]) {
            part.copy_from_slice(&number.to_le_bytes());
        }
        let mut rng = ChaCha8Rng::from_seed(key);
        let indices = if balanced {
            balanced_draw(source, count, &mut rng)?
        } else {
            let mut urn = Urn { left: of, wanted: count };
            (0..of).filter(|_| urn.takes(&mut rng)).collect()
        };
        Ok(Self { data, seed, count, balanced, of, indices })
    }

    /// Reads the file that [`Sample`]s are kept in; `name` is the file's name for messages.
    ///
    /// # Errors
    /// Where the text is no sample, or contradicts itself.
    pub fn from_json(name: &str, text: &str) -> Result<Self> {
        let sample: Self = serde_json::from_str(text).map_err(|error| {
            Error::input(name, format_args!("this is not a sample of `faultscope sample`: {error}"))
        })?;
        sample.check().map_err(|problem| Error::input(name, problem))?;
        Ok(sample)
    }

    /// Makes sure that the sample was drawn from the images that `data` stands for; `name` is the sample's file.
    ///
    /// # Errors
    /// Where it was drawn from others. The path has no say in it, so data may move.
    pub fn fits(&self, name: &str, data: &DataSource) -> Result<()> {
        if (self.of, &self.data.sha256) == (data.images, &data.sha256) {
            return Ok(());
        }
        Err(Error::input(
            name,
            format_args!(
                "the sample was drawn from {} images of {} (SHA-256 {}), the data is {} with {} (SHA-256 {}); draw another \
                 with `faultscope sample`",
                self.of, self.data.path, self.data.sha256, data.path, data.images, data.sha256
            ),
        ))
    }

    fn check(&self) -> Result<(), String> {
        if self.indices.is_empty() || self.indices.len() != self.count {
            return Err(format!("{} images are stated, {} are listed", self.count, self.indices.len()));
        }
        if let Some(pair) = self.indices.windows(2).find(|pair| pair[0] >= pair[1]) {
            return Err(format!("the images must be in ascending order, but {} is followed by {}", pair[0], pair[1]));
        }
        match self.indices.last() {
            Some(&last) if last >= self.of => Err(format!("image {last} is listed, the data has {}", self.of)),
            _ => Ok(()),
        }
    }
}

/// Selection sampling (Knuth, The Art of Computer Programming, volume 2, 3.4.2, algorithm S): items are met one by one
/// and taken with the probability that makes all sets equally likely, so what is taken is in order.
#[derive(Clone, Copy, Debug)]
struct Urn {
    /// Items not met yet.
    left: usize,
    /// Items still to be taken.
    wanted: usize,
}

impl Urn {
    /// Meets an item and says whether it is taken. Numbers are drawn as `u64`, alike on every platform.
    fn takes(&mut self, rng: &mut ChaCha8Rng) -> bool {
        let taken = rng.random_range(0..self.left as u64) < self.wanted as u64;
        self.left -= 1;
        self.wanted -= usize::from(taken);
        taken
    }
}

fn balanced_draw(source: &(impl ImageSource + ?Sized), count: usize, rng: &mut ChaCha8Rng) -> Result<Vec<usize>> {
    let labels: Vec<usize> = (0..source.len())
        .map(|index| {
            source.label(index).ok_or_else(|| {
                Error::input(source.name(index), "a balanced sample needs the label of every image, this one has none")
            })
        })
        .collect::<Result<_>>()?;
    let mut urns: BTreeMap<usize, Urn> = BTreeMap::new();
    for &label in &labels {
        urns.entry(label).or_insert(Urn { left: 0, wanted: 0 }).left += 1;
    }
    let classes = urns.len();
    let mut extra = Urn { left: classes, wanted: count % classes };
    for (class, urn) in &mut urns {
        urn.wanted = count / classes + usize::from(extra.takes(rng));
        if urn.wanted > urn.left {
            return Err(Error::request(format_args!(
                "{count} images of {classes} classes are {} of class {class}, which has {}; ask for fewer, or without \
                 balance",
                urn.wanted, urn.left
            )));
        }
    }
    let taken = |&index: &usize| urns.get_mut(&labels[index]).is_some_and(|urn| urn.takes(rng));
    Ok((0..labels.len()).filter(taken).collect())
}

#[cfg(test)]
mod tests;
