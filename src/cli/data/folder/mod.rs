//! A folder of images, labelled by sub-folder or by file name.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::files::File;
use crate::data::archive::IMAGES;
use crate::data::{
    Assigned, BY_NAMES_OF_FILES, Classes, FolderChoice, class_in_name, classes_of_folders, is_system, left_out,
    unlabelled,
};
use crate::{Error, Result};

/// Endings of images in formats that are not read.
const UNREAD: [&str; 16] = [
    "avif", "dng", "exr", "gif", "heic", "heif", "ico", "j2k", "jp2", "jxl", "psd", "raw", "svg", "tga", "tif", "tiff",
];

/// The images of a folder, and what was assumed about them.
#[derive(Debug, Default)]
pub struct Images {
    pub files: Vec<File>,
    /// The rule that gave them their labels.
    pub rule: Option<&'static str>,
    pub notices: Vec<String>,
}

/// Lists the images in `root`, for a model with `classes`.
///
/// Either each sub-folder is a class, or the files' names end in `_NN_LABEL`. The images are in the order of
/// classes and names. Files and folders that are hidden or left by systems are ignored.
///
/// # Errors
/// If there are none, or if the class of an image is unclear.
pub fn list(root: &Path, classes: &Classes, choice: &FolderChoice) -> Result<Images> {
    let listing = Listing::read(root)?;
    let mut images = match (listing.folders.is_empty(), listing.images.is_empty()) {
        (false, false) => {
            return Err(Error::input(
                root.display().to_string(),
                "there are images both in sub-folders and beside them; keep one of the two, or list all of them with --labels",
            ));
        }
        (false, true) => by_class(root, &listing.folders, classes, choice)?,
        (true, is_empty) => {
            if !is_empty {
                choice.check_without_folders()?;
            }
            by_name(root, &listing.images)?
        }
    };
    images.notices.extend(listing.notices(root));
    check_any(root, images, &listing)
}

/// Lists the images in `root` itself by their names, without labels.
///
/// # Errors
/// If there are none.
pub fn flat(root: &Path) -> Result<Images> {
    let listing = Listing::read(root)?;
    let files = listing.images.iter().map(|(path, bytes)| File::new(path.clone(), *bytes)).collect();
    check_any(root, Images { files, rule: None, notices: listing.notices(root) }, &listing)
}

/// Lists the images in `root` and its sub-folders by their names, without labels: for lists that label each image.
///
/// # Errors
/// If there are none.
pub fn nested(root: &Path) -> Result<Images> {
    let mut images = Images::default();
    let mut folders = vec![PathBuf::new()];
    let mut top = None;
    while let Some(folder) = folders.pop() {
        let path = root.join(&folder);
        let listing = Listing::read(&path)?;
        images.files.extend(listing.images.iter().map(|(name, bytes)| File::new(folder.join(name), *bytes)));
        images.notices.extend(listing.notices(&path));
        folders.extend(listing.folders.iter().map(|name| folder.join(name)));
        top.get_or_insert(listing);
    }
    images.files.sort_by(|a, b| a.path.cmp(&b.path));
    check_any(root, images, &top.unwrap_or_default())
}

fn check_any(root: &Path, images: Images, listing: &Listing) -> Result<Images> {
    if !images.files.is_empty() {
        return Ok(images);
    }
    let others = listing.others + listing.unread.len();
    let others = if others == 0 { String::new() } else { format!(" ({others} other files are ignored)") };
    Err(Error::input(
        root.display().to_string(),
        format_args!("the folder holds no images{others}; images end in {}", IMAGES.join(", ")),
    ))
}

/// The content of a folder in the order of names.
#[derive(Debug, Default)]
struct Listing {
    folders: Vec<String>,
    images: Vec<(PathBuf, u64)>,
    /// Names of images in formats that are not read.
    unread: Vec<String>,
    /// Names of folders that a system has left.
    system: Vec<String>,
    others: usize,
}

