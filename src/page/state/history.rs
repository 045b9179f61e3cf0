//! Undo and redo: the choices as they were, one step for each change of the link.

use super::State;
use crate::link::Link;

/// Most steps that are kept.
const MOST: usize = 200;

/// Choices before and after the present ones.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    past: Vec<Link>,
    future: Vec<Link>,
}

impl History {
    /// Notes that `before` was left for another link.
    pub(super) fn note(&mut self, before: Link) {
        self.future.clear();
        self.past.push(before);
        if self.past.len() > MOST {
            self.past.remove(0);
        }
    }
}

impl State {
    /// Whether there is a step to undo.
    pub fn can_undo(&self) -> bool {
        !self.history.past.is_empty()
    }

    /// Whether there is a step to do again.
    pub fn can_redo(&self) -> bool {
        !self.history.future.is_empty()
    }

    pub(super) fn undo(&mut self) {
        if let Some(link) = self.history.past.pop() {
            self.history.future.push(std::mem::replace(&mut self.link, link));
        }
    }

    pub(super) fn redo(&mut self) {
        if let Some(link) = self.history.future.pop() {
            self.history.past.push(std::mem::replace(&mut self.link, link));
        }
    }
}
