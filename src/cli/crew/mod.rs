//! A campaign on several threads.
//!
//! The plan is cut into units that fill a wave: several images, or a part of the faults of one image. Threads take the
//! units in order, and the results are passed on in that order. The results therefore do not depend on the number of
//! threads.

use std::collections::VecDeque;
use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::campaign::{Budget, CampaignEvent, Lab, Plan, Position, Steps, Units, Work};
use crate::data::ImageSource;
use crate::{Error, Result};

/// Units begun or waiting, per thread. While the first unit in order is slow, the other threads work on these.
const UNITS_AHEAD: usize = 4;

/// Largest number of events of a unit that wait to be passed on.
const EVENTS_WAITING: usize = 1024;

/// Largest number of faults in the records of a unit that wait to be passed on. Some records list thousands of faults.
const FAULTS_WAITING: usize = 1 << 16;

/// Images that threads can share.
pub type SharedSource = Arc<dyn ImageSource + Send + Sync>;

/// Threads that carry out a plan.
#[derive(Debug)]
pub struct Crew {
    plan: Arc<Plan>,
    units: Units,
    capacity: usize,
    ahead: usize,
    /// The queue of units; `None` after the last unit.
    tasks: Option<Sender<Task>>,
    /// The results of the units in the queue or in progress, in the order of the plan.
    results: VecDeque<Receiver<Message>>,
    threads: Vec<JoinHandle<()>>,
}

/// A message of a thread about a unit.
enum Message {
    Event(CampaignEvent),
    Failed(Error),
    Done,
}

struct Task {
    unit: (Position, Position),
    results: SyncSender<Message>,
}

impl Crew {
    /// Starts `jobs` threads on `plan` from `start` on, each in waves within `budget`.
    ///
    /// # Errors
    /// If a thread cannot be started.
    pub fn new(
        lab: &Arc<Lab>,
        source: &SharedSource,
        plan: Arc<Plan>,
        start: Position,
        jobs: usize,
        budget: Budget,
    ) -> Result<Self> {
        Self::beginning_with(lab, source, plan, start, 0, (jobs, budget))
    }

    /// The same for a round of a campaign: the faults of each image before number `first` were made earlier.
    ///
    /// # Errors
    /// As [`Crew::new`].
    pub fn beginning_with(
        lab: &Arc<Lab>,
        source: &SharedSource,
        plan: Arc<Plan>,
        start: Position,
        first: usize,
        (jobs, budget): (usize, Budget),
    ) -> Result<Self> {
        let (tasks, queue) = channel();
        let queue = Arc::new(Mutex::new(queue));
        let failed = |error: &dyn std::fmt::Display| Error::request(format_args!("no thread can be started: {error}"));
        let mut threads = Vec::with_capacity(jobs);
        for _ in 0..jobs {
            // Kernels run on the pool from which they are called. With a pool of one thread for each job, `jobs` jobs
            // use as many cores, and the arithmetic does not depend on their number.
            let pool = ThreadPoolBuilder::new().num_threads(1).build().map_err(|error| failed(&error))?;
            let steps = (lab.clone(), source.clone(), plan.clone());
            let worker = Worker { steps, first, budget, queue: queue.clone() };
            let thread = Builder::new().name("campaign".to_owned()).spawn(move || worker.run(&pool));
            threads.push(thread.map_err(|error| failed(&error))?);
        }
        let record = plan.sites(Position { fault: 0, ..start }).map_or(1, |sites| sites.len().max(1));
        Ok(Self {
            units: Units::of(&plan, lab, start, first, jobs * UNITS_AHEAD, budget),
            plan,
            capacity: (FAULTS_WAITING / record).clamp(2, EVENTS_WAITING),
            ahead: jobs * UNITS_AHEAD,
            tasks: Some(tasks),
            results: VecDeque::new(),
            threads,
        })
    }

    /// Adds units to the queue while few are waiting.
    fn hand_out(&mut self) {
        while let Some(tasks) = &self.tasks
            && self.results.len() < self.ahead
        {
            match self.units.next() {
                Some(unit) => {
                    let (sender, receiver) = sync_channel(self.capacity);
                    // If no thread is left, the receiver reports that.
                    let _ = tasks.send(Task { unit, results: sender });
                    self.results.push_back(receiver);
                }
                None => self.tasks = None,
            }
        }
    }

    /// Ends the threads and passes on the panic that ended one of them.
    fn fail(&mut self) -> ! {
        self.tasks = None;
        self.results.clear();
        for thread in self.threads.drain(..) {
            if let Err(panic) = thread.join() {
                resume_unwind(panic);
            }
        }
        unreachable!("a thread ends before its work only if it panics")
    }
}

impl Work for Crew {
    fn plan(&self) -> &Plan {
        &self.plan
    }

    fn is_at_hand(&self) -> bool {
        // Another thread may compute it at this moment.
        false
    }

    async fn next(&mut self) -> Result<Option<CampaignEvent>> {
        loop {
            self.hand_out();
            let Some(unit) = self.results.front() else { return Ok(None) };
            match unit.recv() {
                Ok(Message::Event(event)) => return Ok(Some(event)),
                Ok(Message::Failed(error)) => return Err(error),
                Ok(Message::Done) => drop(self.results.pop_front()),
                Err(_) => self.fail(),
            }
        }
    }
}

impl Drop for Crew {
    /// Ends the threads after their current wave. Its results are dropped.
    fn drop(&mut self) {
        self.tasks = None;
        self.results.clear();
        for thread in self.threads.drain(..) {
            // A panic was passed on already, or happened after the work.
            let _ = thread.join();
        }
    }
}

struct Worker {
    steps: (Arc<Lab>, SharedSource, Arc<Plan>),
    /// The number of the first fault of each image.
    first: usize,
    budget: Budget,
    queue: Arc<Mutex<Receiver<Task>>>,
}

impl Worker {
    fn run(self, pool: &ThreadPool) {
        loop {
            let task = self.queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(task) = task else { return };
            pool.install(|| self.work(task));
        }
    }

    /// Does a unit, or the part of it for which there is a receiver.
    fn work(&self, task: Task) {
        let (lab, source, plan) = self.steps.clone();
        let steps = Steps::new(lab, source, plan).within(self.budget).beginning_with(self.first);
        let mut steps = steps.between(task.unit.0, task.unit.1);
        loop {
            let (message, over) = match pollster::block_on(steps.next()) {
                Ok(Some(event)) => (Message::Event(event), false),
                Ok(None) => (Message::Done, true),
                Err(error) => (Message::Failed(error), true),
            };
            if task.results.send(message).is_err() || over {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests;
