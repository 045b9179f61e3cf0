//! Keras models, from bytes: HDF5 files (`.h5`, Keras 2.0 to 3) and `.keras` archives (Keras 2.13 to 3).
//!
//! Sequential and functional models, and models inside models. One layer of `model.layers` is one layer here, under its
//! name and in its place, whatever it does at inference; a layer that does several things (convolution, bias and
//! activation) is one [`Op::Chain`](facts::graph::Op::Chain). The layers of a model inside a model stand in its place,
//! as `model.summary(expand_nested=True)` lists them, and are called `outer/inner`. A shared layer is one layer for
//! each call, all with the same weights: `conv`, `conv_1`; a later call stands right before the first layer that reads
//! it. As in Keras, a functional model's input layer is one of its layers and a sequential model's is not. A model has
//! one input; of several outputs one is the answer ([`facts::answer::select`]).
//!
//! Images are stored channels first and shown as Keras lays them out ([`Layout`](facts::graph::Layout)): shapes are
//! N x H x W x C, and element indices count that way. So do the kernels' (H x W x I x O). Everything is computed in
//! float32, whatever policy the file states. What cannot be executed is refused with the layer's name and class.

mod archive;
mod array;
mod config;
mod draft;
mod hdf5;
mod known;
mod layers;
mod network;
mod settings;
mod weights;

pub use weights::Weights;

use facts::Named;
use facts::data::{FirstLayers, InputSize};
use facts::graph::Graph;
use facts::model::{Card, Model};
use facts::{Error, Result};
use serde_json::Value;

use self::config::Network;
use super::Statements;
use crate::zoo::{Application, Architecture};

/// Whether `bytes` begin like an HDF5 file.
pub fn is_hdf5(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x89HDF\r\n\x1a\n")
}

/// Whether `bytes` begin like a ZIP archive, which `.keras` files are.
pub fn is_archive(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04")
}

/// An image classifier from the bytes of an HDF5 file or a `.keras` archive; `name` is the file's, for messages and
/// for the model. Where an HDF5 file holds weights only, its name tells the architecture ([`Architecture::of_file`]).
///
/// # Errors
/// Where the file is damaged or holds no model, the model has a layer that is not supported, its weights do not fit, or
/// it is no image classifier. The error names the file and, where there is one, the layer.
///
/// # Examples
/// ```
/// let error = faultscope_engine::import::keras::import("cat.h5", b"not a model".to_vec()).unwrap_err();
/// assert!(error.to_string().starts_with("cat.h5: "));
/// ```
pub fn import(name: &str, bytes: Vec<u8>) -> Result<Model> {
    import_stated(name, bytes, &Statements::default())
}

/// As [`import`], with what the user says about the file. A network of `keras.applications` is recognised
/// ([`Application::like`]), and preprocessed as its weights alone are.
///
/// # Errors
/// As [`import`], or where a statement does not fit the file.
pub fn import_stated(name: &str, bytes: Vec<u8>, stated: &Statements) -> Result<Model> {
    match contents(name, bytes, stated.input_size)? {
        Contents::Network(graph, halves) => {
            let mut card = Card { name: super::stem(name).to_owned(), ..Card::default() };
            if halves {
                card.notices.push(HALVES.to_owned());
            }
            if let Some(known) = Application::like(&graph) {
                let preprocess = known.preprocess();
                card.notices.push(format!(
                    "the network is {} of keras.applications, and gets its preprocessing: {preprocess}",
                    known.name
                ));
                card.preprocess = Some(preprocess);
            } else if let Some(known) = Application::namesake(&graph).filter(|_| FirstLayers::of(&graph).is_none()) {
                card.notices.push(format!(
                    "the network is called \"{}\", as {} of keras.applications, and has other layers or classes; if its images \
                     went through the same preprocess_input, --preprocess {} says so",
                    graph.name,
                    known.name,
                    known.normalise.name()
                ));
            }
            Model::with_output(graph, card, stated.output.as_deref())
                .and_then(|model| model.decided_at(stated.threshold))
                .map_err(|error| error.concerning(name))
        }
        Contents::Weights(weights) => {
            super::as_stated(name, Architecture::of_file(name)?.with_weights(name, &weights)?, stated)
        }
    }
}

