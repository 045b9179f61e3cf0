//! Exit codes. They are part of the interface for scripts.

use std::process::ExitCode;

/// The result of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The command did everything.
    Done = 0,
    /// Faultscope has a defect.
    Internal = 1,
    /// The arguments are wrong. clap uses the same code.
    Usage = 2,
    /// A file, a device or a request is not usable.
    Input = 3,
    /// A campaign was interrupted. Its records, if there are any yet, are kept.
    Incomplete = 4,
}

/// The exit codes in the text of `--help`.
pub const HELP: &str = "\
Exit codes:
  0  done
  1  a defect of Faultscope itself; please report it
  2  usage: the arguments are wrong
  3  bad input: a file, a device or a request is not usable
  4  incomplete: a campaign was interrupted, its records are kept";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
