//! The images of a campaign, from files that the page has.

use std::sync::Arc;

use facts::data::cifar::{Cifar, CifarSource};
use facts::data::npy::{self, NpyImages, NpySource};
use facts::data::{DataFormat, DataSource, ImageSource, classes_of_files, sha256};
use facts::{Error, Result};
use protocol::{FileRef, ImageSet};

use crate::images::Encoded;

/// Images ready to be used.
#[derive(Clone)]
pub struct Opened {
    /// The images.
    pub source: Arc<dyn ImageSource + Send + Sync>,
    /// What tells them from others, as the command line has it.
    pub origin: DataSource,
    /// The files, where each is an image.
    pub files: Vec<FileRef>,
}

/// The classes of the model that images are for: they tell labels from other numbers and names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classes {
    /// How many there are.
    pub count: usize,
    /// Their names; empty where they have none.
    pub names: Vec<String>,
}

/// Opens `set`, whose files `bytes` holds in their order, for a model of these classes.
///
/// # Errors
/// Where a file is none of images; the sentence says which and what is expected.
pub fn open(set: &ImageSet, bytes: Vec<Vec<u8>>, classes: &Classes) -> Result<Opened> {
    match set {
        ImageSet::Files(files) => of_files(files, bytes, classes),
        ImageSet::Set(files) => of_set(files, bytes),
    }
}

/// In the order in which the command line takes those of a folder: by class where each class has a sub-folder, then by name.
fn of_files(files: &[FileRef], bytes: Vec<Vec<u8>>, classes: &Classes) -> Result<Opened> {
    let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
    let labels = classes_of_files(&names, &classes.names, classes.count)?;
    let mut all: Vec<_> = files.iter().zip(labels).zip(bytes).collect();
    all.sort_by_key(|((file, label), _)| (file.name.contains('/').then_some(*label), &file.name));
    let mut source = Encoded::default();
    let (mut list, mut ordered) = (String::new(), Vec::new());
    for ((file, label), bytes) in all {
        list += &DataSource::line(&file.name, label, bytes.len() as u64);
        list.push('\n');
        source.push(file.name.clone(), label, bytes);
        ordered.push(file.clone());
    }
    let origin = DataSource::new("images", DataFormat::Folder, source.len(), sha256(list.as_bytes()));
    Ok(Opened { source: Arc::new(source), origin, files: ordered })
}

fn of_set(files: &[FileRef], bytes: Vec<Vec<u8>>) -> Result<Opened> {
    let ends = |file: &FileRef, ending: &str| file.name.to_lowercase().ends_with(ending);
    let mut both = files.iter().zip(bytes);
    match (both.next(), both.next(), both.next()) {
        (Some((file, bytes)), None, _) if ends(file, ".bin") => of_cifar(&file.name, bytes),
        (Some((file, _)), None, _) if ends(file, ".npy") => {
            Err(Error::input(&file.name, "an array of images needs one of labels; bring both .npy files together"))
        }
        (Some(one), Some(other), None) if ends(one.0, ".npy") && ends(other.0, ".npy") => {
            // Labels are whole numbers along one axis, which no images are.
            let first_is_labels = npy::labels(&one.0.name, &one.1).is_ok();
            let (images, labels) = if first_is_labels { (other, one) } else { (one, other) };
            of_arrays(&images.0.name, images.1, &labels.0.name, &labels.1)
        }
        _ => {
            Err(Error::request("a data set is one CIFAR file (.bin), or an array of images with one of labels (.npy)"))
        }
    }
}

fn of_cifar(name: &str, bytes: Vec<u8>) -> Result<Opened> {
    let set = Cifar::of_file(&name.to_lowercase(), bytes.len() as u64).ok_or_else(|| {
        Error::input(
            name,
            format_args!(
                "{} bytes are a whole number of records of neither CIFAR-10 (3073) nor CIFAR-100 (3074), or of both; call \
                 it data_batch_1.bin or test_batch.bin for CIFAR-10, test.bin or train.bin for CIFAR-100",
                bytes.len()
            ),
        )
    })?;
    let format = if set == Cifar::Ten { DataFormat::Cifar10 } else { DataFormat::Cifar100 };
    let hash = sha256(&bytes);
    let source = CifarSource::new(name, Box::new(bytes), set)?;
    let origin = DataSource::new(name, format, source.len(), hash);
    Ok(Opened { source: Arc::new(source), origin, files: Vec::new() })
}

fn of_arrays(name: &str, images: Vec<u8>, labels_name: &str, labels: &[u8]) -> Result<Opened> {
    let hash = sha256(DataSource::pair(&sha256(&images), &sha256(labels)).as_bytes());
    let images = NpyImages::new(name, Box::new(images), None)?;
    let source = NpySource::new(images, labels_name, npy::labels(labels_name, labels)?)?;
    let mut origin = DataSource::new(name, DataFormat::Npy, source.len(), hash);
    origin.labels = Some(labels_name.to_owned());
    Ok(Opened { source: Arc::new(source), origin, files: Vec::new() })
}
