//! Parts of a campaign that are made apart, on one machine each, and merged.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One of several parts of a campaign: a contiguous range of its images.
///
/// Written as `3/20`, the third of twenty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Shard {
    /// Which one, from 1.
    index: usize,
    /// How many there are.
    of: usize,
}

impl Shard {
    /// Part number `index`, counted from 1, of `of` parts; `None` where there is no such part.
    pub fn new(index: usize, of: usize) -> Option<Self> {
        (1..=of).contains(&index).then_some(Self { index, of })
    }

    /// Which one, from 1.
    pub fn index(self) -> usize {
        self.index
    }

    /// How many there are.
    pub fn of(self) -> usize {
        self.of
    }

    /// The part in words, for a report.
    pub fn words(self) -> String {
        format!("shard {} of {}; the other shards are not counted (`faultscope merge` joins them)", self.index, self.of)
    }

    /// The part of `images` images: parts differ by one image at most, and together they are all images.
    pub fn range(self, images: usize) -> Range<usize> {
        // In 128 bits the product cannot overflow, and the quotient is at most `images`.
        let end = |part: usize| (images as u128 * part as u128 / self.of as u128) as usize;
        end(self.index - 1)..end(self.index)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.index, self.of)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/').and_then(|(index, of)| Some((index.parse().ok()?, of.parse().ok()?)));
        let parts = parts.filter(|&(_, of)| of > 0);
        let (index, of) =
            parts.ok_or_else(|| format!("I/N is expected, 1/20 to 20/20 for example, found \"{text}\""))?;
        Self::new(index, of)
            .ok_or_else(|| format!("there is no part {index} of {of}: they are counted from 1/{of} to {of}/{of}"))
    }
}

impl TryFrom<String> for Shard {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Shard> for String {
    fn from(shard: Shard) -> Self {
        shard.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn parts_are_all_images_once_and_alike_in_size(images in 0usize..5000, of in 1usize..70) {
            let ranges: Vec<_> = (1..=of).map(|index| Shard::new(index, of).unwrap().range(images)).collect();
            prop_assert_eq!((ranges[0].start, ranges[of - 1].end), (0, images));
            prop_assert!(ranges.windows(2).all(|pair| pair[0].end == pair[1].start));
            prop_assert!(ranges.iter().all(|range| range.len() == images / of || range.len() == images / of + 1));
        }
    }

    #[test]
    fn the_study_cuts_cifar_into_twenty_parts_of_500() {
        assert_eq!("2/20".parse::<Shard>().unwrap().range(10_000), 500..1000);
        assert_eq!(Shard::new(usize::MAX, usize::MAX).unwrap().range(usize::MAX), usize::MAX - 1..usize::MAX);
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["0/4", "5/4"] {
            assert!(text.parse::<Shard>().unwrap_err().contains("counted from 1/"), "{text}");
        }
        for text in ["", "1", "1/", "/4", "a/b", "1/0", "0/0", "-1/4", "1/4/4", "1.0/4", "99999999999999999999999/4"] {
            assert!(text.parse::<Shard>().unwrap_err().contains("I/N is expected"), "{text}");
        }
        assert!(serde_json::from_str::<Shard>("\"0/4\"").is_err());
        assert_eq!(serde_json::to_string(&"04/12".parse::<Shard>().unwrap()).unwrap(), "\"4/12\"");
    }
}
