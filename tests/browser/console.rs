//! What the page and its workers write to the console.

use std::{
    fmt::Write,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use headless_chrome::{
    Tab,
    protocol::cdp::{Runtime, Target, types::Event},
};
use serde_json::Value;

/// Message of the exception by which a test ends a worker. The browser reports it for the worker and for the page, the second
/// time after a delay, so no single instant exists after which it can be forgotten: it is never a line of the console.
pub const KILLED: &str = "killed by the test";

/// One line of the console.
#[derive(Clone, Debug)]
pub struct Line {
    /// `error`, `warning`, `log`, ..., or `exception` for what nobody caught.
    pub level: String,
    /// What was written.
    pub text: String,
}

impl Line {
    /// Whether something went wrong.
    pub fn is_error(&self) -> bool {
        matches!(self.level.as_str(), "error" | "assert" | "exception")
    }
}

/// The lines written so far, by the page and by its workers.
#[derive(Clone, Default)]
pub struct Console {
    lines: Arc<Mutex<Vec<Line>>>,
    /// The worker that was started last, by its session with the browser.
    worker: Arc<Mutex<Option<String>>>,
}

impl Console {
    /// Listens to `tab` from now on, and to every worker that it starts.
    pub fn listen(tab: &Arc<Tab>) -> Self {
        let console = Self::default();
        let (listener, source) = (console.clone(), Arc::downgrade(tab));
        tab.add_event_listener(Arc::new(move |event: &Event| match event {
            Event::RuntimeConsoleAPICalled(event) => {
                let said = serde_json::to_value(&event.params).unwrap_or_default();
                listener.called(&said);
            }
            Event::RuntimeExceptionThrown(event) => {
                let thrown = serde_json::to_value(&event.params).unwrap_or_default();
                listener.thrown(&thrown);
            }
            Event::LogEntryAdded(event) => {
                let entry = serde_json::to_value(&event.params.entry).unwrap_or_default();
                let place = entry["url"].as_str().map(|url| format!(" ({url})")).unwrap_or_default();
                listener.push(text(&entry["level"]), text(&entry["text"]) + &place);
            }
            Event::AttachedToTarget(event) => {
                if event.params.target_info.Type == "worker" {
                    *locked(&listener.worker) = Some(event.params.session_id.clone());
                }
                if let Some(tab) = source.upgrade() {
                    // A target of its own speaks only when it is spoken to. What it has written so far, it repeats.
                    let message = r#"{"id":1,"method":"Runtime.enable"}"#.into();
                    let session = event.params.session_id.clone();
                    std::thread::spawn(move || {
                        let enable =
                            Target::SendMessageToTarget { message, session_id: Some(session), target_id: None };
                        tab.call_method(enable).map(drop)
                    });
                }
            }
            Event::ReceivedMessageFromTarget(event) => {
                let message: Value = serde_json::from_str(&event.params.message).unwrap_or_default();
                match message["method"].as_str() {
                    Some("Runtime.consoleAPICalled") => listener.called(&message["params"]),
                    Some("Runtime.exceptionThrown") => listener.thrown(&message["params"]),
                    _ => {}
                }
            }
            _ => {}
        }))
        .expect("the tab takes a listener");
        tab.call_method(Runtime::Enable(None)).expect("the tab tells what its console says");
        tab.enable_log().expect("the tab tells what its log says");
        tab.call_method(Target::SetAutoAttach {
            auto_attach: true,
            wait_for_debugger_on_start: false,
            flatten: Some(false),
            filter: None,
        })
        .expect("the tab tells of its workers");
        console
    }

    /// All lines so far.
    pub fn lines(&self) -> Vec<Line> {
        locked(&self.lines).clone()
    }

    /// Forgets the lines so far.
    pub fn clear(&self) {
        locked(&self.lines).clear();
    }

    /// Runs `script` in the worker that was started last. Nothing is heard of what comes of it.
    pub fn in_worker(&self, tab: &Tab, script: &str) {
        let session = locked(&self.worker).clone();
        let params = serde_json::json!({ "expression": script });
        let message = serde_json::json!({ "id": 2, "method": "Runtime.evaluate", "params": params }).to_string();
        let send = Target::SendMessageToTarget { message, session_id: session, target_id: None };
        tab.call_method(send).expect("there is a worker");
    }

    /// All lines so far, as a message shows them.
    pub fn shown(&self) -> String {
        self.lines().iter().fold(String::new(), |mut all, line| {
            let _ = writeln!(all, "  {}: {}", line.level, line.text);
            all
        })
    }

    fn called(&self, params: &Value) {
        let arguments = params["args"].as_array().map(Vec::as_slice).unwrap_or_default();
        let shown = |argument: &Value| match (&argument["value"], &argument["description"]) {
            (Value::String(value), _) | (Value::Null, Value::String(value)) => value.clone(),
            (value, _) => value.to_string(),
        };
        self.push(text(&params["type"]), arguments.iter().map(shown).collect::<Vec<_>>().join(" "));
    }

    fn thrown(&self, params: &Value) {
        let details = &params["exceptionDetails"];
        self.push(
            "exception".into(),
            format!("{} {}", text(&details["text"]), text(&details["exception"]["description"])),
        );
    }

    fn push(&self, level: String, text: String) {
        if !text.contains(KILLED) {
            locked(&self.lines).push(Line { level, text });
        }
    }
}

fn locked<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
