//! Images in a tar or a zip, read in place.

use std::fmt::Display;
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};

use zip::ZipArchive;

use super::read_at::Cursor;
use super::set::Choices;
use super::{
    BY_NAMES_OF_FILES, Image, ImageSource, ReadAt, check_header, class_in_name, classes_of_folders, is_system,
    unlabelled,
};
use crate::text::NO_LIST;
use crate::{Error, Result};

/// Endings of the names of images. Other files are ignored.
pub const IMAGES: [&str; 10] = ["bmp", "jfif", "jpeg", "jpg", "pbm", "pgm", "png", "pnm", "ppm", "webp"];

/// Largest image file that is read, in bytes. A zip of a few bytes can claim any size.
const MOST_BYTES: u64 = 1 << 28;

/// Images in an archive, in the order of classes and names.
#[derive(Debug)]
pub struct Archive {
    name: String,
    entries: Vec<Entry>,
    store: Store,
    /// Files that are no images.
    others: usize,
    /// The rule that gave the images their labels.
    rule: Option<&'static str>,
    notices: Vec<String>,
}

/// An image.
#[derive(Debug)]
struct Entry {
    /// Path in the archive, without the folders that all images are in.
    path: String,
    label: Option<usize>,
    place: Place,
}

/// Where an entry is.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// From this byte on, so many.
    Bytes(u64, u64),
    /// The entry of a zip with this number.
    Number(usize),
}

#[derive(Debug)]
enum Store {
    Tar(Arc<dyn ReadAt>),
    Zip(Mutex<ZipArchive<Cursor>>),
}

/// Whether the zip `bytes` holds images and no campaign, whose directory has a `config.json`.
pub fn holds_images(bytes: Arc<dyn ReadAt>) -> bool {
    let Ok(archive) = ZipArchive::new(Cursor::new(bytes)) else { return false };
    let names: Vec<String> = archive.file_names().flatten().map(|name| name.into_owned()).collect();
    let is_config = |name: &String| name.rsplit('/').next() == Some("config.json");
    !names.iter().any(is_config) && names.iter().any(|name| is_image(name))
}

impl Archive {
    /// Lists the images in the tar `bytes`. `name` is its name for messages, `choices` are the user's.
    ///
    /// # Errors
    /// If it is damaged or has no images, or if the class of an image is unclear.
    pub fn tar(name: &str, bytes: Arc<dyn ReadAt>, choices: Choices<'_>) -> Result<Self> {
        let damaged = |error: std::io::Error| Error::input(name, format_args!("expected a complete .tar: {error}"));
        let mut files = Vec::new();
        let mut archive = tar::Archive::new(Cursor::new(Arc::clone(&bytes)));
        for entry in archive.entries_with_seek().map_err(damaged)? {
            let entry = entry.map_err(damaged)?;
            if entry.header().entry_type().is_file() {
                let path = entry.path().map_err(damaged)?.to_string_lossy().replace('\\', "/");
                files.push((path, Place::Bytes(entry.raw_file_position(), entry.size())));
            }
        }
        Self::of(name, files, Store::Tar(bytes), choices)
    }

    /// As [`Archive::tar`], of a zip.
    ///
    /// # Errors
    /// As [`Archive::tar`].
    pub fn zip(name: &str, bytes: Arc<dyn ReadAt>, choices: Choices<'_>) -> Result<Self> {
        let problem = |what: &dyn Display| Error::input(name, format_args!("expected a complete .zip: {what}"));
        let damaged = |error: zip::result::ZipError| problem(&error);
        let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|_| problem(&NO_LIST))?;
        let mut files = Vec::new();
        for index in 0..archive.len() {
            let file = archive.by_index_raw(index).map_err(damaged)?;
            if !file.is_dir() {
                files.push((file.name().map_err(damaged)?.replace('\\', "/"), Place::Number(index)));
            }
        }
        Self::of(name, files, Store::Zip(Mutex::new(archive)), choices)
    }

    fn of(name: &str, files: Vec<(String, Place)>, store: Store, choices: Choices<'_>) -> Result<Self> {
        let visible = |path: &str| path.split('/').all(|part| part == "." || !is_system(part));
        let all = files.len();
        let mut images: Vec<(String, Place)> =
            files.into_iter().filter(|(path, _)| visible(path) && is_image(path)).collect();
        let others = all - images.len();
        if images.is_empty() {
            return Err(Error::input(
                name,
                format_args!(
                    "the archive holds no images, and {others} other files; images end in {}",
                    IMAGES.join(", ")
                ),
            ));
        }
        let common = common_folders(&images);
        images.iter_mut().for_each(|(path, _)| drop(path.drain(..common)));
        let paths: Vec<&str> = images.iter().map(|(path, _)| path.as_str()).collect();
        let (labels, rule, notices) = labels(name, &paths, choices)?;
        let entry = |((path, place), label)| Entry { path, label, place };
        let mut entries: Vec<Entry> = images.into_iter().zip(labels).map(entry).collect();
        entries.sort_by(|a, b| {
            (folder(&a.path).map(|_| a.label), &a.path).cmp(&(folder(&b.path).map(|_| b.label), &b.path))
        });
        Ok(Self { name: name.to_owned(), entries, store, others, rule, notices })
    }

    /// The rule that gave the images their labels, in words; `None` where they have none.
    pub fn rule(&self) -> Option<&'static str> {
        self.rule
    }

    /// What was assumed about the labels, a sentence each.
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// Number of files in the archive that are no images.
    pub fn others(&self) -> usize {
        self.others
    }

    /// Returns the bytes of an image, `most` at most from its first.
    fn bytes(&self, entry: &Entry, most: usize) -> Result<Vec<u8>> {
        let most = most as u64;
        let name = format!("{}:{}", self.name, entry.path);
        let too_large = || Error::input(&name, format_args!("the image has more than {} MiB", MOST_BYTES >> 20));
        match (&self.store, entry.place) {
            (Store::Tar(bytes), Place::Bytes(start, size)) => {
                if size > MOST_BYTES {
                    return Err(too_large());
                }
                let mut image = vec![0; size.min(most) as usize];
                bytes.read_exact_at(start, &mut image).map_err(|error| Error::io(&name, error))?;
                Ok(image)
            }
            (Store::Zip(archive), Place::Number(index)) => {
                let mut archive = archive.lock().unwrap_or_else(PoisonError::into_inner);
                let file = archive.by_index(index).map_err(|error| Error::input(&name, error))?;
                let mut image = Vec::new();
                file.take(most.min(MOST_BYTES + 1)).read_to_end(&mut image).map_err(|error| Error::io(&name, error))?;
                if image.len() as u64 > MOST_BYTES { Err(too_large()) } else { Ok(image) }
            }
            _ => unreachable!("a tar has places, a zip numbers"),
        }
    }
}

