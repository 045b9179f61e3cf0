//! Which outputs of a file may be class scores, and the nodes that they need.

use std::collections::HashSet;

use facts::{Result, answer};

use super::proto::{NodeProto, ValueInfoProto, data_type};

/// Positions of the outputs that may be the scores, where the file has several: the one that the user calls `wanted`, or
/// all of float32. What is left out is said in `notices`.
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
    let element = |output: &ValueInfoProto| {
        output.r#type.as_ref().and_then(|r#type| r#type.tensor_type.as_ref()).map(|tensor| tensor.elem_type)
    };
    // A type that is not stated may be anything.
    let is_float = |index: &usize| matches!(element(&outputs[*index]), None | Some(0 | data_type::FLOAT));
    let (floats, rest): (Vec<usize>, Vec<usize>) = (0..outputs.len()).partition(is_float);
    if floats.is_empty() || rest.is_empty() {
        return Ok(None);
    }
    notices.push(format!(
        "of {} outputs {} not float32 and not used: {}",
        outputs.len(),
        if rest.len() == 1 { "one is" } else { "some are" },
        quoted(&mut rest.into_iter())
    ));
    Ok(Some(floats))
}

/// By node, whether one of `outputs` is computed from what it makes.
pub(super) fn nodes(nodes: &[NodeProto], outputs: &[ValueInfoProto]) -> Vec<bool> {
    let mut needed: HashSet<&str> = outputs.iter().map(|output| output.name.as_str()).collect();
    let mut reached = vec![false; nodes.len()];
    for (node, reached) in nodes.iter().zip(&mut reached).rev() {
        *reached = node.output.iter().any(|output| !output.is_empty() && needed.contains(output.as_str()));
        if *reached {
            needed.extend(node.input.iter().map(String::as_str));
        }
    }
    reached
}
