//! The worker's message loop.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use burn::tensor::Device;
use engine::platform::{self, DeviceChoice};
use facts::limits::{self, Memory};
use facts::{Error, Result};
use gloo::events::EventListener;
use gloo::net::http;
use protocol::fetch::{get, stream, text};
use protocol::{Envelope, FileRef, PAGE, Request, RequestId, Response, VERSION, start};
use serde::Serialize;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{DedicatedWorkerGlobalScope, MessageChannel, MessageEvent, Worker};

use super::service::{Host, Service};

/// The memory that a tab can bear. WebAssembly addresses 4 GiB, what was used once is not given back, and browsers end a tab
/// that takes all; a quarter is left for what lies between the tensors.
const TAB: u64 = 3 << 30;

/// Most workers beside this one. Each holds the model.
const MOST_MATES: usize = 7;

/// Time in milliseconds that pieces of work take together before requests are looked for.
const TURN: f64 = 25.0;

/// Timers of a millisecond after which whoever waits for another worker looks whether it is still there.
const WAIT: usize = 100;

/// Answers the page's requests, one after the other, for as long as the worker lives. A campaign goes on while
/// no request waits.
pub fn serve() {
    limits::allow(Memory::new(TAB));
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    let server = Rc::new(Server { scope: scope.clone(), queue: RefCell::default(), busy: Cell::new(false) });
    let engine = Rc::new(RefCell::new(Some(Service::new(Browser::new(scope.clone())))));
    let listener = {
        let server = server.clone();
        EventListener::new(&scope, "message", move |event| {
            let data = event.unchecked_ref::<MessageEvent>().data();
            match serde_wasm_bindgen::from_value::<Envelope<Request>>(data) {
                Ok(envelope) if envelope.version == VERSION => server.clone().take(envelope, engine.clone()),
                Ok(_) | Err(_) => server.post(
                    0,
                    Response::Failed {
                        message: "This page and its worker are of different versions; reload the page.".to_owned(),
                    },
                ),
            }
        })
    };
    // The worker listens until the page ends it.
    listener.forget();
    let dying = scope.clone();
    std::panic::set_hook(Box::new(move |panic| {
        console_error_panic_hook::hook(panic);
        post(&dying, 0, Response::Died { message: panic.to_string() });
    }));
    server.post(0, Response::Ready);
}

struct Server {
    scope: DedicatedWorkerGlobalScope,
    queue: RefCell<VecDeque<Envelope<Request>>>,
    busy: Cell<bool>,
}

/// The engine, lent to whoever is at work: a borrow must not be held while waiting.
type Lent = Rc<RefCell<Option<Service<Browser>>>>;

impl Server {
    fn take(self: Rc<Self>, envelope: Envelope<Request>, engine: Lent) {
        {
            let mut queue = self.queue.borrow_mut();
            queue.retain(|waiting| !envelope.body.replaces(&waiting.body));
            queue.push_back(envelope);
        }
        if !self.busy.replace(true) {
            spawn_local(async move {
                let lent = engine.borrow_mut().take();
                if let Some(mut lent) = lent {
                    self.work(&mut lent).await;
                    engine.borrow_mut().replace(lent);
                }
                self.busy.set(false);
            });
        }
    }

    async fn work(&self, engine: &mut Service<Browser>) {
        loop {
            let waiting = self.queue.borrow_mut().pop_front();
            match waiting {
                Some(Envelope { id, body, .. }) => {
                    let progress = |received, total| self.post(id, Response::Progress { received, total });
                    let answer = engine.handle(id, body, &progress).await;
                    self.post(id, answer);
                }
                None => {
                    let begun = now(&self.scope);
                    loop {
                        match engine.go_on().await {
                            Some((id, Some(answer))) => self.post(id, answer),
                            Some((_, None)) => {}
                            None if self.queue.borrow().is_empty() => return,
                            // A request came while the last piece was made.
                            None => break,
                        }
                        if now(&self.scope) - begun >= TURN {
                            break;
                        }
                    }
                }
            }
            next_task().await;
        }
    }

    fn post(&self, id: RequestId, body: Response) {
        post(&self.scope, id, body);
    }
}

