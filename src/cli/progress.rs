//! Progress of a campaign on stderr: a bar on a terminal, otherwise a line every ten seconds.

use std::time::{Duration, Instant};

use console::Term;
use indicatif::{HumanDuration, ProgressBar, ProgressStyle};

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
            // All numbers stand in one message: parts that are set one by one are drawn from different moments.
            let style = ProgressStyle::with_template("{wide_bar} {msg}").expect("a constant template");
            let bar = ProgressBar::new(sequence.expected()).with_style(style);
            bar.set_position(before);
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
        let (done, total) = (self.before + self.done, sequence.expected());
        let rate = self.done as f64 / self.started.elapsed().as_secs_f64();
        let share = percent(self.sdc as f64 / self.done as f64);
        let text = words(done, total, rate, &share);
        match &self.bar {
            Some(bar) => {
                bar.update(|state| {
                    state.set_len(total);
                    state.set_pos(done);
                });
                bar.set_message(text);
            }
            None => eprintln!("{text}"),
        }
    }

    /// Removes the bar.
    pub fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}

/// The progress in words: `done` of `total` faults at `rate` faults a second, of which `share` are SDCs.
fn words(done: u64, total: u64, rate: f64, share: &str) -> String {
    let left = Duration::from_secs_f64(total.saturating_sub(done) as f64 / rate);
    let rate = if rate < 100.0 { format!("{rate:.1}") } else { thousands(rate.round() as u64) };
    let (done, total) = (thousands(done), counted(total, "fault"));
    format!("{done} of {total}, {rate} a second, {} left; SDC {share}", HumanDuration(left))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_numbers_are_of_one_moment_and_written_for_people() {
        let text = words(2_500, 10_000, 25_255.1, "2.4 %");
        assert_eq!(text, "2,500 of 10,000 faults, 25,255 a second, 0 seconds left; SDC 2.4 %");
        assert!(words(10, 100, 1.5, "0.0 %").starts_with("10 of 100 faults, 1.5 a second, 60 seconds left"));
    }
}