/// The network of a file that is more than weights, with all its outputs, whatever they mean.
///
/// # Errors
/// As [`import`], but any network of one input will do.
pub fn graph(name: &str, bytes: Vec<u8>) -> Result<Graph> {
    match contents(name, bytes, None)? {
        Contents::Network(graph, _) => Ok(graph),
        Contents::Weights(_) => Err(Error::input(name, "the file holds weights only, and no network")),
    }
}

/// The notice about weights in float16.
const HALVES: &str = "weights are stored in float16; the network computes in float32 with the same values";

/// What a file holds.
enum Contents {
    /// The network; whether weights in float16 were read for it.
    Network(Graph, bool),
    Weights(Weights),
}

fn contents(name: &str, bytes: Vec<u8>, size: Option<InputSize>) -> Result<Contents> {
    let (config, keras, weights) = if is_archive(&bytes) {
        let archive = archive::open(bytes).map_err(|error| Error::input(name, error))?;
        // A model of another kind has weights of another kind, too: what it is says more.
        let config = Config::read(name, &archive.config)?;
        (config, archive.keras, Weights::open(name, archive.weights)?)
    } else {
        let weights = Weights::open(name, bytes)?;
        let config = weights.attribute("model_config")?;
        refuse_backend(name, &weights)?;
        let Some(config) = config else { return Ok(Contents::Weights(weights)) };
        (Config::read(name, &config)?, weights.attribute("keras_version")?, weights)
    };
    let graph = config.graph(name, keras.as_deref(), &weights, size)?;
    Ok(Contents::Network(graph, weights.has_halves()))
}

/// The network that `config` describes, with `weights`: for weights that come in a file of their own.
///
/// `config` is the JSON that `model.to_json()` gives, or a whole model file's `model_config` or `config.json`; `name`
/// is what messages call it. The weights may come from any file of Keras' ([`Weights::open`]) and are matched as Keras
/// matches them, by order: the layers of the model that have weights with those of the file in the older format, the
/// layers of each class in Keras 3's. The model's layers may have other names than the file's. Where `config` states no
/// `keras_version`, it is taken for Keras 3's.
///
/// # Errors
/// Where the configuration cannot be read or has a layer that is not supported, or where the weights do not fit it: in
/// number, or in the shape of one of them. The error names `name` and the layer.
pub fn build(name: &str, config: &str, weights: &Weights) -> Result<Graph> {
    Config::read(name, config)?.graph(name, None, weights, None)
}

/// A model's configuration.
struct Config {
    /// The network that it describes.
    network: Network,
    /// The version of Keras that it states.
    keras: Option<String>,
}

impl Config {
    fn read(name: &str, config: &str) -> Result<Self> {
        let model: Value = serde_json::from_str(config)
            .map_err(|error| Error::input(name, format_args!("the model's configuration cannot be read: {error}")))?;
        let network = Network::new(&model).map_err(|error| Error::input(name, error))?;
        let keras = model.get("keras_version").and_then(Value::as_str).map(str::to_owned);
        Ok(Self { network, keras })
    }

    /// The graph with `weights`, of the version `keras` where the file states one beside its configuration.
    fn graph(&self, name: &str, keras: Option<&str>, weights: &Weights, size: Option<InputSize>) -> Result<Graph> {
        let keras = keras.or(self.keras.as_deref());
        let major = keras.and_then(|version| version.split('.').next()?.parse().ok()).unwrap_or(3);
        network::graph(&self.network, major, weights, size).map_err(|error| error.in_file(name))
    }
}

/// Theano turned kernels round; its models would need theirs turned back.
fn refuse_backend(name: &str, weights: &Weights) -> Result<()> {
    match weights.attribute("backend")?.as_deref() {
        Some("theano") => Err(Error::input(
            name,
            "the model was saved by Keras on Theano, whose kernels are turned round; load it in Keras on TensorFlow and save it again",
        )),
        _ => Ok(()),
    }
}
