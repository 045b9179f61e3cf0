//! The catalogue of the models that are at hand: `models/index.json`, which `faultscope fetch` writes and the page reads.

use serde::{Deserialize, Serialize};

/// The models in a `models` folder, as its `index.json` lists them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalogue {
    /// The models, the default one first.
    pub models: Vec<CatalogueEntry>,
}

/// A model of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogueEntry {
    /// Its folder, and its id in links.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The model file in its folder.
    pub file: String,
    /// One line about it.
    #[serde(default)]
    pub description: String,
    /// Size of the model file.
    #[serde(default)]
    pub bytes: Option<u64>,
    /// Its SHA-256, in hexadecimal.
    #[serde(default)]
    pub sha256: Option<String>,
    /// Images to try it on, in its folder; the default one first.
    #[serde(default)]
    pub samples: Vec<CatalogueSample>,
}

/// An image that comes with a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogueSample {
    /// The file, below the model's folder.
    pub file: String,
    /// What it shows.
    #[serde(default)]
    pub label: String,
}
