//! `--data`: images in all formats, and their origin.

mod ahead;
pub(in crate::cli) mod binary;
pub mod files;
mod folder;
mod gtsrb;
mod imagenet;
pub mod mat;
pub mod prepared;
mod single;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use self::binary::{Member, OnDisk};
pub use self::files::{Change, Files};
use self::files::{File, Root};
use super::args::choice;
use super::built_in::BuiltIn;
use super::locate::{self, FoundData};
use super::read;
use super::write::{sha256, sha256_file};
use crate::data::cifar::{Cifar, CifarSource};
use crate::data::{
    Classes, DataFormat, DataSource, FolderChoice, FolderOrder, ImageSource, NO_LABELS, Preprocess, Resize, Shifted,
    Sizing, Stated, WITHOUT_LABELS, check_known, check_labelling, class_in_name, class_list, labels_of_list, misplaced,
};
use crate::model::Model;
use crate::{Error, Result};

/// The arguments about the format of images and labels.
#[derive(Clone, Debug, Default, Args)]
pub struct DataArguments {
    /// Format of the data [default: from name and content]
    #[arg(long, value_name = "FORMAT", value_parser = choice::<DataFormat>())]
    pub data_format: Option<DataFormat>,

    /// File of labels. For an .npy file of images, another .npy file [default: the file beside it with "labels" for
    /// "images" in its name]. For a folder of images, a text file with a label per line, in the order of the names, or
    /// with lines NAME LABEL, or a table with a first line such as filename,label; a label is a class number, or a class
    /// name of the model or of --classes. "none": a folder of images without labels
    #[arg(long, value_name = "FILE|none")]
    pub labels: Option<PathBuf>,

    /// Order of the classes for a folder with a sub-folder for each class, or for a list of class names (--labels): a text
    /// file with the names, one a line, the first for class 0
    #[arg(long, value_name = "FILE", conflicts_with = "folder_order")]
    pub classes: Option<PathBuf>,

    /// Rule that gives a sub-folder its class [default: class names, numbers or WordNet ids where they are the model's;
    /// else the order as strings, if there are as many sub-folders as classes]
    #[arg(long, value_name = "RULE", value_parser = choice::<FolderOrder>())]
    pub folder_order: Option<FolderOrder>,

    /// Number that is added to each label: 1 for a model whose class 0 is the background, -1 for labels from 1
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    pub label_shift: isize,

    /// Development kit with the labels of ImageNet's validation images: the folder with
    /// ILSVRC2012_validation_ground_truth.txt and meta.mat, and with synset_words.txt if you have it
    #[arg(long, value_name = "DIR")]
    pub devkit: Option<PathBuf>,

    /// Crop GTSRB's images to the sign
    #[arg(long)]
    pub roi: bool,

    /// Whether an array without labels beside it is refused. Images that something is learnt from need none.
    #[arg(skip = true)]
    pub labels_needed: bool,
}

/// Open images, and their origin.
pub struct Data {
    /// The images.
    pub source: Arc<dyn ImageSource + Send + Sync>,
    /// The description for the configuration of a campaign.
    pub origin: DataSource,
    /// What was assumed about the images and their labels, a sentence each.
    pub notices: Vec<String>,
    /// The images, if each is a file of its own on disk: what can be told of them beside their pixels.
    pub files: Option<Arc<Files>>,
    prepared: Option<Prepared>,
}

/// Images that `faultscope prepare` made.
struct Prepared {
    /// Height and width.
    side: usize,
    /// How they got this size.
    sizing: Sizing,
    /// The origin of the images before.
    origin: DataSource,
}

impl Data {
    fn new(source: impl ImageSource + Send + Sync + 'static, origin: DataSource) -> Self {
        Self { source: Arc::new(source), origin, notices: Vec::new(), files: None, prepared: None }
    }

    /// These images as a campaign has listed them at its beginning in `list`, which is called `name`, and the differences of the files from
    /// that list.
    ///
    /// # Errors
    /// If they are another data set.
    pub fn listed(self, name: &str, list: &str) -> Result<(Self, Vec<(usize, Change)>)> {
        let Some(files) = &self.files else { return Ok((self, Vec::new())) };
        let sha256 = sha256(list.as_bytes());
        if sha256 == self.origin.sha256 {
            return Ok((self, Vec::new()));
        }
        let (files, changes) = files.as_listed(name, list)?;
        let origin = DataSource { images: files.len(), sha256, ..self.origin };
        let files = Arc::new(files);
        let source: Arc<dyn ImageSource + Send + Sync> = match origin.label_shift {
            0 => files.clone(),
            shift => Arc::new(Shifted::new(files.clone(), shift)),
        };
        Ok((Self { source, origin, files: Some(files), ..self }, changes))
    }

