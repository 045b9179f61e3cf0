//! The files that MODEL, IMAGE and DATA name: on disk, or part of the program.
//!
//! A path that exists is taken as it is. Another one, if it is relative, is looked for in the folders of models and then
//! among the built-in files, so that a model's id, `ID/NAME` for a sample image and `ID/samples` for all of them mean the
//! same in every working folder.

use std::path::{Component, Path, PathBuf};

use super::built_in::BuiltIn;
use super::read;
use crate::zoo::{Manifest, Samples};
use crate::{Error, Result};

/// The variable that names the folder of models. With it, no other folder is looked into.
const VARIABLE: &str = "FAULTSCOPE_MODELS";

/// The folder of models in the working folder.
const HERE: &str = "models";

/// Extensions of model files, for folders that no manifest describes.
const EXTENSIONS: [&str; 6] = ["bpk", "safetensors", "onnx", "keras", "h5", "hdf5"];

/// A file that the user named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A file on disk.
    Disk(PathBuf),
    /// A file that is part of the program.
    BuiltIn(BuiltIn),
}

impl Found {
    /// Path of the file; of a built-in file the path below the folder of models.
    pub fn path(&self) -> &Path {
        match self {
            Self::Disk(path) => path,
            Self::BuiltIn(file) => Path::new(file.path),
        }
    }

    /// Returns the size in bytes; 0 if the operating system does not tell, which reading reports.
    pub fn size(&self) -> u64 {
        match self {
            Self::Disk(path) => std::fs::metadata(path).map_or(0, |file| file.len()),
            Self::BuiltIn(file) => file.bytes.len() as u64,
        }
    }

    /// Reads the file.
    ///
    /// # Errors
    /// If the operating system refuses.
    pub fn read(&self) -> Result<Vec<u8>> {
        match self {
            Self::Disk(path) => read::bytes(path),
            Self::BuiltIn(file) => Ok(file.bytes.to_vec()),
        }
    }
}

/// Data that the user named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FoundData {
    /// A file or folder on disk.
    Disk(PathBuf),
    /// The sample images that are part of the program.
    BuiltIn(Vec<BuiltIn>),
}

/// Finds the file that MODEL names: a path, or the id of a model.
///
/// # Errors
/// If there is none. The message says how to fetch a known model that is not there yet.
pub fn model(name: &str) -> Result<Found> {
    Places::from_environment().model(name)
}

/// Returns the name under which the model file is found that a campaign calls `path`. Where a relative path leads nowhere, as in
/// another folder than that of the campaign, its last two parts are looked for among the models: the folder is a model's id.
///
/// # Errors
/// If there is none, as [`model`].
pub fn again(path: &str) -> Result<String> {
    Places::from_environment().again(path)
}

/// Finds the file that IMAGE names: a path, or `ID/NAME` for a sample image of a model.
///
/// # Errors
/// If there is none.
pub fn image(name: &Path) -> Result<Found> {
    Places::from_environment().image(name)
}

/// Finds the file or folder that DATA names: a path, or `ID/samples` for all sample images of a model.
///
/// # Errors
/// If there is none.
pub fn data(name: &Path) -> Result<FoundData> {
    Places::from_environment().data(name)
}

/// The names of the sample images of the model `id`, for [`image`]; the image to show first is the first. Empty if the
/// model is unknown or has none.
pub fn samples(id: &str) -> Vec<PathBuf> {
    let Some((_, Samples { images, default, .. })) = samples_of(id) else { return Vec::new() };
    let mut names: Vec<_> = images.into_iter().map(|image| image.file).collect();
    names.sort_by_key(|name| *name != default);
    names.into_iter().map(|name| Path::new(id).join(name)).collect()
}

