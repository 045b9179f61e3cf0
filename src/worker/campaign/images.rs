//! The images of a campaign, from files that the page has.

use std::sync::Arc;

use facts::data::array::Array;
use facts::data::cifar::{Cifar, CifarSource};
use facts::data::set::{self, Choices, Held, Set};
use facts::data::{
    self, BY_NAMES_OF_FILES, Classes, DataFormat, DataSource, FolderChoice, ImageSource, Shifted, WITHOUT_LABELS,
    check_known, check_labelling, classes_of_files, is_system, labels_of_list, left_out, sha256, unlabelled,
};
use facts::{Error, Result};
use protocol::{FileRef, ImageSet, Labelling, Labels};

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

/// The user's statements about labels, with the text of the list.
#[derive(Clone, Copy)]
pub struct Stated<'a> {
    /// The statements.
    pub labelling: &'a Labelling,
    /// Name and text of the list of labels.
    pub list: Option<(&'a str, &'a str)>,
}

impl Stated<'_> {
    fn options(&self) -> data::Stated {
        let Labelling { labels, folder_order, .. } = self.labelling;
        let (list, none) = (matches!(labels, Some(Labels::List(_))), matches!(labels, Some(Labels::None)));
        // Dropped class names are the model's.
        data::Stated { list, none, classes: false, order: folder_order.is_some() }
    }
}

/// Opens `set`, whose files `bytes` holds in their order, for a model of these classes.
///
/// # Errors
/// Where a file is none of images, or the class of an image is unclear; the sentence says which and what is expected.
pub fn open(set: &ImageSet, bytes: Vec<Vec<u8>>, classes: &Classes, stated: Stated) -> Result<Opened> {
    let Labelling { labels, folder_order: order, shift } = stated.labelling;
    let folders = FolderChoice { classes: None, order: *order };
    let mut opened = match set {
        ImageSet::Files(files) => {
            check_labelling(DataFormat::Folder, stated.options())?;
            of_files(files, bytes, classes, &folders, stated)?
        }
        ImageSet::Set(files) => {
            let opened = of_set(files, bytes, Choices { classes, folders: Some(&folders), layout: None })?;
            let of_arrays = labels.is_some() && opened.origin.labels.is_some();
            if of_arrays {
                return Err(Error::input(
                    &opened.origin.path,
                    "the labels are in a file beside the images; leave out --labels",
                ));
            }
            check_labelling(opened.origin.format, stated.options())?;
            opened
        }
    };
    check_known(&opened.origin.path, &opened.origin, *shift, classes)?;
    if *shift != 0 {
        opened.source = Arc::new(Shifted::new(opened.source, *shift));
        opened.origin.label_shift = *shift;
    }
    Ok(opened)
}

/// In the order in which the command line takes those of a folder: by class where each class has a sub-folder, then by name.
fn of_files(
    files: &[FileRef],
    bytes: Vec<Vec<u8>>,
    classes: &Classes,
    folders: &FolderChoice,
    stated: Stated,
) -> Result<Opened> {
    const ROOT: &str = "the images";
    let is_image = |name: &str| !name.split('/').any(is_system);
    let system: Vec<String> = files.iter().map(|file| file.name.clone()).filter(|name| !is_image(name)).collect();
    let mut images: Vec<(&FileRef, Vec<u8>)> =
        files.iter().zip(bytes).filter(|(file, _)| is_image(&file.name)).collect();
    images.sort_by(|(a, _), (b, _)| a.name.split('/').cmp(b.name.split('/')));
    let names: Vec<&str> = images.iter().map(|(file, _)| file.name.as_str()).collect();
    let mut notices: Vec<String> = left_out(ROOT, &system, "files of a system").into_iter().collect();
    let (labels, rule, by_class) = match (&stated.labelling.labels, stated.list) {
        (Some(Labels::List(_)), Some((list, text))) => {
            let labels = labels_of_list(list, text, &names, classes)?;
            (labels.into_iter().map(Some).collect(), None, false)
        }
        (Some(_), _) => (vec![None; names.len()], Some(WITHOUT_LABELS), false),
        (None, _) => {
            let (labels, assigned) = classes_of_files(&names, classes, folders)?;
            let mut rule = labels.iter().any(Option::is_some).then_some(BY_NAMES_OF_FILES);
            if rule.is_none() {
                notices.push(unlabelled(ROOT));
            }
            if let Some(assigned) = assigned {
                rule = Some(assigned.rule);
                notices.extend(assigned.notices);
            }
            (labels, rule, true)
        }
    };
    let mut all: Vec<_> = images.into_iter().zip(labels).collect();
    if by_class {
        all.sort_by_key(|((file, _), label)| file.name.contains('/').then_some(*label));
    }
    let mut source = Encoded::default();
    let mut ordered = Vec::new();
    for ((file, bytes), label) in all {
        source.push(file.name.clone(), label, bytes);
        ordered.push(file.clone());
    }
    let mut origin = DataSource::new("images", DataFormat::Folder, source.len(), sha256(source.list().as_bytes()));
    origin.labels = stated.list.map(|(list, _)| list.to_owned());
    origin.labelled = rule.map(str::to_owned);
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
    origin.labelled = set.labelled.map(str::to_owned);
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
