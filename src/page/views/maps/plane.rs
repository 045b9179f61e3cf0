//! One plane of a tensor in large, for viewing and for choosing an element.

use facts::Named;
use protocol::planes::Planes;
use protocol::{TensorInfo, Which};
use web_sys::{HtmlElement, MouseEvent as WebMouseEvent};
use yew::prelude::*;

use super::names::{plane_name, position};
use super::raster::Raster;
use crate::state::Action;

#[derive(Properties, PartialEq)]
pub struct PlaneProps {
    /// The planes of the tensor.
    pub planes: Planes,
    /// The visible plane.
    pub plane: usize,
    /// The chosen element, in the stored order.
    pub spot: usize,
    /// The element that the fault struck, if it is in this tensor.
    pub struck: Option<usize>,
    /// Outlines of the elements that a pattern has struck, and of those that it would strike next.
    pub outlines: [AttrValue; 2],
    /// The element under the pointer, in this map or in a map beside it.
    pub hovered: Option<usize>,
    /// The plane's values.
    pub values: Vec<f32>,
    /// End of the scale.
    pub scale: f32,
    /// The tensor.
    pub tensor: TensorInfo,
    /// The run of these values.
    pub which: Which,
    /// Whether the page is dark.
    pub dark: bool,
    /// Receives the choice.
    pub act: Callback<Action>,
    /// Receives the element under the pointer.
    pub hover: Callback<Option<usize>>,
}

/// The plane with its marks.
#[component]
pub fn Plane(props: &PlaneProps) -> Html {
    let PlaneProps { planes, tensor, act, hover, which, .. } = props;
    let frame = use_node_ref();
    let (planes, plane, spot) = (*planes, props.plane, props.spot);
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
    let mark = |class: &'static str, at: Option<usize>| {
        at.filter(|&at| planes.plane_of(at) == plane).map(|at| {
            let (row, column) = planes.position(at);
            let percent = |part: usize, whole: usize| 100.0 * part as f64 / whole as f64;
            let style = format!(
                "left: {}%; top: {}%; width: {}%; height: {}%",
                percent(column, columns),
                percent(row, rows),
                percent(1, columns),
                percent(1, rows)
            );
            html! { <span class={classes!("marker", class)} {style}></span> }
        })
    };
    let label = format!(
        "{} values of {}; the arrow keys choose an element. Chosen: {}",
        which.label(),
        plane_name(planes.kind, plane),
        position(&planes, tensor, spot)
    );
    // Links and tests use this id, so only the first map has it.
    let id = (*which == Which::Golden).then_some("feature-map");
    html! {
        <div class="plane" ref={frame} tabindex="0" role="group" {id} aria-label={label}
            style={format!("aspect-ratio: {columns} / {rows}; --cells: {}", columns.max(rows))}
            {onpointermove} {onpointerleave} {onclick} {onkeydown}>
            <Raster values={props.values.clone()} {columns} max_abs={props.scale} dark={props.dark} />
            { for outline("outline-struck", [columns, rows], &props.outlines[0]) }
            { for outline("outline-aimed", [columns, rows], &props.outlines[1]) }
            { for mark("marker-struck", props.struck) }
            { for mark("marker-chosen", Some(spot)) }
            { for mark("marker-hovered", props.hovered.filter(|&at| at != spot)) }
        </div>
    }
}

/// An outline over a map of so many columns and rows; nothing where no element is in it.
pub(super) fn outline(class: &'static str, [columns, rows]: [usize; 2], path: &AttrValue) -> Option<Html> {
    (!path.is_empty()).then(|| {
        html! {
            <svg class={classes!("outline", class)} viewBox={format!("0 0 {columns} {rows}")} preserveAspectRatio="none" aria-hidden="true">
                <path class="outline-ground" d={path.clone()} /><path d={path.clone()} />
            </svg>
        }
    })
}