/// The folder that `faultscope fetch` writes the model `id` to: the folder that the environment names, or `models` in the
/// working folder if it is the project's own, or the user's folder of models.
///
/// # Errors
/// If the system has no folder for the user's data.
pub fn folder_to_fill(id: &str) -> Result<PathBuf> {
    if let Some(folder) = of_environment() {
        return Ok(folder);
    }
    let here = PathBuf::from(HERE);
    if here.join(id).join("manifest.toml").is_file() {
        return Ok(here);
    }
    of_user().ok_or_else(|| {
        Error::request("the folder for the user's data is unknown, since HOME is not set; --into DIR names another one")
    })
}

fn of_environment() -> Option<PathBuf> {
    std::env::var_os(VARIABLE).filter(|folder| !folder.is_empty()).map(PathBuf::from)
}

fn of_user() -> Option<PathBuf> {
    dirs::data_dir().map(|folder| folder.join("faultscope/models"))
}

/// The folders of models, in the order of search.
#[derive(Debug)]
struct Places(Vec<PathBuf>);

impl Places {
    fn from_environment() -> Self {
        Self(match of_environment() {
            Some(folder) => vec![folder],
            None => [Some(PathBuf::from(HERE)), of_user()].into_iter().flatten().collect(),
        })
    }

    fn model(&self, name: &str) -> Result<Found> {
        let path = Path::new(name);
        if path.is_file() {
            return Ok(Found::Disk(path.to_owned()));
        }
        if path.is_dir() {
            return match in_folder(path)? {
                Some(file) => Ok(Found::Disk(file)),
                None => Err(not_fetched(name, &last_part(path))),
            };
        }
        if let Some(found) = self.below(path) {
            return Ok(found);
        }
        for folder in self.candidates(path).filter(|folder| folder.is_dir()) {
            if let Some(file) = in_folder(&folder)? {
                return Ok(Found::Disk(file));
            }
        }
        if let Ok(manifest) = Manifest::builtin(name) {
            let file = BuiltIn::file(&path.join(manifest.file));
            return file.map(Found::BuiltIn).ok_or_else(|| not_fetched(name, name));
        }
        let known: Vec<_> = Manifest::builtin_ids().collect();
        let folders: Vec<_> = self.0.iter().map(|folder| folder.display().to_string()).collect();
        Err(Error::input(
            name,
            format_args!(
                "there is no such file, nor a model of that name in {}; known models are {}",
                folders.join(" or "),
                known.join(", ")
            ),
        ))
    }

    fn again(&self, path: &str) -> Result<String> {
        // An architecture with random weights has no file.
        if path.starts_with("zoo:") {
            return Ok(path.to_owned());
        }
        let missing = match self.model(path) {
            Ok(_) => return Ok(path.to_owned()),
            Err(missing) => missing,
        };
        let parts: Vec<_> = Path::new(path).components().collect();
        let last: PathBuf = parts[parts.len().saturating_sub(2)..].iter().collect();
        let found = self.below(&last).and_then(|_| last.to_str().map(str::to_owned));
        found.ok_or(missing)
    }

    fn image(&self, name: &Path) -> Result<Found> {
        if name.exists() {
            return Ok(Found::Disk(name.to_owned()));
        }
        let shown = name.display().to_string();
        let model = model_of(name);
        let sample = model.as_ref().and_then(|(id, samples, rest)| {
            let file = rest.strip_prefix(&samples.folder).unwrap_or(rest);
            Some(Path::new(id).join(&samples.folder).join(file)).filter(|_| file.components().count() == 1)
        });
        if let Some(found) = self.below(name).or_else(|| self.below(&sample?)) {
            return Ok(found);
        }
        let Some((id, samples, _)) = model else { return Err(Error::input(shown, "there is no such file")) };
        let known = samples.images.iter().any(|image| name.ends_with(&image.file));
        if known {
            return Err(not_fetched(&shown, &id));
        }
        let names: Vec<_> = samples.images.iter().map(|image| image.file.as_str()).collect();
        let problem = format!("there is no such file; the sample images of {id} are {}", names.join(", "));
        Err(Error::input(shown, problem))
    }

