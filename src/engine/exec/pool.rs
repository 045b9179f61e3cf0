//! Buffers used again.
//!
//! A large buffer that is new costs more than what is written to it: the system hands out its pages one by one, each
//! cleared. A wave lets go of as many buffers as it asks for, so it keeps them, and the next wave does, too.

/// Buffers that nobody uses, the smallest first.
#[derive(Debug, Default)]
pub(super) struct Pool {
    free: Vec<Vec<f32>>,
}

impl Pool {
    /// A buffer of `length` with anything in it.
    pub fn take(&mut self, length: usize) -> Vec<f32> {
        let fits = self.free.partition_point(|buffer| buffer.capacity() < length);
        if fits == self.free.len() {
            return vec![0.0; length];
        }
        let mut buffer = self.free.remove(fits);
        buffer.resize(length, 0.0);
        buffer
    }

    /// Takes back a buffer.
    pub fn give(&mut self, buffer: Vec<f32>) {
        if buffer.capacity() > 0 {
            let place = self.free.partition_point(|other| other.capacity() < buffer.capacity());
            self.free.insert(place, buffer);
        }
    }
}
