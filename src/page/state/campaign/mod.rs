//! The campaign's part of the state.

mod bring;
mod estimate;
mod follow;
mod layers;
mod protections;

use std::rc::Rc;

pub use self::estimate::Estimate;
pub use self::protections::Offered;
use super::asked::{JudgeKey, Order, Slot};
use super::grouping::GroupingAction;
use super::{Effect, LabKey, OWN, State};
use crate::link::{CampaignLink, Counting};
use crate::words;
use facts::campaign::compared::Method;
use facts::campaign::{Criterion, DesignKind, Faults};
use facts::fault::{Format, Target};
use facts::graph::NodeId;
use protocol::{
    CampaignAnswer, CampaignProfile, CampaignRequest, CampaignStart, CampaignUpdate, Export, FileRef, ImageSet,
    Labelling, Labels, Naming, Protocol, Request, RequestId, Stage, WorstFault,
};

/// An action of the user in campaigns.
#[derive(Clone, Debug, PartialEq)]
pub enum CampaignAction {
    /// Change the settings.
    Choose(Box<CampaignLink>),
    /// Strike these layers, or leave them out.
    Strike(Vec<NodeId>, bool),
    /// Begin.
    Start,
    /// Hold.
    Pause,
    /// Go on.
    Resume,
    /// End.
    Stop,
    /// Make a file of the results.
    Export(Export),
    /// Write the network with this protection.
    Protect(Method),
    /// Look at this layer in the explorer.
    LookAt(String),
    /// Follow this one of the worst faults in the explorer.
    Follow(usize),
    /// The picture that was made for following it is there.
    Pictured(FileRef),
    /// The class names are wanted.
    LookAtClasses,
    /// Change the grouping.
    Group(GroupingAction),
}

/// The campaign and its results.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Campaign {
    /// The last news.
    pub update: Option<Rc<CampaignUpdate>>,
    /// The last breakdown.
    pub profile: Option<Rc<CampaignProfile>>,
    /// Class names and grouping of the model, or of the campaign that was imported.
    pub naming: Option<Rc<Naming>>,
    /// Data sets that the user brought, each a CIFAR file or two arrays.
    pub sets: Vec<Vec<FileRef>>,
    /// Lists of labels that the user brought.
    pub lists: Vec<FileRef>,
    /// Whether it was made elsewhere.
    imported: bool,
    /// The request that the campaign answers.
    id: Option<RequestId>,
    /// Milliseconds that a fault took, where, and with which protections.
    pace: Option<(LabKey, Vec<Method>, f64)>,
    /// The number of images that the bounds of a protected network have been learnt from, and of all of them.
    bounding: [usize; 2],
    /// The fault that is followed once its picture is a file of the page.
    followed: Option<WorstFault>,
}

impl Campaign {
    /// Where the campaign is in its life; `None` where there is none.
    pub fn stage(&self) -> Option<Stage> {
        Some(self.update.as_ref().filter(|update| Some(update.campaign) == self.id)?.stage)
    }

    /// Whether one is under way, paused or not.
    pub fn running(&self) -> bool {
        self.starting() || matches!(self.stage(), Some(Stage::Running | Stage::Paused))
    }

    /// Whether a campaign was started of which no news has come yet.
    pub fn starting(&self) -> bool {
        self.id.is_some() && self.stage().is_none()
    }

    /// The rest of the time it will take, in milliseconds, judged by the time so far.
    pub fn time_left(&self) -> Option<f64> {
        let update = self.update.as_ref().filter(|update| update.stage == Stage::Running)?;
        let done = update.faults.injections;
        (done > 0).then(|| update.milliseconds / done as f64 * update.planned.saturating_sub(done) as f64)
    }

    /// The campaign will not go on: the worker has died or has another model. Its results stay.
    pub(super) fn abandon(&mut self) {
        if let Some(update) = &mut self.update
            && matches!(update.stage, Stage::Running | Stage::Paused)
        {
            Rc::make_mut(update).stage = Stage::Stopped;
        }
        if self.starting() {
            self.id = None;
        }
    }

