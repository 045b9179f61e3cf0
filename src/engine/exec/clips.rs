//! The bounds of a network's tensors.

use std::collections::BTreeMap;
use std::sync::Arc;

use facts::graph::ValueId;

use super::Ranges;
use crate::kernels::Bounds;

/// Bounds of layers' outputs, by tensor. A tensor without bounds is not clipped.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Clips {
    bounds: BTreeMap<ValueId, Arc<Bounds>>,
}

impl Clips {
    /// Returns the bounds of the tensor `value`, if it has some.
    pub fn get(&self, value: ValueId) -> Option<&Arc<Bounds>> {
        self.bounds.get(&value)
    }

    /// Returns the tensors with bounds, in the order of the graph's tensors.
    pub fn iter(&self) -> impl Iterator<Item = (ValueId, &Bounds)> {
        self.bounds.iter().map(|(&value, bounds)| (value, &**bounds))
    }

    /// Returns the ranges if every tensor has one, and elements beyond it become its nearest bound.
    pub fn simple(&self) -> Option<Ranges> {
        let ranges = self.bounds.iter().map(|(&value, bounds)| Some((value, bounds.simple()?)));
        ranges.collect::<Option<_>>().map(Ranges::of)
    }
}

impl FromIterator<(ValueId, Bounds)> for Clips {
    fn from_iter<I: IntoIterator<Item = (ValueId, Bounds)>>(bounds: I) -> Self {
        Self { bounds: bounds.into_iter().map(|(value, bounds)| (value, Arc::new(bounds))).collect() }
    }
}

impl From<&Ranges> for Clips {
    fn from(ranges: &Ranges) -> Self {
        ranges.iter().map(|(value, range)| (value, Bounds::new(vec![range], false))).collect()
    }
}
