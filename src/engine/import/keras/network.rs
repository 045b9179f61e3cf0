//! From a network's configuration to a graph: one layer a node, in the order of `model.layers`.

use std::collections::HashMap;

use facts::data::InputSize;
use facts::graph::{Graph, GraphBuilder, Layout, SampledLayers, ValueId};
use facts::limits::LAYERS;
use facts::{Error, Question, Result};
use serde_json::Value;

use super::config::{Layer, Link, Network};
use super::draft::{Draft, Parameters, stored_order};
use super::known::Known;
use super::layers;
use super::settings::{Settings, items};
use super::weights::{Place, Plan, Weights};

/// The graph of `network` with `weights`. `size` is the image's, where it is open.
pub(super) fn graph(network: &Network, keras: u32, weights: &Weights, size: Option<InputSize>) -> Result<Graph> {
    // Before the weights are shared out: those of an unknown layer would fit nowhere.
    known(network)?;
    let layers = layers_with_calls(network);
    if layers > LAYERS {
        return Err(Error::graph(
            &network.name,
            format_args!(
                "the models inside this model are called until there are {layers} layers; {LAYERS} are the most"
            ),
        ));
    }
    let plan = weights.plan(network)?;
    let channels_first = channels_first(network);
    let mut builder = GraphBuilder::new(&network.name);
    builder.sample(SampledLayers::Inner);
    let [input] = network.inputs[..] else {
        return Err(Error::graph(
            &network.name,
            format_args!("one input is expected, the model has {}", network.inputs.len()),
        ));
    };
    let layer = &network.layers[input.layer];
    let shape = input_shape(layer, size)?;
    let order = stored_order(shape.len(), channels_first);
    let image = builder.input(&layer.name, stored(&shape, &order))?;
    builder.lay_out(image, Layout::new(&order))?;
    let mut writer =
        Writer { builder, keras, channels_first, weights, plan, parameters: HashMap::new(), known: Known::default() };
    let outputs = writer.network(network, &Scope::default(), &[image])?;
    writer.builder.finish(&outputs)
}

/// The lengths of a tensor as stored, whose Keras axis `i` is stored axis `order[i]`.
fn stored(shape: &[usize], order: &[usize]) -> Vec<usize> {
    let mut stored = vec![0; shape.len()];
    for (&length, &axis) in shape.iter().zip(order) {
        stored[axis] = length;
    }
    stored
}

/// Whether every layer that says where the channels are says that they come first.
fn channels_first(network: &Network) -> bool {
    fn count(network: &Network, first: &mut usize, last: &mut usize) {
        for layer in &network.layers {
            match layer.config.get("data_format").and_then(Value::as_str) {
                Some("channels_first") => *first += 1,
                // Of Flatten it says nothing about the tensor that goes in.
                Some(_) if layer.class != "Flatten" => *last += 1,
                _ => {}
            }
            if let Some(inner) = &layer.inner {
                count(inner, first, last);
            }
        }
    }
    let (mut first, mut last) = (0, 0);
    count(network, &mut first, &mut last);
    first > 0 && last == 0
}

/// Checks that every layer is one that can be translated.
fn known(network: &Network) -> Result<()> {
    for layer in &network.layers {
        match &layer.inner {
            Some(inner) => known(inner)?,
            None => layers::translator(&Settings::new(&layer.name, &layer.class, &layer.config)).map(drop)?,
        }
    }
    Ok(())
}

/// Number of layers when every model inside stands in its place, once for each call. A number that is too large for the
/// machine's is its largest.
fn layers_with_calls(network: &Network) -> usize {
    let of_layer = |layer: &Layer| match &layer.inner {
        Some(inner) => layers_with_calls(inner).saturating_mul(layer.calls.len().max(1)),
        None => layer.calls.len().max(1),
    };
    // A model without layers is work, too.
    network.layers.iter().map(of_layer).fold(1, usize::saturating_add)
}

