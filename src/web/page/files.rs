//! Files that the user brings, by dropping them anywhere or through a file button. Folders are gone through.

use gloo::events::{EventListener, EventListenerOptions};
use js_sys::{Array, Function, Promise};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{
    DataTransfer, DragEvent, File, FileSystemDirectoryEntry, FileSystemEntry, FileSystemFileEntry, HtmlInputElement,
    Url,
};
use yew::prelude::*;

use crate::web::protocol::FileRef;
use crate::web::state::{Action, Brought};

/// Most files that are looked at in what is dropped at once.
const MOST_FILES: usize = 10_000;

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
        on("dragover", Box::new(move |event| enter.emit(has_files(event)))),
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
                if let Some(data) = event.data_transfer() {
                    // What was dropped can be asked for only while this runs.
                    let entries = entries(&data);
                    let act = act.clone();
                    spawn_local(async move { bring(files_in(entries).await, &act) });
                }
            }),
        ),
    ]
}

/// Whether files are dragged, and not something of the page.
fn has_files(event: &DragEvent) -> bool {
    event.data_transfer().is_some_and(|data| data.types().includes(&"Files".into(), 0))
}

/// A file, or a folder that has yet to be gone through.
enum Entry {
    File(File),
    Folder(FileSystemDirectoryEntry),
}

fn entries(data: &DataTransfer) -> Vec<Entry> {
    let items = data.items();
    let items = (0..items.length()).filter_map(|index| items.get(index)).filter(|item| item.kind() == "file");
    let entry = |item: web_sys::DataTransferItem| match item.webkit_get_as_entry() {
        Ok(Some(entry)) if entry.is_directory() => Some(Entry::Folder(entry.unchecked_into())),
        _ => item.get_as_file().ok().flatten().map(Entry::File),
    };
    items.filter_map(entry).collect()
}

/// The files among `entries` and in their folders.
async fn files_in(mut entries: Vec<Entry>) -> Vec<File> {
    let mut files = Vec::new();
    while let Some(entry) = entries.pop() {
        match entry {
            Entry::File(file) => files.push(file),
            Entry::Folder(folder) => {
                for entry in list(&folder).await {
                    match entry.is_directory() {
                        true => entries.push(Entry::Folder(entry.unchecked_into())),
                        false => files.extend(file(entry.unchecked_into()).await),
                    }
                    if files.len() >= MOST_FILES {
                        return files;
                    }
                }
            }
        }
    }
    files
}

/// What is in `folder`; nothing where it cannot be read.
async fn list(folder: &FileSystemDirectoryEntry) -> Vec<FileSystemEntry> {
    let reader = folder.create_reader();
    let mut found = Vec::new();
    loop {
        // It answers with a hundred at a time, and with none at the end.
        let part = promise(|done, failed| reader.read_entries_with_callback_and_callback(done, failed));
        match JsFuture::from(part).await {
            Ok(part) if Array::from(&part).length() > 0 && found.len() < MOST_FILES => {
                found.extend(Array::from(&part).iter().map(JsCast::unchecked_into::<FileSystemEntry>));
            }
            _ => return found,
        }
    }
}

async fn file(entry: FileSystemFileEntry) -> Option<File> {
    let file = promise(|done, failed| {
        entry.file_with_callback_and_callback(done, failed);
        Ok(())
    });
    // What the system hides in folders is none of the user's files.
    JsFuture::from(file).await.ok()?.dyn_into().ok().filter(|file: &File| !file.name().starts_with('.'))
}

/// The promise of what `start` gives to the first of its callbacks.
fn promise(start: impl Fn(&Function, &Function) -> Result<(), JsValue>) -> Promise {
    Promise::new(&mut |done, failed| {
        if let Err(error) = start(&done, &failed) {
            let _ = failed.call1(&JsValue::NULL, &error);
        }
    })
}

/// Tells the state of `files`.
fn bring(files: Vec<File>, act: &Callback<Action>) {
    let file = |file: File| {
        // The URL lives as long as the page: the worker may need the file again.
        let url = Url::create_object_url_with_blob(&file).ok()?;
        Some(FileRef { name: file.name(), url })
    };
    let brought = Brought::sort(files.into_iter().filter_map(file));
    if brought != Brought::default() {
        act.emit(Action::Brought(brought));
    }
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
            bring((0..files.length()).filter_map(|index| files.get(index)).collect(), &act);
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
