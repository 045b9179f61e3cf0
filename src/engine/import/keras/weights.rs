//! The weights in an HDF5 file, and which layer each belongs to.
//!
//! Keras writes weights in two ways, and matches them to layers by order in both, because names of layers differ from
//! one construction of a model to the next:
//!
//! * The older one (`.h5`, and the weight files of `keras.applications`) has a group for each layer under its name, an
//!   attribute that lists the layers and, in each group, one that lists its tensors. The k-th layer with weights of
//!   the file belongs to the k-th layer with weights of the model.
//! * Keras 3's (`.keras`, `.weights.h5`) has a group for each layer under its class, counted: `layers/conv2d`,
//!   `layers/conv2d_1`, and in it `vars/0`, `vars/1`. The k-th convolution with weights of the file belongs to the k-th
//!   of the model.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use facts::graph::HostTensor;
use facts::{Error, Result};

use super::config::{Layer, Network};
use super::hdf5::Store;
use super::layers;
use super::settings::Settings;

/// Weights for a model: an HDF5 file, with or without the model they are for, or a function that makes them.
pub struct Weights {
    name: String,
    source: Source,
}

enum Source {
    /// Layers under their names, in the group at this path.
    Named(Store, &'static str),
    /// Layers under their classes.
    Counted(Store),
    /// Called for one weight after the other.
    Made(RefCell<Box<Maker>>),
}

/// Makes the weight of this name (`kernel`) and this shape.
type Maker = dyn FnMut(&str, &[usize]) -> Result<HostTensor>;

/// A layer's place: the index in its network, after those of the networks around it.
pub(super) type Place = Vec<usize>;

/// Where the weights of each layer are: their paths in the file.
pub(super) type Plan = HashMap<Place, Vec<String>>;

impl Weights {
    /// Opens an HDF5 file; `name` is the file's, for messages.
    ///
    /// # Errors
    /// Where `bytes` are no HDF5 file, or it holds no weights as Keras writes them.
    pub fn open(name: &str, bytes: Vec<u8>) -> Result<Self> {
        let located = |error| Error::input(name, error);
        let store = Store::open(bytes).map_err(located)?;
        let named = |path| store.names(path, "layer_names").map(|names| names.is_some());
        let source = if store.has_group("model_weights") && named("model_weights").map_err(located)? {
            Source::Named(store, "model_weights")
        } else if named("").map_err(located)? {
            Source::Named(store, "")
        } else if layers_group(&store, "").is_some() {
            Source::Counted(store)
        } else {
            return Err(Error::input(
                name,
                "this HDF5 file holds no Keras model: there is neither a list of layers (\"layer_names\") nor a group \"layers\"",
            ));
        };
        Ok(Self { name: name.to_owned(), source })
    }

    /// Weights that `make` makes, each from its name in Keras (`kernel`, `moving_mean`) and its shape there, in the order
    /// of the layers and of each layer's weights; `name` is what messages call them.
    pub fn made(name: &str, make: impl FnMut(&str, &[usize]) -> Result<HostTensor> + 'static) -> Self {
        Self { name: name.to_owned(), source: Source::Made(RefCell::new(Box::new(make))) }
    }

    /// The file's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The layers that have weights, in the file's order, with the shapes of these: what tells one architecture from
    /// another. The names are those of layers in the older format, else those of counted classes (`conv2d_1`). None where
    /// there is no file.
    ///
    /// # Errors
    /// Where the file is damaged.
    pub fn layers(&self) -> Result<Vec<(String, Vec<Vec<usize>>)>> {
        let layers = || -> Result<Vec<(String, Vec<Vec<usize>>)>> {
            let (store, found) = match &self.source {
                Source::Named(store, root) => (store, named_layers(store, root)?),
                Source::Counted(store) => {
                    let root = layers_group(store, "").unwrap_or_default();
                    let mut found = Vec::new();
                    for group in store.groups(&root)? {
                        found.push((group.clone(), counted_tensors(store, &join(&root, &group))?));
                    }
                    found.retain(|(_, paths)| !paths.is_empty());
                    (store, found)
                }
                Source::Made(_) => return Ok(Vec::new()),
            };
            let shapes = |paths: Vec<String>| paths.iter().map(|path| store.shape(path)).collect::<Result<_>>();
            found.into_iter().map(|(name, paths)| Ok((name, shapes(paths)?))).collect()
        };
        layers().map_err(|error| Error::input(&self.name, error))
    }

