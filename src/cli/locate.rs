//! From what a user writes for MODEL to a file.

use std::path::{Path, PathBuf};

use crate::zoo::Manifest;
use crate::{Error, Result};

/// Names the folder of models, where it is not `models` in the working folder.
pub const MODELS_VARIABLE: &str = "FAULTSCOPE_MODELS";

/// Extensions of model files, for folders that no manifest describes.
const EXTENSIONS: [&str; 6] = ["bpk", "safetensors", "onnx", "keras", "h5", "hdf5"];

/// The folder of models: what [`MODELS_VARIABLE`] says; else `models` in the working folder; else the one of the
/// checkout that the running program was built in. It need not exist.
pub fn models_folder() -> PathBuf {
    if let Some(folder) = std::env::var_os(MODELS_VARIABLE).filter(|folder| !folder.is_empty()) {
        return folder.into();
    }
    let here = PathBuf::from("models");
    if here.is_dir() {
        return here;
    }
    let program = std::env::current_exe().unwrap_or_default();
    let checkout = program.ancestors().skip(1).find(|folder| {
        folder.join("Cargo.toml").is_file() && folder.join("models/efficientnet-lite0/manifest.toml").is_file()
    });
    checkout.map_or(here, |folder| folder.join("models"))
}

/// The file that MODEL means: a path, or the id of a folder in [`models_folder`].
///
/// # Errors
/// Where there is neither; the message says how to fetch a model that is known but not there yet.
pub fn locate(model: &str) -> Result<PathBuf> {
    locate_in(model, &models_folder())
}

fn locate_in(model: &str, models: &Path) -> Result<PathBuf> {
    let path = Path::new(model);
    if path.is_file() {
        return Ok(path.to_owned());
    }
    if path.is_dir() {
        return in_folder(model, path);
    }
    let folder = models.join(path);
    let is_id = path.components().count() == 1;
    if is_id && (folder.is_dir() || Manifest::builtin(model).is_ok()) {
        return in_folder(model, &folder);
    }
    let known: Vec<_> = Manifest::builtin_ids().collect();
    Err(Error::input(
        model,
        format_args!(
            "there is no such file, nor a model of that name in {}; known models are {}",
            models.display(),
            known.join(", ")
        ),
    ))
}

/// The model file in a model's folder.
fn in_folder(model: &str, folder: &Path) -> Result<PathBuf> {
    let id = folder.file_name().and_then(|name| name.to_str()).unwrap_or(model);
    if let Ok(manifest) = Manifest::builtin(id) {
        let file = folder.join(&manifest.file);
        if file.is_file() {
            return Ok(file);
        }
        return Err(Error::input(
            file.display().to_string(),
            format_args!("{} is not here yet; `faultscope fetch {id}` gets it", manifest.name),
        ));
    }
    let entries = std::fs::read_dir(folder).map_err(|error| Error::io(folder.display(), error))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|file| {
            let extension = file.extension().and_then(|extension| extension.to_str());
            file.is_file() && extension.is_some_and(|extension| EXTENSIONS.contains(&extension))
        })
        .collect();
    match (files.pop(), files.len()) {
        (Some(file), 0) => Ok(file),
        (None, _) => {
            Err(Error::input(model, "the folder holds no model file (.bpk, .safetensors, .onnx, .keras, .h5 or .hdf5)"))
        }
        (Some(_), more) => {
            Err(Error::input(model, format_args!("the folder holds {} model files; name one of them", more + 1)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(path: &Path) {
        std::fs::create_dir_all(path.parent().expect("a file in a folder")).expect("a temporary folder");
        std::fs::write(path, b"").expect("a temporary file");
    }

    #[test]
    fn a_model_is_a_file_a_folder_or_an_id() {
        let temporary = tempfile::tempdir().expect("a temporary folder");
        let models = temporary.path();
        let own = models.join("own/net.onnx");
        let lite = models.join("efficientnet-lite0/efficientnet-lite0.bpk");
        touch(&own);
        touch(&lite);
        touch(&models.join("own/notes.txt"));
        let locate = |model: &str| locate_in(model, models);
        assert_eq!(locate(own.to_str().expect("unicode")).expect("a path"), own);
        assert_eq!(locate(own.parent().and_then(Path::to_str).expect("unicode")).expect("a folder"), own);
        assert_eq!(locate("own").expect("an id"), own);
        assert_eq!(locate("efficientnet-lite0").expect("an id of the zoo"), lite);
    }

    #[test]
    fn what_is_missing_is_named_with_what_to_do() {
        let temporary = tempfile::tempdir().expect("a temporary folder");
        let models = temporary.path();
        touch(&models.join("two/a.onnx"));
        touch(&models.join("two/b.bpk"));
        touch(&models.join("none/readme.md"));
        let error = |model: &str| locate_in(model, models).expect_err(model).to_string();
        assert!(error("efficientnet-lite0").contains("`faultscope fetch efficientnet-lite0` gets it"));
        assert!(error("two").contains("2 model files"));
        assert!(error("none").contains("no model file"));
        assert!(error("resnet").contains("known models are gtsrb-resnet8, efficientnet-lite0"));
        assert!(error("missing/net.onnx").starts_with("missing/net.onnx: there is no such file"));
        let above = models.join("none/..");
        assert!(
            error(above.to_str().expect("unicode")).contains("no model file"),
            "what lies above is none of its own"
        );
    }
}
