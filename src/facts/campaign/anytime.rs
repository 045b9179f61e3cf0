//! Intervals that hold whenever one looks: a confidence sequence for campaigns that stop when they know enough.
//!
//! A campaign visits all images again and again, one fault for each image in a pass. Fault i of a pass gives Z_i = w y: 1 or 0
//! times its weight, at most B. Its mean is the rate p_i of its image, and the mean of the p_i is the rate p. For any c
//! in [0, 1) that does not depend on the pass,
//!
//! `E Π (1 - c + c Z_i / p) = Π (1 - c + c p_i / p) <= 1`,
//!
//! because the faults are independent and a geometric mean is at most the arithmetic one. The product over the passes is
//! therefore a supermartingale, and it exceeds 2/α at the end of any pass with a chance of at most α/2 (Ville, 1939). All
//! m at which it does not are kept; the mirror image of the product gives the upper end (Waudby-Smith and Ramdas, 2024, bet with
//! the same means for all trials; here only their mean must be the same). Nothing is asymptotic, and nothing is assumed of the
//! images. A mean of several such products, with weights fixed beforehand, is such a product too.
//!
//! Only additions, multiplications and divisions occur, so that each platform stops at the same fault.

use std::collections::BTreeMap;

use super::Judgement;

/// Multiples of the best bet for the expected variance, with their weights.
const BETS: [(f64, f64); 4] = [(0.5, 0.2), (1.0, 0.5), (2.0, 0.2), (4.0, 0.1)];

/// No factor is below 1 minus this.
const BOLDEST: f64 = 0.75;

/// Steps of a bisection.
const STEPS: usize = 52;

/// The outcomes that are counted: SDC, SCM, DUE.
const OUTCOMES: usize = 3;

/// An outcome of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// The prediction changed.
    Sdc,
    /// It is safety-critical.
    Scm,
    /// NaN or infinity reached the output.
    Due,
}

/// Trials, by weight and outcome.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hits {
    trials: u64,
    /// By the bits of the weight, trials with each outcome. Trials without an outcome are counted by `trials` alone.
    by_weight: BTreeMap<u64, [u64; OUTCOMES]>,
}

impl Hits {
    /// Counts a trial. `weight` is relative to that of a uniform draw.
    pub fn add(&mut self, weight: f64, judgement: Judgement) {
        self.trials += 1;
        let flags = [judgement.sdc, judgement.scm, judgement.due == Some(true)];
        if flags.contains(&true) {
            let counts = self.by_weight.entry(weight.to_bits()).or_default();
            counts.iter_mut().zip(flags).for_each(|(count, flag)| *count += u64::from(flag));
        }
    }

    /// Counts what `other` has counted.
    pub fn merge(&mut self, other: &Self) {
        self.trials += other.trials;
        for (&weight, more) in &other.by_weight {
            let counts = self.by_weight.entry(weight).or_default();
            counts.iter_mut().zip(more).for_each(|(count, more)| *count += more);
        }
    }

    /// Number of trials.
    pub fn trials(&self) -> u64 {
        self.trials
    }

    fn of(&self, outcome: Counted) -> impl Iterator<Item = (f64, u64)> + '_ {
        let all =
            self.by_weight.iter().map(move |(&weight, counts)| (f64::from_bits(weight), counts[outcome as usize]));
        all.filter(|(_, count)| *count > 0)
    }

    /// Returns the sum of the weights of an outcome, and that of their squares.
    fn sums(&self, outcome: Counted) -> (f64, f64) {
        self.of(outcome).fold((0.0, 0.0), |(sum, squares), (weight, count)| {
            (sum + weight * count as f64, squares + weight * weight * count as f64)
        })
    }

    /// Returns the estimate of a rate, and the variance of the estimate.
    pub fn rate(&self, outcome: Counted) -> (f64, f64) {
        let (sum, squares) = self.sums(outcome);
        let trials = self.trials.max(1) as f64;
        let mean = sum / trials;
        (mean, ((squares / trials - mean * mean) / (trials - 1.0).max(1.0)).max(0.0))
    }

    /// Returns the estimate of the share of SCMs among the SDCs, and its variance; `None` without an SDC.
    pub fn share(&self) -> Option<(f64, f64)> {
        let (sdc, squares) = self.sums(Counted::Sdc);
        let (scm, critical) = self.sums(Counted::Scm);
        let share = scm / sdc;
        let spread = critical * (1.0 - share) * (1.0 - share) + (squares - critical) * share * share;
        (sdc > 0.0).then(|| (share, spread / (sdc * sdc)))
    }
}

