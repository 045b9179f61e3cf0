//! The network as a diagram, or as a list.

mod backdrop;
mod boxes;
mod current;
mod gestures;
mod hands;
mod key;
mod picture;
mod props;
mod readout;
mod stage;
mod tools;

use std::rc::Rc;

use protocol::ModelInfo;
use yew::prelude::*;

use super::Props;
use picture::Picture;
use props::Same;

/// The diagram and the choice of its colours.
#[component]
pub fn Diagram(props: &Props) -> Html {
    let Props { state, act } = props;
    let Some(model) = state.model() else {
        return html! { <div class="diagram"><div class="net-empty skeleton"></div></div> };
    };
    html! {
        <div class="diagram" id="diagram">
            // The key replaces the component for another model, so that no state of the last model remains.
            <Picture key={identity(model)} model={Same(model.clone())} state={Same(state.clone())} {act} />
        </div>
    }
}

fn identity(model: &Rc<ModelInfo>) -> String {
    format!("{:p}", Rc::as_ptr(model))
}
