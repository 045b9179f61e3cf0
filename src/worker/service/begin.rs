//! The beginning of a campaign: its plan, and all that is learnt before its first fault. It is learnt an image or a wave at a time, so
//! that requests are answered in between.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use engine::campaign::{Alone, Lab, Passes, Rounding, plan};
use facts::answer::Answer;
use facts::campaign::{CampaignConfig, FAULTS, Faults, Images, ModelSource, NumberFormats, OnBadImage, Provenance};
use facts::labels;
use facts::{DeviceChoice, Result};
use protocol::{CampaignStart, Protocol, RequestId, Response, Stage};

use super::campaign::{BUDGET, Campaign, REPORT_EVERY, classes, naming};
use super::preparing::{Beginning, Planned, Wanted, on_device_of};
use super::team::Job;
use super::{Host, Loaded, Service};
use crate::campaign::{Results, Together};

impl<H: Host> Service<H> {
    /// Opens the images of a campaign, and makes its plan, as far as nothing has to be learnt for it.
    async fn beginning(&mut self, start: &CampaignStart) -> Result<Beginning> {
        let opened = self.open_images(&start.images, &start.labelling, classes(&*self.lab()?)).await?;
        let numbers = NumberFormats::usual(start.format, start.weight_format, opened.source.len());
        // Scales are learnt from the campaign's images, and not from those of the explorer.
        let rounding = Rounding::new(&self.loaded()?.plain, numbers, &opened.source)?;
        let lab = self.unlearnt(&numbers, &rounding)?;
        let (faults, until) = match start.protocol {
            Protocol::Fixed { faults } => (Faults::Each(faults), None),
            Protocol::Study { correct, misclassified } => (Faults::ByGolden { correct, misclassified }, None),
            Protocol::Until(goal) => (Faults::Each(FAULTS), Some(goal)),
        };
        if let Some(goal) = until {
            goal.check_judged(lab.grouping().is_some())?;
        }
        let config = CampaignConfig {
            model: lab.model().card.name.clone(),
            seed: start.seed,
            images: start.limit.filter(|&limit| limit < opened.origin.images),
            faults,
            fault_model: start.fault_model.clone(),
            grouping: None,
            protect: None,
            compared: None,
            on_bad_image: OnBadImage::Skip,
            design: None,
            exhaustive: false,
            until,
            numbers,
        };
        let plan = Arc::new(plan(&lab, config, &opened.source, Images::All(opened.source.len()))?);
        let bare = Planned { lab, opened, plan, scales: Vec::new(), rounded: None, notices: Vec::new() };
        let wanted = Wanted::of(start);
        if numbers.is_float32() {
            return Beginning::of(bare, wanted);
        }
        Beginning::rounded(bare, wanted, [self.lab()?, self.plain()?], rounding)
    }

    /// The network in the number formats of a campaign, with scales that say nothing where these have to be learnt.
    fn unlearnt(&self, numbers: &NumberFormats, rounding: &Rounding) -> Result<Rc<Lab>> {
        let Loaded { lab, plain, changes, .. } = self.loaded()?;
        if !numbers.learns() && changes.numbers == *numbers {
            return Ok(lab.clone());
        }
        Ok(Rc::new(on_device_of(lab, rounding.unlearnt(plain)?.model)?))
    }

    /// The network before it is rounded, on the CPU, which finds the same scales on every machine.
    fn plain(&self) -> Result<Rc<Lab>> {
        let Loaded { lab, plain, changes, .. } = self.loaded()?;
        if changes.numbers.is_float32() && self.device == DeviceChoice::Cpu {
            return Ok(lab.clone());
        }
        Ok(Rc::new(Lab::cpu(plain.clone())?))
    }

    /// The same for a worker beside the one that has begun the campaign, with all that changes what the network computes.
    pub(super) async fn planned(&mut self, start: &CampaignStart) -> Result<Planned> {
        self.beginning(start).await?.for_parts().await
    }

