//! Data sets in one file or two: arrays, MNIST, CIFAR's Python version, archives of images.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use facts::Named as _;

use super::binary::OnDisk;
use super::{Data, DataArguments, folder_choice};
use crate::cli::write::{sha256, sha256_file};
use crate::data::npy::ChannelOrder;
use crate::data::set::{self, Choices, Held, Set};
use crate::data::{Classes, Content, DataFormat, DataSource, ImageSource as _, NO_LABELS, ReadAt as _, unpack};
use crate::{Error, Result};

/// The names of MNIST's files of images; those of the labels have "labels" and "idx1" instead.
const MNIST: [&str; 4] =
    ["t10k-images-idx3-ubyte", "t10k-images.idx3-ubyte", "t10k-images-idx3-ubyte.gz", "t10k-images.idx3-ubyte.gz"];

/// What stands for images in the name of a file, and for labels in the name of the file beside it.
const NAMES: [(&str, &str); 12] = [
    ("images-idx3", "labels-idx1"),
    ("images.idx3", "labels.idx1"),
    ("images", "labels"),
    ("Images", "Labels"),
    ("image", "label"),
    ("x_", "y_"),
    ("X_", "y_"),
    ("X_", "Y_"),
    ("_x", "_y"),
    ("_X", "_y"),
    ("data", "labels"),
    ("data", "targets"),
];

/// Returns the file of MNIST's test images in the folder `path`.
pub fn mnist_in(path: &Path) -> Option<PathBuf> {
    MNIST.iter().map(|name| path.join(name)).find(|file| file.is_file())
}

/// Returns the format of the file at `path` from its content; `None` if it is unknown. CIFAR's Python version counts as an
/// archive here: which of the two sets it is stands deep in the file.
pub fn detect(path: &Path) -> Result<Option<DataFormat>> {
    let file = Arc::new(OnDisk::open(path)?);
    let mut head = vec![0; Content::HEAD.min(usize::try_from(file.size()).unwrap_or(usize::MAX))];
    file.read_exact_at(0, &mut head).map_err(|error| Error::io(path.display(), error))?;
    let content = match Content::of(&head, Some(file.size())) {
        Some(Content::Gzip) => Content::of(&unpack::gzip_head(file, Content::HEAD), None),
        content => content,
    };
    Ok(match content {
        Some(Content::Npy) => Some(DataFormat::Npy),
        Some(Content::Npz) => Some(DataFormat::Npz),
        Some(Content::Idx) => Some(DataFormat::Idx),
        Some(Content::Zip | Content::Tar | Content::Pickle) => Some(DataFormat::Archive),
        Some(Content::Gzip) | None => None,
    })
}

/// Opens the data in the file at `path`, and in the file with its labels, for a model with `classes`.
///
/// # Errors
/// If a file is damaged or missing, if `format` is not its format, or if images and labels do not belong together.
pub fn open(path: &Path, format: DataFormat, arguments: &DataArguments, classes: &Classes) -> Result<Data> {
    let (labels, folders) = (arguments.labels.as_deref(), folder_choice(arguments)?);
    let path = &if path.is_dir() { mnist_in(path).unwrap_or_else(|| path.to_owned()) } else { path.to_owned() };
    let layout = match format {
        DataFormat::NpyNhwc => Some(ChannelOrder::ChannelsLast),
        DataFormat::NpyNchw => Some(ChannelOrder::ChannelsFirst),
        _ => None,
    };
    let choices = Choices { classes, folders: Some(&folders), layout };
    let name = path.display().to_string();
    match held(path, choices)? {
        Held::Set(set) => {
            let expected = [DataFormat::Archive, DataFormat::NpyNhwc, DataFormat::NpyNchw, set.format];
            if !expected.contains(&format) {
                let problem = format_args!("the file is not {}, but {}", format.row().help, set.format.row().help);
                return Err(Error::input(name, problem));
            }
            if labels.is_some() {
                return Err(Error::input(name, "the file has its labels in it; leave out --labels"));
            }
            Ok(data(name, set, sha256_file(path)?, None))
        }
        Held::Array(images, kind) => {
            let format = if layout.is_some() { format } else { kind };
            let labels = match labels {
                Some(labels) if labels.as_os_str() == NO_LABELS => None,
                Some(labels) => Some(labels.to_owned()),
                None => match labels_beside(path) {
                    Err(_) if !arguments.labels_needed => None,
                    labels => Some(labels?),
                },
            };
            let Some(labels) = labels else {
                let set = Set { format, ..set::unlabelled((images, kind), choices)? };
                return Ok(data(name, set, sha256_file(path)?, None));
            };
            let labels_name = labels.display().to_string();
            let Held::Array(classes, _) = held(&labels, choices)? else {
                return Err(Error::input(labels_name, "an array of labels is expected, found a whole data set"));
            };
            let set = Set { format, ..set::pair((images, kind), classes, choices)? };
            let hashes = DataSource::pair(&sha256_file(path)?, &sha256_file(&labels)?);
            Ok(data(name, set, sha256(hashes.as_bytes()), Some(labels_name)))
        }
    }
}

fn held(path: &Path, choices: Choices) -> Result<Held> {
    set::open(&path.display().to_string(), Arc::new(OnDisk::open(path)?), choices)
}

fn data(name: String, set: Set, sha256: String, labels: Option<String>) -> Data {
    let mut origin = DataSource::new(name, set.format, set.source.len(), sha256);
    origin.labels = labels;
    origin.labelled = set.labelled.map(str::to_owned);
    Data { notices: set.notices, ..Data::new(set.source, origin) }
}

/// Returns the file beside `images` whose name has a word for labels in the place of one for images.
fn labels_beside(images: &Path) -> Result<PathBuf> {
    let name = images.file_name().unwrap_or_default().to_string_lossy();
    let beside = |(theirs, ours): &(&str, &str)| {
        name.contains(theirs).then(|| images.with_file_name(name.replacen(theirs, ours, 1)))
    };
    let mut candidates = NAMES.iter().filter_map(beside).peekable();
    let Some(first) = candidates.peek().cloned() else {
        return Err(Error::input(
            images.display().to_string(),
            "the name has no \"images\" in it that tells the name of its labels; give them with --labels FILE.npy",
        ));
    };
    candidates.find(|path| path.is_file()).ok_or_else(|| {
        Error::input(
            images.display().to_string(),
            format_args!("its labels, {}, are missing; give them with --labels FILE.npy", first.display()),
        )
    })
}
