//! The value that is looked at, the effect of each possible fault, and the button that injects one.

use facts::fault::{Corruption, Format, Pattern};
use facts::outcome::Verdict;
use protocol::SweepTrial;
use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use super::Props;
use super::bits::BitStrip;
use super::numbers::FormatSelect;
use super::parts::{Choice, Panel};
use facts::Named;
use facts::fault::FaultKind;

use crate::link::Sweep;
use crate::state::{Action, State};
use crate::words;

/// Kind of fault, bits, and the button.
#[component]
pub fn FaultPanel(props: &Props) -> Html {
    let Props { state, act } = props;
    let kinds: Vec<FaultKind> =
        FaultKind::ALL.iter().map(|&(kind, _)| kind).filter(|kind| !kind.needs_range()).collect();
    let options = vec![
        ("Bit flip".into(), "One bit of the stored number is inverted, as a particle strike does".into()),
        ("Zero".into(), "The value becomes 0".into()),
        ("Random".into(), "The value becomes a number from 0 up to 1".into()),
    ];
    let chosen = kinds.iter().position(|kind| kind.name() == state.link.kind().name()).unwrap_or(0);
    let choose = act.reform(move |index: usize| {
        let kind = kinds[index];
        Action::choose(move |link| link.kind = Some(kind))
    });
    let busy = state.asked.injection.busy();
    html! {
        <Panel id="fault" title="The fault" {busy} aside={html! {
            <>{ place(state) }{ numbers(state, act) }{ pattern(state, act) }<Choice id="kind" label="Kind of fault" {options} {chosen} {choose} /></>
        }}>
            { corruption(state, act) }
            { spread(state) }
            <div class="fault-go">
                { inject(state, act, "inject") }
                if state.link.run {
                    <button type="button" class="button" id="heal" onclick={act.reform(|_| Action::Heal)}>{ "Remove the fault" }</button>
                }
            </div>
        </Panel>
    }
}

/// The button that injects.
pub fn inject(state: &State, act: &Callback<Action>, id: &'static str) -> Html {
    let ready = state.golden_now().is_some() && state.looked().is_some();
    let busy = state.asked.injection.busy();
    let again = state.link.run && state.link.look.is_none();
    html! {
        <button type="button" class="button button-primary" {id} disabled={!ready || busy} onclick={act.reform(|_| Action::Inject)}>
            { if busy { "Running…" } else if again { "Inject again" } else { "Inject fault" } }
        </button>
    }
}

/// The number format that the network is rounded to.
fn numbers(state: &State, act: &Callback<Action>) -> Html {
    let card = &state.link.card;
    let choose = act.reform(|[format, weight_format]: [Format; 2]| {
        Action::choose(move |link| {
            let card = &mut link.card;
            let stated = |format: Format| Some(format).filter(|format| !format.is_default());
            (card.format, card.weight_format) = (stated(format), stated(weight_format));
        })
    });
    let chosen = [card.format(), card.weight_format()];
    let usual = chosen.iter().all(Format::is_default);
    html! {
        <span class={classes!("labelled", usual.then_some("usual"))}>
            <label class="label" for="format">{ "Numbers" }</label>
            <FormatSelect id="format" {chosen} {choose}
                disabled={state.model().is_some() && !state.emulates()} />
        </span>
    }
}

/// The patterns on offer. A link may hold others.
const PATTERNS: [Pattern; 12] = [
    Pattern::Single,
    Pattern::Row,
    Pattern::Column,
    Pattern::Channel,
    Pattern::FullChannels(None),
    Pattern::BulletWake(None),
    Pattern::BulletWake(Some(4)),
    Pattern::ShatteredGlass(None),
    Pattern::Block { width: 2, height: 2 },
    Pattern::Block { width: 4, height: 4 },
    Pattern::Skip { stride: 4, count: None },
    Pattern::Random(8),
];

/// A list of patterns. `id` is the list's.
pub fn patterns(id: &'static str, chosen: Pattern, choose: Callback<Pattern>) -> Html {
    let mut offered = PATTERNS.to_vec();
    if !offered.contains(&chosen) {
        offered.push(chosen);
    }
    let options = offered.clone();
    let onchange = choose.reform(move |event: Event| {
        let index = event.target_unchecked_into::<HtmlSelectElement>().selected_index();
        usize::try_from(index).ok().and_then(|index| options.get(index).copied()).unwrap_or_default()
    });
    html! {
        <select {id} title={words::PATTERN} {onchange}>
            { for offered.into_iter().map(|pattern| html! {
                <option value={pattern.to_string()} selected={pattern == chosen}>{ words::pattern(pattern) }</option>
            }) }
        </select>
    }
}

/// The elements that are struck together.
fn pattern(state: &State, act: &Callback<Action>) -> Html {
    let chosen = state.link.pattern();
    let choose = act.reform(|pattern: Pattern| {
        Action::choose(move |link| link.pattern = Some(pattern).filter(|pattern| !pattern.is_single()))
    });
    html! {
        <span class={classes!("labelled", chosen.is_single().then_some("usual"))}>
            <label class="label" for="pattern">{ "Pattern" }</label>
            { patterns("pattern", chosen, choose) }
            if chosen.is_drawn() {
                <button type="button" class="button button-quiet" id="draw" title="Draw other elements of the same pattern"
                    onclick={act.reform(|_| Action::choose(|link| link.draw = Some(link.draw().wrapping_add(1))))}>{ "Draw" }</button>
            }
        </span>
    }
}

