//! Bit error rates: each bit flips with the same probability, independently of all others, during one inference.
//!
//! The number of flips is binomial. Flips are drawn block by block of the bits, laid end to end, so that neither memory nor
//! time depends on the number of bits. Sums and products of f64 are the only arithmetic, because logarithms differ between
//! machines in the last digit.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::site::LayerSites;
use super::{Bits, Corruption, Format, Site, Target};
use crate::graph::{Graph, ValueId};
use crate::text::scientific;
use crate::{Error, Result};

/// Smallest and largest rate. Below, 1 - rate has too few digits in f64; above, most bits are wrong.
const RANGE: [f64; 2] = [1e-12, 0.5];

/// Most rates of a sweep.
const MOST_RATES: usize = 64;

/// Most flips that one inference may have on average: each is kept until the inference is over.
const MOST_FLIPS: f64 = (1 << 20) as f64;

/// Flips of a block on average.
const FLIPS_OF_A_BLOCK: f64 = 16.0;

/// Bit error rates, ascending: one, or several of a sweep.
///
/// As text `1e-7`, `1e-9..1e-5` for steps of ten, or several of these with commas between them. In JSON a list of numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct ErrorRates(Vec<f64>);

impl ErrorRates {
    /// The rates, ascending.
    pub fn all(&self) -> &[f64] {
        &self.0
    }

    /// The rate of fault number `fault` of an image. Faults go through the rates in turn, from the highest on, so that the first
    /// fault is the largest.
    pub fn of(&self, fault: usize) -> f64 {
        self.0[self.0.len() - 1 - fault % self.0.len()]
    }

    fn new(mut rates: Vec<f64>) -> Result<Self> {
        let [low, high] = RANGE;
        if let Some(rate) = rates.iter().find(|rate| !(low..=high).contains(*rate)) {
            return Err(Error::request(format_args!(
                "a bit error rate is from {low:e} to {high}, found {}",
                scientific(*rate)
            )));
        }
        rates.sort_by(f64::total_cmp);
        if let Some(twice) = rates.windows(2).find(|two| two[0] == two[1]) {
            return Err(Error::request(format_args!("the bit error rate {} is given twice", scientific(twice[0]))));
        }
        match rates.len() {
            1..=MOST_RATES => Ok(Self(rates)),
            0 => Err(Error::request("a bit error rate is expected, found none")),
            found => {
                Err(Error::request(format_args!("a sweep has at most {MOST_RATES} bit error rates, found {found}")))
            }
        }
    }
}

/// A number as mantissa and power of ten, in the fewest digits: the same for every way of writing it.
pub(crate) fn decimal(text: &str) -> Option<(String, i32)> {
    let number: f64 = text.trim().parse().ok()?;
    let written = format!("{number:e}");
    let (mantissa, exponent) = written.split_once('e')?;
    Some((mantissa.to_owned(), exponent.parse().ok()?))
}

impl FromStr for ErrorRates {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let expected = || {
            Error::request(format_args!(
                "a bit error rate such as 1e-7, a range such as 1e-9..1e-5, or several with commas between them is \
                 expected, found \"{text}\""
            ))
        };
        let mut rates = Vec::new();
        for part in text.split(',') {
            let (first, last) = part.split_once("..").unwrap_or((part, part));
            let ((mantissa, from), (other, to)) = decimal(first).zip(decimal(last)).ok_or_else(expected)?;
            if mantissa != other || from > to {
                return Err(Error::request(format_args!(
                    "a range of bit error rates goes up in steps of ten, as 1e-9..1e-5 does; found \"{}\"",
                    part.trim()
                )));
            }
            if to.abs_diff(from) as usize >= MOST_RATES {
                return Err(expected());
            }
            for exponent in from..=to {
                rates.push(format!("{mantissa}e{exponent}").parse().map_err(|_| expected())?);
            }
        }
        Self::new(rates)
    }
}

impl fmt::Display for ErrorRates {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, rate) in self.0.iter().enumerate() {
            write!(out, "{}{}", if index > 0 { "," } else { "" }, scientific(*rate))?;
        }
        Ok(())
    }
}

impl Serialize for ErrorRates {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ErrorRates {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(Vec::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// The bits of one tensor that can flip.
#[derive(Clone, Copy, Debug)]
struct Stored<'a> {
    layer: &'a LayerSites,
    tensor: ValueId,
    bits: Bits,
    /// Where the tensor's bits end, of all that are laid end to end.
    end: u64,
}

/// The tensors of `layers` with the bits that can flip, among `bits` of each word. A parameter that several layers read is
/// stored once, and stands with the first of them.
fn stored<'a>(graph: &Graph, target: Target, layers: &'a [LayerSites], bits: Bits) -> Result<Vec<Stored<'a>>> {
    let mut seen = BTreeSet::new();
    let (mut all, mut end) = (Vec::new(), 0u64);
    for layer in layers {
        for &(tensor, elements) in layer.tensors.iter().filter(|(tensor, _)| seen.insert(*tensor)) {
            let value = &graph.values[tensor];
            let bits = bits.within(if target == Target::Input { Format::U8 } else { value.format });
            let bits = bits.map_err(|error| Error::request(format_args!("tensor \"{}\": {error}", value.name)))?;
            end += elements as u64 * u64::from(bits.count());
            all.push(Stored { layer, tensor, bits, end });
        }
    }
    Ok(all)
}

