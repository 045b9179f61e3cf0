//! One trial as estimates see it.

use crate::campaign::Judgement;

/// Outcomes of a trial.
pub const OUTCOMES: usize = 8;
pub const SDC: usize = 0;
pub const SCM: usize = 1;
pub const DUE: usize = 2;
pub const SDC5: usize = 3;
pub const SDC10: usize = 4;
pub const SDC20: usize = 5;
/// The prediction became the label, or ceased to be it (-1).
pub const RIGHT: usize = 6;
/// The change of the margin is in no mean.
pub const UNKNOWN: usize = 7;

/// One trial.
#[derive(Clone, Copy, Debug)]
pub struct Trial {
    /// For each outcome 1 where the trial has it, or else 0.
    pub outcomes: [i8; OUTCOMES],
    /// Whether the golden prediction is the label, where that is known.
    pub was_right: Option<bool>,
    /// The change of the margin, in units; 0 where it is in no mean.
    margin: i128,
}

impl Trial {
    /// The trial of this judgement, in an image for which it is known or not whether the golden prediction is the label.
    pub fn new(judgement: Judgement, was_right: Option<bool>) -> Self {
        let mut outcomes = [0; OUTCOMES];
        outcomes[SDC] = i8::from(judgement.sdc);
        outcomes[SCM] = i8::from(judgement.scm);
        outcomes[DUE] = i8::from(judgement.due == Some(true));
        let Some(deviation) = judgement.deviation else { return Self { outcomes, was_right, margin: 0 } };
        let [sdc5, sdc10, sdc20] = deviation.outcomes();
        (outcomes[SDC5], outcomes[SDC10], outcomes[SDC20]) = (i8::from(sdc5), i8::from(sdc10), i8::from(sdc20));
        if let (Some(is), Some(was)) = (deviation.correct(), was_right) {
            outcomes[RIGHT] = i8::from(is) - i8::from(was);
        }
        let margin = deviation.margin();
        outcomes[UNKNOWN] = i8::from(margin.is_none());
        Self { outcomes, was_right, margin: margin.unwrap_or(0) }
    }

    /// The change of the margin times `weight`, in units: whole numbers have the same sum in any order.
    pub fn margin(&self, weight: f64) -> i128 {
        (self.margin as f64 * weight) as i128
    }
}
