//! The golden accuracy of a rounded network beside that of the float32 network.

use facts::Result;
use facts::campaign::{Plan, RoundedAccuracy};
use facts::data::ImageSource;

use super::first_look::Look;
use super::{Budget, Lab};

/// The golden accuracy of the network in float32, `plain`, and rounded, `lab`, over the same images: the first of `plan`
/// that have a label. `None` if none has.
///
/// # Errors
/// If the device fails.
pub async fn accuracy_beside(
    plain: &Lab,
    lab: &Lab,
    source: &impl ImageSource,
    plan: &Plan,
    budget: Budget,
) -> Result<Option<RoundedAccuracy>> {
    let mut beside = AccuracyBeside::new(plain, source, plan);
    while beside.step(plain, lab, source, plan, budget).await? {}
    Ok(beside.finish())
}

/// The comparison under way, a wave at a time, so that whoever waits can be told and can end it.
#[derive(Debug)]
pub struct AccuracyBeside {
    float32: Look,
    rounded: Look,
}

impl AccuracyBeside {
    /// Begins with the first images of `plan` that have a label. No golden run is made yet.
    pub fn new(plain: &Lab, source: &impl ImageSource, plan: &Plan) -> Self {
        /// Multiply-adds that the two golden runs of all images take at most, if there are not more than the first hundred.
        const WORK: u64 = 100_000_000_000;
        let each = (2 * plain.executor().multiply_adds()).max(1);
        let most = usize::try_from(WORK / each).unwrap_or(usize::MAX).clamp(100, 1000);
        let look = || Look::new(source, plan, most);
        Self { float32: look(), rounded: look() }
    }

    /// The number of golden runs that were made or passed over, and of all of them.
    pub fn progress(&self) -> [usize; 2] {
        let [[done, of], [more, others]] = [&self.float32, &self.rounded].map(Look::progress);
        [done + more, of + others]
    }

    /// Makes the next wave of golden runs, first those of `plain`, and returns whether there was one.
    ///
    /// # Errors
    /// If the device fails.
    pub async fn step(
        &mut self,
        plain: &Lab,
        lab: &Lab,
        source: &impl ImageSource,
        plan: &Plan,
        budget: Budget,
    ) -> Result<bool> {
        Ok(self.float32.step(plain, source, plan, budget).await?
            || self.rounded.step(lab, source, plan, budget).await?)
    }

    /// Returns the accuracy of both networks; `None` if no image has a label, or a golden run has failed.
    pub fn finish(self) -> Option<RoundedAccuracy> {
        let [(images, float32), (also, rounded)] = [self.float32, self.rounded].map(|look| look.finish().hits());
        // A golden run that fails ends a look.
        (images > 0 && images == also).then_some(RoundedAccuracy { images, float32, rounded })
    }
}
