//! Duration of the start, as user timing marks, which the tools of browsers show.

use crate::state::State;

/// The stages that the page has reached.
#[derive(Default)]
pub struct Timing {
    noted: usize,
}

impl Timing {
    /// Marks the steps of the start that `state` has reached, each once.
    pub fn note(&mut self, state: &State) {
        let steps = [
            ("worker", state.worker_ready),
            ("model", state.model().is_some()),
            ("golden", state.golden_now().is_some()),
            ("outcome", state.injection_now().is_some()),
        ];
        while let Some((name, true)) = steps.get(self.noted) {
            self.noted += 1;
            // A browser that measures nothing works as well.
            let _ = gloo::utils::window().performance().map(|performance| performance.mark(name));
        }
    }
}
