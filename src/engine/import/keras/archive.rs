//! The `.keras` archive: a configuration, the version that wrote it, and the weights.

use std::io::Cursor;

use facts::limits::{self, TEXT};
use facts::{Error, Result};
use serde_json::Value;
use zip::ZipArchive;
use zip::result::ZipError;

/// An unpacked file may be this many times as large as the archive, at most: weights hardly shrink.
const MAX_EXPANSION: u64 = 64;
/// So that the smallest archives pass.
const SMALL: u64 = 1 << 20;
/// Share of the memory that the weights may take: a buffer that grows is there twice for a moment, and the parameters are
/// made of it.
const SHARE: u64 = 3;

/// What a `.keras` archive holds.
pub(super) struct Archive {
    /// `config.json`.
    pub config: String,
    /// The version of Keras that wrote it, where it says so.
    pub keras: Option<String>,
    /// `model.weights.h5`.
    pub weights: Vec<u8>,
}

/// Unpacks the archive in `bytes`.
///
/// # Errors
/// Where they are none, or it is no model's.
pub(super) fn open(bytes: Vec<u8>) -> Result<Archive> {
    let limit = (bytes.len() as u64).saturating_mul(MAX_EXPANSION).max(SMALL);
    let text = limit.min(TEXT as u64);
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|_| {
        Error::request("this ZIP archive is cut short or damaged: it has no list of its files; copy the file again")
    })?;
    let config = file(&mut archive, "config.json", text)?.ok_or_else(|| {
        Error::request(
            "this ZIP archive is no Keras model: it holds no \"config.json\"; a PyTorch checkpoint is to be exported as ONNX",
        )
    })?;
    let weights = file(&mut archive, "model.weights.h5", limit)?
        .ok_or_else(|| Error::request("this Keras model has no weights: the archive holds no \"model.weights.h5\""))?;
    let metadata = file(&mut archive, "metadata.json", text)?.unwrap_or_default();
    let keras = serde_json::from_slice::<Value>(&metadata)
        .ok()
        .and_then(|metadata| metadata.get("keras_version")?.as_str().map(str::to_owned));
    let config = String::from_utf8(config).map_err(|_| Error::request("\"config.json\" is not UTF-8"))?;
    Ok(Archive { config, keras, weights })
}

/// The bytes of the file called `name`, where there is one.
fn file(archive: &mut ZipArchive<Cursor<Vec<u8>>>, name: &str, limit: u64) -> Result<Option<Vec<u8>>> {
    let damaged = |error: &dyn std::fmt::Display| {
        Error::request(format_args!("\"{name}\" in the archive cannot be read: {error}"))
    };
    let file = match archive.by_name(name) {
        Ok(file) => file,
        Err(ZipError::FileNotFound) => return Ok(None),
        Err(error) => return Err(damaged(&error)),
    };
    limits::allowed().unpack(&format!("\"{name}\" in the archive"), file, limit, SHARE).map(Some)
}
