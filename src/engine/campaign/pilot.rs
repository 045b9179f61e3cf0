//! The pilot of a stratified campaign: a few images, many strata.

use std::collections::BTreeMap;

use facts::campaign::design::{Pilot, is_proved};
use facts::campaign::{BadImage, OnBadImage, Plan, Position, Stratified};
use facts::data::ImageSource;
use facts::fault::Target;
use facts::outcome::Outcome;
use facts::{Error, Result};

use super::score::Scorer;
use super::{Budget, Lab, Settings, Subject, budget};

/// Most images of a pilot.
const IMAGES: usize = 64;

/// Faults of a pilot: a quarter of the campaign's, within these limits.
const FAULTS: std::ops::RangeInclusive<u64> = 256..=2048;

/// Candidates of each image of the pilot where each fault of the campaign has candidates of its own, and the number of the first
/// one: no fault of the campaign has such a number, so that the pilot knows nothing of them.
const APART: usize = 512;
const FIRST_APART: usize = 1 << 30;

/// Candidates of a fault that has its own, unless the user chooses another number.
const OWN: usize = 64;

/// Makes `plan` a stratified one: draws `candidates` for each image, or the usual number, and injects a few of them into
/// evenly spaced images, to learn which strata tell most. Images that cannot be read are left out if the plan skips such.
///
/// The pilot depends on nothing but the plan, so each shard of a campaign makes the same one.
///
/// # Errors
/// If an image cannot be read, a golden run fails, the lab computes on a GPU, or `stopped` returns true.
pub async fn stratify(
    lab: &Lab,
    plan: Plan,
    source: &impl ImageSource,
    candidates: Option<usize>,
    within: Budget,
    stopped: impl Fn() -> bool,
) -> Result<Plan> {
    if *lab.executor().device() != burn::tensor::Device::flex() {
        return Err(Error::request(
            "a stratified campaign scores its faults on the CPU, found --device gpu; choose --device cpu, or --design \
             uniform",
        ));
    }
    let faults = plan.config().faults.at_most();
    let aim = plan.config().until.map(|goal| goal.of);
    let usual = || if aim.is_some() { OWN } else { Stratified::usual_candidates(faults) };
    let candidates = candidates.unwrap_or_else(usual);
    let scored = lab.scoring().derivative().is_ok();
    let mut design = Stratified { aim, ..Stratified::new(candidates, scored, plan.elements()) };
    design.validate(if aim.is_some() { 2 } else { faults })?;
    let each = plan.config().until.map_or(0, |goal| goal.max_faults / plan.images().max(1) as u64);
    if aim.is_some() && each.saturating_mul(candidates as u64) > FIRST_APART as u64 {
        return Err(Error::request(format_args!(
            "an image has at most {FIRST_APART} candidates, found {each} faults (--max-faults over the images) with {candidates} \
             candidates each; lower --max-faults or --candidates"
        )));
    }
    let (first, candidates) = if aim.is_some() { (FIRST_APART, APART) } else { (0, candidates) };
    let images = plan.images().min(IMAGES);
    let budget = (plan.trials() / 4).clamp(*FAULTS.start(), *FAULTS.end());
    let each = usize::try_from(budget).unwrap_or(usize::MAX).div_ceil(images.max(1)).min(candidates);
    let model = lab.model();
    let skips = plan.config().on_bad_image == OnBadImage::Skip;
    let mut found: BTreeMap<u8, Pilot> = BTreeMap::new();
    for nth in (0..images).map(|place| place * plan.images() / images) {
        if stopped() {
            return Err(Error::request("interrupted during the pilot, before the first record"));
        }
        let Some(image) = plan.image(nth) else { continue };
        let read = || model.preprocess().apply(&source.image(image)?, model.input_shape());
        let input = match read() {
            Ok(input) => input,
            Err(error) if skips && BadImage::of(String::new(), &error).is_some() => continue,
            Err(error) => return Err(error.concerning(source.name(image))),
        };
        let golden = lab.golden(&input).await.map_err(|error| error.concerning(source.name(image)))?;
        let scorer = Scorer::new(lab, &golden, plan.config().fault_model.target == Target::Weight)?;
        let strata = scorer.strata(&plan, nth, first..first + candidates)?;
        drop(scorer);
        for &stratum in &strata {
            found.entry(stratum).or_insert(Pilot { stratum, candidates: 0, injected: 0, sdc: 0, scm: 0 }).candidates +=
                1;
        }
        let picks = Stratified::pick_pilot(&strata, each, plan.config().seed, image as u64);
        let picks: Vec<_> = picks.into_iter().filter(|pick| !is_proved(strata[pick.candidate])).collect();
        let mut rest = &picks[..];
        while !rest.is_empty() {
            let mut sites = Vec::new();
            let mut room = within.slots(lab).saturating_sub(1);
            for pick in rest {
                let own = plan.sites(Position { nth, fault: first + pick.candidate })?;
                let slots = budget::slots_of(lab, &own);
                if slots > room && !sites.is_empty() {
                    break;
                }
                room = room.saturating_sub(slots);
                sites.push(own);
            }
            let (now, later) = rest.split_at(sites.len());
            rest = later;
            let tried = lab.trials(&[Subject::new(&golden, sites)], Settings::default()).await?.only()?;
            for (pick, trial) in now.iter().zip(tried.trials) {
                let Some(pilot) = found.get_mut(&strata[pick.candidate]) else { continue };
                pilot.injected += 1;
                pilot.sdc += u64::from(trial.verdict.outcome == Outcome::Sdc);
                pilot.scm += u64::from(aim.is_some() && trial.verdict.scm == Some(true));
            }
        }
        design.pilot_images += 1;
    }
    if design.pilot_images == 0 {
        return Err(Error::request("none of the images of the pilot can be read"));
    }
    design.strata = found.into_values().collect();
    plan.with_design(design)
}
