//! Progress of a campaign on stderr: a bar on a terminal, otherwise a line every ten seconds.

use std::fmt::Write;
use std::time::{Duration, Instant};

use console::Term;
use indicatif::{HumanDuration, ProgressBar, ProgressState, ProgressStyle};

use super::output::{counted, percent, thousands};
use crate::campaign::Sequence;

/// Time between two updates of the bar. Its text costs more time than an inference of a small network.
const DRAW_EVERY: Duration = Duration::from_millis(100);

/// Time between two lines.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Shows the number of faults done, the rate, and the time left. The total can depend on the golden runs. Until all are
/// done, it is an estimate from those that were done.
#[derive(Debug)]
pub struct Progress {
    /// Faults that another process did before.
    before: u64,
    /// Faults done since then, and the number of SDCs among them.
    done: u64,
    sdc: u64,
    started: Instant,
    /// Time of the last update.
    last: Instant,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Begins after `sequence`, which was done before.
    pub fn new(sequence: &Sequence) -> Self {
        let now = Instant::now();
        let before = sequence.records();
        let bar = Term::stderr().is_term().then(|| {
            let template = "{wide_bar} {human_pos}/{human_len} faults{rate}{msg}";
            let style = ProgressStyle::with_template(template).expect("a constant template");
            let rate = |state: &ProgressState, text: &mut dyn Write| {
                // Writing to a string does not fail.
                let _ = match state.per_sec() {
                    per_sec if per_sec > 0.0 => write!(text, ", {per_sec:.1}/s, {:#} left", HumanDuration(state.eta())),
                    _ => Ok(()),
                };
            };
            let bar = ProgressBar::new(sequence.expected()).with_style(style.with_key("rate", rate));
            bar.set_position(before);
            bar.reset_eta();
            bar
        });
        Self { before, done: 0, sdc: 0, started: now, last: now, bar }
    }

    /// Counts one more fault, the last one of `sequence`.
    pub fn advance(&mut self, sequence: &Sequence, sdc: bool) {
        self.done += 1;
        self.sdc += u64::from(sdc);
        let every = if self.bar.is_some() { DRAW_EVERY } else { LINE_EVERY };
        if self.last.elapsed() < every {
            return;
        }
        self.last = Instant::now();
        let share = percent(self.sdc as f64 / self.done as f64);
        let (done, total) = (self.before + self.done, sequence.expected());
        if let Some(bar) = &self.bar {
            bar.set_message(format!("; SDC {share}"));
            bar.set_length(total);
            bar.set_position(done);
            return;
        }
        let rate = self.done as f64 / self.started.elapsed().as_secs_f64();
        let left = Duration::from_secs_f64(total.saturating_sub(done) as f64 / rate);
        let (done, total) = (thousands(done), counted(total, "fault"));
        eprintln!("{done} of {total}, {rate:.1} a second, {} left; SDC {share}", HumanDuration(left));
    }

    /// Removes the bar.
    pub fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}
