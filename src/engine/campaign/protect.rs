//! What range restriction would have made of a fault: the preview of a mitigation.

use facts::fault::Site;
use facts::outcome::{Verdict, top1};
use facts::{Error, Result};

use super::{Golden, Lab, Trial};
use crate::exec::{Activations, Clip, Ranges};
use crate::exec::{Injector, faulty_parameters};
use crate::ops::Array;

/// A faulty inference in which every layer's output is clipped to its golden range.
#[derive(Clone, Debug)]
pub struct Protected {
    /// What became of the answer; nothing is traced or kept.
    pub trial: Trial,
    /// The layers in which something was clipped, with the number of elements, in order.
    pub clipped: Vec<(String, u64)>,
}

impl Lab {
    /// Injects `sites` into the inference that `golden` is the golden run of, and clips every layer's output to
    /// `ranges`. Everything is computed anew, so it takes as long as a golden run.
    ///
    /// Where `ranges` include `golden`, a run without faults gives the golden output bit for bit.
    ///
    /// # Errors
    /// As [`Lab::trial`].
    pub async fn protected(&self, golden: &Golden, sites: &[Site], ranges: &Ranges) -> Result<Protected> {
        self.check(sites)?;
        let graph = self.executor().graph();
        let input = |&id| golden.activations.get(id).cloned();
        let inputs = graph.inputs.iter().map(input).collect::<Option<Vec<Array>>>();
        let inputs = inputs.ok_or_else(|| Error::request("the golden run has not kept its input"))?;
        let (parameters, weights) = faulty_parameters(graph, sites);
        let mut hook = Clip::new(ranges, Injector::new(graph, sites));
        let run = self.executor().run_changed(&inputs, &parameters, &mut hook).await?;
        let (injector, clipped) = hook.into_parts();
        let output = run.get(graph.outputs[0]);
        let output = output.ok_or_else(|| Error::request("the model's output is not computed by any layer"))?;
        let logits = output.read().await?;
        Ok(Protected {
            trial: Trial {
                verdict: Verdict::new(golden.class, &logits, self.grouping()),
                class: top1(&logits),
                logits,
                faults: [weights, injector.into_injected()].concat(),
                trace: Vec::new(),
                activations: Activations::default(),
            },
            clipped: clipped.into_iter().map(|(layer, count)| (graph.nodes[layer].name.clone(), count)).collect(),
        })
    }
}

#[cfg(test)]
mod tests;
