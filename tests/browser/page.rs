//! The page, with a person's hands: open, look, wait, click, type, drop.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use headless_chrome::{
    Browser, LaunchOptions, Tab,
    browser::{default_executable, tab::point::Point},
    protocol::cdp::{self, Emulation, Input, Network, Page::CaptureScreenshotFormatOption},
};
use serde_json::{Value, json};

use crate::{
    console::{Console, KILLED, Line},
    memory::{self, Memory},
    missing::missing,
    server::Server,
    workers::Workers,
};

/// WebGPU without a GPU.
const WEBGPU: [&str; 2] = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"];
/// A browser that has never heard of WebGPU.
const NO_WEBGPU: [&str; 1] = ["--disable-blink-features=WebGPU"];
/// No word to anyone outside this machine.
const ARGUMENTS: [&str; 5] = [
    "--disable-quic",
    "--disable-component-update",
    "--disable-background-networking",
    "--mute-audio",
    "--hide-scrollbars",
];

/// The longest wait for a state of the page. A test that waits longer fails. The limit is far above what a busy machine
/// with a software GPU needs, so that it shows a state that never comes, and no slow one.
pub const PATIENCE: Duration = Duration::from_secs(600);

/// The longest wait for a part of the page to come into the window, which takes a layout and no computation. A part that lies
/// outside for good shall not cost the suite ten minutes.
const LAYOUT: Duration = Duration::from_secs(120);

/// A desktop window, the size of the pictures in target/screens.
const WINDOW: (u32, u32) = (1280, 900);

/// One browser at a time: two would only wait for each other's software GPU.
static TURN: Mutex<()> = Mutex::new(());

/// The page in a browser of its own. A test that ends well ends with [`Page::close`].
pub struct Page {
    name: String,
    tab: Arc<Tab>,
    console: Console,
    workers: Workers,
    server: Server,
    _browser: Browser,
    _turn: MutexGuard<'static, ()>,
}

impl Page {
    /// Opens the page with `query` behind its URL (such as `?seed=1`, or nothing). `name` names the test in messages and pictures.
    ///
    /// Where there is no browser or no built page it says so and returns `None`: the test is skipped. Where CI is set, that is a
    /// failure.
    pub fn open(name: &str, query: &str) -> Option<Self> {
        Self::open_in(name, query, &WEBGPU)
    }

    /// The same in a browser without WebGPU.
    pub fn open_without_webgpu(name: &str, query: &str) -> Option<Self> {
        Self::open_in(name, query, &NO_WEBGPU)
    }

    fn open_in(name: &str, query: &str, arguments: &[&str]) -> Option<Self> {
        let folder = project().join("dist");
        let chromium = match (default_executable(), folder.join("index.html").is_file()) {
            (Ok(file), true) => file,
            (Ok(_), false) => return skip(name, "dist/ holds no page; `cargo xtask test --browser` builds it"),
            (Err(_), _) => return skip(name, "there is no Chromium; CHROME may hold the path to one"),
        };
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let server = Server::start(&folder);
        let browser = launch(chromium, arguments);
        let tab = browser.new_tab().expect("the browser opens a tab");
        tab.set_default_timeout(PATIENCE);
        let workers = Workers::listen(&tab);
        let console = Console::listen(&tab);
        let page = Self { name: name.into(), tab, console, workers, server, _browser: browser, _turn: turn };
        page.set_viewport(WINDOW.0, WINDOW.1);
        page.go(query);
        Some(page)
    }

    /// Loads the page again, with `query` behind its URL.
    pub fn go(&self, query: &str) {
        let url = format!("{}{query}", self.server.url());
        let loaded = self.tab.navigate_to(&url).and_then(|tab| tab.wait_until_navigated());
        if let Err(error) = loaded {
            self.fail(&format!("{url} did not load: {error}"));
        }
    }

    /// The URL in the address bar.
    pub fn url(&self) -> String {
        text_of(&self.eval("location.href"))
    }