    /// Returns the preprocessing of these images for `model`. Prepared images are not resized.
    ///
    /// # Errors
    /// If the images were prepared for another size.
    pub fn preprocess(&self, model: &Model) -> Result<Preprocess> {
        let own = model.preprocess();
        let Some(Prepared { side, sizing, .. }) = &self.prepared else { return Ok(own) };
        let shape = model.input_shape();
        if ![&shape[1..3], &shape[2..4]].contains(&&[*side, *side][..]) {
            return Err(Error::input(
                &self.origin.path,
                format_args!(
                    "the images were prepared at {side} x {side}, the input of {} is {shape:?}; prepare them at its size",
                    model.card.name
                ),
            ));
        }
        // This does not change images of the input's size.
        Ok(Preprocess { sizing: Resize::Stretch.into(), prepared: Some(*sizing), ..own })
    }

    /// Returns a sentence if prepared images got their size in another way than that of the `model`, or of the user's statements.
    pub fn other_sizing(&self, model: &Model) -> Option<String> {
        let own = model.preprocess().sizing;
        let Prepared { sizing, .. } = self.prepared.as_ref().filter(|prepared| prepared.sizing != own)?;
        Some(format!("the images were prepared otherwise than the model has it: {sizing}; without `prepare`: {own}"))
    }
}

/// Returns the number of images to use: those that are `asked` for, or the `usual` number, or all where the data has fewer.
///
/// # Errors
/// If more are asked for than the data has `available`, or the data has none.
pub fn count(asked: Option<u32>, usual: usize, available: usize) -> Result<usize> {
    match asked {
        _ if available == 0 => Err(Error::request("the data has no images")),
        Some(asked) if asked as usize > available => Err(Error::request(format_args!(
            "{asked} images are asked for, the data has {available}; choose fewer --images"
        ))),
        Some(asked) => Ok(asked as usize),
        None => Ok(usual.min(available)),
    }
}

/// Opens the data that the user calls `path`, for a model with `classes`.
///
/// # Errors
/// If there are no images, if labels and images do not belong together, or if an argument does not apply to this data.
pub fn open(path: &Path, arguments: &DataArguments, classes: &Classes) -> Result<Data> {
    let mut data = open_as_it_is(path, arguments, classes)?;
    let shift = arguments.label_shift;
    let before = data.prepared.as_ref().map(|prepared| &prepared.origin);
    let (known, before) = before.map_or((&data.origin, 0), |origin| (origin, origin.label_shift));
    check_known(&data.origin.path, known, before.saturating_add(shift), classes)?;
    if shift != 0 {
        data.source = Arc::new(Shifted::new(data.source, shift));
        data.origin.label_shift = shift;
    }
    Ok(data)
}

fn open_as_it_is(path: &Path, arguments: &DataArguments, classes: &Classes) -> Result<Data> {
    let path = &match locate::data(path)? {
        FoundData::Disk(path) => path,
        FoundData::BuiltIn(files) => return built_in(path, &files, arguments, classes),
    };
    let name = path.display().to_string();
    let format = detect(path, arguments)?;
    check_arguments(format, arguments)?;
    match format {
        DataFormat::Folder => {
            let (images, labels) = match &arguments.labels {
                None => (folder::list(path, classes, &folder_choice(arguments)?)?, None),
                Some(labels) => {
                    let mut images = folder::nested(path)?;
                    images.rule = Some(WITHOUT_LABELS).filter(|_| labels.as_os_str() == NO_LABELS);
                    let name = apply_labels(arguments, &mut images.files, classes)?;
                    (images, name)
                }
            };
            let (files, rule) = (images.files, images.rule);
            let data = of_files(name, format, Root::Folder(path.clone()), files, |origin| {
                origin.labels = labels;
                origin.labelled = rule.map(str::to_owned);
            });
            Ok(Data { notices: images.notices, ..data })
        }
        DataFormat::Npy
        | DataFormat::NpyNhwc
        | DataFormat::NpyNchw
        | DataFormat::Npz
        | DataFormat::Idx
        | DataFormat::Archive => single::open(path, format, arguments, classes),
        DataFormat::Cifar10 => cifar(path, Cifar::Ten, arguments, classes),
        DataFormat::Cifar100 => cifar(path, Cifar::Hundred, arguments, classes),
        DataFormat::Gtsrb => {
            let table = if path.is_dir() { gtsrb::table_in(path) } else { Some(path.to_owned()) };
            let table = table.ok_or_else(|| {
                Error::input(
                    &name,
                    "the folder has neither Test.csv nor GT-final_test.csv, the tables of GTSRB's test images",
                )
            })?;
            let (root, files) = gtsrb::list(&table, arguments.roi)?;
            Ok(of_files(name, format, Root::Folder(root), files, |origin| origin.roi = arguments.roi))
        }
        DataFormat::Imagenet => {
            let devkit = arguments.devkit.as_ref().ok_or_else(|| {
                Error::input(
                    &name,
                    "ImageNet's validation images are labelled by its development kit; name it with --devkit",
                )
            })?;
            let files = imagenet::list(path, devkit)?;
            let devkit = devkit.display().to_string();
            Ok(of_files(name, format, Root::Folder(path.clone()), files, |origin| origin.devkit = Some(devkit)))
        }
        DataFormat::Prepared => {
            let (source, sha256, head) = prepared::Images::open(path)?;
            let origin = DataSource::new(name, format, source.len(), sha256);
            let prepared = Prepared { side: head.size, sizing: head.sizing(), origin: head.data };
            Ok(Data { prepared: Some(prepared), ..Data::new(source, origin) })
        }
    }
}

