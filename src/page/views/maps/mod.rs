//! The values of the tensor that the user looks at: golden, faulty and their difference side by side.

mod glance;
mod legend;
mod names;
mod plane;
mod raster;
mod sheet;

use std::rc::Rc;

use facts::Named;
use protocol::{TensorView, Which};
use yew::prelude::*;

pub use self::glance::Glance;
use self::legend::Legend;
use self::names::position;
use self::plane::Plane;
use self::sheet::Sheet;
use super::parts::Choice;
use crate::link::Scale;
use crate::state::{Action, State};
use crate::words;

#[derive(Properties, PartialEq)]
pub struct MapsProps {
    pub state: Rc<State>,
    pub act: Callback<Action>,
    /// Whether the page is dark.
    pub dark: bool,
}

/// The chosen plane of each run in large, and its neighbours as thumbnails.
#[component]
pub fn Maps(props: &MapsProps) -> Html {
    let MapsProps { state, act, dark } = props;
    let hovered = use_state_eq(|| None::<usize>);
    let hover = {
        let hovered = hovered.setter();
        use_callback((), move |spot, ()| hovered.set(spot))
    };
    // The last view stays until the next one arrives, so that the page does not flicker.
    let last = use_mut_ref(|| None::<Rc<TensorView>>);
    let now = state.view_now();
    if now.is_some() {
        last.borrow_mut().clone_from(&now);
    }
    let Some(looked) = state.looked() else { return waiting() };
    let (planes, plane, spot, tensor) = (looked.planes(), looked.plane(), looked.spot(), looked.tensor);
    let kept = last.borrow().clone();
    let fits =
        |view: &Rc<TensorView>| view.planes == planes && (view.first..view.first + planes.sheet()).contains(&plane);
    let Some(view) = now.or(kept.filter(fits)) else { return waiting() };
    let at = (*hovered).filter(|&at| at < planes.elements()).unwrap_or(spot);
    let is_there = |which: &Which| match which {
        Which::Golden => true,
        Which::Faulty | Which::Difference => view.faulty.is_some(),
        Which::Danger => view.danger.is_some(),
    };
    let all = [Which::Golden, Which::Faulty, Which::Difference, Which::Danger];
    let shown: Vec<Which> = all.into_iter().filter(is_there).collect();
    let struck = state.link.run.then(|| state.struck()).flatten();
    let struck = struck.filter(|struck| struck.tensor.id == tensor.id).map(|struck| struck.spot());
    let [hit, aimed] = state.outlined();
    let outlines = [&hit, &aimed].map(|spots| AttrValue::from(planes.outline(plane, spots)));
    let struck = struck.filter(|_| hit.is_empty());
    let mut hits: Vec<usize> = hit.iter().chain(&aimed).map(|&spot| planes.plane_of(spot)).collect();
    hits.sort_unstable();
    let figures = shown.iter().map(|&which| {
        let values = view.slice(which, (plane - view.first) * planes.per_plane, planes.per_plane);
        let scale = scale(state, &view, which, &values);
        html! {
            <figure class="map" key={which.label()} data-which={which.label()}>
                <figcaption>
                    <strong>{ which.label() }</strong>
                    <span class="map-value">{ view.value(which, at).map(words::number) }</span>
                </figcaption>
                <Plane {planes} {plane} {spot} {struck} outlines={outlines.clone()} hovered={*hovered} {values} {scale} tensor={tensor.clone()}
                    which={which} dark={*dark} act={act.clone()} hover={hover.clone()} />
                <Legend {scale} dark={*dark} />
            </figure>
        }
    });
    html! {
        <div class="maps" aria-busy={state.asked.view.busy().to_string()}>
            <div class={classes!("map-row", match shown.len() { 1 => Some("map-row-single"), 4 => Some("map-row-four"), _ => None })}>{ for figures }</div>
            <p class="readout" id="readout">
                <span class="readout-value">{ view.value(Which::Golden, at).map(words::number) }</span>
                <span>{ position(&planes, tensor, at) }</span>
            </p>
            <div class="map-tools">
                { scales(state, act) }
                { which(state, act) }
            </div>
            <Sheet view={view.clone()} which={state.which()} scale={scale_of_sheet(state, &view)} tensor={tensor.clone()}
                {plane} {spot} {hits} dark={*dark} {act} />
        </div>
    }
}

fn waiting() -> Html {
    html! { <div class="map-empty skeleton" aria-hidden="true"></div> }
}

/// Returns the end of the colour scale for one map.
fn scale(state: &State, view: &TensorView, which: Which, values: &[f32]) -> f32 {
    match state.link.scale {
        // The effect from which on the answer changes.
        _ if which == Which::Danger => 1.0,
        Scale::Map => values.iter().map(|value| value.abs()).filter(|value| value.is_finite()).fold(0.0, f32::max),
        Scale::Layer => layer_scale(view, which),
        Scale::Network => state.network_scale().unwrap_or_else(|| layer_scale(view, which)),
    }
}

/// Returns one scale for golden and faulty values, so that the change is visible. With separate scales, a flipped
/// exponent bit would give all other faulty values the colour of zero.
fn layer_scale(view: &TensorView, which: Which) -> f32 {
    let [golden, faulty, difference] = view.max_abs;
    match which {
        Which::Danger => 1.0,
        Which::Difference => difference,
        Which::Golden | Which::Faulty if golden > 0.0 => golden,
        Which::Golden | Which::Faulty => faulty,
    }
}

fn scale_of_sheet(state: &State, view: &TensorView) -> f32 {
    match state.link.scale {
        Scale::Network if state.which() != Which::Danger => {
            state.network_scale().unwrap_or_else(|| layer_scale(view, state.which()))
        }
        // The user compares thumbnails with each other, so they share a scale.
        Scale::Map | Scale::Layer | Scale::Network => layer_scale(view, state.which()),
    }
}

fn scales(state: &State, act: &Callback<Action>) -> Html {
    let all = [Scale::Map, Scale::Layer, Scale::Network];
    let options = vec![
        ("Map".into(), "Colours reach to the largest value of this map".into()),
        ("Layer".into(), "Colours reach to the largest value of this layer".into()),
        ("Network".into(), "Colours reach to the largest golden value of all layers".into()),
    ];
    let chosen = all.iter().position(|&scale| scale == state.link.scale).unwrap_or(0);
    html! {
        <span class="labelled"><span class="label">{ "Scale of" }</span>
            <Choice id="scale" label="Scale of the colours" {options} {chosen}
                choose={act.reform(move |index: usize| Action::choose(move |link| link.scale = all[index]))} /></span>
    }
}

/// Draws the choice of the run for the thumbnails, where there are several.
fn which(state: &State, act: &Callback<Action>) -> Html {
    let all = state.runs();
    if all.len() < 2 {
        return Html::default();
    }
    let options = all.iter().map(|which| (which.label().into(), which.row().help.into())).collect::<Vec<_>>();
    let chosen = all.iter().position(|&which| which == state.which()).unwrap_or(0);
    html! {
        <span class="labelled"><span class="label">{ "Small maps" }</span>
            <Choice id="which" label="Values shown in the small maps" {options} {chosen}
                choose={act.reform(move |index: usize| { let which = all.get(index).copied(); Action::choose(move |link| link.which = which) })} /></span>
    }
}
