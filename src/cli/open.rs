//! Opens the models, images, groupings and devices that the user names.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use facts::limits;

use super::args::{ModelArguments, PreprocessArguments, StatementArguments};
use super::beside::Folder;
use super::locate;
use super::read;
use super::write::sha256;
use crate::campaign::Lab;
use crate::data::{Classes, Image};
use crate::exec::Footprint;
use crate::graph::HostTensor;
use crate::import::{self, Statements};
use crate::labels::Grouping;
use crate::model::Model;
use crate::platform::DeviceChoice;
use crate::zoo::Architecture;
use crate::{Error, Result};

/// The beginning of a MODEL that is an architecture with random weights.
const ZOO: &str = "zoo:";
/// Seed of the random weights.
const SEED: u64 = 0;

/// A model file in memory, or an architecture that needs none.
#[derive(Debug)]
pub struct ModelFile {
    /// Path of the file, or the name that the user gave.
    pub path: PathBuf,
    bytes: Vec<u8>,
    architecture: Option<&'static Architecture>,
    /// What the user says about the file.
    stated: Statements,
    /// Number of classes, if the weights are random.
    random: Option<usize>,
    /// The files beside it.
    folder: Arc<Folder>,
}

impl ModelFile {
    /// Reads the model that the user calls `name`: a path, the id of a model, or `zoo:ID[:CLASSES]`, an architecture
    /// with random weights. `architecture` is the architecture of a weights-only file.
    pub fn read(name: &str, architecture: Option<&'static Architecture>) -> Result<Self> {
        if let Some(id) = name.strip_prefix(ZOO) {
            return match architecture {
                None => Self::random(name, id),
                Some(_) => Err(Error::input(name, "the model is an architecture itself; leave out --architecture")),
            };
        }
        let found = locate::model(name)?;
        import::check_memory(name, found.size())?;
        let (path, folder) = (found.path().to_owned(), Arc::new(Folder::of(found.path())));
        Ok(Self { path, bytes: found.read()?, architecture, stated: Statements::default(), random: None, folder })
    }

    /// Takes the user's statements about the file.
    pub fn stated_by(self, stated: Statements) -> Self {
        Self { stated, ..self }
    }

    /// Returns an architecture with random weights. `id` is `name` without its beginning.
    fn random(name: &str, id: &str) -> Result<Self> {
        let (id, classes) = match id.split_once(':') {
            None => (id, None),
            Some((id, classes)) => {
                let classes = classes.parse::<usize>().map_err(|_| {
                    Error::input(name, format_args!("a number of classes is expected, found \"{classes}\""))
                })?;
                (id, Some(classes))
            }
        };
        let architecture = Architecture::of(id).map_err(|error| error.concerning(name))?;
        let classes = classes.unwrap_or(architecture.classes());
        // The configuration stands for the model in its SHA-256.
        let bytes = architecture.config(classes).map_err(|error| error.concerning(name))?.into_bytes();
        let folder = Arc::new(Folder::of(Path::new(name)));
        let (architecture, random) = (Some(architecture), Some(classes));
        Ok(Self { path: name.into(), bytes, architecture, stated: Statements::default(), random, folder })
    }

    /// Returns the bytes of the file, or the configuration of an architecture.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether the graph is that of an architecture, and not of the file.
    pub fn is_architecture(&self) -> bool {
        self.architecture.is_some()
    }

    /// Returns the SHA-256 of the bytes in hexadecimal, or that of the configuration if the weights are random.
    pub fn sha256(&self) -> String {
        sha256(&self.bytes)
    }

    /// Returns the files beside this one. Those with weights are known once the model is loaded.
    pub fn folder(&self) -> Arc<Folder> {
        Arc::clone(&self.folder)
    }

    /// Reads the model out of the bytes. The `arguments` replace the preprocessing of the file.
    pub fn load(self, arguments: &PreprocessArguments) -> Result<Model> {
        let name = self.path.display().to_string();
        self.import()?.preprocessed(&arguments.choice()).map_err(|error| error.concerning(&name))
    }

