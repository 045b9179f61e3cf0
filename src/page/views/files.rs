//! Files that the user brings, by dropping them anywhere or through a file button. Folders are gone through.

use facts::data::is_label_list;
use facts::report::LayerNumbers;
use facts::text::decode;
use gloo::events::{EventListener, EventListenerOptions};
use js_sys::{Array, Function, Promise, Reflect, Uint8Array};
use protocol::FileRef;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{
    DataTransfer, DragEvent, File, FileSystemDirectoryEntry, FileSystemEntry, FileSystemFileEntry, HtmlInputElement,
    Url,
};
use yew::prelude::*;

use crate::state::{Action, Brought, Found};

/// Most files that are taken from one drop.
const MOST_FILES: usize = 10_000;

/// Takes the files that are dropped on the page. `over` is told whether files hover above the page.
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
                    // The dropped items are valid only while this listener runs.
                    let entries = entries(&data);
                    let act = act.clone();
                    spawn_local(async move { bring(files_in(entries).await, false, &act).await });
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
    File(String, File),
    Folder(FileSystemDirectoryEntry),
}

fn entries(data: &DataTransfer) -> Vec<Entry> {
    let items = data.items();
    let items = (0..items.length()).filter_map(|index| items.get(index)).filter(|item| item.kind() == "file");
    let entry = |item: web_sys::DataTransferItem| match item.webkit_get_as_entry() {
        Ok(Some(entry)) if entry.is_directory() => Some(Entry::Folder(entry.unchecked_into())),
        _ => item.get_as_file().ok().flatten().map(|file| Entry::File(file.name(), file)),
    };
    items.filter_map(entry).collect()
}

/// The files among `entries` and in their folders, with their paths.
async fn files_in(mut entries: Vec<Entry>) -> Vec<(String, File)> {
    let mut files = Vec::new();
    while let Some(entry) = entries.pop() {
        match entry {
            Entry::File(path, file) => files.push((path, file)),
            Entry::Folder(folder) => {
                for entry in list(&folder).await {
                    match entry.is_directory() {
                        true => entries.push(Entry::Folder(entry.unchecked_into())),
                        false => {
                            let path = entry.full_path();
                            files.extend(file(entry.unchecked_into()).await.map(|file| (path, file)));
                        }
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

/// The contents of `folder`; empty where it cannot be read.
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
    // Hidden files of the system are not the user's.
    JsFuture::from(file).await.ok()?.dyn_into().ok().filter(|file: &File| !file.name().starts_with('.'))
}

/// A promise of the value that `start` passes to its first callback.
fn promise(start: impl Fn(&Function, &Function) -> Result<(), JsValue>) -> Promise {
    Promise::new(&mut |done, failed| {
        if let Err(error) = start(&done, &failed) {
            let _ = failed.call1(&JsValue::NULL, &error);
        }
    })
}

/// Tells the state of `files`, of which text files are lists of labels where `lists` says so, or their first line does.
async fn bring(files: Vec<(String, File)>, lists: bool, act: &Callback<Action>) {
    let mut found = Vec::new();
    for (name, file) in files {
        // The URL lives as long as the page: the worker may need the file again.
        let Ok(url) = Url::create_object_url_with_blob(&file) else { continue };
        let is_text = name.to_lowercase().ends_with(".txt");
        let is_list = is_text && (lists || is_label_list(&beginning(&file).await));
        let numbers = if lists { None } else { numbers(&name, &file).await };
        found.push(Found { file: FileRef { name, url }, is_list, numbers });
    }
    let brought = Brought::sort(found);
    if brought != Brought::default() {
        act.emit(Action::Brought(Box::new(brought)));
    }
}

/// The numbers of layers in a table or in JSON, if `file` is meant to hold some.
async fn numbers(name: &str, file: &File) -> Option<Result<LayerNumbers, String>> {
    const MOST: f64 = 4.0 * 1024.0 * 1024.0;
    let lower = name.to_lowercase();
    let may = [".csv", ".tsv", ".json"].iter().any(|ending| lower.ends_with(ending));
    if !may || lower.ends_with("config.json") || file.size() > MOST {
        return None;
    }
    let buffer = JsFuture::from(file.array_buffer()).await.ok()?;
    let text = decode(name, &Uint8Array::new(&buffer).to_vec()).ok()?;
    LayerNumbers::is_meant(name, &text).then(|| LayerNumbers::read(name, &text).map_err(|error| format!("{error}.")))
}

/// The first lines of a text file; empty where they cannot be read. The worker says what is wrong with the file.
async fn beginning(file: &File) -> String {
    const ENOUGH: f64 = 4096.0;
    let Ok(part) = file.slice_with_f64_and_f64(0.0, ENOUGH.min(file.size())) else { return String::new() };
    let Ok(buffer) = JsFuture::from(part.array_buffer()).await else { return String::new() };
    let bytes = Uint8Array::new(&buffer).to_vec();
    // The part may end within a character.
    let ends = (0..4).map(|less| bytes.len().saturating_sub(less));
    ends.filter_map(|end| decode(&file.name(), &bytes[..end]).ok()).next().unwrap_or_default()
}

/// Where `file` lies in the folder that was chosen, or its name.
fn path(file: &File) -> String {
    // An attribute that every browser has and web-sys does not.
    let path = Reflect::get(file, &"webkitRelativePath".into()).ok().and_then(|path| path.as_string());
    path.filter(|path| !path.is_empty()).unwrap_or_else(|| file.name())
}

#[derive(Properties, PartialEq)]
pub struct FileButtonProps {
    /// The text of the button.
    pub label: AttrValue,
    /// Endings of the files it offers; all where there are none.
    #[prop_or_default]
    pub accept: Option<AttrValue>,
    /// Whether it offers folders.
    #[prop_or_default]
    pub folder: bool,
    /// Whether it looks like the buttons beside it, not like a link.
    #[prop_or_default]
    pub solid: bool,
    /// Whether its text files are lists of labels.
    #[prop_or_default]
    pub lists: bool,
    /// Receives the files.
    pub act: Callback<Action>,
}

/// A button that opens the browser's dialogue for files, or for a folder.
#[component]
pub fn FileButton(props: &FileButtonProps) -> Html {
    let (act, lists) = (props.act.clone(), props.lists);
    let input = use_node_ref();
    {
        let (input, folder) = (input.clone(), props.folder);
        use_effect_with((), move |()| {
            if let Some(input) = input.cast::<HtmlInputElement>().filter(|_| folder) {
                // A browser that knows no folders offers files.
                let _ = input.set_attribute("webkitdirectory", "");
            }
        });
    }
    let onchange = Callback::from(move |event: Event| {
        let input: HtmlInputElement = event.target_unchecked_into();
        if let Some(files) = input.files() {
            let files = (0..files.length()).filter_map(|index| files.get(index));
            let files = files.map(|file| (path(&file), file)).collect();
            let act = act.clone();
            spawn_local(async move { bring(files, lists, &act).await });
        }
        // The same file can be chosen again.
        input.set_value("");
    });
    html! {
        <label class={classes!("button", "file-button", (!props.solid).then_some("button-quiet"))}>
            <input ref={input} type="file" class="visually-hidden" multiple=true accept={props.accept.clone()} {onchange} />
            { &props.label }
        </label>
    }
}
