//! The data of the page, and the changes that actions make in it.
//!
//! The user's choices are a [`Link`], which the URL holds. [`State::update`] takes an [`Action`] and returns [`Effect`]s.
//! An action does not decide which requests the worker gets: `State::reconcile` compares the needs of the choices with the
//! answers that are there. So one code path serves opening a link, going back, switching the device, and restarting a worker
//! that died.

mod action;
pub mod asked;
mod brought;
mod campaign;
mod derived;
mod follow;
mod grouping;
mod history;
mod lesson;
mod pattern;
mod place;
mod protect;
mod reconcile;
mod startup;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::rc::Rc;

use history::History;

pub use action::{Action, Effect, Follow};
pub use asked::{
    Asked, GoldenKey, InjectionKey, JudgeKey, Lab, LabKey, Order, ScaleKey, Slot, SweepKey, Trials, ViewKey, Want,
};
pub use brought::{Brought, Found};
pub use campaign::{Campaign, CampaignAction, Estimate, Offered};
pub use grouping::{Draft, GroupingAction};
pub use lesson::{Course, Lesson, LessonAction, Scene, Step, Task};
pub use place::Resolved;
pub use protect::Choice;
pub use startup::{Download, DownloadAction, Downloads};

use facts::Question;
use facts::catalogue::Catalogue;
use facts::fault::{Corruption, Target};
use facts::report::LayerNumbers;
use protocol::{Envelope, FileRef, Request, RequestId, Response, Stage};

pub use crate::link::OWN;
use crate::link::{Anew, CardChoice, Link, Place, Sweep};
use crate::words;

/// Everything the page knows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// The user's choices, as they stand in the URL.
    pub link: Link,
    /// The models of the site; `None` until the list is there.
    pub catalogue: Option<Rc<Catalogue>>,
    /// The user's own model files.
    pub own_models: Vec<FileRef>,
    /// The files that came with the user's own models and may hold their weights, by the model's file name.
    own_weights: BTreeMap<String, Vec<FileRef>>,
    /// The user's own images.
    pub own_images: Vec<FileRef>,
    /// The user's own files of class names and groups.
    own_texts: Vec<FileRef>,
    /// Numbers of layers from a file of the user's.
    pub numbers: Option<Rc<LayerNumbers>>,
    /// Whether the worker answers.
    pub worker_ready: bool,
    /// The worker owes an answer, and has said nothing for long.
    pub worker_silent: bool,
    /// Requests to the worker, and the answers.
    pub asked: Asked,
    /// The files of the site's larger networks.
    downloads: Downloads,
    /// How fast networks were on devices.
    speeds: Vec<startup::Speed>,
    /// The lesson and its progress.
    pub lesson: Lesson,
    /// The look moves on by itself, layer by layer.
    pub playing: bool,
    /// Many faults.
    pub campaign: Campaign,
    /// Messages for the user.
    pub notices: Vec<Notice>,
    /// The last question that a model file has left open.
    question: Option<(FileRef, Question)>,
    /// Id of the last model that could be loaded.
    good_model: Option<String>,
    /// The user's statements about it when it last worked.
    good_card: CardChoice,
    /// Id of the last image that could be used.
    good_image: Option<String>,
    history: History,
    next_request: RequestId,
    next_notice: u32,
    /// The link was opened, or holds a fault that was injected. Going back must find it, so the next choice makes a step of
    /// the browser's history.
    settled: bool,
}

/// A sentence for the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Its number.
    pub id: u32,
    /// The sentence.
    pub text: String,
}

impl State {
    /// Applies `action` and returns the effects that follow from it.
    pub fn update(&mut self, action: Action) -> Vec<Effect> {
        let before = self.link.clone();
        let navigated = matches!(action, Action::Navigated(_));
        let in_history = matches!(action, Action::Undo | Action::Redo);
        let injected =
            matches!(action, Action::Inject | Action::Campaign(CampaignAction::Start | CampaignAction::Follow(_)));
        let step = matches!(
            action,
            Action::ChooseModel(_)
                | Action::ChooseImage(_)
                | Action::ChooseLayer(_)
                | Action::ChooseDevice(_)
                | Action::ChooseView(_)
                | Action::Lesson(_)
        );
        let mut effects = Vec::new();
        self.apply(action, &mut effects);
        self.set_up_step();
        self.reconcile(&mut effects);
        self.note_done();
        if self.link != before && !navigated {
            effects.push(Effect::Navigate { hash: self.link.to_hash(), push: step || self.settled });
            self.settled = false;
        }
        if self.link != before && !in_history {
            self.history.note(before);
        }
        self.settled |= injected || navigated;
        effects
    }

