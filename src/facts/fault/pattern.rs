//! Spatial patterns: the elements of a tensor that one fault strikes together.
//!
//! A faulty multiplier or a corrupted register of a GPU changes several values of one output. The patterns are those that
//! fault injection into single operators finds. The first element is drawn as that of a single fault; the pattern adds
//! others.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use rand::RngExt;
use rand::seq::index;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::graph::{Layout, Value};
use crate::{Error, Result};

/// A spatial pattern. As text `single`, `row`, `column`, `channel`, `full-channels[:K]`, `bullet-wake[:K]`,
/// `shattered-glass[:K]`, `block:WxH`, `skip:N[xK]` or `random:K`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Pattern {
    /// One element.
    #[default]
    Single,
    /// A row of a channel.
    Row,
    /// A column of a channel.
    Column,
    /// A channel.
    Channel,
    /// Several channels; without a number, two.
    FullChannels(Option<usize>),
    /// One position in several channels; without a number, a number drawn from 2 to all.
    BulletWake(Option<usize>),
    /// A bullet wake in so many channels, one of which is hit in other places of the same row as well.
    ShatteredGlass(Option<usize>),
    /// A box of one channel.
    Block {
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
    },
    /// Elements at equal distances in the order in which the tensor is stored; without a count, as many as fit, 16 at most.
    Skip {
        /// The distance.
        stride: usize,
        /// The count.
        count: Option<usize>,
    },
    /// So many elements of the tensor.
    Random(usize),
}

/// Most elements that `skip:N` strikes.
pub(super) const SKIPS: usize = 16;

impl fmt::Display for Pattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut counted = |name: &str, count: Option<usize>| match count {
            None => out.write_str(name),
            Some(count) => write!(out, "{name}:{count}"),
        };
        match *self {
            Self::Single => counted("single", None),
            Self::Row => counted("row", None),
            Self::Column => counted("column", None),
            Self::Channel => counted("channel", None),
            Self::FullChannels(count) => counted("full-channels", count),
            Self::BulletWake(count) => counted("bullet-wake", count),
            Self::ShatteredGlass(count) => counted("shattered-glass", count),
            Self::Random(count) => counted("random", Some(count)),
            Self::Block { width, height } => write!(out, "block:{width}x{height}"),
            Self::Skip { stride, count: None } => write!(out, "skip:{stride}"),
            Self::Skip { stride, count: Some(count) } => write!(out, "skip:{stride}x{count}"),
        }
    }
}

impl FromStr for Pattern {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, numbers) = match text.split_once(':') {
            Some((name, numbers)) => (name, Some(numbers)),
            None => (text, None),
        };
        let number = |text: &str| text.parse::<usize>().ok().filter(|&number| number > 0);
        let pair = |text: &str| {
            let (first, second) = text.split_once('x')?;
            Some((number(first)?, number(second)?))
        };
        // The outer value tells whether there is a number, the inner one whether it is one.
        let one = numbers.map(number);
        let pattern = match (name, numbers, one) {
            ("single", None, _) => Some(Self::Single),
            ("row", None, _) => Some(Self::Row),
            ("column", None, _) => Some(Self::Column),
            ("channel", None, _) => Some(Self::Channel),
            ("full-channels", _, None | Some(Some(_))) => Some(Self::FullChannels(one.flatten())),
            ("bullet-wake", _, None | Some(Some(_))) => Some(Self::BulletWake(one.flatten())),
            ("shattered-glass", _, None | Some(Some(_))) => Some(Self::ShatteredGlass(one.flatten())),
            ("random", _, Some(Some(count))) => Some(Self::Random(count)),
            ("skip", _, Some(Some(stride))) => Some(Self::Skip { stride, count: None }),
            ("skip", Some(numbers), _) => {
                pair(numbers).map(|(stride, count)| Self::Skip { stride, count: Some(count) })
            }
            ("block", Some(numbers), _) => pair(numbers).map(|(width, height)| Self::Block { width, height }),
            _ => None,
        };
        pattern.ok_or_else(|| {
            Error::request(format_args!(
                "a pattern is expected: single, row, column, channel, full-channels[:K], bullet-wake[:K], \
                 shattered-glass[:K], block:WxH, skip:N[xK] or random:K, with numbers above 0; found \"{text}\""
            ))
        })
    }
}

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// A tensor as channels of rows and columns, with the way to its stored elements.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    pub channels: usize,
    pub height: usize,
    pub width: usize,
    /// Tokens are stored channel by channel at each position.
    last: bool,
}