    /// Reads the model out of the bytes. What the file does not say about preprocessing stays open.
    pub fn import(self) -> Result<Model> {
        let name = self.path.display().to_string();
        let stated = &self.stated;
        match (self.architecture, self.random) {
            (Some(architecture), Some(classes)) => {
                eprintln!("{name}: the weights are random, and so are the predictions");
                import::as_stated(&name, architecture.random(classes, SEED)?, stated)
            }
            (Some(architecture), None) => import::as_stated(&name, architecture.load(&name, self.bytes)?, stated),
            (None, _) => import::load_beside(&name, self.bytes, stated, self.folder),
        }
    }
}

/// Returns the grouping that the user calls `name`: a built-in one or a TOML file.
pub fn grouping(name: &str) -> Result<Grouping> {
    if Grouping::builtin_names().any(|known| known == name) {
        return Grouping::builtin(name);
    }
    if !Path::new(name).exists() {
        let known: Vec<_> = Grouping::builtin_names().collect();
        return Err(Error::input(
            name,
            format_args!("there is neither a file nor a grouping of this name; groupings are {}", known.join(", ")),
        ));
    }
    grouping_file(name)
}

/// Reads the grouping in the TOML file `name`.
pub fn grouping_file(name: &str) -> Result<Grouping> {
    Grouping::from_toml(name, &read::text(Path::new(name))?)
}

/// Returns the classes of `model`; without a model nothing is known of them.
pub fn classes(model: Option<&str>, file: &ModelArguments, stated: &StatementArguments) -> Result<Classes> {
    let stated = stated.statements();
    match model {
        Some(name) => {
            let file = ModelFile::read(name, file.architecture)?.stated_by(stated);
            Ok(classes_of(&file.load(&PreprocessArguments::default())?))
        }
        None if stated == Statements::default() => Ok(Classes::default()),
        None => Err(Error::request("--model-output and --input-size are about the model; --model is missing")),
    }
}

/// Returns the classes of `model`.
pub fn classes_of(model: &Model) -> Classes {
    Classes { names: model.card.labels.clone(), count: Some(model.classes()) }
}

/// Puts `model` on `device`. SCM follows `grouping` or, without one, the grouping of the model.
pub fn lab(model: Model, device: DeviceChoice, grouping: Option<Grouping>) -> Result<Lab> {
    let lab = pollster::block_on(Lab::open(model, device)).map_err(|error| match error {
        Error::Device { device, problem } => {
            Error::device(device, format_args!("{problem}; --device cpu computes on the processor"))
        }
        other => other,
    })?;
    match grouping {
        Some(grouping) => lab.with_grouping(grouping),
        None => Ok(lab),
    }
}

/// Checks that `runs` inferences at a time of `model`, which the user calls `name`, fit the memory that is allowed. `what` is
/// the subject of the message with its verb.
pub fn check_memory(name: &str, model: &Model, what: &str, runs: u64) -> Result<()> {
    Footprint::of(&model.graph, false).check(what, runs).map_err(|error| error.concerning(name))
}

/// Returns the number of runs of `model` that fit the memory together: at least the one that [`check_memory`] has checked.
pub fn runs_at_once(model: &Model) -> usize {
    let footprint = Footprint::of(&model.graph, false);
    let one = footprint.with_runs(1).saturating_sub(footprint.with_runs(0)).max(1);
    let free = limits::allowed().bytes().saturating_sub(footprint.with_runs(0));
    usize::try_from(free / one).unwrap_or(usize::MAX).max(1)
}

/// Makes the input of `model` from the image that the user calls `path`.
pub fn input(model: &Model, path: &Path) -> Result<HostTensor> {
    model.preprocess().apply(&image(path)?, model.input_shape())
}

/// Decodes the image that the user calls `path`.
pub fn image(path: &Path) -> Result<Image> {
    Image::decode(&path.display().to_string(), &locate::image(path)?.read()?)
}
