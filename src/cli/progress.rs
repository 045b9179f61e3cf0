//! How far a campaign is, on stderr: a bar on a terminal, elsewhere a line now and then.

use std::fmt::Write;
use std::time::{Duration, Instant};

use console::Term;
use indicatif::{HumanDuration, ProgressBar, ProgressState, ProgressStyle};

use super::output::{counted, percent, thousands};

/// Time between two lines.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Shows how many of the faults are done, at which rate, and how long the rest will take.
#[derive(Debug)]
pub struct Progress {
    total: u64,
    done: u64,
    sdc: u64,
    started: Instant,
    /// When the last line was written.
    last: Instant,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Nothing of `total` faults is done yet.
    pub fn new(total: u64) -> Self {
        let now = Instant::now();
        let bar = Term::stderr().is_term().then(|| {
            let template = "{wide_bar} {human_pos}/{human_len} faults, {rate}, {eta} left{msg}";
            let style = ProgressStyle::with_template(template).expect("a constant template");
            let rate = |state: &ProgressState, text: &mut dyn Write| {
                // The only error is that of a writer that is full, and this one is a string.
                let _ = write!(text, "{:.1}/s", state.per_sec());
            };
            ProgressBar::new(total).with_style(style.with_key("rate", rate))
        });
        Self { total, done: 0, sdc: 0, started: now, last: now, bar }
    }

    /// One more fault is done.
    pub fn advance(&mut self, sdc: bool) {
        self.done += 1;
        self.sdc += u64::from(sdc);
        let share = percent(self.sdc as f64 / self.done as f64);
        if let Some(bar) = &self.bar {
            bar.set_message(format!("; SDC {share}"));
            bar.set_position(self.done);
        } else if self.last.elapsed() >= LINE_EVERY {
            self.last = Instant::now();
            let rate = self.done as f64 / self.started.elapsed().as_secs_f64();
            let left = Duration::from_secs_f64((self.total.saturating_sub(self.done)) as f64 / rate);
            eprintln!(
                "{} of {}, {rate:.1} a second, {} left; SDC {share}",
                thousands(self.done),
                counted(self.total, "fault"),
                HumanDuration(left),
            );
        }
    }

    /// Takes the bar away.
    pub fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}