/// Returns the format of `path`, from its name and the content of a folder.
fn detect(path: &Path, arguments: &DataArguments) -> Result<DataFormat> {
    let metadata = std::fs::metadata(path).map_err(|error| Error::io(path.display(), error))?;
    if let Some(format) = arguments.data_format {
        return Ok(format);
    }
    if metadata.is_dir() {
        let holds = |file: &str| path.join(file).is_file();
        return Ok(if arguments.devkit.is_some() {
            DataFormat::Imagenet
        } else if holds(prepared::HEAD) {
            DataFormat::Prepared
        } else if gtsrb::table_in(path).is_some() {
            DataFormat::Gtsrb
        } else if holds(CIFAR_FILES[0]) {
            DataFormat::Cifar100
        } else if holds(CIFAR_FILES[1]) || (holds(CIFAR_PICKLES[1]) && holds("batches.meta")) {
            DataFormat::Cifar10
        } else if holds(CIFAR_PICKLES[0]) && holds("meta") {
            DataFormat::Cifar100
        } else if single::mnist_in(path).is_some() {
            DataFormat::Idx
        } else {
            DataFormat::Folder
        });
    }
    let file = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let ends = |endings: &[&str]| endings.iter().any(|ending| file.ends_with(ending));
    if ends(&[".npy"]) {
        return Ok(DataFormat::Npy);
    }
    if ends(&[".csv"]) {
        return Ok(DataFormat::Gtsrb);
    }
    if ends(&[".tar.gz", ".tgz"])
        && let Some((_, file)) = Member::find(path, &CIFAR_FILES)?
    {
        return Ok(if file == CIFAR_FILES[0] { DataFormat::Cifar100 } else { DataFormat::Cifar10 });
    }
    if !ends(&[".bin"]) {
        return single::detect(path)?.ok_or_else(|| {
            Error::input(
                path.display().to_string(),
                "a folder of images, an array (.npy, .npz), MNIST's or CIFAR's files, a .tar, .tar.gz or .zip of images, or a \
                 table of GTSRB (.csv) is expected; --data-format says what else it is",
            )
        });
    }
    let cifar = Cifar::of_file(&file, metadata.len());
    match cifar {
        Some(Cifar::Ten) => Ok(DataFormat::Cifar10),
        Some(Cifar::Hundred) => Ok(DataFormat::Cifar100),
        None => Err(Error::input(
            path.display().to_string(),
            format_args!(
                "{} bytes are a whole number of records of neither CIFAR-10 (3073) nor CIFAR-100 (3074), or of both; if it is \
                 one of them, --data-format cifar10 or cifar100 says which",
                metadata.len()
            ),
        )),
    }
}

/// The test files of CIFAR-100 and CIFAR-10.
const CIFAR_FILES: [&str; 2] = ["test.bin", "test_batch.bin"];
/// The same in the Python version.
const CIFAR_PICKLES: [&str; 2] = ["test", "test_batch"];

/// Returns the user's statements about sub-folders.
fn folder_choice(arguments: &DataArguments) -> Result<FolderChoice> {
    let list = |path: &PathBuf| class_list(&path.display().to_string(), &read::text(path)?);
    Ok(FolderChoice { classes: arguments.classes.as_ref().map(list).transpose()?, order: arguments.folder_order })
}

