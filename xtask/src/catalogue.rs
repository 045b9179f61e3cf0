//! `models/index.json`, the list of models that the page offers (`src/facts/catalogue.rs` describes its format).
//!
//! The list is made from the manifests, from the class names in `src/facts/labels/data`, and from the model files that
//! are present. This program makes it because the command line tool takes many minutes to compile.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The list, in the folder of models.
const INDEX: &str = "index.json";
/// The model that the page opens with. It is in the repository.
pub const DEFAULT: &str = "gtsrb-resnet8";
/// The folder with the class names, below the project's root.
const LABELS: &str = "src/facts/labels/data";

/// The part of a model's manifest that the list needs.
#[derive(Deserialize)]
struct Manifest {
    id: String,
    name: String,
    description: String,
    file: String,
    labels: String,
    origin: Origin,
    samples: Option<Samples>,
}

#[derive(Deserialize)]
struct Origin {
    /// Present if the model file is in the repository.
    trained: Option<Trained>,
}

#[derive(Deserialize)]
struct Trained {
    sha256: String,
}

#[derive(Deserialize)]
struct Samples {
    folder: String,
    default: String,
    images: Vec<Sample>,
}

#[derive(Deserialize)]
struct Sample {
    file: String,
    sha256: String,
}

impl Manifest {
    fn read(folder: &Path) -> Result<Self> {
        let file = folder.join("manifest.toml");
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        toml::from_str(&text).with_context(|| file.display().to_string())
    }

    /// The SHA-256 that the model file must have: the one in the manifest, or the one that `faultscope fetch` wrote
    /// beside the file. `None` if there is neither.
    fn checksum(&self, folder: &Path) -> Option<String> {
        if let Some(trained) = &self.origin.trained {
            return Some(trained.sha256.clone());
        }
        let line = fs::read_to_string(folder.join(format!("{}.sha256", self.file))).ok()?;
        Some(line.split_once(' ')?.0.to_owned())
    }

    /// The images, with their paths below the model's folder; the default one first.
    fn images(&self) -> Vec<(String, &Sample)> {
        let Some(samples) = &self.samples else { return Vec::new() };
        let mut images: Vec<&Sample> = samples.images.iter().collect();
        images.sort_by_key(|image| image.file != samples.default);
        images.into_iter().map(|image| (format!("{}/{}", samples.folder, image.file), image)).collect()
    }
}

/// Writes the list of the models in `root`/models, if it changes.
///
/// # Errors
/// If a manifest cannot be read, or the model of the repository is damaged.
pub fn write(root: &Path) -> Result<()> {
    let models = root.join("models");
    let list = serde_json::to_vec_pretty(&list(root)?)?;
    let file = models.join(INDEX);
    if fs::read(&file).is_ok_and(|present| present == list) {
        return Ok(());
    }
    replace(&file, &list)
}

/// Whether the model `id` and its sample images are in `root`/models, undamaged.
pub fn has(root: &Path, id: &str) -> bool {
    let folder = root.join("models").join(id);
    let Ok(manifest) = Manifest::read(&folder) else { return false };
    let is = |file: &str, sum: &str| fs::read(folder.join(file)).is_ok_and(|bytes| sha256(&bytes) == sum);
    manifest.checksum(&folder).is_some_and(|sum| is(&manifest.file, &sum))
        && manifest.images().iter().all(|(file, image)| is(file, &image.sha256))
}

/// Copies models that were added to `root`/models since the page in `page` was built, and then the list. Returns
/// whether the page changed. A page that is just being replaced stays as it is.
///
/// # Errors
/// If a file cannot be copied.
pub fn publish(root: &Path, page: &Path) -> Result<bool> {
    let (models, published) = (root.join("models"), page.join("models"));
    let list = fs::read(models.join(INDEX)).with_context(|| format!("cannot read {INDEX}"))?;
    if fs::read(published.join(INDEX)).map_or(true, |present| present == list) {
        return Ok(false);
    }
    let parsed: Value = serde_json::from_slice(&list).with_context(|| INDEX.to_owned())?;
    for file in files(&parsed) {
        let (from, to) = (models.join(&file), published.join(&file));
        let size = |file: &Path| fs::metadata(file).map(|metadata| metadata.len()).ok();
        if size(&from).is_some() && size(&from) != size(&to) {
            fs::create_dir_all(to.parent().context("a model's file lies in a folder")?)?;
            fs::copy(&from, &to).with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
        }
    }
    replace(&published.join(INDEX), &list)?;
    Ok(true)
}

