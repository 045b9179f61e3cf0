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
    let mut guesses = Guesses::default();
    let images = (0..plan.images().min(most)).filter_map(|nth| plan.image(nth));
    let labelled: Vec<(usize, usize)> = images.filter_map(|image| Some((image, source.label(image)?))).collect();
    let model = lab.model();
    let skips = plan.config().on_bad_image == OnBadImage::Skip;
    'waves: for wave in labelled.chunks(budget.slots(lab).clamp(1, FIRST_LOOK)) {
        let mut inputs = Vec::with_capacity(wave.len());
        for &(image, label) in wave {
            let input = source.image(image).and_then(|image| model.preprocess().apply(&image, model.input_shape()));
            match input {
                Ok(input) => inputs.push((label, input)),
                Err(_) if skips => {}
                Err(_) => break,
            }
        }
        let subjects: Vec<Subject<'_>> = inputs.iter().map(|(_, input)| Subject::new(input, Vec::new())).collect();
        let tried = lab.trials(&subjects, Settings::default()).await?;
        for (&(label, _), tried) in inputs.iter().zip(tried.images) {
            let Ok(tried) = tried else { break 'waves };
            guesses.add(label, tried.class, 1);
        }
        if inputs.len() < wave.len() && !skips || stopped() {
            break;
        }
    }
    Ok(guesses)
}
