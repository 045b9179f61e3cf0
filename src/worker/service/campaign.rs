//! Campaigns, a wave at a time, so that requests are answered in between.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use engine::campaign::{Budget, CampaignEvent, Lab, Passes, Work};
use facts::data::archive::holds_images;
use facts::data::{Classes, sha256};
use facts::labels::{self, Grouping};
use facts::{Error, Result};
use protocol::{
    CampaignAnswer, CampaignRequest, CampaignStart, CampaignUpdate, Export, FileRef, ImageSet, Labelling, Labels,
    Naming, Picture, RequestId, Response, Stage,
};
use serde_bytes::ByteBuf;

use super::preparing::Preparing;
use super::team::Team;
use super::{Host, Service};
use crate::campaign::{Hands, Opened, Results, Stated, Together, export, import, open};

/// Least time between two reports of a campaign, and between two of them with everything, in milliseconds.
pub(super) const REPORT_EVERY: f64 = 200.0;
const PROFILE_EVERY: f64 = 1000.0;

/// Waves of a campaign: small ones, so that requests are answered, rates are seen to grow, and the tab stays small.
pub(super) const BUDGET: Budget = Budget { bytes: 1 << 27, multiply_adds: 1 << 32, runs: 64 };

/// Whoever makes the steps of a campaign.
type AtWork<H> = Passes<Together<Team<H>>>;

/// A campaign and its results.
pub(super) struct Campaign<H: Host> {
    id: RequestId,
    /// None once it is over, or where it was made elsewhere.
    pub work: Option<AtWork<H>>,
    /// Scales, accuracies, protections or strata that are learnt before its work begins.
    pub preparing: Option<Box<Preparing>>,
    /// The workers that compute parts of it.
    pub team: Option<Rc<Team<H>>>,
    /// Its beginning, until it is shared with other workers.
    pub unshared: Option<Box<CampaignStart>>,
    pub stage: Stage,
    pub results: Results,
    /// The grouping that they are judged by where none was edited.
    own: Option<Grouping>,
    pub planned: u64,
    pub model: Option<(FileRef, Vec<(String, FileRef)>)>,
    pub milliseconds: f64,
    /// The time that learning took, in milliseconds: it says nothing of the pace of faults.
    pub learning: f64,
    pub reported: f64,
    pub profiled: f64,
    /// What the page is to be told once.
    pub naming: Option<Naming>,
}

impl<H: Host> Service<H> {
    /// The request number of the campaign that is at work.
    pub fn campaign(&self) -> Option<RequestId> {
        self.campaign.as_ref().filter(|campaign| campaign.stage == Stage::Running).map(|campaign| campaign.id)
    }

    /// Does the campaign's next wave; tells how it stands where it is time to.
    pub async fn step(&mut self) -> Option<Response> {
        let campaign = self.campaign.as_mut().filter(|campaign| campaign.stage == Stage::Running)?;
        if campaign.preparing.is_some() {
            return self.learn().await;
        }
        let begun = self.host.now();
        let done = campaign.wave().await;
        let now = self.host.now();
        campaign.milliseconds += now - begun;
        self.team.note_piece(now - begun);
        let id = campaign.id;
        self.share();
        let campaign = self.campaign.as_mut().filter(|campaign| campaign.id == id)?;
        match done {
            Ok(false) if now - campaign.reported < REPORT_EVERY => None,
            Ok(over) => {
                if over {
                    campaign.end(Stage::Complete);
                }
                Some(campaign.tell(now))
            }
            Err(error) => {
                campaign.end(Stage::Stopped);
                Some(Response::Failed { message: format!("The campaign has stopped: {error}.") })
            }
        }
    }

    /// The model or the device goes: what was made on it stays.
    pub(super) fn end_campaign(&mut self) {
        if let Some(campaign) = &mut self.campaign {
            campaign.end(Stage::Stopped);
        }
    }

    pub(super) async fn ask_campaign(
        &mut self,
        id: RequestId,
        request: CampaignRequest,
        progress: &dyn Fn(u64, Option<u64>),
    ) -> Result<Response> {
        let now = self.host.now();
        let stage = match request {
            CampaignRequest::Start(start) => return self.start(id, *start).await,
            CampaignRequest::Share(start) => return self.join(&start).await,
            CampaignRequest::Part(part) => return self.compute(part, progress).await,
            CampaignRequest::Import { files } => return self.import(id, &files).await,
            CampaignRequest::Protect(request) => return self.bound(id, *request).await,
            CampaignRequest::Judge { edited } => return self.judge(edited),
            CampaignRequest::Picture { image, images, labelling } => {
                return self.picture(image, &images, &labelling).await;
            }
            CampaignRequest::Export(what) => return self.export(what).await,
            CampaignRequest::Classes => {
                return Ok(Response::Campaign(CampaignAnswer::Classes(naming(&*self.lab()?))));
            }
            CampaignRequest::Pause => Stage::Paused,
            CampaignRequest::Resume => Stage::Running,
            CampaignRequest::Stop => Stage::Stopped,
        };
        let campaign = self.campaign.as_mut().ok_or_else(|| Error::request("there is no campaign"))?;
        // What is over stays over.
        match stage {
            Stage::Stopped => campaign.end(stage),
            _ if campaign.work.is_some() || campaign.preparing.is_some() => campaign.stage = stage,
            _ => {}
        }
        campaign.profiled = f64::NEG_INFINITY;
        Ok(campaign.tell(now))
    }

