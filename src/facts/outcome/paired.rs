//! Two ways to do the same thing, tried on the same cases: the difference of two shares, a test of it, and the correction of
//! several tests.
//!
//! The interval is Newcombe's method 10 (Statistics in Medicine 17, 1998, 2635-2650), the test McNemar's in its exact form
//! (Psychometrika 12, 1947, 153-157), and the correction Holm's (Scandinavian Journal of Statistics 6, 1979, 65-70).

use serde::{Deserialize, Serialize};

use super::interval::{Z_95, wilson};

/// Largest adjusted p-value at which a difference counts as shown.
pub const SIGNIFICANCE: f64 = 0.05;

/// Cases that were tried in two ways, counted by the event in question: the number of cases in which it came with both ways,
/// with one of them only, and with neither.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pairs {
    /// With both ways.
    pub both: u64,
    /// With the first way only.
    pub first: u64,
    /// With the second way only.
    pub second: u64,
    /// With neither way.
    pub neither: u64,
}

/// The share of events with the second way less that with the first one, with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The difference: negative where the second way has fewer events.
    pub difference: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// The conclusion on a second way, by rule ([`Decision::new`]). The event is an undesired one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// The second way has fewer events.
    Better,
    /// The second way has more events.
    Worse,
    /// The cases in which the two ways differ are enough for a conclusion, and show none.
    NoDifferenceSeen,
    /// The two ways differ in so few cases that no outcome of them could have been a conclusion.
    TooFewToSay,
}

impl Pairs {
    /// Counts a case.
    pub fn add(&mut self, first: bool, second: bool) {
        let count = match (first, second) {
            (true, true) => &mut self.both,
            (true, false) => &mut self.first,
            (false, true) => &mut self.second,
            (false, false) => &mut self.neither,
        };
        *count += 1;
    }

    /// Counts what `other` has counted.
    pub fn merge(&mut self, other: &Self) {
        self.both += other.both;
        self.first += other.first;
        self.second += other.second;
        self.neither += other.neither;
    }

    /// All cases.
    pub fn all(&self) -> u64 {
        self.both + self.first + self.second + self.neither
    }

    /// The cases in which the two ways differ.
    pub fn discordant(&self) -> u64 {
        self.first + self.second
    }

    /// The difference of the shares with Newcombe's interval: Wilson's intervals of both shares are combined with the
    /// correlation of the two events, whose estimate is corrected for continuity (method 10). Without cases it is -1 to 1.
    pub fn difference(&self) -> Difference {
        let all = self.all();
        if all == 0 {
            return Difference { difference: 0.0, low: -1.0, high: 1.0 };
        }
        let n = all as f64;
        let [both, first, second, neither] =
            [self.both, self.first, self.second, self.neither].map(|count| count as f64);
        let (one, other) = (self.both + self.second, self.both + self.first);
        let (p1, p2) = (one as f64 / n, other as f64 / n);
        let ((l1, u1), (l2, u2)) = (wilson(one, all, Z_95), wilson(other, all, Z_95));
        let product = both * neither - first * second;
        let corrected = if product > 0.0 { (product - n / 2.0).max(0.0) } else { product };
        // The root of each factor: their product can be beyond the largest number.
        let scale: f64 = [one, all - one, other, all - other].iter().map(|&count| (count as f64).sqrt()).product();
        let phi = if scale > 0.0 { corrected / scale } else { 0.0 };
        let combined = |a: f64, b: f64| (a * a - 2.0 * phi * a * b + b * b).max(0.0).sqrt();
        let difference = (second - first) / n;
        Difference {
            difference,
            low: (difference - combined(p1 - l1, u2 - p2)).max(-1.0),
            high: (difference + combined(u1 - p1, p2 - l2)).min(1.0),
        }
    }

