//! Where results are from: a campaign, or an imported log of the study.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::log::LogHead;
use crate::campaign::Provenance;
use crate::labels::Grouping;
use crate::{Error, Result};

/// What stands in a directory's `config.json`.
#[derive(Clone, Debug, PartialEq)]
pub enum Origin {
    /// A campaign.
    Campaign(Box<Provenance>),
    /// An imported log.
    Log(LogOrigin),
}

/// A log that was imported: what it does not say (faults, layers, bits) is not known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogOrigin {
    /// Version of Faultscope that imported it.
    pub faultscope: String,
    /// What it is of.
    pub log: LogHead,
    /// The files it was put together from.
    pub files: Vec<LogFile>,
    /// The grouping in full, by which SCM is judged.
    pub grouping: Option<Grouping>,
    /// Class names; empty where they are not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
}

/// A file of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogFile {
    /// Its path.
    pub path: String,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

impl Origin {
    /// Reads `config.json`; `name` is its path for messages.
    ///
    /// # Errors
    /// Where it is neither a campaign's nor a log's.
    pub fn from_json(name: &str, bytes: &[u8]) -> Result<Self> {
        /// Tells a log's from a campaign's.
        #[derive(Deserialize)]
        struct Kind {
            log: Option<IgnoredAny>,
        }
        let read = || match serde_json::from_slice::<Kind>(bytes)?.log {
            Some(_) => serde_json::from_slice(bytes).map(Self::Log),
            None => serde_json::from_slice(bytes).map(Self::Campaign),
        };
        read().map_err(|error: serde_json::Error| {
            Error::input(name, format_args!("not the configuration of a campaign: {error}"))
        })
    }

    /// Name of the model.
    pub fn model(&self) -> &str {
        match self {
            Self::Campaign(provenance) => &provenance.campaign.model,
            Self::Log(log) => &log.log.model,
        }
    }

    /// The grouping that SCM was judged by.
    pub fn grouping(&self) -> Option<&Grouping> {
        match self {
            Self::Campaign(provenance) => provenance.grouping.as_ref(),
            Self::Log(log) => log.grouping.as_ref(),
        }
    }

    /// Class names; empty where they are not known.
    pub fn labels(&self) -> &[String] {
        match self {
            Self::Campaign(provenance) => &provenance.labels,
            Self::Log(log) => &log.labels,
        }
    }

    /// The layers that faults were drawn from, in model order; empty where they are not known.
    pub fn layers(&self) -> &[String] {
        match self {
            Self::Campaign(provenance) => &provenance.layers,
            Self::Log(_) => &[],
        }
    }

    /// The name of `class`, or its number.
    pub fn class(&self, class: usize) -> String {
        self.labels().get(class).cloned().unwrap_or_else(|| class.to_string())
    }
}
