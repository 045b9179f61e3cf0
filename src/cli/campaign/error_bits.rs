//! The number of bits that a bit error rate means, said before the first fault.

use crate::campaign::Plan;
use crate::cli::output::thousands;
use crate::data::ImageSource;
use crate::fault::Target;
use crate::report::words::average;

/// Returns a sentence about the bits of an inference that can flip; `None` if the campaign has no bit error rate, or none of its
/// images can be read that it strikes.
pub fn notice(plan: &Plan, source: &impl ImageSource) -> Option<String> {
    let rates = plan.config().fault_model.ber.as_ref()?;
    let (pixels, of_image) = match plan.config().fault_model.target {
        Target::Input => {
            let image = |nth| source.image(plan.image(nth)?).ok();
            let first = (0..plan.images()).find_map(image)?;
            let own = format!(" of the first image, {} x {} pixels,", first.width, first.height);
            ([first.width, first.height], own)
        }
        _ => ([0, 0], String::new()),
    };
    let bits = plan.bits(pixels)?;
    Some(format!(
        "{} bits{of_image} can flip in each inference, {} of them at the highest rate on average",
        thousands(bits),
        average(bits as f64 * rates.of(0))
    ))
}
