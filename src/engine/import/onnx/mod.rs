//! ONNX, from bytes at run time: one layer a node, under the node's name and in the file's order.
//!
//! Operator sets 7 to 26 of ONNX's default domain. The network computes in float32 on one image: an unknown
//! batch axis becomes 1. What sets up another node (shapes, axes, indices, scales) is evaluated here, its nodes
//! stay in the list as [`Op::Folded`](facts::graph::Op::Folded). An initializer becomes a parameter, under its
//! own name, when a layer reads it as data. What cannot be executed is refused with the node's name, its operator
//! and the operator set; nothing is replaced by something similar.

mod batch;
mod branches;
mod external;
mod fold;
mod functions;
mod guard;
mod layers;
mod loops;
mod node;
mod proto;
mod reach;
mod symbols;
mod tensor;
#[cfg(test)]
mod tests;
mod wire;

pub use external::external_files;
pub use guard::{Beyond, Guard, Guarded, guard};
pub use tensor::{Data, Tensor};

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use facts::data::{InputSize, Normalise, Preprocess, Resize};
use facts::graph::{Graph, GraphBuilder};
use facts::limits::{self, PROGRAM};
use facts::model::{Card, Model};
use facts::{Error, Question, Result};
use prost::Message;

use self::external::External;
use self::fold::Folded;
use self::loops::Loop;
use self::node::{NodeView, is_standard};
use self::proto::{DimensionProto, GraphProto, ModelProto, NodeProto, ValueInfoProto, data_type};
use self::symbols::Symbols;
use super::Statements;
use super::beside::{Alone, Beside};

/// Operator sets that the mappings were written for.
const OPSETS: std::ops::RangeInclusive<i64> = 7..=26;

/// Whether `bytes` look like an ONNX file. The format has no signature; a file starts with its version, which ONNX
/// demands.
pub fn recognise(bytes: &[u8]) -> bool {
    matches!(bytes, [0x08, 1..=0x7f, ..])
}

/// An image classifier from the bytes of an ONNX file; `name` is the file's, for messages and for the model.
///
/// # Errors
/// Where `bytes` are no ONNX model, the model uses something that is not supported, contradicts itself, or is
/// no image classifier.
///
/// # Examples
/// ```
/// let error = faultscope_engine::import::onnx::import("cat.onnx", b"not a model").unwrap_err();
/// assert!(error.to_string().starts_with("cat.onnx: "));
/// ```
pub fn import(name: &str, bytes: &[u8]) -> Result<Model> {
    import_beside(name, bytes, &Statements::default(), Arc::new(Alone))
}

/// As [`import`], with the files `beside` the model, for weights that are there, and what the user says about the file. Of a
/// file with several outputs only what they need is translated, and outputs that are not
/// float32 (an ArgMax) are left out.
///
/// # Errors
/// As [`import`], and if a statement does not fit the file, or a file beside it is missing, too short, or outside of the model's folder.
pub fn import_beside(name: &str, bytes: &[u8], said: &Statements, beside: Arc<dyn Beside>) -> Result<Model> {
    let mut card = Card { name: super::stem(name).to_owned(), ..Card::default() };
    let importer = Importer { classifier: true, size: said.input_size, ..Importer::new() }.beside(beside);
    let mut names = Vec::new();
    let (symbols, outputs) = importer.translate(name, bytes, |stated| {
        names = stated.iter().map(|output| output.name.clone()).collect();
        reach::scores(stated, said.output.as_deref(), &mut card.notices).map_err(|error| error.concerning(name))
    })?;
    if symbols.takes_bytes {
        card.preprocess = Some(Preprocess::known(Normalise::Byte, Resize::default()));
        card.notices.push("the input takes bytes (uint8): pixel values go in as 0 to 255".to_owned());
    }
    symbols.notices(&mut card.notices);
    let graph = symbols.finish(&outputs.iter().map(String::as_str).collect::<Vec<_>>())?;
    let model = Model::new(graph, card).and_then(|model| model.decided_at(said.threshold));
    // Outputs that are not translated are the file's, too.
    model.map(|model| Model { outputs: names, ..model }).map_err(|error| error.concerning(name))
}

/// Import with choices: shapes that the file leaves open, inputs that are constants.
#[derive(Clone, Debug, Default)]
pub struct Importer {
    shapes: BTreeMap<String, Vec<usize>>,
    bound: BTreeMap<String, Tensor>,
    keep_batch: bool,
    /// Height and width of the image, where they are open.
    size: Option<InputSize>,
    /// Nodes that no output needs may be of any operator.
    classifier: bool,
    /// The outputs to translate; all without it.
    only: Option<Vec<String>>,
    beside: Option<Arc<dyn Beside>>,
}