    /// What the worker takes along, and how to go on, as a sentence; nothing where there are no records.
    pub(super) fn lost_with_worker(&self) -> String {
        let done = self.update.as_ref().filter(|_| self.at_hand()).map_or(0, |update| update.faults.injections);
        if !self.running() && done == 0 {
            return String::new();
        }
        let kept = format!("the rates and charts of its {} faults stay on the page", words::count(done));
        let again = "“Start campaign” makes the same faults again, from the same seed";
        match self.running() {
            true => format!(" The campaign has ended with it: {kept}, their records are gone. {again}."),
            false => format!(" The records of the campaign are gone with it; {kept}. {again}."),
        }
    }

    /// The worker is gone, and with it the records. The results on the page stay.
    pub(super) fn lose(&mut self) {
        self.abandon();
        self.id = None;
    }

    /// Whether the worker has the records.
    pub fn at_hand(&self) -> bool {
        self.stage().is_some()
    }
}

impl State {
    /// How many faults an image gets.
    pub fn protocol(&self) -> Protocol {
        let link = &self.link.campaign;
        match link.protocol() {
            Counting::Fixed => Protocol::Fixed { faults: link.faults.unwrap_or_else(|| self.usual_faults()) },
            Counting::Study => {
                let study = Faults::study(self.model().map_or(0, |model| model.classes));
                Protocol::Study {
                    correct: link.correct.unwrap_or(study.at_least()),
                    misclassified: link.misclassified.unwrap_or(study.at_most()),
                }
            }
            Counting::Until => Protocol::Until(link.goal()),
        }
    }

    /// The format of the values that the campaign strikes: the one it rounds to, or the model's own.
    pub fn campaign_format(&self) -> Format {
        let link = &self.link.campaign;
        let target = link.target();
        let chosen = if target == Target::Weight { link.weight_format() } else { link.format() };
        if !chosen.is_default() || self.numbers().is_some() {
            return chosen;
        }
        let layers = self.model().into_iter().flat_map(|model| &model.layers);
        layers.flat_map(|layer| layer.tensors(target)).next().map_or(chosen, |tensor| tensor.format)
    }

    /// How the faults of the campaign are chosen: the study's protocol has no strata.
    pub fn design(&self) -> DesignKind {
        match self.link.campaign.protocol() {
            Counting::Study => DesignKind::Uniform,
            _ => self.link.campaign.design(),
        }
    }

    /// The images of the campaign: those of the page, or the data set that was chosen.
    pub fn campaign_images(&self) -> ImageSet {
        match self.chosen_set() {
            Some(files) => ImageSet::Set(files.clone()),
            None => ImageSet::Files(self.single_images()),
        }
    }

    /// The images of the page that a campaign would use. A list labels the user's own, and no samples.
    pub fn single_images(&self) -> Vec<FileRef> {
        if self.has_list() {
            return self.own_images.clone();
        }
        self.images().into_iter().map(|(_, file, _)| file).collect()
    }

    /// The outcome that charts and tables by layer and bit show: the chosen one, or the SDC where the campaign does not tell of it.
    pub fn shown_outcome(&self) -> Criterion {
        let chosen = self.link.campaign.outcome();
        let known = self.campaign.profile.as_ref().is_none_or(|profile| profile.place(chosen).is_some());
        if known { chosen } else { Criterion::Sdc }
    }

    /// Whether a list of labels was chosen.
    pub fn has_list(&self) -> bool {
        self.link.campaign.labels.as_ref().is_some_and(|labels| labels.starts_with(OWN))
    }

    /// The statements about labels; `None` where the list that was chosen is not there.
    pub fn labelling(&self) -> Option<Labelling> {
        let link = &self.link.campaign;
        let labels = match &link.labels {
            None => None,
            Some(labels) => Some(match labels.strip_prefix(OWN) {
                Some(name) => Labels::List(self.campaign.lists.iter().find(|list| list.name == name)?.clone()),
                None => Labels::None,
            }),
        };
        Some(Labelling { labels, folder_order: link.folder_order, shift: link.label_shift.unwrap_or(0) })
    }

