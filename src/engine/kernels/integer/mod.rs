//! Kernels of operators on integers. Elements are float32 numbers that hold the integers.

mod coded;
mod finish;
mod pieces;
mod sums;

pub(super) use coded::{Coded, Covering, Part};
pub(super) use finish::Finish;
pub(super) use pieces::{Averages, Joined, Shares, Table, Zipped};
pub(super) use sums::{Reads, Shift, Sums, Zero};
