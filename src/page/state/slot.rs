//! One thing that the worker makes for the page: what is there, what is being made, what could not be made.

use protocol::RequestId;

/// The last answer to one kind of request, and the request under way.
#[derive(Clone, Debug, PartialEq)]
pub struct Slot<K, V> {
    have: Option<(K, V)>,
    asked: Option<(RequestId, K)>,
    failed: Option<K>,
}

impl<K, V> Default for Slot<K, V> {
    fn default() -> Self {
        Self { have: None, asked: None, failed: None }
    }
}

impl<K: PartialEq + Clone, V> Slot<K, V> {
    /// The last answer, whatever it answers.
    pub fn latest(&self) -> Option<&V> {
        self.have.as_ref().map(|(_, value)| value)
    }

    /// What the last answer answers.
    pub fn key(&self) -> Option<&K> {
        self.have.as_ref().map(|(key, _)| key)
    }

    /// The answer for `key`, where it is there.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.have.as_ref().filter(|(have, _)| have == key).map(|(_, value)| value)
    }

    /// Whether an answer is awaited.
    pub fn busy(&self) -> bool {
        self.asked.is_some()
    }

    /// Whether `key` has been asked for in vain.
    pub fn failed(&self, key: &K) -> bool {
        self.failed.as_ref() == Some(key)
    }

    /// Whether `key` has to be asked for: it is neither there, nor awaited, nor known to fail.
    pub fn wants(&self, key: &K) -> bool {
        match &self.asked {
            Some((_, asked)) => asked != key,
            None => self.get(key).is_none() && !self.failed(key),
        }
    }

    /// Notes that `key` was asked for under the number `id`; an earlier request is forgotten.
    pub fn ask(&mut self, id: RequestId, key: K) {
        self.asked = Some((id, key));
        self.failed = None;
    }

    /// Waits no longer for anything but `wanted`.
    pub fn keep(&mut self, wanted: Option<&K>) {
        self.asked.take_if(|(_, asked)| Some(&*asked) != wanted);
    }

    /// Takes the answer to request `id`; false where nobody waits for it any more.
    pub fn answer(&mut self, id: RequestId, value: V) -> bool {
        match self.asked.take_if(|(asked, _)| *asked == id) {
            Some((_, key)) => {
                self.have = Some((key, value));
                true
            }
            None => false,
        }
    }

    /// Notes that request `id` failed; false where nobody waits for it any more.
    pub fn fail(&mut self, id: RequestId) -> bool {
        match self.asked.take_if(|(asked, _)| *asked == id) {
            Some((_, key)) => {
                self.failed = Some(key);
                true
            }
            None => false,
        }
    }

    /// The maker is gone with all it has made. What it was at work on counts as failed.
    pub fn lose(&mut self) {
        self.have = None;
        if let Some((_, key)) = self.asked.take() {
            self.failed = Some(key);
        }
    }

    /// Forgets the answer, so that the same key is asked for again.
    pub fn forget(&mut self) {
        self.have = None;
        self.failed = None;
    }

    /// Forgets that anything failed.
    pub fn forgive(&mut self) {
        self.failed = None;
    }
}
