//! What the tensor names of a file stand for while its nodes are translated.

use std::collections::HashMap;
use std::sync::Arc;

use facts::format::{Format, Scales};
use facts::graph::{Graph, GraphBuilder, HostTensor, ValueId};
use facts::{Error, Result};

use super::layers::types;
use super::node::NodeView;
use super::proto::NodeProto;
use super::tensor::{Data, Tensor};

/// Most elements that all evaluation at import may make together, whatever a file asks for. Shape arithmetic
/// makes a few hundred; the windows of Swin v2, as the older exporter of PyTorch writes them, ten million.
const FOLDED_ELEMENTS: usize = 1 << 24;

/// Most elements that nodes may fill with one value, all together: ONNX's own light models make 144 million weights so.
const FILLED_ELEMENTS: usize = 1 << 28;

/// The notice about files with layers that compute with float64.
pub(super) const DOUBLES: &str =
    "the file computes in float64; Faultscope computes these tensors in float32, and a stored number has 32 bits";

/// Most axes of a tensor, as for the outputs of layers.
const MAX_RANK: usize = 8;

/// The names defined so far, and the graph built so far.
pub(super) struct Symbols {
    builder: GraphBuilder,
    names: HashMap<String, Symbol>,
    constants: Vec<Constant>,
    /// Elements that evaluation may still make.
    budget: usize,
    /// Elements that nodes may still fill with one value.
    filled: usize,
    /// The number of images that the file is made for, if it is fixed and not 1.
    batch: Option<usize>,
    /// Whether an input takes bytes.
    pub takes_bytes: bool,
    /// Whether layers compute with tensors of float64.
    pub has_doubles: bool,
    /// Whether layers make places of elements, which the file holds as int64.
    pub has_places: bool,
    /// Tensors of int32 that may exceed what float32 holds, by name.
    pub large: Vec<String>,
}

/// What a name stands for.
enum Symbol {
    /// A tensor that is there at run time.
    Computed(ValueId),
    /// A tensor known at import, by position in [`Symbols::constants`].
    Known(usize),
    /// An output that Faultscope does not compute; the text says what it is.
    Absent(String),
}

/// A tensor known at import. It becomes a parameter when a layer reads it as data; what is only read as a
/// setting never does.
struct Constant {
    name: String,
    tensor: Tensor,
    origin: Origin,
    parameter: Option<ValueId>,
}

/// Where a known tensor comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The file holds it: an initializer, or a constant of several elements. It may be a weight.
    Stored,
    /// One number in a Constant node.
    Written,
    /// Import has computed it, from shapes for example. It is no weight.
    Derived,
}

impl Symbols {
    pub fn new(builder: GraphBuilder) -> Self {
        Self {
            builder,
            names: HashMap::new(),
            constants: Vec::new(),
            budget: FOLDED_ELEMENTS,
            filled: FILLED_ELEMENTS,
            batch: None,
            takes_bytes: false,
            has_doubles: false,
            has_places: false,
            large: Vec::new(),
        }
    }

    /// States the number of images that the file is made for.
    pub fn made_for(&mut self, batch: Option<usize>) {
        self.batch = self.batch.or(batch);
    }

    /// The number of images that the file is made for, if it is fixed and not 1.
    pub fn batch(&self) -> Option<usize> {
        self.batch
    }

    /// Whether `name` is defined.
    pub fn contains(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }

    /// Defines an input of the graph.
    pub fn input(&mut self, name: &str, shape: Vec<usize>, format: Format) -> Result<()> {
        check_rank(name, &shape)?;
        let id = self.builder.input(name, shape)?;
        self.builder.store(id, format, Scales::default())?;
        self.define(name, Symbol::Computed(id))
    }

    /// Defines a tensor whose elements the file holds.
    pub fn known(&mut self, name: &str, tensor: Tensor) -> Result<()> {
        self.constant(name, tensor, Origin::Stored)
    }

    fn constant(&mut self, name: &str, tensor: Tensor, origin: Origin) -> Result<()> {
        check_rank(name, &tensor.shape)?;
        self.constants.push(Constant { name: name.to_owned(), tensor, origin, parameter: None });
        self.define(name, Symbol::Known(self.constants.len() - 1))
    }

    /// Adds a layer that is not executed because its one output is known.
    pub fn folded(&mut self, node: &NodeView, tensor: Tensor) -> Result<()> {
        let [output] = node.outputs() else { return Err(self.outputs_differ(node, 1)) };
        self.builder.folded(&node.label, node.op(), &[(output, tensor.shape.clone())])?;
        let origin = match (node.op(), tensor.data.len()) {
            ("Constant", 1) => Origin::Written,
            ("Constant", _) => Origin::Stored,
            _ => Origin::Derived,
        };
        self.constant(output, tensor, origin)
    }

