//! Taking results away, and bringing others.

use std::rc::Rc;

use protocol::Export;
use yew::prelude::*;

use super::super::Props;
use super::super::files::FileButton;
use super::super::parts::Panel;
use crate::state::{Action, CampaignAction, State};
use crate::words;

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
                { save("save-zip", "Campaign (.zip)", "The directory of the command line: `faultscope report` reads it, `faultscope campaign --resume` continues it", Export::Zip) }
                { save("save-csv", "CSV", "Every rate with its counts and its interval, one a row", Export::Csv) }
                { save("save-json", "JSON", "The same, nested", Export::Json) }
                { save("save-node-data", "Node data", "The SDC rate of each layer, as node data of Model Explorer", Export::NodeData) }
                { save("save-records", "Every fault", "One fault a line (faults.jsonl)", Export::Records) }
            </div>
            { protected(state, act) }
            <p class="hint">{ "Bring a campaign that was made elsewhere, or images: a folder with a sub-folder for each class, a data set in one file (.npz, .tar, CIFAR), or one of images with one of labels (.npy, MNIST). Or drop them anywhere." }</p>
            <div class="button-row">
                <FileButton label="Open files…" solid=true act={act.clone()} />
                <FileButton label="Open a folder…" solid=true folder=true act={act.clone()} />
            </div>
        </Panel>
    }
}

/// Buttons that save the network with bounds in it.
fn protected(state: &Rc<State>, act: &Callback<Action>) -> Html {
    let disabled = !state.can_protect();
    let buttons = state.written_protections().into_iter().map(|one| {
        let onclick = act.reform(move |_: MouseEvent| Action::Campaign(CampaignAction::Protect(one.method.clone())));
        html! {
            <button type="button" class="button" id={format!("save-{}", one.row.name)} title={one.row.help} {disabled} {onclick}>{ one.row.label }</button>
        }
    });
    html! {
        <>
            <p class="hint">{ words::PROTECTED_FILE }</p>
            <div class="button-row" role="group" aria-label="Save the network with a protection">{ for buttons }</div>
            if let Some([learnt, of]) = state.bounding() {
                <p class="hint" id="bounding" role="status">{ format!("Bounds are learnt: golden run {} of {}.", words::count(learnt as u64), words::count(of as u64)) }</p>
            }
        </>
    }
}
