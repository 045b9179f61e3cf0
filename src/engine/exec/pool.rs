//! Reused buffers.
//!
//! A new large buffer costs more than writing its contents: the system maps its pages one by one and clears each. A
//! wave frees about as many buffers as it requests. Therefore the pool keeps the buffers within a wave and from wave
//! to wave.

/// Unused buffers, the smallest first.
#[derive(Debug, Default)]
pub(super) struct Pool {
    free: Vec<Vec<f32>>,
    /// Elements in unused buffers, and in buffers in use.
    free_elements: usize,
    used_elements: usize,
    /// Maximum of elements in all buffers, unless more are in use.
    most: usize,
}

impl Pool {
    /// Starts a wave, which has at most `most` elements in use.
    pub fn begin(&mut self, most: usize) {
        (self.used_elements, self.most) = (0, most);
    }

    /// Returns a buffer of `length` with arbitrary contents.
    pub fn take(&mut self, length: usize) -> Vec<f32> {
        let buffer = self.find(length);
        self.used_elements = self.used_elements.saturating_add(buffer.capacity());
        buffer
    }

    fn find(&mut self, length: usize) -> Vec<f32> {
        let fits = self.free.partition_point(|buffer| buffer.capacity() < length);
        if fits == self.free.len() {
            // Buffers that are too small are freed before the total exceeds the wave's limit.
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

    /// Returns a buffer to the pool.
    pub fn give(&mut self, buffer: Vec<f32>) {
        self.used_elements = self.used_elements.saturating_sub(buffer.capacity());
        if buffer.capacity() > 0 {
            self.free_elements += buffer.capacity();
            let place = self.free.partition_point(|other| other.capacity() < buffer.capacity());
            self.free.insert(place, buffer);
        }
    }
}
