//! What becomes of a trial under each protection that it is compared with.
//!
//! Most of it comes out of the wave of the unprotected trials: clips and checks fork its lanes, faults that a code leaves over are lanes of
//! their own, and detectors look at the scores. A protection whose golden run is another one has a network of its own, with
//! waves of its own: a code in the bits of the weights always, a clip for the images in whose golden runs it clips something.

use facts::Result;
use facts::campaign::Protected;
use facts::campaign::compared::Treated;
use facts::graph::HostTensor;
use facts::outcome::is_due;

use super::{Inference, Lab, Subject, Tried};
use crate::campaign::guard::{Fate, Guard, Guards, Means};
use crate::exec::{Faulty, Lane, Settings, Stage};

/// What is known of the protections before the wave.
pub(super) struct Beside {
    /// For each trial, subject by subject, and each protection.
    fates: Vec<Vec<Place>>,
    /// The number of lanes of the unprotected trials.
    own: usize,
}

/// Where the outcome of a trial under a protection is found.
enum Place {
    /// In the unprotected run, or where it forks.
    AsIt,
    Golden,
    Detected,
    /// In the lane of this index beside those of the unprotected trials.
    Lane(usize),
    /// In the protection's own network.
    Network(Treated),
}

impl Lab {
    /// The stages that fork the lanes of a wave.
    pub(super) fn stages(&self) -> &[Stage] {
        self.guards.as_deref().map_or(&[], Guards::stages)
    }

    /// The class and whether NaN or infinity reached the output. An output that is not told is the golden one.
    fn told(&self, golden: &[f32], class: usize, output: Option<&Vec<f32>>) -> Protected {
        let Some(output) = output else { return protected(class, false) };
        let scores = self.model.answer.scores(output.clone());
        protected(self.model.answer.class(&scores), is_due(golden, &scores))
    }
}

fn protected(class: usize, due: bool) -> Protected {
    Protected { class, detected: false, due, golden: None, alarm: false }
}

