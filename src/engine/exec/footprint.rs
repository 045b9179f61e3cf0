//! The memory needs of a model, calculated from its graph before any allocation.

use facts::Result;
use facts::graph::{Graph, Node, Op, Step, ValueId};
use facts::limits::{self, PROGRAM};

/// The columns of a packed matrix are padded to a multiple of the widest vector.
const LANES: u64 = 16;
/// Largest tensor that the kernels rearrange by a table of indices; the library rearranges larger ones.
const TABLE: u64 = 1 << 24;
/// Copies of inputs and outputs that the library makes when it computes a layer.
const COPIES: u64 = 3;
/// Bytes that a trial keeps for each struck element: the site, and the record with its names.
pub const SITE: u64 = 512;
/// Bytes of an element.
const BYTES: u64 = 4;

/// The memory needs of a model and of its runs, in bytes. All amounts are upper bounds of the memory requested from
/// the allocator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Footprint {
    /// The parameters, and the packed copies in the kernels.
    pub model: u64,
    /// The maximum over the layers of one run: live tensors, and the copies of the layer in progress.
    pub run: u64,
    /// All tensors of a run that is kept.
    pub kept: u64,
}

impl Footprint {
    /// Returns the memory of a process with this model and `runs` concurrent inferences.
    pub fn with_runs(&self, runs: u64) -> u64 {
        let runs = runs.saturating_mul(self.run.saturating_add(SITE));
        PROGRAM.saturating_add(self.model).saturating_add(runs)
    }

    /// Checks that `runs` concurrent inferences fit the memory limit. `what` is the subject of the message with its
    /// verb: "one image needs".
    ///
    /// # Errors
    /// If they do not fit.
    pub fn check(&self, what: &str, runs: u64) -> Result<()> {
        limits::allowed().check(what, self.with_runs(runs))
    }

    /// Calculates the footprint of `graph`. A `protected` output briefly exists twice: before and after clipping.
    pub fn of(graph: &Graph, protected: bool) -> Self {
        let bytes = |value: ValueId| BYTES.saturating_mul(graph.values[value].elements() as u64);
        let depends = graph.depends_on_input();
        let stored = graph.parameters.values().map(|tensor| BYTES * tensor.data.len() as u64);
        let constant = |(id, node): (usize, &Node)| match (&node.op, depends[id]) {
            (Op::Folded, _) => 0,
            // The output of a constant layer is kept once. Its inputs are counted already.
            (_, false) => all(node.outputs.iter().map(|&value| bytes(value).saturating_mul(2))),
            (_, true) => packed(graph, node),
        };
        let made = graph.nodes.iter().enumerate().map(constant);
        let tensors = graph.inputs.iter().chain(graph.nodes.iter().flat_map(|node| &node.outputs));
        Self {
            model: all(stored.chain(made)),
            run: most_at_once(graph, protected),
            kept: all(tensors.map(|&value| bytes(value))),
        }
    }
}

fn all(amounts: impl Iterator<Item = u64>) -> u64 {
    amounts.fold(0, u64::saturating_add)
}

/// Returns the maximum bytes of live tensors over the layers of a run. Tensors without further readers are dropped.
fn most_at_once(graph: &Graph, protected: bool) -> u64 {
    let bytes = |value: ValueId| BYTES.saturating_mul(graph.values[value].elements() as u64);
    let (last, depends) = (graph.last_readers(), graph.depends_on_input());
    let mut is_live: Vec<bool> = vec![false; graph.values.len()];
    for &input in &graph.inputs {
        is_live[input] = true;
    }
    let mut live = all(graph.inputs.iter().map(|&value| bytes(value)));
    let mut most = live;
    for (id, node) in graph.nodes.iter().enumerate().filter(|(id, _)| depends[*id]) {
        for &value in &node.outputs {
            live = live.saturating_add(bytes(value));
            is_live[value] = true;
        }
        let largest = node.outputs.iter().map(|&value| bytes(value)).max().unwrap_or(0);
        let before_protection = if protected { largest } else { 0 };
        most = most.max(live.saturating_add(before_protection).saturating_add(scratch(graph, node)));
        for &value in node.inputs.iter().chain(&node.outputs) {
            if is_live[value] && last[value].is_none_or(|last| last == id) {
                is_live[value] = false;
                live -= bytes(value);
            }
        }
    }
    most
}

