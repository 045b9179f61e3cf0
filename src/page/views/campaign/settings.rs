//! The settings of a campaign, an estimate of its time, and the buttons that start, hold and end it.

use std::rc::Rc;

use facts::campaign::compared::Method;
use facts::campaign::{self, Confidence, DesignKind, Goal, HalfWidth, Quantity};
use facts::fault::{BitField, Bits, FaultKind, Format, Pattern, Sampling, Target};
use protocol::{Protocol, Stage};
use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use super::super::Props;
use super::super::fault::patterns;
use super::super::numbers::FormatSelect;
use super::super::parts::{Choice, Panel};
use super::labels::LabelsField;
use super::layers::LayersField;
use super::protections::ProtectionsField;
use facts::Named;

use crate::link::{CampaignLink, Counting, MAX_FAULTS, MAX_IMAGES};
use crate::state::{Action, CampaignAction, Estimate, OWN, State};
use crate::words;

/// Settings and the buttons of a campaign.
#[component]
pub fn SettingsPanel(props: &Props) -> Html {
    let Props { state, act } = props;
    let submit = act.reform(|event: SubmitEvent| {
        event.prevent_default();
        Action::Campaign(CampaignAction::Start)
    });
    html! {
        <Panel id="campaign-settings" title="Campaign" busy={state.campaign.starting()}>
            <form class="settings" onsubmit={submit}>
                <fieldset disabled={state.campaign.running()}>
                    { images(state, act) }
                    <LabelsField state={state.clone()} act={act.clone()} />
                    { protocol(state, act) }
                    { design(state, act) }
                    { faults(state, act) }
                    <ProtectionsField state={state.clone()} act={act.clone()} />
                    <Number id="seed" label="Seed" title="The same seed draws the same faults, here and on the command line"
                        value={state.link.campaign.seed().to_string()} least={0.0} most={u64::MAX as f64} whole=true
                        choose={set(state, act, |link, text: String| link.seed = text.parse().ok().or(link.seed))} act={act.clone()} />
                </fieldset>
                { estimate(&state.estimate(), state) }
                { buttons(state, act) }
            </form>
        </Panel>
    }
}

/// An action that changes a copy of the settings.
pub(super) fn set<T: 'static>(
    state: &Rc<State>,
    act: &Callback<Action>,
    change: impl Fn(&mut CampaignLink, T) + 'static,
) -> Callback<T> {
    let link = state.link.campaign.clone();
    act.reform(move |value: T| {
        let mut link = link.clone();
        change(&mut link, value);
        Action::Campaign(CampaignAction::Choose(Box::new(link)))
    })
}

fn images(state: &Rc<State>, act: &Callback<Action>) -> Html {
    let chosen = state.link.campaign.data.clone();
    let which = if state.has_list() { "Your own, which the list labels" } else { "Those on the page" };
    let own = format!("{which} ({})", state.single_images().len());
    let mut options = vec![(None, own)];
    for set in &state.campaign.sets {
        if let Some(first) = set.first() {
            let names: Vec<_> = set.iter().map(|file| file.name.as_str()).collect();
            options.push((Some(format!("{OWN}{}", first.name)), names.join(" and ")));
        }
    }
    // A link may name a data set that its reader has not brought yet.
    if options.iter().all(|(id, _)| *id != chosen) {
        options.push((
            chosen.clone(),
            format!("{}: bring this file", chosen.as_deref().unwrap_or_default().trim_start_matches(OWN)),
        ));
    }
    let ids: Vec<Option<String>> = options.iter().map(|(id, _)| id.clone()).collect();
    let choose = set(state, act, move |link, event: Event| {
        let index = event.target_unchecked_into::<HtmlSelectElement>().selected_index();
        link.data = usize::try_from(index).ok().and_then(|index| ids.get(index).cloned()).flatten();
    });
    html! {
        <div class="field-pair">
            <div class="field">
                <label for="campaign-images">{ "Images" }</label>
                <select id="campaign-images" onchange={choose}>
                    { for options.into_iter().map(|(id, text)| html! { <option selected={id == chosen}>{ text }</option> }) }
                </select>
            </div>
            <Number id="campaign-limit" label="Only the first" title="Use so many images only; all of them where this is empty" optional=true
                value={state.link.campaign.images.map(|images| images.to_string()).unwrap_or_default()} least={1.0} most={MAX_IMAGES as f64} whole=true
                choose={set(state, act, |link, text: String| link.images = text.parse().ok())} act={act.clone()} />
        </div>
    }
}

