//! How rates came about, in few enough points to draw.

use facts::campaign::{CampaignConfig, Counted, Goal, Hits, Judgement, Stratified};
use facts::outcome::Rate;
use protocol::Moment;

/// Most points.
const POINTS: usize = 160;

/// Rates after every so many faults. Which points there are depends on the faults alone, not on when they were made.
#[derive(Clone, Debug)]
pub struct History {
    goal: Option<Goal>,
    design: Option<Stratified>,
    hits: Hits,
    counts: [u64; 2],
    points: Vec<Moment>,
    /// Faults between two points.
    step: u64,
}

impl History {
    /// Nothing yet of a campaign.
    pub fn new(config: &CampaignConfig) -> Self {
        let (goal, design) = (config.until, config.design.clone());
        Self { goal, design, hits: Hits::default(), counts: [0; 2], points: Vec::new(), step: 1 }
    }

    /// Counts a trial. `weight` is relative to that of a uniform draw.
    pub fn add(&mut self, weight: f64, judgement: Judgement) {
        self.hits.add(weight, judgement);
        self.counts[0] += u64::from(judgement.sdc);
        self.counts[1] += u64::from(judgement.scm);
        if self.hits.trials().is_multiple_of(self.step) {
            self.points.push(self.now());
        }
        if self.points.len() == POINTS {
            self.step *= 2;
            let step = self.step;
            self.points.retain(|point| point.faults().is_multiple_of(step));
        }
    }

    /// The rates now. Those of a campaign with a goal have the intervals that hold whenever one looks.
    fn now(&self) -> Moment {
        let of = self.hits.trials();
        let rate = |count: u64, counted: Counted| {
            let plain = Rate::new(count, of);
            self.goal.map_or(plain, |goal| {
                let (rate, low, high) = goal.rate(&self.hits, counted, self.design.as_ref());
                Rate { rate, low, high, ..plain }
            })
        };
        let [sdc, scm] = self.counts;
        Moment { sdc: rate(sdc, Counted::Sdc), scm: rate(scm, Counted::Scm) }
    }

    /// The points, the last of which is now.
    pub fn points(&self) -> Vec<Moment> {
        let mut points = self.points.clone();
        if points.last().is_some_and(|last| last.faults() < self.hits.trials()) {
            points.push(self.now());
        }
        points
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(fault: u64) -> Judgement {
        let (sdc, scm) = (fault.is_multiple_of(2), fault.is_multiple_of(4));
        Judgement { sdc, due: Some(false), scm, deviation: None }
    }

    #[test]
    fn a_long_history_has_few_points_that_end_now() {
        let mut history = History::new(&CampaignConfig::new("any"));
        for fault in 1..=10_007u64 {
            history.add(1.0, judged(fault));
            assert_eq!(history.points().last().map(Moment::faults), Some(fault));
            assert!(history.points().len() <= POINTS + 1);
        }
        let points = history.points();
        assert!(points.len() > POINTS / 3);
        assert!(points.is_sorted_by_key(Moment::faults));
        let halves = |point: &Moment| (point.sdc.count, point.scm.count) == (point.faults() / 2, point.faults() / 4);
        assert!(points.iter().all(halves));
        assert!(points.iter().all(|point| point.sdc == Rate::new(point.faults() / 2, point.faults())));
    }

    #[test]
    fn intervals_of_a_campaign_with_a_goal_hold_whenever_one_looks() {
        let margin = "1pp".parse().expect("a margin");
        let goal = Goal { margin, of: Default::default(), confidence: Default::default(), max_faults: 1_000_000 };
        let mut history = History::new(&CampaignConfig { until: Some(goal), ..CampaignConfig::new("any") });
        (1..=500).for_each(|fault| history.add(1.0, judged(fault)));
        let points = history.points();
        let last = points.last().expect("a point");
        let wilson = Rate::new(250, 500);
        assert_eq!((last.sdc.count, last.sdc.rate), (250, 0.5));
        assert!(last.sdc.low < wilson.low && last.sdc.high > wilson.high, "{last:?}");
    }
}