/// The number of elements that the pattern strikes at the place that is looked at, or why it does not fit there.
fn spread(state: &State) -> Html {
    let looked = state.looked().filter(|_| !state.link.pattern().is_single());
    let Some(looked) = looked else { return Html::default() };
    html! { <p class="hint" id="pattern-told">{ state.spread(&looked).unwrap_or_else(|problem| problem) }</p> }
}

/// Which value it is.
fn place(state: &State) -> Html {
    let Some(looked) = state.looked() else {
        return html! { <p class="hint">{ "The fault can be chosen when the network is loaded." }</p> };
    };
    let what = if looked.layer.tensors(looked.target).len() > 1 { &looked.tensor.name } else { &looked.layer.name };
    let [golden, faulty] = state.values();
    let changed = golden.zip(faulty).filter(|(golden, faulty)| golden.to_bits() != faulty.to_bits());
    let name = format!("{what}, element {}", words::count(looked.element as u64));
    html! {
        <p class="fault-place" id="fault-place">
            <span class="fault-name" title={name.clone()}>{ name }</span>
            <span class="bit-change">
                { golden.map_or_else(|| "…".to_owned(), words::number) }
                if let Some((_, faulty)) = changed { <span class="arrow">{ " → " }</span><strong>{ words::number(faulty) }</strong> }
            </span>
        </p>
    }
}

fn corruption(state: &State, act: &Callback<Action>) -> Html {
    let [value, _] = state.values();
    match state.link.kind() {
        kind if kind.takes_bits() => {
            let here = state.looked() == state.struck();
            html! {
                <>
                    <BitStrip code={state.code()} {value} chosen={here.then(|| state.bits())} verdicts={verdicts(state)} strike={act.reform(Action::Strike)} />
                    { every_bit(state, value) }
                </>
            }
        }
        kind if kind.takes_value() => {
            let tell = act.clone();
            let onchange = Callback::from(move |event: Event| {
                let text = event.target_unchecked_into::<HtmlInputElement>().value();
                tell.emit(match text.trim().parse::<f32>() {
                    Ok(value) if (0.0..1.0).contains(&value) => Action::choose(move |link| link.value = Some(value)),
                    _ => Action::Tell(format!("A random fault writes a number from 0 up to 1; \"{text}\" is none.")),
                });
            });
            let draw = act.reform(|_: MouseEvent| {
                let value = (js_sys::Math::random() as f32).min(1.0 - f32::EPSILON);
                Action::choose(move |link| link.value = Some(value))
            });
            html! {
                <div class="fault-random">
                    <div class="field field-inline">
                        <label for="value">{ "New value" }</label>
                        <input id="value" type="number" min="0" max="1" step="any" value={state.link.value().to_string()} {onchange} />
                        <button type="button" class="button button-quiet" onclick={draw}>{ "Draw" }</button>
                    </div>
                    { change(value, state.link.value()) }
                </div>
            }
        }
        kind => match kind.exactly(state.bits(), state.link.value()) {
            Corruption::Set(after) => change(value, after),
            corruption => change(value, corruption.apply(value.unwrap_or_default(), state.code())),
        },
    }
}

/// The outcome of each bit, where all were tried at the element that is looked at.
fn verdicts(state: &State) -> Vec<Option<Verdict>> {
    if state.link.sweep != Some(Sweep::Bits) || state.looked() != state.struck() {
        return Vec::new();
    }
    let verdict = |trial: &Option<Result<SweepTrial, String>>| Some(trial.as_ref()?.as_ref().ok()?.verdict);
    state.trials().iter().map(verdict).collect()
}

/// The value after the flip of each bit.
fn every_bit(state: &State, value: Option<f32>) -> Html {
    let Some(value) = value else { return Html::default() };
    let (code, format, verdicts) = (state.code(), state.format(), verdicts(state));
    let rows = format.bits().filter_map(|bit| {
        let after = Corruption::flip(bit).ok()?.apply(value, code);
        let verdict = verdicts.get(usize::from(bit)).copied().flatten();
        Some(html! {
            <tr key={bit} class={format!("bit-{}", format.field_name(bit))}>
                <th scope="row">{ format!("{bit}, {}", format.field_name(bit)) }</th>
                <td>{ words::number(after) }</td>
                if !verdicts.is_empty() { <td>{ verdict.map(|verdict| words::verdict(&verdict)) }</td> }
            </tr>
        })
    });
    html! {
        <details class="every-bit" id="every-bit">
            <summary>{ "The value after each flip" }</summary>
            <div class="table-wrap" tabindex="0" role="region" aria-label="The value with each bit flipped">
                <table>
                    <thead><tr>
                        <th>{ "Bit" }</th><th>{ "Value" }</th>
                        if !verdicts.is_empty() { <th>{ "Answer" }</th> }
                    </tr></thead>
                    <tbody>{ for rows }</tbody>
                </table>
            </div>
        </details>
    }
}

fn change(value: Option<f32>, after: f32) -> Html {
    html! {
        <p class="bit-preview" id="bit-preview">
            <span class="bit-change">
                { value.map_or_else(|| "?".to_owned(), words::number) }<span class="arrow">{ " → " }</span>
                <strong>{ words::number(after) }</strong>
            </span>
        </p>
    }
}