    /// The value of a JavaScript expression, awaited where it is a promise.
    pub fn eval(&self, expression: &str) -> Value {
        let wrapped = format!("(async () => JSON.stringify(await ({expression})) ?? 'null')()");
        let result = self.tab.evaluate(&wrapped, true).map(|object| object.value.unwrap_or_default());
        match result {
            Ok(Value::String(json)) => serde_json::from_str(&json).expect("what JSON.stringify writes is JSON"),
            Ok(other) => self.fail(&format!("`{expression}` gave {other}")),
            Err(error) => self.fail(&format!("`{expression}` failed: {error}")),
        }
    }

    /// Runs `script` beside the page, in a JavaScript world of its own that its Content-Security-Policy does not forbid, and
    /// returns the value of `expression` there, awaited.
    pub fn eval_beside(&self, script: &str, expression: &str) -> Value {
        let wrapped = format!("(async () => JSON.stringify(await ({expression})) ?? 'null')()");
        let evaluate = || -> Result<Value, Box<dyn std::error::Error>> {
            let frame_id = self.tab.call_method(cdp::Page::GetFrameTree(None))?.frame_tree.frame.id;
            let world = cdp::Page::CreateIsolatedWorld {
                frame_id,
                world_name: Some("beside".into()),
                grant_univeral_access: None,
            };
            let context = self.tab.call_method(world)?.execution_context_id;
            let mut last = Value::Null;
            for expression in [script, &wrapped] {
                let expression = json!({ "expression": expression, "contextId": context, "awaitPromise": true, "returnByValue": true });
                let answer = self.tab.call_method(serde_json::from_value::<cdp::Runtime::Evaluate>(expression)?)?;
                if let Some(thrown) = answer.exception_details {
                    return Err(format!("{thrown:?}").into());
                }
                last = answer.result.value.unwrap_or_default();
            }
            Ok(serde_json::from_str(last.as_str().unwrap_or("null"))?)
        };
        evaluate().unwrap_or_else(|error| self.fail(&format!("`{expression}` failed beside the page: {error}")))
    }

    /// Waits until the JavaScript expression `condition` is true; `what` says in words what is waited for.
    pub fn wait_until(&self, what: &str, condition: &str) {
        if !self.comes_true(what, condition, PATIENCE) {
            self.fail(&format!("waited {} s for {what}: `{condition}`", PATIENCE.as_secs()));
        }
    }

    /// Whether the JavaScript expression `condition` becomes true within `patience`.
    fn comes_true(&self, what: &str, condition: &str, patience: Duration) -> bool {
        let begun = Instant::now();
        while self.eval(&format!("Boolean({condition})")) != Value::Bool(true) {
            if begun.elapsed() > patience {
                return false;
            }
            if let Some(line) = self.errors().first() {
                self.fail(&format!("while waiting for {what}: {}", line.text));
            }
            thread::sleep(Duration::from_millis(100));
        }
        true
    }

    /// Waits until there is an element for `selector`.
    pub fn wait_for(&self, selector: &str) {
        self.wait_until(&format!("an element {selector}"), &format!("document.querySelector({})", quoted(selector)));
    }

    /// Waits until the text of the element for `selector` holds `part`.
    pub fn wait_for_text(&self, selector: &str, part: &str) {
        let condition = format!("document.querySelector({})?.innerText.includes({})", quoted(selector), quoted(part));
        self.wait_until(&format!("\"{part}\" in {selector}"), &condition);
    }

    /// The text of the element for `selector`, as it shows.
    pub fn text(&self, selector: &str) -> String {
        self.wait_for(selector);
        text_of(&self.eval(&format!("document.querySelector({}).innerText", quoted(selector))))
    }

    /// How many elements there are for `selector`.
    pub fn count(&self, selector: &str) -> u64 {
        self.eval(&format!("document.querySelectorAll({}).length", quoted(selector))).as_u64().unwrap_or_default()
    }

    /// Clicks the element for `selector` in its middle, with the mouse, once it can be clicked.
    pub fn click(&self, selector: &str) {
        self.wait_for(&format!("{selector}:enabled, {selector}:not(button, input, select)"));
        let middle = self.middle(selector);
        if let Err(error) = self.tab.click_point(middle) {
            self.fail(&format!("{selector} cannot be clicked: {error}"));
        }
    }

