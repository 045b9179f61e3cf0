//! Einsum: from its equation to numbered axes.

use std::collections::BTreeSet;

use facts::Result;
use facts::graph::{Einsum, Op, Step};

use super::Layer;
use crate::import::onnx::node::NodeView;
use crate::import::onnx::symbols::Symbols;

/// The number of the first axis that `...` stands for; letters have smaller ones.
const ELLIPSIS: u8 = 128;

pub(super) fn einsum(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    let equation = node.string("equation", "")?;
    let text: String = equation.chars().filter(|letter| !letter.is_whitespace()).collect();
    let wrong = |problem: &str| node.problem(format_args!("equation \"{equation}\": {problem}"));
    let (terms, output) = text.split_once("->").map_or((text.as_str(), None), |(terms, output)| (terms, Some(output)));
    let terms: Vec<&str> = terms.split(',').collect();
    if terms.len() != node.inputs() {
        return Err(wrong("the number of its terms is not that of the inputs"));
    }
    let mut inputs = Vec::with_capacity(terms.len());
    let mut extra = 0;
    for (index, term) in terms.iter().enumerate() {
        let rank = symbols.shape(node, index)?.len();
        let letters = term.replace("...", "").len();
        let hidden = if term.contains("...") { rank.checked_sub(letters) } else { Some(0) };
        let hidden = hidden.ok_or_else(|| wrong("a term names more axes than its input has"))?;
        if term.contains("...") {
            if extra != 0 && extra != hidden {
                return Err(node.unsupported("the inputs have different numbers of axes under \"...\""));
            }
            extra = hidden;
        }
        inputs.push(names(term, hidden).ok_or_else(|| wrong("letters, commas, \"...\" and \"->\" are expected"))?);
    }
    let output = match output {
        Some(output) => names(output, extra).ok_or_else(|| wrong("letters and \"...\" are expected after \"->\""))?,
        // Every axis that appears once, in the order of the alphabet, after those under the ellipsis.
        None => {
            let all: Vec<u8> = inputs.concat();
            let mut once: Vec<u8> = all.iter().copied().filter(|name| *name < ELLIPSIS).collect();
            once.retain(|name| all.iter().filter(|other| *other == name).count() == 1);
            once.sort_unstable();
            let hidden = (0..extra).map(|index| ELLIPSIS + index as u8);
            hidden.chain(once).collect()
        }
    };
    if inputs.is_empty() {
        return Err(wrong("it has no terms"));
    }
    // The one input that has a diagonal goes first, as its diagonal is taken first.
    let mut order: Vec<usize> = (0..inputs.len()).collect();
    let repeats = |index: &usize| has_repeats(&inputs[*index]);
    match order.iter().copied().filter(repeats).collect::<Vec<_>>()[..] {
        [] => {}
        [one] => order.swap(0, one),
        _ => return Err(node.unsupported("several inputs name an axis twice; at most one is expected to")),
    }
    let mut steps = Vec::new();
    let mut made = inputs[order[0]].clone();
    if has_repeats(&made) {
        let shape = symbols.shape(node, order[0])?.to_vec();
        let (op, names) = diagonal(node, symbols, &made, &shape)?;
        steps.push(Step { op, inputs: 1 });
        made = names;
    }
    // One product after the other; each keeps the axes that are still needed.
    for (place, &index) in order.iter().enumerate().skip(1) {
        let rest = order[place + 1..].iter().flat_map(|&later| &inputs[later]);
        let needed: BTreeSet<u8> = output.iter().chain(rest).copied().collect();
        let mut kept = Vec::new();
        for &name in made.iter().chain(&inputs[index]) {
            if needed.contains(&name) && !kept.contains(&name) {
                kept.push(name);
            }
        }
        let target = if place + 1 == order.len() { output.clone() } else { kept };
        let read = if steps.is_empty() { 2 } else { 1 };
        let einsum = Einsum { inputs: vec![made, inputs[index].clone()], output: target.clone() };
        steps.push(Step { op: Op::Einsum(einsum), inputs: read });
        made = target;
    }
    if order.len() == 1 && (steps.is_empty() || made != output) {
        let read = usize::from(steps.is_empty());
        steps.push(Step { op: Op::Einsum(Einsum { inputs: vec![made], output }), inputs: read });
    }
    let inputs: Vec<_> = order.iter().map(|&index| symbols.data(node, index)).collect::<Result<_>>()?;
    let op = if steps.len() == 1 { steps.remove(0).op } else { Op::Chain(steps) };
    Ok(Layer { op, inputs, outputs: 1 })
}

fn has_repeats(names: &[u8]) -> bool {
    names.iter().enumerate().any(|(place, name)| names[..place].contains(name))
}

/// The elements of a tensor whose axes of the same name have the same index; each name is left once.
fn diagonal(node: &NodeView, symbols: &mut Symbols, names: &[u8], shape: &[usize]) -> Result<(Op, Vec<u8>)> {
    let (mut left, mut lengths) = (Vec::new(), Vec::new());
    for (&name, &length) in names.iter().zip(shape) {
        match left.iter().position(|&other| other == name) {
            None => {
                left.push(name);
                lengths.push(length);
            }
            Some(place) if lengths[place] == length => {}
            Some(_) => return Err(node.problem(format_args!("shape {shape:?} has no diagonal for its axes"))),
        }
    }
    let count: usize = lengths.iter().product();
    symbols.spend(node, count)?;
    let place = |number: usize| {
        let mut rest = number;
        let mut at = vec![0; left.len()];
        for (at, length) in at.iter_mut().zip(&lengths).rev() {
            *at = rest % length;
            rest /= length;
        }
        let index = |name: &u8| left.iter().position(|other| other == name).map_or(0, |place| at[place]);
        let whole = names.iter().zip(shape).fold(0, |whole, (name, length)| whole * length + index(name));
        u32::try_from(whole).ok()
    };
    let places = (0..count).map(place).collect();
    Ok((Op::Take { places, shape: lengths }, left))
}

/// The axes of a term: its letters, and `hidden` axes in the place of its ellipsis.
fn names(term: &str, hidden: usize) -> Option<Vec<u8>> {
    let (before, after) = term.split_once("...").unwrap_or((term, ""));
    let letters = |part: &str| part.bytes().all(|letter| letter.is_ascii_alphabetic());
    if !letters(before) || !letters(after) || hidden > 8 {
        return None;
    }
    let under = (0..hidden).map(|index| ELLIPSIS + index as u8);
    Some(before.bytes().chain(under).chain(after.bytes()).collect())
}
