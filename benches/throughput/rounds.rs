//! Measures that are taken in turn.

use std::collections::BTreeMap;

/// By measure, a rate a round.
#[derive(Default)]
pub struct Rounds {
    rates: BTreeMap<&'static str, Vec<f64>>,
}

impl Rounds {
    pub fn push(&mut self, measure: &'static str, rate: f64) {
        self.rates.entry(measure).or_default().push(rate);
    }

    pub fn clear(&mut self) {
        self.rates.clear();
    }

    /// NaN where it was never measured.
    pub fn median(&self, measure: &str) -> f64 {
        median(&mut self.rates.get(measure).cloned().unwrap_or_default())
    }

    /// The median of the rounds' ratios.
    pub fn ratio(&self, measure: &str, to: &str) -> f64 {
        let of = |measure| self.rates.get(measure).map(Vec::as_slice).unwrap_or_default();
        median(&mut of(measure).iter().zip(of(to)).map(|(rate, to)| rate / to).collect::<Vec<f64>>())
    }
}

/// The middle one, or the mean of the two; NaN where there are none.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        count => (values[(count - 1) / 2] + values[count / 2]) / 2.0,
    }
}