    /// Moves the mouse over the element for `selector`.
    pub fn hover(&self, selector: &str) {
        let middle = self.middle(selector);
        if let Err(error) = self.tab.move_mouse_to_point(middle) {
            self.fail(&format!("the mouse does not reach {selector}: {error}"));
        }
    }

    /// Puts `text` in the place of what the input for `selector` holds, key by key.
    pub fn type_into(&self, selector: &str, text: &str) {
        self.click(selector);
        self.eval(&format!("document.querySelector({}).select?.()", quoted(selector)));
        if let Err(error) = self.tab.type_str(text) {
            self.fail(&format!("{selector} takes no text: {error}"));
        }
    }

    /// Chooses the option `value` of the list for `selector`.
    pub fn choose(&self, selector: &str, value: &str) {
        self.wait_for(&format!("{selector} option[value='{value}']"));
        self.eval(&format!(
            "(list => {{ list.value = {}; list.dispatchEvent(new Event('change', {{ bubbles: true }})); }})(document.querySelector({}))",
            quoted(value),
            quoted(selector)
        ));
    }

    /// Lets the page receive no more than this many bytes a second; -1 lifts that.
    pub fn slow_down(&self, bytes: f64) {
        let conditions = Network::EmulateNetworkConditions {
            offline: false,
            latency: 0.0,
            download_throughput: bytes,
            upload_throughput: -1.0,
            connection_Type: None,
            packet_loss: None,
            packet_queue_length: None,
            packet_reordering: None,
        };
        let enable = Network::Enable {
            max_total_buffer_size: None,
            max_resource_buffer_size: None,
            max_post_data_size: None,
            report_direct_socket_traffic: None,
            enable_durable_messages: None,
        };
        if let Err(error) = self.tab.call_method(enable).and_then(|_| self.tab.call_method(conditions)) {
            self.fail(&format!("the network cannot be slowed down: {error}"));
        }
    }

    /// Presses one key, such as `Enter` or `Tab`.
    pub fn press(&self, key: &str) {
        if let Err(error) = self.tab.press_key(key) {
            self.fail(&format!("the key {key} cannot be pressed: {error}"));
        }
    }

    /// Drags `files` from outside over the element for `selector` and drops them there.
    pub fn drop_files(&self, selector: &str, files: &[&Path]) {
        let Point { x, y } = self.middle(selector);
        let paths: Vec<String> = files.iter().map(|file| absolute(file)).collect();
        for step in [
            Input::DispatchDragEventTypeOption::DragEnter,
            Input::DispatchDragEventTypeOption::DragOver,
            Input::DispatchDragEventTypeOption::Drop,
        ] {
            let data =
                Input::DragData { items: Vec::new(), files: Some(paths.clone()), drag_operations_mask: COPY_OPERATION };
            let sent = self.tab.call_method(Input::DispatchDragEvent { Type: step, x, y, data, modifiers: None });
            if let Err(error) = sent {
                self.fail(&format!("files cannot be dropped on {selector}: {error}"));
            }
        }
    }

    /// Chooses `file` in the browser's dialogue of the file input for `selector`.
    pub fn choose_file(&self, selector: &str, file: &Path) {
        self.wait_for(selector);
        let chosen =
            self.tab.find_element(selector).and_then(|input| input.set_input_files(&[&absolute(file)]).map(drop));
        if let Err(error) = chosen {
            self.fail(&format!("{selector} takes no file: {error}"));
        }
    }

    /// Gives the page a viewport of this many CSS pixels.
    pub fn set_viewport(&self, width: u32, height: u32) {
        let metrics = Emulation::SetDeviceMetricsOverride {
            width,
            height,
            device_scale_factor: 1.0,
            mobile: false,
            scale: None,
            screen_width: None,
            screen_height: None,
            position_x: None,
            position_y: None,
            dont_set_visible_size: None,
            screen_orientation: None,
            viewport: None,
            display_feature: None,
            device_posture: None,
        };
        if let Err(error) = self.tab.call_method(metrics) {
            self.fail(&format!("the viewport cannot be {width} x {height}: {error}"));
        }
    }

