//! The lesson: what faults do, shown in the network that runs in the page.
//!
//! A step is data: what it says, what it sets the page to, what the learner is to find, and how the page's state tells
//! that it was found. Nothing of what a step claims is written down as a result; the tests take every step on the real
//! network, check what it says and find what it asks for.

mod steps;
#[cfg(test)]
mod tests;

use facts::fault::Target;

use crate::link::{Link, Place, View};
use crate::state::State;

pub use steps::STEPS;

/// The network of the lesson.
pub const MODEL: &str = "gtsrb-resnet8";

/// One step.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Heading.
    pub title: &'static str,
    /// What there is to know, in paragraphs.
    pub text: &'static [&'static str],
    /// What the page is set to.
    pub scene: Scene,
    /// What the learner is to do.
    pub tasks: &'static [Task],
    /// For whom it is too hard.
    pub hint: &'static str,
    /// What there is to see once it is done.
    pub seen: &'static str,
}

/// Something to do, and how the state tells that it was done.
#[derive(Clone, Copy, Debug)]
pub struct Task {
    /// What.
    pub text: &'static str,
    /// Whether the page shows it now.
    pub done: fn(&State) -> bool,
}

/// What the page is set to, beside the network of the lesson.
#[derive(Clone, Copy, Debug)]
pub struct Scene {
    /// The view.
    pub view: View,
    /// The sign on the image, as a class number.
    pub sign: usize,
    /// What is struck.
    pub target: Target,
    /// Name of the layer.
    pub layer: &'static str,
    /// Index into the layer's output or its first parameter.
    pub element: usize,
    /// The bit that flips.
    pub bit: u8,
    /// Whether it is injected at once.
    pub run: bool,
}

impl Scene {
    /// The link that shows it, with `image` for the sign; what is not the lesson's business stays as in `link`.
    pub fn link(&self, image: Option<String>, link: Link) -> Link {
        let Link { device, scale, which, lesson, .. } = link;
        let fault = Place {
            target: Some(self.target),
            layer: Some(self.layer.to_owned()),
            tensor: None,
            element: Some(self.element),
        };
        Link {
            view: self.view,
            model: Some(MODEL.to_owned()),
            image,
            device,
            fault,
            kind: Some(facts::fault::FaultKind::default()),
            bit: Some(self.bit),
            run: self.run,
            scale,
            which,
            lesson,
            ..Link::default()
        }
    }
}