/// Who decides how many faults an image gets, and the numbers for it.
fn protocol(state: &Rc<State>, act: &Callback<Action>) -> Html {
    let link = &state.link.campaign;
    let counting = link.protocol();
    let options = Counting::ALL.iter().map(|&(counting, _)| match counting {
        Counting::Fixed => ("Fixed".into(), "The same number of faults for each image".into()),
        Counting::Study => (
            "Study".into(),
            "As in the study: few faults in images that are classified correctly, many in the others".into(),
        ),
        Counting::Until => {
            ("Until ±".into(), "As many faults as it takes to know a rate: the campaign ends by itself".into())
        }
    });
    let choose =
        set(state, act, |link, index: usize| link.protocol = Counting::ALL.get(index).map(|(counting, _)| *counting));
    let chosen = Counting::ALL.iter().position(|(known, _)| *known == counting).unwrap_or_default();
    let faults = MAX_FAULTS as f64;
    let numbers = match state.protocol() {
        Protocol::Fixed { faults: each } => html! {
            <Number id="faults" label="Faults for each image" value={each.to_string()} least={1.0} most={faults} whole=true
                choose={set(state, act, |link, text: String| link.faults = text.parse().ok())} act={act.clone()} />
        },
        Protocol::Study { correct, misclassified } => html! {
            <div class="field-pair">
                <Number id="faults-correct" label="Correct image" title="Faults for each image that is classified correctly" value={correct.to_string()}
                    least={1.0} most={faults} whole=true choose={set(state, act, |link, text: String| link.correct = text.parse().ok())} act={act.clone()} />
                <Number id="faults-misclassified" label="Misclassified image" title="Faults for each image that is not" value={misclassified.to_string()}
                    least={1.0} most={faults} whole=true choose={set(state, act, |link, text: String| link.misclassified = text.parse().ok())} act={act.clone()} />
            </div>
        },
        Protocol::Until(goal) => until(state, act, &goal),
    };
    html! {
        <div class="field">
            <span class="label">{ "Protocol" }</span>
            <Choice id="protocol" label="Who decides how many faults an image gets" options={options.collect::<Vec<_>>()} {chosen} {choose} />
            { numbers }
        </div>
    }
}

/// How the faults are chosen.
fn design(state: &Rc<State>, act: &Callback<Action>) -> Html {
    if state.link.campaign.protocol() == Counting::Study {
        return html! {};
    }
    let options: Vec<(AttrValue, AttrValue)> = vec![
        ("Uniform".into(), "Faults are drawn as the fault model has it, each with the same weight".into()),
        (
            "Stratified".into(),
            "More faults where they tell more, each with its weight: far fewer faults for the same interval".into(),
        ),
    ];
    let choose = set(state, act, |link, index: usize| {
        link.design = Some(if index == 1 { DesignKind::Stratified } else { DesignKind::Uniform });
    });
    let stratified = state.link.campaign.design() == DesignKind::Stratified;
    html! {
        <div class="field">
            <span class="label">{ "Design" }</span>
            <Choice id="campaign-design" label="How faults are chosen" {options} chosen={usize::from(stratified)} {choose} />
            if stratified {
                <p class="hint">{ words::STRATIFIED }</p>
            }
        </div>
    }
}

