//! The values of the chosen tensor, to look at and to choose an element from.

use std::rc::Rc;

use web_sys::{HtmlElement, MouseEvent as WebMouseEvent};
use yew::prelude::*;

use super::parts::Choice;
use super::raster::Raster;
use crate::web::palette;
use crate::web::planes::{PlaneKind, Planes};
use crate::web::protocol::{TensorInfo, TensorView, Which};
use crate::web::state::{Action, State};
use crate::web::words;

#[derive(Properties, PartialEq)]
pub struct FeatureMapProps {
    pub state: Rc<State>,
    pub act: Callback<Action>,
    /// Whether the page is dark.
    pub dark: bool,
}

/// The chosen plane large, and its neighbours as thumbnails.
#[component]
pub fn FeatureMap(props: &FeatureMapProps) -> Html {
    let FeatureMapProps { state, act, dark } = props;
    let hovered = use_state_eq(|| None::<usize>);
    // The same callback every time, so that moving the pointer draws nothing but the readout.
    let hover = {
        let hovered = hovered.setter();
        use_callback((), move |spot, ()| hovered.set(spot))
    };
    let shown = state.view_now().zip(state.planes()).zip(state.tensor().zip(state.spot()));
    let Some(((view, planes), (tensor, spot))) = shown else {
        return html! { <div class="map map-empty skeleton" aria-hidden="true"></div> };
    };
    let plane = planes.plane_of(spot);
    let at = (*hovered).filter(|&at| at < planes.elements()).unwrap_or(spot);
    html! {
        <div class="map" aria-busy={state.view.busy().to_string()}>
            { which(state, act) }
            <div class="map-row">
                <Plane view={view.clone()} tensor={tensor.clone()} {plane} {spot} dark={*dark} act={act.clone()} {hover} />
                <div class="map-side">
                    { legend(view.max_abs, *dark) }
                    <p class="readout" id="readout">
                        <span class="readout-value">{ view.value(at).map(words::number) }</span>
                        <span>{ position(&planes, tensor, at) }</span>
                        <span class="hint">{ if hovered.is_some() { "Click to choose" } else { "Chosen element" } }</span>
                    </p>
                </div>
            </div>
            <Sheet {view} tensor={tensor.clone()} {plane} {spot} dark={*dark} {act} />
        </div>
    }
}

/// Golden, faulty or their difference; there is a choice once a fault was injected.
fn which(state: &State, act: &Callback<Action>) -> Html {
    if state.injection_now().is_none() {
        return Html::default();
    }
    let all = [Which::Golden, Which::Faulty, Which::Difference];
    let options = vec![
        ("Golden".into(), "The values without a fault".into()),
        ("Faulty".into(), "The values of the last faulty run".into()),
        ("Difference".into(), "Faulty minus golden".into()),
    ];
    let chosen = all.iter().position(|&which| which == state.which).unwrap_or(0);
    html! {
        <Choice id="which" label="Values shown" {options} {chosen}
            choose={act.reform(move |index: usize| Action::ChooseWhich(all[index]))} />
    }
}

fn legend(max_abs: f32, dark: bool) -> Html {
    let css = |[r, g, b]: palette::Rgb| format!("rgb({r} {g} {b})");
    let stops: Vec<String> = (0..=8)
        .map(|step| {
            css(palette::colour(
                (step as f32 - 4.0) / 4.0 * max_abs.max(f32::MIN_POSITIVE),
                max_abs.max(f32::MIN_POSITIVE),
                dark,
            ))
        })
        .collect();
    html! {
        <div class="legend" role="img" aria-label={format!("Colours from {} through 0 to {}", words::number(-max_abs), words::number(max_abs))}>
            <span class="legend-bar" style={format!("background: linear-gradient(to right, {})", stops.join(", "))}></span>
            <span class="legend-ends"><span>{ words::number(-max_abs) }</span><span>{ "0" }</span><span>{ words::number(max_abs) }</span></span>
            <span class="legend-odd"><i style={format!("background: {}", css(palette::NON_FINITE))}></i>{ "NaN, ±∞" }</span>
        </div>
    }
}

fn plane_name(kind: PlaneKind, plane: usize) -> String {
    match kind {
        PlaneKind::Channel => format!("channel {plane}"),
        PlaneKind::Filter => format!("filter {plane}"),
        PlaneKind::Vector => "vector".to_owned(),
    }
}

/// The element that is drawn at `spot`, in words: the map is drawn as the tensor is stored, elements count as the source
/// framework lays it out.
fn position(planes: &Planes, tensor: &TensorInfo, spot: usize) -> String {
    let element = tensor.element(spot);
    let (row, column) = planes.position(spot);
    let plane = planes.plane_of(spot);
    match planes.kind {
        PlaneKind::Channel => format!("element {element}: channel {plane}, row {row}, column {column}"),
        PlaneKind::Filter => format!("element {element}: filter {plane}, weight {}", spot % planes.per_plane.max(1)),
        PlaneKind::Vector => format!("element {element}"),
    }
}

#[derive(Properties, PartialEq)]
struct PlaneProps {
    view: Rc<TensorView>,
    tensor: TensorInfo,
    plane: usize,
    spot: usize,
    dark: bool,
    act: Callback<Action>,
    hover: Callback<Option<usize>>,
}

