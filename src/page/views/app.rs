//! The root: owns the state, the worker and the URL.

use std::rc::Rc;

use facts::catalogue::Catalogue;
use gloo::events::EventListener;
use gloo::net::http;
use gloo::timers::callback::Interval;
use protocol::{FileRef, Response};
use yew::prelude::*;

use super::campaign::CampaignPanel;
use super::client::Client;
use super::explore::{Closer, Stage};
use super::frame::next_frame;
use super::header::Header;
use super::lesson::LessonPanel;
use super::present::Outside;
use super::quick::QuickBar;
use super::startup::{Download, Timing, keep_page};
use super::{export, files, hover, present, theme};
use crate::link::View;
use crate::state::{Action, CampaignAction, Effect, State};
use crate::{catalogue, lesson};

/// Time in milliseconds between two looks at whether the worker is still there.
const LOOK_EVERY: u32 = 5000;
/// Silence in milliseconds after which the user is asked, where the worker owes an answer. A large network may take longer than
/// this for one run, so that only the user can tell.
const SILENCE: f64 = 30_000.0;

pub enum Message {
    Act(Action),
    /// A frame is about to be drawn.
    Frame,
    Look,
    Dragging(bool),
    Dark(bool),
}

pub struct App {
    state: Rc<State>,
    act: Callback<Action>,
    worker: Option<Client>,
    download: Option<Download>,
    /// Whether the browser was asked to keep the page.
    kept: bool,
    timing: Timing,
    /// The state has changed, and the next frame shows it.
    undrawn: bool,
    dragging: bool,
    dark: bool,
    _listeners: Vec<EventListener>,
    _look: Interval,
}

impl Component for App {
    type Message = Message;
    type Properties = ();

    fn create(ctx: &Context<Self>) -> Self {
        let act = ctx.link().callback(Message::Act);
        let window = gloo::utils::window();
        let mut listeners = files::listen(act.clone(), ctx.link().callback(Message::Dragging));
        let navigated = act.clone();
        listeners.push(EventListener::new(&window, "hashchange", move |_| navigated.emit(Action::Navigated(hash()))));
        listeners.push(keys(&act));
        listeners.push(present::keys(&act));
        listeners.extend(hover::listen());
        if let Some(query) = theme::preference() {
            let changed = ctx.link().callback(|()| Message::Dark(theme::is_dark()));
            listeners.push(EventListener::new(&query, "change", move |_| changed.emit(())));
        }
        theme::restore();
        ctx.link().send_message(Message::Act(Action::Navigated(hash())));
        ctx.link().send_future(async { Message::Act(Action::Catalogue(fetch_catalogue().await)) });
        let look = ctx.link().callback(|()| Message::Look);
        let mut app = Self {
            state: Rc::new(State::teaching(&lesson::COURSE)),
            act,
            worker: None,
            download: None,
            kept: false,
            timing: Timing::default(),
            undrawn: false,
            dragging: false,
            dark: theme::is_dark(),
            _listeners: listeners,
            _look: Interval::new(LOOK_EVERY, move || look.emit(())),
        };
        app.start_worker();
        app
    }

    fn update(&mut self, ctx: &Context<Self>, message: Message) -> bool {
        match message {
            Message::Act(action) => {
                let is_map = matches!(&action, Action::Worker(answer) if matches!(answer.body, Response::View(_)));
                let is_answer = matches!(action, Action::Worker(_));
                let asks = self.act(action);
                // Drawing takes longer than most answers to what the user asks for: one drawing shows both.
                if is_map || asks && !is_answer {
                    self.draw_later(ctx);
                    return false;
                }
            }
            Message::Frame => return std::mem::take(&mut self.undrawn),
            Message::Look => {
                let silent = self.worker.as_mut().map_or(0.0, |worker| worker.silence(self.state.awaits_worker()));
                if silent < SILENCE || self.state.worker_silent {
                    return false;
                }
                let _ = self.act(Action::WorkerSilent);
            }
            Message::Dragging(dragging) => return std::mem::replace(&mut self.dragging, dragging) != dragging,
            Message::Dark(dark) => self.dark = dark,
        }
        self.undrawn = false;
        true
    }