/// The bets of a confidence sequence. They are fixed before the first fault: bets decide how narrow an interval is, and not
/// whether it holds.
#[derive(Clone, Copy, Debug)]
pub struct Bets {
    /// Half the width that the interval is to have, as a share of 1 or of the quantity, over the mean weight of a trial with the
    /// outcome.
    step: f64,
    /// Whether the width is relative to the quantity.
    relative: bool,
    /// The largest weight.
    most: f64,
    /// The product above which a value is not kept: 2/α.
    limit: f64,
}

impl Bets {
    /// Bets for an interval of half the width `margin`, with an error of at most `alpha`. `weight` is the expected mean weight of
    /// trials with the outcome, and `most` the largest weight there can be.
    pub fn new(margin: f64, relative: bool, weight: f64, most: f64, alpha: f64) -> Self {
        Self { step: margin / weight.clamp(1e-3, most.max(1e-3)), relative, most, limit: 2.0 / alpha }
    }

    /// Returns the interval of a rate.
    pub fn rate(&self, hits: &Hits, outcome: Counted) -> (f64, f64) {
        let (estimate, _) = hits.rate(outcome);
        let found: Vec<(f64, u64)> = hits.of(outcome).collect();
        let none = hits.trials - found.iter().map(|(_, count)| count).sum::<u64>();
        let product = |m: f64, bet: f64, sign: f64| {
            let wanted = if self.relative { bet * self.step } else { bet * self.step / m };
            // Above: 1 + λ (Z - m) with λ m <= BOLDEST. Below: 1 - λ (Z - m) with λ (B - m) <= BOLDEST.
            let lambda = wanted.min(BOLDEST / if sign > 0.0 { m } else { (self.most - m).max(1e-9) });
            let factor = |weight: f64| 1.0 + sign * lambda * (weight - m);
            found.iter().fold(Product::power(factor(0.0), none), |product, &(weight, count)| {
                product.times(Product::power(factor(weight), count))
            })
        };
        self.ends(estimate, product)
    }

    /// Returns the interval of the share of SCMs among the SDCs.
    pub fn share(&self, hits: &Hits) -> (f64, f64) {
        let Some((estimate, _)) = hits.share() else { return (0.0, 1.0) };
        let product = |m: f64, bet: f64, sign: f64| {
            let wanted = bet * self.step / if self.relative { 1.0 - m } else { m * (1.0 - m) };
            // Of the terms w (scm - m sdc), the lowest is -B m, and the highest B (1 - m).
            let lambda = wanted.min(BOLDEST / (self.most * if sign > 0.0 { m } else { 1.0 - m }));
            hits.by_weight.iter().fold(Product::ONE, |product, (&weight, &[sdc, scm, _])| {
                let weight = sign * lambda * f64::from_bits(weight);
                product
                    .times(Product::power(1.0 + weight * (1.0 - m), scm))
                    .times(Product::power(1.0 - weight * m, sdc - scm))
            })
        };
        self.ends(estimate, product)
    }

    /// Returns the values at which the product, of bets above and below, stays under the limit. It falls with the value where
    /// the sign is 1, and rises where it is -1.
    fn ends(&self, estimate: f64, product: impl Fn(f64, f64, f64) -> Product) -> (f64, f64) {
        let kept = |m: f64, sign: f64| {
            BETS.iter().map(|&(bet, weight)| weight * product(m, bet, sign).value()).sum::<f64>() < self.limit
        };
        let inside = estimate.clamp(0.0, 1.0);
        let bisect = |end: f64, sign: f64| {
            let (mut outer, mut inner) = (end, inside);
            for _ in 0..STEPS {
                let middle = (outer + inner) / 2.0;
                if middle == outer || middle == inner {
                    break;
                }
                if kept(middle, sign) { inner = middle } else { outer = middle }
            }
            outer
        };
        (bisect(0.0, 1.0), bisect(1.0, -1.0))
    }
}

