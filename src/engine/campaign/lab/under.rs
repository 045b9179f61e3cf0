//! One trial under one protection, with all that can be observed of it, as the page shows a single fault.
//!
//! What becomes of the faults is decided by the guard that campaigns use. The tests hold such trials against those of campaigns.

use facts::campaign::Protected;
use facts::campaign::compared::{Stop, Treated};
use facts::fault::Site;
use facts::graph::HostTensor;
use facts::outcome::Verdict;
use facts::{Error, Result, TraceRow, limits};

use super::compare::is_apart;
use super::{Golden, Lab, Subject, Trial};
use crate::campaign::guard::{Fate, Guard, Means};
use crate::exec::{Faulty, Image, Lane, Observe, Settings};

/// A trial under a protection.
#[derive(Clone, Debug)]
pub struct Under {
    /// The entry of a campaign's record.
    pub protected: Protected,
    /// The outcome beside the protected network's own golden run. After a detection, the one that the run would have come to.
    pub verdict: Verdict,
    /// The scores of the classes, as `verdict`.
    pub logits: Vec<f32>,
    /// The corruption of each layer beside that golden run, up to the place where the inference stops, if requested.
    pub trace: Vec<TraceRow>,
    /// The layers in which the protection clipped elements that the faults had reached, and the number of these elements, in
    /// order, if requested.
    pub clipped: Vec<(String, u64)>,
    /// Where the protection stops the inference; `None` where it notices nothing.
    pub stops: Option<Stop>,
}

impl Lab {
    fn guard(&self, number: usize) -> Result<&Guard> {
        let guard = self.guards.as_deref().and_then(|guards| guards.iter().nth(number));
        guard.ok_or_else(|| Error::request(format_args!("there is no protection {number} to compare with")))
    }

    /// Makes the golden run of the network under the protection `number` of [`Lab::compared_with`]; `None` where it is `golden`,
    /// the golden run of the unprotected network.
    ///
    /// # Errors
    /// As [`Lab::golden`], or if there is no such protection.
    pub async fn golden_under(&self, number: usize, golden: &Golden) -> Result<Option<Golden>> {
        let guard = self.guard(number)?;
        let Some(network) = &guard.network else { return Ok(None) };
        if let Means::Clip(Some(_)) = guard.means {
            let image = [Image::Golden(&golden.activations)];
            let wave = self.executor.wave_under(&image, &[], Settings::default(), self.stages()).await?;
            if wave.moved.first().is_some_and(|moved| !is_apart(guard, moved)) {
                return Ok(None);
            }
        }
        // The weights of a code are its own; the weights under a clip are shared.
        let footprint = self.executor.footprint();
        let weights = if matches!(guard.means, Means::Clip(_)) { 0 } else { footprint.model };
        let needed = footprint.with_runs(1).saturating_add(weights).saturating_add(footprint.kept.saturating_mul(3));
        limits::allowed().check("two golden runs and one fault, with all tensors kept, need", needed)?;
        let input = golden.activations.get(self.executor.graph().inputs[0]);
        let input = input.ok_or_else(|| Error::request("the golden run was kept without its input"))?;
        network.golden(&HostTensor::new(input.shape(), input.read().await?)?).await.map(Some)
    }

