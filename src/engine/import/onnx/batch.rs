//! Files that are made for several images at once: one image is left of the batch, which is the same network as long as no
//! layer mixes the images.

use std::collections::HashMap;

use facts::graph::{Graph, Op, ValueId};
use facts::{Error, Result};

/// Checks that no layer of `graph`, made of a file for batches of `batch` images, mixes the images.
///
/// The batch axis is followed from the inputs on. Where a reshaping joins it with other axes it is lost, and layers behind it are
/// not checked.
pub(super) fn check(graph: &Graph, batch: usize) -> Result<()> {
    let mut axes: HashMap<ValueId, usize> = graph.inputs.iter().map(|&input| (input, 0)).collect();
    for node in &graph.nodes {
        let own: Vec<(usize, &[usize])> =
            node.inputs.iter().filter_map(|id| Some((*axes.get(id)?, &graph.values[*id].shape[..]))).collect();
        let Some(&first) = own.first() else { continue };
        for &output in &node.outputs {
            let shape = &graph.values[output].shape;
            match followed(&node.op, &own, first, shape) {
                Ok(Some(axis)) if shape.get(axis) == Some(&1) => drop(axes.insert(output, axis)),
                Ok(_) => {}
                Err(Mixed) => {
                    return Err(Error::graph(
                        &node.name,
                        format_args!(
                            "the model is made for batches of {batch} images, and this layer mixes them; export it with a batch \
                             of 1 or an open batch axis"
                        ),
                    ));
                }
            }
        }
    }
    Ok(())
}

/// The images are mixed.
#[derive(Debug)]
struct Mixed;

/// Returns the batch axis of an output of `shape`, if it is known. `own` are the inputs with a batch axis: the axis and the shape.
fn followed(
    op: &Op,
    own: &[(usize, &[usize])],
    (axis, from): (usize, &[usize]),
    shape: &[usize],
) -> std::result::Result<Option<usize>, Mixed> {
    let apart = |along: usize| if own.iter().any(|&(axis, _)| axis == along) { Err(Mixed) } else { Ok(()) };
    match op {
        Op::Transpose { perm } => return Ok(perm.iter().position(|&from| from == axis)),
        Op::Reduce { axes, keep_dims, .. } => {
            axes.iter().try_for_each(|&along| apart(along))?;
            let gone = if *keep_dims { 0 } else { axes.iter().filter(|&&along| along < axis).count() };
            return Ok(Some(axis - gone));
        }
        Op::Softmax { axis: along, .. }
        | Op::LpNormalise { axis: along, .. }
        | Op::CumSum { axis: along, .. }
        | Op::Split { axis: along, .. }
        | Op::TopK { axis: along, .. }
        | Op::Concat { axis: along } => apart(*along)?,
        Op::Mix(mix) => apart(mix.axis)?,
        Op::Normalise(settings) => settings.axes.iter().try_for_each(|&along| apart(along))?,
        Op::Place { axis: along, keep_dims, .. } => {
            apart(*along)?;
            return Ok(Some(axis - usize::from(!keep_dims && *along < axis)));
        }
        Op::Gather { axis: along, indices_shape, .. } => {
            apart(*along)?;
            return Ok(Some(if *along < axis { axis + indices_shape.len() - 1 } else { axis }));
        }
        Op::Reshape { .. } => {
            let before: usize = from[..axis].iter().product();
            let mut passed = 1;
            return Ok(shape.iter().position(|&length| {
                let found = passed == before && length == 1;
                passed *= length;
                found
            }));
        }
        _ => {}
    }
    // Broadcasting adds axes in front.
    Ok((shape.len() >= from.len()).then(|| axis + shape.len() - from.len()))
}
