//! The most dangerous faults of a network: predicted by their scores, confirmed by injection.

use std::cmp::Reverse;
use std::ops::Range;

use facts::campaign::design::Score;
use facts::data::ImageSource;
use facts::fault::{EveryFault, FaultModel, Site, SiteSpace, Target};
use facts::limits;
use facts::outcome::Outcome;
use facts::{Error, Result};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::score::Scorer;
use super::{Budget, Golden, Lab, Settings, Subject, Trial, budget};

/// Scores count up to this: beyond it, first order says nothing of how much worse it is.
const MOST: f32 = 1000.0;

/// Faults that are injected to tell how often a prediction is right, and as many without regard to their scores.
const CHECKED: usize = 1000;

/// What is ranked, and how.
#[derive(Clone, Debug)]
pub struct Ranked {
    /// Which faults there are: flips of single bits.
    pub model: FaultModel,
    /// Indices of the images.
    pub images: Vec<usize>,
    /// Length of the lists.
    pub top: usize,
    /// Decides which predictions are checked.
    pub seed: u64,
}

/// A fault, or all flips in an element.
#[derive(Clone, Debug, PartialEq)]
pub struct Danger {
    /// The place, with the flip of a fault; of an element the flip of its first bit.
    pub site: Site,
    /// Share of images, and bits, for which a change of the answer is predicted.
    pub predicted: f64,
    /// Mean score, where one counts as 1,000 at most.
    pub score: f64,
    /// Faults injected: into each image one, or each bit.
    pub injected: u64,
    /// Those that changed the answer.
    pub sdc: u64,
    /// Those of them that were safety-critical; `None` without a grouping.
    pub scm: Option<u64>,
    /// Those with NaN or infinity in the output.
    pub due: u64,
}

/// How often a prediction is right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Faults injected.
    pub injected: u64,
    /// Those that changed the answer.
    pub sdc: u64,
}

/// The most dangerous faults.
#[derive(Clone, Debug)]
pub struct Ranking {
    /// Faults with a score, in each image.
    pub faults: u64,
    /// Share of faults and images for which a change of the answer is predicted.
    pub predicted: f64,
    /// The same by bit.
    pub bits: Vec<(u8, f64)>,
    /// The most dangerous faults, those first that changed most answers.
    pub top: Vec<Danger>,
    /// The most dangerous elements.
    pub elements: Vec<Danger>,
    /// Faults drawn from those for which a change is predicted.
    pub precision: Checked,
    /// Faults drawn from all.
    pub base: Checked,
}

/// The scores of a fault over all images.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    predicted: u32,
    score: f32,
}

impl Sum {
    fn key(self) -> (u32, i64) {
        // In thousandths, so that the order is total.
        (self.predicted, (f64::from(self.score) * 1000.0) as i64)
    }

    fn plus(self, other: Self) -> Self {
        Self { predicted: self.predicted + other.predicted, score: self.score + other.score }
    }
}

