//! Drawing one error of an error model: the pattern, its size, its place, and the value of each element.

use std::collections::BTreeSet;

use rand::RngExt;
use rand::seq::index;
use rand_chacha::ChaCha8Rng;

use super::error_model::{Choice, ErrorModel, Parameters, Rule, Spatial, Values};
use super::pattern::Grid;
use super::{Bits, Code, Corruption, FaultKind};
use crate::graph::Value;
use crate::{Error, Result};

impl ErrorModel {
    /// Draws an error in the tensor `value`, the golden values of which lie in `range`: elements in the source's layout, which ascend,
    /// with their corruptions.
    ///
    /// # Errors
    /// Where the tensor's format has no value that a rule asks for.
    pub(super) fn draw(
        &self,
        rng: &mut ChaCha8Rng,
        value: &Value,
        range: Option<[f32; 2]>,
    ) -> Result<Vec<(usize, Corruption)>> {
        let patterns: Vec<_> = self.0.iter().collect();
        let (name, pattern) = patterns[weighted(rng, patterns.iter().map(|(_, pattern)| pattern.frequency))];
        let set = &pattern.parameters[weighted(rng, pattern.parameters.iter().map(|set| set.conditional_frequency))];
        let grid = Grid::of(&value.shape);
        let places: BTreeSet<[usize; 3]> = Size { rng: &mut *rng, set, grid }.places(name).into_iter().collect();
        let places: Vec<_> = places.into_iter().collect();
        let rules = rules(rng, pattern, places.len());
        let mut struck = Vec::with_capacity(places.len());
        for (place, rule) in places.into_iter().zip(rules) {
            let stored = grid.index(place);
            let corruption = corruption(rng, rule, value.code(stored), range)
                .map_err(|error| Error::request(format_args!("tensor \"{}\": {error}", value.name)))?;
            struck.push((value.layout.source_index(&value.shape, stored), corruption));
        }
        struck.sort_unstable_by_key(|(element, _)| *element);
        Ok(struck)
    }
}

/// An index, as likely as its share.
fn weighted(rng: &mut ChaCha8Rng, shares: impl ExactSizeIterator<Item = f64> + Clone) -> usize {
    let last = shares.len() - 1;
    // Shares that a file rounds sum to nearly 1.
    let mut rest = rng.random::<f64>() * shares.clone().sum::<f64>();
    let before = |share: &f64| {
        let passed = rest >= *share;
        rest -= share;
        passed
    };
    shares.take_while(before).count().min(last)
}

/// The rule for each of so many elements.
fn rules(rng: &mut ChaCha8Rng, pattern: &Spatial, count: usize) -> Vec<Rule> {
    let classes = &pattern.domain_classes;
    let class = &classes[weighted(rng, classes.iter().map(|class| class.frequency))];
    match class.values() {
        Ok(Values::Each(shares)) => {
            (0..count).map(|_| shares[weighted(rng, shares.iter().map(|(_, share)| *share))].0).collect()
        }
        Ok(Values::Two(span, [first, second])) => {
            let own = percent(rng, span, count);
            let mut rules = vec![second; count];
            index::sample(rng, count, own).into_iter().for_each(|at| rules[at] = first);
            rules
        }
        // Checked when the model was read.
        Err(_) => vec![Rule::Zero; count],
    }
}

fn corruption(rng: &mut ChaCha8Rng, rule: Rule, code: Code, range: Option<[f32; 2]>) -> Result<Corruption> {
    match rule {
        Rule::Zero => Ok(Corruption::Set(0.0)),
        Rule::Nan => Ok(Corruption::Set(f32::NAN)),
        Rule::InRange => FaultKind::InRange.draw(rng, code, range),
        Rule::OutOfRange => FaultKind::OutOfRange.draw(rng, code, range),
        Rule::Flip => FaultKind::BitFlip { bits: Bits::ALL }.draw(rng, code, range),
    }
}

/// So many of `count` as lie between two percentages, each number as likely.
fn percent(rng: &mut ChaCha8Rng, [low, high]: [f64; 2], count: usize) -> usize {
    let [low, high] = [low, high].map(|share| (count as f64 * share / 100.0).round() as u64);
    rng.random_range(low..=high.max(low)) as usize
}

/// The size of a pattern in a tensor.
struct Size<'a> {
    rng: &'a mut ChaCha8Rng,
    set: &'a Parameters,
    grid: Grid,
}

