//! Which of several outputs is the answer, and what is not needed for it.

use super::{Answer, last, words};
use crate::graph::{Graph, GraphDraft, NodeId, Op, Source, Unary, ValueId};
use crate::{Error, OutputShape, Question, Result};

/// Position of the output that the user calls `wanted` among outputs of these names: a name, or an index. A name wins.
///
/// # Errors
/// Where there is none; the message lists them.
pub fn find(wanted: &str, names: &[impl AsRef<str>]) -> Result<usize> {
    if let Some(index) = names.iter().position(|name| name.as_ref() == wanted) {
        return Ok(index);
    }
    match wanted.parse::<usize>() {
        Ok(index) if index < names.len() => Ok(index),
        _ => {
            Err(Error::request(format_args!("the model has no output \"{wanted}\"; its outputs are {}", listed(names))))
        }
    }
}

/// Names of the outputs of `graph`, in order.
pub fn names(graph: &Graph) -> Vec<&str> {
    graph.outputs.iter().map(|&output| graph.values[output].name.as_str()).collect()
}

/// Decides which output of `graph` is the answer: the one that the user calls `wanted`, the only one, or the only one that
/// looks like the scores. The graph that comes back has that output alone, and layers that it does not need are kept in
/// place as [`Op::Folded`]; what was assumed is added to `notices`. A graph with one output stays as it is.
///
/// # Errors
/// Where the output is no classifier's, there is none called `wanted`, or several outputs look like the scores.
pub fn select(graph: Graph, wanted: Option<&str>, notices: &mut Vec<String>) -> Result<(Graph, Answer)> {
    let index = match wanted {
        Some(wanted) => find(wanted, &names(&graph))?,
        None => choose(&graph)?,
    };
    let output = graph.outputs[index];
    let answer = Answer::of(&graph, output).map_err(|error| with_others(&graph, &error))?;
    let mut note = |notice: String| {
        if !notices.contains(&notice) {
            notices.push(notice);
        }
    };
    if let Some(assumption) = answer.assumption(&graph, output) {
        note(assumption);
    }
    if graph.outputs.len() == 1 {
        return Ok((graph, answer));
    }
    let (pruned, unreached) = prune(&graph, output)?;
    let others: Vec<_> =
        graph.outputs.iter().filter(|&&other| other != output).map(|&id| described(&graph, id)).collect();
    let name = &graph.values[output].name;
    let how = if wanted.is_some() { "chosen" } else { "taken for the answer; `--output NAME` chooses another" };
    let mut notice = format!("of {} outputs \"{name}\" is {how}; not used: {}", graph.outputs.len(), others.join(", "));
    if !unreached.is_empty() {
        const SHOWN: usize = 5;
        let names: Vec<_> = unreached.iter().take(SHOWN).map(|&id| format!("\"{}\"", graph.nodes[id].name)).collect();
        let more = if unreached.len() > SHOWN { ", ..." } else { "" };
        let layers = if unreached.len() == 1 { "layer" } else { "layers" };
        notice += &format!("; {} {layers} not reached and left out: {}{more}", unreached.len(), names.join(", "));
    }
    note(notice);
    Ok((pruned, answer))
}

/// The output that looks like the scores.
fn choose(graph: &Graph) -> Result<usize> {
    if graph.outputs.len() == 1 {
        return Ok(0);
    }
    let mut likely: Vec<usize> =
        (0..graph.outputs.len()).filter(|&index| Answer::of(graph, graph.outputs[index]).is_ok()).collect();
    // What another likely output is computed from is a tensor on the way to it: features, or scores before their softmax.
    let way: Vec<bool> = likely
        .iter()
        .map(|&inner| {
            likely.iter().any(|&outer| {
                graph.outputs[inner] != graph.outputs[outer]
                    && needed(graph, graph.outputs[outer]).1[graph.outputs[inner]]
            })
        })
        .collect();
    let mut way = way.into_iter();
    likely.retain(|_| !way.next().unwrap_or(false));
    if likely.len() > 1 {
        let normalised: Vec<usize> = likely
            .iter()
            .copied()
            .filter(|&index| {
                matches!(
                    last(graph, graph.outputs[index]),
                    Some(Op::Softmax { .. } | Op::Unary(Unary::Sigmoid | Unary::HardSigmoid { .. }))
                )
            })
            .collect();
        if normalised.len() == 1 {
            likely = normalised;
        }
    }
    match likely[..] {
        [index] => Ok(index),
        [] => Err(Error::request(format_args!(
            "the model has {} outputs, and none is a row of class scores: {}",
            graph.outputs.len(),
            all(graph)
        ))),
        _ => Err(Error::question(
            question(graph),
            format_args!(
                "the model has {} outputs, and several may be the scores: {}; {CHOOSES} one",
                graph.outputs.len(),
                all(graph)
            ),
        )),
    }
}

