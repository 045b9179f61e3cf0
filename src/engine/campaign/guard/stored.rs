//! Codes that keep their check bits in the words themselves change the weights.

use std::collections::BTreeMap;

use facts::campaign::compared::Code;
use facts::fault::Format;
use facts::graph::{Graph, HostTensor, ValueId};
use facts::{Error, Result};

/// Returns `graph` with its parameters as the code `code` stores and reads them; `None` for a code with bits of its own.
///
/// # Errors
/// If no parameter can hold the code.
pub(super) fn coded(graph: &Graph, code: Code) -> Result<Option<Graph>> {
    let parameters = match code {
        Code::ParityZero | Code::Secded => return Ok(None),
        Code::LsbParity => changed(graph, |_| true, |_, word| word & !1 | (word >> 1).count_ones() & 1),
        Code::InPlaceEcc => {
            let small = |at: usize, word: u32| {
                // Two's complement of eight bits. The last word of eight is stored as it is.
                let value = (word as u8).cast_signed();
                if at % 8 == 7 { word } else { u32::from(value.clamp(-64, 63).cast_unsigned()) }
            };
            let parameters = changed(graph, |format| format == Format::I8, small);
            if parameters.is_empty() {
                return Err(Error::request(
                    "in-place-ecc lies in the free bits of int8 weights, and the model has none; use --weight-format int8, or \
                     secded",
                ));
            }
            parameters
        }
    };
    graph.with_parameters(parameters).map(Some)
}

/// The parameters in formats that `holds`, each word changed by `store`, which gets the word's place in the source's order.
fn changed(
    graph: &Graph,
    holds: impl Fn(Format) -> bool,
    store: impl Fn(usize, u32) -> u32,
) -> BTreeMap<ValueId, HostTensor> {
    let own = graph.parameters.iter().filter(|(id, _)| holds(graph.values[**id].format));
    let change = |(&id, tensor): (&ValueId, &HostTensor)| {
        let value = &graph.values[id];
        let mut data = tensor.data.to_vec();
        for at in 0..data.len() {
            let stored = value.layout.stored_index(&value.shape, at);
            let code = value.code(stored);
            let new = code.decode(store(at, code.encode(data[stored])));
            // The parity bit of an infinity would make it a NaN.
            if new.is_finite() {
                data[stored] = new;
            }
        }
        (id, HostTensor { shape: tensor.shape.clone(), data: data.into() })
    };
    own.map(change).collect()
}
