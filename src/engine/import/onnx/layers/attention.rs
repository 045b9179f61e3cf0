//! Attention.

use facts::Result;
use facts::graph::{Attention, Op};

use super::Layer;
use crate::import::onnx::node::NodeView;
use crate::import::onnx::symbols::Symbols;
use crate::import::onnx::tensor::Data;

/// Attention over the tokens of one image. Keys and values of earlier calls, and scores as a second output, belong to text
/// generators.
pub(super) fn attention(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    if let Some(past) = (4..=6).find(|&index| node.input(index).is_some()) {
        return Err(node.unsupported(format_args!("it has input {past}, which belongs to models that generate text")));
    }
    let q = symbols.shape(node, 0)?.to_vec();
    let heads = match q.len() {
        3 => {
            let stated = [node.int("q_num_heads", 0)?, node.int("kv_num_heads", 0)?];
            let heads = node.amounts("q_num_heads and kv_num_heads", &stated)?;
            if heads.contains(&0) {
                return Err(node.problem("q_num_heads or kv_num_heads is missing; inputs of three axes need both"));
            }
            Some(heads)
        }
        _ => None,
    };
    let length = match (heads, q.as_slice()) {
        (Some([heads, _]), &[_, _, all]) => all / heads,
        (_, &[.., length]) => length,
        _ => 0,
    };
    if length == 0 {
        return Err(node.problem(format_args!("Q of shape {q:?} has no head of at least one element")));
    }
    let mask = node.input(3).is_some();
    let selects = mask && matches!(symbols.tensor(node, 3)?.map(|tensor| &tensor.data), Some(Data::Int(_)));
    let settings = Attention {
        heads,
        scale: match node.has("scale") {
            true => node.float("scale", 1.0)?,
            false => 1.0 / (length as f32).sqrt(),
        },
        causal: node.flag("is_causal", false)?,
        softcap: node.float("softcap", 0.0)?,
        mask,
        selects,
    };
    if settings.scale < 0.0 || !settings.scale.is_finite() {
        return Err(node.problem(format_args!("its scale is {}; a positive number is expected", settings.scale)));
    }
    let mut layer = Layer::of(node, symbols, Op::Attention(settings), 3)?;
    if mask {
        layer.inputs.push(symbols.number(node, 3)?);
    }
    Ok(layer)
}
