//! The number formats of a network's tensors.

use super::{Graph, HostTensor, ValueId, build};
use crate::format::{Format, Scales};
use crate::{Error, Result};

impl Graph {
    /// The same network with these tensors in other number formats. Parameters are rounded to theirs here, once; the executor
    /// rounds the outputs of layers.
    ///
    /// # Errors
    /// Where scales do not fit their tensor, or the output of a layer has more than one.
    pub fn stored(&self, tensors: impl IntoIterator<Item = (ValueId, Format, Scales)>) -> Result<Self> {
        let mut graph = self.clone();
        for (id, format, scales) in tensors {
            let value = &mut graph.draft.values[id];
            (value.format, value.scales) = (format, scales);
            build::check_code(value)?;
            if let Some(parameter) = graph.draft.parameters.get_mut(&id) {
                let rounded = parameter.data.iter().enumerate().map(|(at, &element)| value.code(at).round(element));
                *parameter = HostTensor { shape: parameter.shape.clone(), data: rounded.collect() };
            }
        }
        Ok(graph)
    }

    /// The same network with these parameters.
    ///
    /// # Errors
    /// Where there is no such parameter, or it has another shape.
    pub fn with_parameters(&self, parameters: impl IntoIterator<Item = (ValueId, HostTensor)>) -> Result<Self> {
        let mut graph = self.clone();
        for (id, tensor) in parameters {
            match graph.draft.parameters.get_mut(&id) {
                Some(own) if own.shape == tensor.shape => *own = tensor,
                _ => {
                    return Err(Error::request(format_args!(
                        "the model has no parameter {id} of shape {:?}",
                        tensor.shape
                    )));
                }
            }
        }
        Ok(graph)
    }
}
