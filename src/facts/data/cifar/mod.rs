//! CIFAR-10 and CIFAR-100 (<https://www.cs.toronto.edu/~kriz/cifar.html>): the binary version here, the Python version in
//! [`python`].

pub mod python;

use super::{Image, ImageSource, ReadAt};
use crate::{Error, Result};

/// Pixels a side, and bytes of the three planes of an image.
const SIDE: usize = 32;
const PIXELS: usize = 3 * SIDE * SIDE;

/// Which of the two sets, and with it how a record begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cifar {
    /// A byte for the class.
    Ten,
    /// A byte for the coarse class, then one for the fine class, which is the label.
    Hundred,
}

impl Cifar {
    /// What a file of the name `file` holds, or else what its `size` leaves possible.
    pub fn of_file(file: &str, size: u64) -> Option<Self> {
        match file {
            "test.bin" | "train.bin" => return Some(Self::Hundred),
            _ if file.starts_with("test_batch") || file.starts_with("data_batch_") => return Some(Self::Ten),
            _ => {}
        }
        let fits = |set: Self| size > 0 && size.is_multiple_of(set.record() as u64);
        match (fits(Self::Ten), fits(Self::Hundred)) {
            (true, false) => Some(Self::Ten),
            (false, true) => Some(Self::Hundred),
            _ => None,
        }
    }

    /// Name of the set.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ten => "CIFAR-10",
            Self::Hundred => "CIFAR-100",
        }
    }

    /// Number of classes of each label byte of a record; the last one's is the label.
    fn classes(self) -> &'static [u8] {
        match self {
            Self::Ten => &[10],
            Self::Hundred => &[20, 100],
        }
    }

    /// Bytes of a record: labels, then 32 x 32 pixels of red, of green and of blue.
    fn record(self) -> usize {
        self.classes().len() + PIXELS
    }
}

/// The images of one file; labels are in memory, pixels are read when they are asked for.
#[derive(Debug)]
pub struct CifarSource {
    name: String,
    set: Cifar,
    bytes: Box<dyn ReadAt>,
    labels: Vec<u8>,
}

impl CifarSource {
    /// Takes over a file of `set`; `name` is the file's name for messages.
    ///
    /// # Errors
    /// Where the file is cut short, a label is no class of the set, or reading fails.
    pub fn new(name: &str, bytes: Box<dyn ReadAt>, set: Cifar) -> Result<Self> {
        let (size, record) = (bytes.size(), set.record() as u64);
        let count = usize::try_from(size / record).unwrap_or(usize::MAX);
        if count == 0 || !size.is_multiple_of(record) {
            return Err(Error::input(
                name,
                format_args!(
                    "a {} file has {record} bytes for each image; the {size} here are {count} images and {} bytes of \
                     another, so it is cut short, or no such file",
                    set.name(),
                    size % record
                ),
            ));
        }
        let mut source = Self { name: name.to_owned(), set, bytes, labels: Vec::new() };
        source.labels = (0..count).map(|index| source.read_label(index)).collect::<Result<_>>()?;
        Ok(source)
    }

    fn read_label(&self, index: usize) -> Result<u8> {
        let mut labels = [0; 2];
        let labels = &mut labels[..self.set.classes().len()];
        self.read(index, 0, labels)?;
        for (&label, &classes) in labels.iter().zip(self.set.classes()) {
            if label >= classes {
                return Err(Error::input(
                    &self.name,
                    format_args!(
                        "image {index} has the label {label}, but {} has classes 0 to {}; the file is damaged, or no such \
                         file",
                        self.set.name(),
                        classes - 1
                    ),
                ));
            }
        }
        Ok(labels[labels.len() - 1])
    }

    fn read(&self, index: usize, skip: usize, into: &mut [u8]) -> Result<()> {
        let offset = index as u64 * self.set.record() as u64 + skip as u64;
        self.bytes.read_exact_at(offset, into).map_err(|error| Error::io(&self.name, error))
    }
}

impl ImageSource for CifarSource {
    fn len(&self) -> usize {
        self.labels.len()
    }

    fn name(&self, index: usize) -> String {
        format!("{}[{index}]", self.name)
    }

    fn label(&self, index: usize) -> Option<usize> {
        self.labels.get(index).map(|&label| label.into())
    }

    fn image(&self, index: usize) -> Result<Image> {
        if index >= self.len() {
            return Err(Error::input(&self.name, format_args!("there is no image {index}, only {}", self.len())));
        }
        let mut planes = vec![0; PIXELS];
        self.read(index, self.set.classes().len(), &mut planes)?;
        Ok(Image::from_planes(SIDE, SIDE, &planes))
    }
}

#[cfg(test)]
mod tests;