/// One plane, large.
#[component]
fn Plane(props: &PlaneProps) -> Html {
    let PlaneProps { view, tensor, plane, spot, dark, act, hover } = props;
    let frame = use_node_ref();
    let planes = view.planes;
    let (plane, spot) = (*plane, *spot);
    let (rows, columns) = (planes.rows().max(1), planes.columns.max(1));
    let find = {
        let frame = frame.clone();
        move |event: &WebMouseEvent| {
            let bounds = frame.cast::<HtmlElement>()?.get_bounding_client_rect();
            let place = |at: f64, length: f64, cells: usize| {
                let share = at / length;
                (0.0..1.0).contains(&share).then_some((share * cells as f64) as usize)
            };
            let row = place(f64::from(event.client_y()) - bounds.top(), bounds.height(), rows)?;
            let column = place(f64::from(event.client_x()) - bounds.left(), bounds.width(), columns)?;
            planes.element(plane, row, column)
        }
    };
    let onpointermove = {
        let (find, hover) = (find.clone(), hover.clone());
        Callback::from(move |event: PointerEvent| hover.emit(find(&event)))
    };
    let onpointerleave = hover.reform(|_: PointerEvent| None);
    let onclick = {
        let (act, tensor) = (act.clone(), tensor.clone());
        Callback::from(move |event: MouseEvent| {
            if let Some(spot) = find(&event) {
                act.emit(Action::ChooseElement(tensor.element(spot)));
            }
        })
    };
    let onkeydown = {
        let (act, tensor) = (act.clone(), tensor.clone());
        Callback::from(move |event: KeyboardEvent| {
            let (row, column) = planes.position(spot);
            let to = match event.key().as_str() {
                "ArrowLeft" => column.checked_sub(1).map(|column| (row, column)),
                "ArrowRight" => Some((row, column + 1)),
                "ArrowUp" => row.checked_sub(1).map(|row| (row, column)),
                "ArrowDown" => Some((row + 1, column)),
                _ => return,
            };
            event.prevent_default();
            if let Some(spot) = to.and_then(|(row, column)| planes.element(plane, row, column)) {
                act.emit(Action::ChooseElement(tensor.element(spot)));
            }
        })
    };
    let (row, column) = planes.position(spot);
    let percent = |part: usize, whole: usize| 100.0 * part as f64 / whole as f64;
    let marker = format!(
        "left: {}%; top: {}%; width: {}%; height: {}%",
        percent(column, columns),
        percent(row, rows),
        percent(1, columns),
        percent(1, rows)
    );
    html! {
        <div class="plane" ref={frame} tabindex="0" role="group" id="feature-map"
            aria-label={format!("Values of {}; the arrow keys choose an element. Chosen: {}", plane_name(planes.kind, plane), position(&planes, tensor, spot))}
            style={format!("aspect-ratio: {columns} / {rows}; --cells: {}", columns.max(rows))}
            {onpointermove} {onpointerleave} {onclick} {onkeydown}>
            <Raster values={plane_values(view, plane)} {columns} max_abs={view.max_abs} {dark} />
            <span class="marker" style={marker}></span>
        </div>
    }
}

#[derive(Properties, PartialEq)]
struct SheetProps {
    view: Rc<TensorView>,
    tensor: TensorInfo,
    plane: usize,
    spot: usize,
    dark: bool,
    act: Callback<Action>,
}

/// The planes around the chosen one as thumbnails.
#[component]
fn Sheet(props: &SheetProps) -> Html {
    let SheetProps { view, tensor, plane, spot, dark, act } = props;
    let planes = view.planes;
    if planes.count < 2 {
        return Html::default();
    }
    let within = spot % planes.per_plane.max(1);
    let go = |plane: usize| {
        let element = tensor.element(plane * planes.per_plane + within);
        act.reform(move |_: MouseEvent| Action::ChooseElement(element))
    };
    let last = (view.first + planes.sheet()).min(planes.count);
    let thumbnails = (view.first..last).map(|index| {
        let chosen = index == *plane;
        let name = plane_name(planes.kind, index);
        html! {
            <button type="button" key={index} class={classes!("tile", chosen.then_some("chosen"))} aria-pressed={chosen.to_string()}
                aria-label={name.clone()} title={name} onclick={go(index)}>
                <Raster values={plane_values(view, index)} columns={planes.columns} max_abs={view.max_abs} {dark} />
            </button>
        }
    });
    let several = planes.count > planes.sheet();
    html! {
        <div class="sheet">
            <div class="tiles">{ for thumbnails }</div>
            if several {
                <div class="pager">
                    <button type="button" class="button button-quiet" disabled={view.first == 0}
                        onclick={go(view.first.saturating_sub(planes.sheet()))}>{ "Previous" }</button>
                    <span class="hint">{ format!("{} to {} of {}", view.first, last - 1, planes.count) }</span>
                    <button type="button" class="button button-quiet" disabled={last == planes.count}
                        onclick={go(last.min(planes.count - 1))}>{ "Next" }</button>
                </div>
            }
        </div>
    }
}

fn plane_values(view: &TensorView, plane: usize) -> Vec<f32> {
    let size = view.planes.per_plane;
    let start = plane.saturating_sub(view.first) * size;
    view.slice(start, size)
}
