use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::thread::available_parallelism;

use super::*;
use crate::campaign::Confidence;
use crate::outcome::Rate;

/// All faults of some images (`examples/every_fault.rs`), by the name of their folder.
fn populations() -> BTreeMap<String, Population> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/exhaustive");
    let folders = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()).filter(|entry| entry.path().is_dir());
    let read = |entry: std::fs::DirEntry| {
        let text = std::fs::read_to_string(entry.path().join("strata.csv")).unwrap();
        (entry.file_name().into_string().unwrap(), Population::read(&text))
    };
    folders.map(read).collect()
}

/// The names of the quantities.
const NAMES: [&str; 3] = ["SDC", "SCM", "SCM among SDCs"];

/// Makes campaigns of the seeds from 0, on all cores, and returns their results in order.
fn campaigns<T: Send>(count: u64, one: impl Fn(u64) -> T + Sync) -> Vec<T> {
    let threads = available_parallelism().map_or(1, NonZeroUsize::get) as u64;
    let mut all: Vec<(u64, T)> = std::thread::scope(|scope| {
        let part = |first| {
            let one = &one;
            scope.spawn(move || (first..count).step_by(threads as usize).map(|seed| (seed, one(seed))).collect())
        };
        let parts: Vec<_> = (0..threads).map(part).collect();
        parts.into_iter().flat_map(|part| -> Vec<(u64, T)> { part.join().unwrap() }).collect()
    });
    all.sort_by_key(|(seed, _)| *seed);
    all.into_iter().map(|(_, result)| result).collect()
}

/// Estimates of many campaigns, with their intervals.
struct Estimates {
    mean: f64,
    variance: f64,
    /// The share of the intervals that hold the truth.
    coverage: f64,
    /// Half the width of an interval, on average.
    half: f64,
    campaigns: usize,
}

impl Estimates {
    fn new(rates: &[Rate], truth: f64) -> Self {
        let count = rates.len() as f64;
        let mean = rates.iter().map(|rate| rate.rate).sum::<f64>() / count;
        let variance = rates.iter().map(|rate| (rate.rate - mean).powi(2)).sum::<f64>() / (count - 1.0);
        let held = rates.iter().filter(|rate| rate.low <= truth && truth <= rate.high).count();
        let half = rates.iter().map(|rate| (rate.high - rate.low) / 2.0).sum::<f64>() / count;
        Self { mean, variance, coverage: held as f64 / count, half, campaigns: rates.len() }
    }

    /// The difference between mean and truth in standard errors of the mean.
    fn distance(&self, truth: f64) -> f64 {
        (self.mean - truth) / (self.variance / self.campaigns as f64).sqrt()
    }
}

/// Makes campaigns with a fixed number of faults, and returns the estimates of each quantity.
fn fixed(population: &Population, faults: usize, stratified: bool, count: u64) -> [Estimates; 3] {
    let summaries = campaigns(count, |seed| {
        let faults = Simulation::new(population, faults, None, stratified, seed).finish().faults;
        [faults.sdc, faults.scm.unwrap(), faults.scm_of_sdc.unwrap()]
    });
    let truth = population.truth(IMAGES);
    std::array::from_fn(|at| Estimates::new(&summaries.iter().map(|rates| rates[at]).collect::<Vec<_>>(), truth[at]))
}

/// A campaign with a goal.
struct Ended {
    faults: u64,
    /// Whether the goal was reached.
    reached: bool,
    /// Whether an interval missed the truth, after any round: of the SDC rate, of the SCM rate, of the share.
    missed: [bool; 3],
}

fn goal(margin: &str, of: Quantity) -> Goal {
    Goal { margin: margin.parse().unwrap(), of, confidence: Confidence::NinetyFive, max_faults: 1_000_000 }
}

/// Makes campaigns that end at a goal.
fn until(population: &Population, goal: Goal, stratified: bool, count: u64) -> Vec<Ended> {
    let truth = population.truth(IMAGES);
    campaigns(count, |seed| {
        let mut simulation = Simulation::new(population, 5, Some(goal), stratified, seed);
        let mut ended = Ended { faults: 0, reached: false, missed: [false; 3] };
        while let Some(summary) = simulation.round() {
            let faults = summary.faults;
            let rates = [faults.sdc, faults.scm.unwrap(), faults.scm_of_sdc.unwrap()];
            for (missed, (rate, truth)) in ended.missed.iter_mut().zip(rates.iter().zip(truth)) {
                *missed |= truth < rate.low || rate.high < truth;
            }
            (ended.faults, ended.reached) = (faults.injections, summary.aim.unwrap().reached);
        }
        ended
    })
}

