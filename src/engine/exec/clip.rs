//! Range clipping in a full run: a hook around another hook.
//!
//! Campaigns do not use this hook: their programs clip in a step after the strike ([`Executor`](super::Executor)). The
//! hook is the reference for tests of waves with protection.

use facts::Result;
use facts::graph::{NodeId, ValueId};

use super::{Hook, Ranges};
use crate::ops::Array;

/// A hook that clips a layer's output to its range after the hook `inner`, so that injected faults are clipped too.
#[derive(Debug)]
pub struct Clip<'a, H> {
    ranges: &'a Ranges,
    inner: H,
    clipped: Vec<(NodeId, u64)>,
}

impl<'a, H: Hook> Clip<'a, H> {
    /// Clips to `ranges`.
    pub fn new(ranges: &'a Ranges, inner: H) -> Self {
        Self { ranges, inner, clipped: Vec::new() }
    }

    /// Returns the inner hook, and the layers with clipped elements and the number of these elements, in order.
    pub fn into_parts(self) -> (H, Vec<(NodeId, u64)>) {
        (self.inner, self.clipped)
    }
}

impl<H: Hook> Hook for Clip<'_, H> {
    async fn output(&mut self, node: NodeId, value: ValueId, array: Array) -> Result<Array> {
        let array = self.inner.output(node, value, array).await?;
        let Some(range) = self.ranges.get(value) else { return Ok(array) };
        let mut elements = array.read().await?;
        let mut count = 0;
        for element in &mut elements {
            let clipped = range.clip(*element);
            count += u64::from(clipped.to_bits() != element.to_bits());
            *element = clipped;
        }
        if count == 0 {
            return Ok(array);
        }
        match self.clipped.last_mut() {
            Some((last, clipped)) if *last == node => *clipped += count,
            _ => self.clipped.push((node, count)),
        }
        Ok(Array::from_slice(array.shape(), &elements, &array.device()))
    }
}
