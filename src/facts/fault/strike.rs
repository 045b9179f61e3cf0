//! A fault that a person has chosen: one site, and the elements that a pattern strikes beside it.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::pattern::{SKIPS, with_others};
use super::{Pattern, Site, Target};
use crate::graph::{Graph, Layout};
use crate::{Error, Result};

/// A fault that a person has chosen. Every element is changed as the site says.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Strike {
    /// The element that was chosen, and the change of it.
    pub site: Site,
    /// The elements that are struck together with it.
    pub pattern: Pattern,
    /// The seed of what the pattern leaves open, as the channels of a bullet wake.
    pub seed: u64,
}

impl From<Site> for Strike {
    fn from(site: Site) -> Self {
        Self { site, pattern: Pattern::Single, seed: 0 }
    }
}

impl Strike {
    /// Returns the struck elements of the tensor `name`, in ascending order. They count in the layout of the source.
    ///
    /// # Errors
    /// If the tensor has no such element, or the pattern is larger than the tensor.
    pub fn elements(&self, name: &str, shape: &[usize], layout: &Layout) -> Result<Vec<usize>> {
        let elements: usize = shape.iter().product();
        let first = self.site.element;
        let owner = format!("tensor \"{name}\"");
        if first >= elements {
            return Err(Site::out_of_range(self.site.target, first, &owner, elements));
        }
        let stored = layout.stored_index(shape, first);
        let mut struck: Vec<usize> = match self.around(stored, elements, &owner)? {
            Some(found) => found.into_iter().map(|index| layout.source_index(shape, index)).collect(),
            None => self.pattern.draw_in(&mut self.rng(), (name, shape, layout), first)?,
        };
        struck.sort_unstable();
        Ok(struck)
    }

    /// Returns the struck bytes of an image of `width` and `height`, in ascending order: row, column, colour.
    ///
    /// # Errors
    /// If the image has no such byte, or the pattern is larger than the image.
    pub fn bytes(&self, [width, height]: [usize; 2]) -> Result<Vec<usize>> {
        let (first, bytes) = (self.site.element, width * height * 3);
        if first >= bytes {
            return Err(Error::request(format_args!(
                "byte {first} is out of range: the image has {bytes}, 0 to {}",
                bytes.saturating_sub(1)
            )));
        }
        let mut struck = match self.around(first, bytes, "the image")? {
            Some(found) => found,
            None => self.pattern.draw_in_image(&mut self.rng(), [width, height], first)?,
        };
        struck.sort_unstable();
        Ok(struck)
    }

    fn rng(&self) -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(self.seed)
    }

    /// The elements of patterns that a campaign draws without regard to the first one: here that one is among them. `None` for
    /// other patterns. Elements count as they are stored.
    fn around(&self, at: usize, elements: usize, name: &str) -> Result<Option<Vec<usize>>> {
        match self.pattern {
            Pattern::Skip { stride, count } => strided([stride, elements], count, at).map(Some).map_err(|room| {
                Error::request(format_args!(
                    "pattern {} does not fit: with element {}, {name} has room for {room} elements at distances of {stride}",
                    self.pattern, self.site.element
                ))
            }),
            Pattern::Random(count) if count <= elements => {
                Ok(Some(with_others(&mut self.rng(), at, count, elements)))
            }
            _ => Ok(None),
        }
    }

    /// Returns the sites of the struck elements in a network of this graph.
    ///
    /// # Errors
    /// As [`Strike::elements`], or if the network has no such tensor, or the target is no tensor of elements.
    pub fn sites(&self, graph: &Graph) -> Result<Vec<Site>> {
        if self.pattern.is_single() {
            return Ok(vec![self.site]);
        }
        if !matches!(self.site.target, Target::Activation | Target::Weight) {
            return Err(Error::request(format_args!(
                "pattern {} strikes elements of a layer's output or of a parameter; choose one of these targets",
                self.pattern
            )));
        }
        let tensor = self.site.tensor;
        let value = graph.values.get(tensor);
        let value = value.ok_or_else(|| Error::request(format_args!("the model has no tensor {tensor}")))?;
        let elements = self.elements(&value.name, &value.shape, &value.layout)?;
        Ok(elements.into_iter().map(|element| Site { element, ..self.site }).collect())
    }
}