    fn rendered(&mut self, _: &Context<Self>, _: bool) {
        self.timing.note(&self.state);
    }

    fn view(&self, ctx: &Context<Self>) -> Html {
        let (state, act) = (&self.state, &self.act);
        let theme = ctx.link().callback(|dark| {
            theme::choose(dark);
            Message::Dark(dark)
        });
        if state.link.embed {
            return html! {
                <>
                    <h1 class="visually-hidden">{ "Faultscope" }</h1>
                    { notices(state, act) }
                    <main id="main"><Stage {state} {act} dark={self.dark} /></main>
                    <Outside {state} {act} />
                </>
            };
        }
        html! {
            <>
                <a class="skip" href="#main" onclick={skip()}>{ "Skip to the network" }</a>
                <Header {state} {act} dark={self.dark} {theme} />
                { notices(state, act) }
                <div class={classes!("frame", state.step().is_some().then_some("with-lesson"))}>
                <LessonPanel {state} {act} />
                <main id="main" tabindex="-1" class={if state.link.view == View::Explore { "explore" } else { "campaigns" }}>
                    { match state.link.view {
                        View::Explore => html! {
                            <>
                                <Stage {state} {act} dark={self.dark} />
                                <Closer {state} {act} dark={self.dark} />
                            </>
                        },
                        View::Campaign => html! { <CampaignPanel {state} {act} /> },
                    } }
                </main>
                </div>
                if state.link.view == View::Explore { <QuickBar {state} {act} /> }
                <footer>
                    <p>{ "Everything is computed in this tab; no file leaves it." }</p>
                </footer>
                if self.dragging {
                    <div class="drop-hint"><p>{ "Drop a model, images or a folder of them, class names (.txt) or a grouping (.toml)" }</p></div>
                }
            </>
        }
    }
}

impl App {
    /// Draws the page with the next frame, unless it is drawn before.
    fn draw_later(&mut self, ctx: &Context<Self>) {
        if !std::mem::replace(&mut self.undrawn, true) {
            let frame = ctx.link().callback(|()| Message::Frame);
            next_frame(move || frame.emit(()));
        }
    }

    /// Returns whether the action has asked the worker for something.
    fn act(&mut self, action: Action) -> bool {
        let was_ready = self.state.worker_ready;
        let effects = Rc::make_mut(&mut self.state).update(action);
        // Before the page is drawn: drawings ask for the size of its text.
        present::dress(&self.state);
        let asks = effects.iter().any(|effect| matches!(effect, Effect::Send(_)));
        for effect in effects {
            self.perform(effect);
        }
        if was_ready && !self.state.worker_ready {
            self.start_worker();
        }
        if !self.kept && self.state.golden_now().is_some() {
            self.kept = true;
            wasm_bindgen_futures::spawn_local(keep_page());
        }
        asks
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Download { id, file, sha256 } => {
                // A browser without AbortController lacks other things that the page needs, too.
                self.download = Download::start(id, file, sha256, self.act.clone()).ok();
            }
            Effect::CancelDownload => self.download = None,
            Effect::Send(request) => {
                let sent = self.worker.as_ref().map(|worker| worker.send(&request));
                if let Some(Err(error)) = sent {
                    self.act.emit(Action::Tell(format!("The worker cannot be reached ({error:?}); reload the page.")));
                }
            }
            Effect::Navigate { hash, push } => {
                let url = format!("#{hash}");
                let history = gloo::utils::window().history();
                let done = history.and_then(|history| match push {
                    true => history.push_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some(&url)),
                    false => history.replace_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some(&url)),
                });
                if done.is_err() {
                    // Browsers refuse when it happens hundreds of times in a few seconds; the next change writes it all.
                    gloo::utils::document().set_title("Faultscope");
                }
            }
            Effect::Save { name, mime, bytes } => export::save(&name, &mime, &bytes),
            Effect::Picture { name, png } => {
                // The URL lives as long as the page: the worker may need the file again.
                let blob = gloo::file::Blob::new_with_options(png.as_slice(), Some("image/png"));
                if let Ok(url) = web_sys::Url::create_object_url_with_blob(blob.as_ref()) {
                    self.act.emit(Action::Campaign(CampaignAction::Pictured(FileRef { name, url })));
                }
            }
            Effect::Copy { hash } => {
                let act = self.act.clone();
                wasm_bindgen_futures::spawn_local(async move {
                    let link = present::address(&hash);
                    let clipboard = gloo::utils::window().navigator().clipboard();
                    let copied = wasm_bindgen_futures::JsFuture::from(clipboard.write_text(&link)).await;
                    act.emit(Action::Tell(match copied {
                        Ok(_) => "The link is copied: whoever opens it sees the same fault.".to_owned(),
                        Err(_) => format!("The browser does not allow copying; here is the link: {link}"),
                    }));
                });
            }
        }
    }

    fn start_worker(&mut self) {
        // The last one is ended first.
        self.worker = None;
        match Client::start(&self.act) {
            Ok(worker) => self.worker = Some(worker),
            Err(error) => self.act.emit(Action::Tell(format!(
                "This browser cannot start the worker that computes ({error:?}). A browser of the last three years can."
            ))),
        }
    }
}

