//! Readers of private modules, for the fuzz targets in `fuzz/`. Not part of the interface.

use std::path::Path;

use super::campaign::config_file;
use super::data::mat;
use super::journal;
use crate::Result;
use crate::campaign::{Chain, Faults, Sequence};
use crate::fault::RECORD_BYTES;

/// Reads numbers and texts of the structures in a MAT-file, as the reader of ImageNet's development kit does.
pub fn mat(file: &[u8]) -> Option<Vec<(f64, String)>> {
    let structures = mat::Structures::read(file, "synsets")?;
    let pairs = structures.pairs("ILSVRC2012_ID", "WNID")?;
    Some(pairs.into_iter().map(|(number, text)| (number, text.to_owned())).collect())
}

/// Reads a file of arguments for `faultscope campaign`.
///
/// # Errors
/// As for `--config`.
pub fn config(path: &Path) -> Result<(), String> {
    config_file::expand(path, &[]).map(drop).map_err(|failure| format!("{failure:?}"))
}

/// Reads records, and returns their number and the number of bytes up to the end of the last whole one.
///
/// # Errors
/// As for `--resume`.
pub fn journal(name: &str, bytes: &[u8], faults: Faults, images: usize) -> Result<(u64, u64)> {
    let mut sequence = Sequence::new(faults, images);
    let whole = journal::read(bytes, name, RECORD_BYTES, &mut sequence, &mut Chain::default(), |_, _, _| Ok(()))?;
    Ok((sequence.records(), whole))
}
