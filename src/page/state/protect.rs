//! The same fault once more, every layer's output clipped to its golden range.

use std::rc::Rc;

use protocol::{FileRef, MAX_IMAGES, ProtectRequest, Protection, Request, RequestId, Response};

use super::{Effect, InjectionKey, Slot, State};

/// What a clipped run depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct ProtectKey {
    /// The faulty run that it stands beside.
    injection: InjectionKey,
    /// The images whose golden runs tell the ranges.
    images: Vec<FileRef>,
}

/// The clipped run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Protecting {
    run: Slot<ProtectKey, Rc<Protection>>,
    /// Images whose ranges are known, and those that are to be.
    progress: Option<(usize, usize)>,
}

impl Protecting {
    /// Images whose ranges are known and all of them, while they are learnt.
    pub fn progress(&self) -> Option<(usize, usize)> {
        self.progress.filter(|_| self.run.busy())
    }

    /// Whether a clipped run is awaited.
    pub fn busy(&self) -> bool {
        self.run.busy()
    }

    pub(super) fn hear(&mut self, id: RequestId, response: Response) {
        match response {
            Response::Protecting { done, total } => self.progress = Some((done, total)),
            Response::Protected(protection) => {
                self.run.answer(id, Rc::new(protection));
            }
            _ => {}
        }
    }

    pub(super) fn fail(&mut self, id: RequestId) -> bool {
        self.run.fail(id)
    }

    pub(super) fn lose(&mut self) {
        self.run.lose();
    }

    pub(super) fn forgive(&mut self) {
        self.run.forgive();
    }
}

impl State {
    /// The clipped run of the fault that is on show, where it is there.
    pub fn protection_now(&self) -> Option<&Rc<Protection>> {
        self.protect.run.get(&self.wanted_protection()?)
    }

    /// Gives up a clipped run that nobody wants any more: the worker, too, forgets it with the golden run.
    pub(super) fn give_up_protection(&mut self) {
        let wanted = self.wanted_protection();
        self.protect.run.keep(wanted.as_ref());
    }

    pub(super) fn reconcile_protection(&mut self, effects: &mut Vec<Effect>) {
        let Some(key) = self.wanted_protection() else { return };
        if self.protect.run.wants(&key) {
            let request = ProtectRequest { site: key.injection.site, images: key.images.clone() };
            let id = self.send(Request::Protect(request), effects);
            self.protect.progress = None;
            self.protect.run.ask(id, key);
        }
    }

    /// The faulty run comes first: the clipped one stands beside it.
    fn wanted_protection(&self) -> Option<ProtectKey> {
        let injection = self.wanted_injection().filter(|_| self.link.protect)?;
        self.injection.get(&injection)?;
        let own = &injection.golden.image;
        let others = self.images().into_iter().map(|(_, file, _)| file).filter(|file| file != own);
        let images = std::iter::once(own.clone()).chain(others).take(MAX_IMAGES).collect();
        Some(ProtectKey { injection, images })
    }
}