/// The files that a list names, below the folder of models.
fn files(list: &Value) -> Vec<PathBuf> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let entries = list["models"].as_array().map(Vec::as_slice).unwrap_or_default();
    entries
        .iter()
        .flat_map(|entry| {
            let samples = entry["samples"].as_array().map(Vec::as_slice).unwrap_or_default();
            let names = std::iter::once(&entry["file"]).chain(samples.iter().map(|sample| &sample["file"]));
            names.map(|name| Path::new(&text(&entry["id"])).join(text(name)))
        })
        .collect()
}

fn list(root: &Path) -> Result<Value> {
    let models = root.join("models");
    let entries = fs::read_dir(&models).with_context(|| format!("cannot read {}", models.display()))?;
    let mut folders = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    folders.retain(|folder| folder.join("manifest.toml").is_file());
    // The model that the page opens with comes first.
    folders.sort_by_key(|folder| (!folder.ends_with(DEFAULT), folder.clone()));
    let list = folders.iter().filter_map(|folder| entry(root, folder).transpose()).collect::<Result<Vec<_>>>()?;
    Ok(json!({ "models": list }))
}

/// The list's entry for the model in `folder`; `None` if the model file is not there.
fn entry(root: &Path, folder: &Path) -> Result<Option<Value>> {
    let manifest = Manifest::read(folder)?;
    let file = folder.join(&manifest.file);
    let Ok(bytes) = fs::read(&file) else { return Ok(None) };
    let checksum = manifest.checksum(folder);
    if manifest.origin.trained.is_some() {
        ensure!(
            checksum == Some(sha256(&bytes)),
            "{} is not the file of the repository; `git restore` brings it back",
            file.display()
        );
    }
    let labels = root.join(LABELS).join(format!("{}.txt", manifest.labels));
    let labels = fs::read_to_string(&labels).with_context(|| format!("cannot read {}", labels.display()))?;
    let labels: Vec<&str> = labels.lines().collect();
    let sample = |(file, _): (String, &Sample)| {
        let label = class(&file).and_then(|class| labels.get(class)).copied().unwrap_or_default();
        json!({ "file": file, "label": label })
    };
    let samples: Vec<Value> = manifest.images().into_iter().map(sample).collect();
    Ok(Some(json!({
        "id": manifest.id,
        "name": manifest.name,
        "file": manifest.file,
        "description": manifest.description,
        "bytes": bytes.len(),
        "sha256": checksum,
        "samples": samples,
    })))
}

