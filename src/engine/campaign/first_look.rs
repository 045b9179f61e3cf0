//! A look at the first golden runs, before time is spent on faults.

use facts::Result;
use facts::campaign::{Guesses, OnBadImage, Plan};
use facts::data::ImageSource;

use super::{Budget, Lab, Settings, Subject};

/// Golden runs that are looked at.
pub const FIRST_LOOK: usize = 100;

/// The golden predictions of the first [`FIRST_LOOK`] images of `plan`, as [`look`].
///
/// # Errors
/// If the device fails.
pub async fn first_look(
    lab: &Lab,
    source: &impl ImageSource,
    plan: &Plan,
    budget: Budget,
    stopped: impl Fn() -> bool,
) -> Result<Guesses> {
    look(lab, source, plan, FIRST_LOOK, budget, stopped).await
}

/// The golden predictions of the first `most` images of `plan` that have a label, in waves within `budget`. An image or a golden run that fails ends the look: the campaign comes to it, except an image that it skips. So does `stopped`.
///
/// # Errors
/// If the device fails.
pub async fn look(
    lab: &Lab,
    source: &impl ImageSource,
    plan: &Plan,
    most: usize,
    budget: Budget,
    stopped: impl Fn() -> bool,
) -> Result<Guesses> {
    let mut look = Look::new(source, plan, most);
    while look.step(lab, source, plan, budget).await? && !stopped() {}
    Ok(look.finish())
}

/// A look under way, a wave at a time.
#[derive(Debug)]
pub(super) struct Look {
    /// The images and their labels.
    labelled: Vec<(usize, usize)>,
    /// The place of the next one.
    next: usize,
    guesses: Guesses,
}

impl Look {
    /// Begins a look at the first `most` images of `plan`, as far as they have a label. No golden run is made yet.
    pub fn new(source: &impl ImageSource, plan: &Plan, most: usize) -> Self {
        let images = (0..plan.images().min(most)).filter_map(|nth| plan.image(nth));
        let labelled = images.filter_map(|image| Some((image, source.label(image)?))).collect();
        Self { labelled, next: 0, guesses: Guesses::default() }
    }

    /// The number of images that were looked at, and of all of them.
    pub fn progress(&self) -> [usize; 2] {
        [self.next, self.labelled.len()]
    }

    /// Looks at the next wave, and returns whether there was one.
    ///
    /// # Errors
    /// If the device fails.
    pub async fn step(&mut self, lab: &Lab, source: &impl ImageSource, plan: &Plan, budget: Budget) -> Result<bool> {
        let rest = &self.labelled[self.next..];
        let wave = &rest[..budget.slots(lab).clamp(1, FIRST_LOOK).min(rest.len())];
        if wave.is_empty() {
            return Ok(false);
        }
        let model = lab.model();
        let skips = plan.config().on_bad_image == OnBadImage::Skip;
        let mut inputs = Vec::with_capacity(wave.len());
        for &(image, label) in wave {
            let input = source.image(image).and_then(|image| model.preprocess().apply(&image, model.input_shape()));
            match input {
                Ok(input) => inputs.push((label, input)),
                Err(_) if skips => {}
                Err(_) => break,
            }
        }
        let mut ends = inputs.len() < wave.len() && !skips;
        let subjects: Vec<Subject<'_>> = inputs.iter().map(|(_, input)| Subject::new(input, Vec::new())).collect();
        let tried = lab.trials(&subjects, Settings::default()).await?;
        for (&(label, _), tried) in inputs.iter().zip(tried.images) {
            let Ok(tried) = tried else {
                ends = true;
                break;
            };
            self.guesses.add(label, tried.class, 1);
        }
        self.next = if ends { self.labelled.len() } else { self.next + wave.len() };
        Ok(true)
    }

    /// Returns what was seen.
    pub fn finish(self) -> Guesses {
        self.guesses
    }
}
