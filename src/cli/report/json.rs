//! Reports as JSON.

use facts::shown_json;
use serde::Serialize;

use super::campaign::Campaign;
use crate::report::Report;
use crate::{Error, Result};

/// Several campaigns.
#[derive(Serialize)]
struct Several<'a> {
    campaigns: Vec<One<'a>>,
}

#[derive(Serialize)]
struct One<'a> {
    /// Name of the row in tables.
    name: &'a str,
    /// Directory of the results.
    directory: String,
    #[serde(flatten)]
    report: &'a Report,
}

/// Returns the report of one campaign, or `{"campaigns": [...]}`, as indented JSON.
pub fn write(campaigns: &[Campaign]) -> Result<String> {
    let json = match campaigns {
        [one] => serde_json::to_string_pretty(&one.report),
        several => serde_json::to_string_pretty(&Several { campaigns: several.iter().map(one).collect() }),
    };
    json.map(|json| shown_json(&json).into_owned() + "\n").map_err(|error| Error::input("JSON output", error))
}

fn one(campaign: &Campaign) -> One<'_> {
    One { name: &campaign.name, directory: campaign.results.path().display().to_string(), report: &campaign.report }
}
