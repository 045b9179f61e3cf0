//! The legend: meanings of the colours and marks.

use std::rc::Rc;

use yew::prelude::*;

use super::boxes::Marks;
use super::props::Same;
use crate::diagram::Paint;

#[derive(Properties, PartialEq)]
pub struct KeyProps {
    pub paint: Same<Paint>,
    /// The marks in the diagram.
    pub marks: Marks,
}

/// The legend. It is redrawn when the colouring changes.
#[component]
pub fn Key(props: &KeyProps) -> Html {
    let paint: &Rc<Paint> = &props.paint.0;
    let entry = |mark: Html, text: &str| html! { <li>{ mark }{ text }</li> };
    let marks = [
        (props.marks.struck, "key-struck", "the fault strikes"),
        (props.marks.looked, "key-looked", "looked at"),
        (props.marks.swallowed, "key-swallowed", "the corruption ends"),
    ];
    html! {
        <div class="net-key">
            if let Some(missing) = paint.missing {
                <p class="hint" id="colour-missing">{ missing }</p>
            } else {
                <ul aria-label="Meaning of the colours">
                    { for paint.legend.iter().map(|(tone, text)| {
                        entry(html! { <i class={classes!("net-swatch", tone.class())}></i> }, text)
                    }) }
                </ul>
            }
            <ul aria-label="Meaning of the marks">
                { for marks.iter().filter(|(there, ..)| *there).map(|(_, class, text)| {
                    entry(html! { <i class={classes!("net-sign", *class)}></i> }, text)
                }) }
            </ul>
        </div>
    }
}