/// The class number at the end of an image's name: 243 of `samples/imagenet_00_243.jpg`.
fn class(file: &str) -> Option<usize> {
    Path::new(file).file_stem()?.to_str()?.rsplit_once('_')?.1.parse().ok()
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes `file` in one step: a reader sees the old content or the new content.
fn replace(file: &Path, bytes: &[u8]) -> Result<()> {
    let new = file.with_extension("new");
    fs::write(&new, bytes)
        .and_then(|()| fs::rename(&new, file))
        .with_context(|| format!("cannot write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &[u8] = b"weights";
    const LARGE: &[u8] = b"many weights";
    const IMAGE: &[u8] = b"image";

    /// A project with the default model, and the manifest of a larger one.
    fn project() -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a temporary folder");
        let manifest = |id: &str, origin: &str, image: &str| {
            format!(
                "id = '{id}'\nname = 'N'\ndescription = 'D'\nfile = '{id}.bpk'\nlabels = 'signs'\n{origin}\n\
                 [samples]\nfolder = 'samples'\ndefault = 'b_1.png'\n\
                 images = [{{ file = 'a_0.png', sha256 = '{image}' }}, {{ file = 'b_1.png', sha256 = '{image}' }}]\n",
            )
        };
        let trained = format!("[origin.trained]\nsha256 = '{}'\nseed = 1", sha256(SMALL));
        let folder = format!("models/{DEFAULT}");
        put(&root, &format!("{LABELS}/signs.txt"), b"stop\nyield\n");
        put(&root, &format!("{folder}/manifest.toml"), manifest(DEFAULT, &trained, &sha256(IMAGE)).as_bytes());
        put(&root, &format!("{folder}/{DEFAULT}.bpk"), SMALL);
        let large = manifest("aaa", "[origin.checkpoint]\nmember = 'm'", &sha256(IMAGE));
        put(&root, "models/aaa/manifest.toml", large.as_bytes());
        put(&root, "models/README.md", b"no model");
        root
    }

    fn put(root: &tempfile::TempDir, name: &str, contents: &[u8]) {
        let file = root.path().join(name);
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        fs::write(file, contents).expect("a file");
    }

    /// Puts the larger model where `faultscope fetch` puts it.
    fn fetch(root: &tempfile::TempDir) {
        put(root, "models/aaa/aaa.bpk", LARGE);
        put(root, "models/aaa/aaa.bpk.sha256", format!("{}  aaa.bpk\n", sha256(LARGE)).as_bytes());
        for image in ["a_0.png", "b_1.png"] {
            put(root, &format!("models/aaa/samples/{image}"), IMAGE);
        }
    }

    #[test]
    fn the_default_model_comes_first_and_its_default_image_too() {
        let root = project();
        fetch(&root);
        let list = list(root.path()).expect("a list");
        assert_eq!(list["models"].as_array().map(Vec::len), Some(2));
        let [first, second] = [&list["models"][0], &list["models"][1]];
        assert_eq!((&first["id"], &second["id"]), (&json!(DEFAULT), &json!("aaa")));
        assert_eq!(first["bytes"], SMALL.len());
        assert_eq!(first["sha256"], sha256(SMALL));
        assert_eq!(second["sha256"], sha256(LARGE));
        let samples = json!([
            { "file": "samples/b_1.png", "label": "yield" },
            { "file": "samples/a_0.png", "label": "stop" },
        ]);
        assert_eq!(first["samples"], samples);
    }

    #[test]
    fn the_list_of_this_project_begins_with_a_stop_sign() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the project's folder");
        let list = list(root).expect("a list");
        let first = &list["models"][0];
        assert_eq!(first["id"], DEFAULT);
        assert_eq!(first["samples"].as_array().map(Vec::len), Some(16));
        assert_eq!(first["samples"][0], json!({ "file": "samples/sign_00_14.png", "label": "stop" }));
    }

    #[test]
    fn a_damaged_model_of_the_repository_is_an_error() {
        let root = project();
        put(&root, &format!("models/{DEFAULT}/{DEFAULT}.bpk"), b"weighty");
        let error = write(root.path()).expect_err("it is damaged").to_string();
        assert!(error.contains("git restore"), "{error}");
    }

    #[test]
    fn a_model_is_there_when_every_file_is_whole() {
        let root = project();
        assert!(!has(root.path(), "aaa"));
        fetch(&root);
        assert!(has(root.path(), "aaa"));
        put(&root, "models/aaa/samples/a_0.png", b"im");
        assert!(!has(root.path(), "aaa"));
        assert!(!has(root.path(), "none"));
    }

    #[test]
    fn a_fetched_model_appears_on_the_page() {
        let root = project();
        let page = root.path().join("dist");
        write(root.path()).expect("written");
        assert!(!publish(root.path(), &page).expect("published"), "there is no page");
        put(&root, &format!("dist/models/{INDEX}"), &fs::read(root.path().join("models").join(INDEX)).expect("a list"));
        assert!(!publish(root.path(), &page).expect("published"), "the page is up to date");
        fetch(&root);
        write(root.path()).expect("written");
        assert!(publish(root.path(), &page).expect("published"));
        assert_eq!(fs::read(page.join("models/aaa/aaa.bpk")).expect("the model"), LARGE);
        assert_eq!(fs::read(page.join("models/aaa/samples/b_1.png")).expect("an image"), IMAGE);
        assert!(fs::read_to_string(page.join("models").join(INDEX)).expect("the list").contains("aaa"));
        assert!(!publish(root.path(), &page).expect("published"));
    }
}