    /// The p-value of McNemar's exact test: the chance that the cases in which the two ways differ fall as unevenly as here, or
    /// more so, if each is as likely to favour one as the other. 1 where there is no such case.
    pub fn mcnemar(&self) -> f64 {
        let trials = self.discordant();
        let most = self.first.max(self.second);
        // The two tails overlap at the middle.
        if 2 * most == trials { 1.0 } else { (2.0 * upper_half_tail(most, trials)).min(1.0) }
    }
}

impl Difference {
    /// Returns the difference of a population of which all was tried: no other one is possible.
    #[must_use]
    pub fn exact(self) -> Self {
        Self { low: self.difference, high: self.difference, ..self }
    }
}

impl Decision {
    /// The conclusion from `pairs` where `tests` tests were made together, and the p-value of this one is `adjusted` for that.
    ///
    /// Below [`SIGNIFICANCE`] the second way is better or worse. Else there are too few cases to say if fewer than
    /// [`Decision::least`] differ, and there is no difference seen if as many do.
    pub fn new(pairs: &Pairs, adjusted: f64, tests: usize) -> Self {
        match adjusted < SIGNIFICANCE {
            true if pairs.second < pairs.first => Self::Better,
            true => Self::Worse,
            false if pairs.discordant() < Self::least(tests) => Self::TooFewToSay,
            false => Self::NoDifferenceSeen,
        }
    }

    /// The conclusion where every case of the population was tried.
    pub fn exact(pairs: &Pairs) -> Self {
        match pairs.second.cmp(&pairs.first) {
            std::cmp::Ordering::Less => Self::Better,
            std::cmp::Ordering::Greater => Self::Worse,
            std::cmp::Ordering::Equal => Self::NoDifferenceSeen,
        }
    }

    /// The least number of cases with a difference that can be a conclusion whatever the other tests say, should all of them favour the
    /// same way: with fewer, the smallest p-value there is, 2 · 2^-n, times the number of tests is not below [`SIGNIFICANCE`]. Holm's
    /// method multiplies the second smallest p-value by one test less, and so on: beside others that are smaller, fewer cases can do.
    pub fn least(tests: usize) -> u64 {
        let tests = tests.max(1) as f64;
        (1..).find(|&n| 2.0 * 0.5f64.powi(n) * tests < SIGNIFICANCE).map_or(u64::MAX, |n| n as u64)
    }

    /// The conclusion in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::NoDifferenceSeen => "no difference seen",
            Self::TooFewToSay => "too few to say",
        }
    }
}

/// Returns p-values that hold for all tests together (Holm's step-down method), in the order of `p`.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    let mut adjusted = vec![0.0; p.len()];
    let mut highest = 0.0f64;
    for (rank, index) in order.into_iter().enumerate() {
        highest = highest.max(((p.len() - rank) as f64 * p[index]).min(1.0));
        adjusted[index] = highest;
    }
    adjusted
}

/// Returns the chance of `hits` or more in `trials` of chance one half each, for `hits` above the half of `trials`.
fn upper_half_tail(hits: u64, trials: u64) -> f64 {
    let n = trials as f64;
    let (mut term, mut sum) = (half_chance(hits, trials), 0.0);
    for i in hits..=trials {
        sum += term;
        // Terms fall ever faster: the rest is below the last digit.
        if term <= sum * 1e-18 {
            break;
        }
        term *= (n - i as f64) / (i as f64 + 1.0);
    }
    sum
}

/// Returns the chance of exactly `hits` in `trials` of chance one half each.
///
/// Factorials are taken by the error of Stirling's formula and the deviance, so that no large numbers cancel (Loader, Fast and
/// accurate computation of binomial probabilities, 2000).
fn half_chance(hits: u64, trials: u64) -> f64 {
    let (n, k) = (trials as f64, hits as f64);
    if hits == trials {
        return (-n).exp2();
    }
    let rest = n - k;
    let errors = stirling_error(n) - stirling_error(k) - stirling_error(rest);
    // Above and below the mean by the same distance.
    let distance = (k - rest) / n;
    let deviance = 0.5 * n * ((1.0 + distance) * distance.ln_1p() + (1.0 - distance) * (-distance).ln_1p());
    (errors - deviance).exp() * (n / (std::f64::consts::TAU * k * rest)).sqrt()
}