fn post(scope: &DedicatedWorkerGlobalScope, id: RequestId, body: Response) {
    // Seeds need all 64 bits, which JavaScript's numbers do not have.
    let serializer = serde_wasm_bindgen::Serializer::new().serialize_large_number_types_as_bigints(true);
    let message = Envelope::new(id, body).serialize(&serializer).map_err(JsValue::from);
    if let Err(error) = message.and_then(|message| scope.post_message(&message)) {
        wasm_bindgen::throw_val(error);
    }
}

/// Waits for the next task of the event loop, because messages arrive only between tasks. A timer would wait for four
/// milliseconds: browsers slow down timers that start timers.
async fn next_task() {
    let Ok(channel) = MessageChannel::new() else { return gloo::timers::future::TimeoutFuture::new(0).await };
    let called = js_sys::Promise::new(&mut |resolve, _| channel.port1().set_onmessage(Some(&resolve)));
    if channel.port2().post_message(&JsValue::NULL).is_ok() {
        // It is fulfilled, never rejected.
        let _ = JsFuture::from(called).await;
    }
    channel.port1().close();
}

fn now(scope: &DedicatedWorkerGlobalScope) -> f64 {
    scope.performance().map_or(0.0, |performance| performance.now())
}

/// Answers of the workers beside this one, each with the worker's number.
type Heard = Rc<RefCell<Vec<(usize, Envelope<Response>)>>>;

/// The browser, seen from a worker.
struct Browser {
    scope: DedicatedWorkerGlobalScope,
    mates: RefCell<Vec<Option<Mate>>>,
    heard: Heard,
}

/// A worker beside this one. Dropping it ends it.
struct Mate {
    worker: Worker,
    unsent: Unsent,
    _listeners: [EventListener; 2],
}

/// Requests to a worker whose program is on its way, `None` once it is there: messages that arrive before somebody listens
/// are lost, because a module that waits for its program counts as run.
type Unsent = Rc<RefCell<Option<Vec<JsValue>>>>;

impl Drop for Mate {
    fn drop(&mut self) {
        self.worker.terminate();
    }
}

impl Mate {
    /// Starts a worker, whose answers go to `heard` with the number `at`.
    fn start(page: &str, at: usize, heard: &Heard) -> Result<Self, JsValue> {
        // The program of this worker serves the other one, too: it is compiled, and in memory, once.
        let worker = start::worker(page, &wasm_bindgen::module())?;
        let unsent = Unsent::new(RefCell::new(Some(Vec::new())));
        let died = |message: String| Envelope::new(0, Response::Died { message });
        let answers = heard.clone();
        let message = EventListener::new(&worker, "message", {
            let (worker, unsent) = (worker.clone(), unsent.clone());
            move |event| {
                let data = event.unchecked_ref::<MessageEvent>().data();
                let answer: Envelope<Response> =
                    serde_wasm_bindgen::from_value(data).unwrap_or_else(|error| died(error.to_string()));
                if answer.body == Response::Ready {
                    for request in unsent.take().into_iter().flatten() {
                        if let Err(error) = worker.post_message(&request) {
                            answers.borrow_mut().push((at, died(text(&error))));
                        }
                    }
                } else {
                    answers.borrow_mut().push((at, answer));
                }
            }
        });
        let answers = heard.clone();
        let error = EventListener::new(&worker, "error", move |_| {
            answers.borrow_mut().push((at, died("its program could not be loaded".to_owned())));
        });
        Ok(Self { worker, unsent, _listeners: [message, error] })
    }

    fn send(&self, request: &Envelope<Request>) -> Result<(), JsValue> {
        let serializer = serde_wasm_bindgen::Serializer::new().serialize_large_number_types_as_bigints(true);
        let request = request.serialize(&serializer)?;
        match &mut *self.unsent.borrow_mut() {
            Some(unsent) => unsent.push(request),
            None => self.worker.post_message(&request)?,
        }
        Ok(())
    }
}

