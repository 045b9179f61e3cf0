//! A folder of images, labelled by sub-folder or by file name.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::files::File;
use crate::data::{class_in_name, classes_of_folders};
use crate::{Error, Result};

/// Endings of the names of images. Other files are ignored.
const EXTENSIONS: [&str; 10] = ["bmp", "jfif", "jpeg", "jpg", "pbm", "pgm", "png", "pnm", "ppm", "webp"];

/// Lists the images in `root`; `classes` are the model's class names.
///
/// Either each sub-folder is a class, or the files' names end in `_NN_LABEL`. The images are in the order of
/// sub-folders and names. Hidden files and folders are ignored.
///
/// # Errors
/// If there are none, or if the class of an image is unclear.
pub fn list(root: &Path, classes: &[String]) -> Result<Vec<File>> {
    let Listing { folders, images, others } = Listing::read(root)?;
    let files = match (folders.is_empty(), images.is_empty()) {
        (false, false) => {
            return Err(Error::input(
                root.display().to_string(),
                "there are images both in sub-folders and beside them; keep one of the two",
            ));
        }
        (false, true) => by_class(root, &folders, classes)?,
        (true, _) => by_name(root, &images)?,
    };
    check_any(root, files, others)
}

/// Lists the images in `root` itself by their names, without labels.
///
/// # Errors
/// If there are none.
pub fn flat(root: &Path) -> Result<Vec<File>> {
    let Listing { images, others, .. } = Listing::read(root)?;
    let files = images.into_iter().map(|(path, bytes)| File { path, label: None, bytes, crop: None }).collect();
    check_any(root, files, others)
}

fn check_any(root: &Path, files: Vec<File>, others: usize) -> Result<Vec<File>> {
    if !files.is_empty() {
        return Ok(files);
    }
    let others = if others == 0 { String::new() } else { format!(" ({others} other files are ignored)") };
    Err(Error::input(
        root.display().to_string(),
        format_args!("the folder holds no images{others}; images end in {}", EXTENSIONS.join(", ")),
    ))
}

/// The content of a folder in the order of names, without hidden files.
struct Listing {
    folders: Vec<String>,
    images: Vec<(PathBuf, u64)>,
    others: usize,
}

impl Listing {
    fn read(path: &Path) -> Result<Self> {
        let mut listing = Self { folders: Vec::new(), images: Vec::new(), others: 0 };
        let refused = |error| Error::io(path.display(), error);
        for entry in std::fs::read_dir(path).map_err(refused)? {
            let entry = entry.map_err(refused)?;
            let name = entry.file_name();
            if name.as_encoded_bytes().starts_with(b".") {
                continue;
            }
            // Unlike the metadata of the entry, this follows links.
            let metadata = std::fs::metadata(entry.path()).map_err(|error| Error::io(entry.path().display(), error))?;
            if metadata.is_dir() {
                let name = name.into_string().map_err(|name| {
                    Error::input(path.join(name).display().to_string(), "the name of a class must be Unicode")
                })?;
                listing.folders.push(name);
            } else if is_image(&name) {
                listing.images.push((PathBuf::from(name), metadata.len()));
            } else {
                listing.others += 1;
            }
        }
        listing.folders.sort();
        listing.images.sort();
        Ok(listing)
    }
}

fn is_image(name: &OsStr) -> bool {
    let extension = Path::new(name).extension().unwrap_or_default().to_string_lossy().to_lowercase();
    EXTENSIONS.contains(&extension.as_str())
}

/// Lists the images in the sub-folders `folders` of `root`. Each sub-folder is a class.
fn by_class(root: &Path, folders: &[String], classes: &[String]) -> Result<Vec<File>> {
    let folders: Vec<&str> = folders.iter().map(String::as_str).collect();
    let labels = classes_of_folders(&folders, classes, |folder| root.join(folder).display().to_string())?;
    let mut labelled: Vec<(usize, &str)> = labels.into_iter().zip(folders).collect();
    labelled.sort_unstable();
    let mut files = Vec::new();
    for (label, folder) in labelled {
        for (name, bytes) in Listing::read(&root.join(folder))?.images {
            files.push(File { path: Path::new(folder).join(name), label: Some(label), bytes, crop: None });
        }
    }
    Ok(files)
}

/// Labels the images `images` of `root` by the numbers at the end of their names. If no name has a number, no image has
/// a label.
fn by_name(root: &Path, images: &[(PathBuf, u64)]) -> Result<Vec<File>> {
    let files: Vec<File> = images
        .iter()
        .map(|(path, bytes)| File {
            path: path.clone(),
            label: path.to_str().and_then(class_in_name),
            bytes: *bytes,
            crop: None,
        })
        .collect();
    let labelled = files.iter().filter(|file| file.label.is_some()).count();
    match files.iter().find(|file| file.label.is_none()) {
        Some(file) if labelled > 0 => Err(Error::input(
            root.join(&file.path).display().to_string(),
            "the name does not end in _NUMBER_LABEL, though others in the folder do, so its class is unclear",
        )),
        _ => Ok(files),
    }
}

#[cfg(test)]
mod tests;
