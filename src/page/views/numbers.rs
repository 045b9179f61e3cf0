//! The choice of a number format.

use facts::fault::Format;
use web_sys::HtmlSelectElement;
use yew::prelude::*;

use crate::words;

/// The formats on offer, each for outputs and parameters alike. A link may hold others.
const OFFERED: [Format; 8] = [
    Format::F32,
    Format::F16,
    Format::Bf16,
    Format::E4m3,
    Format::E5m2,
    Format::I8,
    Format::I16,
    Format::Fixed { whole: 7, fraction: 8 },
];

#[derive(Properties, PartialEq)]
pub struct FormatSelectProps {
    /// Id of the list.
    pub id: AttrValue,
    /// The formats of layers' outputs and of parameters.
    pub chosen: [Format; 2],
    /// Whether another format can be chosen.
    #[prop_or_default]
    pub disabled: bool,
    /// Receives the formats.
    pub choose: Callback<[Format; 2]>,
}

/// A list of number formats.
#[component]
pub fn FormatSelect(props: &FormatSelectProps) -> Html {
    let FormatSelectProps { id, chosen, disabled, choose } = props;
    let mut offered: Vec<[Format; 2]> = OFFERED.iter().map(|&format| [format, format]).collect();
    if !offered.contains(chosen) {
        offered.push(*chosen);
    }
    let options = offered.clone();
    let onchange = choose.reform(move |event: Event| {
        let index = event.target_unchecked_into::<HtmlSelectElement>().selected_index();
        usize::try_from(index).ok().and_then(|index| options.get(index).copied()).unwrap_or_default()
    });
    html! {
        <select id={id.clone()} disabled={*disabled} title={words::NUMBER_FORMAT} {onchange}>
            { for offered.into_iter().map(|formats| html! {
                <option value={name(formats)} selected={formats == *chosen}>{ words::formats(formats) }</option>
            }) }
        </select>
    }
}

/// The name of the formats in the list.
fn name([outputs, weights]: [Format; 2]) -> String {
    if outputs == weights { outputs.to_string() } else { format!("{outputs},{weights}") }
}