    async fn import(&mut self, id: RequestId, files: &[FileRef]) -> Result<Response> {
        let mut bytes = self.fetch_all(files).await?;
        if let ([file], [content]) = (files, &mut bytes[..]) {
            let shared = Arc::new(std::mem::take(content));
            if holds_images(shared.clone()) {
                return Ok(Response::Campaign(CampaignAnswer::Images(file.clone())));
            }
            *content = Arc::unwrap_or_clone(shared);
        }
        let imported = import(files, bytes)?;
        let stage = if imported.complete { Stage::Complete } else { Stage::Stopped };
        let recorded = imported.results.provenance().grouping.clone();
        let mut campaign = Campaign::new(id, imported.results, recorded, stage, imported.planned);
        let classes = campaign.classes().or_else(|| self.lab().ok().map(|lab| lab.model().classes()));
        campaign.naming = Some(campaign.results.naming(classes.unwrap_or_default()));
        // The grouping that was edited was not for these results.
        if let Some(loaded) = &mut self.lab {
            loaded.judge_by(None)?;
        }
        let answer = campaign.tell(self.host.now());
        self.campaign = Some(campaign);
        Ok(answer)
    }

    /// Judges results and single faults by `edited`, each where it is for their classes, or by their own groupings.
    fn judge(&mut self, edited: Option<Grouping>) -> Result<Response> {
        // Trials were judged by the last grouping, here and in other workers.
        self.leave_image();
        let fits = |classes: usize| edited.as_ref().is_none_or(|grouping| grouping.classes() == classes);
        if let Some(loaded) = &mut self.lab {
            if fits(loaded.lab.model().classes()) {
                loaded.judge_by(edited.clone())?;
            }
            if let Some(campaign) = &mut self.campaign {
                campaign.meet(&loaded.lab);
            }
        }
        let now = self.host.now();
        Ok(match self.campaign.as_mut() {
            Some(campaign) if campaign.classes().is_none_or(fits) => {
                campaign.results.judge(edited.or_else(|| campaign.own.clone()));
                campaign.profiled = f64::NEG_INFINITY;
                campaign.tell(now)
            }
            _ => Response::Campaign(CampaignAnswer::Judged),
        })
    }

    async fn picture(&mut self, image: usize, images: &ImageSet, labelling: &Labelling) -> Result<Response> {
        let classes = classes(&*self.lab()?);
        let campaign = self.campaign.as_ref().ok_or_else(|| Error::request("there is no campaign"))?;
        let wanted = campaign.results.provenance().data.clone();
        let opened = self.open_images(images, labelling, classes).await?;
        if opened.origin.sha256 != wanted.sha256 {
            return Err(Error::request(format_args!(
                "the campaign was made on other images than those on the page ({}, {} images); bring them, and choose them \
                 under Images, to follow a fault",
                wanted.path, wanted.images
            )));
        }
        let picture = match opened.files.get(image) {
            Some(file) => Picture::File(file.clone()),
            None => {
                let name = format!("{}.png", opened.source.name(image));
                Picture::Made { name, png: ByteBuf::from(opened.source.image(image)?.to_png()?) }
            }
        };
        Ok(Response::Campaign(CampaignAnswer::Picture { image, picture }))
    }

    async fn export(&mut self, what: Export) -> Result<Response> {
        let campaign = self.campaign.as_mut().ok_or_else(|| Error::request("there is no campaign to save"))?;
        if campaign.preparing.is_some() {
            return Err(Error::request("the campaign still learns, and there is no fault to save yet"));
        }
        // Only a directory names the model's file.
        if let Some(model) = campaign.model.take_if(|_| what == Export::Zip) {
            match hashes(&*self.host, &model).await {
                Ok((sha256, external)) => campaign.results.name_model(model.0.name, sha256, external),
                Err(error) => {
                    campaign.model = Some(model);
                    return Err(error);
                }
            }
        }
        let complete = campaign.stage == Stage::Complete;
        let of_campaign = &campaign.results.provenance().data.sha256;
        let opened =
            self.images.as_ref().map(|(_, opened)| opened).filter(|opened| opened.origin.sha256 == *of_campaign);
        let images = opened.and_then(|opened| opened.encoded.as_deref());
        let (name, mime, bytes) = export(&campaign.results, what, complete, campaign.planned, images)?;
        Ok(Response::Campaign(CampaignAnswer::File {
            name: name.to_owned(),
            mime: mime.to_owned(),
            bytes: ByteBuf::from(bytes),
            note: None,
        }))
    }

