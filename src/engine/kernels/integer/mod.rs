//! Kernels of operators on integers. Elements are float32 numbers that hold the integers.

mod bytes;
mod coded;
mod dots;
mod finish;
mod pieces;
mod sums;

pub(super) use coded::{Coded, Covering, Part};
pub(super) use dots::{Dots, Factors};
pub(super) use finish::Finish;
pub(super) use pieces::{Averages, Joined, Shares, Table, Zipped};
pub(super) use sums::{Reads, Shift, Sums, Zero};
