//! One fault: the stage, where cause and effect share the screen, and beneath it the closer look at both.

use std::rc::Rc;

use yew::prelude::*;

use super::fault::FaultPanel;
use super::golden::GoldenPanel;
use super::look::LookPanel;
use super::outcome::OutcomePanel;
use super::path::PathPanel;
use super::setup::Setup;
use super::site::SitePanel;
use crate::state::{Action, State};

#[derive(Properties, PartialEq)]
pub struct StageProps {
    pub state: Rc<State>,
    pub act: Callback<Action>,
    /// Whether the page is dark.
    pub dark: bool,
}

/// Image, bits, answer and network: what one sets, then what comes of it.
#[component]
pub fn Stage(props: &StageProps) -> Html {
    let StageProps { state, act, dark } = props;
    html! {
        <div class="stage" id="stage">
            <Setup {state} {act} />
            <FaultPanel {state} {act} />
            <OutcomePanel {state} {act} />
            <SitePanel {state} {act} {dark} />
        </div>
    }
}

/// The values of the layer, and what the fault did to them.
#[component]
pub fn Closer(props: &StageProps) -> Html {
    let StageProps { state, act, dark } = props;
    html! {
        <div class="closer">
            <div class="column"><LookPanel {state} {act} {dark} /></div>
            <div class="column">
                <PathPanel {state} {act} />
                <GoldenPanel {state} {act} />
            </div>
        </div>
    }
}