    /// Tells the page that its user wants little motion.
    pub fn prefers_less_motion(&self) {
        let feature = Emulation::MediaFeature { name: "prefers-reduced-motion".to_owned(), value: "reduce".to_owned() };
        let media = Emulation::SetEmulatedMedia { media: None, features: Some(vec![feature]) };
        if let Err(error) = self.tab.call_method(media) {
            self.fail(&format!("the browser does not tell the page of it: {error}"));
        }
    }

    /// Makes the page `light` or `dark`.
    pub fn set_theme(&self, theme: &str) {
        self.wait_for("#theme");
        if self.eval("document.documentElement.dataset.theme ?? 'light'").as_str() != Some(theme) {
            self.click("#theme");
        }
    }

    /// Looks at the top of the page in windows of these widths, light and dark.
    pub fn in_every_window(&self, widths: &[u32], look: impl Fn(&str, u32)) {
        for theme in ["light", "dark"] {
            self.set_theme(theme);
            for &width in widths {
                self.set_viewport(width, 1000);
                self.eval("window.scrollTo(0, 0)");
                look(theme, width);
            }
        }
    }

    /// Makes sure that nothing lies beyond the right edge.
    pub fn fits(&self) {
        let beyond = self.eval("document.scrollingElement.scrollWidth - document.scrollingElement.clientWidth");
        if beyond.as_i64() != Some(0) {
            self.fail(&format!("the page is {beyond} pixels wider than the window"));
        }
    }

    /// Waits until all of the element for `selector` is in the window, and nothing covers its middle.
    pub fn in_window(&self, selector: &str) {
        let seen = format!("({IN_WINDOW})(document.querySelector({}))", quoted(selector));
        if !self.comes_true(&format!("{selector} in the window"), &seen, LAYOUT) {
            let place = format!("({PLACE})(document.querySelector({}))", quoted(selector));
            self.fail(&format!("{selector} is not in the window: {}", self.eval(&place)));
        }
    }

    /// Writes target/screens/NAME.png: what a person sees now.
    pub fn screenshot(&self, name: &str) -> PathBuf {
        let folder = project().join("target").join("screens");
        let file = folder.join(format!("{name}.png"));
        let taken = |number: u32| {
            // A browser that has moved a page to another process refuses for a moment.
            thread::sleep(Duration::from_secs(number.into()));
            self.tab.capture_screenshot(CaptureScreenshotFormatOption::Png, None, None, true)
        };
        let picture = (0..4).map(taken).find(Result::is_ok).unwrap_or_else(|| taken(4));
        let picture = picture.expect("the browser takes a picture");
        fs::create_dir_all(&folder).and_then(|()| fs::write(&file, picture)).expect("the picture can be written");
        file
    }

    /// What was written to the console so far, by the page and its workers.
    pub fn console(&self) -> Vec<Line> {
        self.console.lines()
    }

    /// Ends the server: from now on there is no network.
    pub fn stop_server(&self) {
        self.server.stop();
    }

    /// Makes the worker fail as it does where its program ends by itself: with an exception that nobody catches. What it
    /// writes to the console is forgotten.
    pub fn kill_worker(&self) {
        self.console.in_worker(&self.tab, &format!("setTimeout(() => {{ throw new Error('{KILLED}'); }})"));
        self.wait_unminding(".notices", KILLED);
        self.console.clear();
    }

    /// Runs `script` in the worker.
    pub fn in_worker(&self, script: &str) {
        self.console.in_worker(&self.tab, script);
    }

    /// Forgets what was written to the console, because a test expects it.
    pub fn forget_console(&self) {
        self.console.clear();
    }