/// Returns the bytes of temporary memory that a layer uses while it is computed.
fn scratch(graph: &Graph, node: &Node) -> u64 {
    let elements = |value: &ValueId| graph.values[*value].elements() as u64;
    let read_and_made = || all(node.inputs.iter().chain(&node.outputs).map(elements));
    let on_the_way = match &node.op {
        // The intermediate tensors of a chain are rarely larger than its inputs and outputs.
        Op::Chain(steps) if steps.len() > 1 => node.inputs.iter().chain(&node.outputs).map(elements).max().unwrap_or(0),
        _ => 0,
    };
    let by_library =
        if steps(&node.op).all(|op| is_own(graph, node, op)) { 0 } else { COPIES.saturating_mul(read_and_made()) };
    BYTES.saturating_mul(on_the_way.saturating_add(by_library))
}

fn steps(op: &Op) -> impl Iterator<Item = &Op> {
    let links: &[Step] = match op {
        Op::Chain(links) => links,
        _ => &[],
    };
    let alone = (!matches!(op, Op::Chain(_))).then_some(op);
    alone.into_iter().chain(links.iter().map(|link| &link.op))
}

/// Returns whether one of our own kernels, which make no copies, computes `op`. Returns `false` if the answer depends
/// on settings that this function does not check.
fn is_own(graph: &Graph, node: &Node, op: &Op) -> bool {
    let values = || node.inputs.iter().filter(|value| !graph.parameters.contains_key(value));
    let largest = || node.inputs.iter().chain(&node.outputs).map(|&value| graph.values[value].elements() as u64).max();
    let output = node.outputs.first().map(|&value| graph.values[value].shape.as_slice()).unwrap_or_default();
    match op {
        Op::Conv(_) | Op::BatchNorm { .. } | Op::Affine { .. } | Op::Unary(_) | Op::MaxPool(_) => true,
        Op::AveragePool { .. } | Op::Lrn { .. } | Op::Identity | Op::Mix(_) => true,
        Op::Gemm { .. } | Op::MatMul => values().count() == 1,
        Op::Binary(_) | Op::PRelu => values().all(|&value| graph.values[value].shape == output),
        Op::Concat { axis } => *axis == 1 && output.len() == 4,
        Op::Softmax { .. } => output.len() == 2,
        Op::Reduce { axes, .. } => axes == &[2, 3],
        _ if moves(op) => largest().unwrap_or(0) <= TABLE,
        _ => false,
    }
}

fn moves(op: &Op) -> bool {
    matches!(
        op,
        Op::Transpose { .. }
            | Op::Slice { .. }
            | Op::Gather { .. }
            | Op::Split { .. }
            | Op::Pad { .. }
            | Op::Reshape { .. }
            | Op::Expand { .. }
            | Op::Tile { .. }
            | Op::Take { .. }
            | Op::Resize(_)
    )
}

/// Returns the bytes held by a layer's kernels: packed matrices, constants expanded to a map, tables of indices.
fn packed(graph: &Graph, node: &Node) -> u64 {
    let constants = || node.inputs.iter().filter_map(|value| graph.parameters.get(value));
    let outputs = || all(node.outputs.iter().map(|&value| graph.values[value].elements() as u64));
    let of_step = |op: &Op| match op {
        Op::Conv(conv) => {
            let groups = conv.groups.max(1) as u64;
            all(constants().map(|tensor| matrix(tensor.data.len(), tensor.shape.first(), groups)))
        }
        Op::Gemm { trans_b: true, .. } => {
            all(constants().map(|tensor| matrix(tensor.data.len(), tensor.shape.first(), 1)))
        }
        Op::Gemm { .. } | Op::MatMul => {
            all(constants().map(|tensor| matrix(tensor.data.len(), tensor.shape.last(), 1)))
        }
        Op::Binary(_) | Op::PRelu if constants().next().is_some() => outputs(),
        op if moves(op) && outputs() <= TABLE => outputs(),
        // Only small constants count: in a chain, every step sees the constants of all steps.
        _ => constants().filter(|tensor| tensor.shape.len() < 2).map(|tensor| tensor.data.len() as u64).sum(),
    };
    BYTES.saturating_mul(all(steps(&node.op).map(of_step)))
}

/// Returns the elements of a packed matrix made from `elements`, after padding the `columns` of each of the `groups`.
fn matrix(elements: usize, columns: Option<&usize>, groups: u64) -> u64 {
    let (elements, columns) = (elements as u64, columns.map_or(1, |&columns| columns as u64).max(1));
    let columns_of_group = (columns / groups).max(1);
    (elements / columns_of_group.max(1)).saturating_mul(columns_of_group.next_multiple_of(LANES)).max(elements)
}
