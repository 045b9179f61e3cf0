//! Data sets in one file or two, whatever their format: what the command line opens by name, and the page as it was dropped.

use std::sync::Arc;

use super::archive::Archive;
use super::array::Array;
use super::cifar::{self, Cifar, CifarSource};
use super::npy::{ChannelOrder, Labels, NpyImages, NpySource};
use super::read_at::{Cursor, Part};
use super::{Classes, Content, DataFormat, FolderChoice, ImageSource, ReadAt, WITHOUT_LABELS, npz, unpack};
use crate::{Error, Result};

/// Largest tar whose entries are looked through for CIFAR's files.
const MOST_ENTRIES: usize = 100_000;

/// Images with their labels.
pub struct Set {
    /// The images.
    pub source: Arc<dyn ImageSource + Send + Sync>,
    /// Their format.
    pub format: DataFormat,
    /// The rule that gave the images their labels, in words, where it was looked for.
    pub labelled: Option<&'static str>,
    /// What was assumed, a sentence each.
    pub notices: Vec<String>,
}

/// What a file holds.
pub enum Held {
    /// Images and labels.
    Set(Set),
    /// An array, of images or of labels, and its format.
    Array(Array<'static>, DataFormat),
}

/// The choices that a user has where a file can be read in several ways.
#[derive(Clone, Copy, Debug)]
pub struct Choices<'a> {
    /// Classes of the model.
    pub classes: &'a Classes,
    /// Rule for the folders of an archive.
    pub folders: Option<&'a FolderChoice>,
    /// Order of the axes of an array.
    pub layout: Option<ChannelOrder>,
}

impl Default for Choices<'_> {
    fn default() -> Self {
        static UNKNOWN: Classes = Classes { names: Vec::new(), count: None };
        Self { classes: &UNKNOWN, folders: None, layout: None }
    }
}

/// Opens the file in `bytes`; `name` is its name for messages.
///
/// # Errors
/// If it is damaged, or is no data set and no array.
pub fn open(name: &str, bytes: Arc<dyn ReadAt>, choices: Choices) -> Result<Held> {
    match content(name, &*bytes)? {
        Some(Content::Gzip) => {
            let unpacked: Arc<dyn ReadAt> = Arc::new(unpack::gzip(name, bytes)?);
            match content(name, &*unpacked)? {
                // One gzip in another is no data set.
                Some(Content::Gzip) | None => Err(unknown(name)),
                Some(content) => of_content(name, unpacked, content, choices),
            }
        }
        Some(content) => of_content(name, bytes, content, choices),
        None => Err(unknown(name)),
    }
}

/// What the first bytes of a file say.
fn content(name: &str, bytes: &dyn ReadAt) -> Result<Option<Content>> {
    let mut head = vec![0; Content::HEAD.min(usize::try_from(bytes.size()).unwrap_or(usize::MAX))];
    bytes.read_exact_at(0, &mut head).map_err(|error| Error::io(name, error))?;
    Ok(Content::of(&head, Some(bytes.size())))
}

fn of_content(name: &str, bytes: Arc<dyn ReadAt>, content: Content, choices: Choices) -> Result<Held> {
    Ok(match content {
        Content::Npy => Held::Array(Array::npy(name, Box::new(bytes))?, DataFormat::Npy),
        Content::Idx => Held::Array(Array::idx(name, Box::new(bytes))?, DataFormat::Idx),
        Content::Npz => {
            let npz::Npz { images, labels, notices } = npz::open(name, bytes, choices.layout)?;
            let source = NpySource::new(images, name, labels.classes)?;
            Held::Set(Set { source: Arc::new(source), format: DataFormat::Npz, labelled: None, notices })
        }
        Content::Pickle => Held::Set(pickle(name, bytes)?),
        Content::Tar => match cifar_in(name, &bytes)? {
            Some(set) => Held::Set(set),
            None => images(Archive::tar(name, bytes, choices)?, name),
        },
        Content::Zip => images(Archive::zip(name, bytes, choices)?, name),
        Content::Gzip => return Err(unknown(name)),
    })
}

fn images(archive: Archive, name: &str) -> Held {
    let mut notices = archive.notices().to_vec();
    match archive.others() {
        0 => {}
        others => notices.push(format!("{name}: {others} files are no images and are left out")),
    }
    let labelled = archive.rule();
    Held::Set(Set { source: Arc::new(archive), format: DataFormat::Archive, labelled, notices })
}