    pub(super) async fn start(&mut self, id: RequestId, start: CampaignStart) -> Result<Response> {
        let beginning = self.beginning(&start).await?;
        let planned = beginning.planned();
        self.team.forget(Job::Campaign);
        let own = planned.lab.model().card.grouping.clone();
        let expected = planned.plan.trials();
        let results = Results::new(self.provenance(planned), None);
        let mut campaign = Campaign::new(id, results, own, Stage::Running, expected);
        campaign.team = Some(self.team.clone());
        campaign.naming = Some(naming(&planned.lab));
        campaign.unshared = Some(Box::new(start));
        campaign.model = self.lab.as_ref().map(|loaded| (loaded.file.clone(), loaded.weights.clone()));
        self.go_ahead(&mut campaign, beginning);
        let answer = campaign.tell(self.host.now());
        self.campaign = Some(campaign);
        Ok(answer)
    }

    /// Lets a campaign learn, or begin its work where nothing has to be learnt any more.
    fn go_ahead(&self, campaign: &mut Campaign<H>, beginning: Beginning) {
        // The groups may have been edited meanwhile.
        let grouping = campaign.results.provenance().grouping.clone();
        campaign.results = Results::new(self.provenance(beginning.planned()), None);
        campaign.results.judge(grouping);
        campaign.profiled = f64::NEG_INFINITY;
        match beginning {
            Beginning::Learns(preparing) => campaign.preparing = Some(preparing),
            Beginning::Ready(planned) => {
                let Planned { lab, opened, plan, .. } = *planned;
                let here = Alone { lab, source: opened.source, budget: BUDGET };
                let work = Passes::of(Together { here, hands: self.team.clone() }, plan);
                campaign.planned = work.expected();
                campaign.work = Some(work);
            }
        }
    }

    /// Learns from the next image or wave of a campaign that learns, or begins its next stage or its work. `None` where there is
    /// nothing to tell.
    pub(super) async fn learn(&mut self) -> Option<Response> {
        let mut preparing = self.campaign.as_mut()?.preparing.take()?;
        let begun = self.host.now();
        let stepped = preparing.step().await;
        let now = self.host.now();
        let mut campaign = self.campaign.take()?;
        campaign.learning += now - begun;
        let next = match stepped {
            Ok(true) => {
                campaign.preparing = Some(preparing);
                Ok(false)
            }
            Ok(false) => preparing.finish().map(|beginning| {
                self.go_ahead(&mut campaign, beginning);
                true
            }),
            Err(error) => Err(error),
        };
        let answer = match next {
            Ok(false) if now - campaign.reported < REPORT_EVERY => None,
            Ok(_) => Some(campaign.tell(now)),
            Err(error) => {
                campaign.stage = Stage::Stopped;
                Some(Response::Failed { message: format!("The campaign has stopped: {error}.") })
            }
        };
        self.campaign = Some(campaign);
        self.share();
        answer
    }

    fn provenance(&self, planned: &Planned) -> Provenance {
        let Planned { lab, opened, plan, scales, rounded, notices } = planned;
        let stated = self.lab.as_ref().map(|loaded| loaded.stated.clone()).unwrap_or_default();
        Provenance {
            faultscope: env!("CARGO_PKG_VERSION").to_owned(),
            campaign: plan.config().clone(),
            model: ModelSource {
                path: String::new(),
                architecture: None,
                output: stated.output.map(|_| lab.model().output().to_owned()),
                input_size: stated.input_size,
                threshold: stated.threshold,
                answer: matches!(lab.model().answer, Answer::Binary { .. }).then(|| lab.model().answer.to_string()),
                classes: Some(lab.model().classes()),
                // Of the file, which is read again when a directory is asked for.
                sha256: String::new(),
                external: BTreeMap::new(),
                preprocess: lab.model().preprocess(),
            },
            data: opened.origin.clone(),
            sample: None,
            shard: None,
            device: match self.device {
                DeviceChoice::Cpu => "cpu",
                DeviceChoice::Gpu => "gpu",
            }
            .to_owned(),
            grouping: lab.grouping().cloned(),
            labels: labels::names_of_classes(&lab.model().card.labels, lab.grouping()),
            layers: plan.layers(),
            ranges: lab.tensor_ranges(),
            golden_ranges: Vec::new(),
            scales: scales.clone(),
            rounded: *rounded,
            notices: lab.model().card.notices.iter().chain(&opened.notices).chain(notices).cloned().collect(),
        }
    }
}
