//! A model's configuration: which layers it has and how they are connected.
//!
//! Keras 2 and Keras 3 write the same tree with other leaves: a call of a layer is a list of `[layer, call, tensor]`
//! in the one, an object with `args` that hold `__keras_tensor__` objects in the other.

use std::collections::HashMap;

use facts::{Error, Result};
use serde_json::Value;

use super::layers::{self, attention, operation};
use super::settings::{Settings, items};

/// A model, or a model inside a model.
#[derive(Debug)]
pub(super) struct Network {
    /// Its name.
    pub name: String,
    /// Whether its weights are trained, which decides the order in which Keras stores them.
    pub trainable: bool,
    /// Its layers, in the order of `model.layers`.
    pub layers: Vec<Layer>,
    /// The input layers.
    pub inputs: Vec<Link>,
    /// What it returns.
    pub outputs: Vec<Link>,
}

/// A layer of a [`Network`].
#[derive(Debug)]
pub(super) struct Layer {
    /// Its name, unique in its network.
    pub name: String,
    /// Its class as Keras calls it.
    pub class: String,
    /// Its settings.
    pub config: Value,
    /// What it reads, one list a call: a shared layer is called more than once.
    pub calls: Vec<Vec<Link>>,
    /// The network that it is, where it is one.
    pub inner: Option<Network>,
    /// The input layer of a sequential model, which `model.layers` leaves out.
    pub hidden: bool,
}

/// A tensor: what a call of a layer of the same network returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Link {
    /// Index of the layer.
    pub layer: usize,
    /// Index of the call.
    pub call: usize,
    /// Which of its outputs.
    pub tensor: usize,
}

/// A [`Link`] as the file states it, by name.
struct NamedLink<'a> {
    layer: &'a str,
    call: usize,
    tensor: usize,
}

impl Network {
    /// The network that the object `model` describes: a class name and a configuration.
    ///
    /// # Errors
    /// Where it is none, or its connections lead nowhere; the error names the layer.
    pub fn new(model: &Value) -> Result<Self> {
        let class = model.get("class_name").and_then(Value::as_str).unwrap_or_default();
        let config =
            model.get("config").ok_or_else(|| Error::request("the model's configuration has no \"config\""))?;
        Self::of(class, config)?.ok_or_else(|| {
            Error::request(format_args!(
                "a Sequential or Functional model is expected, found one of class \"{class}\", whose layers only its own code knows"
            ))
        })
    }

    /// The network of `class` that `config` describes; `None` where it describes none.
    fn of(class: &str, config: &Value) -> Result<Option<Self>> {
        let Some(layers) = config.as_array().or_else(|| config.get("layers")?.as_array()) else { return Ok(None) };
        let name = config.get("name").and_then(Value::as_str).unwrap_or(class).to_owned();
        let trainable = trainable(config);
        if config.get("input_layers").is_some() {
            return functional(name, trainable, layers, config).map(Some);
        }
        sequential(name, trainable, layers, config).map(Some)
    }
}

fn trainable(config: &Value) -> bool {
    config.get("trainable").and_then(Value::as_bool).unwrap_or(true)
}

/// A layer without its calls.
fn layer(entry: &Value) -> Result<Layer> {
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let class = text(entry, "class_name")
        .ok_or_else(|| Error::request("the model's configuration has a layer without \"class_name\""))?;
    let config = entry.get("config").cloned().unwrap_or(Value::Null);
    // Sequential models of old have the name in the configuration only.
    let name = text(entry, "name").or_else(|| text(&config, "name")).unwrap_or_else(|| class.clone());
    // Keras 3 writes a sum of two tensors like a layer of class Add; but it is none, and `model.layers` leaves it out. In HDF5
    // files no module tells it, but that it has none of the settings that every layer has.
    let node = entry.get("inbound_nodes").and_then(|nodes| nodes.get(0));
    let is_called = node.is_some_and(|node| node.get("args").is_some());
    let typed = text(entry, "class_name").is_some_and(|class| operation::TYPED.contains(&class.as_str()));
    let is_layer = !typed && ["trainable", "dtype", "layers"].iter().any(|key| config.get(key).is_some());
    let of_operations = |module: String| module.split('.').any(|part| part == "ops");
    if text(entry, "module").map_or(is_called && !is_layer, of_operations) {
        let config = operation::configuration(&config, node);
        return Ok(Layer { name, class, config, calls: Vec::new(), inner: None, hidden: false });
    }
    let inner = Network::of(&class, &config)?;
    Ok(Layer { name, class, config, calls: Vec::new(), inner, hidden: false })
}

