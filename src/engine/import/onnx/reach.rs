//! Which outputs of a file may be class scores, and the nodes that they need.

use std::collections::HashSet;

use facts::{Error, Result, answer};

use super::branches;
use super::proto::{NodeProto, ValueInfoProto, data_type};

/// Positions of the outputs that may be the scores, where the file has several: the one that the user calls `wanted`, or
/// all but those of integers. What is left out is said in `notices`.
///
/// # Errors
/// Where there is no output called `wanted`.
pub(super) fn scores(
    outputs: &[ValueInfoProto],
    wanted: Option<&str>,
    notices: &mut Vec<String>,
) -> Result<Option<Vec<usize>>> {
    let names: Vec<&str> = outputs.iter().map(|output| output.name.as_str()).collect();
    let wanted = wanted.map(|wanted| answer::find(wanted, &names)).transpose()?;
    let element = |output: &ValueInfoProto| {
        output.r#type.as_ref().and_then(|r#type| r#type.tensor_type.as_ref()).map(|tensor| tensor.elem_type)
    };
    // A type that is not stated may be anything.
    let is_float = |index: &usize| element(&outputs[*index]).is_none_or(|kind| !is_integer(kind));
    let (floats, rest): (Vec<usize>, Vec<usize>) = (0..outputs.len()).partition(is_float);
    let answer = wanted.or_else(|| rest.first().copied().filter(|_| floats.is_empty()));
    if let Some(index) = answer.filter(|index| !is_float(index)) {
        return Err(Error::request(format_args!(
            "output \"{}\" has elements of type {}, the index of a class perhaps, and no class scores; export the model \
             with its scores as an output",
            names[index],
            data_type::name(element(&outputs[index]).unwrap_or_default())
        )));
    }
    if outputs.len() < 2 {
        return Ok(None);
    }
    let quoted = |skipped: &mut dyn Iterator<Item = usize>| {
        skipped.map(|index| format!("\"{}\"", names[index])).collect::<Vec<_>>().join(", ")
    };
    if let Some(wanted) = wanted {
        let others = quoted(&mut (0..outputs.len()).filter(|&index| index != wanted));
        notices.push(format!("of {} outputs \"{}\" is chosen; not used: {others}", outputs.len(), names[wanted]));
        return Ok(Some(vec![wanted]));
    }
    if floats.is_empty() || rest.is_empty() {
        return Ok(None);
    }
    notices.push(format!(
        "of {} outputs {} integers and not used: {}",
        outputs.len(),
        if rest.len() == 1 { "one is" } else { "some are" },
        quoted(&mut rest.into_iter())
    ));
    Ok(Some(floats))
}

/// Whether elements of this type are integers or truth values.
fn is_integer(kind: i32) -> bool {
    matches!(kind, 2..=7 | 9 | 12 | 13)
}

/// By node, whether one of `outputs` is computed from what it makes.
pub(super) fn nodes(nodes: &[NodeProto], outputs: &[ValueInfoProto]) -> Vec<bool> {
    let mut needed: HashSet<String> = outputs.iter().map(|output| output.name.clone()).collect();
    let mut reached = vec![false; nodes.len()];
    for (node, reached) in nodes.iter().zip(&mut reached).rev() {
        *reached = node.output.iter().any(|output| !output.is_empty() && needed.contains(output.as_str()));
        if *reached {
            needed.extend(node.input.iter().cloned());
            needed.extend(branches::reads(node));
        }
    }
    reached
}
