//! How an image becomes the network's input, and which names and groups its classes have: said by the model's file,
//! proposed, or changed by the user.

use facts::Named;
use facts::data::{Normalise, Preprocess, Resize};
use web_sys::HtmlSelectElement;
use yew::prelude::*;

use super::super::Props;
use super::super::files::FileButton;
use crate::state::{Action, OWN, State};

/// Preprocessing, class names and grouping of the chosen network.
#[component]
pub fn CardPanel(props: &Props) -> Html {
    let Props { state, act } = props;
    let Some(model) = state.model() else { return Html::default() };
    let info = &model.preprocess;
    let chosen = (state.link.card.normalise, state.link.card.resize);
    let changed = chosen != (None, None);
    let own = state.link.card.labels.is_some() || state.link.card.grouping.is_some();
    let source = match (&info.stated, changed) {
        (_, true) => "changed by you",
        (Some(_), false) => "as the file says",
        (None, false) => "proposed: the file says nothing",
    };
    let from_file = act.reform(|_| Action::choose(|link| (link.card.normalise, link.card.resize) = (None, None)));
    html! {
        <details class="card-details" id="card" open={info.stated.is_none() || changed || own}>
            <summary>
                { "Input " }<span class="card-value">{ info.used.normalise.label() }</span>
                <span class="hint">{ source }</span>
            </summary>
            <div class="card-fields">
                { normalise(&info.used, act) }
                { resize(&info.used, act) }
                if changed {
                    <button type="button" class="button button-quiet" id="preprocess-reset" onclick={from_file}>
                        { if info.stated.is_some() { "As the file says" } else { "As proposed" } }
                    </button>
                }
                { own_file(state, act, "Class names", &state.link.card.labels, Action::choose(|link| link.card.labels = None), ".txt") }
                { own_file(state, act, "Grouping", &state.link.card.grouping, Action::choose(|link| link.card.grouping = None), ".toml") }
            </div>
        </details>
    }
}

/// The input value for a pixel value x from 0 to 255.
fn normalise(used: &Preprocess, act: &Callback<Action>) -> Html {
    let onchange = act.reform(|event: Event| {
        let value = event.target_unchecked_into::<HtmlSelectElement>().value();
        Action::choose(move |link| link.card.normalise = Normalise::named(&value).ok())
    });
    html! {
        <div class="field">
            <label for="preprocess">{ "Pixel values" }</label>
            <select id="preprocess" {onchange}>
                { for Normalise::ALL.iter().map(|&(value, row)| html! {
                    <option value={row.name} selected={value == used.normalise}>{ row.label }</option>
                }) }
            </select>
        </div>
    }
}

fn resize(used: &Preprocess, act: &Callback<Action>) -> Html {
    let onchange = act.reform(|event: Event| {
        let value = event.target_unchecked_into::<HtmlSelectElement>().value();
        Action::choose(move |link| link.card.resize = Resize::named(&value).ok())
    });
    html! {
        <div class="field">
            <label for="resize">{ "Size" }</label>
            <select id="resize" {onchange}>
                { for Resize::ALL.iter().map(|&(value, row)| html! {
                    <option value={row.name} selected={value == used.resize}>{ row.label }</option>
                }) }
            </select>
        </div>
    }
}

/// A file of the user's that replaces a statement of the model's file, or a button to bring one.
fn own_file(
    state: &State,
    act: &Callback<Action>,
    label: &'static str,
    id: &Option<String>,
    drop: Action,
    ending: &'static str,
) -> Html {
    let edited = state.link.campaign.groups.as_ref().map(|groups| groups.name().to_owned());
    let grouping = state.model().and_then(|model| model.grouping.clone());
    let own = id.as_ref().map(|id| id.strip_prefix(OWN).unwrap_or(id).to_owned());
    let shown = match (label, own.clone()) {
        ("Grouping", own) => edited.or(own).or(grouping).unwrap_or_else(|| "none: SCM is not judged".to_owned()),
        (_, own) => own.unwrap_or_else(|| "the network's own".to_owned()),
    };
    html! {
        <div class="card-file">
            <span class="label">{ label }</span>
            <span class="card-value">{ shown }</span>
            if own.is_some() {
                <button type="button" class="button button-quiet" aria-label={format!("{label}: the network's own again")}
                    onclick={act.reform(move |_| drop.clone())}>{ "Remove" }</button>
            } else {
                <FileButton label="Open…" accept={ending} {act} />
            }
        </div>
    }
}
