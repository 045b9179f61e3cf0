//! The lesson: faults shown in the network that runs in the page.
//!
//! A step is data: its text, the settings of the page, the tasks, and for each task a condition on the page's state. The text
//! states no result of a run as a fact of its own: the tests take every step on the real network, check its statements and
//! solve its tasks.

mod hardware;
mod protecting;
mod steps;
#[cfg(test)]
mod tests;

use crate::state::Course;

pub use steps::STEPS;

/// The network of the lesson.
pub const MODEL: &str = "gtsrb-resnet8";

/// The lesson of the page.
pub static COURSE: Course = Course { model: MODEL, steps: STEPS };