impl Grid {
    /// Of a tensor: an image has channels, rows and columns, and a convolution's parameter has a channel for each plane; of
    /// tokens the last axis is the channels, and the tokens are one row; a matrix is one channel; anything else is one row of
    /// one channel.
    pub fn of(shape: &[usize]) -> Self {
        match *shape {
            [outer, channels, height, width] => Self { channels: outer * channels, height, width, last: false },
            [1, width, channels] => Self { channels, height: 1, width, last: true },
            [height, width] => Self { channels: 1, height, width, last: false },
            _ => Self { channels: 1, height: 1, width: shape.iter().product(), last: false },
        }
    }

    pub fn index(self, [channel, row, column]: [usize; 3]) -> usize {
        let position = row * self.width + column;
        if self.last { position * self.channels + channel } else { channel * self.height * self.width + position }
    }

    fn place(self, index: usize) -> [usize; 3] {
        let positions = (self.height * self.width).max(1);
        let (channel, position) = match self.last {
            true => (index % self.channels, index / self.channels),
            false => (index / positions, index % positions),
        };
        [channel, position / self.width, position % self.width]
    }

    pub fn elements(self) -> usize {
        self.channels * self.height * self.width
    }
}

impl Pattern {
    /// Whether this is the pattern of single faults, which files leave out.
    pub fn is_single(&self) -> bool {
        *self == Self::Single
    }

    /// Whether chance decides which elements are struck beside the first one.
    pub fn is_drawn(&self) -> bool {
        matches!(self, Self::FullChannels(_) | Self::BulletWake(_) | Self::ShatteredGlass(_) | Self::Random(_))
    }

    /// The pattern in words, after the noun: `in a bullet wake`.
    pub fn words(&self) -> String {
        match self {
            Self::Single => String::new(),
            pattern => format!(", pattern {pattern}"),
        }
    }

    /// Draws the elements of the tensor `value` that are struck together with element `first`. Elements count in the source's
    /// layout, and ascend.
    ///
    /// # Errors
    /// Where the pattern is larger than the tensor.
    pub(super) fn draw(self, rng: &mut ChaCha8Rng, value: &Value, first: usize) -> Result<Vec<usize>> {
        self.draw_in(rng, (&value.name, &value.shape, &value.layout), first)
    }

    /// The same for a tensor of this name, shape as stored, and layout of the source.
    ///
    /// # Errors
    /// Where the pattern is larger than the tensor.
    pub(super) fn draw_in(
        self,
        rng: &mut ChaCha8Rng,
        (name, shape, layout): (&str, &[usize], &Layout),
        first: usize,
    ) -> Result<Vec<usize>> {
        let grid = Grid::of(shape);
        let first = grid.place(layout.stored_index(shape, first));
        let places = self.places(rng, grid, first, &format_args!("tensor \"{name}\""))?;
        let source = |place| layout.source_index(shape, grid.index(place));
        Ok(places.into_iter().map(source).collect::<BTreeSet<_>>().into_iter().collect())
    }

    /// The same for the bytes of an image of `width` and `height`.
    ///
    /// # Errors
    /// Where the pattern is larger than the image.
    pub(super) fn draw_in_image(
        self,
        rng: &mut ChaCha8Rng,
        [width, height]: [usize; 2],
        first: usize,
    ) -> Result<Vec<usize>> {
        let grid = Grid { channels: 3, height, width, last: true };
        let places = self.places(rng, grid, grid.place(first), &"the image")?;
        Ok(places.into_iter().map(|place| grid.index(place)).collect::<BTreeSet<_>>().into_iter().collect())
    }

