//! The images of a campaign, from files that the page has.

use std::sync::Arc;

use facts::data::array::Array;
use facts::data::cifar::{Cifar, CifarSource};
use facts::data::set::{self, Choices, Held, Set};
use facts::data::{
    Classes, DataFormat, DataSource, FolderChoice, ImageSource, classes_of_files, is_system, left_out, sha256,
};
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
    /// The same with their contents.
    pub encoded: Option<Arc<Encoded>>,
    /// What was assumed about the images and their labels, a sentence each.
    pub notices: Vec<String>,
}

/// Opens `set`, whose files `bytes` holds in their order, for a model of these classes.
///
/// # Errors
/// Where a file is none of images; the sentence says which and what is expected.
pub fn open(set: &ImageSet, bytes: Vec<Vec<u8>>, classes: &Classes) -> Result<Opened> {
    match set {
        ImageSet::Files(files) => of_files(files, bytes, classes),
        ImageSet::Set(files) => of_set(files, bytes, Choices { classes, ..Choices::default() }),
    }
}

/// In the order in which the command line takes those of a folder: by class where each class has a sub-folder, then by name.
fn of_files(files: &[FileRef], bytes: Vec<Vec<u8>>, classes: &Classes) -> Result<Opened> {
    let is_image = |name: &str| !name.split('/').any(is_system);
    let system: Vec<String> = files.iter().map(|file| file.name.clone()).filter(|name| !is_image(name)).collect();
    let (files, bytes): (Vec<&FileRef>, Vec<Vec<u8>>) =
        files.iter().zip(bytes).filter(|(file, _)| is_image(&file.name)).unzip();
    let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
    let (labels, assigned) = classes_of_files(&names, classes, &FolderChoice::default())?;
    let mut notices: Vec<String> = left_out("the images", &system, "files of a system").into_iter().collect();
    if labels.iter().all(Option::is_none) {
        notices.push("nothing says which classes the images show, so the accuracy is not known".to_owned());
    }
    let mut all: Vec<_> = files.into_iter().zip(labels).zip(bytes).collect();
    all.sort_by_key(|((file, label), _)| (file.name.contains('/').then_some(*label), &file.name));
    let mut source = Encoded::default();
    let mut ordered = Vec::new();
    for ((file, label), bytes) in all {
        source.push(file.name.clone(), label, bytes);
        ordered.push(file.clone());
    }
    let mut origin = DataSource::new("images", DataFormat::Folder, source.len(), sha256(source.list().as_bytes()));
    origin.labelled = assigned.as_ref().map(|assigned| assigned.rule.to_owned());
    notices.extend(assigned.into_iter().flat_map(|assigned| assigned.notices));
    let source = Arc::new(source);
    Ok(Opened { source: source.clone(), origin, files: ordered, encoded: Some(source), notices })
}

fn of_set(files: &[FileRef], bytes: Vec<Vec<u8>>, choices: Choices) -> Result<Opened> {
    let hashes: Vec<String> = bytes.iter().map(|bytes| sha256(bytes)).collect();
    let held = |file: &FileRef, bytes: Vec<u8>| set::open(&file.name, Arc::new(bytes), choices);
    let mut bytes = bytes.into_iter();
    match (files, bytes.next(), bytes.next()) {
        ([file], Some(bytes), _) if file.name.to_lowercase().ends_with(".bin") => of_cifar(&file.name, bytes),
        ([file], Some(bytes), _) => match held(file, bytes)? {
            Held::Set(set) => Ok(opened(&file.name, set, hashes[0].clone(), None)),
            Held::Array(..) => {
                Err(Error::input(&file.name, "an array of images needs one of labels; bring both files together"))
            }
        },
        ([one, other], Some(first), Some(second)) => {
            let arrays = (held(one, first)?, held(other, second)?);
            let (Held::Array(first, kind), Held::Array(second, other_kind)) = arrays else {
                return Err(Error::input(
                    &one.name,
                    "two files are expected to be arrays, one of images and one of labels",
                ));
            };
            // Images have three axes or four.
            let is_labels = |array: &Array| array.shape().len() <= 2;
            let turned = is_labels(&first) && !is_labels(&second);
            let (images, labels, of_images, of_labels) =
                if turned { ((second, other_kind), first, 1, 0) } else { ((first, kind), second, 0, 1) };
            let set = set::pair(images, labels, choices)?;
            let hash = sha256(DataSource::pair(&hashes[of_images], &hashes[of_labels]).as_bytes());
            Ok(opened(&files[of_images].name, set, hash, Some(files[of_labels].name.clone())))
        }
        _ => Err(Error::request(
            "a data set is one file (.npz, CIFAR's, a .tar of images), or an array of images with one of labels (.npy, MNIST's)",
        )),
    }
}

fn opened(name: &str, set: Set, hash: String, labels: Option<String>) -> Opened {
    let mut origin = DataSource::new(name, set.format, set.source.len(), hash);
    origin.labels = labels;
    Opened { source: set.source, origin, files: Vec::new(), encoded: None, notices: set.notices }
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
    Ok(Opened { source: Arc::new(source), origin, files: Vec::new(), encoded: None, notices: Vec::new() })
}
