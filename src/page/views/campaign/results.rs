//! The results of a campaign: rates while they grow, and their breakdown.

use std::rc::Rc;

use facts::Named as _;
use facts::campaign::Criterion;
use facts::report::chart::LEVELS;
use facts::report::{headline, saved};
use protocol::{CampaignProfile, CampaignUpdate, Stage};
use wasm_bindgen::JsCast;
use yew::prelude::*;

use super::super::Props;
use super::super::export::SaveChart;
use super::super::parts::Choice;
use super::charts;
use super::compared::compared;
use super::confusion::confusion;
use super::rates::rates;
use super::settings::set;
use super::tables;
use super::worst::worst;
use crate::state::{Action, CampaignAction, State};
use crate::words;

/// Everything that is known of the campaign.
#[component]
pub fn Results(props: &Props) -> Html {
    let Props { state, act } = props;
    let Some(update) = state.campaign.update.clone() else {
        return html! {
            <div class="campaign-empty">
                <p>{ "Start a campaign, or drop one that the command line made (its folder, or a zip of it) anywhere on the page." }</p>
                <p class="hint">{ "Here come the rates of masked faults, SDC, SCM and DUE with their intervals; which bits and layers they come from; and the worst faults, each to be followed by a click." }</p>
            </div>
        };
    };
    html! {
        <>
            { progress(state, &update) }
            { rates(&update) }
            if let Some(profile) = &state.campaign.profile {
                <p class="hint" id="campaign-preprocessing">{ format!("Preprocessing: {}", profile.preprocess) }</p>
                if !profile.notices.is_empty() {
                    <ul class="hint" id="campaign-notices">
                        { for profile.notices.iter().map(|notice| html! { <li>{ words::in_page_words(notice) }</li> }) }
                    </ul>
                }
                <div class="profiles">
                    { compared(profile, act) }
                    { strata(profile, &update) }
                    <Chart id="history-chart" title="Rates as they came about" name="rates-over-faults" act={act.clone()}
                        hint={if update.faults.scm.is_some() { "SDC and, below it, SCM, with the intervals of the rates above." } else { "SDC, with the interval of the rate above." }}
                        svg={charts::history(&profile.history, update.faults.scm.is_some())}>
                        { tables::history(profile) }
                    </Chart>
                    { scm(profile, &update, act) }
                    { outcomes(state, profile, &update, act) }
                    <Breakdown profile={profile.clone()} outcome={state.shown_outcome()} act={act.clone()} />
                    { confusion(profile) }
                </div>
                { worst(state, profile, act) }
            }
        </>
    }
}

fn progress(state: &State, update: &CampaignUpdate) -> Html {
    let done = update.faults.injections;
    let mut text = match update.learning {
        Some((learnt, runs)) => {
            format!("{} faults to come; {}", words::count(update.planned), words::learning(learnt, runs))
        }
        None => format!("{} of {} faults", words::count(done), words::count(update.planned)),
    };
    if update.milliseconds > 0.0 {
        let pace = (done as f64 / update.milliseconds * 1000.0).round();
        text.push_str(&format!(", {} a second", words::count(pace as u64)));
        if update.workers > 1 {
            text.push_str(&format!(" on {} workers", update.workers));
        }
    }
    match update.stage {
        Stage::Running => {
            if let Some(left) = state.campaign.time_left() {
                text.push_str(&format!(", about {} left", words::duration(left)));
            }
        }
        Stage::Paused => text.push_str(", paused"),
        Stage::Stopped => text.push_str(", stopped"),
        Stage::Complete => text.push_str(", complete"),
    }
    if update.lost > 0 {
        text.push_str(&words::lost(update.lost));
    }
    let (value, most, label) = match update.learning {
        Some((_, [learnt, of])) => (learnt as u64, of as u64, "Golden runs that are learnt from"),
        None => (done, update.planned, "Faults injected"),
    };
    let heading = state.campaign.profile.as_ref().map(|profile| {
        let [what, how] = &profile.heading;
        let from = profile.imported.as_ref().map(|name| format!(" Read from {name}.")).unwrap_or_default();
        format!("{what}; {how}.{from}")
    });
    html! {
        <>
            if let Some(heading) = heading { <p class="hint" id="campaign-heading">{ heading }</p> }
            <div class="progress progress-wide">
                <progress value={value.to_string()} max={most.max(1).to_string()} aria-label={label} />
                <span id="campaign-progress">{ text }</span>
            </div>
        </>
    }
}

/// What a stratified design has saved, and its strata.
fn strata(profile: &CampaignProfile, update: &CampaignUpdate) -> Html {
    let Some(design) = &profile.design else { return html! {} };
    html! {
        <div class="profile profile-wide" id="strata">
            <h3>{ "Strata" }</h3>
            <p class="hint" id="saved">{ words::sentence(&saved(design, update.faults.injections)) }</p>
            { tables::strata(design) }
        </div>
    }
}