/// Shape of an input layer for one image.
fn input_shape(layer: &Layer, size: Option<InputSize>) -> Result<Vec<usize>> {
    let stated = ["batch_shape", "batch_input_shape"].iter().find_map(|key| layer.config.get(key).and_then(items));
    let stated = stated.ok_or_else(|| Error::graph(&layer.name, "the model does not state the shape of its input"))?;
    let length = |length: &Value| length.as_u64().and_then(|length| usize::try_from(length).ok());
    let axes = stated.iter().skip(1).map(|axis| length(axis).filter(|&length| length > 0));
    let shape: Vec<Option<usize>> = std::iter::once(Some(1)).chain(axes).collect();
    if let Some(size) = size {
        return size.fill(&shape).map_err(|error| Error::graph(&layer.name, error));
    }
    shape.into_iter().collect::<Option<_>>().ok_or_else(|| {
        let problem = format!(
            "the input's shape must be fixed but for the batch, found {}; --input-size HxW states the height and width of the \
             image",
            serde_json::json!(stated)
        );
        Error::question(Question::InputSize, Error::graph(&layer.name, problem))
    })
}

/// Where in the model a network is.
#[derive(Clone, Debug, Default)]
struct Scope {
    /// Before the names of its layers: `outer/`.
    prefix: String,
    /// Before the places of its layers.
    place: Place,
}

/// Writes layers to a graph.
struct Writer<'a> {
    builder: GraphBuilder,
    keras: u32,
    channels_first: bool,
    weights: &'a Weights,
    plan: Plan,
    /// The parameters of the layers called so far: later calls share them.
    parameters: HashMap<Place, Vec<ValueId>>,
    /// Tensors that are the same for every image.
    known: Known,
}

impl Writer<'_> {
    /// Writes the layers of `network`, which reads `inputs`; its outputs come back.
    fn network(&mut self, network: &Network, scope: &Scope, inputs: &[ValueId]) -> Result<Vec<ValueId>> {
        if inputs.len() != network.inputs.len() {
            return Err(Error::graph(
                &network.name,
                format_args!("the model has {} inputs, it is called with {}", network.inputs.len(), inputs.len()),
            ));
        }
        let fed: HashMap<usize, ValueId> =
            network.inputs.iter().zip(inputs).map(|(link, &value)| (link.layer, value)).collect();
        let mut made: HashMap<(usize, usize), Vec<ValueId>> = HashMap::new();
        for (index, call) in schedule(network)? {
            let layer = &network.layers[index];
            let reads = match fed.get(&index) {
                Some(&value) => vec![value],
                None => {
                    let links = layer.calls.get(call).map_or(&[][..], Vec::as_slice);
                    links.iter().map(|link| output(network, &made, *link)).collect::<Result<Vec<_>>>()?
                }
            };
            let outputs = if layer.hidden { reads } else { self.layer(network, scope, index, call, &reads)? };
            made.insert((index, call), outputs);
        }
        network.outputs.iter().map(|link| output(network, &made, *link)).collect()
    }

    /// Writes call number `call` of a layer.
    fn layer(
        &mut self,
        network: &Network,
        scope: &Scope,
        index: usize,
        call: usize,
        reads: &[ValueId],
    ) -> Result<Vec<ValueId>> {
        let layer = &network.layers[index];
        let own = format!("{}{}", scope.prefix, layer.name);
        let place = [&scope.place[..], &[index]].concat();
        let name = if call == 0 { own.clone() } else { self.later_name(network, scope, &layer.name, call) };
        if let Some(inner) = &layer.inner {
            return self.network(inner, &Scope { prefix: format!("{name}/"), place }, reads);
        }
        let known = self.parameters.get(&place).cloned();
        let parameters = Parameters {
            weights: self.weights,
            paths: self.plan.get(&place).map_or(&[], Vec::as_slice),
            shared: known.is_some(),
            known: known.unwrap_or_default(),
            owner: own,
            taken: 0,
            constants: &self.known,
        };
        let settings = Settings::new(&name, &layer.class, &layer.config);
        let translate = layers::translator(&settings)?;
        let mut draft = Draft::new(settings, self.keras, self.channels_first, reads, &mut self.builder, parameters)?;
        translate(&mut draft)?;
        let drafted = draft.finish()?;
        let names: Vec<String> = (0..drafted.outputs)
            .map(|output| if output == 0 { name.clone() } else { format!("{name}:{output}") })
            .collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let op = drafted.op.clone();
        let made = self.builder.node(&name, &layer.class, drafted.op, &drafted.reads, &names)?;
        if let [made] = made[..] {
            let shapes: Vec<&[usize]> = drafted.reads.iter().map(|&id| self.builder.shape(id)).collect();
            self.known.note(&op, &drafted.reads, &shapes, made, self.builder.shape(made));
        }
        for &made in &made {
            self.builder.lay_out(made, drafted.layout.clone())?;
        }
        self.parameters.insert(place, drafted.parameters);
        Ok(made)
    }

    /// A name for a later call of a shared layer: the layer's with a number that no other layer has.
    fn later_name(&self, network: &Network, scope: &Scope, layer: &str, call: usize) -> String {
        let candidates = (call..).map(|number| format!("{layer}_{number}"));
        let mut free = candidates.filter(|name| {
            let full = format!("{}{name}", scope.prefix);
            network.layers.iter().all(|layer| layer.name != *name) && !self.builder.has_layer(&full)
        });
        format!("{}{}", scope.prefix, free.next().unwrap_or_default())
    }
}