impl Host for Browser {
    async fn fetch(&self, file: &FileRef, progress: &dyn Fn(u64, Option<u64>)) -> Result<Vec<u8>> {
        let failed =
            |problem: &dyn std::fmt::Display| Error::input(&file.name, format_args!("could not be fetched: {problem}"));
        let mut bytes = Vec::new();
        let body = stream(http::Request::get(&self.address(&file.url)), progress, |part, announced| {
            if bytes.is_empty() {
                // A vector that grows by doubling would leave twice the file's size in memory that never shrinks. A
                // number that cannot be reserved is the server's mistake, not a reason to give up.
                let announced = announced.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or_default();
                let _ = bytes.try_reserve_exact(announced);
            }
            let start = bytes.len();
            bytes.resize(start + part.length() as usize, 0);
            part.copy_to(&mut bytes[start..]);
        });
        body.await.map_err(|problem| failed(&problem))?;
        Ok(bytes)
    }

    async fn open(&self, choice: DeviceChoice) -> Result<(Device, String)> {
        let name = match choice {
            DeviceChoice::Cpu => String::new(),
            DeviceChoice::Gpu => self.adapter().await?,
        };
        Ok((platform::open(choice).await?, name))
    }

    fn now(&self) -> f64 {
        now(&self.scope)
    }

    fn mates(&self) -> usize {
        // A browser may say nothing; then there is one core, as far as is known.
        let cores = self.scope.navigator().hardware_concurrency();
        if cores.is_finite() { (cores as usize).saturating_sub(1).min(MOST_MATES) } else { 0 }
    }

    fn send(&self, mate: usize, request: Envelope<Request>) {
        let mates = &mut *self.mates.borrow_mut();
        if mates.len() <= mate {
            mates.resize_with(mate + 1, || None);
        }
        let sent = match &mates[mate] {
            Some(running) => running.send(&request),
            None => Mate::start(&self.page(), mate, &self.heard).and_then(|started| {
                let sent = started.send(&request);
                mates[mate] = Some(started);
                sent
            }),
        };
        if let Err(error) = sent {
            let died = Response::Died { message: text(&error) };
            self.heard.borrow_mut().push((mate, Envelope::new(request.id, died)));
        }
    }

    fn dismiss(&self, mate: usize) {
        if let Some(place) = self.mates.borrow_mut().get_mut(mate) {
            *place = None;
        }
    }

    fn answers(&self) -> Vec<(usize, Envelope<Response>)> {
        self.heard.take()
    }

    async fn answered(&self) {
        for _ in 0..WAIT {
            if !self.heard.borrow().is_empty() {
                return;
            }
            // A loop of tasks would take a core from the workers that are waited for.
            gloo::timers::future::TimeoutFuture::new(1).await;
        }
    }
}

impl Browser {
    fn new(scope: DedicatedWorkerGlobalScope) -> Self {
        Self { scope, mates: RefCell::default(), heard: Rc::default() }
    }

    /// The address of the page.
    fn page(&self) -> String {
        get(&self.scope, PAGE).as_string().unwrap_or_default()
    }

    /// `url` counted from the page: the worker's own script is a blob, from which nothing can be counted.
    fn address(&self, url: &str) -> String {
        web_sys::Url::new_with_base(url, &self.page()).map_or_else(|_| url.to_owned(), |url| url.href())
    }

    /// Name of the WebGPU adapter, as far as the browser tells it.
    async fn adapter(&self) -> Result<String> {
        let none = |problem: &str| Error::device("WebGPU", problem);
        let gpu = get(&self.scope.navigator(), "gpu");
        let request = get(&gpu, "requestAdapter").dyn_into::<js_sys::Function>();
        let request = request.map_err(|_| none("this browser has no WebGPU"))?;
        let adapter: js_sys::Promise = request.call0(&gpu).map_err(|error| none(&text(&error)))?.unchecked_into();
        let adapter = JsFuture::from(adapter).await.map_err(|error| none(&text(&error)))?;
        if adapter.is_null() || adapter.is_undefined() {
            return Err(none("this browser has WebGPU, but no GPU for it"));
        }
        let info = get(&adapter, "info");
        let parts =
            ["vendor", "architecture", "description"].map(|key| get(&info, key).as_string().unwrap_or_default());
        Ok(parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" "))
    }
}