/// The number of bits of `layers` that can flip, among `bits` of each word.
///
/// # Errors
/// Where a tensor's format lacks one of the bits.
pub(super) fn bits_of(graph: &Graph, target: Target, layers: &[LayerSites], bits: Bits) -> Result<u64> {
    Ok(stored(graph, target, layers, bits)?.last().map_or(0, |last| last.end))
}

/// Draws the flips of one inference: each of `bits` of each word of `layers` flips with probability `rate`. Flips of one word
/// are one corruption.
///
/// # Errors
/// Where a tensor's format lacks one of the bits, or there would be too many flips.
pub(super) fn draw(
    rng: &mut ChaCha8Rng,
    graph: &Graph,
    target: Target,
    layers: &[LayerSites],
    bits: Bits,
    rate: f64,
) -> Result<Vec<Site>> {
    let all = stored(graph, target, layers, bits)?;
    let count = all.last().map_or(0, |last| last.end);
    check(count, rate)?;
    let (mut parts, mut start) = (all.iter().peekable(), 0);
    let mut sites: Vec<Site> = Vec::new();
    flips(rng, count, rate, |bit| {
        while let Some(passed) = parts.next_if(|part| part.end <= bit) {
            start = passed.end;
        }
        let Some(part) = parts.peek() else { return };
        let width = u64::from(part.bits.count());
        let (element, nth) = (((bit - start) / width) as usize, ((bit - start) % width) as u32);
        let flipped = part.bits.nth(nth);
        match sites.last_mut() {
            Some(Site { tensor, element: same, corruption: Corruption::Flip(bits), .. })
                if (*tensor, *same) == (part.tensor, element) =>
            {
                *bits = bits.or(flipped);
            }
            _ => {
                let (layer, tensor) = (part.layer.layer, part.tensor);
                sites.push(Site { target, layer, tensor, element, corruption: Corruption::Flip(flipped) });
            }
        }
    });
    Ok(sites)
}

/// Checks that one inference has not too many flips to be kept.
pub(super) fn check(bits: u64, rate: f64) -> Result<()> {
    let flips = bits as f64 * rate;
    if flips > MOST_FLIPS {
        return Err(Error::request(format_args!(
            "a bit error rate of {} flips {flips:.0} of {bits} bits in each inference on average, and at most \
             {MOST_FLIPS} are kept; choose a lower rate, fewer bits or fewer layers",
            scientific(rate)
        )));
    }
    Ok(())
}

/// Calls `flip` with each of `count` bits that flips, in ascending order.
fn flips(rng: &mut ChaCha8Rng, count: u64, rate: f64, mut flip: impl FnMut(u64)) {
    let block = ((FLIPS_OF_A_BLOCK / rate) as u64).max(1);
    let mut start = 0;
    while start < count {
        let length = block.min(count - start);
        let number = binomial(rng, length, rate);
        // Floyd's choice of distinct numbers.
        let mut chosen = BTreeSet::new();
        for last in length - number..length {
            let bit = rng.random_range(0..=last);
            if !chosen.insert(bit) {
                chosen.insert(last);
            }
        }
        chosen.into_iter().for_each(|bit| flip(start + bit));
        start += length;
    }
}

/// The number of successes among `trials`, of which there are few on average: by inversion of the distribution function.
fn binomial(rng: &mut ChaCha8Rng, trials: u64, chance: f64) -> u64 {
    let (fails, mut rest) = (1.0 - chance, rng.random::<f64>());
    let (mut of_number, mut number) = (power(fails, trials), 0);
    // The chances of ever larger numbers fall to 0, where rounding has left a rest.
    while rest >= of_number && of_number > 0.0 && number < trials {
        rest -= of_number;
        of_number *= chance / fails * (trials - number) as f64 / (number + 1) as f64;
        number += 1;
    }
    number
}

