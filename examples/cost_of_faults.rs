//! Says what an allocation that knows the costs of faults would save: the table of docs/STATISTICS.md.
//!
//! ```text
//! cargo run --release --example cost_of_faults -- MODEL FAULTS IMAGE...
//! ```
//!
//! FAULTS activation faults are drawn uniformly for each image, and injected one at a time, so that the multiply-adds of each are
//! known. For each share of golden run, gradient and scores that falls on a fault, in golden runs, it prints the costs for the same
//! variance relative to Neyman's allocation without costs: with the mean costs of strata, and with those of layers.

mod common;

use std::collections::BTreeMap;

use faultscope::campaign::design::{Stratum, is_proved};
use faultscope::campaign::{Faults, Images, Plan, Position, Scorer};
use faultscope::prelude::*;

use common::{Error, opened};

/// The share of the faults that are spread over all candidates alike, as in campaigns.
const DEFENSIVE: f64 = 0.2;

/// Faults, the SDCs among them, and their costs in golden runs.
#[derive(Clone, Copy, Default)]
struct Sums {
    faults: f64,
    sdc: f64,
    cost: f64,
}

impl Sums {
    fn add(&mut self, other: &Self) {
        self.faults += other.faults;
        self.sdc += other.sdc;
        self.cost += other.cost;
    }

    fn mean_cost(&self) -> f64 {
        self.cost / self.faults
    }

    /// The variance of the outcome of a fault.
    fn variance(&self) -> f64 {
        let rate = self.sdc / self.faults;
        rate * (1.0 - rate)
    }
}

fn main() -> std::result::Result<(), Error> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [model, faults, images @ ..] = &words[..] else { return Err("usage: MODEL FAULTS IMAGE...".into()) };
    let lab = Lab::cpu(import::load(model, std::fs::read(model)?)?)?;
    let images = images.iter().map(|argument| opened(argument)).collect::<std::result::Result<Vec<_>, _>>()?.concat();
    let faults: usize = faults.parse()?;
    let config = CampaignConfig { faults: Faults::Each(faults), ..CampaignConfig::new(model) };
    let plan = Plan::new(config, lab.executor().graph().clone(), Images::All(images.len()))?;
    let mut cells: BTreeMap<(Stratum, usize), Sums> = BTreeMap::new();
    for (nth, (_, pixels)) in images.iter().enumerate() {
        let input = lab.model().preprocess().apply(pixels, lab.model().input_shape())?;
        let whole = block_on(lab.trials(&[Subject::new(&input, Vec::new())], Settings::default()))?.work.golden as f64;
        let golden = block_on(lab.golden(&input))?;
        let scorer = Scorer::new(&lab, &golden, false)?;
        for fault in 0..faults {
            let sites = plan.sites(Position { nth, fault })?;
            let stratum = scorer.stratum(&sites);
            // Faults that are proved masked are not injected.
            if is_proved(stratum) {
                continue;
            }
            let layer = sites.first().ok_or("a fault has a site")?.layer;
            let tried = block_on(lab.trials(&[Subject::new(&golden, vec![sites])], Settings::default()))?;
            let cost = tried.work.lanes as f64 / whole;
            let trial = tried.only()?.trials.into_iter().next().ok_or("a fault has a trial")?;
            let sdc = f64::from(u8::from(trial.verdict.outcome == Outcome::Sdc));
            cells.entry((stratum, layer)).or_default().add(&Sums { faults: 1.0, sdc, cost });
        }
    }
    println!("| fixed | by stratum | by layer |");
    for fixed in [0.0, 0.02, 0.1, 0.35, 0.7] {
        let [stratum, layer] = saved(&cells, fixed);
        println!("| {fixed} | {stratum:.2} | {layer:.2} |");
    }
    Ok(())
}

/// Returns the costs for the same variance, relative to the allocation without costs.
fn saved(cells: &BTreeMap<(Stratum, usize), Sums>, fixed: f64) -> [f64; 2] {
    let (mut strata, mut layers): (BTreeMap<Stratum, Sums>, BTreeMap<usize, Sums>) = Default::default();
    for (&(stratum, layer), sums) in cells {
        strata.entry(stratum).or_default().add(sums);
        layers.entry(layer).or_default().add(sums);
    }
    let all: f64 = strata.values().map(|sums| sums.faults).sum();
    // Neyman's intensity relative to the mean one, with the defensive share.
    let mixed = |own: &dyn Fn(&Sums) -> f64| -> BTreeMap<Stratum, f64> {
        let mean = strata.values().map(|sums| sums.faults * own(sums)).sum::<f64>() / all;
        strata.iter().map(|(&stratum, sums)| (stratum, (1.0 - DEFENSIVE) * own(sums) / mean + DEFENSIVE)).collect()
    };
    let plain = mixed(&|sums| sums.variance().sqrt());
    let costly = mixed(&|sums| (sums.variance() / (sums.mean_cost() + fixed).max(1e-9)).sqrt());
    // The variance of a draw times its mean cost: the factor that the chances have in common cancels.
    let product = |chance: &dyn Fn(Stratum, usize) -> f64| {
        let (mut variance, mut cost) = (0.0, 0.0);
        for (&(stratum, layer), sums) in cells {
            variance += sums.faults * strata[&stratum].variance() / chance(stratum, layer);
            cost += (sums.cost + sums.faults * fixed) * chance(stratum, layer);
        }
        variance * cost
    };
    let without = product(&|stratum, _| plain[&stratum]);
    let by_layer = |stratum, layer| plain[&stratum] / (layers[&layer].mean_cost() + fixed).max(1e-9).sqrt();
    [product(&|stratum, _| costly[&stratum]) / without, product(&by_layer) / without]
}