    /// The data set that was chosen, where it is there.
    pub fn chosen_set(&self) -> Option<&Vec<FileRef>> {
        let name = self.link.campaign.data.as_ref()?.strip_prefix(OWN)?;
        self.campaign.sets.iter().find(|set| set.first().is_some_and(|file| file.name == name))
    }

    /// Whether a campaign could start now.
    pub fn can_start(&self) -> bool {
        let single = || self.link.campaign.data.is_none() && !self.single_images().is_empty();
        let images = (self.chosen_set().is_some() || single()) && self.labelling().is_some();
        let layers = self.link.campaign.layers.as_ref().is_none_or(|layers| !layers.is_empty());
        self.model().is_some() && images && layers && !self.campaign.running()
    }

    pub(super) fn act_on_campaign(&mut self, action: CampaignAction, effects: &mut Vec<Effect>) {
        match action {
            CampaignAction::Choose(link) => {
                let turned = link.target() != self.link.campaign.target();
                self.link.campaign = *link;
                if turned {
                    self.match_layers();
                }
            }
            CampaignAction::Strike(layers, strike) => self.strike_layers(&layers, strike),
            CampaignAction::Start => self.start_campaign(effects),
            CampaignAction::Pause => self.steer(CampaignRequest::Pause, effects),
            CampaignAction::Resume => self.steer(CampaignRequest::Resume, effects),
            CampaignAction::Stop => self.steer(CampaignRequest::Stop, effects),
            CampaignAction::Export(what) => {
                self.order(CampaignRequest::Export(what), Order::Export, effects);
            }
            CampaignAction::Protect(method) => self.write_protected(method, effects),
            CampaignAction::LookAt(layer) => self.look_at_named_layer(&layer),
            CampaignAction::Follow(index) => self.ask_to_follow(index, effects),
            CampaignAction::Pictured(file) => self.take_picture(file),
            CampaignAction::LookAtClasses => {
                if self.campaign.naming.is_none() && self.model().is_some() {
                    self.order(CampaignRequest::Classes, Order::Classes, effects);
                }
            }
            CampaignAction::Group(action) => self.act_on_grouping(action, effects),
        }
    }

    fn start_campaign(&mut self, effects: &mut Vec<Effect>) {
        let Some(labelling) = self.labelling().filter(|_| self.can_start()) else { return };
        // The link has to hold all settings of the campaign, defaults included.
        let protocol = self.protocol();
        let link = &mut self.link.campaign;
        link.seed = Some(link.seed());
        if let Protocol::Fixed { faults } = protocol {
            link.faults = Some(faults);
        }
        let start = CampaignStart {
            images: self.campaign_images(),
            labelling,
            limit: self.link.campaign.images,
            protocol,
            design: self.design(),
            seed: self.link.campaign.seed(),
            fault_model: self.link.campaign.fault_model(),
            format: self.link.campaign.format(),
            weight_format: self.link.campaign.weight_format(),
            protections: self.protections(),
            profile: self.link.campaign.profile,
        };
        let id = self.order(CampaignRequest::Start(Box::new(start)), Order::Start, effects);
        (self.campaign.id, self.campaign.imported) = (Some(id), false);
        (self.campaign.update, self.campaign.profile) = (None, None);
    }

    /// Holds the campaign, lets it go on or ends it.
    fn steer(&mut self, request: CampaignRequest, effects: &mut Vec<Effect>) {
        if self.campaign.running() {
            self.order(request, Order::Steer, effects);
        }
    }

    pub(super) fn order(&mut self, request: CampaignRequest, order: Order, effects: &mut Vec<Effect>) -> RequestId {
        let id = self.send(Request::Campaign(request), effects);
        self.asked.orders.place(id, order);
        id
    }

    /// Whether the worker was asked to begin, hold, go on, stop or import, and has not answered.
    pub fn campaign_waits(&self) -> bool {
        self.asked.orders.any(Order::changes_stage)
    }