    /// Whether weights in float16 were read.
    pub(super) fn has_halves(&self) -> bool {
        match &self.source {
            Source::Named(store, _) | Source::Counted(store) => store.has_halves(),
            Source::Made(_) => false,
        }
    }

    /// The attribute `name` at the root of the file.
    pub(super) fn attribute(&self, name: &str) -> Result<Option<String>> {
        match &self.source {
            Source::Named(store, _) | Source::Counted(store) => {
                store.text("", name).map_err(|error| Error::input(&self.name, error))
            }
            Source::Made(_) => Ok(None),
        }
    }

    /// Where the weights of each layer of `network` are.
    pub(super) fn plan(&self, network: &Network) -> Result<Plan> {
        let mut plan = Plan::new();
        match &self.source {
            Source::Named(store, root) => named(store, root, network, &mut plan)?,
            Source::Counted(store) => counted(store, "", network, &mut Vec::new(), &mut plan)?,
            Source::Made(_) => {
                for (index, layer) in network.layers.iter().enumerate() {
                    for slot in slots(layer, vec![index], network.trainable)? {
                        plan.entry(slot.place).or_default().push(String::new());
                    }
                }
            }
        }
        Ok(plan)
    }

    /// The weight called `name` in its layer, at `path` in the file, which must have this shape.
    pub(super) fn tensor(&self, path: &str, name: &str, expected: &[usize]) -> Result<HostTensor> {
        let store = match &self.source {
            Source::Named(store, _) | Source::Counted(store) => store,
            Source::Made(make) => {
                let made = (make.borrow_mut())(name, expected)?;
                return if made.shape == expected { Ok(made) } else { Err(misshapen(expected, name, &made.shape)) };
            }
        };
        let found = store.shape(path)?;
        if found != expected {
            return Err(misshapen(expected, path, &found));
        }
        store.tensor(path)
    }
}

fn misshapen(expected: &[usize], name: &str, found: &[usize]) -> Error {
    Error::request(format_args!("a weight of shape {expected:?} is expected, \"{name}\" has shape {found:?}"))
}

impl std::fmt::Debug for Weights {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Weights").field("name", &self.name).finish_non_exhaustive()
    }
}

/// `path/child`, where the root's path is empty.
fn join(path: &str, child: &str) -> String {
    if path.is_empty() { child.to_owned() } else { format!("{path}/{child}") }
}

/// A weight of a model: the layer's place, and whether Keras trains it.
struct Slot {
    place: Place,
    trained: bool,
}

/// The weights of `layer` in its own order; those of a model inside it one layer after the other.
fn slots(layer: &Layer, place: Place, trainable: bool) -> Result<Vec<Slot>> {
    if let Some(inner) = &layer.inner {
        let mut all = Vec::new();
        for (index, layer) in inner.layers.iter().enumerate() {
            all.extend(slots(layer, [&place[..], &[index]].concat(), trainable && inner.trainable)?);
        }
        // All that are trained come first, then all that are not.
        all.sort_by_key(|slot| !slot.trained);
        return Ok(all);
    }
    let settings = Settings::new(&layer.name, &layer.class, &layer.config);
    let trainable = trainable && settings.switch("trainable", true)?;
    let weights = layers::weights(&settings)?;
    Ok(weights.iter().map(|weight| Slot { place: place.clone(), trained: trainable && weight.trained }).collect())
}

/// The layers that a file of the older format has weights for, with the paths of these.
fn named_layers(store: &Store, root: &str) -> Result<Vec<(String, Vec<String>)>> {
    let mut found = Vec::new();
    for name in store.names(root, "layer_names")?.unwrap_or_default() {
        let group = join(root, &name);
        let tensors = store.names(&group, "weight_names")?.unwrap_or_default();
        if !tensors.is_empty() {
            found.push((name, tensors.iter().map(|tensor| join(&group, tensor)).collect()));
        }
    }
    Ok(found)
}