    /// Adds a layer that is not executed because its output is its known input 0: readers of the one read the
    /// other, so that a parameter stays one parameter under its own name.
    pub fn alias(&mut self, node: &NodeView) -> Result<()> {
        let [output] = node.outputs() else { return Err(self.outputs_differ(node, 1)) };
        let &Symbol::Known(constant) = self.symbol(node, 0)? else {
            return Err(node.problem("an alias of a tensor that is not known"));
        };
        let shape = self.constants[constant].tensor.shape.clone();
        self.builder.folded(&node.label, node.op(), &[(output, shape)])?;
        self.define(output, Symbol::Known(constant))
    }

    /// Adds a layer that makes the first `made` outputs of `node`; those after them may be named in the file,
    /// but not read.
    pub fn layer(&mut self, node: &NodeView, op: facts::graph::Op, inputs: &[ValueId], made: usize) -> Result<()> {
        let outputs = node.outputs();
        if outputs.len() < made {
            return Err(self.outputs_differ(node, made));
        }
        let (computed, absent) = outputs.split_at(made);
        let names: Vec<&str> = computed.iter().map(String::as_str).collect();
        let formats = types::formats(node, self, &op, inputs, made)?;
        let ids = self.builder.node(&node.label, node.op(), op, inputs, &names)?;
        for ((name, id), format) in names.into_iter().zip(ids).zip(formats) {
            self.builder.store(id, format, Scales::default())?;
            self.define(name, Symbol::Computed(id))?;
        }
        for (position, name) in absent.iter().enumerate() {
            let what = format!("output {} of {} \"{}\"", made + position, node.op(), node.label);
            self.define(name, Symbol::Absent(what))?;
        }
        Ok(())
    }

    /// Adds a layer in the place of `node`, which no output needs.
    pub fn unreached(&mut self, node: &NodeProto) -> Result<()> {
        self.builder.folded(&node.name, &node.op_type, &[])
    }

    /// Shape of input `index`.
    pub fn shape(&self, node: &NodeView, index: usize) -> Result<&[usize]> {
        match self.symbol(node, index)? {
            &Symbol::Computed(id) => Ok(self.builder.shape(id)),
            &Symbol::Known(constant) => Ok(&self.constants[constant].tensor.shape),
            Symbol::Absent(what) => Err(node.unsupported(format_args!("it reads {what}, which is not computed"))),
        }
    }

    /// Input `index` as data of a layer; a known tensor becomes a parameter.
    pub fn data(&mut self, node: &NodeView, index: usize) -> Result<ValueId> {
        match self.symbol(node, index)? {
            &Symbol::Computed(id) => Ok(id),
            &Symbol::Known(constant) => self.parameter(constant, |problem| node.unsupported(problem)),
            Symbol::Absent(what) => Err(node.unsupported(format_args!("it reads {what}, which is not computed"))),
        }
    }

    /// The number format of a tensor of the graph.
    pub fn format(&self, value: ValueId) -> Format {
        self.builder.format(value)
    }

    /// The number format of input `index`; `None` for int64, int32 and bool that are known.
    pub fn format_of(&self, node: &NodeView, index: usize) -> Result<Option<Format>> {
        Ok(match self.symbol(node, index)? {
            &Symbol::Computed(id) => Some(self.builder.format(id)),
            &Symbol::Known(constant) => match self.constants[constant].tensor.data {
                Data::Float(_) | Data::Double(_) => Some(Format::F32),
                Data::Short(format, _) => Some(format),
                Data::Int(_) => None,
            },
            Symbol::Absent(_) => None,
        })
    }

    /// Input `index` as data; known integers of more than 16 bits become int32.
    pub fn integers(&mut self, node: &NodeView, index: usize) -> Result<ValueId> {
        let &Symbol::Known(constant) = self.symbol(node, index)? else { return self.data(node, index) };
        let Constant { name, tensor: Tensor { shape, data: Data::Int(values) }, parameter, .. } =
            &self.constants[constant]
        else {
            return self.data(node, index);
        };
        if let &Some(id) = parameter {
            return Ok(id);
        }
        let (name, shape, values) = (name.clone(), shape.clone(), values.clone());
        if let Some(value) = values.iter().find(|&&value| i32::try_from(value).is_err()) {
            return Err(node.problem(format_args!("{value} in \"{name}\" is no int32")));
        }
        if values.iter().any(|&value| value.unsigned_abs() > 1 << 24) {
            self.large.push(name.clone());
        }
        self.spend(node, values.len())?;
        let tensor = HostTensor::new(shape, values.iter().map(|&value| value as f32).collect::<Vec<_>>())?;
        let id = self.builder.parameter(&name, tensor)?;
        self.builder.store(id, Format::I32, Scales::default())?;
        self.constants[constant].parameter = Some(id);
        Ok(id)
    }

