//! What may happen at a layer while a graph runs.

use facts::Result;
use facts::graph::{NodeId, ValueId};

use crate::ops::Array;

/// Watches a run, and may change what it computes.
///
/// Hooks are asynchronous because reading a tensor back from a browser's GPU is.
#[allow(async_fn_in_trait, reason = "hooks run where they are made; nothing here needs Send")]
pub trait Hook {
    /// Sees the output `value` of layer `node` and returns what later layers are to read.
    ///
    /// # Errors
    /// Whatever keeps the hook from its work, a device that fails mostly; it ends the run.
    async fn output(&mut self, node: NodeId, value: ValueId, array: Array) -> Result<Array> {
        let _ = (node, value);
        Ok(array)
    }
}

/// The hook that does nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plain;

impl Hook for Plain {}