/// The tensor that `link` leads to.
fn output(network: &Network, made: &HashMap<(usize, usize), Vec<ValueId>>, link: Link) -> Result<ValueId> {
    let outputs = made.get(&(link.layer, link.call)).map_or(&[][..], Vec::as_slice);
    outputs.get(link.tensor).copied().ok_or_else(|| {
        let name = &network.layers[link.layer].name;
        Error::graph(name, format_args!("has no output {}, which another layer or the model reads", link.tensor))
    })
}

/// The calls of all layers in an order in which each has what it reads: Keras' order of layers, by their first calls.
/// A later call of a shared layer comes as late as it can, right before the first layer that reads it.
fn schedule(network: &Network) -> Result<Vec<(usize, usize)>> {
    #[derive(Clone, Copy, PartialEq)]
    enum State {
        Open,
        Done,
    }
    let first = (0..network.layers.len()).map(|layer| (layer, 0));
    let later = network
        .layers
        .iter()
        .enumerate()
        .flat_map(|(index, layer)| (1..layer.calls.len()).map(move |call| (index, call)));
    let mut order = Vec::new();
    let mut states: HashMap<(usize, usize), State> = HashMap::new();
    for start in first.chain(later) {
        let mut stack = vec![start];
        while let Some(&(layer, call)) = stack.last() {
            match states.get(&(layer, call)) {
                Some(State::Done) => {
                    stack.pop();
                }
                Some(State::Open) => {
                    states.insert((layer, call), State::Done);
                    order.push((layer, call));
                    stack.pop();
                }
                None => {
                    states.insert((layer, call), State::Open);
                    for link in network.layers[layer].calls.get(call).into_iter().flatten() {
                        match states.get(&(link.layer, link.call)) {
                            Some(State::Done) => {}
                            // What is open waits for this call.
                            Some(State::Open) => return Err(circle(network, layer, link.layer)),
                            None => stack.push((link.layer, link.call)),
                        }
                    }
                }
            }
        }
    }
    Ok(order)
}

fn circle(network: &Network, layer: usize, read: usize) -> Error {
    let read = &network.layers[read].name;
    Error::graph(
        &network.layers[layer].name,
        format_args!("reads layer \"{read}\", which waits for this one: the connections go round in a circle"),
    )
}