/// Returns the logarithm of n! less that of Stirling's formula, √(2πn) (n/e)^n.
fn stirling_error(n: f64) -> f64 {
    if n < 16.0 {
        let factorial: f64 = (2..=n as u32).map(f64::from).product();
        return factorial.ln() - (0.5 * (std::f64::consts::TAU * n).ln() + n * n.ln() - n);
    }
    let square = n * n;
    (1.0 / 12.0 - (1.0 / 360.0 - (1.0 / 1260.0 - (1.0 / 1680.0) / square) / square) / square) / n
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pairs(both: u64, first: u64, second: u64, neither: u64) -> Pairs {
        Pairs { both, first, second, neither }
    }

    /// `paired_reference.py`: Wilson's intervals and p-values by statsmodels, tails by scipy and by whole numbers.
    #[test]
    fn intervals_tests_and_corrections_are_those_of_an_independent_program() {
        #[derive(Deserialize)]
        struct Case {
            pairs: Pairs,
            difference: f64,
            low: f64,
            high: f64,
            p: f64,
        }
        #[derive(Deserialize)]
        struct Corrected {
            p: Vec<f64>,
            adjusted: Vec<f64>,
        }
        #[derive(Deserialize)]
        struct Reference {
            cases: Vec<Case>,
            holm: Vec<Corrected>,
        }
        let reference: Reference = serde_json::from_str(include_str!("paired_reference.json")).unwrap();
        assert!(reference.cases.len() >= 20 && reference.holm.len() >= 5);
        for case in &reference.cases {
            let Difference { difference, low, high } = case.pairs.difference();
            for (found, expected) in [(difference, case.difference), (low, case.low), (high, case.high)] {
                assert!((found - expected).abs() < 1e-12, "{:?}: {found}, {expected} expected", case.pairs);
            }
            let p = case.pairs.mcnemar();
            assert!((p - case.p).abs() <= 1e-10 * case.p, "{:?}: p {p}, {} expected", case.pairs, case.p);
        }
        for Corrected { p, adjusted } in &reference.holm {
            let found = holm(p);
            assert_eq!(found.len(), adjusted.len());
            let near = found.iter().zip(adjusted).all(|(found, expected)| (found - expected).abs() < 1e-15);
            assert!(near, "{p:?}: {found:?}, {adjusted:?} expected");
        }
    }

    /// Altman, Machin, Bryant and Gardner, Statistics with Confidence, 2000, table 6.2: 0.122, 0.011 to 0.226. Fagerland,
    /// Lydersen and Laake, Statistics in Medicine 33, 2014, 2850-2875: -0.286, -0.507 to -0.026.
    #[test]
    fn published_intervals_are_met() {
        for (case, expected) in
            [(pairs(14, 0, 5, 22), [0.122, 0.011, 0.226]), (pairs(1, 7, 1, 12), [-0.286, -0.507, -0.026])]
        {
            let Difference { difference, low, high } = case.difference();
            for (found, expected) in [difference, low, high].into_iter().zip(expected) {
                assert!((found - expected).abs() < 5e-4, "{case:?}: {found}, {expected} expected");
            }
        }
    }

    #[test]
    fn very_many_cases_and_none_have_finite_numbers() {
        let none = pairs(0, 0, 0, 0);
        assert_eq!(none.difference(), Difference { difference: 0.0, low: -1.0, high: 1.0 });
        assert_eq!([none.mcnemar(), pairs(9, 0, 0, 9).mcnemar(), pairs(0, 5, 5, 0).mcnemar()], [1.0; 3]);
        let most = 1 << 52;
        let many = pairs(most, most, most - 1, most);
        let found = many.difference();
        assert!(found.low < found.difference && found.difference < found.high, "{found:?}");
        assert!((many.mcnemar() - 1.0).abs() < 1e-6, "{}", many.mcnemar());
        assert_eq!(pairs(0, 1 << 40, 0, 0).mcnemar(), 0.0);
        let all = pairs(1000, 0, 0, 0).difference();
        assert!(all.low < 0.0 && all.low > -0.01 && all.high > 0.0 && all.high < 0.01, "{all:?}");
    }

    #[test]
    fn words_follow_the_rule() {
        assert_eq!([1, 2, 8, 16].map(Decision::least), [6, 7, 9, 10]);
        let decide = |first, second, tests| {
            let pairs = pairs(3, first, second, 50);
            Decision::new(&pairs, (pairs.mcnemar() * tests as f64).min(1.0), tests)
        };
        assert_eq!(decide(6, 0, 1), Decision::Better);
        assert_eq!(decide(0, 6, 1), Decision::Worse);
        assert_eq!(decide(6, 0, 2), Decision::TooFewToSay);
        // The third smallest of four p-values counts twice: seven faults are enough, where the smallest needs eight.
        let seven = pairs(3, 7, 0, 50);
        assert_eq!((Decision::least(4), seven.mcnemar()), (8, 1.0 / 64.0));
        let adjusted = holm(&[1e-6, 1e-3, seven.mcnemar(), 0.9])[2];
        assert_eq!((adjusted, Decision::new(&seven, adjusted, 4)), (1.0 / 32.0, Decision::Better));
        assert_eq!(decide(0, 0, 1), Decision::TooFewToSay);
        assert_eq!(decide(4, 3, 1), Decision::NoDifferenceSeen);
        assert_eq!(decide(300, 299, 8), Decision::NoDifferenceSeen);
        let exact = [(1, 0), (0, 1), (1, 1)].map(|(first, second)| Decision::exact(&pairs(0, first, second, 9)));
        assert_eq!(exact, [Decision::Better, Decision::Worse, Decision::NoDifferenceSeen]);
    }

    proptest! {
        /// The two ways exchanged: the difference has the other sign, and the test says the same.
        #[test]
        fn ways_can_be_exchanged(both in 0u64..500, first in 0u64..500, second in 0u64..500, neither in 0u64..500) {
            let (one, other) = (pairs(both, first, second, neither), pairs(both, second, first, neither));
            let (a, b) = (one.difference(), other.difference());
            prop_assert!((a.difference + b.difference).abs() < 1e-15);
            prop_assert!((a.low + b.high).abs() < 1e-12 && (a.high + b.low).abs() < 1e-12);
            prop_assert_eq!(one.mcnemar(), other.mcnemar());
            prop_assert!(-1.0 <= a.low && a.low <= a.difference && a.difference <= a.high && a.high <= 1.0);
        }

        /// The sum of all probabilities, and the test by another sum.
        #[test]
        fn the_test_is_the_sum_of_what_is_as_unlikely(first in 0u64..400, second in 0u64..400) {
            let (n, most) = (first + second, first.max(second));
            let chances: Vec<f64> = (0..=n).map(|hits| if hits == 0 { half_chance(n, n) } else { half_chance(hits, n) }).collect();
            if n > 0 {
                prop_assert!((chances.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            }
            let tails: f64 = (0..=n).filter(|&hits| hits >= most || hits <= n - most).map(|hits| chances[hits as usize]).sum();
            let expected = if n == 0 { 1.0 } else { tails };
            prop_assert!((pairs(0, first, second, 0).mcnemar() - expected).abs() < 1e-12);
        }

        #[test]
        fn corrected_values_are_no_smaller_and_keep_their_order(p in prop::collection::vec(0.0f64..=1.0, 0..12)) {
            let adjusted = holm(&p);
            for (index, &one) in p.iter().enumerate() {
                prop_assert!(adjusted[index] >= one && adjusted[index] <= (one * p.len() as f64).min(1.0));
                for (other, &two) in p.iter().enumerate() {
                    prop_assert!(one > two || adjusted[index] <= adjusted[other]);
                }
            }
        }
    }
}
