//! The steps of a chore, each with the time that it took.

use std::time::{Duration, Instant};

use anyhow::Result;

/// The steps taken so far.
pub struct Steps {
    started: Instant,
    taken: Vec<Step>,
}

struct Step {
    name: String,
    time: Duration,
    passed: bool,
}

impl Steps {
    /// Starts the clock.
    pub fn new() -> Self {
        Self { started: Instant::now(), taken: Vec::new() }
    }

    /// Takes one step: prints its name, runs it, prints how long it took.
    pub fn run<T>(&mut self, name: &str, step: impl FnOnce() -> Result<T>) -> Result<T> {
        println!("==> {name}");
        let begun = Instant::now();
        let outcome = step();
        let time = begun.elapsed();
        let word = if outcome.is_ok() { "done" } else { "FAILED" };
        println!("    {word}: {name} ({})", shown(time));
        self.taken.push(Step { name: name.into(), time, passed: outcome.is_ok() });
        outcome.map_err(|error| error.context(format!("{name} failed")))
    }

    /// Prints the time of each step so far.
    pub fn summary(&self) {
        println!("\nWhere the time went:");
        for step in &self.taken {
            println!("  {:>9}  {}{}", shown(step.time), step.name, if step.passed { "" } else { "  FAILED" });
        }
        println!("  {:>9}  in all", shown(self.started.elapsed()));
    }
}

/// Returns a time as text.
pub fn shown(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 60.0 {
        format!("{seconds:.1} s")
    } else {
        let whole = time.as_secs();
        format!("{} min {:02} s", whole / 60, whole % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_in_seconds_and_minutes() {
        assert_eq!(shown(Duration::from_millis(1240)), "1.2 s");
        assert_eq!(shown(Duration::from_secs(125)), "2 min 05 s");
    }
}