/// Indices at distances of `stride`, `at` among them, in a tensor of so many `elements`: from `at` on, and as far before it as
/// `count` needs. Without a count, as many as fit, up to the most of a pattern. Fails with the number of those that fit.
fn strided([stride, elements]: [usize; 2], count: Option<usize>, at: usize) -> Result<Vec<usize>, usize> {
    let (before, after) = (at / stride, (elements - 1 - at) / stride);
    let room = before + 1 + after;
    let count = count.unwrap_or(SKIPS.min(room));
    if count > room {
        return Err(room);
    }
    let start = at - (count - 1).saturating_sub(after) * stride;
    Ok((0..count).map(|step| start + step * stride).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Corruption;
    use crate::graph::{GraphBuilder, Op, Unary};

    fn strike(pattern: &str, element: usize, seed: u64) -> Strike {
        let corruption = Corruption::flip(30).unwrap();
        let site = Site { target: Target::Activation, layer: 0, tensor: 1, element, corruption };
        Strike { site, pattern: pattern.parse().unwrap(), seed }
    }

    /// A layer whose output has 4 channels, 3 rows and 5 columns.
    fn graph() -> Graph {
        let mut builder = GraphBuilder::new("test");
        let image = builder.input("image", [1, 4, 3, 5]).unwrap();
        let out = builder.layer("relu", "Relu", Op::Unary(Unary::Relu), &[image]).unwrap();
        builder.finish(&[out]).unwrap()
    }

    #[test]
    fn every_element_of_the_pattern_is_changed_alike() {
        let strike = strike("row", 27, 0);
        let sites = strike.sites(&graph()).unwrap();
        assert_eq!(sites.iter().map(|site| site.element).collect::<Vec<_>>(), [25, 26, 27, 28, 29]);
        assert!(sites.iter().all(|site| Site { element: 27, ..*site } == strike.site));
    }

    #[test]
    fn the_seed_decides_what_the_pattern_leaves_open() {
        let drawn = |seed| strike("bullet-wake:2", 3, seed).sites(&graph()).unwrap();
        assert_eq!(drawn(1), drawn(1));
        assert!(
            (0..9).all(|seed| drawn(seed).iter().any(|site| site.element == 3)),
            "the chosen element is always struck"
        );
        assert!((1..9).any(|seed| drawn(seed) != drawn(0)));
    }

    #[test]
    fn the_chosen_element_is_struck_by_every_pattern() {
        let patterns = [
            "row",
            "column",
            "channel",
            "full-channels:2",
            "bullet-wake",
            "shattered-glass",
            "block:2x2",
            "skip:4",
            "skip:7x3",
            "skip:30",
            "random:1",
            "random:5",
            "random:60",
        ];
        for pattern in patterns {
            for element in 0..60 {
                let strike = strike(pattern, element, element as u64);
                let sites = strike.sites(&graph()).unwrap();
                let struck: Vec<usize> = sites.iter().map(|site| site.element).collect();
                assert!(struck.contains(&element), "{pattern} at {element}: {struck:?}");
                assert!(struck.is_sorted_by(|one, next| one < next), "{struck:?}");
            }
        }
        let struck = |pattern, element| {
            strike(pattern, element, 0).sites(&graph()).unwrap().iter().map(|site| site.element).collect::<Vec<_>>()
        };
        assert_eq!(struck("skip:20", 25), [5, 25, 45]);
        assert_eq!(struck("skip:20x2", 25), [25, 45]);
        assert_eq!(struck("skip:20x2", 45), [25, 45]);
        assert_eq!(struck("random:5", 25).len(), 5);
    }

    #[test]
    fn bytes_of_an_image_have_patterns_too() {
        let struck = |pattern, element| strike(pattern, element, 1).bytes([4, 2]).unwrap();
        assert_eq!(struck("single", 13), [13]);
        assert_eq!(struck("row", 13), [13, 16, 19, 22], "green of the second row");
        assert_eq!(struck("channel", 1), [1, 4, 7, 10, 13, 16, 19, 22]);
        assert_eq!(struck("skip:12", 5), [5, 17]);
        assert!(struck("random:3", 23).contains(&23));
        let refused = strike("row", 24, 0).bytes([4, 2]).unwrap_err().to_string();
        assert_eq!(refused, "byte 24 is out of range: the image has 24, 0 to 23");
    }

    #[test]
    fn a_strike_that_does_not_fit_is_refused() {
        let refused = |strike: Strike| strike.sites(&graph()).unwrap_err().to_string();
        assert!(
            refused(strike("channel", 60, 0)).contains("element 60 is out of range: tensor \"relu\" has 60 elements")
        );
        assert!(
            refused(strike("block:6x1", 0, 0))
                .contains("pattern block:6x1 takes 6 columns and 1 rows, tensor \"relu\" has 5 and 3")
        );
        assert!(
            refused(strike("skip:20x4", 3, 0))
                .contains("with element 3, tensor \"relu\" has room for 3 elements at distances of 20")
        );
        assert!(refused(strike("random:61", 3, 0)).contains("61 elements"));
        let mut scale = strike("row", 0, 0);
        scale.site.target = Target::Metadata;
        assert!(refused(scale).contains("choose one of these targets"));
        let mut other = strike("row", 0, 0);
        other.site.tensor = 99;
        assert_eq!(refused(other), "the model has no tensor 99");
    }
}