impl Listing {
    fn read(path: &Path) -> Result<Self> {
        let mut listing = Self::default();
        let refused = |error| Error::io(path.display(), error);
        for entry in std::fs::read_dir(path).map_err(refused)? {
            let entry = entry.map_err(refused)?;
            let name = entry.file_name();
            // Unlike the metadata of the entry, this follows links.
            let metadata = std::fs::metadata(entry.path()).map_err(|error| Error::io(entry.path().display(), error));
            if is_system(&name.to_string_lossy()) {
                if !name.as_encoded_bytes().starts_with(b".") && metadata.is_ok_and(|metadata| metadata.is_dir()) {
                    listing.system.push(name.to_string_lossy().into_owned());
                }
                continue;
            }
            let metadata = metadata?;
            if metadata.is_dir() {
                let name = name.into_string().map_err(|name| {
                    Error::input(path.join(name).display().to_string(), "the name of a class must be Unicode")
                })?;
                listing.folders.push(name);
            } else if ends_in(&name, &IMAGES) {
                listing.images.push((PathBuf::from(name), metadata.len()));
            } else if ends_in(&name, &UNREAD) {
                listing.unread.push(name.to_string_lossy().into_owned());
            } else {
                listing.others += 1;
            }
        }
        listing.folders.sort();
        listing.images.sort();
        listing.unread.sort();
        listing.system.sort();
        Ok(listing)
    }

    fn notices(&self, root: &Path) -> Vec<String> {
        let root = root.display().to_string();
        let system = left_out(&root, &self.system, "folders of a system and no classes");
        let unread = left_out(&root, &self.unread, "images in formats that are not read");
        system.into_iter().chain(unread).collect()
    }
}

fn ends_in(name: &OsStr, endings: &[&str]) -> bool {
    let extension = Path::new(name).extension().unwrap_or_default().to_string_lossy().to_lowercase();
    endings.contains(&extension.as_str())
}

/// Lists the images in the sub-folders `folders` of `root`. Each sub-folder is a class.
fn by_class(root: &Path, folders: &[String], classes: &Classes, choice: &FolderChoice) -> Result<Images> {
    let names: Vec<&str> = folders.iter().map(String::as_str).collect();
    let Assigned { labels, rule, mut notices } =
        classes_of_folders(&root.display().to_string(), &names, classes, choice)?;
    let mut labelled: Vec<(usize, &str)> = labels.into_iter().zip(names).collect();
    labelled.sort_unstable();
    let (mut files, mut empty) = (Vec::new(), Vec::new());
    for (label, folder) in labelled {
        let listing = Listing::read(&root.join(folder))?;
        if listing.images.is_empty() {
            empty.push(folder.to_owned());
        }
        notices.extend(listing.notices(&root.join(folder)));
        for (name, bytes) in listing.images {
            files.push(File { label: Some(label), ..File::new(Path::new(folder).join(name), bytes) });
        }
    }
    notices.extend(left_out(&root.display().to_string(), &empty, "classes without an image that is read"));
    Ok(Images { files, rule: Some(rule), notices })
}

/// Labels the images `images` of `root` by the numbers at the end of their names. If no name has a number, no image has
/// a label.
fn by_name(root: &Path, images: &[(PathBuf, u64)]) -> Result<Images> {
    let file = |(path, bytes): &(PathBuf, u64)| File {
        label: path.to_str().and_then(class_in_name),
        ..File::new(path.clone(), *bytes)
    };
    let files: Vec<File> = images.iter().map(file).collect();
    let labelled = files.iter().filter(|file| file.label.is_some()).count();
    match files.iter().find(|file| file.label.is_none()) {
        Some(file) if labelled > 0 => Err(Error::input(
            root.join(&file.path).display().to_string(),
            "the name does not end in _NUMBER_LABEL, though others in the folder do, so its class is unclear; --labels FILE \
             lists the labels, --labels none does without them",
        )),
        _ => {
            let rule = (labelled > 0).then_some(BY_NAMES_OF_FILES);
            let none = labelled == 0 && !files.is_empty();
            let notices = if none { vec![unlabelled(&root.display().to_string())] } else { Vec::new() };
            Ok(Images { files, rule, notices })
        }
    }
}

#[cfg(test)]
mod tests;
