//! The worst faults: a click follows one in the explorer.

use protocol::{CampaignProfile, Severity, WorstFault};
use yew::prelude::*;

use crate::state::{Action, CampaignAction, State};
use crate::words;

/// The list.
pub fn worst(state: &State, profile: &CampaignProfile, act: &Callback<Action>) -> Html {
    let class = |class: usize| {
        state.campaign.naming.as_ref().map_or_else(|| format!("class {class}"), |naming| naming.class(class))
    };
    let rows = profile.worst.iter().enumerate().map(|(index, fault)| {
        let follow = act.reform(move |_: MouseEvent| Action::Campaign(CampaignAction::Follow(index)));
        row(fault, &class, follow)
    });
    html! {
        <div class="profile" id="worst-faults">
            <h3>{ "The worst faults" }</h3>
            <p class="hint">
                { "Safety-critical ones first, then those that took most of the golden class’s probability. Click one to follow it in the explorer." }
            </p>
            if profile.worst.is_empty() {
                <p class="empty">{ "No fault has changed an answer or reached the output as NaN or infinity yet." }</p>
            } else {
                <ol class="worst-list">{ for rows }</ol>
            }
        </div>
    }
}

fn row(fault: &WorstFault, class: &dyn Fn(usize) -> String, follow: Callback<MouseEvent>) -> Html {
    let (name, tone) = match fault.severity {
        Severity::Scm => ("SCM", "verdict-scm"),
        Severity::Sdc => ("SDC", "verdict-sdc"),
        Severity::Due => ("DUE", "verdict-due"),
    };
    let answer = if fault.golden == fault.faulty {
        format!("still “{}”, with NaN or infinity in the output", class(fault.golden))
    } else {
        format!("“{}” → “{}”", class(fault.golden), class(fault.faulty))
    };
    let what = words::corruption(fault.corruption);
    let drop = fault
        .confidence
        .map(|[before, after]| format!("{} → {}", words::percent(f64::from(before)), words::percent(f64::from(after))));
    html! {
        <li>
            <button type="button" class="worst-fault" onclick={follow} data-layer={fault.layer.clone()}>
                <span class={classes!("verdict", "verdict-small", tone)}>{ name }</span>
                <span class="worst-answer">{ answer }</span>
                <span class="worst-drop">{ drop.unwrap_or_default() }</span>
                <span class="worst-where">
                    { format!("Image {}, {}, element {}, {what}: {} → {}", fault.image, fault.layer, fault.element, words::number(fault.before), words::number(fault.after)) }
                </span>
            </button>
        </li>
    }
}
