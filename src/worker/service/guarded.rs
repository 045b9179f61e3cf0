//! The protections of a campaign, made ready before its first step.

use engine::campaign::{Asked, Guards, Lab, guards};
use facts::Result;
use facts::campaign::Plan;
use facts::campaign::compared::ProfileOf;
use protocol::CampaignStart;

use crate::campaign::Opened;

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
    let (profile, notice) = ProfileOf::own(methods, plan, start.profile, opened.source.len());
    let asked = Asked { methods, plan, source: &opened.source, profile, on_bad_image: plan.config().on_bad_image };
    Ok((guards(lab, asked, || false).await?, notice.into_iter().collect()))
}
