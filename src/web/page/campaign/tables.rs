//! The charts' numbers, as tables.

use std::rc::Rc;

use yew::prelude::*;

use crate::fault::BIT_COUNT;
use crate::outcome::Rate;
use crate::report::chart::Share;
use crate::web::protocol::{CampaignProfile, Moment};
use crate::web::state::{Action, CampaignAction};
use crate::web::words;

/// Names of the columns of a rate: of what, and what is counted.
type Counted = [&'static str; 2];
const SDC: Counted = ["Faults", "SDC"];

fn head(first: &'static str, [of, count]: Counted) -> Html {
    html! { <thead><tr><th>{ first }</th><th>{ of }</th><th>{ count }</th><th>{ "Rate" }</th><th>{ "95 % interval" }</th></tr></thead> }
}

/// A table below its chart, for those who want numbers.
fn folded(head: Html, rows: Vec<Html>) -> Html {
    html! {
        <details>
            <summary>{ "The same as a table" }</summary>
            <div class="table-wrap" tabindex="0"><table>{ head }<tbody>{ for rows }</tbody></table></div>
        </details>
    }
}

/// Shares of SCM.
pub fn shares(shares: &[Share]) -> Html {
    let rows = shares.iter().map(|share| {
        html! { <tr><th scope="row">{ &share.name }</th>{ rate_cells(&share.rate) }</tr> }
    });
    folded(head("Errors", ["Errors", "SCM"]), rows.collect())
}

/// Rates on the way.
pub fn history(points: &[Moment]) -> Html {
    let rows = points.iter().map(|point| {
        html! {
            <tr>{ rate_cells(&Rate::new(point.sdc, point.faults)) }<td>{ words::count(point.scm) }</td></tr>
        }
    });
    let head = html! {
        <thead><tr><th>{ "Faults" }</th><th>{ "SDC" }</th><th>{ "Rate" }</th><th>{ "95 % interval" }</th><th>{ "SCM" }</th></tr></thead>
    };
    folded(head, rows.collect())
}

/// Rates by bit.
pub fn bits(profile: &CampaignProfile) -> Html {
    let rows = profile.bits.iter().rev().map(|(bit, rate)| {
        html! { <tr><th scope="row">{ format!("{bit} ({})", words::field(*bit)) }</th>{ rate_cells(rate) }</tr> }
    });
    folded(head("Bit", SDC), rows.collect())
}

/// Rates by layer.
pub fn layers(profile: &CampaignProfile, act: &Callback<Action>) -> Html {
    let rows = profile.layers.iter().map(|row| {
        let name = row.name.clone();
        let look = act.reform(move |event: MouseEvent| {
            event.stop_propagation();
            Action::Campaign(CampaignAction::LookAt(name.clone()))
        });
        html! {
            <tr data-layer={row.name.clone()}>
                <th scope="row"><button type="button" class="link" onclick={look}>{ &row.name }</button></th>
                { rate_cells(&Rate::new(row.sdc, row.faults)) }
            </tr>
        }
    });
    folded(head("Layer", SDC), rows.collect())
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

#[derive(Properties)]
pub struct MapTableProps {
    /// What is shown.
    pub profile: Rc<CampaignProfile>,
}

impl PartialEq for MapTableProps {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.profile, &other.profile)
    }
}

/// The map in numbers, which are made only for who wants them: there are thousands.
#[component]
pub fn MapTable(props: &MapTableProps) -> Html {
    let open = use_state(|| false);
    let toggle = {
        let open = open.clone();
        Callback::from(move |event: Event| {
            let details: web_sys::Element = event.target_unchecked_into();
            open.set(details.has_attribute("open"));
        })
    };
    let profile = &props.profile;
    html! {
        <details ontoggle={toggle}>
            <summary>{ "The same as a table" }</summary>
            if *open {
                <div class="table-wrap" tabindex="0">
                    <table>
                        <thead><tr><th>{ "Layer" }</th>{ for (0..BIT_COUNT).rev().map(|bit| html! { <th>{ bit }</th> }) }</tr></thead>
                        <tbody>
                            { for profile.layers.iter().enumerate().map(|(layer, row)| html! {
                                <tr>
                                    <th scope="row">{ &row.name }</th>
                                    { for (0..BIT_COUNT).rev().map(|bit| html! {
                                        <td>{ profile.cell(layer, bit).map(|rate| format!("{}/{}", rate.count, rate.of)).unwrap_or_default() }</td>
                                    }) }
                                </tr>
                            }) }
                        </tbody>
                    </table>
                </div>
            }
        </details>
    }
}
