//! A rate as a mark on a band.

use facts::outcome::Rate;
use protocol::CampaignUpdate;
use yew::prelude::*;

use super::super::parts::Term;
use crate::words;

/// The rates over all faults.
pub fn rates(update: &CampaignUpdate) -> Html {
    let faults = &update.faults;
    let confidence = update.aim.as_ref().map_or(95, |aim| aim.goal.confidence.percent());
    let tile = |id, text, means, rate: &Rate| self::tile(id, text, means, rate, confidence, Html::default());
    html! {
        <>
        if let Some(alarm) = &update.golden.alarm {
            <p class="alarm" role="alert"><strong>{ "Alarm: " }</strong>{ words::in_page_words(alarm) }{ "." }</p>
        }
        if let Some(skipped) = &update.skipped {
            <p class="hint" id="skipped">{ skipped }{ "." }</p>
        }
        if let Some(aim) = &update.aim {
            <p class="hint" id="aim">{ words::aim(aim) }</p>
        }
        <div class="rates">
            { tile("rate-masked", "Masked", words::MASKED, &faults.masked) }
            { tile("rate-sdc", "SDC", words::SDC, &faults.sdc) }
            if let Some(scm) = &faults.scm { { tile("rate-scm", "SCM", words::SCM, scm) } }
            { tile("rate-due", "DUE", words::DUE, &faults.due) }
            if let Some(accuracy) = &update.golden.accuracy {
                { self::tile("rate-accuracy", "Golden accuracy", words::GOLDEN_RUN, accuracy, 95, rounded(update)) }
            }
        </div>
        </>
    }
}

/// The accuracy beside that of the network before it was rounded.
fn rounded(update: &CampaignUpdate) -> Html {
    let told = update.rounded.map(|rounded| words::sentence(&rounded.to_string()));
    html! { if let Some(told) = told { <span class="hint" id="rounded-accuracy">{ told }</span> } }
}

fn tile(id: &'static str, text: &'static str, means: &'static str, rate: &Rate, confidence: u8, more: Html) -> Html {
    html! {
        <div class={classes!("rate", id)} {id}>
            <span class="rate-name"><Term {text} {means} /></span>
            <span class="rate-value">{ if rate.of > 0 { words::percent(rate.rate) } else { "–".to_owned() } }</span>
            <span class="rate-count">{ format!("{} of {}", words::count(rate.count), words::count(rate.of)) }</span>
            <Interval rate={*rate} />
            <span class="hint">{ words::interval(rate, confidence) }</span>
            { more }
        </div>
    }
}

#[derive(Properties, PartialEq)]
pub struct IntervalProps {
    pub rate: Rate,
}

/// A rate as a mark on a band, from 0 to 100 %.
#[component]
fn Interval(props: &IntervalProps) -> Html {
    let Rate { rate, low, high, .. } = props.rate;
    html! {
        <span class="interval" aria-hidden="true">
            <span class="interval-band" style={format!("left: {:.2}%; width: {:.2}%", low * 100.0, (high - low) * 100.0)}></span>
            <span class="interval-mark" style={format!("left: {:.2}%", rate * 100.0)}></span>
        </span>
    }
}
