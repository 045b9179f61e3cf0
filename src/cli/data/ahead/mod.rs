//! Images that are decoded before their use, on separate threads.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use facts::limits;

use crate::data::Image;
use crate::{Error, Result};

/// Largest number of threads that decode. More threads would wait for the disk.
const MAX_THREADS: usize = 8;

/// Share of the memory that images may take which wait for their use.
const SHARE: u64 = 16;

/// Decodes the images after each requested one, while that one is in use. Several threads can request images. At most
/// two decoded images per thread are kept, so memory does not grow with the data.
///
/// The threads are not rayon's. A thread of rayon that waits for an image would wait for itself.
pub struct Ahead {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

struct Shared {
    decode: Box<dyn Fn(usize) -> Result<Image> + Send + Sync>,
    state: Mutex<State>,
    /// An image is queued or ready, or the threads must end.
    changed: Condvar,
}

struct State {
    /// The images that will be requested, in ascending order.
    order: Order,
    /// Images that were requested. They are seldom requested again.
    taken: HashSet<usize>,
    /// Images that are queued, in progress or ready.
    window: BTreeMap<usize, Slot>,
    closed: bool,
}

enum Order {
    All(usize),
    Some(Vec<usize>),
}

enum Slot {
    Queued,
    Decoding,
    Ready(Result<Image>),
}

impl State {
    /// Bytes of the images that wait for their use.
    fn ready_bytes(&self) -> u64 {
        let bytes = |slot: &Slot| match slot {
            Slot::Ready(Ok(image)) => image.rgb.len() as u64,
            _ => 0,
        };
        self.window.values().map(bytes).sum()
    }
}

/// Bytes of waiting images above which no other is begun.
fn most_bytes() -> u64 {
    limits::allowed().part(SHARE).bytes()
}

impl Order {
    fn get(&self, place: usize) -> Option<usize> {
        match self {
            Self::All(count) => (place < *count).then_some(place),
            Self::Some(indices) => indices.get(place).copied(),
        }
    }

    /// The place of the first image after `index`.
    fn after(&self, index: usize) -> usize {
        match self {
            Self::All(_) => index + 1,
            Self::Some(indices) => indices.partition_point(|&other| other <= index),
        }
    }
}

impl Ahead {
    /// Decodes images 0 to `count - 1` with `decode`, on any thread.
    pub fn new(count: usize, decode: impl Fn(usize) -> Result<Image> + Send + Sync + 'static) -> Self {
        let state = State { order: Order::All(count), taken: HashSet::new(), window: BTreeMap::new(), closed: false };
        let shared = Shared { decode: Box::new(decode), state: Mutex::new(state), changed: Condvar::new() };
        Self { shared: Arc::new(shared), threads: Mutex::new(Vec::new()) }
    }

    /// Announces that only the images `indices`, in ascending order, will be requested.
    pub fn upcoming(&self, indices: Vec<usize>) {
        let mut state = self.shared.lock();
        *state = State { order: Order::Some(indices), taken: HashSet::new(), window: BTreeMap::new(), closed: false };
    }

    /// Returns the image `index`. The first call starts the threads.
    ///
    /// # Errors
    /// Those of decoding the image.
    pub fn get(&self, index: usize) -> Result<Image> {
        let count = self.start_threads()?;
        let mut state = self.shared.lock();
        let decoded = loop {
            match state.window.get(&index) {
                Some(Slot::Decoding) => {
                    state = self.shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                }
                Some(Slot::Ready(_)) => {
                    let Some(Slot::Ready(image)) = state.window.remove(&index) else { unreachable!("it was there") };
                    break Some(image);
                }
                _ => {
                    state.window.remove(&index);
                    break None;
                }
            }
        };
        state.taken.insert(index);
        let first = state.order.after(index);
        for place in first..first + 2 * count {
            let room = state.window.len() < 2 * count && state.ready_bytes() < most_bytes();
            let Some(expected) = state.order.get(place).filter(|_| room) else { break };
            if !state.taken.contains(&expected) {
                state.window.entry(expected).or_insert(Slot::Queued);
            }
        }
        drop(state);
        self.shared.changed.notify_all();
        decoded.unwrap_or_else(|| (self.shared.decode)(index))
    }

    /// Starts the threads, if they do not run yet, and returns their number.
    fn start_threads(&self) -> Result<usize> {
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        if threads.is_empty() {
            let count = std::thread::available_parallelism().map_or(1, |count| count.get().min(MAX_THREADS));
            for _ in 0..count {
                let shared = Arc::clone(&self.shared);
                let thread = std::thread::Builder::new().name("decode".to_owned()).spawn(move || shared.work());
                threads.push(thread.map_err(|error| Error::io("a thread that decodes images", error))?);
            }
        }
        Ok(threads.len())
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decodes queued images in their order until the owner is dropped.
    fn work(&self) {
        let mut state = self.lock();
        while !state.closed {
            let queued = state.window.iter_mut().find(|(_, slot)| matches!(slot, Slot::Queued));
            let Some((&index, slot)) = queued else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            *slot = Slot::Decoding;
            drop(state);
            let image = catch_unwind(AssertUnwindSafe(|| (self.decode)(index)));
            state = self.lock();
            match (state.window.get_mut(&index), image) {
                (Some(slot), Ok(image)) => *slot = Slot::Ready(image),
                // A panic is a defect. The request for this image meets it again and reports it.
                (Some(_), Err(_)) => drop(state.window.remove(&index)),
                // The order has changed since then. Nobody waits for this image.
                (None, _) => {}
            }
            self.changed.notify_all();
        }
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
        for thread in self.threads.get_mut().unwrap_or_else(PoisonError::into_inner).drain(..) {
            // The threads catch panics.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Ahead {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Ahead").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