/// Refuses an argument that would have no effect.
fn check_arguments(format: DataFormat, arguments: &DataArguments) -> Result<()> {
    let none = arguments.labels.as_ref().is_some_and(|labels| labels.as_os_str() == NO_LABELS);
    let stated = Stated {
        list: arguments.labels.is_some() && !none,
        none,
        classes: arguments.classes.is_some(),
        order: arguments.folder_order.is_some(),
    };
    check_labelling(format, stated)?;
    if arguments.devkit.is_some() && format != DataFormat::Imagenet {
        return Err(misplaced("--devkit", "ImageNet's validation images"));
    }
    if arguments.roi && format != DataFormat::Gtsrb {
        return Err(misplaced("--roi", "a table of GTSRB"));
    }
    Ok(())
}

/// Opens the built-in sample images `files`, which the user calls `path`.
fn built_in(path: &Path, files: &[BuiltIn], arguments: &DataArguments, classes: &Classes) -> Result<Data> {
    let name = path.display().to_string();
    let format = arguments.data_format.unwrap_or(DataFormat::Folder);
    if format != DataFormat::Folder {
        return Err(Error::input(name, "the built-in sample images are a folder; leave out --data-format"));
    }
    check_arguments(format, arguments)?;
    // The user may call them by the id of another model that shares them.
    let folder = files.first().and_then(|file| Path::new(file.path).parent()).unwrap_or(path).to_owned();
    let file = |file: &BuiltIn| File {
        path: file.name().into(),
        label: class_in_name(file.name()),
        bytes: file.bytes.len() as u64,
        crop: None,
    };
    let mut files: Vec<_> = files.iter().map(file).collect();
    if arguments.labels.is_none() {
        folder_choice(arguments)?.check_without_folders()?;
    }
    let labels = apply_labels(arguments, &mut files, classes)?;
    Ok(of_files(name, format, Root::BuiltIn(folder), files, |origin| origin.labels = labels))
}

/// Gives `files` the labels in the file that the arguments name, or none where they say so. Returns the name of the file.
fn apply_labels(arguments: &DataArguments, files: &mut [File], classes: &Classes) -> Result<Option<String>> {
    let Some(path) = &arguments.labels else { return Ok(None) };
    if path.as_os_str() == NO_LABELS {
        files.iter_mut().for_each(|file| file.label = None);
        return Ok(None);
    }
    let name = path.display().to_string();
    let names: Vec<String> = files.iter().map(|file| files::portable(&file.path)).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let listed = folder_choice(arguments)?.classes.map(|list| classes.called(&name, list)).transpose()?;
    let labels = labels_of_list(&name, &read::text(path)?, &names, listed.as_ref().unwrap_or(classes))?;
    files.iter_mut().zip(labels).for_each(|(file, label)| file.label = Some(label));
    Ok(Some(name))
}

fn of_files(
    name: String,
    format: DataFormat,
    root: Root,
    files: Vec<File>,
    more: impl FnOnce(&mut DataSource),
) -> Data {
    let on_disk = matches!(root, Root::Folder(_));
    let files = Files::new(root, files);
    let mut origin = DataSource::new(name, format, files.len(), sha256(files.list().as_bytes()));
    more(&mut origin);
    let files = Arc::new(files);
    Data { files: on_disk.then(|| Arc::clone(&files)), ..Data::new(files, origin) }
}

/// Opens the images of `set` in the folder, file or archive at `path`.
fn cifar(path: &Path, set: Cifar, arguments: &DataArguments, classes: &Classes) -> Result<Data> {
    let (file, pickle) = match set {
        Cifar::Hundred => (CIFAR_FILES[0], CIFAR_PICKLES[0]),
        Cifar::Ten => (CIFAR_FILES[1], CIFAR_PICKLES[1]),
    };
    let format = set.format();
    let path = match path.is_dir() {
        true if path.join(file).is_file() || !path.join(pickle).is_file() => path.join(file),
        true => path.join(pickle),
        false => path.to_owned(),
    };
    let name = path.display().to_string();
    let packed = [".tar.gz", ".tgz"].iter().any(|ending| name.to_lowercase().ends_with(ending));
    let source = if packed {
        match Member::find(&path, &[file])? {
            Some((member, _)) => CifarSource::new(&format!("{name}:{file}"), Box::new(member), set)?,
            None => return single::open(&path, format, arguments, classes),
        }
    } else if single::detect(&path)? == Some(DataFormat::Archive) {
        return single::open(&path, format, arguments, classes);
    } else {
        CifarSource::new(&name, Box::new(OnDisk::open(&path)?), set)?
    };
    let origin = DataSource::new(name, format, source.len(), sha256_file(&path)?);
    Ok(Data::new(source, origin))
}
