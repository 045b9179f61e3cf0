//! Einsum: from its equation to numbered axes.

use facts::Result;
use facts::graph::{Einsum, Op};

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
    if terms.len() > 2 {
        return Err(node.unsupported(format_args!("it has {} inputs; at most 2 are expected", terms.len())));
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
    let count = inputs.len();
    Layer::of(node, symbols, Op::Einsum(Einsum { inputs, output }), count)
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
