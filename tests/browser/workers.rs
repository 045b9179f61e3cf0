//! The page's workers, asked from outside: each is a target of its own that speaks the DevTools protocol.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use headless_chrome::{
    Tab,
    protocol::cdp::{Target, types::Event},
};
use serde_json::{Value, json};

use crate::{memory, page::PATIENCE};

/// Number of our first question: smaller ones are asked by others.
const FIRST: u64 = 1000;

/// The workers that run, and what they have answered.
#[derive(Clone, Default)]
pub struct Workers(Arc<Mutex<Known>>);

#[derive(Default)]
struct Known {
    sessions: Vec<String>,
    answers: BTreeMap<u64, Value>,
    asked: u64,
}

impl Workers {
    /// Listens to `tab`, which must not be told yet to attach to its workers.
    pub fn listen(tab: &Arc<Tab>) -> Self {
        let workers = Self::default();
        let listener = workers.clone();
        tab.add_event_listener(Arc::new(move |event: &Event| {
            let mut known = listener.0.lock().unwrap_or_else(PoisonError::into_inner);
            match event {
                Event::AttachedToTarget(event) => known.sessions.push(event.params.session_id.clone()),
                Event::DetachedFromTarget(event) => known.sessions.retain(|id| *id != event.params.session_id),
                Event::ReceivedMessageFromTarget(event) => {
                    let message: Value = serde_json::from_str(&event.params.message).unwrap_or_default();
                    if let Some(id) = message["id"].as_u64().filter(|id| *id >= FIRST) {
                        known.answers.insert(id, message);
                    }
                }
                _ => {}
            }
        }))
        .expect("the tab takes a listener");
        workers
    }

    /// Measures the memory of all workers.
    pub fn memory(&self, tab: &Tab) -> Result<memory::Part, String> {
        let sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner).sessions.clone();
        let mut sum = memory::Part::default();
        for session in &sessions {
            let part = memory::of_worker(|method, params| self.ask(tab, session, method, &params))?;
            sum.objects += part.objects;
            sum.program += part.program;
        }
        Ok(sum)
    }

    fn ask(&self, tab: &Tab, session: &str, method: &str, params: &Value) -> Result<Value, String> {
        let id = {
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            known.asked += 1;
            FIRST + known.asked
        };
        let message = json!({ "id": id, "method": method, "params": params }).to_string();
        let send = Target::SendMessageToTarget { message, session_id: Some(session.to_owned()), target_id: None };
        tab.call_method(send).map_err(|error| error.to_string())?;
        // A worker answers between two waves of a campaign.
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let answer = self.0.lock().unwrap_or_else(PoisonError::into_inner).answers.remove(&id);
            if let Some(answer) = answer {
                return match answer.get("result") {
                    Some(result) => Ok(result.clone()),
                    None => Err(format!("{method}: {answer}")),
                };
            }
            thread::sleep(Duration::from_millis(20));
        }
        Err(format!("{method}: no answer"))
    }
}