fn notices(state: &Rc<State>, act: &Callback<Action>) -> Html {
    html! {
        <div class="notices" role="status" aria-live="polite">
            if state.worker_silent {
                <div class="notice" id="worker-silent">
                    <p>{ "The worker that computes has said nothing for half a minute. A large network on a slow device may take that long; if it hangs, a new worker goes on without what this one holds." }</p>
                    <button class="button" id="restart-worker" onclick={act.reform(|_| Action::WorkerDied("it did not answer".to_owned()))}>
                        { "Start a new worker" }
                    </button>
                </div>
            }
            { for state.notices.iter().map(|notice| {
                let id = notice.id;
                html! {
                    <div class="notice" key={id}>
                        <p>{ &notice.text }</p>
                        <button class="button button-quiet" onclick={act.reform(move |_| Action::Dismiss(id))}>
                            { "Dismiss" }
                        </button>
                    </div>
                }
            }) }
        </div>
    }
}

/// Ctrl+Z and Ctrl+Shift+Z or Ctrl+Y, except where the user writes: there they belong to the text.
fn keys(act: &Callback<Action>) -> EventListener {
    use wasm_bindgen::JsCast;
    let act = act.clone();
    EventListener::new(&gloo::utils::window(), "keydown", move |event| {
        let Some(event) = event.dyn_ref::<web_sys::KeyboardEvent>() else { return };
        let target = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
        let writes = target.is_some_and(|target| target.matches("input, textarea, [contenteditable]").unwrap_or(false));
        if writes || !(event.ctrl_key() || event.meta_key()) {
            return;
        }
        match (event.key().to_lowercase().as_str(), event.shift_key()) {
            ("z", false) => act.emit(Action::Undo),
            ("z", true) | ("y", false) => act.emit(Action::Redo),
            _ => {}
        }
    })
}

/// The fragment of the URL is ours, so the link moves the focus itself.
fn skip() -> Callback<MouseEvent> {
    Callback::from(|event: MouseEvent| {
        event.prevent_default();
        if let Some(main) = gloo::utils::document().get_element_by_id("main") {
            use wasm_bindgen::JsCast;
            // An element that cannot be focused leaves the focus where it is.
            let _ = main.unchecked_into::<web_sys::HtmlElement>().focus();
        }
    })
}

fn hash() -> String {
    gloo::utils::window().location().hash().unwrap_or_default()
}

async fn fetch_catalogue() -> Result<Catalogue, String> {
    let answer = http::Request::get(catalogue::INDEX_URL).send().await;
    let problem = match answer {
        Ok(response) if response.ok() => match response.json::<Catalogue>().await {
            Ok(catalogue) => return Ok(catalogue),
            Err(error) => error.to_string(),
        },
        Ok(response) => format!("the server answered {}", response.status()),
        Err(error) => error.to_string(),
    };
    Err(format!("The list of models ({}) cannot be read: {problem}. Drop a model of your own.", catalogue::INDEX_URL))
}
