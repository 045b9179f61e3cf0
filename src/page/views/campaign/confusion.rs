//! Which group was taken for which.

use protocol::{CampaignProfile, Confusion};
use yew::prelude::*;

use crate::words;

/// A table of groups, a row for each that was lost and a column for each that came instead; nothing without a grouping.
pub fn confusion(profile: &CampaignProfile) -> Html {
    let Some(confusion) = &profile.confusion else { return Html::default() };
    let count = confusion.groups.len();
    let most = confusion.faults.iter().copied().max().unwrap_or_default().max(1);
    let rows = confusion.groups.iter().enumerate().map(|(from, (name, critical))| {
        let cells = (0..count).map(|to| cell(confusion, from, to, *critical, most));
        html! { <tr><th scope="row">{ label(name, *critical) }</th>{ for cells }</tr> }
    });
    html! {
        <div class="profile profile-wide" id="confusion">
            <h3>{ "Which group was taken for which" }</h3>
            <p class="hint">
                { "SDCs by golden group (row) and faulty group (column); in brackets, the network's own errors. Safety-critical ones have a frame." }
            </p>
            <div class="table-wrap confusion-wrap" tabindex="0">
                <table class="confusion">
                    <thead>
                        <tr><th>{ "Golden \\ faulty" }</th>{ for confusion.groups.iter().map(|(name, _)| html! { <th scope="col" title={name.clone()}><span>{ name }</span></th> }) }</tr>
                    </thead>
                    <tbody>{ for rows }</tbody>
                </table>
            </div>
        </div>
    }
}

fn label(name: &str, critical: bool) -> String {
    if critical { format!("{name} (critical)") } else { name.to_owned() }
}

fn cell(confusion: &Confusion, from: usize, to: usize, critical: bool, most: u64) -> Html {
    let at = from * confusion.groups.len() + to;
    let (faults, golden) =
        (confusion.faults.get(at).copied().unwrap_or_default(), confusion.golden.get(at).copied().unwrap_or_default());
    let scm = critical && from != to && faults > 0;
    let shade = 60.0 * faults as f64 / most as f64;
    let style = format!(
        "background: color-mix(in srgb, var({}) {shade:.0}%, transparent)",
        if scm { "--scm-soft" } else { "--sdc-soft" }
    );
    html! {
        <td class={classes!(scm.then_some("confusion-scm"))} {style}>
            if faults > 0 { { words::count(faults) } } else { { "·" } }
            if golden > 0 { <span class="hint">{ format!(" ({})", words::count(golden)) }</span> }
        </td>
    }
}