/// The quantity that is to be known, and how well.
fn until(state: &Rc<State>, act: &Callback<Action>, goal: &Goal) -> Html {
    let value = |event: &Event| event.target_unchecked_into::<HtmlSelectElement>().value();
    let quantity = set(state, act, move |link, event: Event| {
        link.of = Quantity::named(&value(&event)).ok();
        if link.of == Some(Quantity::Ratio) && !link.margin().is_relative() {
            // A ratio has no percentage points.
            link.margin = HalfWidth::new(10.0, true).ok();
        }
    });
    let confidence =
        set(state, act, move |link, event: Event| link.confidence = Confidence::named(&value(&event)).ok());
    let unit = set(state, act, move |link, event: Event| {
        let relative = value(&event) == "%";
        let number = link.margin().number();
        link.margin = HalfWidth::new(number, relative).or_else(|_| HalfWidth::new(10.0, relative)).ok();
    });
    let relative = goal.margin.is_relative();
    let number = set(state, act, move |link, text: String| {
        link.margin = HalfWidth::new(text.parse().unwrap_or(0.0), relative).ok()
    });
    let (least, most) = if relative { (0.1, 100.0) } else { (0.01, 50.0) };
    html! {
        <>
            <div class="field-pair">
                <div class="field">
                    <label for="quantity">{ "To be known" }</label>
                    <select id="quantity" onchange={quantity}>
                        { for Quantity::ALL.iter().map(|(known, row)| html! {
                            <option value={row.name} selected={*known == goal.of} title={row.help}>{ row.label }</option>
                        }) }
                    </select>
                </div>
                <div class="field">
                    <label for="confidence">{ "Confidence" }</label>
                    <select id="confidence" onchange={confidence}>
                        { for Confidence::ALL.iter().map(|(known, row)| html! {
                            <option value={row.name} selected={*known == goal.confidence}>{ row.label }</option>
                        }) }
                    </select>
                </div>
            </div>
            <div class="field-pair">
                <Number id="margin" label="Margin, ±" title="Half the width that the interval may have" value={words::trimmed(goal.margin.number())}
                    {least} {most} whole=false choose={number} act={act.clone()} />
                <div class="field">
                    <label for="margin-unit">{ "Of the margin" }</label>
                    <select id="margin-unit" onchange={unit} disabled={goal.of == Quantity::Ratio}>
                        <option value="pp" selected={!relative}>{ "percentage points" }</option>
                        <option value="%" selected={relative}>{ "% of the quantity" }</option>
                    </select>
                </div>
            </div>
        </>
    }
}