/// Ranks the faults of `lab`'s network over images of `source`.
///
/// # Errors
/// If a layer has no derivative, there are too many faults to keep their scores, or an image cannot be read.
pub async fn rank(lab: &Lab, source: &impl ImageSource, what: &Ranked, within: Budget) -> Result<Ranking> {
    if let Err(problem) = lab.scoring().derivative() {
        return Err(Error::request(format_args!("{problem}; without it no fault can be ranked")));
    }
    let graph = lab.executor().graph();
    let space = SiteSpace::drawn_from(graph, &what.model)?;
    let every = EveryFault::new(graph, &space, &what.model)?;
    let site = |number: usize| every.site(&space, number as u64);
    let need = every.count().saturating_mul(size_of::<Sum>() as u64);
    limits::allowed().check(
        &format!("the scores of {} faults (fewer --layers or --bit are fewer) need", every.count()),
        need.saturating_add(lab.executor().footprint().with_runs(3)),
    )?;
    let count = usize::try_from(every.count()).unwrap_or(usize::MAX);
    let mut sums = vec![Sum::default(); count];
    let (mut precision, mut base) = (Checked::default(), Checked::default());
    let each = CHECKED.div_ceil(what.images.len().max(1));
    for &image in &what.images {
        let golden = golden(lab, source, image).await?;
        let scorer = Scorer::new(lab, &golden, what.model.target == Target::Weight)?;
        let mut drawn = Reservoir::new(each, what.seed, image as u64);
        for (number, sum) in sums.iter_mut().enumerate() {
            let score = match scorer.score(&[site(number)?]) {
                Score::Finite(score) => score.clamp(-MOST, MOST),
                Score::NotFinite => MOST,
                Score::Proved | Score::Flat(_) | Score::Unknown(_) => 0.0,
            };
            let predicted = score >= 1.0;
            *sum = sum.plus(Sum { predicted: predicted.into(), score });
            if predicted {
                drawn.offer(number);
            }
        }
        drop(scorer);
        let all: Vec<usize> = (0..each).map(|_| drawn.rng.random_range(0..count as u64) as usize).collect();
        for (checked, numbers) in [(&mut precision, drawn.kept), (&mut base, all)] {
            let sites = numbers.into_iter().map(site).collect::<Result<Vec<_>>>()?;
            for trial in inject(lab, &golden, &sites, within).await? {
                checked.injected += 1;
                checked.sdc += u64::from(trial.verdict.outcome == Outcome::Sdc);
            }
        }
    }
    let sites = |numbers: Range<usize>| numbers.map(site).collect::<Result<Vec<_>>>();
    let faults = best((0..count).map(|number| (sums[number], number..number + 1)), what.top);
    let elements = best(elements(&sums, site)?, what.top);
    let mut lists = [faults, elements].map(|list| {
        let danger = |(sum, numbers): (Sum, Range<usize>)| {
            let sites = sites(numbers)?;
            let all = (sites.len() * what.images.len()).max(1) as f64;
            let none = Danger {
                site: sites[0],
                predicted: f64::from(sum.predicted) / all,
                score: f64::from(sum.score) / all,
                injected: 0,
                sdc: 0,
                scm: lab.grouping().map(|_| 0),
                due: 0,
            };
            Ok((none, sites))
        };
        list.into_iter().map(danger).collect::<Result<Vec<_>>>()
    });
    for &image in &what.images {
        let golden = golden(lab, source, image).await?;
        for list in &mut lists {
            for (danger, sites) in list.as_mut().map_err(|error| Error::request(error.to_string()))? {
                for trial in inject(lab, &golden, sites, within).await? {
                    danger.injected += 1;
                    danger.sdc += u64::from(trial.verdict.outcome == Outcome::Sdc);
                    danger.due += u64::from(trial.verdict.due);
                    if let Some(scm) = &mut danger.scm {
                        *scm += u64::from(trial.verdict.scm == Some(true));
                    }
                }
            }
        }
    }
    let [top, elements] = lists.map(|list| {
        let mut list: Vec<Danger> = list?.into_iter().map(|(danger, _)| danger).collect();
        // Stable: those with as many SDCs stay in the order of their scores.
        list.sort_by_key(|danger| Reverse(danger.sdc));
        Ok::<_, Error>(list)
    });
    Ok(Ranking {
        faults: every.count(),
        predicted: sums.iter().map(|sum| f64::from(sum.predicted)).sum::<f64>()
            / (count * what.images.len()).max(1) as f64,
        bits: bits(&sums, site, what.images.len())?,
        top: top?,
        elements: elements?,
        precision,
        base,
    })
}

async fn golden(lab: &Lab, source: &impl ImageSource, image: usize) -> Result<Golden> {
    let model = lab.model();
    let input = source.image(image).and_then(|image| model.preprocess().apply(&image, model.input_shape()));
    let golden = lab.golden(&input.map_err(|error| error.concerning(source.name(image)))?).await;
    golden.map_err(|error| error.concerning(source.name(image)))
}

