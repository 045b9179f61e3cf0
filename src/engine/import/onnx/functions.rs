//! Functions that a model defines: each call becomes the nodes of the function's body.
//!
//! A node of a body is a layer of its own, under the name of the call and its own. Calls within bodies are replaced, too.

use std::collections::{BTreeMap, HashMap};

use facts::{Error, Result};
use prost::Message;

use super::node::is_standard;
use super::proto::{AttributeProto, FunctionProto, NodeProto};

/// Calls within calls. A function that calls itself would never end.
const DEEPEST: usize = 32;
/// Bytes of all nodes that calls become.
const MOST_BYTES: usize = 256 << 20;

/// The functions of a model by domain, name and overload.
type Functions<'a> = HashMap<(&'a str, &'a str, &'a str), &'a FunctionProto>;

/// Replaces the calls among `nodes`. `opset` is the model's version of the standard operators.
///
/// # Errors
/// If a function calls itself, is written for another operator set, or has other inputs and outputs than its call.
pub(super) fn inlined<'a>(nodes: Vec<NodeProto>, functions: &'a [FunctionProto], opset: i64) -> Result<Vec<NodeProto>> {
    if functions.is_empty() {
        return Ok(nodes);
    }
    let key = |function: &'a FunctionProto| {
        ((function.domain.as_str(), function.name.as_str(), function.overload.as_str()), function)
    };
    let functions: Functions<'_> = functions.iter().map(key).collect();
    let mut made = Made { nodes: Vec::with_capacity(nodes.len()), bytes: 0 };
    for (index, node) in nodes.into_iter().enumerate() {
        replace(node, index, &functions, opset, 0, &mut made)?;
    }
    Ok(made.nodes)
}

/// The nodes so far, and the bytes of those that came from functions.
struct Made {
    nodes: Vec<NodeProto>,
    bytes: usize,
}

/// Adds `node` to `made`, or the body of the function that it calls.
fn replace(
    node: NodeProto,
    index: usize,
    functions: &Functions<'_>,
    opset: i64,
    depth: usize,
    made: &mut Made,
) -> Result<()> {
    let called = functions.get(&(node.domain.as_str(), node.op_type.as_str(), node.overload.as_str()));
    let name = || match node.name.as_str() {
        "" => format!("{}_{index}", node.op_type),
        name => name.to_owned(),
    };
    let Some(function) = called else {
        made.nodes.push(node);
        return Ok(());
    };
    let refuse = |problem: String| Error::graph(name(), format_args!("function {}: {problem}", node.op_type));
    if depth == DEEPEST {
        return Err(refuse(format!("{DEEPEST} calls within calls; a function that calls itself has no end")));
    }
    let written_for =
        function.opset_import.iter().find(|import| is_standard(&import.domain)).map(|import| import.version);
    if let Some(version) = written_for.filter(|&version| version != opset) {
        return Err(refuse(format!("it is written for operator set {version}, the model for {opset}")));
    }
    let (given, expected) = ((node.input.len(), node.output.len()), (function.input.len(), function.output.len()));
    if given.0 > expected.0 || given.1 > expected.1 {
        return Err(refuse(format!(
            "at most {} inputs and {} outputs are expected, found {} and {}",
            expected.0, expected.1, given.0, given.1
        )));
    }
    let prefix = name();
    // What the caller leaves out is empty in the body.
    let outside = |formal: &[String], actual: &[String]| -> Vec<(String, String)> {
        let actual = actual.iter().cloned().chain(std::iter::repeat(String::new()));
        formal.iter().cloned().zip(actual).collect()
    };
    let inputs: BTreeMap<String, String> = outside(&function.input, &node.input).into_iter().collect();
    let outputs: BTreeMap<String, String> =
        outside(&function.output, &node.output).into_iter().filter(|(_, actual)| !actual.is_empty()).collect();
    let renamed = |tensor: &String| match outputs.get(tensor).or_else(|| inputs.get(tensor)) {
        Some(outside) => outside.clone(),
        None if tensor.is_empty() => String::new(),
        None => format!("{prefix}/{tensor}"),
    };
    for (place, body) in function.node.iter().enumerate() {
        let mut own = body.clone();
        own.name = match body.name.as_str() {
            "" => format!("{prefix}/{}_{place}", body.op_type),
            name => format!("{prefix}/{name}"),
        };
        own.input = body.input.iter().map(renamed).collect();
        own.output = body.output.iter().map(renamed).collect();
        own.attribute = Vec::with_capacity(body.attribute.len());
        for attribute in &body.attribute {
            if attribute.ref_attr_name.is_empty() {
                own.attribute.push(attribute.clone());
                continue;
            }
            // Without a value from the call and without a default the attribute is not set.
            let named = |given: &&AttributeProto| given.name == attribute.ref_attr_name;
            let given = node.attribute.iter().chain(&function.attribute_proto).find(named);
            own.attribute.extend(given.map(|given| AttributeProto { name: attribute.name.clone(), ..given.clone() }));
        }
        made.bytes = made.bytes.saturating_add(own.encoded_len());
        if made.bytes > MOST_BYTES {
            let most = MOST_BYTES >> 20;
            return Err(refuse(format!("the nodes of all functions take more than {most} MiB")));
        }
        replace(own, place, functions, opset, depth + 1, made)?;
    }
    Ok(())
}
