//! One request to the worker: the answer, the request under way, the failure.

use protocol::RequestId;

/// The last answer to one kind of request, and the request under way.
#[derive(Clone, Debug, PartialEq)]
pub struct Slot<K, V> {
    /// The answer as far as it is there.
    have: Option<(K, V)>,
    asked: Option<(RequestId, K)>,
    failed: Option<K>,
    progress: Option<Progress>,
}

/// How far a request is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Work done.
    pub done: u64,
    /// All work, where it is known.
    pub all: Option<u64>,
    /// Estimated rest of the time in milliseconds, where the worker estimates it.
    pub left: Option<f64>,
}

impl<K, V> Default for Slot<K, V> {
    fn default() -> Self {
        Self { have: None, asked: None, failed: None, progress: None }
    }
}

impl<K: PartialEq + Clone, V> Slot<K, V> {
    /// The last answer, whatever it answers.
    pub fn latest(&self) -> Option<&V> {
        self.have.as_ref().map(|(_, value)| value)
    }

    /// The key of the last answer.
    pub fn key(&self) -> Option<&K> {
        self.have.as_ref().map(|(key, _)| key)
    }

    /// The answer for `key`, where it is there.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.have.as_ref().filter(|(have, _)| have == key).map(|(_, value)| value)
    }

    /// Whether an answer, or more of it, is awaited.
    pub fn busy(&self) -> bool {
        self.asked.is_some()
    }

    /// Whether the request for `key` has failed.
    pub fn failed(&self, key: &K) -> bool {
        self.failed.as_ref() == Some(key)
    }

    /// How far the request under way is.
    pub fn progress(&self) -> Option<Progress> {
        self.progress.filter(|_| self.busy())
    }

    /// Whether `key` has to be asked for: it is neither there, nor awaited, nor known to fail.
    pub(super) fn wants(&self, key: &K) -> bool {
        match &self.asked {
            Some((_, asked)) => asked != key,
            None => self.get(key).is_none() && !self.failed(key),
        }
    }

    /// Whether the answer to request `id` is awaited.
    pub(super) fn awaits(&self, id: RequestId) -> bool {
        self.asked.as_ref().is_some_and(|(asked, _)| *asked == id)
    }

    /// The key of the request `id`, where its answer is awaited.
    pub(in crate::state) fn awaited(&self, id: RequestId) -> Option<&K> {
        self.asked.as_ref().filter(|(asked, _)| *asked == id).map(|(_, key)| key)
    }

    /// Notes the request `id` for `key`, and forgets an earlier request. `start` is an answer to be filled in parts.
    pub(super) fn ask(&mut self, id: RequestId, key: K, start: Option<V>) {
        if let Some(start) = start {
            self.have = Some((key.clone(), start));
        }
        (self.asked, self.failed, self.progress) = (Some((id, key)), None, None);
    }

    /// Takes the answer to the request under way.
    pub(super) fn answer(&mut self, value: V) {
        self.have = self.asked.take().map(|(_, key)| (key, value)).or(self.have.take());
    }

    /// The answer so far to the request under way.
    pub(super) fn so_far(&mut self) -> Option<&mut V> {
        let (_, asked) = self.asked.as_ref()?;
        self.have.as_mut().filter(|(key, _)| key == asked).map(|(_, value)| value)
    }

    /// Notes that the answer so far is the whole answer.
    pub(super) fn finish(&mut self) {
        self.asked = None;
    }

    /// Notes how far the work is.
    pub(super) fn note_progress(&mut self, progress: Progress) {
        self.progress = Some(progress);
    }

    /// Notes that the request under way failed. The part of an answer that is there stays.
    pub(super) fn fail(&mut self) {
        self.failed = self.asked.take().map(|(_, key)| key);
    }

    /// Gives up the request under way, unless it is for `wanted`.
    pub(super) fn keep(&mut self, wanted: Option<&K>) {
        if self.asked.as_ref().is_some_and(|(_, asked)| Some(asked) != wanted) {
            self.give_up();
        }
    }

    /// Gives up the request under way, and the part of its answer that is there.
    pub(super) fn give_up(&mut self) {
        if let Some((_, asked)) = self.asked.take() {
            self.have.take_if(|(key, _)| *key == asked);
        }
    }

    /// The worker is gone, and the answer with it.
    pub(super) fn lose(&mut self) {
        self.have = None;
    }

    /// Forgets the answer, so that the same key is asked for again.
    pub(in crate::state) fn forget(&mut self) {
        (self.have, self.failed) = (None, None);
    }

    /// Forgets the failure, and the part of an answer that it has left, so that the same key is asked for again.
    pub(in crate::state) fn forgive(&mut self) {
        if let Some(failed) = self.failed.take() {
            self.have.take_if(|(key, _)| *key == failed);
        }
    }

    /// Notes an answer that nobody had to ask for.
    pub(in crate::state) fn know(&mut self, key: K, value: V) {
        *self = Self { have: Some((key, value)), ..Self::default() };
    }
}