    /// Request `id` has failed; false where it was no order.
    pub(super) fn fail_order(&mut self, id: RequestId) -> bool {
        let ordered = self.asked.orders.take(id).is_some();
        let mine = self.campaign.id == Some(id);
        if mine {
            self.abandon_campaign();
        }
        ordered || mine
    }

    /// The campaign under way will not go on.
    pub(super) fn abandon_campaign(&mut self) {
        self.campaign.abandon();
        self.asked.orders.forget(Order::changes_stage);
    }

    pub(super) fn hear_of_campaign(&mut self, id: RequestId, answer: CampaignAnswer, effects: &mut Vec<Effect>) {
        if let CampaignAnswer::Bounding { learnt } = answer {
            if self.asked.orders.order(id) == Some(&Order::Protect) {
                self.campaign.bounding = learnt;
            }
            return;
        }
        let order = self.asked.orders.take(id);
        match answer {
            CampaignAnswer::Update(update) => self.take_update(id, order, *update),
            CampaignAnswer::Classes(naming) => self.campaign.naming = Some(Rc::new(naming)),
            CampaignAnswer::Images(file) => self.keep_data(vec![file]),
            // Workers answer each other with the last two.
            CampaignAnswer::Judged
            | CampaignAnswer::Shared
            | CampaignAnswer::Part { .. }
            | CampaignAnswer::Bounding { .. } => {}
            CampaignAnswer::File { name, mime, bytes, note } => {
                note.into_iter().for_each(|note| self.tell(note));
                effects.push(Effect::Save { name, mime, bytes: bytes.into_vec() });
            }
            CampaignAnswer::Picture { picture, .. } => {
                if let Some(Order::Follow(fault)) = order {
                    self.hear_of_picture(*fault, picture, effects);
                }
            }
        }
    }

    fn take_update(&mut self, id: RequestId, order: Option<Order>, mut update: CampaignUpdate) {
        if order == Some(Order::Import) && update.naming.is_some() {
            self.campaign.id = Some(id);
            self.campaign.profile = None;
            self.campaign.imported = true;
            // The worker judges by the groupings that campaign and model have of their own again.
            self.link.campaign.groups = None;
            self.asked.judge.know(JudgeKey(None), ());
            self.asked.injection.forget();
        }
        if self.campaign.id != Some(update.campaign) {
            return;
        }
        if let Some(naming) = update.naming.take() {
            self.campaign.naming = Some(Rc::new(naming));
        }
        if let Some(profile) = update.profile.take() {
            self.campaign.profile = Some(profile);
        }
        if update.milliseconds > 0.0
            && update.faults.injections > 0
            && let Some(key) = self.asked.lab.key()
        {
            let pace = update.milliseconds / update.faults.injections as f64;
            self.campaign.pace = Some((key.clone(), self.protections(), pace));
        }
        self.campaign.update = Some(Rc::new(update));
    }

    /// Follows the loading of a model, or of the same one on another device or with another card: classes and groupings in the
    /// worker are the model's own.
    pub(super) fn campaign_meets_model(&mut self) {
        self.match_layers();
        // The worker makes no file of a network that it does not have any more.
        self.asked.orders.forget(|order| *order == Order::Protect);
        let classes = self.model().map_or(0, |model| model.classes);
        let campaign = &mut self.campaign;
        let known = campaign.naming.as_ref().map(|naming| naming.classes);
        if !campaign.imported || known != Some(classes) {
            campaign.naming = None;
        }
        if campaign.at_hand() && !campaign.imported {
            self.asked.judge = Slot::default();
        } else {
            self.asked.judge.know(JudgeKey(None), ());
        }
        if let Some(groups) = self.link.campaign.groups.take_if(|groups| groups.classes() != classes) {
            let own = groups.classes();
            self.tell(format!(
                "The groups in the link are for {own} classes, the network has {classes}; they are left out."
            ));
        }
    }
}
