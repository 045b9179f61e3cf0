//! The network: the way to every layer.

use yew::prelude::*;

use super::Props;
use super::layers::Layers;
use super::parts::Panel;

/// The network.
#[component]
pub fn SitePanel(props: &Props) -> Html {
    let Props { state, act } = props;
    html! {
        <Panel id="site" title="The network" busy={state.lab.busy()}>
            <Layers {state} {act} />
        </Panel>
    }
}