fn sequential(name: String, trainable: bool, entries: &[Value], config: &Value) -> Result<Network> {
    let mut layers = entries.iter().map(layer).collect::<Result<Vec<_>>>()?;
    if layers.first().is_none_or(|first| first.class != "InputLayer") {
        let shape = stated_shape(&layers).or_else(|| config.get("build_input_shape").cloned());
        let config = serde_json::json!({ "batch_shape": shape });
        let input = Layer {
            name: "input".to_owned(),
            class: "InputLayer".to_owned(),
            config,
            calls: Vec::new(),
            inner: None,
            hidden: true,
        };
        layers.insert(0, input);
    }
    layers[0].hidden = true;
    let last = layers.len() - 1;
    for (index, layer) in layers.iter_mut().enumerate().skip(1) {
        layer.calls = vec![vec![Link { layer: index - 1, call: 0, tensor: 0 }]];
    }
    let link = |layer| Link { layer, call: 0, tensor: 0 };
    Ok(Network { name, trainable, layers, inputs: vec![link(0)], outputs: vec![link(last)] })
}

/// The input shape that the first layer states, or the first one of the network that it is.
fn stated_shape(layers: &[Layer]) -> Option<Value> {
    let first = layers.first()?;
    match &first.inner {
        Some(inner) => stated_shape(&inner.layers),
        None => first.config.get("batch_shape").or_else(|| first.config.get("batch_input_shape")).cloned(),
    }
}

fn functional(name: String, trainable: bool, entries: &[Value], config: &Value) -> Result<Network> {
    let mut layers = entries.iter().map(layer).collect::<Result<Vec<_>>>()?;
    let calls = entries
        .iter()
        .zip(&layers)
        .map(|(entry, layer)| {
            let nodes = entry.get("inbound_nodes").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            let settings = Settings::new(&layer.name, &layer.class, &layer.config);
            if operation::is_operation(&settings) {
                return Ok(nodes.iter().map(arguments).collect());
            }
            let attends = ATTENTIONS.contains(&layer.class.as_str());
            let call = |node| call(node, attends).map_err(|problem| misused(layer, &problem));
            nodes.iter().map(call).collect::<Result<Vec<_>>>()
        })
        .collect::<Result<Vec<_>>>()?;
    let ends = |key: &str| {
        let found = config.get(key).and_then(ends);
        found.ok_or_else(|| Error::request(format_args!("the model's configuration has no readable \"{key}\"")))
    };
    let (inputs, outputs) = (ends("input_layers")?, ends("output_layers")?);

    let index: HashMap<&str, usize> =
        layers.iter().enumerate().map(|(index, layer)| (layer.name.as_str(), index)).collect();
    let first = first_calls(&layers, &index, &calls, &outputs);
    let link = |reader: &str, named: &NamedLink, first: &[usize]| {
        let Some(&layer) = index.get(named.layer) else {
            return Err(Error::graph(
                reader,
                format_args!("reads layer \"{}\", which the model does not have", named.layer),
            ));
        };
        let count = calls[layer].len().max(1);
        let call = named.call.checked_sub(first[layer]).filter(|&call| call < count).ok_or_else(|| {
            let name = named.layer;
            Error::graph(reader, format_args!("reads call {} of layer \"{name}\", which has {count}", named.call))
        })?;
        Ok(Link { layer, call, tensor: named.tensor })
    };
    let linked = calls
        .iter()
        .zip(&layers)
        .map(|(calls, layer)| {
            let links = |call: &Vec<NamedLink>| {
                call.iter().map(|named| link(&layer.name, named, &first.inner)).collect::<Result<Vec<_>>>()
            };
            calls.iter().map(links).collect::<Result<Vec<_>>>()
        })
        .collect::<Result<Vec<_>>>()?;
    let all = |named: &[NamedLink], first: &[usize]| -> Result<Vec<Link>> {
        named.iter().map(|named| link(&name, named, first)).collect()
    };
    let (inputs, outputs) = (all(&inputs, &vec![0; layers.len()])?, all(&outputs, &first.outputs)?);
    for ((layer, entry), calls) in layers.iter_mut().zip(entries).zip(linked) {
        if ATTENTIONS.contains(&layer.class.as_str()) {
            let nodes = entry.get("inbound_nodes").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            layer.config =
                attention::configuration(&layer.config, nodes).map_err(|problem| misused(layer, &problem))?;
        }
        layer.calls = calls;
    }
    Ok(Network { name, trainable, layers, inputs, outputs })
}

