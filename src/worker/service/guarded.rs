//! The protections of a campaign, made ready before its first step.

use engine::campaign::{Asked, Guards, Lab, guards};
use facts::Result;
use facts::campaign::Plan;
use facts::campaign::compared::{Method, ProfileOf};
use protocol::CampaignStart;

use crate::campaign::Opened;

/// Images that protections are learnt from unless the user chooses another number.
const PROFILE: usize = 100;

/// Makes the protections of the campaign `start` ready, and tells what users must know of them. `plan` is that of the campaign
/// without them.
///
/// # Errors
/// As [`guards`].
pub(super) async fn guarded(
    lab: &Lab,
    start: &CampaignStart,
    plan: &Plan,
    opened: &Opened,
) -> Result<(Guards, Vec<String>)> {
    let methods = &start.protections[..];
    let learns = methods.iter().any(Method::is_learnt);
    let images = if learns { start.profile.unwrap_or(PROFILE.min(opened.source.len())) } else { 0 };
    let profile = ProfileOf { images, data: None };
    let asked = Asked { methods, plan, source: &opened.source, profile, on_bad_image: plan.config().on_bad_image };
    let guards = guards(lab, asked, || false).await?;
    let tested = (0..plan.images()).filter_map(|nth| plan.image(nth)).filter(|&image| image < images).count();
    let notice = (tested > 0).then(|| {
        format!(
            "{tested} of the {images} images that protections are learnt from are tested, too: on these images a bound never changes \
             the golden run"
        )
    });
    Ok((guards, notice.into_iter().collect()))
}