    fn apply(&mut self, action: Action, effects: &mut Vec<Effect>) {
        match action {
            Action::Navigated(hash) => {
                let (link, problems) = Link::parse(&hash);
                self.link = link;
                problems.into_iter().for_each(|problem| self.tell(problem));
                self.ask_for_own_files();
                self.open_lesson();
            }
            Action::Catalogue(Ok(catalogue)) => self.catalogue = Some(Rc::new(catalogue)),
            Action::Catalogue(Err(problem)) => {
                self.catalogue = Some(Rc::default());
                self.tell(problem);
            }
            Action::Worker(envelope) => {
                self.worker_silent = false;
                self.hear(*envelope, effects);
            }
            Action::WorkerSilent => self.worker_silent = self.awaits_worker(),
            Action::WorkerDied(problem) => self.bury_worker(&problem),
            Action::Brought(mut brought) => {
                self.open_campaign(std::mem::take(&mut brought.campaign), effects);
                self.keep_data(std::mem::take(&mut brought.data));
                self.keep_list(brought.image_labels.take());
                self.bring(*brought);
            }
            Action::Choose(change) => change.make(&mut self.link),
            Action::Tell(text) => self.tell(text),
            Action::Dismiss(id) => self.notices.retain(|notice| notice.id != id),
            Action::ChooseModel(id) => self.choose_or_fetch(id, effects),
            Action::Download(action) => self.apply_download(action, effects),
            Action::ChooseImage(id) => self.link.image = Some(id),
            Action::ChooseDevice(device) => self.link.device = Some(device),
            Action::ChooseView(view) => self.link.view = view,
            Action::ChooseTarget(target) => {
                let mut place = Place { target: Some(target), tensor: None, element: None, ..self.place().clone() };
                if self.layer_at(&place).is_some_and(|layer| layer.tensors(target).is_empty()) {
                    place.layer = self.nearest_layer(&place);
                }
                *self.place_mut() = place;
            }
            Action::ChooseLayer(index) => self.look_at_layer(index),
            Action::ChooseTensor(position) => {
                let name = self.layer().and_then(|layer| layer.tensors(self.target()).get(position));
                if let Some(name) = name.map(|tensor| tensor.name.clone()) {
                    let place = self.place_mut();
                    (place.tensor, place.element) = (Some(name), None);
                }
            }
            Action::ChooseElement(element) => self.place_mut().element = Some(element),
            Action::ChooseBit(bit) => {
                self.choose_bit(bit);
            }
            Action::Inject => {
                self.strike();
                self.asked.injection.forget();
            }
            Action::Strike(bit) => {
                self.choose_bit(bit);
                self.strike();
            }
            Action::Heal => {
                (self.link.run, self.link.sweep, self.playing) = (false, None, false);
                if let Some(look) = self.link.look.take() {
                    self.link.fault = look;
                }
            }
            Action::Sweep(sweep) => {
                if sweep.is_some() {
                    self.strike();
                }
                self.link.sweep = sweep;
            }
            Action::Follow(step) => self.follow(step),
            Action::Lesson(action) => self.learn(action),
            Action::Undo => self.undo(),
            Action::Redo => self.redo(),
            Action::Share => {
                self.link = self.spelled_out();
                effects.push(Effect::Copy { hash: self.shared().to_hash() });
            }
            Action::Retry => {
                self.forgive_download();
                self.asked.forgive();
            }
            Action::Campaign(action) => self.act_on_campaign(action, effects),
        }
    }

    fn hear(&mut self, Envelope { id, body, .. }: Envelope<Response>, effects: &mut Vec<Effect>) {
        match body {
            Response::Ready => self.worker_ready = true,
            Response::Died { message } => self.bury_worker(&message),
            Response::Asked { message, question } => self.hear_failure(id, message, Some(question)),
            Response::Failed { message } => self.hear_failure(id, message, None),
            body => {
                if let Some(Response::Campaign(answer)) = self.hear_answer(id, body) {
                    self.hear_of_campaign(id, answer, effects);
                }
            }
        }
    }

