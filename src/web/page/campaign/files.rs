//! Taking results away, and bringing others.

use web_sys::{File, FileList, HtmlInputElement, Url};
use yew::prelude::*;

use super::super::Props;
use super::super::parts::Panel;
use crate::web::protocol::{Export, FileRef};
use crate::web::state::{Action, CampaignAction};

/// Export and import.
#[component]
pub fn FilesPanel(props: &Props) -> Html {
    let Props { state, act } = props;
    let disabled = !state.campaign.at_hand();
    let save = |id: &'static str, text: &'static str, title: &'static str, what: Export| {
        let onclick = act.reform(move |_: MouseEvent| Action::Campaign(CampaignAction::Export(what)));
        html! { <button type="button" class="button" {id} {title} {disabled} {onclick}>{ text }</button> }
    };
    html! {
        <Panel id="campaign-files" title="Files">
            <div class="button-row" role="group" aria-label="Save the results">
                { save("save-zip", "Campaign (.zip)", "What the command line writes: `faultscope report` shows it, `faultscope campaign --resume` goes on with it", Export::Zip) }
                { save("save-csv", "CSV", "Every rate with its counts and its interval, one a row", Export::Csv) }
                { save("save-json", "JSON", "The same, nested", Export::Json) }
                { save("save-records", "Every fault", "One fault a line (faults.jsonl)", Export::Records) }
            </div>
            <p class="hint">{ "Bring a campaign that was made elsewhere, or images as a data set: CIFAR (.bin), or arrays of images and labels (.npy). Or drop them anywhere." }</p>
            <div class="button-row">
                <Bring label="Open files…" folder=false act={act.clone()} />
                <Bring label="Open a folder…" folder=true act={act.clone()} />
            </div>
        </Panel>
    }
}

/// What a dialogue gave; of a campaign's folder only what there may be in it, for a folder may hold anything.
fn files_of(files: &FileList) -> Vec<FileRef> {
    let all = (0..files.length()).filter_map(|index| files.get(index));
    // The URL lives as long as the page: the worker may need the file again.
    let file = |file: File| Some(FileRef { name: file.name(), url: Url::create_object_url_with_blob(&file).ok()? });
    all.filter_map(file).collect()
}

#[derive(Properties, PartialEq)]
struct BringProps {
    label: AttrValue,
    folder: bool,
    act: Callback<Action>,
}

/// A button that opens the browser's dialogue for files, or for a folder.
#[component]
fn Bring(props: &BringProps) -> Html {
    let act = props.act.clone();
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
        let files = input.files().map(|files| files_of(&files)).unwrap_or_default();
        if !files.is_empty() {
            act.emit(Action::Campaign(CampaignAction::Bring(files)));
        }
        // The same file can be chosen again.
        input.set_value("");
    });
    html! {
        <label class="button file-button">
            <input ref={input} type="file" class="visually-hidden" multiple=true {onchange} />
            { &props.label }
        </label>
    }
}