/// The error about a call that is none of a layer which is executed.
fn misused(layer: &Layer, problem: &str) -> Error {
    let settings = Settings::new(&layer.name, &layer.class, &layer.config);
    match layers::translator(&settings) {
        Err(unsupported) if layer.inner.is_none() => unsupported,
        // Files of the older format do not tell a sum of two tensors from the layer that makes one.
        Ok(_) if MERGES.contains(&layer.class.as_str()) && problem.contains(SEVERAL) => {
            outside(&layer.name, &layer.class)
        }
        _ => Error::graph(&layer.name, problem),
    }
}

fn outside(name: &str, class: &str) -> Error {
    Error::graph(
        name,
        format_args!("{class} is an operation outside of any layer, which is not supported; build the model of layers"),
    )
}

/// The classes of layers that are called with one list of tensors, and share their names with operations of several.
const MERGES: [&str; 7] = ["Add", "Average", "Concatenate", "Maximum", "Minimum", "Multiply", "Subtract"];

/// The classes of layers that are called with query, value and perhaps key.
const ATTENTIONS: [&str; 4] = ["MultiHeadAttention", "GroupQueryAttention", "GroupedQueryAttention", "Attention"];

/// The end of the sentence about a call with another number of arguments than one.
const SEVERAL: &str = "a tensor or a list of tensors is expected";

/// By layer, the number that its first call has.
struct FirstCalls {
    /// In the other layers' inputs.
    inner: Vec<usize>,
    /// In the model's outputs.
    outputs: Vec<usize>,
}

/// A model inside a model is born with a call of its own, which is not in the file, but in Keras 2 is counted; Keras 3
/// counts it only where it states the outer model's outputs.
fn first_calls(
    layers: &[Layer],
    index: &HashMap<&str, usize>,
    calls: &[Vec<Vec<NamedLink>>],
    outputs: &[NamedLink],
) -> FirstCalls {
    let least = |links: &mut dyn Iterator<Item = &NamedLink>| {
        let mut least = vec![None; layers.len()];
        for link in links {
            if let Some(&layer) = index.get(link.layer)
                && layers[layer].inner.is_some()
            {
                least[layer] = Some(least[layer].map_or(link.call, |call: usize| call.min(link.call)));
            }
        }
        least
    };
    let inner = least(&mut calls.iter().flatten().flatten());
    let outer = least(&mut outputs.iter());
    // Where nothing reads call 0 of a nested model, the first call is number 1.
    let counted = |least: Option<usize>| usize::from(least.is_some_and(|call| call > 0));
    let start = |layer: usize| counted(inner[layer]);
    let outputs = (0..layers.len())
        .map(|layer| match outer[layer] {
            // Only one call can be meant.
            Some(call) if calls[layer].len() == 1 => call,
            Some(call) if call >= calls[layer].len() => 1,
            Some(_) if layers[layer].class != "Sequential" => 1,
            _ => start(layer),
        })
        .collect();
    FirstCalls { inner: (0..layers.len()).map(start).collect(), outputs }
}

