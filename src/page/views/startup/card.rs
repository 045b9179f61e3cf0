//! How an image becomes the network's input, and which names and groups its classes have: said by the model's file,
//! proposed, or changed by the user.

use std::fmt::Display;
use std::str::FromStr;

use facts::Named;
use facts::data::{Color, Filter, Preprocess, Resize, Values};
use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use super::super::Props;
use super::super::files::FileButton;
use super::answer::input_size;
use crate::link::CardChoice;
use crate::state::{Action, OWN, State};

/// Preprocessing, class names and grouping of the chosen network.
#[component]
pub fn CardPanel(props: &Props) -> Html {
    let Props { state, act } = props;
    let Some(model) = state.model() else { return Html::default() };
    let info = &model.preprocess;
    let changed = !state.link.card.preprocess().is_empty();
    let own = state.link.card.labels.is_some() || state.link.card.grouping.is_some();
    let source = match (&info.stated, changed) {
        (_, true) => "changed by you",
        (Some(_), false) => "as the file says",
        (None, false) => "proposed: the file says nothing",
    };
    let from_file = act.reform(|_| Action::choose(|link| link.card.forget_preprocess()));
    html! {
        <details class="card-details" id="card" open={info.stated.is_none() || changed || own}>
            <summary>
                { "Input " }<span class="card-value">{ values_label(&info.used) }</span>
                <span class="hint">{ source }</span>
            </summary>
            <div class="card-fields">
                <p class="hint" id="preprocessing">{ format!("{}.", info.used) }</p>
                { size(state, act) }
                { normalise(&info.used, act) }
                { resize(&info.used, act) }
                { numbers(state, &info.used, act) }
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

/// The way from pixel values to input values, in a few words.
fn values_label(used: &Preprocess) -> String {
    match &used.normalise {
        Values::Known(known) => known.label().to_owned(),
        Values::Own(pixels) => pixels.to_string(),
    }
}

/// A choice of one of the names of an enumeration. `own` is what is shown where none of them is in use.
fn choice<T: Named + PartialEq>(
    (id, label): (&'static str, &'static str),
    used: Option<T>,
    own: Option<String>,
    act: &Callback<Action>,
    choose: fn(&mut CardChoice, Option<T>),
) -> Html {
    let onchange = act.reform(move |event: Event| {
        let value = event.target_unchecked_into::<HtmlSelectElement>().value();
        Action::choose(move |link| choose(&mut link.card, T::named(&value).ok()))
    });
    html! {
        <div class="field">
            <label for={id}>{ label }</label>
            <select {id} {onchange}>
                if let Some(own) = own {
                    <option value="" selected={used.is_none()}>{ own }</option>
                }
                { for T::ALL.iter().map(|&(value, row)| html! {
                    <option value={row.name} selected={used == Some(value)}>{ row.label }</option>
                }) }
            </select>
        </div>
    }
}

/// The input value for a pixel value x from 0 to 255.
fn normalise(used: &Preprocess, act: &Callback<Action>) -> Html {
    let (known, own) = match &used.normalise {
        Values::Known(known) => (Some(*known), None),
        Values::Own(pixels) => (None, Some(pixels.to_string())),
    };
    choice(("preprocess", "Pixel values"), known, own, act, |card, known| {
        // A known way states all numbers itself.
        (card.scale, card.mean, card.std) = (None, None, None);
        card.normalise = known;
    })
}

fn resize(used: &Preprocess, act: &Callback<Action>) -> Html {
    choice(("resize", "Size"), Some(used.sizing.resize), None, act, |card, resize| {
        // Another way has its own filter and crop.
        (card.filter, card.antialias, card.crop) = (None, None, None);
        card.resize = resize;
    })
}

/// The numbers behind the known ways, for those who have others.
fn numbers(state: &State, used: &Preprocess, act: &Callback<Action>) -> Html {
    let card = &state.link.card;
    let pixels = used.normalise.pixels();
    let open = card.scale.is_some() || card.mean.is_some() || card.std.is_some() || card.filter.is_some();
    let resampled = used.sizing.resize != Resize::CropPad;
    html! {
        <details class="card-numbers" {open}>
            <summary>{ "In numbers" }</summary>
            { choice(("color", "Channels"), Some(pixels.color), None, act, |card, color: Option<Color>| card.color = color) }
            { number(("pixel-scale", "Scale", "Factor of pixel values from 0 to 255: 1/255", ""), pixels.scale, act,
                |card, scale| { card.normalise = None; card.scale = scale; }) }
            { number(("mean", "Mean", "One number, or one a channel with commas between them", ""), pixels.mean, act,
                |card, mean| { card.normalise = None; card.mean = mean; }) }
            { number(("std", "Deviation", "One number, or one a channel with commas between them", ""), pixels.std, act,
                |card, std| { card.normalise = None; card.std = std; }) }
            if resampled {
                { choice(("filter", "Filter"), used.sizing.filter, Some("The size's own".to_owned()), act,
                    |card, filter: Option<Filter>| card.filter = filter) }
                { antialias(used, act) }
                { crop(used, act) }
            }
        </details>
    }
}

fn antialias(used: &Preprocess, act: &Callback<Action>) -> Html {
    let onchange = act.reform(|event: Event| {
        let value = event.target_unchecked_into::<HtmlSelectElement>().value();
        Action::choose(move |link| {
            link.card.antialias = match value.as_str() {
                "on" => Some(true),
                "off" => Some(false),
                _ => None,
            }
        })
    });
    let option = |value: &'static str, is: Option<bool>, label: &'static str| {
        html! { <option {value} selected={used.sizing.antialias == is}>{ label }</option> }
    };
    html! {
        <div class="field">
            <label for="antialias">{ "Antialiasing" }</label>
            <select id="antialias" {onchange}>
                { option("", None, "The size's own") }
                { option("on", Some(true), "On, as Pillow and torchvision") }
                { option("off", Some(false), "Off, as OpenCV and TensorFlow") }
            </select>
        </div>
    }
}

fn crop(used: &Preprocess, act: &Callback<Action>) -> Html {
    let value = used.sizing.crop.map(|crop| crop.to_string()).unwrap_or_default();
    text(
        (
            "crop",
            "Crop",
            "Size before the centre is kept, and after: 256/224; or the share that is kept: 0.875",
            "the size's own",
        ),
        value,
        act,
        |card, crop| card.crop = crop,
    )
}

/// Of a field: its id, its label, what it holds, and what stands in it while it is empty.
type Words = (&'static str, &'static str, &'static str, &'static str);

/// A field for a value with a text of its own.
fn number<T: FromStr<Err: Display> + Display + 'static>(
    names: Words,
    used: T,
    act: &Callback<Action>,
    choose: fn(&mut CardChoice, Option<T>),
) -> Html {
    text(names, used.to_string(), act, choose)
}

/// The input's size, where the file leaves it to the user.
fn size(state: &State, act: &Callback<Action>) -> Html {
    match state.link.card.input_size {
        Some(size) => input_size(size.to_string(), act),
        None => Html::default(),
    }
}

/// A field for a text. What cannot be read is said, and the field shows `value` again.
pub(super) fn text<T: FromStr<Err: Display> + 'static>(
    (id, label, title, empty): Words,
    value: String,
    act: &Callback<Action>,
    choose: fn(&mut CardChoice, Option<T>),
) -> Html {
    let before = value.clone();
    let onchange = act.reform(move |event: Event| {
        let input: HtmlInputElement = event.target_unchecked_into();
        let text = input.value().trim().to_owned();
        if text.is_empty() {
            return Action::choose(move |link| choose(&mut link.card, None));
        }
        match text.parse::<T>() {
            Ok(_) => Action::choose(move |link| choose(&mut link.card, text.parse().ok())),
            Err(problem) => {
                input.set_value(&before);
                Action::Tell(format!("{label}: {problem}; found “{text}”."))
            }
        }
    });
    html! {
        <div class="field" {title}>
            <label for={id}>{ label }</label>
            <input {id} type="text" autocomplete="off" placeholder={empty} {value} {onchange} />
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
