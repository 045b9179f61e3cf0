//! What may happen at a layer while a graph runs.

use crate::Result;
use crate::graph::{NodeId, ValueId};
use crate::ops::Array;

/// Watches a run, and may change what it computes.
///
/// Hooks are asynchronous because reading a tensor back from a browser's GPU is.
#[allow(async_fn_in_trait, reason = "hooks run where they are made; nothing here needs Send")]
pub trait Hook {
    /// Whether this hook changes the output of `node` even where nothing upstream of it has changed. A
    /// re-run then visits the layer with its golden output.
    fn changes(&self, node: NodeId) -> bool {
        let _ = node;
        false
    }

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

/// Two hooks, the second seeing what the first returned.
#[derive(Debug)]
pub struct Both<'a, A, B>(pub &'a mut A, pub &'a mut B);

impl<A: Hook, B: Hook> Hook for Both<'_, A, B> {
    fn changes(&self, node: NodeId) -> bool {
        self.0.changes(node) || self.1.changes(node)
    }

    async fn output(&mut self, node: NodeId, value: ValueId, array: Array) -> Result<Array> {
        let array = self.0.output(node, value, array).await?;
        self.1.output(node, value, array).await
    }
}