    /// [`Page::wait_for_text`], whatever is written to the console.
    pub fn wait_unminding(&self, selector: &str, part: &str) {
        let condition = format!("document.querySelector({})?.innerText.includes({})", quoted(selector), quoted(part));
        let begun = Instant::now();
        while self.eval(&format!("Boolean({condition})")) != Value::Bool(true) {
            if begun.elapsed() > PATIENCE {
                self.fail(&format!("waited {} s for \"{part}\" in {selector}", PATIENCE.as_secs()));
            }
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// The browser's process.
    pub fn browser_process(&self) -> Option<u32> {
        self._browser.get_process_id()
    }

    /// Measures the memory of the page and of its workers.
    pub fn memory(&self) -> Memory {
        let page = memory::of_page(&self.tab);
        let page = page.unwrap_or_else(|error| self.fail(&format!("the page's memory is not known: {error}")));
        let workers = self.workers.memory(&self.tab);
        let workers = workers.unwrap_or_else(|error| self.fail(&format!("the workers' memory is not known: {error}")));
        Memory { page, workers }
    }

    /// Ends the test: whatever went wrong on the console makes it fail.
    pub fn close(self) {
        if let Some(line) = self.errors().first() {
            self.fail(&line.text);
        }
    }

    /// Fails the test, with what the console and the screen show.
    pub fn fail(&self, message: &str) -> ! {
        let picture = self.screenshot(&format!("failed-{}", self.name));
        panic!("{message}\nscreen: {}\nconsole:\n{}", picture.display(), self.console.shown());
    }

    fn errors(&self) -> Vec<Line> {
        self.console().into_iter().filter(Line::is_error).collect()
    }

    /// The middle of the element for `selector`, scrolled into view, once it rests there and nothing covers it.
    fn middle(&self, selector: &str) -> Point {
        self.wait_for(selector);
        let begun = Instant::now();
        loop {
            let place = self.eval(&format!("({RESTING})(document.querySelector({}))", quoted(selector)));
            if let (Some(x), Some(y)) = (place["x"].as_f64(), place["y"].as_f64()) {
                return Point { x, y };
            }
            if begun.elapsed() > PATIENCE {
                self.fail(&format!("{selector} does not come to rest on the screen: {}", place["why"]));
            }
            thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Where an element is, in words.
const PLACE: &str = "element => {
    if (!element) return 'it is missing';
    const { left, top, right, bottom } = element.getBoundingClientRect();
    return `${left} to ${right} across, ${top} to ${bottom} down, in ${innerWidth} x ${innerHeight}`;
}";

/// Where the middle of an element is, if that is the same a moment later and the mouse would meet the element there. A page
/// that is still being laid out would otherwise move away below the mouse.
const RESTING: &str = "async element => {
    if (!element) return { why: 'it is gone' };
    element.scrollIntoView({ block: 'center', inline: 'center', behavior: 'instant' });
    const before = element.getBoundingClientRect();
    await new Promise(done => setTimeout(done, 50));
    const after = element.getBoundingClientRect();
    if (['x', 'y', 'width', 'height'].some(side => before[side] !== after[side])) return { why: 'it moves' };
    const x = after.x + after.width / 2, y = after.y + after.height / 2;
    const met = document.elementFromPoint(x, y);
    return element.contains(met) ? { x, y } : { why: `${met?.outerHTML.slice(0, 80)} is over it` };
}";

/// Whether an element lies inside the window with nothing over its middle.
const IN_WINDOW: &str = "element => {
    if (!element) return false;
    const { left, top, right, bottom } = element.getBoundingClientRect();
    const inside = left >= 0 && top >= 0 && right <= innerWidth && bottom <= innerHeight && right > left && bottom > top;
    return inside && element.contains(document.elementFromPoint((left + right) / 2, (top + bottom) / 2));
}";

/// A drop that copies, as dropping a file on a page does.
const COPY_OPERATION: u32 = 1;

fn launch(chromium: PathBuf, arguments: &[&str]) -> Browser {
    let options = LaunchOptions::default_builder()
        .path(Some(chromium))
        // Chromium refuses its sandbox to root; only pages of this project are opened.
        .sandbox(false)
        .enable_gpu(true)
        .window_size(Some(WINDOW))
        .idle_browser_timeout(PATIENCE * 2)
        .args(arguments.iter().chain(&ARGUMENTS).map(|argument| argument.as_ref()).collect())
        .build()
        .expect("every option is given");
    let browser = Browser::new(options).unwrap_or_else(|error| panic!("Chromium does not start: {error}"));
    browser.set_default_timeout(PATIENCE);
    browser
}

fn skip(name: &str, reason: &str) -> Option<Page> {
    missing(format_args!("{name}: {reason}"));
    None
}

fn project() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn absolute(file: &Path) -> String {
    let file = file.canonicalize().unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    file.to_str().expect("test files have plain names").to_owned()
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// `text` as a JavaScript string.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