impl Size<'_> {
    fn choice(&mut self, name: &str) -> Option<Choice> {
        let choice = self.set.keys.get(name).or_else(|| self.set.stats.get(name))?;
        match choice {
            Choice::Any { any } => Some(any[self.below(any.len())].clone()),
            one => Some(one.clone()),
        }
    }

    fn number(&mut self, name: &str) -> usize {
        // Models are checked for what their patterns need.
        if let Some(Choice::Number(number)) = self.choice(name) { number as usize } else { 1 }
    }

    fn share(&mut self, name: &str, of: usize) -> usize {
        if let Some(Choice::Span(span)) = self.choice(name) { percent(self.rng, span, of) } else { of }
    }

    fn below(&mut self, bound: usize) -> usize {
        self.rng.random_range(0..bound.max(1) as u64) as usize
    }

    /// A number between two parameters, which may be the wrong way around where each is one of several.
    fn between(&mut self, least: &str, most: &str) -> usize {
        let [least, most] = [self.number(least), self.number(most)];
        self.rng.random_range(least.min(most) as u64..=least.max(most) as u64) as usize
    }

    /// Some of `of` in a line: a share of them, at least `least` and at most a number, at distances between two numbers. Those that
    /// would lie beyond the end are left out.
    fn spaced(&mut self, of: usize, share: &str, least: usize, most: &str, gaps: [&str; 2]) -> Vec<usize> {
        let (wanted, most) = (self.share(share, of), self.number(most).max(1));
        let wanted = wanted.min(most).max(least).min(of);
        let [least, most] = gaps.map(|gap| self.number(gap).max(1));
        let mut places = vec![0];
        while places.len() < wanted {
            let gap = self.rng.random_range(least.min(most) as u64..=least.max(most) as u64) as usize;
            let next = places[places.len() - 1] + gap;
            if next >= of {
                break;
            }
            places.push(next);
        }
        let start = self.below(of - places[places.len() - 1]);
        places.into_iter().map(|place| start + place).collect()
    }

    fn channels(&mut self, least: usize) -> Vec<usize> {
        let gaps = ["min_channel_skip", "max_channel_skip"];
        self.spaced(self.grid.channels, "affected_channels_pct", least, "max_corrupted_channels", gaps)
    }

    fn some(&mut self, of: usize, count: usize) -> Vec<usize> {
        index::sample(self.rng, of, count.min(of)).into_vec()
    }

    /// Channel, row and column of the elements, in any order.
    fn places(&mut self, name: &str) -> Vec<[usize; 3]> {
        let (width, plane) = (self.grid.width, self.grid.height * self.grid.width);
        let at = |channel: usize, position: usize| [channel, position / width, position % width];
        let mut found = Vec::new();
        match name {
            "same_row" => {
                let skips = ["min_value_skip", "max_value_skip"];
                let columns = self.spaced(width, "row_corruption_pct", 1, "max_cardinality", skips);
                let (channel, row) = (self.below(self.grid.channels), self.below(self.grid.height));
                found.extend(columns.into_iter().map(|column| [channel, row, column]));
            }
            "single_channel_random" => {
                let skips = ["min_value_skip", "max_value_skip"];
                let positions = self.spaced(plane, "channel_corruption_pct", 1, "max_cardinality", skips);
                let channel = self.below(self.grid.channels);
                found.extend(positions.into_iter().map(|position| at(channel, position)));
            }
            "single_block" => {
                // A block of the tensor's elements, channel by channel; it may cross into the next channel.
                let elements = self.grid.elements();
                let size = self.number("block_size").clamp(1, elements);
                let count = self.share("block_corruption_pct", size).max(1);
                let start = self.below(elements - size + 1);
                let own = self.some(size, count);
                found.extend(own.into_iter().map(|place| at((start + place) / plane, (start + place) % plane)));
            }
            "single_channel_alternated_blocks" => {
                let size = self.number("block_size").max(1);
                let channel = self.below(self.grid.channels);
                let mut block = 0;
                while block * size < plane {
                    found.extend((block * size..plane.min((block + 1) * size)).map(|position| at(channel, position)));
                    block += self.between("min_block_skip", "max_block_skip").max(1);
                }
            }
            "bullet_wake" => {
                let position = self.below(plane);
                found.extend(self.channels(2).into_iter().map(|channel| at(channel, position)));
            }
            "full_channels" | "multiple_channels_uncategorized" => {
                for channel in self.channels(if name == "full_channels" { 1 } else { 2 }) {
                    let mut count = self.share("avg_channel_corruption_pct", plane).max(1);
                    if name != "full_channels" {
                        let [least, most] =
                            ["min_errors_per_channel", "max_errors_per_channel"].map(|name| self.number(name));
                        count = count.min(most.max(1)).max(least).min(plane);
                    }
                    found.extend(self.some(plane, count).into_iter().map(|position| at(channel, position)));
                }
            }
            "multi_channel_block" => {
                let size = self.number("block_size").clamp(1, plane);
                let start = self.below(plane.div_ceil(size)) * size;
                let length = size.min(plane - start);
                for channel in self.channels(2) {
                    let count = self.share("avg_block_corruption_pct", length).max(1);
                    found.extend(self.some(length, count).into_iter().map(|place| at(channel, start + place)));
                }
            }
            "shattered_channel" | "quasi_shattered_channel" => {
                let common = self.below(plane);
                let is_common = name == "shattered_channel";
                for channel in self.channels(2) {
                    let span = self.between("min_span_width", "max_span_width").clamp(1, plane);
                    // The span of a shattered channel holds the position that all channels have in common.
                    let [first, last] = match is_common {
                        true => [(common + 1).saturating_sub(span), common.min(plane - span)],
                        false => [0, plane - span],
                    };
                    let start = first + self.below(last - first + 1);
                    let count = self.share("avg_span_corruption_pct", span).max(usize::from(!is_common));
                    found.extend(self.some(span, count).into_iter().map(|place| at(channel, start + place)));
                    found.extend(is_common.then(|| at(channel, common)));
                }
            }
            "skip_4" => {
                let skip = self.number("skip_amount").max(1);
                let fit = plane.div_ceil(skip);
                let count = self.number("unique_channel_indexes").clamp(1, fit);
                // The last of them may lie beyond the end where the first does not begin at 0.
                let first = self.below(fit - count + 1) * skip + self.below(skip);
                let positions: Vec<usize> =
                    (0..count).map(|nth| first + nth * skip).filter(|&position| position < plane).collect();
                for channel in self.channels(1) {
                    let own = self.share("indexes_corruption_pct", positions.len()).max(1);
                    let own = self.some(positions.len(), own);
                    found.extend(own.into_iter().map(|nth| at(channel, positions[nth])));
                }
                if positions.is_empty() {
                    found.push(at(self.below(self.grid.channels), self.below(plane)));
                }
            }
            "rectangles" => {
                let width = self.number("rectangle_width").clamp(1, self.grid.width);
                let height = self.number("rectangle_height").clamp(1, self.grid.height);
                let (top, left) = (self.below(self.grid.height - height + 1), self.below(self.grid.width - width + 1));
                for channel in self.channels(1) {
                    let rows = top..top + height;
                    found.extend(rows.flat_map(|row| (left..left + width).map(move |column| [channel, row, column])));
                }
            }
            // "single", and nothing else: models are checked.
            _ => found.push(at(self.below(self.grid.channels), self.below(plane))),
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::super::ErrorModels;
    use super::*;
    use crate::graph::{Graph, GraphBuilder};

    const MODEL: &str = include_str!("fixtures/error_model.json");

    fn graph() -> Graph {
        let mut builder = GraphBuilder::new("test");
        let id = builder.input("map", [1, 8, 6, 10]).unwrap();
        builder.finish(&[id]).unwrap()
    }

    /// 4,000 errors of the model in a tensor of 8 channels, 6 rows and 10 columns.
    fn drawn(json: &str) -> Vec<Vec<(usize, Corruption)>> {
        let mut models = ErrorModels::default();
        models.add("Conv", "model.json", json).unwrap();
        let graph = graph();
        let value = &graph.values[graph.inputs[0]];
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let model = models.of("conv").unwrap();
        (0..4000).map(|_| model.draw(&mut rng, value, Some([-1.0, 2.0])).unwrap()).collect()
    }

    fn within(found: usize, of: usize, share: f64) -> bool {
        (found as f64 - of as f64 * share).abs() < 5.0 * (of as f64 * share * (1.0 - share)).sqrt()
    }

    /// The patterns of the fixture cannot be taken for each other: one element, two to four of a row, and one position of
    /// several channels.
    #[test]
    fn shares_sizes_and_values_are_those_of_the_file() {
        let all = drawn(MODEL);
        let channels =
            |error: &[(usize, Corruption)]| error.iter().map(|(at, _)| at / 60).collect::<BTreeSet<_>>().len();
        let single = all.iter().filter(|error| error.len() == 1).count();
        let wakes: Vec<_> = all.iter().filter(|error| channels(error) > 1).collect();
        let rows: Vec<_> = all.iter().filter(|error| error.len() > 1 && channels(error) == 1).collect();
        assert!(within(single, 4000, 0.5), "{single}");
        assert!(within(rows.len(), 4000, 0.3), "{}", rows.len());
        assert!(within(wakes.len(), 4000, 0.2), "{}", wakes.len());
        // A quarter of the channels is 2; half to all are 4 to 8, at most 5.
        let small = wakes.iter().filter(|error| error.len() == 2).count();
        assert!(within(small, wakes.len(), 0.75), "{small} of {}", wakes.len());
        assert!(wakes.iter().all(|error| matches!(error.len(), 2 | 4 | 5)));
        for error in &wakes {
            assert!(error.windows(2).all(|two| (two[1].0 - two[0].0).is_multiple_of(60)), "{error:?}");
        }
        for error in &rows {
            assert!((2..=4).contains(&error.len()), "20 % to 40 % of 10 columns");
            assert!(
                error.windows(2).all(|two| (1..=2).contains(&(two[1].0 - two[0].0)) && two[0].0 / 10 == two[1].0 / 10)
            );
            // Zero, and nothing else.
            assert!(error.iter().all(|(_, corruption)| *corruption == Corruption::Set(0.0)));
        }
        let mut of_single = [0; 3];
        for error in all.iter().filter(|error| error.len() == 1) {
            match error[0].1 {
                Corruption::Set(value) if value.is_nan() => of_single[0] += 1,
                Corruption::Set(value) if (-1.0..=2.0).contains(&value) => of_single[1] += 1,
                Corruption::Set(value) => {
                    assert!(value.is_finite());
                    of_single[2] += 1;
                }
                other => panic!("{other:?}"),
            }
        }
        for (found, share) in of_single.into_iter().zip([0.1, 0.6, 0.3]) {
            assert!(within(found, single, share), "{of_single:?}");
        }
    }

    #[test]
    fn every_pattern_stays_in_small_tensors() {
        let text: serde_json::Value = serde_json::from_str(include_str!("fixtures/error_patterns.json")).unwrap();
        for (name, pattern) in text.as_object().unwrap() {
            let mut models = ErrorModels::default();
            let one = serde_json::json!({ name: pattern }).to_string();
            models.add("", name, &one).unwrap();
            for shape in [&[1, 5][..], &[1, 3, 4], &[1, 1, 1, 1], &[1, 2, 1, 3], &[1, 7, 5, 3], &[1, 64, 16, 16]] {
                let mut builder = GraphBuilder::new("test");
                let id = builder.input("map", shape).unwrap();
                let graph = builder.finish(&[id]).unwrap();
                let elements: usize = shape.iter().product();
                let mut rng = ChaCha8Rng::seed_from_u64(2);
                for _ in 0..200 {
                    let error = models.of("Conv").unwrap().draw(&mut rng, &graph.values[id], Some([0.0, 1.0])).unwrap();
                    assert!(
                        !error.is_empty() && error.iter().all(|(at, _)| *at < elements),
                        "{name} {shape:?} {error:?}"
                    );
                    assert!(error.windows(2).all(|two| two[0].0 < two[1].0), "{name} {shape:?}");
                }
            }
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let refused = |from: &str, to: &str| {
            assert!(MODEL.contains(from), "{from}");
            ErrorModels::default().add("Conv", "model.json", &MODEL.replacen(from, to, 1)).unwrap_err().to_string()
        };
        assert!(refused("\"frequency\": 0.5", "\"frequency\": 0.7").contains("sum to 1.2000, and 1 is expected"));
        assert!(refused("\"same_row\"", "\"same_diagonal\"").contains("the patterns that are understood are single,"));
        assert!(refused("\"max_cardinality\"", "\"largest\"").contains("the parameter \"largest\" is not understood"));
        assert!(refused("\"max_value_skip\": 2,", "").contains("the parameter \"max_value_skip\" is missing"));
        assert!(refused("[20.0, 40.0]", "7").contains("a range of percent is expected"));
        assert!(refused("\"nan\": 0.1", "\"huge\": 0.1").contains("\"huge\" are not understood"));
        assert!(refused("\"count\": 7", "\"shape\": 7").contains("unknown field `shape`"));
        assert!(refused("{", "[").contains("an error model is a JSON object"));
        let mut models = ErrorModels::default();
        models.add("Conv", "a.json", MODEL).unwrap();
        assert!(models.add("conv", "b.json", MODEL).unwrap_err().to_string().contains("second error model"));
        let json = serde_json::to_string(&models).unwrap();
        let again: ErrorModels = serde_json::from_str(&json).unwrap();
        assert_eq!(again, models);
        again.validate().unwrap();
    }
}