/// Whether a file of this name is an image.
pub fn is_image(path: &str) -> bool {
    let ending = path.rsplit_once('.').map(|(_, ending)| ending.to_lowercase());
    ending.is_some_and(|ending| IMAGES.contains(&ending.as_str()))
}

fn folder(path: &str) -> Option<&str> {
    path.rsplit_once('/').map(|(folder, _)| folder)
}

/// Length of the folders at the beginning of all paths, where a folder above is the only one in its place. The folder of
/// a lone class is one of these.
fn common_folders(images: &[(String, Place)]) -> usize {
    let Some((first, _)) = images.first() else { return 0 };
    let ends = first.match_indices('/').map(|(at, _)| at + 1);
    ends.take_while(|&end| images.iter().all(|(path, _)| path.starts_with(&first[..end]))).last().unwrap_or(0)
}

/// Labels, the rule that gave them, and what was assumed.
type Labelled = (Vec<Option<usize>>, Option<&'static str>, Vec<String>);

/// The class of each image: that of its folder, or the one at the end of its name.
fn labels(name: &str, paths: &[&str], choices: Choices<'_>) -> Result<Labelled> {
    let mut folders: Vec<&str> = paths.iter().filter_map(|path| folder(path)).collect();
    if folders.is_empty() {
        let labels: Vec<Option<usize>> = paths.iter().map(|path| class_in_name(path)).collect();
        let rule = labels.iter().any(Option::is_some).then_some(BY_NAMES_OF_FILES);
        let notices = if rule.is_none() { vec![unlabelled(name)] } else { Vec::new() };
        return Ok((labels, rule, notices));
    }
    if folders.len() < paths.len() {
        return Err(Error::input(
            name,
            "the archive has images both in folders and beside them; keep one of the two, or unpack it and use --labels",
        ));
    }
    folders.sort_unstable();
    folders.dedup();
    if let Some(nested) = folders.iter().find(|folder| folder.contains('/')) {
        return Err(Error::input(
            name,
            format_args!(
                "the archive has folders in folders, {nested}, so the classes are unclear; pack the one that holds a folder for \
                 each class"
            ),
        ));
    }
    let choice = choices.folders.cloned().unwrap_or_default();
    let assigned = classes_of_folders(name, &folders, choices.classes, &choice)?;
    let class = |path: &&str| assigned.labels.get(folders.binary_search(&folder(path)?).ok()?).copied();
    Ok((paths.iter().map(class).collect(), Some(assigned.rule), assigned.notices))
}

impl ImageSource for Archive {
    fn len(&self) -> usize {
        self.entries.len()
    }

    fn name(&self, index: usize) -> String {
        self.entries.get(index).map_or_else(|| index.to_string(), |entry| format!("{}:{}", self.name, entry.path))
    }

    fn label(&self, index: usize) -> Option<usize> {
        self.entries.get(index)?.label
    }

    fn image(&self, index: usize) -> Result<Image> {
        let entry = self.entries.get(index).ok_or_else(|| {
            Error::request(format_args!("image {index} is out of range: there are {}", self.entries.len()))
        })?;
        Image::decode(&self.name(index), &self.bytes(entry, usize::MAX)?)
    }

    fn short_name(&self, index: usize) -> String {
        self.entries.get(index).map_or_else(|| index.to_string(), |entry| entry.path.clone())
    }

    fn check(&self, index: usize) -> Result<()> {
        let Some(entry) = self.entries.get(index) else { return Ok(()) };
        check_header(&self.name(index), |most| self.bytes(entry, most))
    }
}
