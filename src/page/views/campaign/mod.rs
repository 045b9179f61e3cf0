//! Many faults: settings, progress, results.

mod charts;
mod compared;
mod confusion;
mod files;
mod grouping;
mod labels;
mod layers;
mod protections;
mod rates;
mod results;
mod settings;
mod tables;
mod worst;

use yew::prelude::*;

use super::Props;
use super::parts::Panel;
use crate::state::{Action, CampaignAction};

/// The campaign's part of the page.
#[component]
pub fn CampaignPanel(props: &Props) -> Html {
    let Props { state, act } = props;
    // The class names are asked for where a model has come and nobody has asked yet.
    let wanted = state.model().is_some() && state.campaign.naming.is_none();
    {
        let act = act.clone();
        use_effect_with(wanted, move |wanted| {
            if *wanted {
                act.emit(Action::Campaign(CampaignAction::LookAtClasses));
            }
        });
    }
    html! {
        <>
            <div class="column column-settings">
                <settings::SettingsPanel state={state.clone()} act={act.clone()} />
                <files::FilesPanel state={state.clone()} act={act.clone()} />
            </div>
            <div class="column column-results">
                <Panel id="campaign" title="Results" busy={state.campaign.running()}
                    hint="Many faults, drawn from a seed: how often is one masked, and how often does it change the answer?">
                    <results::Results state={state.clone()} act={act.clone()} />
                </Panel>
                <grouping::GroupingPanel state={state.clone()} act={act.clone()} />
            </div>
        </>
    }
}