/// The paper's headline.
fn scm(profile: &CampaignProfile, update: &CampaignUpdate, act: &Callback<Action>) -> Html {
    let Some(faulty) = update.faults.scm_of_sdc else {
        return html! {
            <div class="profile" id="scm">
                <h3>{ "How much of the errors is safety-critical" }</h3>
                <p class="empty">{ "SCM is not judged: the network has no grouping. Make one below." }</p>
            </div>
        };
    };
    let ratio = update.scm_ratio.as_ref().map(|ratio| words::sentence(&headline(ratio)));
    let shares = charts::scm_shares(profile, update.golden.scm, Some(faulty));
    html! {
        <Chart id="scm-chart" title="How much of the errors is safety-critical" name="scm-shares" act={act.clone()}
            hint={ratio.unwrap_or_else(|| "The share of SCM among the SDCs; with labelled images, the network's own errors stand beside it.".to_owned())}
            svg={charts::scm(&shares)}>
            { tables::shares(shares) }
        </Chart>
    }
}

/// The choice of the outcome that the charts below it show.
fn outcomes(state: &Rc<State>, profile: &CampaignProfile, update: &CampaignUpdate, act: &Callback<Action>) -> Html {
    let (wanted, shown) = (state.link.campaign.outcome(), state.shown_outcome());
    let known = profile.criteria.clone();
    let options: Vec<(AttrValue, AttrValue)> =
        known.iter().map(|criterion| (criterion.label().into(), criterion.row().help.into())).collect();
    let chosen = profile.place(shown).unwrap_or_default();
    let choose = set(state, act, move |link, index: usize| link.outcome = known.get(index).copied());
    html! {
        <div class="profile-wide">
            <div class="field">
                <span class="label">{ "By bit and layer, the share of faults with" }</span>
                <Choice id="campaign-outcome" label="Outcome by bit and layer" {options} {chosen} {choose} />
            </div>
            if wanted != shown && update.faults.injections > 0 {
                <p class="hint" id="campaign-outcome-unknown">{ words::unknown_outcome(wanted) }</p>
            }
        </div>
    }
}

#[derive(Properties)]
struct BreakdownProps {
    profile: Rc<CampaignProfile>,
    outcome: Criterion,
    act: Callback<Action>,
}

impl PartialEq for BreakdownProps {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.profile, &other.profile) && self.outcome == other.outcome && self.act == other.act
    }
}

/// By bit, by layer, by both: drawn again only when there is something new.
#[component]
fn Breakdown(props: &BreakdownProps) -> Html {
    let BreakdownProps { profile, outcome, act } = props;
    let (outcome, label, name) = (*outcome, outcome.label(), outcome.name());
    let look = {
        let act = act.clone();
        Callback::from(move |event: MouseEvent| {
            let target = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
            let named = target.and_then(|target| target.closest("[data-layer]").ok().flatten());
            if let Some(layer) = named.and_then(|element| element.get_attribute("data-layer")) {
                act.emit(Action::Campaign(CampaignAction::LookAt(layer)));
            }
        })
    };
    let legend = LEVELS.iter().enumerate().map(|(index, from)| {
        let to = LEVELS.get(index + 1).map_or(100.0, |to| 100.0 * to);
        html! { <li><i class={format!("q{}", index + 1)}></i>{ format!("{} to {to} %", 100.0 * from) }</li> }
    });
    html! {
        <>
            if profile.bits.len() > 1 {
                <div class="profile-wide">
                    <Chart id="bit-chart" title={format!("{label} rate by bit")} name={format!("{name}-by-bit")} act={act.clone()}
                        hint="With 95 % intervals; sign, exponent and mantissa from left to right." svg={charts::bits(profile, outcome)}>
                        { tables::bits(profile, outcome) }
                    </Chart>
                </div>
            }
            <div class="profile-wide" onclick={look}>
                <Chart id="layer-chart" title={format!("{label} rate by layer")} name={format!("{name}-by-layer")} act={act.clone()}
                    hint="Every layer that faults are drawn from, in model order; click one to look at it." svg={charts::layers(profile, outcome)}>
                    { tables::layers(profile, outcome, act) }
                </Chart>
            </div>
            if profile.bits.len() > 1 {
                <div class="profile-wide">
                    <Chart id="map-chart" title={format!("{label} rate by layer and bit")} name={format!("{name}-by-layer-and-bit")} act={act.clone()}
                        hint={format!("Bit {}, the sign, on the left; a cell without colour has had no fault.", profile.format.width() - 1)} svg={charts::layer_bits(profile, outcome)}>
                        <ul class="map-legend" aria-hidden="true"><li><i class="q0"></i>{ "none" }</li>{ for legend }</ul>
                        { tables::map(profile, outcome) }
                    </Chart>
                </div>
            }
        </>
    }
}

#[derive(Properties, PartialEq)]
pub(super) struct ChartProps {
    pub id: AttrValue,
    pub title: AttrValue,
    pub name: AttrValue,
    pub hint: AttrValue,
    pub svg: String,
    pub act: Callback<Action>,
    #[prop_or_default]
    pub children: Html,
}

/// A chart with its heading, and buttons that save it.
#[component]
pub(super) fn Chart(props: &ChartProps) -> Html {
    let ChartProps { id, title, name, hint, svg, act, children } = props;
    html! {
        <div class="profile" id={format!("{id}-panel")}>
            <div class="profile-head">
                <h3>{ title }</h3>
                <SaveChart chart={id.clone()} {title} {name} {act} />
            </div>
            <p class="hint">{ hint }</p>
            <div id={id.clone()} class="chart-frame">{ Html::from_html_unchecked(svg.clone().into()) }</div>
            { children.clone() }
        </div>
    }
}
