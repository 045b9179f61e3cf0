//! The classes that the images show: where their labels come from.

use std::rc::Rc;

use facts::Named;
use facts::data::{FolderOrder, NO_LABELS};
use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use super::super::Props;
use super::super::files::FileButton;
use super::settings::set;
use crate::state::{Action, OWN, State};

/// The statements about labels, closed as long as there are none.
#[component]
pub fn LabelsField(props: &Props) -> Html {
    let Props { state, act } = props;
    let link = &state.link.campaign;
    let open = link.labels.is_some() || link.folder_order.is_some() || link.label_shift.is_some();
    html! {
        <details class="card-numbers" id="campaign-labelling" {open}>
            <summary>{ "Labels" }</summary>
            { source(state, act) }
            if link.labels.is_none() { { order(state, act) } }
            { shift(state, act) }
        </details>
    }
}

/// Names of folders and files, a list, or none.
fn source(state: &Rc<State>, act: &Callback<Action>) -> Html {
    let chosen = state.link.campaign.labels.clone();
    let mut options = vec![
        (None, "From folders and file names".to_owned()),
        (Some(NO_LABELS.to_owned()), "None: the accuracy is not known".to_owned()),
    ];
    options.extend(state.campaign.lists.iter().map(|list| (Some(format!("{OWN}{}", list.name)), list.name.clone())));
    // A link may name a list that its reader has not brought yet.
    if let Some(name) = chosen.as_ref().filter(|_| options.iter().all(|(id, _)| *id != chosen)) {
        options.push((chosen.clone(), format!("{}: bring this file", name.trim_start_matches(OWN))));
    }
    let ids: Vec<Option<String>> = options.iter().map(|(id, _)| id.clone()).collect();
    let choose = set(state, act, move |link, event: Event| {
        let index = event.target_unchecked_into::<HtmlSelectElement>().selected_index();
        link.labels = usize::try_from(index).ok().and_then(|index| ids.get(index).cloned()).flatten();
        if link.labels.is_some() {
            link.folder_order = None;
        }
    });
    html! {
        <div class="field" title="A list has lines NAME LABEL, or a first line such as filename,label, or a label for each image in the order of their names">
            <label for="campaign-labels">{ "Labels of the images" }</label>
            <select id="campaign-labels" onchange={choose}>
                { for options.into_iter().map(|(id, text)| html! { <option selected={id == chosen}>{ text }</option> }) }
            </select>
            <FileButton label="Open a list…" accept=".csv,.tsv,.txt" lists=true {act} />
        </div>
    }
}

/// The rule that gives a folder its class.
fn order(state: &Rc<State>, act: &Callback<Action>) -> Html {
    let chosen = state.link.campaign.folder_order;
    let choose = set(state, act, |link, event: Event| {
        let value = event.target_unchecked_into::<HtmlSelectElement>().value();
        link.folder_order = FolderOrder::named(&value).ok();
    });
    html! {
        <div class="field">
            <label for="folder-order">{ "Classes of folders" }</label>
            <select id="folder-order" onchange={choose}>
                <option value="" selected={chosen.is_none()}>{ "As the names tell" }</option>
                { for FolderOrder::ALL.iter().map(|&(order, row)| html! {
                    <option value={row.name} title={row.help} selected={chosen == Some(order)}>{ row.label }</option>
                }) }
            </select>
        </div>
    }
}

/// The number that is added to each label.
fn shift(state: &Rc<State>, act: &Callback<Action>) -> Html {
    let value = state.link.campaign.label_shift.map(|shift| shift.to_string()).unwrap_or_default();
    let (choose, tell, before) = (set(state, act, |link, shift| link.label_shift = shift), act.clone(), value.clone());
    let onchange = move |event: Event| {
        let input: HtmlInputElement = event.target_unchecked_into();
        let text = input.value().trim().to_owned();
        match text.parse::<isize>() {
            Ok(shift) => choose.emit(Some(shift).filter(|&shift| shift != 0)),
            Err(_) if text.is_empty() => choose.emit(None),
            Err(_) => {
                tell.emit(Action::Tell(format!("Added to each label: a whole number is expected, found “{text}”.")));
                input.set_value(&before);
            }
        }
    };
    html! {
        <div class="field" title="1 for a network whose class 0 is the background, -1 for labels from 1">
            <label for="label-shift">{ "Added to each label" }</label>
            <input id="label-shift" type="text" autocomplete="off" placeholder="0" {value} {onchange} />
        </div>
    }
}
