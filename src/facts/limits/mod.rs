//! How much foreign input may take: one budget for all readers.
//!
//! A file states sizes, and a packed file becomes larger when it is read. No reader believes either: each asks the
//! [`Memory`] that the caller has allowed before it allocates, and unpacks no more than that. The command line takes the
//! amount from `--memory`, the page from what a tab can bear.

#[cfg(test)]
mod tests;
mod text;

use std::io::Read;
use std::sync::atomic::{AtomicU64, Ordering};

pub use text::{LINE, Lines, NAME, TEXT};

use crate::{Error, Result};

/// The memory that is allowed where nobody says how much, in bytes.
pub const DEFAULT_MEMORY: u64 = 2 << 30;

/// What the program takes by itself: its code, stacks, and what the allocator keeps. Measured in docs/LIMITS.md.
pub const PROGRAM: u64 = 48 << 20;

/// Most layers that a Keras model may have when the models inside it stand in their places, once for each call. A file of
/// a few lines can call a model twice that calls a model twice, and so on. The largest network of keras.applications has
/// 1,500 layers.
pub const LAYERS: usize = 20_000;

/// Memory belongs to the process, and so does its limit.
static ALLOWED: AtomicU64 = AtomicU64::new(DEFAULT_MEMORY);

/// Sets the memory that all readers of this process may use from now on.
pub fn allow(memory: Memory) {
    ALLOWED.store(memory.bytes, Ordering::Relaxed);
}

/// Returns the memory that readers may use.
pub fn allowed() -> Memory {
    Memory { bytes: ALLOWED.load(Ordering::Relaxed) }
}

/// An amount of memory that may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    bytes: u64,
}

impl Memory {
    /// An amount in bytes.
    pub fn new(bytes: u64) -> Self {
        Self { bytes }
    }

    /// Returns the amount in bytes.
    pub fn bytes(self) -> u64 {
        self.bytes
    }

    /// Returns one of `parts` equal parts, of which the need of a reader beside others is taken.
    pub fn part(self, parts: u64) -> Self {
        Self { bytes: self.bytes / parts.max(1) }
    }

    /// Checks that `needed` bytes are there. `what` is the subject of the message, in the plural or not, with its verb:
    /// "the model needs".
    ///
    /// # Errors
    /// If they are not. The error states the need, the limit, and a limit that would do.
    pub fn check(self, what: &str, needed: u64) -> Result<()> {
        if needed <= self.bytes {
            return Ok(());
        }
        Err(Error::request(format_args!(
            "{what} {} of memory, and {} are allowed; the command line takes --memory {}",
            shown_bytes(needed),
            shown_bytes(self.bytes),
            enough(needed)
        )))
    }

    /// Unpacks `packed` to its end. `what` names the thing: "config.json".
    ///
    /// # Errors
    /// If it is larger than one of `parts` equal parts of this amount, or than `most` bytes, or cannot be read.
    pub fn unpack(self, what: &str, packed: impl Read, most: u64, parts: u64) -> Result<Vec<u8>> {
        let part = self.part(parts).bytes;
        let limit = most.min(part);
        let mut bytes = Vec::new();
        let read = packed.take(limit.saturating_add(1)).read_to_end(&mut bytes);
        read.map_err(|error| Error::request(format_args!("{what} cannot be read: {error}")))?;
        if bytes.len() as u64 <= limit {
            return Ok(bytes);
        }
        let reason = if limit == most {
            "more than such a file can hold".to_owned()
        } else {
            format!(
                "its part of the {} that are allowed; the command line takes a larger --memory",
                shown_bytes(self.bytes)
            )
        };
        Err(Error::request(format_args!("{what} is unpacked to more than {}, {reason}", shown_bytes(limit))))
    }
}

/// Writes `bytes` for people, rounded up.
pub fn shown_bytes(bytes: u64) -> String {
    const KIB: u64 = 1 << 10;
    const MIB: u64 = 1 << 20;
    const GIB: u64 = 1 << 30;
    let tenths = |unit: u64| {
        let tenths = u128::from(bytes) * 10;
        let tenths = tenths.div_ceil(u128::from(unit));
        if tenths % 10 == 0 { (tenths / 10).to_string() } else { format!("{}.{}", tenths / 10, tenths % 10) }
    };
    match bytes {
        0..10_240 => format!("{bytes} bytes"),
        10_240..MIB => format!("{} KiB", bytes.div_ceil(KIB)),
        MIB..10_485_760 => format!("{} MiB", tenths(MIB)),
        10_485_760..GIB => format!("{} MiB", bytes.div_ceil(MIB)),
        _ => format!("{} GiB", tenths(GIB)),
    }
}

/// Returns a limit for `--memory` in whole units that holds `bytes`.
fn enough(bytes: u64) -> String {
    const MIB: u64 = 1 << 20;
    match bytes.div_ceil(MIB) {
        mib @ ..1024 => format!("{}MiB", mib.next_power_of_two()),
        mib => format!("{}GiB", mib.div_ceil(1024)),
    }
}
