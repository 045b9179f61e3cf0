//! A plan cut into units: parts that different threads or workers compute at the same time.

use facts::campaign::{Plan, Position};

use super::{Budget, Lab};

/// The units of a plan, in its order. A unit fills a wave: it is several images, or a part of the faults of one image.
#[derive(Clone, Debug)]
pub struct Units {
    next: Position,
    images: usize,
    /// The number of the first fault of each image.
    first: usize,
    /// The number of faults of each image, if it is the same for all.
    faults: Option<usize>,
    /// Largest number of images of a unit.
    images_at_a_time: usize,
    /// Largest number of faults of a unit of one image. Whoever begins in the middle of an image repeats its golden run.
    faults_at_a_time: usize,
}

impl Units {
    /// Cuts `plan`, from `start` on, for `parts` threads or workers. `first` is the number of the first fault of each image.
    pub fn of(plan: &Plan, lab: &Lab, start: Position, first: usize, parts: usize, budget: Budget) -> Self {
        let faults = plan.config().faults;
        let faults_at_a_time = budget.faults(lab, plan);
        let runs = (faults.at_least().saturating_sub(first)).saturating_add(1);
        Self {
            next: Position { fault: start.fault.max(first), ..start },
            images: plan.images(),
            first,
            faults: (faults.at_least() == faults.at_most()).then_some(faults.at_least()),
            // Few enough that all get some.
            images_at_a_time: (faults_at_a_time / runs).min(plan.images() / parts.max(1)).max(1),
            faults_at_a_time,
        }
    }
}

impl Iterator for Units {
    type Item = (Position, Position);

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.next;
        if start.nth >= self.images {
            return None;
        }
        let stop = start.fault.saturating_add(self.faults_at_a_time);
        if self.faults.is_some_and(|faults| stop < faults) {
            self.next = Position { fault: stop, ..start };
            return Some((start, self.next));
        }
        let nth = start.nth.saturating_add(self.images_at_a_time).min(self.images);
        self.next = Position { nth, fault: self.first };
        // A unit that ended at a later fault of the next image would make the golden run of that image.
        Some((start, Position { nth, fault: 0 }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(nth: usize, fault: usize) -> Position {
        Position { nth, fault }
    }

    fn units(
        next: Position,
        first: usize,
        images: usize,
        faults: Option<usize>,
        sizes: [usize; 2],
    ) -> Vec<[Position; 2]> {
        let [images_at_a_time, faults_at_a_time] = sizes;
        let units = Units { next, images, first, faults, images_at_a_time, faults_at_a_time };
        units.map(|(start, end)| [start, end]).collect()
    }

    #[test]
    fn units_are_images_or_parts_of_them() {
        let pairs = [[at(0, 0), at(1, 0)], [at(1, 0), at(2, 0)]];
        assert_eq!(units(at(0, 0), 0, 2, Some(256), [1, 256]), pairs);
        assert_eq!(units(at(0, 0), 0, 2, None, [1, 2]), pairs);
        let parts = [[at(1, 100), at(1, 356)], [at(1, 356), at(1, 612)], [at(1, 612), at(2, 0)]];
        assert_eq!(units(at(1, 100), 0, 2, Some(700), [1, 256]), parts);
        let several = [[at(1, 3), at(4, 0)], [at(4, 0), at(7, 0)], [at(7, 0), at(8, 0)]];
        assert_eq!(units(at(1, 3), 0, 8, Some(5), [3, 20]), several);
        assert!(units(at(2, 0), 0, 2, None, [1, 2]).is_empty());
    }

    #[test]
    fn the_units_of_a_round_begin_with_its_first_fault() {
        let round = [[at(0, 4), at(2, 0)], [at(2, 4), at(3, 0)]];
        assert_eq!(units(at(0, 4), 4, 3, Some(8), [2, 100]), round);
        let parts = [[at(0, 4), at(0, 7)], [at(0, 7), at(1, 0)], [at(1, 4), at(1, 7)], [at(1, 7), at(2, 0)]];
        assert_eq!(units(at(0, 4), 4, 2, Some(8), [1, 3]), parts);
    }
}
