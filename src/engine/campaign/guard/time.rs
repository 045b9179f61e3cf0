//! The measured time of an inference under protections.

use facts::Result;
use facts::campaign::compared::{Method, Timed, TimedUnder};
use facts::graph::HostTensor;

use super::Means;
use crate::campaign::{Lab, Settings};
use crate::exec::{Executor, Image, Stage};
use crate::ops::Array;

/// Rounds of measurements at most, and the milliseconds after which no further one begins.
const ROUNDS: usize = 20;
const ENOUGH: f64 = 500.0;

/// Measures golden inferences of `input` on `lab`, each alone, and takes the fastest of some rounds. `now` tells milliseconds.
/// Returns `None` if no protection of the lab is computed in an inference: codes, votes and looks at scores are not.
///
/// # Errors
/// If the input has the wrong shape, or the device fails.
pub async fn measure_times(lab: &Lab, input: &HostTensor, now: impl Fn() -> f64) -> Result<Option<Timed>> {
    let Some(guards) = lab.guards() else { return Ok(None) };
    let none: &[Stage] = &[];
    let mut methods: Vec<&Method> = Vec::new();
    let mut ways: Vec<(&Executor, &[Stage])> = vec![(lab.executor(), none)];
    for (guard, guarded) in guards.iter().zip(&guards.compared().methods) {
        match (&guard.means, &guard.network) {
            (Means::Clip(_), Some(network)) => ways.push((network.executor(), none)),
            (Means::Check(stage), _) => ways.push((lab.executor(), &guards.stages()[*stage..=*stage])),
            _ => continue,
        }
        methods.push(&guarded.method);
    }
    if methods.is_empty() {
        return Ok(None);
    }
    let input = [Array::upload(input, lab.executor().device())];
    let mut fastest = vec![f64::INFINITY; ways.len()];
    let begun = now();
    for round in 0..ROUNDS {
        // The ways take turns, so that the load of the machine is the same for all.
        for (time, (executor, stages)) in fastest.iter_mut().zip(&ways) {
            let from = now();
            executor.wave_under(&[Image::Inputs(&input)], &[], Settings::default(), stages).await?;
            *time = time.min(now() - from);
        }
        if round > 0 && now() - begun > ENOUGH {
            break;
        }
    }
    let without = fastest[0];
    let under = methods.into_iter().zip(&fastest[1..]);
    let under = under.map(|(method, time)| TimedUnder { protection: method.clone(), times: time / without });
    Ok(Some(Timed { milliseconds: without, under: under.collect() }))
}
