//! The one error type: every variant says where, what was expected and what was found.

use std::fmt::Display;

use serde::{Deserialize, Serialize};

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something could not be done.
///
/// Bad input always ends in one of these, never in a panic. The texts are sentences for the user: they name
/// the file, layer or line at fault, what was expected, what was found, and what to do where that is known.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file, or bytes handed in under a name, that cannot be read as what it should be.
    #[error("{name}: {problem}")]
    Input {
        /// File name, as the user gave it.
        name: String,
        /// What was expected and what was found.
        problem: String,
    },
    /// A file that can be read in several ways, of which the user has to state one.
    #[error("{}{problem}", place(.name))]
    Question {
        /// File name, as the user gave it; empty where it is not known yet.
        name: String,
        /// What is open, and how to state it.
        problem: String,
        /// What is open, for those who ask with a form.
        question: Question,
    },
    /// An operator that Faultscope does not execute.
    #[error("node \"{node}\": operator {operator} (opset {opset}) is not supported{}", detail(.reason))]
    Unsupported {
        /// Operator with its domain if it is not the default one, `Einsum` for example.
        operator: String,
        /// Name of the node, or its position where it has none.
        node: String,
        /// Operator set version that the model declares.
        opset: i64,
        /// Which attribute or input is at fault; empty where it is the operator itself.
        reason: String,
    },
    /// A graph that contradicts itself: shapes that do not fit, a value nobody makes.
    #[error("layer \"{layer}\": {problem}")]
    Graph {
        /// Name of the layer.
        layer: String,
        /// What was expected and what was found.
        problem: String,
    },
    /// A request that does not fit the model: no such layer, element out of range, bit 32.
    #[error("{0}")]
    Request(String),
    /// The device could not be used, or failed while it computed.
    #[error("{device}: {problem}")]
    Device {
        /// `cpu` or `gpu`.
        device: String,
        /// What the device or its driver said.
        problem: String,
    },
    /// The operating system refused to read or write.
    #[error("{name}: {}", said(.source))]
    Io {
        /// Path, as the user gave it.
        name: String,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
}

/// What a model file leaves open, and the user can state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Question {
    /// The output that is the answer.
    Output {
        /// All outputs, in order.
        outputs: Vec<OutputShape>,
    },
    /// The height and width of the input.
    InputSize,
}

/// An output of a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputShape {
    /// Its name.
    pub name: String,
    /// Its shape in words, `1 x 10`.
    pub shape: String,
}

fn place(name: &str) -> String {
    if name.is_empty() { String::new() } else { format!("{name}: ") }
}

/// What the operating system said, in words, with the remedy where it is known.
fn said(source: &std::io::Error) -> String {
    use std::io::ErrorKind;
    match source.kind() {
        ErrorKind::NotFound => "there is no such file or folder; check the path".to_owned(),
        ErrorKind::NotADirectory => {
            "a part of this path is a file, where a folder is expected; check the path".to_owned()
        }
        ErrorKind::IsADirectory => "this is a folder; a file is expected".to_owned(),
        ErrorKind::PermissionDenied => {
            "the system does not permit this; check the permissions, or choose another path".to_owned()
        }
        ErrorKind::StorageFull => "the disk is full; make room, or choose another path".to_owned(),
        ErrorKind::ReadOnlyFilesystem => "the file system is read-only; choose another path".to_owned(),
        _ => {
            let text = source.to_string();
            text.split_once(" (os error").map_or(text.clone(), |(words, _)| words.to_owned())
        }
    }
}

fn detail(reason: &str) -> String {
    if reason.is_empty() { String::new() } else { format!(": {reason}") }
}

impl Error {
    /// The same for those who do not know that it is about the file `name`.
    #[must_use]
    pub fn in_file(self, name: &str) -> Self {
        match self {
            Self::Unsupported { .. } | Self::Graph { .. } | Self::Request(_) => Self::input(name, self),
            other => other.concerning(name),
        }
    }

    /// An [`Error::Input`] about the file or resource `name`.
    pub fn input(name: impl Into<String>, problem: impl Display) -> Self {
        Self::Input { name: name.into(), problem: problem.to_string() }
    }

    /// An [`Error::Graph`] about `layer`.
    pub fn graph(layer: impl Into<String>, problem: impl Display) -> Self {
        Self::Graph { layer: layer.into(), problem: problem.to_string() }
    }

    /// An [`Error::Request`].
    pub fn request(problem: impl Display) -> Self {
        Self::Request(problem.to_string())
    }

    /// An [`Error::Question`] about a file whose name is not known yet; [`Error::concerning`] says which one it is.
    pub fn question(question: Question, problem: impl Display) -> Self {
        Self::Question { name: String::new(), problem: problem.to_string(), question }
    }

    /// Says that a request failed for the file `name`; errors that say where they are from stay as they are.
    pub fn concerning(self, name: impl Into<String>) -> Self {
        match self {
            Self::Request(problem) => Self::Input { name: name.into(), problem },
            Self::Question { name: unknown, problem, question } if unknown.is_empty() => {
                Self::Question { name: name.into(), problem, question }
            }
            other => other,
        }
    }

    /// An [`Error::Device`].
    pub fn device(device: impl Into<String>, problem: impl Display) -> Self {
        Self::Device { device: device.into(), problem: problem.to_string() }
    }

    /// An [`Error::Io`] about the path `name`.
    pub fn io(name: impl Display, source: std::io::Error) -> Self {
        Self::Io { name: name.to_string(), source }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn what_the_system_refuses_is_said_in_words() {
        let missing = std::fs::read("/no/such/file").unwrap_err();
        let said = Error::io("nofile.yaml", missing).to_string();
        assert_eq!(said, "nofile.yaml: there is no such file or folder; check the path");
        // EIO, for which there is no word of ours.
        let broken = Error::io("x", io::Error::from_raw_os_error(5)).to_string();
        assert!(!broken.contains("os error"), "{broken}");
    }
}
