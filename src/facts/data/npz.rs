//! Data sets in numpy's `.npz` format: a zip of arrays, which names and shapes tell apart.

use std::fmt::Display;
use std::io::{self, Read};
use std::sync::Arc;

use zip::{CompressionMethod, ZipArchive};

use super::ReadAt;
use super::array::Array;
use super::npy::{ChannelOrder, Labels, NpyImages};
use super::read_at::{Cursor, Part};
use super::unpack;
use crate::text::NO_LIST;
use crate::{Error, Result};

/// Most arrays in a file that are looked at.
const MOST_ARRAYS: usize = 1000;

/// Bytes of an array that have its head among them.
const LONGEST_HEAD: u64 = 2048;

/// Parts of a data set, by the words in the arrays' names. The first that is there is used.
const SPLITS: [(&str, &[&str]); 3] = [
    ("test", &["test", "eval", "te"]),
    ("validation", &["val", "valid", "validation", "dev"]),
    ("train", &["train", "tr"]),
];

/// Images and labels of one file.
#[derive(Debug)]
pub struct Npz {
    /// The images.
    pub images: NpyImages,
    /// Their labels.
    pub labels: Labels,
    /// What was assumed, a sentence each.
    pub notices: Vec<String>,
}

/// The beginning of an array that is not unpacked.
#[derive(Debug)]
struct Head<'a> {
    bytes: &'a [u8],
    size: u64,
}

impl ReadAt for Head<'_> {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_exact_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        self.bytes.read_exact_at(offset, into)
    }
}

/// An array of the file.
struct Entry {
    index: usize,
    /// Name without its ending.
    key: String,
    shape: Vec<usize>,
    /// Which part of a data set the name says it is, by its place in [`SPLITS`].
    split: Option<usize>,
}

impl Entry {
    fn is_images(&self) -> bool {
        matches!(self.shape.len(), 3 | 4)
    }

    fn is_labels(&self) -> bool {
        matches!(self.shape.len(), 1 | 2)
    }
}

/// Opens the `.npz` file in `bytes`; `name` is its name for messages. `layout` as for [`NpyImages::of`].
///
/// # Errors
/// If it is damaged, or does not hold one array of images with one of labels, or one such pair for the test set.
pub fn open(name: &str, bytes: Arc<dyn ReadAt>, layout: Option<ChannelOrder>) -> Result<Npz> {
    let problem =
        |what: &dyn Display| Error::input(name, format_args!("a numpy .npz file is expected, a zip of arrays: {what}"));
    let damaged = |error: zip::result::ZipError| problem(&error);
    let mut archive = ZipArchive::new(Cursor::new(Arc::clone(&bytes))).map_err(|_| problem(&NO_LIST))?;
    let mut entries = Vec::new();
    for index in 0..archive.len().min(MOST_ARRAYS) {
        let file = archive.by_index(index).map_err(damaged)?;
        let Some(key) = file.name().map_err(damaged)?.strip_suffix(".npy").map(str::to_owned) else { continue };
        let size = file.size();
        let mut head = Vec::new();
        file.take(LONGEST_HEAD).read_to_end(&mut head).map_err(|error| damaged(error.into()))?;
        // An array of objects, say, is no part of the data.
        let Ok(array) = Array::npy(&key, Box::new(Head { bytes: &head, size })) else { continue };
        entries.push(Entry { index, split: split(&key), shape: array.shape().to_vec(), key });
    }
    let (images, labels) = choose(&entries).ok_or_else(|| unclear(name, &entries))?;
    let mut open = |entry: &Entry| array(name, &entry.key, &bytes, &mut archive, entry.index);
    let (pixels, classes) = (open(images)?, open(labels)?);
    let (images_read, labels_read) = (NpyImages::of(pixels, layout)?, Labels::read(&classes)?);
    let used = [images.index, labels.index];
    let others: Vec<_> =
        entries.iter().filter(|entry| !used.contains(&entry.index)).map(|entry| entry.key.as_str()).collect();
    let unused = if others.is_empty() { String::new() } else { format!("; not used: {}", others.join(", ")) };
    let mut notices = vec![format!("{name}: the images are \"{}\", the labels \"{}\"{unused}", images.key, labels.key)];
    notices.extend(images_read.notices().iter().chain(&labels_read.notices).cloned());
    Ok(Npz { images: images_read, labels: labels_read, notices })
}

/// The array `key` at `index`, in its place where it is not packed.
fn array(
    name: &str,
    key: &str,
    bytes: &Arc<dyn ReadAt>,
    archive: &mut ZipArchive<Cursor>,
    index: usize,
) -> Result<Array<'static>> {
    let name = format!("{name}:{key}");
    let file = archive.by_index(index).map_err(|error| Error::input(&name, error))?;
    let place = file.data_start().filter(|_| file.compression() == CompressionMethod::Stored);
    if let Some(part) = place.and_then(|start| Part::of(Arc::clone(bytes), start, file.size())) {
        return Array::npy(&name, Box::new(part));
    }
    let unpacked = unpack::all(&name, file, "save it with numpy.savez, which does not pack")?;
    Array::npy(&name, Box::new(unpacked))
}

/// The part of a data set that a name has a word for.
fn split(key: &str) -> Option<usize> {
    let key = key.to_lowercase();
    let words: Vec<&str> = key.split(|letter: char| !letter.is_ascii_alphabetic()).collect();
    SPLITS.iter().position(|(_, known)| words.iter().any(|word| known.contains(word)))
}

/// The images and labels to use: the only ones of the first part of a data set that has any.
fn choose(entries: &[Entry]) -> Option<(&Entry, &Entry)> {
    let part = |split: Option<usize>| {
        let of = |is: fn(&Entry) -> bool| {
            let mut found = entries.iter().filter(move |entry| is(entry) && entry.split == split);
            Some((found.next()?, found.next().is_none()))
        };
        let (images, labels) = (of(Entry::is_images), of(Entry::is_labels));
        (images.is_some() || labels.is_some()).then(|| {
            let ((images, one_of_images), (labels, one_of_labels)) = (images?, labels?);
            let fit = images.shape.first() == labels.shape.first();
            (one_of_images && one_of_labels && fit).then_some((images, labels))
        })
    };
    // Names without such a word are not mixed with names that have one.
    let found: Vec<_> = [Some(0), None, Some(1), Some(2)].into_iter().filter_map(part).collect();
    found.into_iter().next().flatten()
}

fn unclear(name: &str, entries: &[Entry]) -> Error {
    let found: Vec<_> = entries.iter().map(|entry| format!("\"{}\" of shape {:?}", entry.key, entry.shape)).collect();
    let found = if found.is_empty() { "none of numbers".to_owned() } else { found.join(", ") };
    Error::input(
        name,
        format_args!(
            "one array of images (three or four axes) with one of labels for as many is expected, found {found}; save the two \
             alone: numpy.savez(\"pair.npz\", images=..., labels=...)"
        ),
    )
}
