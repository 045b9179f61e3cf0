//! Buffers used again.
//!
//! A large buffer that is new costs more than what is written to it: the system hands out its pages one by one, each
//! cleared. A wave lets go of as many buffers as it asks for, so it keeps them, and the next wave does, too.

/// Buffers that nobody uses, the smallest first.
#[derive(Debug, Default)]
pub(super) struct Pool {
    free: Vec<Vec<f32>>,
    /// Elements in these, and in those that are in use.
    free_elements: usize,
    used_elements: usize,
    /// Most elements of both, unless more are in use.
    most: usize,
}

impl Pool {
    /// Begins a wave, which has no more than `most` elements in use.
    pub fn begin(&mut self, most: usize) {
        (self.used_elements, self.most) = (0, most);
    }

    /// A buffer of `length` with anything in it.
    pub fn take(&mut self, length: usize) -> Vec<f32> {
        let buffer = self.find(length);
        self.used_elements = self.used_elements.saturating_add(buffer.capacity());
        buffer
    }

    fn find(&mut self, length: usize) -> Vec<f32> {
        let fits = self.free.partition_point(|buffer| buffer.capacity() < length);
        if fits == self.free.len() {
            // Buffers that are too small are let go of before there are more than the wave may have.
            while self.free_elements.saturating_add(self.used_elements).saturating_add(length) > self.most
                && let Some(buffer) = self.free.pop()
            {
                self.free_elements -= buffer.capacity();
            }
            return vec![0.0; length];
        }
        let mut buffer = self.free.remove(fits);
        self.free_elements -= buffer.capacity();
        buffer.resize(length, 0.0);
        buffer
    }

    /// Takes back a buffer.
    pub fn give(&mut self, buffer: Vec<f32>) {
        self.used_elements = self.used_elements.saturating_sub(buffer.capacity());
        if buffer.capacity() > 0 {
            self.free_elements += buffer.capacity();
            let place = self.free.partition_point(|other| other.capacity() < buffer.capacity());
            self.free.insert(place, buffer);
        }
    }
}
