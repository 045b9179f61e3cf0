//! The planes around the chosen one as thumbnails.

use std::rc::Rc;

use protocol::{TensorInfo, TensorView, Which};
use yew::prelude::*;

use super::names::plane_name;
use super::raster::Raster;
use crate::state::Action;

#[derive(Properties, PartialEq)]
pub struct SheetProps {
    /// The planes.
    pub view: Rc<TensorView>,
    /// The run to show.
    pub which: Which,
    /// End of the scale.
    pub scale: f32,
    /// The tensor.
    pub tensor: TensorInfo,
    /// The chosen plane.
    pub plane: usize,
    /// The chosen element, in the stored order.
    pub spot: usize,
    /// The planes in which a pattern strikes, one for each element, in ascending order.
    pub hits: Vec<usize>,
    /// Whether the page is dark.
    pub dark: bool,
    /// Receives the choice.
    pub act: Callback<Action>,
}

/// The thumbnails, and the controls for the other planes.
#[component]
pub fn Sheet(props: &SheetProps) -> Html {
    let SheetProps { view, which, scale, tensor, plane, spot, hits, dark, act } = props;
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
        let struck = hits.partition_point(|&hit| hit <= index) - hits.partition_point(|&hit| hit < index);
        let name = match struck {
            0 => plane_name(planes.kind, index),
            1 => format!("{}, 1 element of the pattern", plane_name(planes.kind, index)),
            struck => format!("{}, {struck} elements of the pattern", plane_name(planes.kind, index)),
        };
        html! {
            <button type="button" key={index} class={classes!("tile", chosen.then_some("chosen"), (struck > 0).then_some("hit"))} aria-pressed={chosen.to_string()}
                aria-label={name.clone()} title={name} onclick={go(index)}>
                <Raster values={view.slice(*which, (index - view.first) * planes.per_plane, planes.per_plane)}
                    columns={planes.columns} max_abs={*scale} {dark} />
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