/// A product of many factors: a number from 1/2 to 1, times a power of 2.
#[derive(Clone, Copy, Debug)]
struct Product {
    mantissa: f64,
    exponent: i64,
}

impl Product {
    const ONE: Self = Self { mantissa: 0.5, exponent: 1 };

    /// `mantissa` is positive and no subnormal number, or 0.
    fn new(mantissa: f64, exponent: i64) -> Self {
        const EXPONENT: u64 = 0x7ff << 52;
        if mantissa <= 0.0 {
            return Self { mantissa: 0.0, exponent: 0 };
        }
        let bits = mantissa.to_bits();
        let own = (bits >> 52) as i64 - 1022;
        Self { mantissa: f64::from_bits(bits & !EXPONENT | 1022 << 52), exponent: exponent + own }
    }

    fn times(self, other: Self) -> Self {
        Self::new(self.mantissa * other.mantissa, self.exponent.saturating_add(other.exponent))
    }

    /// Returns a power, by squaring.
    fn power(base: f64, mut count: u64) -> Self {
        let (mut square, mut result) = (Self::new(base, 0), Self::ONE);
        while count > 0 {
            if count % 2 == 1 {
                result = result.times(square);
            }
            square = square.times(square);
            count /= 2;
        }
        result
    }

    fn value(self) -> f64 {
        match self.exponent {
            1000.. => f64::INFINITY,
            ..-1000 => 0.0,
            exponent => self.mantissa * f64::from_bits(((exponent + 1023) as u64) << 52),
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use serde::Deserialize;

    use super::*;

    fn judgement(sdc: bool, scm: bool) -> Judgement {
        Judgement { sdc, due: Some(false), scm, deviation: None }
    }

    /// Intervals of `anytime_reference.py`, which adds logarithms of numpy and finds the ends with scipy's `brentq`.
    #[test]
    fn the_intervals_are_those_of_an_independent_program() {
        #[derive(Deserialize)]
        struct Case {
            margin: f64,
            relative: bool,
            weight: f64,
            most: f64,
            alpha: f64,
            trials: u64,
            hits: Vec<(f64, u64, u64)>,
            rate: [f64; 2],
            share: [f64; 2],
        }
        let cases: Vec<Case> = serde_json::from_str(include_str!("anytime_reference.json")).unwrap();
        assert!(cases.len() >= 6);
        for (number, case) in cases.iter().enumerate() {
            let mut hits = Hits::default();
            for &(weight, sdc, scm) in &case.hits {
                (0..sdc).for_each(|one| hits.add(weight, judgement(true, one < scm)));
            }
            (hits.trials()..case.trials).for_each(|_| hits.add(1.0, judgement(false, false)));
            let bets = Bets::new(case.margin, case.relative, case.weight, case.most, case.alpha);
            let near = |found: (f64, f64), expected: [f64; 2]| {
                (found.0 - expected[0]).abs() < 1e-9 && (found.1 - expected[1]).abs() < 1e-9
            };
            let (rate, share) = (bets.rate(&hits, Counted::Sdc), bets.share(&hits));
            assert!(near(rate, case.rate), "case {number}: {rate:?}, expected {:?}", case.rate);
            assert!(near(share, case.share), "case {number}: {share:?}, expected {:?}", case.share);
        }
    }

    #[test]
    fn products_do_not_overflow() {
        assert_eq!(Product::power(3.0, 5).value(), 243.0);
        assert_eq!(Product::power(0.5, 10).value(), 1.0 / 1024.0);
        assert_eq!(Product::power(1.5, 1 << 40).value(), f64::INFINITY);
        assert_eq!(Product::power(0.9, 1 << 40).value(), 0.0);
        assert_eq!(Product::power(0.0, 1).value(), 0.0);
        let cancelled = Product::power(2.0, 1 << 40).times(Product::power(0.5, 1 << 40));
        assert_eq!(cancelled.value(), 1.0);
    }

    /// Campaigns that look after each pass and stop as soon as they can, on images of very different rates: the interval holds
    /// the rate more often than it says. Intervals for a fixed number, looked at in the same way, do not.
    #[test]
    fn intervals_hold_the_rate_although_the_campaign_looks_after_each_pass() {
        const CAMPAIGNS: u64 = 400;
        let rates = [0.0, 0.002, 0.004, 0.02, 0.1, 0.3];
        let truth = rates.iter().sum::<f64>() / rates.len() as f64;
        let bets = Bets::new(0.02, false, 1.0, 1.0, 0.1);
        let (mut missed, mut missed_fixed, mut most) = (0, 0, 0);
        for seed in 0..CAMPAIGNS {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let mut hits = Hits::default();
            let (mut ever, mut ever_fixed) = (false, false);
            loop {
                for _ in 0..20 {
                    rates.iter().for_each(|&rate| hits.add(1.0, judgement(rng.random::<f64>() < rate, false)));
                }
                let (low, high) = bets.rate(&hits, Counted::Sdc);
                ever |= truth < low || high < truth;
                let count = hits.of(Counted::Sdc).map(|(_, count)| count).sum();
                let (low_fixed, high_fixed) = crate::outcome::wilson(count, hits.trials(), 1.645);
                ever_fixed |= truth < low_fixed || high_fixed < truth;
                most = most.max(hits.trials());
                if high - low <= 0.04 {
                    break;
                }
                assert!(hits.trials() < 20_000, "the margin is reached");
            }
            missed += u32::from(ever);
            missed_fixed += u32::from(ever_fixed);
        }
        assert!(missed <= 40, "{missed} of {CAMPAIGNS} missed, {most} faults at most");
        assert!(missed_fixed > 80, "{missed_fixed} of {CAMPAIGNS} missed by intervals for a fixed number");
    }

    /// The same with weights: many faults of little risk that are seldom drawn, and the share of SCMs.
    #[test]
    fn weighted_intervals_hold_rate_and_share() {
        const CAMPAIGNS: u64 = 300;
        // Mass, SDC rate, SCM rate, intensity of the draw.
        let strata = [(0.9, 0.001, 0.0002, 0.5), (0.08, 0.05, 0.03, 3.0), (0.02, 0.8, 0.3, 15.5)];
        let sum = |of: fn(&(f64, f64, f64, f64)) -> f64| strata.iter().map(|row| row.0 * of(row)).sum::<f64>();
        let (all, sdc, scm) = (sum(|row| row.3), sum(|row| row.1), sum(|row| row.2));
        let weight = |intensity: f64| all / intensity;
        let squares: f64 = strata.iter().map(|row| row.0 * row.1 * weight(row.3)).sum();
        let most = weight(0.5);
        let bets = Bets::new(0.1, true, squares / sdc, most, 0.1);
        let (mut missed, mut missed_share, mut trials) = (0, 0, 0);
        for seed in 0..CAMPAIGNS {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let mut hits = Hits::default();
            loop {
                for _ in 0..400 {
                    let mut rest = rng.random::<f64>() * all;
                    let row = strata.iter().find(|row| {
                        rest -= row.0 * row.3;
                        rest < 0.0
                    });
                    let row = row.unwrap_or(&strata[0]);
                    let chance = rng.random::<f64>();
                    hits.add(weight(row.3), judgement(chance < row.1, chance < row.2));
                }
                let (low, high) = bets.rate(&hits, Counted::Sdc);
                if high - low <= 0.2 * hits.rate(Counted::Sdc).0 {
                    missed += u32::from(sdc < low || high < sdc);
                    let (low, high) = bets.share(&hits);
                    missed_share += u32::from(scm / sdc < low || high < scm / sdc);
                    trials += hits.trials() / CAMPAIGNS;
                    break;
                }
                assert!(hits.trials() < 200_000, "the margin is reached");
            }
        }
        assert!(missed <= 30 && missed_share <= 30, "{missed}, {missed_share} of {CAMPAIGNS} missed");
        // Uniformly, the same interval takes about 2 ln(40) (1 - p) / (p 0.1²) faults.
        let uniform = 2.0 * 20f64.ln() * (1.0 - sdc) / (sdc * 0.01);
        assert!((trials as f64) < uniform / 2.0, "{trials} faults, {uniform} uniformly");
    }
}