    /// Draws the places that are struck together with `anchor`. Messages call the grid `name`.
    fn places(
        self,
        rng: &mut ChaCha8Rng,
        grid: Grid,
        anchor: [usize; 3],
        name: &dyn fmt::Display,
    ) -> Result<Vec<[usize; 3]>> {
        let too_large = |wanted: String, has: String| {
            Error::request(format_args!("pattern {self} takes {wanted}, {name} has {has}"))
        };
        let [channel, row, column] = anchor;
        let channels = |rng: &mut ChaCha8Rng, count: Option<usize>, usual: Option<usize>| -> Result<Vec<usize>> {
            let count = match count.or(usual.map(|usual| usual.min(grid.channels))) {
                Some(count) if count > grid.channels => {
                    return Err(too_large(format!("{count} channels"), grid.channels.to_string()));
                }
                Some(count) => count,
                None if grid.channels < 2 => grid.channels,
                None => rng.random_range(2..=grid.channels as u64) as usize,
            };
            Ok(with_others(rng, channel, count, grid.channels))
        };
        let places: Vec<[usize; 3]> = match self {
            Self::Single => vec![anchor],
            Self::Row => (0..grid.width).map(|column| [channel, row, column]).collect(),
            Self::Column => (0..grid.height).map(|row| [channel, row, column]).collect(),
            Self::Channel => whole(grid, &[channel]),
            Self::FullChannels(count) => whole(grid, &channels(rng, count, Some(2))?),
            Self::BulletWake(count) => {
                channels(rng, count, None)?.into_iter().map(|channel| [channel, row, column]).collect()
            }
            Self::ShatteredGlass(count) => {
                let channels = channels(rng, count, None)?;
                let shattered = channels[rng.random_range(0..channels.len() as u64) as usize];
                let more = rng.random_range(1..=grid.width as u64) as usize;
                let more = index::sample(rng, grid.width, more).into_iter().map(|column| [shattered, row, column]);
                channels.iter().map(|&channel| [channel, row, column]).chain(more).collect()
            }
            Self::Block { width, height } => {
                if width > grid.width || height > grid.height {
                    let wanted = format!("{width} columns and {height} rows");
                    return Err(too_large(wanted, format!("{} and {}", grid.width, grid.height)));
                }
                // The box holds the first element, and stays inside.
                let start = |at: usize, length: usize, of: usize| at.min(of - length);
                let (top, left) = (start(row, height, grid.height), start(column, width, grid.width));
                let rows = top..top + height;
                rows.flat_map(|row| (left..left + width).map(move |column| [channel, row, column])).collect()
            }
            Self::Skip { stride, count } => {
                let most = 1 + (grid.elements() - 1) / stride;
                if let Some(count) = count.filter(|&count| count > most) {
                    return Err(too_large(format!("{count} elements"), format!("room for {most}")));
                }
                let count = count.unwrap_or(SKIPS.min(most));
                let first = grid.index(anchor).min(grid.elements() - 1 - (count - 1) * stride);
                (0..count).map(|at| grid.place(first + at * stride)).collect()
            }
            Self::Random(count) => {
                if count > grid.elements() {
                    return Err(too_large(format!("{count} elements"), grid.elements().to_string()));
                }
                index::sample(rng, grid.elements(), count).into_iter().map(|index| grid.place(index)).collect()
            }
        };
        Ok(places)
    }
}

/// Draws `count` of the numbers below `all`, `first` among them and in front.
pub(super) fn with_others(rng: &mut ChaCha8Rng, first: usize, count: usize, all: usize) -> Vec<usize> {
    let others = index::sample(rng, all - 1, count - 1).into_iter();
    let others = others.map(|other| if other < first { other } else { other + 1 });
    std::iter::once(first).chain(others).collect()
}