/// Injects each of `sites` by itself.
async fn inject(lab: &Lab, golden: &Golden, sites: &[Site], within: Budget) -> Result<Vec<Trial>> {
    let mut trials = Vec::with_capacity(sites.len());
    let slots = sites.first().map_or(1, |site| budget::slots_of(lab, std::slice::from_ref(site)));
    let room = (within.slots(lab).saturating_sub(1) / slots).max(1);
    for part in sites.chunks(room) {
        let faults = part.iter().map(|&site| vec![site]).collect();
        trials.extend(lab.trials(&[Subject::new(golden, faults)], Settings::default()).await?.only()?.trials);
    }
    Ok(trials)
}

/// Returns the `top` of `all` with the highest sums, the highest first; of equal ones the first.
fn best(all: impl Iterator<Item = (Sum, Range<usize>)>, top: usize) -> Vec<(Sum, Range<usize>)> {
    let mut found: Vec<(Sum, Range<usize>)> = Vec::new();
    let order = |(sum, numbers): &(Sum, Range<usize>)| (Reverse(sum.key()), numbers.start);
    for one in all {
        found.push(one);
        if found.len() >= 2 * top + 1024 {
            found.sort_by_key(order);
            found.truncate(top);
        }
    }
    found.sort_by_key(order);
    found.truncate(top);
    found
}

/// Returns each element with the sum over its bits.
fn elements(sums: &[Sum], site: impl Fn(usize) -> Result<Site>) -> Result<impl Iterator<Item = (Sum, Range<usize>)>> {
    let mut found: Vec<(Sum, Range<usize>)> = Vec::new();
    let mut last = None;
    for (number, &sum) in sums.iter().enumerate() {
        let Site { layer, tensor, element, .. } = site(number)?;
        let place = Some((layer, tensor, element));
        match found.last_mut().filter(|_| place == last) {
            Some((all, numbers)) => {
                *all = all.plus(sum);
                numbers.end = number + 1;
            }
            None => found.push((sum, number..number + 1)),
        }
        last = place;
    }
    Ok(found.into_iter())
}

/// Returns the share of predicted changes by bit.
fn bits(sums: &[Sum], site: impl Fn(usize) -> Result<Site>, images: usize) -> Result<Vec<(u8, f64)>> {
    let mut found = [(0u64, 0u64); 32];
    for (number, sum) in sums.iter().enumerate() {
        let struck = site(number)?.corruption.bits();
        for bit in struck.iter().flat_map(|bits| bits.iter()) {
            let (faults, predicted) = &mut found[usize::from(bit)];
            *faults += images as u64;
            *predicted += u64::from(sum.predicted);
        }
    }
    let rows = (0u8..32).zip(found).rev().filter(|(_, (faults, _))| *faults > 0);
    Ok(rows.map(|(bit, (faults, predicted))| (bit, predicted as f64 / faults as f64)).collect())
}

/// Keeps some of the numbers that are offered, each with the same chance (Vitter's algorithm R, 1985).
struct Reservoir {
    kept: Vec<usize>,
    size: usize,
    offered: u64,
    rng: ChaCha8Rng,
}

impl Reservoir {
    fn new(size: usize, seed: u64, image: u64) -> Self {
        let mut key = [0u8; 32];
        for (part, number) in key.chunks_exact_mut(8).zip([seed, image, 0, u64::from_le_bytes(*b"rank   1")]) {
            part.copy_from_slice(&number.to_le_bytes());
        }
        Self { kept: Vec::new(), size, offered: 0, rng: ChaCha8Rng::from_seed(key) }
    }

    fn offer(&mut self, number: usize) {
        self.offered += 1;
        if self.kept.len() < self.size {
            self.kept.push(number);
            return;
        }
        let place = self.rng.random_range(0..self.offered) as usize;
        if let Some(kept) = self.kept.get_mut(place) {
            *kept = number;
        }
    }
}
