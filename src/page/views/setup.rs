//! Choosing a model and an image.

use web_sys::HtmlSelectElement;
use yew::prelude::*;

use super::Props;
use super::files::FileButton;
use super::parts::{Panel, stop, walk};
use super::startup::{AnswerPanel, CardPanel, DownloadBar};
use crate::state::asked::Progress;
use crate::state::{Action, OWN, State};
use crate::words;

/// Model and image.
#[component]
pub fn Setup(props: &Props) -> Html {
    let Props { state, act } = props;
    let select = use_node_ref();
    // A network that is fetched is chosen when it has arrived. Until then the list shows the one in use.
    use_effect({
        let (select, chosen) = (select.clone(), state.model_id());
        move || {
            if let (Some(select), Some(id)) = (select.cast::<HtmlSelectElement>(), chosen) {
                select.set_value(&id);
            }
        }
    });
    let open = state.question().is_some();
    html! {
        <Panel id="setup" title="Network and image" untitled=true busy={state.asked.lab.busy()}>
            { model(state, act, &select) }
            <DownloadBar {state} {act} />
            // A question holds everything up; an answer does not.
            if open { <AnswerPanel {state} {act} /> }
            { images(state, act) }
            { model_facts(state) }
            if !open { <AnswerPanel {state} {act} /> }
            <CardPanel {state} {act} />
        </Panel>
    }
}

fn model(state: &State, act: &Callback<Action>, select: &NodeRef) -> Html {
    let chosen = state.model_id();
    let onchange =
        act.reform(|event: Event| Action::ChooseModel(event.target_unchecked_into::<HtmlSelectElement>().value()));
    let offered = state.catalogue.iter().flat_map(|catalogue| &catalogue.models).map(|entry| {
        let size = entry.bytes.map(|bytes| format!(" ({})", words::bytes(bytes))).unwrap_or_default();
        (entry.id.clone(), format!("{}{size}", entry.name))
    });
    let own = state.own_models.iter().map(|file| (format!("{OWN}{}", file.name), file.name.clone()));
    let mut options: Vec<(String, String)> = offered.chain(own).collect();
    // A link may name a file that its reader does not have.
    if let Some(id) = chosen.clone().filter(|id| options.iter().all(|(known, _)| known != id)) {
        options.push((id.clone(), id));
    }
    html! {
        <>
            <div class="field">
                <div class="field-head">
                    <label for="model">{ "Network" }</label>
                    <FileButton label="Open…" accept=".onnx,.h5,.hdf5,.keras,.bpk,.safetensors" {act} />
                </div>
                <select id="model" ref={select.clone()} {onchange} disabled={options.is_empty()}>
                    { for options.into_iter().map(|(id, name)| {
                        let selected = chosen.as_ref() == Some(&id);
                        html! { <option value={id} {selected}>{ name }</option> }
                    }) }
                </select>
            </div>
            { progress(state) }
        </>
    }
}

/// The size of the network, and notices about its file.
fn model_facts(state: &State) -> Html {
    let Some(model) = state.model() else { return Html::default() };
    let [height, width] = model.input;
    let facts = format!(
        "{} layers, {} parameters, {height} × {width} input, {} classes",
        words::count(model.layers.len() as u64),
        words::count(model.parameters as u64),
        words::count(model.classes as u64)
    );
    html! {
        <>
            <p class="hint" id="model-facts">{ facts }</p>
            if let Some(numbers) = state.numbers() {
                <p class="hint" id="numbers-told">{ words::rounded(&numbers) }</p>
            }
            { for model.notices.iter().map(|notice| html! { <p class="hint model-notice">{ words::in_page_words(notice) }</p> }) }
        </>
    }
}

fn progress(state: &State) -> Html {
    if !state.asked.lab.busy() {
        return Html::default();
    }
    match state.asked.lab.progress() {
        Some(Progress { done: received, all: Some(total), .. }) if total > 0 && received < total => html! {
            <div class="progress">
                <progress value={received.to_string()} max={total.to_string()} aria-label="Loading the network" />
                <span>{ format!("{} of {}", words::bytes(received), words::bytes(total)) }</span>
            </div>
        },
        Some(Progress { done: received, .. }) if received > 0 => html! {
            <div class="progress">
                <progress aria-label="Preparing the network" />
                <span>{ format!("{}: preparing", words::bytes(received)) }</span>
            </div>
        },
        _ => html! {
            <div class="progress"><progress aria-label="Loading the network" /><span>{ "Loading" }</span></div>
        },
    }
}

fn images(state: &State, act: &Callback<Action>) -> Html {
    let chosen = state.image().map(|(id, _)| id);
    let images = state.images();
    let thumbnails = images.iter().enumerate().map(|(index, (id, file, label))| {
        let pressed = chosen.as_ref() == Some(id);
        let name = if label.is_empty() { file.name.clone() } else { label.clone() };
        let choose = Action::ChooseImage(id.clone());
        html! {
            <button type="button" key={id.clone()} class={classes!("thumbnail", pressed.then_some("chosen"))}
                tabindex={stop(pressed)} aria-pressed={pressed.to_string()} aria-label={format!("Image {}: {name}", index + 1)} title={name}
                onclick={act.reform(move |_| choose.clone())}>
                <img src={file.url.clone()} alt="" loading="lazy" />
            </button>
        }
    });
    html! {
        <div class="field">
            <div class="field-head">
                <span class="label" id="images-label">{ "Image" }</span>
                <FileButton label="Open…" accept="image/*,.ppm,.pgm,.pnm" {act} />
            </div>
            if let Some((_, file)) = state.image() {
                <img class="photo" src={file.url} alt="The chosen image" />
            } else {
                <p class="empty photo">{ "Drop an image anywhere on the page." }</p>
            }
            <div class="strip" id="images" role="toolbar" aria-labelledby="images-label" data-strip="" onkeydown={walk}>{ for thumbnails }</div>
        </div>
    }
}