    fn data(&self, name: &Path) -> Result<FoundData> {
        if name.exists() {
            return Ok(FoundData::Disk(name.to_owned()));
        }
        if let Some(path) = self.candidates(name).find(|path| path.exists()) {
            return Ok(FoundData::Disk(path));
        }
        let shown = name.display().to_string();
        let Some((id, samples, rest)) = model_of(name) else {
            return Err(Error::input(shown, "there is no such file or folder"));
        };
        let folder = Path::new(&id).join(&samples.folder);
        if rest != Path::new(&samples.folder) {
            let folder = folder.display();
            return Err(Error::input(
                shown,
                format_args!("there is no such file or folder; the sample images are {folder}"),
            ));
        }
        if let Some(path) = self.candidates(&folder).find(|path| path.exists()) {
            return Ok(FoundData::Disk(path));
        }
        match BuiltIn::folder(&folder) {
            files if files.is_empty() => Err(not_fetched(&shown, &id)),
            files => Ok(FoundData::BuiltIn(files)),
        }
    }

    /// The file at `path` below a folder of models, or of the program.
    fn below(&self, path: &Path) -> Option<Found> {
        let on_disk = self.candidates(path).find(|path| path.is_file()).map(Found::Disk);
        on_disk.or_else(|| BuiltIn::file(path).map(Found::BuiltIn))
    }

    /// `path` below each folder of models; none if `path` could lead out of the folder.
    fn candidates(&self, path: &Path) -> impl Iterator<Item = PathBuf> {
        let inside =
            path.components().count() > 0 && path.components().all(|part| matches!(part, Component::Normal(_)));
        self.0.iter().filter(move |_| inside).map(move |folder| folder.join(path))
    }
}

/// The sample images of the known model whose id is the first part of `path`: the model that has them, the images, and
/// the rest of the path.
fn model_of(path: &Path) -> Option<(String, Samples, PathBuf)> {
    let mut parts = path.components();
    let (id, samples) = samples_of(parts.next()?.as_os_str().to_str()?)?;
    Some((id, samples, parts.as_path().to_owned()))
}

/// The sample images of the model `id`, and the model that has them: another one if `id` shares its images.
fn samples_of(id: &str) -> Option<(String, Samples)> {
    let manifest = Manifest::builtin(id).ok()?;
    let owner = match &manifest.samples_of {
        Some(other) => Manifest::builtin(other).ok()?,
        None => manifest,
    };
    Some((owner.id, owner.samples?))
}