/// No fault that is proved masked changed an answer, among all faults of these images. Faults in parameters are never proved.
#[test]
fn proved_faults_are_masked_without_exception() {
    for (name, population) in populations() {
        let (proved, sdc) = population.proved();
        let least = if name.ends_with("-weights") { 0 } else { population.faults() / 100 };
        assert!(population.faults() > 1_000_000 && proved >= least, "{name}: {proved}");
        assert_eq!(sdc, 0, "{name}");
    }
}

/// Campaigns of a fixed number of faults: the mean is the truth, and the 95 % intervals hold it in 94 % of the campaigns, both
/// within the error of so few campaigns.
#[test]
fn fixed_campaigns_are_unbiased_and_hold_the_truth() {
    const CAMPAIGNS: u64 = 200;
    for (name, population) in populations() {
        let truth = population.truth(IMAGES);
        let uniform = fixed(&population, 5, false, CAMPAIGNS);
        for (at, found) in fixed(&population, 5, true, CAMPAIGNS).iter().enumerate() {
            let (name, &Estimates { mean, coverage, .. }) = (format!("{name}, {}", NAMES[at]), found);
            // A ratio of two means is biased by a part of its own standard error.
            let (distance, most) = (found.distance(truth[at]).abs(), if at == 2 { 4.0 } else { 3.0 });
            assert!(distance < most, "{name}: mean {mean}, truth {}: {distance} standard errors", truth[at]);
            let error = (0.94 * 0.06 / CAMPAIGNS as f64).sqrt();
            assert!(coverage >= 0.94 - 2.0 * error, "{name}: coverage {coverage}");
            let gain = uniform[at].variance / found.variance;
            assert!(gain > [4.0, 2.0, 1.0][at], "{name}: gain {gain}");
        }
    }
}

/// Campaigns that look after each round and end at a goal: at most 5 % of them ever have an interval without the truth.
#[test]
fn campaigns_with_a_goal_hold_the_truth_whenever_they_look() {
    const CAMPAIGNS: u64 = 100;
    for (name, population) in populations() {
        let ended = until(&population, goal("0.3pp", Quantity::Sdc), true, CAMPAIGNS);
        assert!(ended.iter().all(|one| one.reached), "{name}");
        for (at, quantity) in NAMES.iter().enumerate() {
            let missed = ended.iter().filter(|one| one.missed[at]).count();
            assert!(missed as f64 <= 0.05 * CAMPAIGNS as f64, "{name}, {quantity}: {missed} of {CAMPAIGNS} missed");
        }
    }
}

/// Prints the tables of docs/STATISTICS.md:
/// `cargo test --release --package faultscope-facts --lib -- --ignored --nocapture tables_of_simulated_campaigns`
#[test]
#[ignore = "takes minutes"]
fn tables_of_simulated_campaigns() {
    for (name, population) in populations() {
        println!("\n{name}");
        tables(&population);
    }
}

fn tables(population: &Population) {
    const CAMPAIGNS: u64 = 1000;
    let truth = population.truth(IMAGES);
    let (proved, _) = population.proved();
    let share = proved as f64 / population.faults() as f64;
    println!("{} faults of {} images, {:.1} % proved masked", population.faults(), population.images(), 100.0 * share);
    println!("\n| faults | quantity | truth | mean | distance | coverage | half width | uniform | faults saved |");
    for faults in [5, 10, 25] {
        let uniform = fixed(population, faults, false, CAMPAIGNS);
        for (at, found) in fixed(population, faults, true, CAMPAIGNS).iter().enumerate() {
            println!(
                "| {} | {} | {:.3} % | {:.3} % | {:+.1} SE | {:.1} % | {:.3} | {:.3} | {:.1} |",
                faults * IMAGES,
                NAMES[at],
                100.0 * truth[at],
                100.0 * found.mean,
                found.distance(truth[at]),
                100.0 * found.coverage,
                100.0 * found.half,
                100.0 * uniform[at].half,
                uniform[at].variance / found.variance
            );
        }
        let coverage = uniform.map(|found| format!("{:.1}", 100.0 * found.coverage)).join(", ");
        println!("uniform, {} faults: coverage {coverage}", faults * IMAGES);
    }
    println!("\n| goal | design | faults, mean | missed ever: SDC, SCM, SCM among SDCs |");
    let goals = [("0.3pp", Quantity::Sdc), ("0.1pp", Quantity::Sdc), ("10%", Quantity::ScmShare)];
    for (margin, of) in goals {
        for stratified in [false, true] {
            let ended = until(population, goal(margin, of), stratified, CAMPAIGNS);
            let faults = ended.iter().map(|one| one.faults).sum::<u64>() as f64 / CAMPAIGNS as f64;
            let missed: [usize; 3] = std::array::from_fn(|at| ended.iter().filter(|one| one.missed[at]).count());
            let reached = ended.iter().filter(|one| one.reached).count();
            println!("| {margin} of {of:?} | stratified {stratified} | {faults:.0} | {missed:?} | reached {reached} |");
        }
    }
}
