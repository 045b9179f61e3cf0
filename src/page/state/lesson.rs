//! The lesson: the steps, the present step, and the tasks that were done.
//!
//! The state knows what a step is made of. The steps themselves are data of [`crate::lesson`], which stands above.

use std::collections::BTreeSet;

use facts::data::class_in_name;
use facts::fault::{Bits, FaultKind, Format, Pattern, Target};

use super::State;
use crate::link::{Anew, CampaignLink, CardChoice, Link, Place, Steps, View, refusal};

/// A lesson.
#[derive(Debug)]
pub struct Course {
    /// Id of the network of its steps.
    pub model: &'static str,
    /// The steps, in order.
    pub steps: &'static [Step],
}

/// One step.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Heading.
    pub title: &'static str,
    /// Explanation, in paragraphs.
    pub text: &'static [&'static str],
    /// The settings of the page.
    pub scene: Scene,
    /// Ids of the parts of the page that the step speaks of, the first one first.
    pub parts: &'static [&'static str],
    /// Tasks of the learner.
    pub tasks: &'static [Task],
    /// Help with the tasks.
    pub hint: &'static str,
    /// The observation after the tasks.
    pub seen: &'static str,
}

/// A task, and the condition under which it is done.
#[derive(Clone, Copy, Debug)]
pub struct Task {
    /// The task.
    pub text: &'static str,
    /// The control that the task begins with, as a selector.
    pub control: &'static str,
    /// Whether the page shows it now.
    pub done: fn(&State) -> bool,
}

/// The settings of the page in a step, beside the network of the lesson.
#[derive(Clone, Copy, Debug)]
pub struct Scene {
    /// The view.
    pub view: View,
    /// The sign on the image, as a class number.
    pub sign: usize,
    /// The side of the layer that is struck.
    pub target: Target,
    /// Name of the layer.
    pub layer: &'static str,
    /// Index into the layer's output or its first parameter.
    pub element: usize,
    /// The bit that flips.
    pub bit: u8,
    /// The number format that the network is rounded to.
    pub format: Format,
    /// The elements that are struck together.
    pub pattern: Pattern,
    /// Whether the fault is injected at once.
    pub run: bool,
    /// The faults that a campaign injects in each image, where the step is about a campaign.
    pub faults: Option<usize>,
}

impl Scene {
    /// The link that shows the scene in `model`, with `image` for the sign. Choices that a scene does not make stay as in
    /// `link`.
    fn link(&self, model: &str, image: Option<String>, link: Link) -> Link {
        let format = Some(self.format).filter(|format| !format.is_default());
        Link {
            view: self.view,
            model: Some(model.to_owned()),
            image,
            card: CardChoice { format, weight_format: format, ..CardChoice::default() },
            pattern: Some(self.pattern).filter(|pattern| !pattern.is_single()),
            fault: Place {
                target: Some(self.target),
                layer: Some(self.layer.to_owned()),
                tensor: None,
                element: Some(self.element),
            },
            kind: Some(FaultKind::default()),
            bits: Bits::one(self.bit.into()).ok(),
            run: self.run,
            campaign: CampaignLink { faults: self.faults, ..CampaignLink::default() },
            ..link.for_another(Anew::Scene)
        }
    }
}

/// An action of the learner in the lesson.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LessonAction {
    /// Open the lesson at its first step.
    Open,
    /// Go to a step, counted from 0, and set it up.
    Go(usize),
    /// Go to the step after the present one. Opens the lesson where it is closed.
    Next,
    /// Go to the step before the present one.
    Back,
    /// Set the step up once more.
    SetUp,
    /// Put the lesson away. The rest of the page stays.
    Close,
}

/// A page without a lesson.
static NONE: Course = Course { model: "", steps: &[] };

/// The lesson and its progress.
#[derive(Clone, Debug)]
pub struct Lesson {
    course: &'static Course,
    /// Tasks that were done, as step and place within it.
    done: BTreeSet<(usize, usize)>,
    /// The step is to be set up as soon as the list of networks is there.
    waiting: bool,
}

impl Default for Lesson {
    fn default() -> Self {
        Self { course: &NONE, done: BTreeSet::new(), waiting: false }
    }
}

impl PartialEq for Lesson {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.course, other.course) && (&self.done, self.waiting) == (&other.done, other.waiting)
    }
}

impl Lesson {
    /// The steps.
    pub fn steps(&self) -> &'static [Step] {
        self.course.steps
    }

    /// Whether the step is still to be set up.
    pub fn is_waiting(&self) -> bool {
        self.waiting
    }

    /// Whether a task of a step was done.
    pub fn is_done(&self, step: usize, task: usize) -> bool {
        self.done.contains(&(step, task))
    }

    /// Whether all tasks of a step were done.
    pub fn is_complete(&self, step: usize) -> bool {
        self.steps().get(step).is_some_and(|known| (0..known.tasks.len()).all(|task| self.is_done(step, task)))
    }
}