    /// Input `index` as data, where it is given.
    pub fn optional_data(&mut self, node: &NodeView, index: usize) -> Result<Option<ValueId>> {
        node.input(index).map(|_| self.data(node, index)).transpose()
    }

    /// Input `index` as data, converted to float32 where it is a known tensor of integers.
    pub fn number(&mut self, node: &NodeView, index: usize) -> Result<ValueId> {
        let Some(Tensor { shape, data: Data::Int(values) }) = self.tensor(node, index)? else {
            return self.data(node, index);
        };
        let (shape, values) = (shape.clone(), values.clone());
        self.spend(node, values.len())?;
        let tensor = HostTensor::new(shape, values.iter().map(|&value| value as f32).collect::<Vec<_>>())?;
        self.builder.parameter(node.input(index).unwrap_or_default(), tensor)
    }

    /// Input `index`, where its elements are known.
    pub fn tensor(&self, node: &NodeView, index: usize) -> Result<Option<&Tensor>> {
        match self.symbol(node, index)? {
            &Symbol::Known(constant) => Ok(Some(&self.constants[constant].tensor)),
            _ => Ok(None),
        }
    }

    /// Where input `index` comes from, if its elements are known.
    pub fn origin(&self, node: &NodeView, index: usize) -> Result<Option<Origin>> {
        match self.symbol(node, index)? {
            &Symbol::Known(constant) => Ok(Some(self.constants[constant].origin)),
            _ => Ok(None),
        }
    }

    /// The setting `what` at input `index`, where it is given.
    pub fn setting(&self, node: &NodeView, index: usize, what: &str) -> Result<Option<&Tensor>> {
        let Some(name) = node.input(index) else { return Ok(None) };
        match self.tensor(node, index)? {
            Some(tensor) => Ok(Some(tensor)),
            None => Err(node.unsupported(format_args!(
                "its {what} (input \"{name}\") is computed while the network runs; it must be known at import"
            ))),
        }
    }

    /// The setting `what` at input `index` as integers, where it is given.
    pub fn ints(&self, node: &NodeView, index: usize, what: &str) -> Result<Option<Arc<[i64]>>> {
        match self.setting(node, index, what)?.map(|tensor| &tensor.data) {
            None => Ok(None),
            Some(Data::Int(values)) => Ok(Some(values.clone())),
            Some(data) => Err(node.problem(format_args!("its {what} is {}, integers are expected", data.kind()))),
        }
    }

    /// The setting `what` at input `index` as float32 numbers, where it is given.
    pub fn floats(&self, node: &NodeView, index: usize, what: &str) -> Result<Option<Arc<[f32]>>> {
        match self.setting(node, index, what)?.map(|tensor| &tensor.data) {
            None => Ok(None),
            Some(Data::Float(values)) => Ok(Some(values.clone())),
            Some(Data::Short(_, values)) => Ok(Some(values.clone())),
            Some(Data::Double(values)) => Ok(Some(values.iter().map(|&value| value as f32).collect())),
            Some(data) => Err(node.problem(format_args!("its {what} is {}, float32 is expected", data.kind()))),
        }
    }

    /// The setting `what` at input `index` as one float32 number, where it is given.
    pub fn float(&self, node: &NodeView, index: usize, what: &str) -> Result<Option<f32>> {
        match self.floats(node, index, what)?.as_deref() {
            None => Ok(None),
            Some(&[value]) => Ok(Some(value)),
            Some(values) => Err(node.problem(format_args!("its {what} has {} elements, 1 is expected", values.len()))),
        }
    }

    /// Takes `elements` from what evaluation at import may make.
    pub fn spend(&mut self, node: &NodeView, elements: usize) -> Result<()> {
        self.budget = self.budget.checked_sub(elements).ok_or_else(|| {
            node.unsupported(format_args!(
                "constants of more than {FOLDED_ELEMENTS} elements would have to be computed at import"
            ))
        })?;
        Ok(())
    }

    /// Takes `elements` from what nodes may fill with one value.
    pub fn fill(&mut self, node: &NodeView, elements: usize) -> Result<()> {
        self.filled = self.filled.checked_sub(elements).ok_or_else(|| {
            node.unsupported(format_args!(
                "weights of more than {FILLED_ELEMENTS} elements would have to be computed at import; save them as initializers"
            ))
        })?;
        Ok(())
    }

