//! Whoever computes the steps of a plan: this thread, several threads, or several workers.

use std::ops::Deref;
use std::sync::Arc;

use facts::campaign::Plan;
use facts::data::ImageSource;

use super::{Budget, Lab, Steps, Work};

/// Whoever computes the steps of a plan, or of a round of it.
pub trait StepMaker {
    /// The steps.
    type Steps: Work;

    /// Begins the steps of `plan`, without the faults of each image before number `first`, which were made earlier.
    fn begin(&self, plan: Arc<Plan>, first: usize) -> Self::Steps;
}

/// Computes steps on the caller's thread.
#[derive(Clone, Debug)]
pub struct Alone<L, S> {
    /// The lab.
    pub lab: L,
    /// The images.
    pub source: S,
    /// The limits of a wave.
    pub budget: Budget,
}

impl<L: Deref<Target = Lab> + Clone, S: ImageSource + Clone> StepMaker for Alone<L, S> {
    type Steps = Steps<L, S>;

    fn begin(&self, plan: Arc<Plan>, first: usize) -> Self::Steps {
        Steps::new(self.lab.clone(), self.source.clone(), plan).within(self.budget).beginning_with(first)
    }
}
