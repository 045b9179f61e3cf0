//! Downloads that go on while the page works.

mod answer;
mod card;
mod download;
mod offline;
mod timing;

use yew::prelude::*;

pub use answer::AnswerPanel;
pub use card::CardPanel;
pub use download::Download;
pub use offline::keep_page;
pub use timing::Timing;

use super::Props;
use crate::state::{Action, DownloadAction};
use crate::words;

/// A larger network on its way, with a button that ends it.
#[component]
pub fn DownloadBar(props: &Props) -> Html {
    let Props { state, act } = props;
    let Some(download) = state.download() else { return Html::default() };
    let amount = match download.total {
        Some(total) => format!("{} of {}", words::bytes(download.received.min(total)), words::bytes(total)),
        None => words::bytes(download.received),
    };
    let meanwhile = match state.model() {
        Some(model) => format!("{} stays in use until it is there.", model.name),
        None => "Cancel to go on with the built-in network.".to_owned(),
    };
    html! {
        <div class="download" id="download">
            <div class="download-head">
                <span>{ format!("Fetching {}", download.name) }</span>
                <button type="button" class="button button-quiet" id="cancel-download"
                    onclick={act.reform(|_| Action::Download(DownloadAction::Cancel))}>{ "Cancel" }</button>
            </div>
            <div class="progress">
                <progress value={download.received.to_string()} max={download.total.map(|total| total.to_string())}
                    aria-label={format!("Fetching {}", download.name)} />
                <span>{ amount }</span>
            </div>
            <p class="hint">{ meanwhile }</p>
        </div>
    }
}