/// Target, type and bit, sampling.
fn faults(state: &Rc<State>, act: &Callback<Action>) -> Html {
    let link = &state.link.campaign;
    let targets: Vec<(AttrValue, AttrValue)> = vec![
        ("Activations".into(), "A layer's output, for one inference".into()),
        ("Weights".into(), "A stored parameter".into()),
    ];
    let target = set(state, act, |link, index: usize| {
        link.target = Some(if index == 1 { Target::Weight } else { Target::Activation });
    });
    let samplings: Vec<(AttrValue, AttrValue)> = vec![
        ("Layer".into(), "Every layer equally likely, then every element of it, as in the study".into()),
        ("Element".into(), "Every element of every layer equally likely".into()),
    ];
    let sampling = set(state, act, |link, index: usize| {
        link.sampling = Some(if index == 1 { Sampling::Element } else { Sampling::Layer });
    });
    let kind = set(state, act, |link, event: Event| {
        let value = event.target_unchecked_into::<HtmlSelectElement>().value();
        link.kind = FaultKind::named(&value).ok();
    });
    let bits = set(state, act, |link, event: Event| {
        link.bits = event.target_unchecked_into::<HtmlSelectElement>().value().parse().ok();
    });
    let drawn = bit_sets(state.campaign_format(), link.bits());
    let numbers = set(state, act, |link, [format, weight_format]: [Format; 2]| {
        let stated = |format: Format| Some(format).filter(|format| !format.is_default());
        (link.format, link.weight_format) = (stated(format), stated(weight_format));
        // Bits of another format say nothing of this one.
        link.bits = link.bits.filter(|bits| bits.within(format).is_ok() && bits.within(weight_format).is_ok());
    });
    let pattern = set(state, act, |link, pattern: Pattern| {
        link.pattern = Some(pattern).filter(|pattern| !pattern.is_single());
    });
    let chosen = link.kind();
    html! {
        <>
            <div class="field">
                <span class="label">{ "Target" }</span>
                <Choice id="campaign-target" label="Target of the faults" options={targets}
                    chosen={usize::from(link.target() == Target::Weight)} choose={target} />
            </div>
            <div class="field-pair">
                <div class="field">
                    <label for="campaign-kind">{ "Type" }</label>
                    <select id="campaign-kind" onchange={kind}>
                        { for FaultKind::ALL.iter().filter(|(kind, _)| !kind.needs_range()).map(|(kind, row)| html! { <option value={row.name} selected={*kind == chosen}>{ row.label }</option> }) }
                    </select>
                </div>
                if chosen.takes_bits() {
                    <div class="field">
                        <label for="campaign-bit">{ "Bits" }</label>
                        <select id="campaign-bit" onchange={bits}>
                            { for drawn.into_iter().map(|(bits, text)| html! {
                                <option value={bits.to_string()} selected={bits == link.bits()}>{ text }</option>
                            }) }
                        </select>
                    </div>
                }
            </div>
            <div class="field-pair">
                <div class="field">
                    <label for="campaign-format">{ "Numbers" }</label>
                    <FormatSelect id="campaign-format" chosen={[link.format(), link.weight_format()]} choose={numbers}
                        disabled={state.model().is_some() && !state.emulates()} />
                </div>
                <div class="field">
                    <label for="campaign-pattern">{ "Pattern" }</label>
                    { patterns("campaign-pattern", link.pattern(), pattern) }
                </div>
            </div>
            <LayersField state={state.clone()} act={act.clone()} />
            <div class="field">
                <span class="label">{ "Sampling" }</span>
                <Choice id="sampling" label="How a layer is drawn" options={samplings}
                    chosen={usize::from(link.sampling() == Sampling::Element)} choose={sampling} />
            </div>
        </>
    }
}

/// The sets of bits on offer: all, those of a field, each alone, and the one that is `chosen` where a link made it.
fn bit_sets(format: Format, chosen: Bits) -> Vec<(Bits, String)> {
    let mut sets = vec![(Bits::ALL, "All, each drawn".to_owned())];
    // The sign is one bit, and stands among those.
    let fields = [
        (BitField::Exponent, "Exponent"),
        (BitField::Mantissa, "Mantissa"),
        (BitField::Integer, "Integer"),
        (BitField::Fraction, "Fraction"),
    ];
    for (field, name) in fields {
        sets.extend(Bits::of(field, format).map(|bits| (bits, format!("{name} ({bits})"))));
    }
    let single = format.bits().filter_map(|bit| Some((bit, Bits::one(bit.into()).ok()?)));
    sets.extend(single.map(|(bit, bits)| (bits, format!("Bit {bit} ({})", format.field_name(bit)))));
    if sets.iter().all(|(bits, _)| *bits != chosen) {
        sets.push((chosen, format!("Bits {chosen}")));
    }
    sets
}

