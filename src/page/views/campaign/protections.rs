//! Which protections the campaign compares: one by one, and the images that they are learnt from.

use facts::campaign::compared::Method;
use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::super::Props;
use super::super::parts::use_unfolded;
use super::settings::{Number, set};
use crate::link::MAX_IMAGES;
use crate::state::Offered;
use crate::words;

/// A list to open, with a box to tick for each protection.
#[component]
pub fn ProtectionsField(props: &Props) -> Html {
    let Props { state, act } = props;
    let (open, toggle) = use_unfolded();
    let offered = state.offered_protections();
    let learns = offered.iter().any(|one| one.chosen && one.method.is_learnt());
    let choose = |method: &Method| {
        let method = method.clone();
        set(state, act, move |link, event: Event| {
            let mut methods = link.protections.take().unwrap_or_default();
            methods.retain(|other| *other != method);
            if event.target_unchecked_into::<HtmlInputElement>().checked() {
                methods.push(method.clone());
            }
            link.protections = (!methods.is_empty()).then_some(methods);
        })
    };
    html! {
        <details class="layer-choice" id="campaign-protections" ontoggle={toggle}>
            <summary>
                <span class="label">{ "Protections" }</span>
                <span class="layer-choice-sum">{ words::chosen_protections(&state.protections()) }</span>
            </summary>
            if open {
                <ul class="layer-choice-list" tabindex="0" aria-label="Protections">
                    { for offered.iter().map(|one: &Offered| html! {
                        <li key={one.row.name}>
                            <label title={one.unfit.unwrap_or(one.row.help)}>
                                <input type="checkbox" name={one.row.name} checked={one.chosen} disabled={one.unfit.is_some()}
                                    onchange={choose(&one.method)} />
                                <span class="layer-choice-name">{ one.row.label }</span>
                                <span class="layer-choice-kind">{ one.row.name }</span>
                            </label>
                        </li>
                    }) }
                </ul>
            }
            if open && learns {
                <Number id="campaign-profile" label="Learnt from the first images" optional=true
                    title="Bounds are those of the golden runs of so many images; 100, or all where there are fewer, where this is empty"
                    value={state.link.campaign.profile.map(|images| images.to_string()).unwrap_or_default()}
                    least={1.0} most={MAX_IMAGES as f64} whole=true
                    choose={set(state, act, |link, text: String| link.profile = text.parse().ok())} act={act.clone()} />
            }
        </details>
    }
}