    /// The images of `set`; those of the last call are kept.
    pub(super) async fn open_images(
        &mut self,
        set: &ImageSet,
        labelling: &Labelling,
        classes: Classes,
    ) -> Result<Opened> {
        let key = (set.clone(), labelling.clone(), classes);
        if let Some((known, opened)) = &self.images
            && *known == key
        {
            return Ok(opened.clone());
        }
        self.images = None;
        let text = match &labelling.labels {
            Some(Labels::List(file)) => Some((file.name.as_str(), self.text(file).await?)),
            Some(Labels::None) | None => None,
        };
        let list = text.as_ref().map(|(name, text)| (*name, text.as_str()));
        let (ImageSet::Files(files) | ImageSet::Set(files)) = set;
        let opened = open(set, self.fetch_all(files).await?, &key.2, Stated { labelling, list })?;
        self.images = Some((key, opened.clone()));
        Ok(opened)
    }

    async fn fetch_all(&self, files: &[FileRef]) -> Result<Vec<Vec<u8>>> {
        let mut all = Vec::new();
        for file in files {
            all.push(self.host.fetch(file, &|_, _| ()).await?);
        }
        Ok(all)
    }
}

pub(super) fn classes(lab: &Lab) -> Classes {
    Classes { count: Some(lab.model().classes()), names: lab.model().card.labels.clone() }
}

/// The model's class names, and its own grouping.
pub(super) fn naming(lab: &Lab) -> Naming {
    let grouping = lab.model().card.grouping.clone();
    let labels = labels::names_of_classes(&lab.model().card.labels, grouping.as_ref());
    Naming { classes: lab.model().classes(), labels, grouping }
}

impl<H: Host> Campaign<H> {
    pub fn new(id: RequestId, results: Results, own: Option<Grouping>, stage: Stage, planned: u64) -> Self {
        Self {
            id,
            work: None,
            preparing: None,
            team: None,
            unshared: None,
            stage,
            results,
            own,
            planned,
            model: None,
            milliseconds: 0.0,
            learning: 0.0,
            reported: f64::NEG_INFINITY,
            profiled: f64::NEG_INFINITY,
            naming: None,
        }
    }

    /// What was made here is judged as the model is, which may have been given another grouping since.
    fn meet(&mut self, lab: &Lab) {
        let same = self.classes().is_none_or(|classes| classes == lab.model().classes());
        if same && !self.results.is_imported() {
            self.own = lab.model().card.grouping.clone();
        }
    }

    /// Number of classes that a grouping of these results must have; `None` where any will do.
    fn classes(&self) -> Option<usize> {
        self.results.provenance().classes()
    }

    /// Does a wave; whether that was the last.
    async fn wave(&mut self) -> Result<bool> {
        let Some(work) = &mut self.work else { return Ok(true) };
        if !work.advance().await? {
            return Ok(false);
        }
        loop {
            match work.next().await? {
                Some(CampaignEvent::Injection(record)) => self.results.add(&record),
                Some(CampaignEvent::Skipped(skipped)) => self.results.skip(skipped),
                Some(_) => {}
                None => return Ok(true),
            }
            self.planned = work.expected();
            if !work.is_at_hand() {
                return Ok(false);
            }
        }
    }

    fn end(&mut self, stage: Stage) {
        let (work, preparing) = (self.work.take(), self.preparing.take());
        if work.is_some() || preparing.is_some() {
            self.stage = stage;
            self.profiled = f64::NEG_INFINITY;
            if stage == Stage::Complete {
                self.planned = self.results.len() as u64;
            }
        }
    }

    pub fn tell(&mut self, now: f64) -> Response {
        let summary = self.results.summary(self.stage == Stage::Complete);
        self.reported = now;
        let whole = now - self.profiled >= PROFILE_EVERY;
        if whole {
            self.profiled = now;
        }
        Response::Campaign(CampaignAnswer::Update(Box::new(CampaignUpdate {
            campaign: self.id,
            stage: self.stage,
            planned: self.planned,
            learning: self.preparing.as_ref().map(|preparing| preparing.progress()),
            milliseconds: self.milliseconds,
            workers: 1 + self.team.as_ref().map_or(0, |team| team.ready()),
            lost: self.team.as_ref().map_or(0, |team| team.lost()),
            faults: summary.faults.clone(),
            golden: summary.golden.clone(),
            rounded: summary.rounded,
            skipped: self.results.told_of_skipped(&summary),
            aim: summary.aim.clone(),
            scm_ratio: summary.scm_ratio_interval,
            naming: self.naming.take(),
            profile: whole.then(|| Rc::new(self.results.profile(summary))),
        })))
    }
}

/// The SHA-256 of a model file, and of each file beside it with its weights.
async fn hashes(
    host: &impl Host,
    (model, weights): &(FileRef, Vec<(String, FileRef)>),
) -> Result<(String, BTreeMap<String, String>)> {
    let mut external = BTreeMap::new();
    for (location, file) in weights {
        external.insert(location.clone(), sha256(&host.fetch(file, &|_, _| ()).await?));
    }
    Ok((sha256(&host.fetch(model, &|_, _| ()).await?), external))
}
