//! Making graphs: one builder for every importer and every hand-written architecture, and the checks that
//! every graph passes.

use std::collections::{BTreeMap, HashSet};

use super::infer::{MAX_ELEMENTS, infer, links};
use super::{Graph, GraphDraft, HostTensor, Layout, Node, Op, SampledLayers, Source, Value, ValueId, elements};
use crate::format::{Format, Scales};
use crate::{Error, Result};

/// Most elements all activations of one image may have together, since a golden run keeps them: 2^30, four GiB.
const MAX_ACTIVATIONS: usize = 1 << 30;

/// Builds a [`Graph`] layer by layer, inferring each shape as it goes.
#[derive(Debug)]
pub struct GraphBuilder {
    graph: GraphDraft,
    names: HashSet<String>,
}

impl GraphBuilder {
    /// An empty graph called `name`.
    pub fn new(name: impl Into<String>) -> Self {
        let graph = GraphDraft {
            name: name.into(),
            values: Vec::new(),
            nodes: Vec::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            sampled: SampledLayers::default(),
            parameters: BTreeMap::new(),
        };
        Self { graph, names: HashSet::new() }
    }

    /// A tensor that the caller supplies; `shape` for one image.
    ///
    /// # Errors
    /// Where the shape is absurd.
    pub fn input(&mut self, name: impl Into<String>, shape: impl Into<Vec<usize>>) -> Result<ValueId> {
        let id = self.value(name.into(), shape.into(), Source::Input)?;
        self.graph.inputs.push(id);
        Ok(id)
    }

    /// A parameter and its data.
    ///
    /// # Errors
    /// Where the shape is absurd.
    pub fn parameter(&mut self, name: impl Into<String>, tensor: HostTensor) -> Result<ValueId> {
        let id = self.value(name.into(), tensor.shape.clone(), Source::Parameter)?;
        self.graph.parameters.insert(id, tensor);
        Ok(id)
    }

    /// A layer with one output per entry of `outputs` (names), whose shapes are inferred.
    ///
    /// A layer without a name, or with one that is taken, is called `KIND_INDEX`.
    ///
    /// # Errors
    /// Where the inputs do not fit the operator; the error names the layer.
    pub fn node(
        &mut self,
        name: &str,
        kind: &str,
        op: Op,
        inputs: &[ValueId],
        outputs: &[&str],
    ) -> Result<Vec<ValueId>> {
        let name = self.unique(name, kind);
        let shapes: Vec<&[usize]> = inputs.iter().map(|&id| self.graph.values[id].shape.as_slice()).collect();
        let made = infer(&op, &shapes).map_err(|problem| Error::graph(&name, problem))?;
        if made.len() != outputs.len() {
            return Err(Error::graph(
                &name,
                format_args!("{kind} makes {} outputs, the model names {}", made.len(), outputs.len()),
            ));
        }
        let id = self.graph.nodes.len();
        let mut ids = Vec::with_capacity(outputs.len());
        for (output, shape) in outputs.iter().zip(made) {
            ids.push(
                self.value((*output).to_owned(), shape, Source::Node(id))
                    .map_err(|error| Error::graph(&name, error))?,
            );
        }
        self.graph.nodes.push(Node { name, kind: kind.to_owned(), op, inputs: inputs.to_vec(), outputs: ids.clone() });
        Ok(ids)
    }

    /// A layer with one input and one output; see [`GraphBuilder::node`].
    ///
    /// # Errors
    /// As [`GraphBuilder::node`].
    pub fn layer(&mut self, name: &str, kind: &str, op: Op, inputs: &[ValueId]) -> Result<ValueId> {
        Ok(self.node(name, kind, op, inputs, &[name])?[0])
    }

    /// A layer whose outputs are known already and read by no executed layer: shape arithmetic, constants
    /// that became parameters or attributes. It stays in the list so that indices agree with the source.
    ///
    /// # Errors
    /// Where a shape is absurd.
    pub fn folded(&mut self, name: &str, kind: &str, outputs: &[(&str, Vec<usize>)]) -> Result<()> {
        let name = self.unique(name, kind);
        let mut ids = Vec::with_capacity(outputs.len());
        for (output, shape) in outputs {
            ids.push(self.value((*output).to_owned(), shape.clone(), Source::Folded)?);
        }
        self.graph.nodes.push(Node { name, kind: kind.to_owned(), op: Op::Folded, inputs: Vec::new(), outputs: ids });
        Ok(())
    }

    /// Says how the source framework lays out a tensor made so far; until then it is as stored.
    ///
    /// # Errors
    /// Where the layout is for another number of axes.
    pub fn lay_out(&mut self, value: ValueId, layout: Layout) -> Result<()> {
        let value = &mut self.graph.values[value];
        layout.fits(&value.shape).map_err(|problem| Error::graph(&value.name, problem))?;
        value.layout = layout;
        Ok(())
    }

    /// Says in which number format a tensor made so far is stored; until then it is float32. Integers without scales are
    /// the elements themselves. The data of a parameter must be numbers of the format.
    ///
    /// # Errors
    /// Where the scales do not fit, or the output of a layer has more than one.
    pub fn store(&mut self, value: ValueId, format: Format, scales: Scales) -> Result<()> {
        let value = &mut self.graph.values[value];
        (value.format, value.scales) = (format, scales);
        check_code(value)
    }

    /// The number format of a tensor made so far.
    pub fn format(&self, value: ValueId) -> Format {
        self.graph.values[value].format
    }

    /// Where a tensor made so far comes from.
    pub fn source(&self, value: ValueId) -> Source {
        self.graph.values[value].source
    }

    /// Says which layers campaigns draw activation faults from.
    pub fn sample(&mut self, sampled: SampledLayers) {
        self.graph.sampled = sampled;
    }