/// The tensors that one call reads. A layer that `attends` takes query, value and key one by one.
fn call(node: &Value, attends: bool) -> Result<Vec<NamedLink<'_>>, String> {
    let mut links = Vec::new();
    match node.get("args") {
        Some(args) if attends => {
            keras_3(args, &mut links);
            let given = links.len();
            for name in ["query", "value", "key"].iter().skip(given) {
                node.get("kwargs")
                    .and_then(|kwargs| kwargs.get(name))
                    .into_iter()
                    .for_each(|value| keras_3(value, &mut links));
            }
            return Ok(links);
        }
        Some(args) => {
            let count = items(args).map_or(0, <[Value]>::len);
            if count != 1 {
                return Err(format!("is called with {count} arguments; {SEVERAL}"));
            }
            keras_3(args, &mut links);
        }
        None => keras_2(node, &mut links)?,
    }
    keyword_arguments(node.get("kwargs"))?;
    Ok(links)
}

/// The tensors that one call of an operation reads, in order, by place and by name.
fn arguments(node: &Value) -> Vec<NamedLink<'_>> {
    let mut links = Vec::new();
    for part in ["args", "kwargs"] {
        node.get(part).into_iter().for_each(|part| keras_3(part, &mut links));
    }
    links
}

/// Refuses a call that reads tensors by name.
fn keyword_arguments(arguments: Option<&Value>) -> Result<(), String> {
    for (name, value) in arguments.and_then(Value::as_object).into_iter().flatten() {
        let mut links = Vec::new();
        keras_3(value, &mut links);
        if !links.is_empty() || named(value).is_some() {
            return Err(format!("reads another layer's output as its argument \"{name}\", which is not supported"));
        }
    }
    Ok(())
}

/// Collects the `__keras_tensor__` objects in `args`.
fn keras_3<'a>(args: &'a Value, links: &mut Vec<NamedLink<'a>>) {
    if args.get("class_name").and_then(Value::as_str) == Some("__keras_tensor__") {
        links.extend(args.get("config").and_then(|config| config.get("keras_history")).and_then(named));
        return;
    }
    match items(args) {
        Some(items) => items.iter().for_each(|item| keras_3(item, links)),
        None => args.as_object().into_iter().flatten().for_each(|(_, value)| keras_3(value, links)),
    }
}

/// The list of `[layer, call, tensor, arguments]`; a call with one input may be that entry itself.
fn keras_2<'a>(node: &'a Value, links: &mut Vec<NamedLink<'a>>) -> Result<(), String> {
    let unreadable = || "its inputs in \"inbound_nodes\" cannot be read".to_owned();
    let entries = node.as_array().ok_or_else(unreadable)?;
    let entries = if entries.first().is_some_and(Value::is_string) { std::slice::from_ref(node) } else { entries };
    for entry in entries {
        links.push(named(entry).ok_or_else(unreadable)?);
        keyword_arguments(entry.get(3))?;
        for name in ["use_causal_mask", "return_attention_scores"] {
            if entry.get(3).and_then(|arguments| arguments.get(name)?.as_bool()) == Some(true) {
                return Err(format!("is called with \"{name}\", which is not supported"));
            }
        }
        // Keras 3 writes this, too, but what the model is called with goes before it.
        if entry.get(3).and_then(|arguments| arguments.get("training")?.as_bool()) == Some(true) {
            return Err("is called with training=True, so that it is in training at inference, too".to_owned());
        }
    }
    Ok(())
}

/// `["layer", call, tensor, ..]`.
fn named(entry: &Value) -> Option<NamedLink<'_>> {
    let entry = items(entry)?;
    let number = |at: usize| entry.get(at)?.as_u64().and_then(|number| usize::try_from(number).ok());
    Some(NamedLink { layer: entry.first()?.as_str()?, call: number(1)?, tensor: number(2)? })
}

/// The tensors at the ends of a model: one, or a list, or one under each name.
fn ends(value: &Value) -> Option<Vec<NamedLink<'_>>> {
    if let Some(one) = named(value) {
        return Some(vec![one]);
    }
    let parts: Vec<&Value> = match (items(value), value.as_object()) {
        (Some(items), _) => items.iter().collect(),
        (None, Some(object)) => object.values().collect(),
        (None, None) => return None,
    };
    let ends: Option<Vec<_>> = parts.into_iter().map(ends).collect();
    ends.map(|ends| ends.into_iter().flatten().collect())
}