fn whole(grid: Grid, channels: &[usize]) -> Vec<[usize; 3]> {
    let rows = |channel: usize| (0..grid.height).map(move |row| (channel, row));
    let places = channels.iter().flat_map(|&channel| rows(channel));
    places.flat_map(|(channel, row)| (0..grid.width).map(move |column| [channel, row, column])).collect()
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;
    use crate::graph::GraphBuilder;

    /// A tensor of 4 channels, 3 rows and 5 columns, or tokens, or a vector.
    fn value(shape: &[usize], layout: Option<&[usize]>) -> Value {
        let mut builder = GraphBuilder::new("test");
        let id = builder.input("map", shape).unwrap();
        if let Some(order) = layout {
            builder.lay_out(id, Layout::new(order)).unwrap();
        }
        builder.finish(&[id]).unwrap().values[id].clone()
    }

    fn drawn(pattern: &str, value: &Value, first: usize, seed: u64) -> Result<Vec<usize>> {
        let pattern: Pattern = pattern.parse().unwrap();
        pattern.draw(&mut ChaCha8Rng::seed_from_u64(seed), value, first)
    }

    #[test]
    fn patterns_have_their_shapes() {
        let image = value(&[1, 4, 3, 5], None);
        // Channel 1, row 2, column 3.
        let first = 15 + 2 * 5 + 3;
        let of = |pattern: &str| drawn(pattern, &image, first, 1).unwrap();
        assert_eq!(of("single"), [first]);
        assert_eq!(of("row"), [25, 26, 27, 28, 29]);
        assert_eq!(of("column"), [18, 23, 28]);
        assert_eq!(of("channel"), (15..30).collect::<Vec<_>>());
        assert_eq!(of("bullet-wake:4"), [13, 28, 43, 58]);
        assert_eq!(of("block:2x2"), [23, 24, 28, 29], "the box stays inside");
        assert_eq!(of("skip:4x3"), [28, 32, 36]);
        assert_eq!(of("skip:10"), [9, 19, 29, 39, 49, 59], "as many as fit");
        assert_eq!(of("random:7").len(), 7);
        assert_eq!(of("full-channels:3").len(), 45);
        for seed in 0..20 {
            let wake = drawn("bullet-wake", &image, first, seed).unwrap();
            assert!(wake.len() >= 2 && wake.contains(&first) && wake.iter().all(|at| at % 15 == 13), "{wake:?}");
            let glass = drawn("shattered-glass", &image, first, seed).unwrap();
            assert!(glass.contains(&first) && glass.iter().all(|at| at % 15 / 5 == 2), "{glass:?}");
        }
    }

    #[test]
    fn tokens_and_vectors_have_patterns_too() {
        let tokens = value(&[1, 6, 4], None);
        assert_eq!(drawn("bullet-wake:4", &tokens, 9, 0).unwrap(), [8, 9, 10, 11], "the channels of a token");
        assert_eq!(drawn("row", &tokens, 9, 0).unwrap(), [1, 5, 9, 13, 17, 21], "a channel of all tokens");
        let vector = value(&[1, 8], None);
        assert_eq!(drawn("row", &vector, 3, 0).unwrap(), (0..8).collect::<Vec<_>>());
        assert_eq!(drawn("bullet-wake", &vector, 3, 0).unwrap(), [3]);
    }

    #[test]
    fn elements_count_in_the_sources_layout() {
        // Rows, columns, channels in the source.
        let image = value(&[1, 4, 3, 5], Some(&[0, 2, 3, 1]));
        assert_eq!(drawn("bullet-wake:4", &image, 20, 0).unwrap(), [20, 21, 22, 23]);
    }

    #[test]
    fn a_pattern_that_does_not_fit_is_refused() {
        let image = value(&[1, 4, 3, 5], None);
        let refused = |pattern: &str| drawn(pattern, &image, 0, 0).unwrap_err().to_string();
        assert_eq!(refused("bullet-wake:5"), "pattern bullet-wake:5 takes 5 channels, tensor \"map\" has 4");
        assert!(refused("block:6x1").contains("6 columns and 1 rows, tensor \"map\" has 5 and 3"));
        assert!(refused("random:61").contains("61 elements"));
        assert!(refused("skip:20x4").contains("room for 3"));
    }

    #[test]
    fn a_pattern_survives_text() {
        for text in [
            "single",
            "row",
            "column",
            "channel",
            "full-channels",
            "full-channels:3",
            "bullet-wake",
            "bullet-wake:8",
            "shattered-glass",
            "block:3x2",
            "skip:4",
            "skip:4x9",
            "random:5",
        ] {
            assert_eq!(text.parse::<Pattern>().unwrap().to_string(), text);
        }
        for text in ["rows", "block", "block:3", "block:0x2", "skip", "skip:x3", "random", "random:0", "row:3"] {
            assert!(text.parse::<Pattern>().unwrap_err().to_string().contains("a pattern is expected"), "{text}");
        }
    }
}
