//! Images in separate files.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fmt::Write;
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use super::ahead::Ahead;
use crate::cli::built_in::BuiltIn;
use crate::cli::read;
use crate::cli::write::sha256;
use crate::data::{DataSource, FileContent, Image, ImageSource, ListedImage, check_header};
use crate::{Error, Result};

/// An image file.
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// A difference of the files on disk from their list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The file is missing.
    Missing,
    /// It has another size.
    Size,
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
    /// The content of each file that was read.
    read: Mutex<HashMap<usize, FileContent>>,
}

impl Files {
    /// The images `files` below `root`, in this order.
    pub fn new(root: Root, files: Vec<File>) -> Self {
        let list = Arc::new(List { root, files, read: Mutex::default() });
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

impl Files {
    /// The images of `list`, which [`Files::list`] has written, in the place of these, and the differences of these from
    /// them: images that are missing here, or have another size. `name` is the name of the list for messages.
    ///
    /// # Errors
    /// If the list is damaged, or names another data set: images are here that it does not have, or other labels.
    pub fn as_listed(&self, name: &str, list: &str) -> Result<(Self, Vec<(usize, Change)>)> {
        let mut files = Vec::new();
        for (line, number) in list.lines().zip(1..) {
            let ListedImage { name: path, label, bytes, crop } = DataSource::parse_line(line).ok_or_else(|| {
                Error::input(name, format_args!("line {number}: expected NAME, LABEL and BYTES with tabs between them"))
            })?;
            files.push(File { path: path.into(), label, bytes, crop });
        }
        let here: HashMap<String, &File> = self.list.files.iter().map(|file| (portable(&file.path), file)).collect();
        let mut changes = Vec::new();
        let mut known = 0;
        for (index, file) in files.iter().enumerate() {
            let path = portable(&file.path);
            match here.get(&path) {
                None => changes.push((index, Change::Missing)),
                Some(here) if (here.label, here.crop) != (file.label, file.crop) => {
                    let label =
                        |label: Option<usize>| label.map_or_else(|| "none".to_owned(), |label| label.to_string());
                    return Err(Error::request(format_args!(
                        "{path} has label {} there and {} here",
                        label(file.label),
                        label(here.label)
                    )));
                }
                Some(here) => {
                    known += 1;
                    if here.bytes != file.bytes {
                        changes.push((index, Change::Size));
                    }
                }
            }
        }
        if known < here.len() {
            let listed: HashMap<String, ()> = files.iter().map(|file| (portable(&file.path), ())).collect();
            let new = self.list.files.iter().map(|file| portable(&file.path)).find(|path| !listed.contains_key(path));
            return Err(Error::request(format_args!("{} is here and not there", new.unwrap_or_default())));
        }
        Ok((Self::new(self.list.root.clone(), files), changes))
    }

    /// The content of image `index` when it was read last; `None` if it was not, or is part of the program.
    pub fn content(&self, index: usize) -> Option<FileContent> {
        self.list.lock().get(&index).cloned()
    }

    /// Size and time of image `index` now, without its hash.
    ///
    /// # Errors
    /// If the operating system refuses.
    pub fn state(&self, index: usize) -> Result<FileContent> {
        let path = self.list.root.path().join(&self.list.file(index)?.path);
        let metadata = std::fs::metadata(&path).map_err(|error| Error::io(path.display(), error))?;
        Ok(FileContent { bytes: metadata.len(), modified: modified(&metadata), sha256: String::new() })
    }

    /// Reads image `index` and returns its content.
    ///
    /// # Errors
    /// If the operating system refuses.
    pub fn read_again(&self, index: usize) -> Result<FileContent> {
        let path = self.list.root.path().join(&self.list.file(index)?.path);
        let (bytes, metadata) = read::with_metadata(&path)?;
        Ok(FileContent { bytes: bytes.len() as u64, modified: modified(&metadata), sha256: sha256(&bytes) })
    }
}

/// Time of the last change in nanoseconds since 1970.
fn modified(metadata: &Metadata) -> Option<i64> {
    let time = metadata.modified().ok()?;
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).ok(),
        Err(_) => {
            let before = SystemTime::duration_since(&UNIX_EPOCH, time).ok()?;
            i64::try_from(before.as_nanos()).ok()?.checked_neg()
        }
    }
}

impl Root {
    fn path(&self) -> &Path {
        match self {
            Self::Folder(path) | Self::BuiltIn(path) => path,
        }
    }

    /// Reads a file. What the operating system says of one on disk comes along.
    fn read(&self, file: &Path) -> Result<(Vec<u8>, Option<Metadata>)> {
        let path = self.path().join(file);
        match self {
            Self::Folder(_) => {
                let (bytes, metadata) = read::with_metadata(&path).map_err(|error| self.gone(error))?;
                Ok((bytes, Some(metadata)))
            }
            Self::BuiltIn(_) => BuiltIn::file(&path)
                .map(|file| (file.bytes.to_vec(), None))
                .ok_or_else(|| Error::input(path.display().to_string(), "the program has no such file")),
        }
    }

    /// Where the whole folder is missing, that is the error, and no image is bad.
    fn gone(&self, error: Error) -> Error {
        if matches!(error, Error::Io { .. }) && !self.path().is_dir() {
            let gone = std::io::Error::other("the folder of the images is missing");
            return Error::io(self.path().display(), gone);
        }
        error
    }
}

impl List {
    fn name(&self, index: usize) -> String {
        let path = |file: &File| self.root.path().join(&file.path).display().to_string();
        self.files.get(index).map_or_else(|| index.to_string(), path)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<usize, FileContent>> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn file(&self, index: usize) -> Result<&File> {
        self.files.get(index).ok_or_else(|| {
            Error::request(format_args!("image {index} is out of range: there are {}", self.files.len()))
        })
    }

    /// Remembers the content of image `index`.
    fn remember(&self, index: usize, bytes: &[u8], metadata: &Metadata) -> Result<()> {
        let content = FileContent { bytes: bytes.len() as u64, modified: modified(metadata), sha256: sha256(bytes) };
        match self.lock().insert(index, content.clone()) {
            Some(before) if before.sha256 != content.sha256 => {
                // Not the image's fault, but that of whoever writes there.
                let changed = std::io::Error::other("the image was changed while it was in use; run the command again");
                Err(Error::io(self.name(index), changed))
            }
            _ => Ok(()),
        }
    }

    fn decode(&self, index: usize) -> Result<Image> {
        let file = self.file(index)?;
        let name = self.name(index);
        let (bytes, metadata) = self.root.read(&file.path)?;
        let image = Image::decode(&name, &bytes)?;
        if let Some(metadata) = metadata {
            self.remember(index, &bytes, &metadata)?;
        }
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

    fn short_name(&self, index: usize) -> String {
        self.list.files.get(index).map_or_else(|| index.to_string(), |file| portable(&file.path))
    }

    fn check(&self, index: usize) -> Result<()> {
        let (root, file) = (&self.list.root, self.list.file(index)?);
        let path = root.path().join(&file.path);
        check_header(&self.name(index), |most| match root {
            Root::Folder(_) => read::first(&path, most).map_err(|error| root.gone(error)),
            Root::BuiltIn(_) => root.read(&file.path).map(|(bytes, _)| bytes),
        })
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
