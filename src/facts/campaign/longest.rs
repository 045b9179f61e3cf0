//! How long the line of a record can be.

use super::CampaignConfig;
use crate::fault::{FaultKind, Mode};
use crate::limits::{LINE, TEXT};

/// Bytes of one more fault in a record: two names of [`NAME`](crate::limits::NAME) bytes with JSON's escapes, and numbers.
const FAULT: usize = 16 << 10;

/// Returns the longest line that a record of a campaign with this configuration can be, in bytes. A record lists each
/// element that its fault has changed.
pub fn longest_record(config: &CampaignConfig) -> usize {
    let model = &config.fault_model;
    if matches!(model.kind, FaultKind::Zero { percent: Some(_) }) || model.mode != Mode::Single {
        return TEXT;
    }
    model.amount.saturating_mul(FAULT).clamp(LINE, TEXT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_may_be_as_long_as_its_list_of_faults() {
        let with = |kind, mode, amount| {
            let mut config = CampaignConfig::new("net");
            (config.fault_model.kind, config.fault_model.mode, config.fault_model.amount) = (kind, mode, amount);
            longest_record(&config)
        };
        let flip = FaultKind::default();
        assert_eq!(with(flip, Mode::Single, 1), LINE);
        assert_eq!(with(flip, Mode::Single, 1000), 16_384_000);
        assert_eq!(with(flip, Mode::Single, usize::MAX), TEXT);
        assert_eq!(with(flip, Mode::Multiple, 1), TEXT);
        assert_eq!(with(FaultKind::Zero { percent: Some(1.0) }, Mode::Single, 1), TEXT);
    }
}
