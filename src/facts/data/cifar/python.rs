//! CIFAR-10 and CIFAR-100 in their Python version: pickles of a dictionary with the pixels and the labels.

use std::sync::Arc;

use super::super::array::Array;
use super::super::npy::{ChannelOrder, NpyImages, NpySource};
use super::super::pickle::{NumpyArray, Pickle, Value};
use super::{Cifar, PIXELS, SIDE};
use crate::data::ReadAt;
use crate::{Error, Result};

/// Largest file that is read: the one of 50,000 images has 155 MB.
const MOST_BYTES: usize = 1 << 28;

/// Whether a file that begins with `head` is a pickle, of a protocol that writes its number.
pub fn is_pickle(head: &[u8]) -> bool {
    matches!(head, [0x80, 2..=5, b'}' | b'c' | b'q' | 0x95 | b'(', ..])
}

/// The set that the pickle in `bytes` is part of, and its images; `name` is the file's name for messages. Nothing of the file is
/// executed.
///
/// # Errors
/// If the file is damaged, is no such dictionary, or a label is no class of the set.
pub fn read(name: &str, bytes: &[u8]) -> Result<(Cifar, NpySource)> {
    let refuse = |problem: &dyn std::fmt::Display| {
        Error::input(name, format_args!("a file of CIFAR's Python version is expected, a pickle: {problem}"))
    };
    if bytes.len() > MOST_BYTES {
        return Err(refuse(&format_args!("it has {} bytes, more than {MOST_BYTES}", bytes.len())));
    }
    let pickle = Pickle::read(bytes).map_err(|problem| refuse(&problem))?;
    let missing = |key: &str| refuse(&format_args!("its dictionary has no \"{key}\""));
    let (set, key) = match pickle.entry("fine_labels") {
        Some(_) => (Cifar::Hundred, "fine_labels"),
        None => (Cifar::Ten, "labels"),
    };
    let labels = classes(&pickle, pickle.entry(key).ok_or_else(|| missing(key))?);
    let labels = labels.ok_or_else(|| refuse(&format_args!("\"{key}\" is no list of whole numbers")))?;
    let count = usize::from(set.classes()[set.classes().len() - 1]);
    if let Some((index, label)) = labels.iter().enumerate().find(|(_, label)| **label >= count) {
        return Err(refuse(&format_args!(
            "image {index} has the label {label}, but {} has classes 0 to {}",
            set.name(),
            count - 1
        )));
    }
    let Some(Value::Array(array)) = pickle.entry("data") else { return Err(missing("data")) };
    let NumpyArray { shape, element, fortran, data, .. } = array;
    let images = match shape[..] {
        [images, PIXELS] if element == "u1" && !fortran && images.checked_mul(PIXELS) == Some(data.len()) => images,
        _ => {
            return Err(refuse(&format_args!(
                "\"data\" is {element} of shape {shape:?} in {} bytes; N x {PIXELS} of u1 is expected",
                data.len()
            )));
        }
    };
    let bytes = Box::new(InMemory(Arc::clone(data)));
    let array = Array::of_bytes(name, bytes, 0, vec![images, 3, SIDE, SIDE])?;
    let images = NpyImages::of(array, Some(ChannelOrder::ChannelsFirst))?;
    Ok((set, NpySource::new(images, name, labels)?))
}

/// The class numbers that `value` lists.
fn classes(pickle: &Pickle, value: &Value) -> Option<Vec<usize>> {
    match value {
        Value::List(items) => {
            let class = |&item: &usize| match *pickle.value(item) {
                Value::Int(class) => usize::try_from(class).ok(),
                _ => None,
            };
            items.iter().map(class).collect()
        }
        _ => None,
    }
}

/// The pixels of a pickle.
#[derive(Debug)]
struct InMemory(Arc<[u8]>);

impl ReadAt for InMemory {
    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_exact_at(&self, offset: u64, into: &mut [u8]) -> std::io::Result<()> {
        (&*self.0).read_exact_at(offset, into)
    }
}