impl Beside {
    /// Adds to `lanes`, which hold those of the unprotected trials, those that protections need.
    pub fn new(lab: &Lab, subjects: &[Subject<'_>], lanes: &mut Vec<Lane>) -> Result<Self> {
        let own = lanes.len();
        let Some(guards) = &lab.guards else { return Ok(Self { fates: Vec::new(), own }) };
        lanes.iter_mut().for_each(|lane| lane.forks = true);
        let mut fates = Vec::with_capacity(own);
        for (image, subject) in subjects.iter().enumerate() {
            for sites in &subject.faults {
                let mut of_trial = Vec::with_capacity(guards.iter().len());
                for guard in guards.iter() {
                    of_trial.push(match guard.fate(lab.executor.graph(), sites) {
                        Fate::AsIt => Place::AsIt,
                        Fate::Treated(treated) if guard.network.is_some() => Place::Network(treated),
                        Fate::Treated(Treated::Golden) => Place::Golden,
                        Fate::Treated(Treated::Detected) => Place::Detected,
                        Fate::Treated(Treated::Struck(left)) => {
                            lanes.push(lab.lane(image, subject, &left)?.0);
                            Place::Lane(lanes.len() - 1 - own)
                        }
                    });
                }
                fates.push(of_trial);
            }
        }
        Ok(Self { fates, own })
    }

    /// Splits the results of a wave into those of the unprotected trials and those of the others.
    pub fn split(&self, mut lanes: Vec<Faulty>) -> (std::vec::IntoIter<Faulty>, Vec<Faulty>) {
        let others = lanes.split_off(self.own);
        (lanes.into_iter(), others)
    }

    /// Tells of each trial of `tried` what became of it under each protection. `moved` says for each image which stages change
    /// its golden run, `alarms` which of them stop it; `others` are the results of the lanes beside those of the trials.
    pub async fn tell(
        &mut self,
        lab: &Lab,
        subjects: &[Subject<'_>],
        [moved, alarms]: [&[Vec<bool>]; 2],
        others: Vec<Faulty>,
        tried: &mut [Result<Tried>],
    ) -> Result<()> {
        let Some(guards) = lab.guards.clone() else { return Ok(()) };
        let mut fates = std::mem::take(&mut self.fates).into_iter();
        // For each protection the subjects, and their trials, that its own network tells of.
        let mut networks: Vec<Vec<(usize, Vec<Treated>)>> = guards.iter().map(|_| Vec::new()).collect();
        for (image, (subject, tried)) in subjects.iter().zip(tried.iter_mut()).enumerate() {
            let own: Vec<Vec<Place>> = fates.by_ref().take(subject.faults.len()).collect();
            let Ok(tried) = tried else { continue };
            for (number, guard) in guards.iter().enumerate() {
                if is_apart(guard, &moved[image]) {
                    let treated = own.iter().zip(&subject.faults).map(|(places, sites)| match &places[number] {
                        Place::Network(treated) => treated.clone(),
                        _ => Treated::Struck(sites.clone()),
                    });
                    networks[number].push((image, treated.collect()));
                }
                let golden =
                    Protected { alarm: guard.alarms(&tried.logits, &alarms[image]), ..protected(tried.class, false) };
                tried.protected.push(golden);
                let own = own.iter().zip(&subject.faults);
                for (trial, (places, sites)) in tried.trials.iter_mut().zip(own) {
                    let as_it = protected(trial.class, trial.verdict.due);
                    let detected = Protected { detected: true, ..as_it };
                    let told = match (&places[number], &guard.means) {
                        (Place::Golden, _) => protected(tried.class, false),
                        (Place::Detected, _) => detected,
                        (Place::Lane(lane), _) => lab.told(
                            &tried.logits,
                            tried.class,
                            others.get(*lane).and_then(|lane| lane.output.as_ref()),
                        ),
                        (Place::AsIt, Means::Clip(Some(stage)) | Means::Check(stage)) => {
                            match trial.forks.get(*stage) {
                                Some(Some(fork)) if fork.stopped.is_some() => detected,
                                Some(Some(fork)) => lab.told(&tried.logits, tried.class, fork.output.as_ref()),
                                _ => as_it,
                            }
                        }
                        (Place::AsIt, _) if guard.detects(&trial.logits, &trial.faults, sites) => detected,
                        (Place::AsIt | Place::Network(_), _) => as_it,
                    };
                    trial.protected.push(Protected { alarm: golden.alarm, ..told });
                }
            }
        }
        for (number, (guard, apart)) in guards.iter().zip(networks).enumerate() {
            if let Some(network) = guard.network.as_ref().filter(|_| !apart.is_empty()) {
                told_apart(lab, network, number, subjects, apart, tried).await?;
            }
        }
        Ok(())
    }
}

/// Whether the protection's own network tells of the trials of an image.
pub(super) fn is_apart(guard: &Guard, moved: &[bool]) -> bool {
    match guard.means {
        Means::Clip(Some(clip)) => moved.get(clip).copied().unwrap_or(true),
        _ => guard.network.is_some(),
    }
}

/// The trials of an image that a protection's own network tells of.
struct Apart {
    /// Index of the subject.
    image: usize,
    /// What is left of the faults of each trial.
    treated: Vec<Treated>,
    /// The network's input, where only a golden run of the unprotected network is given.
    input: Option<HostTensor>,
}

/// Tells of trials what became of them in the network of the protection `number`.
async fn told_apart(
    lab: &Lab,
    network: &Lab,
    number: usize,
    subjects: &[Subject<'_>],
    apart: Vec<(usize, Vec<Treated>)>,
    tried: &mut [Result<Tried>],
) -> Result<()> {
    let input = lab.executor.graph().inputs[0];
    let mut runs = Vec::with_capacity(apart.len());
    for (image, treated) in apart {
        let input = match subjects[image].inference {
            Inference::Input(_) => None,
            Inference::Golden(golden) => match golden.activations.get(input) {
                Some(array) => Some(HostTensor::new(array.shape(), array.read().await?)?),
                None => None,
            },
        };
        runs.push(Apart { image, treated, input });
    }
    let given = runs.iter().map(|run| {
        let own = &subjects[run.image];
        let left = run.treated.iter().filter_map(|treated| match treated {
            Treated::Struck(sites) => Some(sites.clone()),
            Treated::Golden | Treated::Detected => None,
        });
        let faults = left.collect();
        let inference = run.input.as_ref().map_or(own.inference, Inference::Input);
        Subject { inference, faults, image: own.image }
    });
    let given: Vec<Subject<'_>> = given.collect();
    let results = Box::pin(network.trials(&given, Settings::default())).await?;
    for (Apart { image, treated, .. }, result) in runs.iter().zip(results.images) {
        let (of_image, result) = match (&mut tried[*image], result) {
            (Ok(of_image), Ok(result)) => (of_image, result),
            (Ok(_), Err(error)) => {
                tried[*image] = Err(error);
                continue;
            }
            (Err(_), _) => continue,
        };
        let golden = (result.class != of_image.class).then_some(result.class);
        of_image.protected[number] = Protected { golden, ..protected(result.class, false) };
        let mut ran = result.trials.into_iter();
        for (trial, treated) in of_image.trials.iter_mut().zip(treated) {
            let told = match treated {
                Treated::Golden => protected(result.class, false),
                Treated::Detected => Protected { detected: true, ..protected(trial.class, trial.verdict.due) },
                Treated::Struck(_) => match ran.next() {
                    Some(own) => protected(own.class, own.verdict.due),
                    None => continue,
                },
            };
            trial.protected[number] = Protected { golden, ..told };
        }
    }
    Ok(())
}
