//! Files that the user brings, by dropping them anywhere or through a file button.

use gloo::events::{EventListener, EventListenerOptions};
use wasm_bindgen::JsCast;
use web_sys::{DragEvent, File, FileList, HtmlInputElement, Url};
use yew::prelude::*;

use crate::web::protocol::FileRef;
use crate::web::state::Action;

/// Endings of model files.
const MODELS: [&str; 6] = ["onnx", "h5", "hdf5", "keras", "bpk", "safetensors"];
/// Endings of images.
const IMAGES: [&str; 9] = ["jpg", "jpeg", "png", "webp", "bmp", "ppm", "pgm", "pnm", "pbm"];

/// Takes the files that are dropped on the page; `over` hears whether some hover above it.
pub fn listen(act: Callback<Action>, over: Callback<bool>) -> Vec<EventListener> {
    let window = gloo::utils::window();
    let on = |name: &'static str, handle: Box<dyn Fn(&DragEvent)>| {
        let options = EventListenerOptions::enable_prevent_default();
        EventListener::new_with_options(&window, name, options, move |event| {
            if let Some(event) = event.dyn_ref::<DragEvent>() {
                event.prevent_default();
                handle(event);
            }
        })
    };
    let (enter, leave, drop) = (over.clone(), over.clone(), over);
    vec![
        on("dragover", Box::new(move |_| enter.emit(true))),
        // The event comes for every element that is left; only that of the page leads nowhere.
        on(
            "dragleave",
            Box::new(move |event| {
                if event.related_target().is_none() {
                    leave.emit(false);
                }
            }),
        ),
        on(
            "drop",
            Box::new(move |event| {
                drop.emit(false);
                if let Some(files) = event.data_transfer().and_then(|data| data.files()) {
                    bring(&files, &act);
                }
            }),
        ),
    ]
}

/// Tells the state of `files`, and of those that are of no use.
fn bring(files: &FileList, act: &Callback<Action>) {
    let (mut models, mut images, mut strange) = (Vec::new(), Vec::new(), Vec::new());
    for file in (0..files.length()).filter_map(|index| files.get(index)) {
        let name = file.name();
        let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_lowercase()).unwrap_or_default();
        let list = if MODELS.contains(&ending.as_str()) {
            &mut models
        } else if IMAGES.contains(&ending.as_str()) {
            &mut images
        } else {
            strange.push(name);
            continue;
        };
        // The URL lives as long as the page: the worker may need the file again.
        match url(&file) {
            Some(url) => list.push(FileRef { name, url }),
            None => strange.push(name),
        }
    }
    if !strange.is_empty() {
        act.emit(Action::Tell(format!(
            "{}: neither a model (.onnx, .h5, .keras, .bpk, .safetensors) nor an image (JPEG, PNG, WebP, BMP, PNM).",
            strange.join(", ")
        )));
    }
    if !models.is_empty() || !images.is_empty() {
        act.emit(Action::Brought { models, images });
    }
}

fn url(file: &File) -> Option<String> {
    Url::create_object_url_with_blob(file).ok()
}

#[derive(Properties, PartialEq)]
pub struct FileButtonProps {
    /// What the button says.
    pub label: AttrValue,
    /// Endings of the files it offers.
    pub accept: AttrValue,
    /// Hears of the files.
    pub act: Callback<Action>,
}

/// A button that opens the browser's file dialogue.
#[component]
pub fn FileButton(props: &FileButtonProps) -> Html {
    let act = props.act.clone();
    let onchange = Callback::from(move |event: Event| {
        let input: HtmlInputElement = event.target_unchecked_into();
        if let Some(files) = input.files() {
            bring(&files, &act);
        }
        // The same file can be chosen again.
        input.set_value("");
    });
    html! {
        <label class="button button-quiet file-button">
            <input type="file" class="visually-hidden" multiple=true accept={props.accept.clone()} {onchange} />
            { &props.label }
        </label>
    }
}
