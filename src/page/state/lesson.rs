//! The lesson: the steps, the present step, and the tasks that were done.
//!
//! The state knows what a step is made of. The steps themselves are data of [`crate::lesson`], which stands above.

use std::collections::BTreeSet;

use facts::data::class_in_name;
use facts::fault::{Bits, FaultKind, Target};

use super::State;
use crate::link::{Anew, Link, Place, View, refusal};

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
    /// Whether the fault is injected at once.
    pub run: bool,
}

impl Scene {
    /// The link that shows the scene in `model`, with `image` for the sign. Choices that a scene does not make stay as in
    /// `link`.
    fn link(&self, model: &str, image: Option<String>, link: Link) -> Link {
        Link {
            view: self.view,
            model: Some(model.to_owned()),
            image,
            fault: Place {
                target: Some(self.target),
                layer: Some(self.layer.to_owned()),
                tensor: None,
                element: Some(self.element),
            },
            kind: Some(FaultKind::default()),
            bits: Bits::one(self.bit.into()).ok(),
            run: self.run,
            ..link.for_another(Anew::Scene)
        }
    }
}

/// An action of the learner in the lesson.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LessonAction {
    /// Go to a step, counted from 0, and set it up.
    Go(usize),
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
        let step = self.link.lesson?;
        Some((step, self.lesson.steps().get(step)?))
    }

    pub(super) fn learn(&mut self, action: LessonAction) {
        match action {
            LessonAction::Go(step) => {
                self.link.lesson = self.lesson.steps().len().checked_sub(1).map(|last| step.min(last));
                self.lesson.waiting = self.link.lesson.is_some();
            }
            LessonAction::SetUp => self.lesson.waiting = self.link.lesson.is_some(),
            LessonAction::Close => (self.link.lesson, self.lesson.waiting) = (None, false),
        }
    }

    /// Follows the opening of a link: a step that the lesson does not have is left out. A link with nothing but a step sets
    /// the step up; a link with more is left alone.
    pub(super) fn open_lesson(&mut self) {
        let steps = self.lesson.steps().len();
        if let Some(step) = self.link.lesson.take_if(|step| *step >= steps) {
            self.tell(refusal("lesson", &(step + 1).to_string(), &format!("the lesson has steps 1 to {steps}")));
        }
        let bare = Link { lesson: self.link.lesson, device: self.link.device, ..Link::default() };
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