fn named(store: &Store, root: &str, network: &Network, plan: &mut Plan) -> Result<()> {
    let stored = named_layers(store, root)?;
    let mut wanted = Vec::new();
    for (index, layer) in network.layers.iter().enumerate() {
        let slots = slots(layer, vec![index], network.trainable)?;
        if !slots.is_empty() {
            wanted.push((&layer.name, slots));
        }
    }
    for (index, (layer, slots)) in wanted.iter().enumerate() {
        let Some((name, paths)) = stored.get(index) else {
            return Err(Error::graph(*layer, weights_of("layers", wanted.len(), stored.len())));
        };
        if slots.len() != paths.len() {
            let problem = weights_of("tensors", slots.len(), paths.len());
            return Err(Error::graph(*layer, format_args!("{problem} (in its group \"{name}\")")));
        }
        for (slot, path) in slots.iter().zip(paths) {
            plan.entry(slot.place.clone()).or_default().push(path.clone());
        }
    }
    match stored.get(wanted.len()) {
        None => Ok(()),
        Some((name, _)) => Err(Error::graph(name, weights_of("layers", wanted.len(), stored.len()))),
    }
}

fn weights_of(what: &str, wanted: usize, found: usize) -> String {
    format!("the weights do not fit the model: the model has weights in {wanted} {what}, the file in {found}")
}

/// The group of the layers of the model at `path`; Keras 2.13 to 2.15 call it by the longer name.
fn layers_group(store: &Store, path: &str) -> Option<String> {
    ["layers", "_layer_checkpoint_dependencies"]
        .into_iter()
        .map(|name| join(path, name))
        .find(|group| store.has_group(group))
}

/// The paths of the tensors of the layer at `path`.
fn counted_tensors(store: &Store, path: &str) -> Result<Vec<String>> {
    let Some(parts) = parts(path) else { return own_tensors(store, path) };
    let mut found = Vec::new();
    for part in parts {
        // Some layers keep their parts under names that begin with an underscore.
        let places = [join(path, part), join(path, &format!("_{part}"))];
        for place in places.iter().filter(|place| store.has_group(place)) {
            found.extend(own_tensors(store, place)?);
        }
    }
    // A normalised kernel is kept twice, before the vector.
    found.extend(own_tensors(store, path)?.into_iter().skip(1));
    Ok(found)
}

/// The layers inside a layer whose weights are its own, in order.
fn parts(path: &str) -> Option<&'static [&'static str]> {
    let group = path.rsplit('/').next().unwrap_or(path);
    let class = match group.rsplit_once('_') {
        Some((class, count)) if count.parse::<usize>().is_ok() => class,
        _ => group,
    };
    match class {
        "multi_head_attention" | "grouped_query_attention" => {
            Some(&["query_dense", "key_dense", "value_dense", "output_dense"])
        }
        "spectral_normalization" | "time_distributed" => Some(&["layer"]),
        _ => None,
    }
}

/// The paths of `vars/0`, `vars/1` and so on in the group at `path` itself.
fn own_tensors(store: &Store, path: &str) -> Result<Vec<String>> {
    let group = join(path, "vars");
    if !store.has_group(&group) {
        return Ok(Vec::new());
    }
    let mut tensors: Vec<(usize, String)> =
        store.tensors(&group)?.into_iter().filter_map(|name| Some((name.parse().ok()?, join(&group, &name)))).collect();
    tensors.sort_unstable();
    Ok(tensors.into_iter().map(|(_, path)| path).collect())
}

