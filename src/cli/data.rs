//! `--data`: a folder of images, or an array file with its labels.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::folder::Folder;
use super::open::read;
use super::write::sha256;
use crate::data::npy::{self, NpyImages};
use crate::data::{DataFormat, DataSource, NpySource, Source};
use crate::{Error, Result};

/// Images ready to be used, and where they are from.
pub struct Data {
    /// The images.
    pub source: Arc<dyn Source + Send + Sync>,
    /// What a campaign writes down about them.
    pub origin: DataSource,
}

/// Opens `path`; `labels` is the file that holds the labels of an array, `classes` are the model's class names.
///
/// # Errors
/// Where there are no images, or labels and images do not belong together.
pub fn open(path: &Path, labels: Option<&Path>, classes: &[String]) -> Result<Data> {
    let name = path.display().to_string();
    let metadata = std::fs::metadata(path).map_err(|error| Error::io(&name, error))?;
    if metadata.is_dir() {
        if let Some(labels) = labels {
            return Err(Error::input(
                labels.display().to_string(),
                "--labels goes with an .npy file of images; the images of a folder are labelled by their names",
            ));
        }
        let folder = Folder::open(path, classes)?;
        let list = sha256(folder.list().as_bytes());
        let origin = DataSource::new(name, DataFormat::Folder, folder.len(), list);
        return Ok(Data { source: Arc::new(folder), origin });
    }
    if path.extension().is_none_or(|extension| !extension.eq_ignore_ascii_case("npy")) {
        return Err(Error::input(name, "a folder of images or an .npy file is expected"));
    }
    let labels = match labels {
        Some(labels) => labels.to_owned(),
        None => labels_beside(path)?,
    };
    let labels_name = labels.display().to_string();
    let (image_bytes, label_bytes) = (read(path)?, read(&labels)?);
    let sha256 = sha256(format!("{} {}", sha256(&image_bytes), sha256(&label_bytes)).as_bytes());
    let images = NpyImages::new(&name, image_bytes)?;
    let source = NpySource::new(&name, images, &labels_name, npy::labels(&labels_name, &label_bytes)?)?;
    let mut origin = DataSource::new(name, DataFormat::Npy, source.len(), sha256);
    origin.labels = Some(labels_name);
    Ok(Data { source: Arc::new(source), origin })
}

/// The file beside `images` with "labels" for "images" in its name.
fn labels_beside(images: &Path) -> Result<PathBuf> {
    let name = images.file_name().unwrap_or_default().to_string_lossy();
    let beside = images.with_file_name(name.replace("images", "labels"));
    if beside == images {
        return Err(Error::input(
            images.display().to_string(),
            "the name has no \"images\" in it that tells the name of its labels; give them with --labels FILE.npy",
        ));
    }
    if !beside.exists() {
        return Err(Error::input(
            images.display().to_string(),
            format_args!("its labels, {}, are missing; give them with --labels FILE.npy", beside.display()),
        ));
    }
    Ok(beside)
}