    /// Adds what is assumed about number types to `notices`.
    pub fn notices(&self, notices: &mut Vec<String>) {
        if self.has_doubles {
            notices.push(DOUBLES.to_owned());
        }
        if self.has_places {
            let text = "the file holds places of elements (ArgMax, TopK) as int64; Faultscope holds them as int32, and a fault strikes \
                        one of 32 bits";
            notices.push(text.to_owned());
        }
        if let Some(first) = self.large.first() {
            notices.push(format!(
                "{} of int32 may exceed 2^24, the first \"{first}\": their elements are held as float32, rounded to 24 bits, \
                 and a fault strikes the rounded number",
                if self.large.len() == 1 { "one tensor".to_owned() } else { format!("{} tensors", self.large.len()) }
            ));
        }
    }

    /// The known tensor called `name`.
    pub fn known_output(&self, name: &str) -> Option<&Tensor> {
        match self.names.get(name) {
            Some(&Symbol::Known(constant)) => Some(&self.constants[constant].tensor),
            _ => None,
        }
    }

    /// Shape of the tensor called `name`, where it is there at run time.
    pub fn computed_shape(&self, name: &str) -> Option<&[usize]> {
        match self.names.get(name) {
            Some(&Symbol::Computed(id)) => Some(self.builder.shape(id)),
            _ => None,
        }
    }

    /// The finished graph, with outputs of these names.
    pub fn finish(mut self, outputs: &[&str]) -> Result<Graph> {
        let mut ids = Vec::with_capacity(outputs.len());
        for &name in outputs {
            ids.push(match self.names.get(name) {
                Some(&Symbol::Computed(id)) => id,
                Some(&Symbol::Known(constant)) => {
                    self.parameter(constant, |problem| Error::graph("graph", format_args!("as an output, {problem}")))?
                }
                Some(Symbol::Absent(what)) => {
                    return Err(Error::graph(
                        "graph",
                        format_args!("output \"{name}\" is {what}, which is not computed"),
                    ));
                }
                None => return Err(Error::graph("graph", format_args!("no node makes the output \"{name}\""))),
            });
        }
        let graph = self.builder.finish(&ids)?;
        if let Some(batch) = self.batch {
            super::batch::check(&graph, batch)?;
        }
        Ok(graph)
    }

    fn parameter(&mut self, constant: usize, error: impl FnOnce(String) -> Error) -> Result<ValueId> {
        let constant = &mut self.constants[constant];
        if let Some(id) = constant.parameter {
            return Ok(id);
        }
        let (data, format) = match &constant.tensor.data {
            Data::Float(data) => (data.clone(), Format::F32),
            Data::Short(format, data) => (data.clone(), *format),
            Data::Double(data) => {
                self.has_doubles = true;
                (data.iter().map(|&value| value as f32).collect(), Format::F32)
            }
            Data::Int(_) => {
                return Err(error(format!(
                    "\"{}\" is a tensor of type {}, but numbers of a float or 8-bit type are expected",
                    constant.name,
                    constant.tensor.data.kind()
                )));
            }
        };
        let tensor = HostTensor::new(constant.tensor.shape.clone(), data)?;
        let id = self.builder.parameter(&constant.name, tensor)?;
        self.builder.store(id, format, Scales::default())?;
        constant.parameter = Some(id);
        Ok(id)
    }

    fn symbol(&self, node: &NodeView, index: usize) -> Result<&Symbol> {
        let name = node.input(index).ok_or_else(|| node.problem(format_args!("input {index} is missing")))?;
        self.names.get(name).ok_or_else(|| {
            node.problem(format_args!(
                "reads \"{name}\", which is neither an input nor an initializer nor made by an earlier node"
            ))
        })
    }

    fn define(&mut self, name: &str, symbol: Symbol) -> Result<()> {
        if !name.is_empty() && self.names.insert(name.to_owned(), symbol).is_some() {
            return Err(Error::graph("graph", format_args!("the tensor \"{name}\" is made twice")));
        }
        Ok(())
    }

    fn outputs_differ(&self, node: &NodeView, made: usize) -> Error {
        node.problem(format_args!("{made} outputs are expected, found {}", node.outputs().len()))
    }
}

fn check_rank(name: &str, shape: &[usize]) -> Result<()> {
    if shape.len() > MAX_RANK {
        return Err(Error::graph(name, format_args!("{} axes; at most {MAX_RANK} are supported", shape.len())));
    }
    Ok(())
}
