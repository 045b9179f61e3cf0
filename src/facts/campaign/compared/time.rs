//! The measured time of golden inferences, without and under protections.

use serde::{Deserialize, Serialize};

use super::{Method, ProtectionSummary};
use crate::{Error, Result};

/// The time of a golden inference on one machine, without a protection and under those that are computed in an inference: the
/// content of `times.json`. It is no result of a campaign, since it differs from run to run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timed {
    /// Milliseconds without a protection.
    pub milliseconds: f64,
    /// The time under each protection.
    pub under: Vec<TimedUnder>,
}

/// The time of a golden inference under one protection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimedUnder {
    /// The protection.
    pub protection: Method,
    /// Its time over that without a protection.
    pub times: f64,
}

impl Timed {
    /// Reads `times.json`. Messages call it `name`.
    ///
    /// # Errors
    /// If it is damaged, or a time is not above 0.
    pub fn from_json(name: &str, bytes: &[u8]) -> Result<Self> {
        let refused = |problem: &dyn std::fmt::Display| {
            let remedy = "remove the file: no result depends on it";
            Error::input(name, format_args!("not the measured times of protections: {problem}; {remedy}"))
        };
        let timed: Self = serde_json::from_slice(bytes).map_err(|error| refused(&error))?;
        let times = timed.under.iter().map(|under| under.times).chain([timed.milliseconds]);
        match times.into_iter().find(|time| !time.is_finite() || *time <= 0.0) {
            Some(time) => Err(refused(&format_args!("expected times above 0, found {time}"))),
            None => Ok(timed),
        }
    }

    /// Writes the times into the results of their protections.
    pub fn tell(&self, protections: &mut [ProtectionSummary]) {
        for one in protections {
            let own = self.under.iter().find(|under| under.protection == one.method);
            one.time = own.map(|under| under.times);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_they_were_written_and_impossible_ones_are_refused() {
        let under = TimedUnder { protection: "ranger".parse().unwrap(), times: 1.25 };
        let timed = Timed { milliseconds: 2.5, under: vec![under] };
        let json = serde_json::to_string(&timed).unwrap();
        assert_eq!(json, r#"{"milliseconds":2.5,"under":[{"protection":"ranger","times":1.25}]}"#);
        assert_eq!(Timed::from_json("times.json", json.as_bytes()).unwrap(), timed);
        for (found, expected) in [
            (json.replace("1.25", "0"), "expected times above 0, found 0"),
            (json.replace("2.5", "-1"), "expected times above 0, found -1"),
            (json.replace("ranger", "luck"), "luck"),
            ("{}".to_owned(), "milliseconds"),
        ] {
            let error = Timed::from_json("a/times.json", found.as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with("a/times.json") && error.contains(expected), "{error}");
            assert!(error.contains("remove the file"), "{error}");
        }
    }
}
