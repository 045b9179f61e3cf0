//! The network: the way to every layer.

use yew::prelude::*;

use super::diagram::Diagram;
use super::explore::StageProps;
use super::follow::{FollowPanel, FollowTools};
use super::layers::Layers;
use super::parts::{Choice, Panel};

/// The network as a diagram, or as a list.
#[component]
pub fn SitePanel(props: &StageProps) -> Html {
    let StageProps { state, act, dark } = props;
    let list = use_state_eq(|| false);
    let options = vec![
        ("Diagram".into(), "The layers and what flows between them".into()),
        ("List".into(), "The layers in order, with a filter".into()),
    ];
    let choose = {
        let list = list.clone();
        Callback::from(move |index: usize| list.set(index == 1))
    };
    html! {
        <Panel id="site" title="The network" busy={state.asked.lab.busy()} aside={html! {
            <>
                if state.injection_now().is_some() { <FollowTools {state} {act} /> }
                <Choice id="network-as" label="Show the network as" {options} chosen={usize::from(*list)} {choose} />
            </>
        }}>
            if *list { <Layers {state} {act} /> } else { <Diagram {state} {act} /> }
            if state.injection_now().is_some() { <FollowPanel {state} {act} {dark} /> }
        </Panel>
    }
}