/// `base` to the power of `exponent`, by multiplications.
fn power(mut base: f64, mut exponent: u64) -> f64 {
    let mut result = 1.0;
    while exponent > 0 {
        if exponent & 1 == 1 {
            result *= base;
        }
        base *= base;
        exponent >>= 1;
    }
    result
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    fn rates(text: &str) -> Result<ErrorRates> {
        text.parse()
    }

    #[test]
    fn rates_are_read_as_people_write_them() {
        assert_eq!(rates("1e-7").unwrap().all(), [1e-7]);
        assert_eq!(rates("1e-9..1e-5").unwrap().all(), [1e-9, 1e-8, 1e-7, 1e-6, 1e-5]);
        assert_eq!(rates("0.0003..3e-3, 1e-3").unwrap().all(), [3e-4, 1e-3, 3e-3]);
        let sweep = rates("1e-3,1e-4").unwrap();
        assert_eq!((sweep.of(0), sweep.of(1), sweep.of(2)), (1e-3, 1e-4, 1e-3));
        assert_eq!(serde_json::to_string(&sweep).unwrap(), "[0.0001,0.001]");
        assert_eq!(serde_json::from_str::<ErrorRates>("[0.0001,0.001]").unwrap(), sweep);
        let refused = |text: &str| rates(text).unwrap_err().to_string();
        assert!(refused("0").contains("from 1e-12 to 0.5, found 0"));
        assert!(refused("0.6").contains("found 0.6"));
        assert!(refused("1e-3,0.001").contains("1e-3 is given twice"));
        assert!(refused("1e-5..1e-9").contains("goes up in steps of ten"));
        assert!(refused("1e-9..2e-5").contains("goes up in steps of ten"));
        for text in ["", "x", "1e-9..", "NaN", "1e-300..1e-1"] {
            assert!(refused(text).contains("is expected, found"), "{text}: {}", refused(text));
        }
        for json in ["[]", "[0.9]", "0.1", "[0.1,0.1]"] {
            assert!(serde_json::from_str::<ErrorRates>(json).is_err(), "{json}");
        }
    }

    /// All flips of `draws` inferences with `count` bits.
    fn drawn(count: u64, rate: f64, draws: u64) -> Vec<Vec<u64>> {
        let one = |seed| {
            let mut all = Vec::new();
            flips(&mut ChaCha8Rng::seed_from_u64(seed), count, rate, |bit| all.push(bit));
            assert!(
                all.windows(2).all(|two| two[0] < two[1]) && all.last().is_none_or(|&last| last < count),
                "{all:?}"
            );
            all
        };
        (0..draws).map(one).collect()
    }

    #[test]
    fn the_number_of_flips_is_binomial_and_every_bit_is_as_likely() {
        // The distribution of coins, by addition of one coin after the other: no formula in common. A block has 53 bits at this
        // rate, so that one case has several blocks.
        for (rate, bits) in [(0.3, 40), (0.3, 120)] {
            const DRAWS: u64 = 20_000;
            let mut chances = vec![1.0f64];
            for _ in 0..bits {
                let next = |number: usize| {
                    let less = number.checked_sub(1).map_or(0.0, |less| chances[less]);
                    chances.get(number).unwrap_or(&0.0) * (1.0 - rate) + less * rate
                };
                chances = (0..=chances.len()).map(next).collect();
            }
            let all = drawn(bits as u64, rate, DRAWS);
            let mut squares = 0.0;
            let mut classes = 0;
            for (number, chance) in chances.iter().enumerate().filter(|(_, chance)| *chance * DRAWS as f64 >= 10.0) {
                let expected = chance * DRAWS as f64;
                let found = all.iter().filter(|flips| flips.len() == number).count() as f64;
                squares += (found - expected) * (found - expected) / expected;
                classes += 1;
            }
            // Five standard deviations of chi-squared.
            let limit = f64::from(classes) + 5.0 * (2.0 * f64::from(classes)).sqrt();
            assert!(squares < limit, "chi-squared {squares} of {classes} classes");
            let deviation = (DRAWS as f64 * rate * (1.0 - rate)).sqrt();
            for bit in 0..bits as u64 {
                let found = all.iter().filter(|flips| flips.contains(&bit)).count() as f64;
                assert!((found - DRAWS as f64 * rate).abs() < 5.0 * deviation, "bit {bit} flipped {found} times");
            }
        }
    }

    #[test]
    fn rare_flips_among_very_many_bits_take_neither_time_nor_memory() {
        // 10^13 bits: mean and variance of a binomial number are 1000 within 5 standard errors.
        let counts: Vec<f64> = drawn(10_000_000_000_000, 1e-10, 400).iter().map(|flips| flips.len() as f64).collect();
        let mean = counts.iter().sum::<f64>() / 400.0;
        let variance = counts.iter().map(|count| (count - mean) * (count - mean)).sum::<f64>() / 399.0;
        assert!((mean - 1000.0).abs() < 5.0 * (1000.0f64 / 400.0).sqrt(), "{mean}");
        assert!((variance - 1000.0).abs() < 5.0 * 1000.0 * (2.0f64 / 399.0).sqrt(), "{variance}");
        let none = drawn(1000, 1e-12, 1000);
        assert!(none.iter().all(Vec::is_empty));
        assert!(check(1 << 40, 1e-3).unwrap_err().to_string().contains("at most 1048576 are kept"));
    }
}