impl Importer {
    /// Import as the file says, for one image.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives the input called `input` this shape, whatever the file says.
    #[must_use]
    pub fn input_shape(mut self, input: impl Into<String>, shape: impl Into<Vec<usize>>) -> Self {
        self.shapes.insert(input.into(), shape.into());
        self
    }

    /// Makes the input called `input` a constant, so that nodes can read their settings from it.
    #[must_use]
    pub fn bind(mut self, input: impl Into<String>, tensor: Tensor) -> Self {
        self.bound.insert(input.into(), tensor);
        self
    }

    /// Keeps the batch size that the file states, instead of making it 1.
    #[must_use]
    pub fn keep_batch(mut self) -> Self {
        self.keep_batch = true;
        self
    }

    /// Translates only the outputs with these names, and what they need.
    #[must_use]
    pub fn only(mut self, outputs: impl Into<Vec<String>>) -> Self {
        self.only = Some(outputs.into());
        self
    }

    /// Reads weights from the files `beside` the model where they are there.
    #[must_use]
    pub fn beside(mut self, files: Arc<dyn Beside>) -> Self {
        self.beside = Some(files);
        self
    }

    /// The network in `bytes`; `name` is the file's name for messages.
    ///
    /// # Errors
    /// As [`import`], but any graph of float32 tensors will do.
    pub fn graph(&self, name: &str, bytes: &[u8]) -> Result<Graph> {
        let (symbols, outputs) = self.translate(name, bytes, |stated| Ok(self.chosen(stated)))?;
        symbols.finish(&outputs.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// The outputs of the network in `bytes` that do not depend on any input that is left open, by name.
    ///
    /// # Errors
    /// As [`Importer::graph`].
    pub fn known_outputs(&self, name: &str, bytes: &[u8]) -> Result<BTreeMap<String, Tensor>> {
        let (symbols, outputs) = self.translate(name, bytes, |stated| Ok(self.chosen(stated)))?;
        let known = |output: String| symbols.known_output(&output).cloned().map(|tensor| (output, tensor));
        Ok(outputs.into_iter().filter_map(known).collect())
    }

    fn chosen(&self, stated: &[ValueInfoProto]) -> Option<Vec<usize>> {
        let only = self.only.as_ref()?;
        Some((0..stated.len()).filter(|&index| only.contains(&stated[index].name)).collect())
    }

    /// Translates the nodes; the names of the outputs come along. `choose` says which outputs are wanted, by index; where it
    /// says nothing all of them are, and every node is translated.
    fn translate(
        &self,
        name: &str,
        bytes: &[u8],
        choose: impl FnOnce(&[ValueInfoProto]) -> Result<Option<Vec<usize>>>,
    ) -> Result<(Symbols, Vec<String>)> {
        // The file, its raw data and the parameters, and the structures that describe them.
        let data = (bytes.len() as u64).saturating_mul(3).saturating_add(PROGRAM);
        let needed = data.saturating_add(wire::structures(bytes));
        limits::allowed().check("decoding the model needs", needed).map_err(|error| error.concerning(name))?;
        let model = ModelProto::decode(bytes)
            .map_err(|error| Error::input(name, format_args!("not an ONNX model, or a damaged one: {error}")))?;
        let opset = opset(name, &model)?;
        let graph = model.graph.ok_or_else(|| Error::input(name, "not an ONNX model: it has no graph"))?;
        if !graph.sparse_initializer.is_empty() {
            return Err(Error::input(name, "the model has sparse initializers, only dense ones are supported"));
        }
        let GraphProto { node: nodes, name: title, initializer, input, mut output, .. } = graph;
        // Numbers of few bits take more room than in the file.
        let widened = initializer.iter().filter(|tensor| data_type::short(tensor.data_type).is_some()).map(|tensor| {
            let count = tensor.dims.iter().fold(4u64, |bytes, &dim| bytes.saturating_mul(dim.unsigned_abs()));
            // As many elements as the bytes of the file can hold at most.
            count.min((bytes.len() as u64).saturating_mul(8))
        });
        let needed = widened.fold(needed, u64::saturating_add);
        limits::allowed().check("decoding the model needs", needed).map_err(|error| error.concerning(name))?;
        let mut nodes = functions::inlined(nodes, &model.functions, opset)?;
        let choice = choose(&output)?;
        let is_chosen = choice.is_some();
        if let Some(chosen) = choice {
            output = chosen.into_iter().map(|index| output[index].clone()).collect();
        }
        let reached = reach::nodes(&nodes, &output);
        let mut external = External::new(self.beside.as_deref().unwrap_or(&Alone));
        nodes.iter_mut().try_for_each(|node| external.fill_attributes(node))?;

        let mut symbols = Symbols::new(GraphBuilder::new(title));
        for (input, tensor) in &self.bound {
            symbols.known(input, tensor.clone())?;
        }
        for mut proto in initializer {
            let tensor = external
                .fill(&mut proto)
                .and_then(|()| Tensor::from_proto(&proto))
                .map_err(|problem| Error::input(name, format_args!("initializer \"{}\": {problem}", proto.name)))?;
            if !self.bound.contains_key(&proto.name) {
                symbols.known(&proto.name, tensor)?;
            }
        }
        let mut fixed_batch = None;
        for info in &input {
            // Before IR version 4 initializers are listed as inputs, too.
            if !symbols.contains(&info.name) {
                let (shape, batch) = self.shape(name, info)?;
                fixed_batch = fixed_batch.or(batch);
                symbols.made_for(batch);
                let kind = element(info);
                symbols.has_doubles |= kind == data_type::DOUBLE;
                symbols.input(&info.name, shape, data_type::short(kind).unwrap_or_default())?;
                symbols.takes_bytes |= kind == data_type::UINT8;
            }
        }

        let wanted = fold::settings(&nodes, []);
        let translated = nodes.iter().enumerate().try_for_each(|(index, proto)| {
            if is_chosen && !reached[index] {
                return symbols.unreached(proto);
            }
            match node(proto, index, opset, &wanted, 0, &mut symbols) {
                // No output needs it, so what it would compute does not matter.
                Err(_) if self.classifier && !reached[index] => symbols.unreached(proto),
                made => made,
            }
        });
        if let Some(batch) = fixed_batch {
            translated.and_then(|()| single(&symbols, &output)).map_err(|error| {
                Error::input(
                    name,
                    format_args!(
                        "the model is made for batches of {batch} images and does not run on one; \
                         export it with a batch of 1 or an open batch axis ({error})"
                    ),
                )
            })?;
        } else {
            translated?;
        }
        Ok((symbols, output.into_iter().map(|info| info.name).collect()))
    }

    /// Shape of an input for one image, and its batch size where that is fixed and not 1.
    fn shape(&self, name: &str, info: &ValueInfoProto) -> Result<(Vec<usize>, Option<usize>)> {
        let input = &info.name;
        let refuse = |problem: String| Error::input(name, format_args!("input \"{input}\" {problem}"));
        let tensor = info.r#type.as_ref().and_then(|r#type| r#type.tensor_type.as_ref());
        let tensor = tensor.ok_or_else(|| refuse("is not a tensor".to_owned()))?;
        let kinds = [data_type::FLOAT, data_type::FLOAT16, data_type::BFLOAT16, data_type::DOUBLE, data_type::UINT8];
        if !kinds.contains(&tensor.elem_type) {
            let found = data_type::name(tensor.elem_type);
            return Err(refuse(format!("takes {found} elements; floats or bytes (uint8) are expected of an image")));
        }
        if let Some(shape) = self.shapes.get(input) {
            return Ok((shape.clone(), None));
        }
        let Some(stated) = &tensor.shape else {
            return Err(refuse("has no shape; export the model with one, or state it".to_owned()));
        };
        let length = |dim: &DimensionProto| {
            let length = dim.dim_value.and_then(|length| usize::try_from(length).ok());
            // Some exporters write 0 for a length that is open.
            length.filter(|&length| length > 0 || self.keep_batch)
        };
        let mut shape: Vec<Option<usize>> = stated.dim.iter().map(length).collect();
        let mut fixed_batch = None;
        if let Some(batch) = shape.first_mut()
            && !self.keep_batch
        {
            fixed_batch = batch.replace(1).filter(|&batch| batch != 1);
        }
        if let Some(size) = self.size {
            let filled = size.fill(&shape).map_err(|error| refuse(format!(": {error}")))?;
            return Ok((filled, fixed_batch));
        }
        match shape.iter().position(Option::is_none) {
            None => Ok((shape.into_iter().flatten().collect(), fixed_batch)),
            Some(axis) => {
                let problem = format!(
                    "input \"{input}\" leaves the length of axis {axis} open; --input-size HxW states the height and width of the \
                     image, or export the model with a fixed size"
                );
                Err(Error::question(Question::InputSize, problem).concerning(name))
            }
        }
    }
}

/// The type of the elements of an input, by ONNX's number.
fn element(info: &ValueInfoProto) -> i32 {
    let tensor = info.r#type.as_ref().and_then(|r#type| r#type.tensor_type.as_ref());
    tensor.map_or(data_type::FLOAT, |tensor| tensor.elem_type)
}

/// Translates one node, within as many branches of `If`. `wanted` are the tensors that set up other nodes.
fn node(
    proto: &NodeProto,
    index: usize,
    opset: i64,
    wanted: &HashSet<&str>,
    depth: usize,
    symbols: &mut Symbols,
) -> Result<()> {
    let node = NodeView::new(proto, index, opset)?;
    if let Some(branch) = branches::taken(proto, &node, symbols)? {
        if depth == branches::DEEPEST {
            return Err(node.unsupported(format_args!("more than {depth} branches within each other are not")));
        }
        for tensor in &branch.initializers {
            let own = Tensor::from_proto(tensor);
            let own =
                own.map_err(|problem| node.problem(format_args!("initializer \"{}\": {problem}", tensor.name)))?;
            symbols.known(&tensor.name, own)?;
        }
        return nodes(&branch.nodes, opset, wanted, depth + 1, symbols);
    }
    if let Some(mut turns) = Loop::new(proto, &node, symbols)? {
        if depth == branches::DEEPEST {
            return Err(node.unsupported(format_args!("more than {depth} loops within each other are not")));
        }
        while turns.goes_on(&node, symbols)? {
            let round = turns.next(&node, symbols)?;
            // Whether the loop goes on is a setting.
            let wanted = wanted.iter().copied().chain(turns.condition()).collect();
            nodes(&round, opset, &wanted, depth + 1, symbols)?;
        }
        return nodes(&turns.end(&node, symbols)?, opset, wanted, depth + 1, symbols);
    }
    let wanted = node.outputs().iter().any(|output| wanted.contains(output.as_str()));
    match fold::fold(&node, symbols, wanted)? {
        Some(Folded::Value(tensor)) => symbols.folded(&node, tensor),
        Some(Folded::Alias) => symbols.alias(&node),
        None => {
            let layer = layers::layer(&node, symbols)?;
            symbols.layer(&node, layer.op, &layer.inputs, layer.outputs)
        }
    }
}

/// Translates the nodes of a branch or of a round.
fn nodes(nodes: &[NodeProto], opset: i64, wanted: &HashSet<&str>, depth: usize, symbols: &mut Symbols) -> Result<()> {
    let wanted = fold::settings(nodes, wanted.iter().copied());
    let mut inner = nodes.iter().enumerate();
    inner.try_for_each(|(index, proto)| node(proto, index, opset, &wanted, depth, symbols))
}

/// The version of the default operator set.
fn opset(name: &str, model: &ModelProto) -> Result<i64> {
    let opset = model.opset_import.iter().find(|opset| is_standard(&opset.domain));
    match opset.map(|opset| opset.version) {
        Some(version) if OPSETS.contains(&version) => Ok(version),
        Some(version) => Err(Error::input(
            name,
            format_args!(
                "the model uses ONNX operator set {version}; {} to {} are supported",
                OPSETS.start(),
                OPSETS.end()
            ),
        )),
        None => {
            Err(Error::input(name, "not an ONNX model, or one without standard operators: no operator set is named"))
        }
    }
}

/// Checks that the outputs are for one image: their declared shapes, with a batch of 1.
fn single(symbols: &Symbols, outputs: &[ValueInfoProto]) -> Result<()> {
    for info in outputs {
        let tensor = info.r#type.as_ref().and_then(|r#type| r#type.tensor_type.as_ref());
        let (Some(made), Some(declared)) =
            (symbols.computed_shape(&info.name), tensor.and_then(|tensor| tensor.shape.as_ref()))
        else {
            continue;
        };
        let fits = made.len() == declared.dim.len()
            && made.iter().zip(&declared.dim).enumerate().all(|(axis, (&length, dim))| match dim.dim_value {
                _ if axis == 0 => length == 1,
                Some(stated) => i64::try_from(length) == Ok(stated),
                None => true,
            });
        if !fits {
            return Err(Error::graph(&info.name, format_args!("one image makes an output of shape {made:?}")));
        }
    }
    Ok(())
}
