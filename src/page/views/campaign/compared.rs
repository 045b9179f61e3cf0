//! What protections did with the same faults.

use facts::report::chart::{Point, coverage};
use protocol::{CampaignProfile, ProtectionCounts};
use yew::prelude::*;

use super::results::Chart;
use crate::state::Action;
use crate::words;

/// A chart of coverage over cost, and a table; nothing where no protections are compared.
pub fn compared(profile: &CampaignProfile, act: &Callback<Action>) -> Html {
    let all = &profile.protections;
    if all.is_empty() {
        return html! {};
    }
    let svg = coverage("Coverage of SDCs over added operations", "added operations", &points(all));
    html! {
        <div class="profile-wide" id="protections">
            <Chart id="protections-chart" title="Protections on the same faults" name="coverage-over-operations" act={act.clone()}
                hint={words::COMPARED} {svg}>
                <ul class="map-legend" aria-hidden="true">
                    <li><i class="front"></i>{ "no other one without false alarms covers as much for less" }</li>
                    <li><i class="beaten"></i>{ "another one does, or it stops golden runs" }</li>
                </ul>
                { table(all) }
            </Chart>
        </div>
    }
}

/// The protections with a known cost, where there are SDCs to cover.
fn points(all: &[ProtectionCounts]) -> Vec<Point> {
    let known = all.iter().filter(|one| one.coverage.of > 0);
    known
        .filter_map(|one| {
            let alarms = one.false_alarms.count > 0;
            Some(Point { name: one.method.to_string(), overhead: one.operations?, coverage: one.coverage, alarms })
        })
        .collect()
}

fn table(all: &[ProtectionCounts]) -> Html {
    let rows = all.iter().map(|one| {
        let effects = &one.effects;
        let counts = [effects.mended, effects.detected, effects.missed, effects.worse];
        let operations = one.operations.map_or_else(|| "–".to_owned(), words::percent);
        html! {
            <tr>
                <th scope="row">{ one.method.to_string() }</th>
                { for counts.iter().map(|&count| html! { <td>{ words::count(count) }</td> }) }
                <td title={words::interval(&one.without, 95)}>{ words::rate(&one.without) }</td>
                <td title={words::interval(&one.with, 95)}>{ words::rate(&one.with) }</td>
                <td>{ words::decision(one.decision) }</td>
                <td>{ operations }</td>
                <td>{ words::rate(&one.false_alarms) }</td>
            </tr>
        }
    });
    let head = words::EFFECTS.iter().map(|&(text, means)| html! { <th title={means}>{ text }</th> });
    html! {
        <div class="table-wrap" tabindex="0" id="protections-table">
            <table>
                <thead>
                    <tr>
                        <th>{ "Protection" }</th>{ for head }<th>{ "SDC without" }</th><th>{ "SDC with" }</th><th>{ "Conclusion" }</th>
                        <th>{ "Added operations" }</th><th>{ "False alarms" }</th>
                    </tr>
                </thead>
                <tbody>{ for rows }</tbody>
            </table>
        </div>
    }
}