fn pickle(name: &str, bytes: Arc<dyn ReadAt>) -> Result<Set> {
    let bytes = unpack::all(name, Cursor::new(bytes), "CIFAR's files are smaller")?;
    let (set, source) = cifar::python::read(name, &bytes)?;
    Ok(Set { source: Arc::new(source), format: set.format(), labelled: None, notices: Vec::new() })
}

/// The test set of CIFAR in a tar, in the binary version or the Python version.
fn cifar_in(name: &str, bytes: &Arc<dyn ReadAt>) -> Result<Option<Set>> {
    let damaged = |error: std::io::Error| Error::input(name, format_args!("expected a complete .tar: {error}"));
    let mut archive = tar::Archive::new(Cursor::new(Arc::clone(bytes)));
    for entry in archive.entries_with_seek().map_err(damaged)?.take(MOST_ENTRIES) {
        let entry = entry.map_err(damaged)?;
        let path = entry.path().map_err(damaged)?.to_string_lossy().into_owned();
        let Some(found) = Cifar::test_file(&path).filter(|_| entry.header().entry_type().is_file()) else { continue };
        let part = Part::of(Arc::clone(bytes), entry.raw_file_position(), entry.size());
        let part = part.ok_or_else(|| Error::input(name, "expected a complete .tar: the file ends too early"))?;
        let shown = format!("{name}:{path}");
        let mut set = match found {
            TestFile::Binary(set) => {
                let source = CifarSource::new(&shown, Box::new(part), set)?;
                Set { source: Arc::new(source), format: set.format(), labelled: None, notices: Vec::new() }
            }
            TestFile::Python => pickle(&shown, Arc::new(part))?,
        };
        set.notices.push(format!("{name}: of the files in it, {path} is used, the test set"));
        return Ok(Some(set));
    }
    Ok(None)
}

/// The versions in which CIFAR's test sets are published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TestFile {
    /// Records of bytes.
    Binary(Cifar),
    /// A pickle.
    Python,
}

impl Cifar {
    /// What the file at `path` is, if it has the name and folder of one of CIFAR's test sets.
    pub fn test_file(path: &str) -> Option<TestFile> {
        let mut parts = path.rsplit('/');
        match (parts.next()?, parts.next()) {
            ("test_batch.bin", _) => Some(TestFile::Binary(Self::Ten)),
            ("test.bin", _) => Some(TestFile::Binary(Self::Hundred)),
            ("test_batch", _) | ("test", Some("cifar-100-python")) => Some(TestFile::Python),
            _ => None,
        }
    }

    /// Its name among the formats.
    pub fn format(self) -> DataFormat {
        match self {
            Self::Ten => DataFormat::Cifar10,
            Self::Hundred => DataFormat::Cifar100,
        }
    }
}

/// Puts images and labels together.
///
/// # Errors
/// If they are not one array of images and one of labels for as many.
pub fn pair(images: (Array<'static>, DataFormat), labels: Array<'static>, choices: Choices) -> Result<Set> {
    let (images, format) = (NpyImages::of(images.0, choices.layout)?, images.1);
    let read = Labels::read(&labels)?;
    let notices = images.notices().iter().chain(&read.notices).cloned().collect();
    let source = NpySource::new(images, labels.name(), read.classes)?;
    Ok(Set { source: Arc::new(source), format, labelled: None, notices })
}

/// Takes an array of images without labels.
///
/// # Errors
/// If it is no array of images.
pub fn unlabelled((images, format): (Array<'static>, DataFormat), choices: Choices) -> Result<Set> {
    let images = NpyImages::of(images, choices.layout)?;
    let (notices, source) = (images.notices().to_vec(), NpySource::unlabelled(images));
    Ok(Set { source: Arc::new(source), format, labelled: Some(WITHOUT_LABELS), notices })
}

fn unknown(name: &str) -> Error {
    Error::input(
        name,
        "a data set is expected: arrays of numpy (.npy, .npz), MNIST's files, CIFAR's (.bin, its pickles, .tar.gz), or a .tar, \
         .tar.gz or .zip of images",
    )
}

#[cfg(test)]
mod tests;