fn estimate(estimate: &Estimate, state: &State) -> Html {
    let faults = match estimate.faults {
        None if state.link.campaign.protocol() == Counting::Until => {
            format!("As many faults as it takes, {} at most", words::count(campaign::MAX_FAULTS))
        }
        None => "As many faults as the data set's images ask for".to_owned(),
        Some([least, most]) if least == most => {
            let images = estimate.images.unwrap_or_default();
            format!(
                "{} faults in {} {}",
                words::count(most),
                words::count(images),
                if images == 1 { "image" } else { "images" }
            )
        }
        Some([least, most]) if state.link.campaign.protocol() == Counting::Until => {
            format!(
                "About {} faults for a rate near 0, {} for a rate of one half",
                words::count(least),
                words::count(most)
            )
        }
        Some([least, most]) => format!("{} to {} faults", words::count(least), words::count(most)),
    };
    let time = estimate.milliseconds.map(|time| {
        let most = if estimate.measured { "about" } else { "at most about" };
        format!(", {most} {}", words::duration(time))
    });
    if state.campaign.starting() && state.protections().iter().any(Method::is_learnt) {
        return html! { <p class="hint" id="estimate">{ "Protections are learnt from golden runs." }</p> };
    }
    if state.campaign.starting() && state.design() == DesignKind::Stratified {
        return html! { <p class="hint" id="estimate">{ "A pilot finds out which faults matter." }</p> };
    }
    let study = state.link.campaign.protocol() == Counting::Study;
    html! {
        <p class="hint" id="estimate">
            { faults }{ time.unwrap_or_default() }{ "." }
            if study && estimate.unlabelled > 0 {
                { format!(" The study's protocol needs the true class of every image; of {} of them it is not known: it can stand at the end of their names (NAME_NN_CLASS.png), in their folders' names, or in a list.", estimate.unlabelled) }
            }
        </p>
    }
}

fn buttons(state: &State, act: &Callback<Action>) -> Html {
    let campaign = &state.campaign;
    let on = |action: CampaignAction| act.reform(move |_: MouseEvent| Action::Campaign(action.clone()));
    let waiting = state.campaign_waits();
    html! {
        <div class="settings-go">
            if campaign.running() {
                if campaign.stage() == Some(Stage::Paused) {
                    <button type="button" class="button button-primary" id="resume" disabled={waiting} onclick={on(CampaignAction::Resume)}>{ "Resume" }</button>
                } else {
                    <button type="button" class="button button-primary" id="pause" disabled={waiting} onclick={on(CampaignAction::Pause)}>{ "Pause" }</button>
                }
                <button type="button" class="button" id="stop" disabled={campaign.starting()} onclick={on(CampaignAction::Stop)}>{ "Stop" }</button>
            } else {
                <button type="submit" class="button button-primary" id="start" disabled={!state.can_start()}>{ "Start campaign" }</button>
            }
        </div>
    }
}

#[derive(Properties, PartialEq)]
pub(super) struct NumberProps {
    pub id: AttrValue,
    pub label: AttrValue,
    #[prop_or_default]
    pub title: AttrValue,
    pub value: String,
    pub least: f64,
    pub most: f64,
    pub whole: bool,
    /// Whether it may be empty.
    #[prop_or_default]
    pub optional: bool,
    /// Receives the text, which is a valid number.
    pub choose: Callback<String>,
    pub act: Callback<Action>,
}

/// A field for a number.
#[component]
pub(super) fn Number(props: &NumberProps) -> Html {
    let NumberProps { id, label, title, value, least, most, whole, optional, choose, act } = props;
    let (least, most, whole, optional) = (*least, *most, *whole, *optional);
    let onchange = {
        let (choose, act, label, value) = (choose.clone(), act.clone(), label.clone(), value.clone());
        Callback::from(move |event: Event| {
            let input: HtmlInputElement = event.target_unchecked_into();
            let text = input.value().trim().to_owned();
            let fits = text.parse::<f64>().is_ok_and(|number| (least..=most).contains(&number));
            if fits && (!whole || text.bytes().all(|byte| byte.is_ascii_digit())) || optional && text.is_empty() {
                choose.emit(text);
            } else {
                let kind = if whole { "a whole number" } else { "a number" };
                act.emit(Action::Tell(format!("{label}: {kind} from {least} to {most} is expected, found “{text}”.")));
                input.set_value(&value);
            }
        })
    };
    html! {
        <div class="field" title={title.clone()}>
            <label for={id.clone()}>{ label }</label>
            <input id={id.clone()} type="text" inputmode={if whole { "numeric" } else { "decimal" }} autocomplete="off" value={value.clone()} {onchange} />
        </div>
    }
}
