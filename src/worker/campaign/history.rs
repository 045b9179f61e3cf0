//! How rates came about, in few enough points to draw.

use facts::campaign::Judgement;
use protocol::Moment;

/// Most points.
const POINTS: usize = 160;

/// Counts after every so many faults. Which points there are depends on the faults alone, not on when they were made.
#[derive(Clone, Debug)]
pub struct History {
    now: Moment,
    points: Vec<Moment>,
    /// Faults between two points.
    step: u64,
}

impl Default for History {
    fn default() -> Self {
        Self { now: Moment::default(), points: Vec::new(), step: 1 }
    }
}

impl History {
    /// Counts a trial.
    pub fn add(&mut self, judgement: Judgement) {
        self.now.faults += 1;
        self.now.sdc += u64::from(judgement.sdc);
        self.now.scm += u64::from(judgement.scm);
        if self.now.faults.is_multiple_of(self.step) {
            self.points.push(self.now);
        }
        if self.points.len() == POINTS {
            self.step *= 2;
            let step = self.step;
            self.points.retain(|point| point.faults.is_multiple_of(step));
        }
    }

    /// The points, the last of which is now.
    pub fn points(&self) -> Vec<Moment> {
        let mut points = self.points.clone();
        if points.last().is_some_and(|last| last.faults < self.now.faults) {
            points.push(self.now);
        }
        points
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_history_has_few_points_that_end_now() {
        let mut history = History::default();
        for fault in 1..=10_007u64 {
            history.add(Judgement {
                sdc: fault.is_multiple_of(2),
                due: Some(false),
                scm: fault.is_multiple_of(4),
                deviation: None,
            });
            assert_eq!(history.points().last().map(|point| point.faults), Some(fault));
            assert!(history.points().len() <= POINTS + 1);
        }
        let points = history.points();
        assert!(points.len() > POINTS / 3);
        assert!(points.is_sorted_by_key(|point| point.faults));
        assert!(points.iter().all(|point| point.sdc == point.faults / 2 && point.scm == point.faults / 4));
    }
}