fn counted(store: &Store, path: &str, network: &Network, place: &mut Place, plan: &mut Plan) -> Result<()> {
    let root = layers_group(store, path).ok_or_else(|| {
        Error::graph(&network.name, format_args!("the file has no weights of its layers at \"{path}\""))
    })?;
    let mut stored = by_class(store, &root)?;
    let mut wanted: BTreeMap<String, usize> = BTreeMap::new();
    for (index, layer) in network.layers.iter().enumerate() {
        let class = match layer.class.as_str() {
            // Keras stores the layer under another name than its configuration has.
            "GroupQueryAttention" => "grouped_query_attention".to_owned(),
            class => snake_case(class),
        };
        let needs = match &layer.inner {
            Some(_) => !slots(layer, Vec::new(), true)?.is_empty(),
            None => !layers::weights(&Settings::new(&layer.name, &layer.class, &layer.config))?.is_empty(),
        };
        if !needs {
            continue;
        }
        let nth = wanted.entry(class.clone()).or_default();
        let groups = stored.entry(class.clone()).or_default();
        let Some(group) = groups.get(*nth) else {
            let problem =
                format!("its weights are missing: the file has those of {} layers of its class", groups.len());
            return Err(Error::graph(&layer.name, problem));
        };
        *nth += 1;
        place.push(index);
        match &layer.inner {
            Some(inner) => counted(store, group, inner, place, plan)?,
            None => {
                plan.insert(place.clone(), counted_tensors(store, group)?);
            }
        }
        place.pop();
    }
    for (class, groups) in stored {
        let wanted = wanted.get(&class).copied().unwrap_or_default();
        if wanted < groups.len() {
            let problem = weights_of("layers of this class", wanted, groups.len());
            return Err(Error::graph(class, problem));
        }
    }
    Ok(())
}

/// Paths of the groups in `root` that hold weights, by class, in the order in which they are counted.
fn by_class(store: &Store, root: &str) -> Result<BTreeMap<String, Vec<String>>> {
    let mut found: BTreeMap<String, Vec<(usize, String)>> = BTreeMap::new();
    for group in store.groups(root)? {
        let path = join(root, &group);
        if counted_tensors(store, &path)?.is_empty() && !has_weights_inside(store, &path)? {
            continue;
        }
        let (class, count) = match group.rsplit_once('_') {
            Some((class, count)) if count.parse::<usize>().is_ok() => (class.to_owned(), count.parse().unwrap_or(0)),
            _ => (group, 0),
        };
        found.entry(class).or_default().push((count, path));
    }
    let sorted = |mut groups: Vec<(usize, String)>| {
        groups.sort_unstable();
        groups.into_iter().map(|(_, path)| path).collect()
    };
    Ok(found.into_iter().map(|(class, groups)| (class, sorted(groups))).collect())
}

/// Whether the group at `path` is a model, some layer of which has weights.
fn has_weights_inside(store: &Store, path: &str) -> Result<bool> {
    /// Models inside models inside models: no file goes deeper, but a damaged one may go round in circles.
    const DEEPEST: usize = 32;
    if path.matches('/').count() > 2 * DEEPEST {
        return Err(Error::request(format_args!("the groups of the HDF5 file are nested too deeply, at \"{path}\"")));
    }
    let Some(root) = layers_group(store, path) else { return Ok(false) };
    for group in store.groups(&root)? {
        let path = join(&root, &group);
        if !counted_tensors(store, &path)?.is_empty() || has_weights_inside(store, &path)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A class name as Keras 3 spells it in paths: `BatchNormalization` is `batch_normalization`, `Conv2D` is `conv2d`.
pub(super) fn snake_case(class: &str) -> String {
    let letters: Vec<char> = class.chars().filter(|letter| letter.is_alphanumeric() || *letter == '_').collect();
    let mut snake = String::new();
    for (index, &letter) in letters.iter().enumerate() {
        let before = index.checked_sub(1).map(|index| letters[index]);
        let word_begins = letters.get(index + 1).is_some_and(|after| after.is_ascii_lowercase());
        let word_ends = before.is_some_and(|before| before.is_ascii_lowercase());
        if letter.is_ascii_uppercase() && before.is_some() && (word_begins || word_ends) {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::snake_case;

    #[test]
    fn classes_are_spelt_as_keras_does() {
        let spelt = [
            ("Conv2D", "conv2d"),
            ("BatchNormalization", "batch_normalization"),
            ("PReLU", "p_re_lu"),
            ("LeakyReLU", "leaky_re_lu"),
            ("SeparableConv2D", "separable_conv2d"),
            ("ELU", "elu"),
            ("Dense", "dense"),
        ];
        for (class, snake) in spelt {
            assert_eq!(snake_case(class), snake);
        }
    }
}
