//! Binomial probabilities, and the exact upper bound of a share.

/// Returns the chance of `hits` or more in `trials`, each with chance `p`.
pub fn at_least(hits: u64, trials: u64, p: f64) -> f64 {
    if hits == 0 || p >= 1.0 {
        return 1.0;
    }
    if hits > trials || p <= 0.0 {
        return 0.0;
    }
    let (n, k) = (trials as f64, hits as f64);
    // The logarithm of the chance of exactly `hits`.
    let choices: f64 = (1..=hits.min(trials - hits)).map(|i| ((n - i as f64 + 1.0) / i as f64).ln()).sum();
    let mut term = choices + k * p.ln() + (n - k) * (1.0 - p).ln();
    let odds = (p / (1.0 - p)).ln();
    let mut sum = 0.0;
    for i in hits..=trials {
        sum += term.exp();
        term += ((n - i as f64) / (i as f64 + 1.0)).ln() + odds;
    }
    sum.min(1.0)
}

/// Returns the upper bound of a share of which `count` of `of` trials are known, at one-sided confidence
/// `1 - alpha` (Clopper and Pearson, Biometrika 26, 1934): the largest chance with which so few hits are not rarer than
/// `alpha`. Without trials it is 1.
pub fn upper_bound(count: u64, of: u64, alpha: f64) -> f64 {
    if count >= of {
        return 1.0;
    }
    if count == 0 {
        return 1.0 - alpha.powf(1.0 / of as f64);
    }
    let (mut low, mut high) = (count as f64 / of as f64, 1.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if 1.0 - at_least(count + 1, of, middle) > alpha { low = middle } else { high = middle }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sums of the probabilities of `hits` to `trials`, by Python's `math.lgamma`.
    #[test]
    fn chances_are_sums_of_probabilities() {
        for (hits, trials, p, expected) in [
            (4, 24, 1.0 / 12.0, 0.134_741_5),
            (1, 3, 1.0 / 3.0, 0.703_703_7),
            (30, 100, 0.2, 0.011_248_98),
            (620, 10_000, 0.06, 0.205_217_0),
            (0, 5, 0.5, 1.0),
            (5, 5, 0.5, 0.031_25),
        ] {
            let found = at_least(hits, trials, p);
            assert!((found - expected).abs() < 1e-6, "{hits} of {trials} at {p}: {found}, {expected} expected");
        }
    }

    /// `scipy.stats.beta.ppf(1 - alpha, count + 1, of - count)`.
    #[test]
    fn the_upper_bound_is_that_of_clopper_and_pearson() {
        for (count, of, alpha, expected) in BOUNDS {
            let found = upper_bound(count, of, alpha);
            assert!((found - expected).abs() < 1e-9, "{count} of {of}: {found}, {expected} expected");
        }
        assert_eq!([upper_bound(0, 0, 0.05), upper_bound(7, 7, 0.05)], [1.0; 2]);
    }

    const BOUNDS: [(u64, u64, f64, f64); 7] = [
        (0, 10, 0.05, 0.258865550893),
        (0, 3000, 0.05, 0.000998079012),
        (1, 10, 0.05, 0.394163302437),
        (3, 1000, 0.05, 0.007735244718),
        (37, 500, 0.025, 0.100558874746),
        (999, 1000, 0.05, 0.999948708021),
        (120, 20000, 0.05, 0.006978758325),
    ];
}