/// By layer and by tensor, whether `output` is computed from it.
fn needed(graph: &Graph, output: ValueId) -> (Vec<bool>, Vec<bool>) {
    let mut tensors = vec![false; graph.values.len()];
    let mut layers = vec![false; graph.nodes.len()];
    tensors[output] = true;
    for (id, node) in graph.nodes.iter().enumerate().rev() {
        if node.outputs.iter().any(|&made| tensors[made]) {
            layers[id] = true;
            node.inputs.iter().for_each(|&read| tensors[read] = true);
        }
    }
    (layers, tensors)
}

/// The graph with `output` alone, and the layers that it does without.
fn prune(graph: &Graph, output: ValueId) -> Result<(Graph, Vec<NodeId>)> {
    let (layers, tensors) = needed(graph, output);
    if let Some(&unread) = graph.inputs.iter().find(|&&input| !tensors[input]) {
        return Err(Error::request(format_args!(
            "output \"{}\" does not depend on the input \"{}\"",
            graph.values[output].name, graph.values[unread].name
        )));
    }
    let mut draft = GraphDraft::clone(graph);
    let mut unreached = Vec::new();
    for (id, node) in draft.nodes.iter_mut().enumerate() {
        if layers[id] || node.op == Op::Folded {
            continue;
        }
        node.op = Op::Folded;
        node.inputs.clear();
        node.outputs.iter().for_each(|&made| draft.values[made].source = Source::Folded);
        unreached.push(id);
    }
    for (id, value) in draft.values.iter_mut().enumerate() {
        if value.source == Source::Parameter && !tensors[id] {
            value.source = Source::Folded;
            draft.parameters.remove(&id);
        }
    }
    draft.outputs = vec![output];
    Ok((draft.check()?, unreached))
}

/// `error`, and the other outputs where there are some.
fn with_others(graph: &Graph, error: &Error) -> Error {
    match graph.outputs.len() {
        1 => Error::request(error),
        count => Error::question(
            question(graph),
            format_args!("{error}; the model has {count} outputs, of which {CHOOSES} one: {}", all(graph)),
        ),
    }
}

/// How the user chooses.
const CHOOSES: &str = "`--output NAME` (`--model-output NAME` of graph, prepare and sample) chooses";

/// The question which output is the answer.
fn question(graph: &Graph) -> Question {
    let output = |&output: &ValueId| {
        let value = &graph.values[output];
        OutputShape { name: value.name.clone(), shape: words(&value.source_shape()) }
    };
    Question::Output { outputs: graph.outputs.iter().map(output).collect() }
}

/// All outputs with their shapes.
fn all(graph: &Graph) -> String {
    graph.outputs.iter().map(|&output| described(graph, output)).collect::<Vec<_>>().join(", ")
}

fn described(graph: &Graph, output: ValueId) -> String {
    let value = &graph.values[output];
    format!("\"{}\" ({})", value.name, words(&value.source_shape()))
}

fn listed(names: &[impl AsRef<str>]) -> String {
    let quoted: Vec<_> = names.iter().enumerate().map(|(at, name)| format!("{at} \"{}\"", name.as_ref())).collect();
    quoted.join(", ")
}
