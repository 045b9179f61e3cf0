//! Errors and panics in the form for the user: a sentence on stderr and an exit code.

use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use facts::shown;

use super::exit::Exit;
use crate::Error;

/// The failure of a command.
#[derive(Debug)]
pub enum Failure {
    /// The arguments contradict each other in a way that the argument parser cannot detect.
    Usage {
        /// The command, for the hint.
        command: &'static str,
        /// The contradiction.
        problem: String,
    },
    /// An error of the engine.
    Core(Error),
    /// The campaign was interrupted before its first record.
    Interrupted(Error),
    /// The reader of standard output has closed it, as in `faultscope .. | head`.
    ClosedPipe,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Core(error)
    }
}

impl Failure {
    pub fn usage(command: &'static str, problem: impl Into<String>) -> Self {
        Self::Usage { command, problem: problem.into() }
    }

    /// An error of what goes before the first record, where `interrupted` tells whether somebody has ended it.
    pub fn before_records(error: Error, interrupted: &AtomicBool) -> Self {
        if interrupted.load(Ordering::Relaxed) { Self::Interrupted(error) } else { Self::Core(error) }
    }

    /// Writes the error to stderr and returns the exit code.
    pub fn report(self) -> Exit {
        match self {
            Self::Usage { command, problem } => {
                say(&problem);
                eprintln!();
                eprintln!("For more information, try 'faultscope {command} --help'.");
                Exit::Usage
            }
            Self::Core(error) => {
                say(&error.to_string());
                Exit::Input
            }
            Self::Interrupted(error) => {
                say(&error.to_string());
                Exit::Incomplete
            }
            Self::ClosedPipe => Exit::Done,
        }
    }
}

/// Writes an error to stderr, in the style of the argument parser. What a terminal would act on is escaped.
pub fn say(problem: &str) {
    let problem = shown(problem);
    // This fails if the stream is closed. Then nobody reads.
    let _ = writeln!(std::io::stderr().lock(), "{} {problem}", console::style("error:").red().bold().for_stderr());
}

/// Calls `command`. A panic, which only a defect can cause, becomes an error message: a user must be able to tell it from a
/// result. Replaces the process's panic hook.
pub fn guarded(command: impl FnOnce() -> Exit) -> Exit {
    let first_panic = Arc::new(Mutex::new(None));
    let slot = Arc::clone(&first_panic);
    // Libraries catch panics of their own threads and pass them on. The first message is the cause.
    std::panic::set_hook(Box::new(move |info| {
        slot.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| info.to_string());
    }));
    match catch_unwind(AssertUnwindSafe(command)) {
        Ok(exit) => exit,
        Err(_) => {
            let cause = first_panic.lock().unwrap_or_else(PoisonError::into_inner).take();
            say(&format!(
                "a defect of Faultscope itself, please report it with the command that led here: {}",
                cause.unwrap_or_default()
            ));
            Exit::Internal
        }
    }
}
