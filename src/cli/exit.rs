//! Exit codes, which are part of the contract with scripts.

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Everything asked for was done.
    Done = 0,
    /// Faultscope itself failed.
    Internal = 1,
    /// The arguments are wrong; clap uses the same code.
    Usage = 2,
    /// A file, a device or a request does not fit.
    Input = 3,
    /// A campaign was interrupted; what was done is kept.
    Incomplete = 4,
}

/// What `--help` says about them.
pub const HELP: &str = "\
Exit codes:
  0  done
  1  a defect of Faultscope itself; please report it
  2  usage: the arguments are wrong
  3  bad input: a file, a device or a request that does not fit
  4  incomplete: a campaign was interrupted; what was done is kept";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
