//! The origin of results: a campaign, or an imported log of the study.

use std::fmt::Display;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::log::LogHead;
use crate::campaign::Provenance;
use crate::fault::RECORD_BYTES;
use crate::labels::Grouping;
use crate::{Error, Result};

/// The content of `config.json`.
#[derive(Clone, Debug, PartialEq)]
pub enum Origin {
    /// A campaign.
    Campaign(Box<Provenance>),
    /// An imported log.
    Log(LogOrigin),
}

/// An imported log. It has no faults, layers and bits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogOrigin {
    /// Version of Faultscope that imported it.
    pub faultscope: String,
    /// Description of the log.
    pub log: LogHead,
    /// Files of the log.
    pub files: Vec<LogFile>,
    /// Complete grouping of the classes for SCM.
    pub grouping: Option<Grouping>,
    /// Class names; empty if they are unknown.
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
    /// Reads `config.json`. Messages call it `name`.
    ///
    /// # Errors
    /// If the file belongs neither to a campaign nor to a log.
    pub fn from_json(name: &str, bytes: &[u8]) -> Result<Self> {
        /// Only logs have this key.
        #[derive(Deserialize)]
        struct Kind {
            log: Option<IgnoredAny>,
        }
        let read = || match serde_json::from_slice::<Kind>(bytes)?.log {
            Some(_) => serde_json::from_slice(bytes).map(Self::Log),
            None => serde_json::from_slice(bytes).map(Self::Campaign),
        };
        let refused =
            |error: &dyn Display| Error::input(name, format_args!("not the configuration of a campaign: {error}"));
        let origin = read().map_err(|error: serde_json::Error| refused(&error))?;
        if let Self::Campaign(provenance) = &origin {
            provenance.validate().map_err(|error| refused(&error))?;
        }
        Ok(origin)
    }

    /// Most bytes of a line of the results.
    pub fn most_line_bytes(&self) -> usize {
        match self {
            Self::Campaign(provenance) => provenance.campaign.most_record_bytes(),
            Self::Log(_) => RECORD_BYTES,
        }
    }

    /// Number of protections that each record tells the outcome under.
    pub fn protections(&self) -> usize {
        match self {
            Self::Campaign(provenance) => {
                provenance.campaign.compared.as_ref().map_or(0, |compared| compared.methods.len())
            }
            Self::Log(_) => 0,
        }
    }

    /// Name of the model.
    pub fn model(&self) -> &str {
        match self {
            Self::Campaign(provenance) => &provenance.campaign.model,
            Self::Log(log) => &log.log.model,
        }
    }

    /// Returns the grouping of the classes for SCM.
    pub fn grouping(&self) -> Option<&Grouping> {
        match self {
            Self::Campaign(provenance) => provenance.grouping.as_ref(),
            Self::Log(log) => log.grouping.as_ref(),
        }
    }

    /// Returns the number of classes; `None` if it is unknown. A log does not state it: there it is that of the grouping with which
    /// the log was imported.
    pub fn classes(&self) -> Option<usize> {
        match self {
            Self::Campaign(provenance) => provenance.classes(),
            Self::Log(log) => log.grouping.as_ref().map(Grouping::classes),
        }
    }

    /// Checks that the results can be judged by `grouping`.
    ///
    /// # Errors
    /// If the grouping is for another number of classes.
    pub fn check_grouping(&self, grouping: &Grouping) -> Result<()> {
        match (self, self.classes()) {
            (_, None) => Ok(()),
            (Self::Campaign(_), Some(classes)) => grouping.check_classes(classes),
            (Self::Log(_), Some(classes)) if classes == grouping.classes() => Ok(()),
            (Self::Log(_), Some(classes)) => Err(Error::request(format_args!(
                "the grouping \"{}\" is for {} classes, the log was imported with one for {classes}; if that was wrong, import \
                 the log again with the right --grouping",
                grouping.name(),
                grouping.classes()
            ))),
        }
    }

    /// Class names; empty if they are unknown.
    pub fn labels(&self) -> &[String] {
        match self {
            Self::Campaign(provenance) => &provenance.labels,
            Self::Log(log) => &log.labels,
        }
    }

    /// Returns the layers that faults were drawn from, in model order; empty if they are unknown.
    pub fn layers(&self) -> &[String] {
        match self {
            Self::Campaign(provenance) => &provenance.layers,
            Self::Log(_) => &[],
        }
    }

    /// Returns the name of `class`, or its number.
    pub fn class(&self, class: usize) -> String {
        self.labels().get(class).cloned().unwrap_or_else(|| class.to_string())
    }
}