fn last_part(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn not_fetched(name: &str, id: &str) -> Error {
    let model = Manifest::builtin(id).map_or_else(|_| id.to_owned(), |manifest| manifest.name);
    Error::input(name, format_args!("{model} is not here yet; `faultscope fetch {id}` gets it"))
}

/// The model file in a model's folder; `None` if the folder is that of a known model that was not fetched.
fn in_folder(folder: &Path) -> Result<Option<PathBuf>> {
    if let Ok(manifest) = Manifest::builtin(&last_part(folder)) {
        return Ok(Some(folder.join(&manifest.file)).filter(|file| file.is_file()));
    }
    let entries = std::fs::read_dir(folder).map_err(|error| Error::io(folder.display(), error))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|file| {
            let extension = file.extension().and_then(|extension| extension.to_str());
            file.is_file() && extension.is_some_and(|extension| EXTENSIONS.contains(&extension))
        })
        .collect();
    let problem = match (files.pop(), files.len()) {
        (Some(file), 0) => return Ok(Some(file)),
        (None, _) => "the folder holds no model file (.bpk, .safetensors, .onnx, .keras, .h5 or .hdf5)".to_owned(),
        (Some(_), more) => format!("the folder holds {} model files; name one of them", more + 1),
    };
    Err(Error::input(folder.display().to_string(), problem))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(path: &Path) {
        std::fs::create_dir_all(path.parent().expect("a file in a folder")).expect("a temporary folder");
        std::fs::write(path, b"").expect("a temporary file");
    }

    /// Two folders of models.
    fn places() -> (tempfile::TempDir, [PathBuf; 2], Places) {
        let temporary = tempfile::tempdir().expect("a temporary folder");
        let folders = ["here", "user"].map(|name| temporary.path().join(name));
        let places = Places(folders.to_vec());
        (temporary, folders, places)
    }

    #[test]
    fn a_model_is_a_file_a_folder_or_an_id() {
        let (_temporary, [models, user], places) = places();
        let own = models.join("own/net.onnx");
        let lite = models.join("efficientnet-lite0/efficientnet-lite0.bpk");
        touch(&own);
        touch(&lite);
        touch(&models.join("own/notes.txt"));
        let locate = |model: &str| places.model(model).map(|found| found.path().to_owned());
        assert_eq!(locate(own.to_str().expect("unicode")).expect("a path"), own);
        assert_eq!(locate(own.parent().and_then(Path::to_str).expect("unicode")).expect("a folder"), own);
        assert_eq!(locate("own").expect("an id"), own);
        assert_eq!(locate("own/net.onnx").expect("a path below the folder of models"), own);
        assert_eq!(locate("efficientnet-lite0").expect("an id of the zoo"), lite);
        std::fs::remove_file(&lite).expect("a file");
        touch(&models.join("efficientnet-lite0/manifest.toml"));
        let fetched = user.join("efficientnet-lite0/efficientnet-lite0.bpk");
        touch(&fetched);
        assert_eq!(locate("efficientnet-lite0").expect("an id of the zoo"), fetched);
    }

    #[test]
    fn the_model_of_a_campaign_is_found_from_another_folder() {
        let (_temporary, [models, _], places) = places();
        let built_in = "gtsrb-resnet8/gtsrb-resnet8.bpk";
        for path in [built_in, "gone/gtsrb-resnet8/gtsrb-resnet8.bpk", "/gone/gtsrb-resnet8/gtsrb-resnet8.bpk"] {
            assert_eq!(places.again(path).expect("it is part of the program"), built_in);
        }
        let own = models.join("own/net.onnx");
        touch(&own);
        assert_eq!(places.again("models/own/net.onnx").expect("below the folder of models"), "own/net.onnx");
        assert_eq!(places.again("zoo:resnet20").expect("an architecture"), "zoo:resnet20");
        let error = places.again("models/gone/net.onnx").expect_err("there is none").to_string();
        assert!(error.starts_with("models/gone/net.onnx: there is no such file"), "{error}");
    }

    #[test]
    fn the_built_in_network_is_found_without_a_folder() {
        let (_temporary, [models, _], places) = places();
        let network = places.model("gtsrb-resnet8").expect("it is part of the program");
        assert_eq!(network.path(), Path::new("gtsrb-resnet8/gtsrb-resnet8.bpk"));
        assert!(network.read().expect("bytes").len() > 1_000_000);
        assert_eq!(places.model("gtsrb-resnet8/gtsrb-resnet8.bpk").expect("its path in a record"), network);
        assert_eq!(places.model("gtsrb-vit").expect("so is this").path(), Path::new("gtsrb-vit/gtsrb-vit.bpk"));
        let on_disk = models.join("gtsrb-resnet8/gtsrb-resnet8.bpk");
        touch(&on_disk);
        assert_eq!(places.model("gtsrb-resnet8").expect("a file"), Found::Disk(on_disk), "a file on disk comes first");
    }

    #[test]
    fn a_sample_image_is_found_by_model_and_name() {
        let (_temporary, [_, user], places) = places();
        let built_in = places.image(Path::new("gtsrb-resnet8/sign_00_14.png")).expect("it is part of the program");
        assert_eq!(built_in.path(), Path::new("gtsrb-resnet8/samples/sign_00_14.png"));
        assert_eq!(places.image(built_in.path()).expect("its whole path"), built_in);
        let FoundData::BuiltIn(all) = places.data(Path::new("gtsrb-resnet8/samples")).expect("built in") else {
            panic!("no folder holds them")
        };
        assert_eq!(all.len(), 16);
        assert_eq!(samples("gtsrb-resnet8").len(), 16);
        assert_eq!(samples("gtsrb-resnet8")[0], Path::new("gtsrb-resnet8/sign_00_14.png"));
        assert!(samples("net.onnx").is_empty());

        let photo = user.join("efficientnet-lite0/samples/imagenet_00_243.jpg");
        let name = Path::new("efficientnet-lite0/imagenet_00_243.jpg");
        let error = places.image(name).expect_err("it was not fetched").to_string();
        assert!(error.contains("`faultscope fetch efficientnet-lite0` gets it"), "{error}");
        touch(&photo);
        assert_eq!(places.image(name).expect("fetched"), Found::Disk(photo));
        let folder = FoundData::Disk(user.join("efficientnet-lite0/samples"));
        assert_eq!(places.data(Path::new("efficientnet-lite0/samples")).expect("fetched"), folder);
    }

    #[test]
    fn the_images_of_another_model_go_by_either_id() {
        let (_temporary, [models, _], places) = places();
        let of = |id: &str| {
            let images =
                ["sign_00_14.png", "samples/sign_00_14.png"].map(|file| places.image(&Path::new(id).join(file)));
            (images, places.data(&Path::new(id).join("samples")))
        };
        let same = || {
            let (own, shared) = (of("gtsrb-resnet8"), of("gtsrb-vit"));
            let [one, whole] = shared.0.map(|image| image.expect("an image"));
            assert_eq!(one, whole);
            assert_eq!(own.0.map(|image| image.expect("an image")), [one.clone(), one]);
            let data = shared.1.expect("images");
            assert_eq!(own.1.expect("images"), data);
            data
        };
        assert!(matches!(same(), FoundData::BuiltIn(files) if files.len() == 16));
        touch(&models.join("gtsrb-resnet8/samples/sign_00_14.png"));
        assert_eq!(same(), FoundData::Disk(models.join("gtsrb-resnet8/samples")));
        assert_eq!(samples("gtsrb-vit").len(), 16);
        assert_eq!(samples("gtsrb-vit")[0], Path::new("gtsrb-vit/sign_00_14.png"));
        let error = places.image(Path::new("gtsrb-vit/sign.png")).expect_err("no such image").to_string();
        assert!(error.contains("the sample images of gtsrb-resnet8 are sign_00_14.png, "), "{error}");
    }

    #[test]
    fn an_error_says_what_is_missing_and_what_to_do() {
        let (_temporary, [models, _], places) = places();
        touch(&models.join("two/a.onnx"));
        touch(&models.join("two/b.bpk"));
        touch(&models.join("none/readme.md"));
        let error = |model: &str| places.model(model).expect_err(model).to_string();
        assert!(error("efficientnet-lite0").contains("`faultscope fetch efficientnet-lite0` gets it"));
        assert!(error("two").contains("2 model files"));
        assert!(error("none").contains("no model file"));
        assert!(error("resnet").contains("known models are gtsrb-resnet8, gtsrb-vit, efficientnet-lite0"));
        assert!(error("missing/net.onnx").starts_with("missing/net.onnx: there is no such file"));
        assert!(error("../here/two/a.onnx").contains("there is no such file"), "a path does not leave the folder");
        let above = models.join("none/..");
        assert!(
            error(above.to_str().expect("unicode")).contains("no model file"),
            "what lies above is none of its own"
        );
        let image = |name: &str| places.image(Path::new(name)).expect_err(name).to_string();
        assert_eq!(image("missing.png"), "missing.png: there is no such file");
        assert!(image("gtsrb-resnet8/sign.png").contains("the sample images of gtsrb-resnet8 are sign_00_14.png, "));
        let data = |name: &str| places.data(Path::new(name)).expect_err(name).to_string();
        assert_eq!(data("missing"), "missing: there is no such file or folder");
        assert!(data("gtsrb-resnet8/images").contains("the sample images are gtsrb-resnet8/samples"));
        assert!(data("efficientnet-lite0/samples").contains("`faultscope fetch efficientnet-lite0` gets it"));
    }
}