    /// Request `id` has failed; `question` is what a model's file leaves open.
    fn hear_failure(&mut self, id: RequestId, message: String, question: Option<Question>) {
        if let Some(key) = self.asked.lab.awaited(id) {
            self.question = question.map(|question| (key.model.clone(), question));
        }
        if self.fail_want(id) || self.fail_order(id) || id == 0 {
            self.tell(message);
        }
    }

    /// Whether the worker owes an answer, or news of a campaign.
    pub fn awaits_worker(&self) -> bool {
        let runs = self.campaign.starting() || self.campaign.stage() == Some(Stage::Running);
        self.worker_ready && (self.asked.waits() || runs)
    }

    /// A new worker starts with nothing. The open requests of the last one are not repeated by themselves, because one of
    /// them may have been the reason.
    fn bury_worker(&mut self, problem: &str) {
        (self.worker_ready, self.worker_silent) = (false, false);
        self.link.run = self.link.run && !self.asked.injection.busy();
        let campaign = self.campaign.lost_with_worker();
        self.campaign.lose();
        self.asked.lose();
        self.playing = false;
        self.tell(format!("The worker that computes has stopped ({problem}); a new one was started.{campaign}"));
    }

    /// The link with the defaults in it, so that it says the same wherever it is opened.
    fn spelled_out(&self) -> Link {
        let kind = self.link.kind();
        Link {
            model: self.model_id(),
            image: self.image().map(|(id, _)| id),
            device: Some(self.device()),
            fault: self.struck().map_or_else(|| self.link.fault.clone(), |struck| struck.spelled_out()),
            kind: Some(kind),
            bits: kind.takes_bits().then(|| self.bits()),
            value: kind.takes_value().then(|| self.link.value()),
            pattern: self.link.pattern.filter(|pattern| !pattern.is_single()),
            draw: self.link.pattern().is_drawn().then(|| self.link.draw()),
            ..self.link.clone()
        }
    }

    /// The link for other people: it opens the page as it is for everybody.
    pub fn shared(&self) -> Link {
        Link { present: false, embed: false, ..self.spelled_out() }
    }

    /// Another model has other layers, and other samples unless the image is the user's own.
    fn choose_model(&mut self, id: Option<String>) {
        // A link to the user's own file waits for that file with everything else it says.
        if self.link.model == id {
            return;
        }
        let own = self.link.image.take().filter(|image| image.starts_with(OWN));
        self.link = Link { model: id, image: own, ..std::mem::take(&mut self.link).for_another(Anew::Model) };
    }

    /// Looks at a layer: at the same side of it as before, where it has that.
    fn look_at_layer(&mut self, index: usize) {
        let Some(layer) = self.model().and_then(|model| model.layers.get(index)) else { return };
        let target = [self.target(), Target::Activation, Target::Weight]
            .into_iter()
            .find(|&target| !layer.tensors(target).is_empty());
        let place = Place { target, ..Place::output(layer.name.clone()) };
        // Back at the layer that is struck, the look returns to the struck element.
        if self.link.run && self.struck().is_some_and(|struck| struck.layer.index == index) {
            self.link.look = None;
        } else {
            *self.place_mut() = place;
        }
    }

    /// Chooses the flip of one bit.
    fn choose_bit(&mut self, bit: u8) {
        if let Ok(corruption) = Corruption::flip(bit) {
            self.link.set_corruption(corruption);
        }
    }

    /// Injects the fault into the element that is looked at.
    fn strike(&mut self) {
        if let Some(look) = self.link.look.take() {
            self.link.fault = look;
        }
        self.link = self.spelled_out();
        self.link.run = self.site().is_some();
        // A weight is wrong for every image from now on, so every image is looked at.
        if self.link.fault.target == Some(Target::Weight) && self.link.sweep.is_none() {
            self.link.sweep = Some(Sweep::Images);
        }
    }

    fn tell(&mut self, text: String) {
        let text = words::in_page_words(&text);
        if self.notices.iter().any(|notice| notice.text == text) {
            return;
        }
        self.next_notice += 1;
        self.notices.push(Notice { id: self.next_notice, text });
    }

    fn send(&mut self, request: Request, effects: &mut Vec<Effect>) -> RequestId {
        self.next_request += 1;
        effects.push(Effect::Send(Envelope::new(self.next_request, request)));
        self.next_request
    }
}
