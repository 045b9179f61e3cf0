//! The operators, on burn tensors: one file a family.

mod array;

pub use array::Array;

use crate::graph::Op;

/// What `op` makes of `inputs`; `shapes` are the shapes of the outputs, as [`infer`](crate::graph::infer)
/// states them.
///
/// The graph was validated, so inputs fit the operator.
pub fn apply(op: &Op, inputs: &[&Array], shapes: &[&[usize]]) -> Vec<Array> {
    let _ = (op, inputs, shapes);
    todo!()
}
