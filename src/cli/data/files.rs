//! Images in separate files.

use std::ffi::OsStr;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::ahead::Ahead;
use crate::cli::built_in::BuiltIn;
use crate::cli::read;
use crate::data::{DataSource, Image, ImageSource};
use crate::{Error, Result};

/// An image file.
#[derive(Clone, Debug)]
pub struct File {
    /// Path below the root.
    pub path: PathBuf,
    /// True class.
    pub label: Option<usize>,
    /// Size of the file.
    pub bytes: u64,
    /// The part of the image to use: left, top, right, bottom, without the last column and row.
    pub crop: Option<[usize; 4]>,
}

impl File {
    /// The file at `path`, of `bytes`, without a label.
    pub fn new(path: PathBuf, bytes: u64) -> Self {
        Self { path, label: None, bytes, crop: None }
    }
}

/// The place of a data set's files.
#[derive(Clone, Debug)]
pub enum Root {
    /// A folder on disk.
    Folder(PathBuf),
    /// The folder of built-in files with this path.
    BuiltIn(PathBuf),
}

/// Images in files, decoded before their use.
#[derive(Debug)]
pub struct Files {
    list: Arc<List>,
    ahead: Ahead,
}

#[derive(Debug)]
struct List {
    root: Root,
    files: Vec<File>,
}

impl Files {
    /// The images `files` below `root`, in this order.
    pub fn new(root: Root, files: Vec<File>) -> Self {
        let list = Arc::new(List { root, files });
        let decoded = Arc::clone(&list);
        Self { ahead: Ahead::new(list.files.len(), move |index| decoded.decode(index)), list }
    }

    /// Returns a line for each image: name, label, size in bytes, and the crop if there is one.
    pub fn list(&self) -> String {
        self.list.files.iter().fold(String::new(), |mut list, file| {
            list += &DataSource::line(&portable(&file.path), file.label, file.bytes);
            for edge in file.crop.iter().flatten() {
                let _ = write!(list, "\t{edge}");
            }
            list.push('\n');
            list
        })
    }
}

impl Root {
    fn path(&self) -> &Path {
        match self {
            Self::Folder(path) | Self::BuiltIn(path) => path,
        }
    }

    fn read(&self, file: &Path) -> Result<Vec<u8>> {
        let path = self.path().join(file);
        match self {
            Self::Folder(_) => read::bytes(&path),
            Self::BuiltIn(_) => BuiltIn::file(&path)
                .map(|file| file.bytes.to_vec())
                .ok_or_else(|| Error::input(path.display().to_string(), "the program has no such file")),
        }
    }
}

impl List {
    fn name(&self, index: usize) -> String {
        let path = |file: &File| self.root.path().join(&file.path).display().to_string();
        self.files.get(index).map_or_else(|| index.to_string(), path)
    }

    fn decode(&self, index: usize) -> Result<Image> {
        let file = self.files.get(index).ok_or_else(|| {
            Error::request(format_args!("image {index} is out of range: there are {}", self.files.len()))
        })?;
        let name = self.name(index);
        let image = Image::decode(&name, &self.root.read(&file.path)?)?;
        match file.crop {
            Some(crop) => image.crop(crop).map_err(|error| error.concerning(name)),
            None => Ok(image),
        }
    }
}

impl ImageSource for Files {
    fn len(&self) -> usize {
        self.list.files.len()
    }

    fn name(&self, index: usize) -> String {
        self.list.name(index)
    }

    fn label(&self, index: usize) -> Option<usize> {
        self.list.files.get(index)?.label
    }

    fn image(&self, index: usize) -> Result<Image> {
        self.ahead.get(index)
    }

    fn upcoming(&self, indices: Vec<usize>) {
        self.ahead.upcoming(indices);
    }
}

/// Returns a path below the root in the same form on every platform.
pub fn portable(path: &Path) -> String {
    path.iter().map(OsStr::to_string_lossy).collect::<Vec<_>>().join("/")
}