    /// Tells what becomes of the faults of `bare`, the trial at `sites` in the unprotected network, under the protection `number`.
    /// `golden` is the golden run of the unprotected network, and `own` the result of [`Lab::golden_under`]. `bare` was observed as
    /// `observe` says.
    ///
    /// # Errors
    /// As [`Lab::trial`], or if there is no such protection.
    pub async fn trial_under(
        &self,
        number: usize,
        golden: &Golden,
        own: Option<&Golden>,
        bare: &Trial,
        sites: &[Site],
        observe: Observe,
    ) -> Result<Under> {
        let guard = self.guard(number)?;
        let graph = self.executor.graph();
        self.check(sites)?;
        let base = own.unwrap_or(golden);
        let left = match (guard.fate(graph, sites), &guard.means) {
            (Fate::AsIt, Means::Clip(_)) => sites.to_vec(),
            (Fate::AsIt, Means::Check(stage)) => {
                return self.checked(guard, *stage, golden, bare, sites, observe).await;
            }
            (
                Fate::AsIt,
                Means::Code(_) | Means::WeightClip(_) | Means::Duplicate(_) | Means::Tmr(_) | Means::Detector(_),
            ) => {
                let is_noticed = guard.detects(&bare.logits, &bare.faults, sites);
                return Ok(guard.as_it(golden, bare, is_noticed.then(|| guard.stop(graph, &bare.faults, sites))));
            }
            (Fate::Treated(Treated::Detected), _) => {
                let stopped = guard.as_it(golden, bare, Some(Stop::Read));
                let golden = (base.class != golden.class).then_some(base.class);
                return Ok(Under { protected: Protected { golden, ..stopped.protected }, ..stopped });
            }
            (Fate::Treated(Treated::Golden), _) => Vec::new(),
            (Fate::Treated(Treated::Struck(left)), _) => left,
        };
        let network = guard.network.clone().unwrap_or_else(|| Self { guards: None, ..self.clone() });
        let run = network.trial(base, &left, observe).await?;
        Ok(Under {
            protected: Protected {
                class: run.class,
                detected: false,
                due: run.verdict.due,
                golden: (base.class != golden.class).then_some(base.class),
                alarm: guard.alarms(&golden.logits, &[]),
            },
            verdict: run.verdict,
            logits: run.logits,
            trace: run.trace,
            clipped: run.clipped,
            stops: None,
        })
    }

    /// The trial under the check `stage`, which mends or stops the run where a layer fails.
    async fn checked(
        &self,
        guard: &Guard,
        stage: usize,
        golden: &Golden,
        bare: &Trial,
        sites: &[Site],
        observe: Observe,
    ) -> Result<Under> {
        let stages = self.stages().get(stage..=stage).unwrap_or_default();
        let (lane, _) = self.lane(0, &Subject::new(golden, Vec::new()), sites)?;
        let (image, lanes) = ([Image::Golden(&golden.activations)], [Lane { forks: true, ..lane }]);
        let settings = Settings { observe, ..Settings::default() };
        let wave = self.executor.wave_under(&image, &lanes, settings, stages).await?;
        let alarm = wave.alarms.iter().flatten().any(|alarm| *alarm);
        let fork = wave.lanes.into_iter().next().and_then(|lane| lane.forks.into_iter().next().flatten());
        let told = match fork {
            None => guard.as_it(golden, bare, None),
            Some(Faulty { stopped: Some(layer), .. }) => {
                let name = self.executor.graph().nodes[layer].name.clone();
                guard.as_it(golden, bare, Some(Stop::Layer(name)))
            }
            Some(fork) => {
                let run = self.judge(&golden.logits, sites, &[], fork);
                Under {
                    protected: Protected {
                        class: run.class,
                        detected: false,
                        due: run.verdict.due,
                        golden: None,
                        alarm,
                    },
                    verdict: run.verdict,
                    logits: run.logits,
                    trace: run.trace,
                    clipped: run.clipped,
                    stops: None,
                }
            }
        };
        Ok(Under { protected: Protected { alarm, ..told.protected }, ..told })
    }
}

impl Guard {
    /// The unprotected run `bare`, which the protection leaves as it is up to where it `stops` it.
    fn as_it(&self, golden: &Golden, bare: &Trial, stops: Option<Stop>) -> Under {
        let mut trace = bare.trace.clone();
        match &stops {
            Some(Stop::Read) => trace.clear(),
            Some(Stop::Layer(name)) => {
                let last = trace.iter().position(|row| row.layer == *name);
                trace.truncate(last.map_or(0, |last| last + 1));
            }
            Some(Stop::Scores) | None => {}
        }
        Under {
            protected: Protected {
                class: bare.class,
                detected: stops.is_some(),
                due: bare.verdict.due,
                golden: None,
                alarm: self.alarms(&golden.logits, &[]),
            },
            verdict: bare.verdict,
            logits: bare.logits.clone(),
            trace,
            clipped: Vec::new(),
            stops,
        }
    }
}