impl State {
    /// A page with a lesson.
    pub fn teaching(course: &'static Course) -> Self {
        Self { lesson: Lesson { course, ..Lesson::default() }, ..Self::default() }
    }

    /// Number and step of the lesson, while it is open.
    pub fn step(&self) -> Option<(usize, &'static Step)> {
        let step = self.link.lesson.as_ref()?.at();
        Some((step, self.lesson.steps().get(step)?))
    }

    /// Numbers of the steps of the open lesson, in order.
    pub fn chapters(&self) -> Vec<usize> {
        self.link.lesson.as_ref().map(|steps| steps.list(self.lesson.steps().len())).unwrap_or_default()
    }

    /// The steps before and after the present one.
    pub fn neighbours(&self) -> [Option<usize>; 2] {
        let (chapters, now) = (self.chapters(), self.step().map(|(number, _)| number));
        let at = chapters.iter().position(|&number| Some(number) == now);
        let step = |at: Option<usize>| chapters.get(at?).copied();
        [step(at.and_then(|at| at.checked_sub(1))), step(at.map(|at| at + 1))]
    }

    /// The first task of the present step that was not done yet.
    pub fn task(&self) -> Option<&'static Task> {
        let (number, step) = self.step()?;
        step.tasks.iter().enumerate().find(|(task, _)| !self.lesson.is_done(number, *task)).map(|(_, task)| task)
    }

    pub(super) fn learn(&mut self, action: LessonAction) {
        match action {
            LessonAction::Open => self.go(self.chapters().first().copied().unwrap_or(0)),
            LessonAction::Go(step) => self.go(step),
            LessonAction::Next if self.step().is_none() => self.go(0),
            LessonAction::Next => self.neighbours()[1].into_iter().for_each(|step| self.go(step)),
            LessonAction::Back => self.neighbours()[0].into_iter().for_each(|step| self.go(step)),
            LessonAction::SetUp => self.lesson.waiting = self.link.lesson.is_some(),
            LessonAction::Close => (self.link.lesson, self.lesson.waiting) = (None, false),
        }
    }

    /// Goes to a step, which is set up.
    fn go(&mut self, step: usize) {
        let Some(last) = self.lesson.steps().len().checked_sub(1) else { return };
        let steps = self.link.lesson.take().unwrap_or(Steps::of_all(0));
        self.link.lesson = Some(steps.to(step.min(last)));
        self.lesson.waiting = true;
    }

    /// Follows the opening of a link: a step that the lesson does not have is left out. A link with nothing but a step sets
    /// the step up; a link with more is left alone.
    pub(super) fn open_lesson(&mut self) {
        let steps = self.lesson.steps().len();
        if let Some(lesson) = self.link.lesson.take_if(|lesson| lesson.highest().max(lesson.at()) >= steps) {
            self.tell(refusal("lesson", &lesson.to_string(), &format!("the lesson has steps 1 to {steps}")));
        }
        let Link { lesson, device, present, embed, .. } = self.link.clone();
        let bare = Link { lesson, device, present, embed, ..Link::default() };
        self.lesson.waiting = self.link.lesson.is_some() && self.link == bare;
    }

    /// Sets the step up, once the networks of the site are known.
    pub(super) fn set_up_step(&mut self) {
        let Some(catalogue) = self.catalogue.clone().filter(|_| self.lesson.waiting) else { return };
        self.lesson.waiting = false;
        let Some((_, step)) = self.step() else { return };
        let model = self.lesson.course.model;
        let Some(entry) = catalogue.models.iter().find(|entry| entry.id == model) else {
            self.tell(format!("The lesson is about the network {model}, which this site does not have."));
            return;
        };
        let shows = |file: &str| class_in_name(file) == Some(step.scene.sign);
        let image = entry.samples.iter().filter_map(|sample| sample.file.rsplit('/').next()).find(|file| shows(file));
        self.link = step.scene.link(model, image.map(str::to_owned), std::mem::take(&mut self.link));
        self.playing = false;
    }

    /// Ticks off the tasks that are done now.
    pub(super) fn note_done(&mut self) {
        let Some((number, step)) = self.step().filter(|_| !self.lesson.waiting) else { return };
        for (task, known) in step.tasks.iter().enumerate() {
            if !self.lesson.is_done(number, task) && (known.done)(self) {
                self.lesson.done.insert((number, task));
            }
        }
    }
}