    /// Whether a layer of this name was made.
    pub fn has_layer(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// Shape of a tensor made so far, for one image.
    pub fn shape(&self, value: ValueId) -> &[usize] {
        &self.graph.values[value].shape
    }

    /// The finished graph, checked.
    ///
    /// # Errors
    /// As [`GraphDraft::check`].
    pub fn finish(mut self, outputs: &[ValueId]) -> Result<Graph> {
        self.graph.outputs = outputs.to_vec();
        self.graph.check()
    }

    fn value(&mut self, name: String, shape: Vec<usize>, source: Source) -> Result<ValueId> {
        if elements(&shape).is_none_or(|count| count > MAX_ELEMENTS) {
            return Err(Error::graph(&name, format_args!("a tensor of shape {shape:?} is too large to compute")));
        }
        self.graph.values.push(Value {
            name,
            shape,
            source,
            layout: Layout::default(),
            format: Format::F32,
            scales: Scales::default(),
        });
        Ok(self.graph.values.len() - 1)
    }

    fn unique(&mut self, name: &str, kind: &str) -> String {
        let mut unique = name.to_owned();
        let mut suffix = self.graph.nodes.len();
        while unique.is_empty() || self.names.contains(&unique) {
            unique = format!("{kind}_{suffix}");
            suffix += 1;
        }
        self.names.insert(unique.clone());
        unique
    }
}

/// Checks that the scales of a tensor fit it.
pub(super) fn check_code(value: &Value) -> Result<()> {
    let problem = |problem: &dyn std::fmt::Display| Error::graph(&value.name, problem);
    value.scales.check(value.format, &value.shape).map_err(|error| problem(&error))?;
    match value.source {
        Source::Parameter => Ok(()),
        _ if value.one_code().is_some() => Ok(()),
        _ => Err(problem(&format_args!("the output of a layer has one scale, found {}", value.scales.each.len()))),
    }
}

/// Checks the draft; returns by layer the shapes that the links of a chain make.
pub(super) fn check(graph: &GraphDraft) -> Result<Vec<Vec<Vec<usize>>>> {
    let count = graph.values.len();
    let known = |id: ValueId, layer: &str| {
        if id < count {
            Ok(())
        } else {
            Err(Error::graph(layer, format_args!("refers to tensor {id}, but there are only {count}")))
        }
    };
    let mut made = vec![false; count];
    for (id, value) in graph.values.iter().enumerate() {
        if elements(&value.shape).is_none_or(|count| count > MAX_ELEMENTS) {
            return Err(Error::graph(
                &value.name,
                format_args!("a tensor of shape {:?} is too large to compute", value.shape),
            ));
        }
        value.layout.fits(&value.shape).map_err(|problem| Error::graph(&value.name, problem))?;
        check_code(value)?;
        match value.source {
            Source::Input => made[id] = graph.inputs.contains(&id),
            Source::Parameter => {
                let found = graph.parameters.get(&id).map(|tensor| (&tensor.shape, tensor.data.len()));
                if found != Some((&value.shape, value.elements())) {
                    return Err(Error::graph(
                        &value.name,
                        format_args!("a parameter of shape {:?} is expected, found {found:?}", value.shape),
                    ));
                }
                made[id] = true;
            }
            Source::Node(_) | Source::Folded => {}
        }
    }
    let computed = graph.values.iter().filter(|value| matches!(value.source, Source::Node(_)));
    let activations = computed.fold(0usize, |sum, value| sum.saturating_add(value.elements()));
    if activations > MAX_ACTIVATIONS {
        return Err(Error::request(format_args!(
            "the layers' outputs for one image take {} MiB, the most that are kept is {} MiB; a smaller input would do",
            activations >> 18,
            MAX_ACTIVATIONS >> 18
        )));
    }
    let mut names = HashSet::new();
    let mut chains = vec![Vec::new(); graph.nodes.len()];
    for (index, node) in graph.nodes.iter().enumerate() {
        if !names.insert(node.name.as_str()) {
            return Err(Error::graph(&node.name, "two layers have this name"));
        }
        for &id in node.inputs.iter().chain(&node.outputs) {
            known(id, &node.name)?;
        }
        if node.op == Op::Folded {
            continue;
        }
        for &id in &node.inputs {
            if !made[id] {
                return Err(Error::graph(
                    &node.name,
                    format_args!("reads \"{}\" before any layer makes it", graph.values[id].name),
                ));
            }
        }
        let shapes: Vec<&[usize]> = node.inputs.iter().map(|&id| graph.values[id].shape.as_slice()).collect();
        let inferred = infer(&node.op, &shapes).map_err(|problem| Error::graph(&node.name, problem))?;
        if let Op::Chain(steps) = &node.op {
            chains[index] = links(steps, &shapes).map_err(|problem| Error::graph(&node.name, problem))?;
        }
        let stated: Vec<_> = node.outputs.iter().map(|&id| &graph.values[id].shape).collect();
        if inferred.iter().collect::<Vec<_>>() != stated {
            return Err(Error::graph(
                &node.name,
                format_args!("makes tensors of shape {inferred:?}, the model states {stated:?}"),
            ));
        }
        for &id in &node.outputs {
            if graph.values[id].source != Source::Node(index) || made[id] {
                return Err(Error::graph(
                    &node.name,
                    format_args!("\"{}\" is made more than once", graph.values[id].name),
                ));
            }
            made[id] = true;
        }
    }
    for &id in graph.inputs.iter().chain(&graph.outputs) {
        known(id, "graph")?;
        if !made[id] {
            return Err(Error::request(format_args!("no layer of the model makes \"{}\"", graph.values[id].name)));
        }
    }
    if graph.outputs.is_empty() {
        return Err(Error::request("the model has no output"));
    }
    Ok(chains)
}
