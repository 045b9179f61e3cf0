//! The charts' numbers, as tables.

use std::rc::Rc;

use facts::Named as _;
use facts::campaign::{Criterion, DesignSummary};
use facts::outcome::Rate;
use facts::report::chart::Share;
use protocol::CampaignProfile;
use yew::prelude::*;

use super::super::parts::use_unfolded;
use crate::state::{Action, CampaignAction};
use crate::words;

/// Names of the columns of a rate: all cases, and the counted ones.
type Counted = [&'static str; 2];

fn head(first: &'static str, [of, count]: Counted) -> Html {
    html! { <thead><tr><th>{ first }</th><th>{ of }</th><th>{ count }</th><th>{ "Rate" }</th><th>{ "95 % interval" }</th></tr></thead> }
}

#[derive(Properties, PartialEq)]
struct FoldedProps {
    table: Callback<(), Html>,
}

/// A table below its chart, which is made only for who wants it: some have thousands of numbers.
#[component]
fn Folded(props: &FoldedProps) -> Html {
    let (open, toggle) = use_unfolded();
    html! {
        <details ontoggle={toggle}>
            <summary>{ "The same as a table" }</summary>
            if open { <div class="table-wrap" tabindex="0"><table>{ props.table.emit(()) }</table></div> }
        </details>
    }
}

fn folded(table: impl Fn() -> Html + 'static) -> Html {
    html! { <Folded table={Callback::from(move |()| table())} /> }
}

/// Shares of SCM.
pub fn shares(shares: Vec<Share>) -> Html {
    folded(move || {
        let rows = shares.iter().map(|share| {
            html! { <tr><th scope="row">{ &share.name }</th>{ rate_cells(&share.rate) }</tr> }
        });
        html! { <>{ head("Errors", ["Errors", "SCM"]) }<tbody>{ for rows }</tbody></> }
    })
}

/// Rates on the way.
pub fn history(profile: &Rc<CampaignProfile>) -> Html {
    let profile = profile.clone();
    folded(move || {
        let rows = profile.history.iter().map(|point| {
            html! { <tr>{ rate_cells(&point.sdc) }<td>{ words::count(point.scm.count) }</td></tr> }
        });
        html! {
            <>
                <thead><tr><th>{ "Faults" }</th><th>{ "SDC" }</th><th>{ "Rate" }</th><th>{ "Interval" }</th><th>{ "SCM" }</th></tr></thead>
                <tbody>{ for rows }</tbody>
            </>
        }
    })
}

/// The strata, those with most SDCs first.
pub fn strata(design: &DesignSummary) -> Html {
    let rows = design.strata.iter().map(|one| {
        html! {
            <tr>
                <th scope="row">{ &one.name }</th><td>{ words::percent(one.share) }</td><td>{ words::count(one.injections) }</td>
                <td>{ words::count(one.sdc) }</td><td>{ words::percent(one.of_sdc) }</td>
            </tr>
        }
    });
    html! {
        <div class="table-wrap" tabindex="0" id="strata-table">
            <table>
                <thead><tr><th>{ "Stratum" }</th><th>{ "Of all faults" }</th><th>{ "Injected" }</th><th>{ "SDC" }</th><th>{ "Of all SDCs" }</th></tr></thead>
                <tbody>{ for rows }</tbody>
            </table>
        </div>
    }
}

/// Rates of an outcome by bit.
pub fn bits(profile: &Rc<CampaignProfile>, outcome: Criterion) -> Html {
    let profile = profile.clone();
    folded(move || {
        let rows = profile.bits.iter().rev().map(|&(bit, _)| {
            let rate = profile.bit(bit, outcome);
            html! { <tr><th scope="row">{ format!("{bit} ({})", profile.format.field_name(bit)) }</th>{ rate_cells(&rate) }</tr> }
        });
        html! { <>{ head("Bit", ["Faults", outcome.label()]) }<tbody>{ for rows }</tbody></> }
    })
}

/// Rates of an outcome by layer.
pub fn layers(profile: &Rc<CampaignProfile>, outcome: Criterion, act: &Callback<Action>) -> Html {
    let (profile, act) = (profile.clone(), act.clone());
    folded(move || {
        let rows = profile.layers.iter().enumerate().map(|(index, row)| {
            let name = row.name.clone();
            let look = act.reform(move |event: MouseEvent| {
                event.stop_propagation();
                Action::Campaign(CampaignAction::LookAt(name.clone()))
            });
            html! {
                <tr data-layer={row.name.clone()}>
                    <th scope="row"><button type="button" class="link" onclick={look}>{ &row.name }</button></th>
                    { rate_cells(&profile.layer(index, outcome)) }
                </tr>
            }
        });
        html! { <>{ head("Layer", ["Faults", outcome.label()]) }<tbody>{ for rows }</tbody></> }
    })
}

/// Faults with an outcome, and all faults, by layer and bit.
pub fn map(profile: &Rc<CampaignProfile>, outcome: Criterion) -> Html {
    let profile = profile.clone();
    folded(move || {
        let bits = || profile.format.bits();
        let rows = profile.layers.iter().enumerate().map(|(layer, row)| {
            let cell = |bit| profile.cell(layer, bit, outcome).map(|rate| format!("{}/{}", rate.count, rate.of));
            html! {
                <tr>
                    <th scope="row">{ &row.name }</th>
                    { for bits().map(|bit| html! { <td>{ cell(bit).unwrap_or_default() }</td> }) }
                </tr>
            }
        });
        html! {
            <>
                <thead><tr><th>{ "Layer" }</th>{ for bits().map(|bit| html! { <th>{ bit }</th> }) }</tr></thead>
                <tbody>{ for rows }</tbody>
            </>
        }
    })
}

fn rate_cells(rate: &Rate) -> Html {
    html! {
        <>
            <td>{ words::count(rate.of) }</td><td>{ words::count(rate.count) }</td>
            <td>{ if rate.of > 0 { words::percent(rate.rate) } else { "–".to_owned() } }</td>
            <td>{ format!("{} to {}", words::percent(rate.low), words::percent(rate.high)) }</td>
        </>
    }
}
