//! The map of the layer that is looked at, in small, beside the diagram: what the corruption has reached there. Elements that a
//! pattern has struck are outlined.

use std::rc::Rc;

use facts::Named;
use protocol::{TensorView, Which};
use yew::prelude::*;

use super::plane::outline;
use super::raster::Raster;
use super::{MapsProps, scale};

/// The faulty map and its difference from the golden one.
#[component]
pub fn Glance(props: &MapsProps) -> Html {
    let MapsProps { state, dark, .. } = props;
    // The last map stays until the next one arrives, as in the large maps.
    let last = use_mut_ref(|| None::<(Rc<TensorView>, usize, AttrValue)>);
    let now = state.view_now().zip(state.looked()).filter(|(view, _)| view.faulty.is_some());
    if let Some((view, looked)) = now {
        let [hit, _] = state.outlined();
        let outline = looked.planes().outline(looked.plane(), &hit);
        *last.borrow_mut() = Some((view, looked.plane(), outline.into()));
    }
    let Some((view, plane, path)) = last.borrow().clone() else { return Html::default() };
    let planes = view.planes;
    let size = [planes.columns, planes.rows()].map(|cells| cells.max(1));
    let maps = [Which::Faulty, Which::Difference].map(|which| {
        let values = view.slice(which, (plane - view.first) * planes.per_plane, planes.per_plane);
        let max_abs = scale(state, &view, which, &values);
        html! {
            <figure>
                <div class="glance-map"><Raster {values} columns={planes.columns} {max_abs} {dark} />{ for outline("outline-struck", size, &path) }</div>
                <figcaption>{ which.label() }</figcaption>
            </figure>
        }
    });
    html! { <div class="glance" id="glance">{ for maps }</div> }
}
