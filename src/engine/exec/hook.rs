//! The interface for observing and changing a run.

use facts::Result;
use facts::graph::{NodeId, ValueId};

use crate::ops::Array;

/// A hook that observes a run and may change its tensors.
///
/// Hooks are asynchronous because reading a tensor back from a browser's GPU is.
#[allow(async_fn_in_trait, reason = "hooks run where they are made; nothing here needs Send")]
pub trait Hook {
    /// Receives the output `value` of layer `node` and returns the tensor that later layers read.
    ///
    /// # Errors
    /// If the hook cannot do its work, usually because the device fails. The error ends the run.
    async fn output(&mut self, node: NodeId, value: ValueId, array: Array) -> Result<Array> {
        let _ = (node, value);
        Ok(array)
    }
}

/// The hook that does nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plain;

impl Hook for Plain {}
