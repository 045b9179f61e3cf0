//! Where the lesson stands, and what of it was done.

use std::collections::BTreeSet;

use facts::data::class_in_name;

use super::State;
use crate::lesson::{MODEL, STEPS, Step};
use crate::link::Link;

/// What the learner does with the lesson.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LessonAction {
    /// Go to a step, counted from 0, and set it up.
    Go(usize),
    /// Set the step up once more.
    SetUp,
    /// Put the lesson away. What is on the page stays.
    Close,
}

/// What of the lesson was done.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lesson {
    /// Tasks that were done, as step and place within it.
    done: BTreeSet<(usize, usize)>,
    /// The step is to be set up as soon as the list of networks is there.
    waiting: bool,
}

impl Lesson {
    /// Whether a task of a step was done.
    pub fn is_done(&self, step: usize, task: usize) -> bool {
        self.done.contains(&(step, task))
    }

    /// Whether all of a step was done.
    pub fn is_complete(&self, step: usize) -> bool {
        STEPS.get(step).is_some_and(|known| (0..known.tasks.len()).all(|task| self.is_done(step, task)))
    }
}

impl State {
    /// Number and step of the lesson, while it is open.
    pub fn step(&self) -> Option<(usize, &'static Step)> {
        let step = self.link.lesson?;
        Some((step, STEPS.get(step)?))
    }

    pub(super) fn learn(&mut self, action: LessonAction) {
        match action {
            LessonAction::Go(step) => {
                self.link.lesson = Some(step.min(STEPS.len() - 1));
                self.lesson.waiting = true;
            }
            LessonAction::SetUp => self.lesson.waiting = self.link.lesson.is_some(),
            LessonAction::Close => (self.link.lesson, self.lesson.waiting) = (None, false),
        }
    }

    /// A link that says no more than the step sets it up; one that says what is on the page is left alone.
    pub(super) fn open_lesson(&mut self) {
        let bare = Link { lesson: self.link.lesson, device: self.link.device, ..Link::default() };
        self.lesson.waiting = self.link.lesson.is_some() && self.link == bare;
    }

    /// Sets the step up, once the networks of the site are known.
    pub(super) fn set_up_step(&mut self) {
        let Some(catalogue) = self.catalogue.clone().filter(|_| self.lesson.waiting) else { return };
        self.lesson.waiting = false;
        let Some((_, step)) = self.step() else { return };
        let Some(entry) = catalogue.models.iter().find(|entry| entry.id == MODEL) else {
            self.tell(format!("The lesson is about the network {MODEL}, which this site does not have."));
            return;
        };
        let shows = |file: &str| class_in_name(file) == Some(step.scene.sign);
        let image = entry.samples.iter().filter_map(|sample| sample.file.rsplit('/').next()).find(|file| shows(file));
        self.link = step.scene.link(image.map(str::to_owned), std::mem::take(&mut self.link));
        self.playing = false;
    }

    /// Ticks off what the page shows now.
    pub(super) fn note_done(&mut self) {
        let Some((number, step)) = self.step().filter(|_| !self.lesson.waiting) else { return };
        for (task, known) in step.tasks.iter().enumerate() {
            if !self.lesson.is_done(number, task) && (known.done)(self) {
                self.lesson.done.insert((number, task));
            }
        }
    }
}
