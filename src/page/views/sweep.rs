//! Many trials around one fault: the buttons that start them, and the outcomes as a strip, a map or pictures.

use std::rc::Rc;

use facts::outcome::{Outcome, Verdict};
use protocol::{SweepRequest, SweepTrial};
use yew::prelude::*;

use super::bits::{mark, mark_class};
use super::export::{SaveChart, save};

use crate::link::Sweep;
use crate::state::{Action, State, SweepKey};
use crate::{tables, words};

#[derive(Properties, PartialEq)]
pub struct SweepProps {
    pub state: Rc<State>,
    pub act: Callback<Action>,
    /// Whether the page is dark.
    pub dark: bool,
}

/// The outcome of one trial, if it was made.
type Made = Option<Result<SweepTrial, String>>;

/// Buttons, progress and outcomes.
#[component]
pub fn SweepPanel(props: &SweepProps) -> Html {
    let SweepProps { state, act, .. } = props;
    let ready = state.golden_now().is_some() && state.looked().is_some();
    let images = state.images().len();
    let flip = state.link.kind().takes_bits();
    let map = match state.link.kind() {
        kind if kind.takes_bits() => format!("{} over the whole map", words::bits(state.bits())),
        _ => "This value over the whole map".to_owned(),
    };
    let button = |sweep: Sweep, id: &'static str, text: String, enabled: bool| {
        let pressed = state.link.sweep == Some(sweep);
        let action = if pressed { Action::Sweep(None) } else { Action::Sweep(Some(sweep)) };
        html! {
            <button type="button" class={classes!("button", pressed.then_some("pressed"))} {id} disabled={!ready || !enabled}
                aria-pressed={pressed.to_string()} onclick={act.reform(move |_| action.clone())}>{ text }</button>
        }
    };
    html! {
        <div class="sweep" id="sweep">
            <h3>{ "Many faults at once" }</h3>
            <div class="sweep-choices" role="group" aria-label="Many faults around this one">
                { button(Sweep::Bits, "sweep-bits", format!("All {} bits of this element", state.format().width()), flip) }
                { button(Sweep::Map, "sweep-map", map, true) }
                { button(Sweep::Images, "sweep-images", format!("This fault on all {images} images"), images > 0) }
            </div>
            { result(state, act) }
        </div>
    }
}

fn result(state: &State, act: &Callback<Action>) -> Html {
    let Some(SweepKey { request, .. }) = state.asked.sweep.key() else {
        return html! { <p class="hint">{ "Each is one click: the faults run one after the other, and every outcome gets its mark." }</p> };
    };
    let trials = state.trials();
    let (done, all) = (state.trials_made(), trials.len());
    html! {
        <>
            <p class="sweep-told" id="sweep-told" role="status">{ told(trials) }</p>
            if state.asked.sweep.busy() {
                <div class="progress"><progress value={done.to_string()} max={all.to_string()} aria-label="Trials made" />
                    <span>{ format!("{} of {}", words::count(done as u64), words::count(all as u64)) }</span></div>
            }
            { match request {
                SweepRequest::Bits { .. } => bits(state, trials, act),
                SweepRequest::Map { .. } => heat_map(state, trials, act),
                SweepRequest::Images { .. } => images(state, trials, act),
                // Workers ask each other for these.
                SweepRequest::Each { .. } => Html::default(),
            } }
            { key() }
            <div class="take">
                <button type="button" class="button button-quiet" id="save-sweep" disabled={done == 0}
                    onclick={save_trials(state)}>{ "CSV" }</button>
                if matches!(request, SweepRequest::Map { .. }) {
                    <SaveChart chart="sweep-picture" title="Outcome at each element" name="sweep" act={act.clone()} />
                }
            </div>
        </>
    }
}

fn save_trials(state: &State) -> Callback<MouseEvent> {
    let trials = state.trials().to_vec();
    Callback::from(move |_| save("sweep.csv", "text/csv", tables::sweep_csv(&trials).as_bytes()))
}

/// How many of each outcome.
fn told(trials: &[Made]) -> String {
    let made = || trials.iter().flatten().flatten();
    let count = |is: &dyn Fn(&Verdict) -> bool| words::count(made().filter(|trial| is(&trial.verdict)).count() as u64);
    let mut text = format!(
        "{} faults: {} masked, {} SDC (the answer changes), of these {} SCM (safety-critical); {} DUE (NaN or infinity in the output).",
        words::count(made().count() as u64),
        count(&|verdict| verdict.outcome == Outcome::Masked),
        count(&|verdict| verdict.outcome == Outcome::Sdc),
        count(&|verdict| verdict.scm == Some(true)),
        count(&|verdict| verdict.due)
    );
    let failed = trials.iter().flatten().filter(|trial| trial.is_err()).count();
    if failed > 0 {
        text.push_str(&format!(" {failed} could not be made."));
    }
    text
}

fn title(made: &Made) -> String {
    match made {
        None => "not made yet".to_owned(),
        Some(Err(problem)) => problem.clone(),
        Some(Ok(trial)) => {
            let change = format!("{} → {}", words::number(trial.fault.before), words::number(trial.fault.after));
            let answer = match trial.verdict.outcome {
                Outcome::Masked => format!("still {}", trial.faulty),
                Outcome::Sdc => format!("{} → {}", trial.golden, trial.faulty),
            };
            format!("{change}: {}, {answer}", words::verdict(&trial.verdict))
        }
    }
}

fn verdict(made: &Made) -> Option<Verdict> {
    Some(made.as_ref()?.as_ref().ok()?.verdict)
}

/// One column a bit, the sign first.
fn bits(state: &State, trials: &[Made], act: &Callback<Action>) -> Html {
    let (format, chosen) = (state.format(), state.bits());
    let columns = format.bits().map(|bit| {
        let made = trials.get(usize::from(bit)).cloned().flatten();
        let verdict = verdict(&made);
        let title = format!("Bit {bit} ({}): {}", format.field_name(bit), title(&made));
        let pressed = chosen.iter().any(|chosen| chosen == bit).then_some("chosen");
        html! {
            <button type="button" key={bit} class={classes!("sweep-bit", pressed, verdict.as_ref().map(mark_class))}
                title={title.clone()} onclick={act.reform(move |_| Action::Strike(bit))}>
                <span aria-hidden="true">{ verdict.as_ref().map_or("", mark) }</span><small aria-hidden="true">{ bit }</small>
                <span class="visually-hidden">{ title }</span>
            </button>
        }
    });
    html! { <div class="sweep-bits" role="group" aria-label="Outcome of each bit">{ for columns }</div> }
}

/// One cell an element of the plane.
fn heat_map(state: &State, trials: &[Made], act: &Callback<Action>) -> Html {
    let Some(struck) = state.struck() else { return Html::default() };
    let planes = struck.planes();
    let (columns, rows, first) = (planes.columns.max(1), planes.rows().max(1), struck.plane() * planes.per_plane);
    let mut paths = [
        ("mark-masked", String::new()),
        ("mark-sdc", String::new()),
        ("mark-scm", String::new()),
        ("mark-due", String::new()),
    ];
    for (at, made) in trials.iter().enumerate() {
        if let Some(verdict) = verdict(made) {
            let class = mark_class(&verdict);
            if let Some((_, path)) = paths.iter_mut().find(|(known, _)| *known == class) {
                path.push_str(&format!("M{} {}h1v1h-1z", at % columns, at / columns));
            }
        }
    }
    let tensor = struck.tensor.clone();
    let onclick = {
        let act = act.clone();
        Callback::from(move |event: MouseEvent| {
            let Some(target) = event.target_dyn_into::<web_sys::Element>() else { return };
            let bounds = target.closest("svg").ok().flatten().unwrap_or(target).get_bounding_client_rect();
            let share = |at: i32, start: f64, length: f64| ((f64::from(at) - start) / length).clamp(0.0, 0.999_999);
            let row = (share(event.client_y(), bounds.top(), bounds.height()) * rows as f64) as usize;
            let column = (share(event.client_x(), bounds.left(), bounds.width()) * columns as f64) as usize;
            if row * columns + column < planes.per_plane {
                act.emit(Action::ChooseElement(tensor.element(first + row * columns + column)));
                act.emit(Action::Inject);
            }
        })
    };
    let (row, column) = planes.position(struck.spot());
    let label = format!("Outcome of the fault at each of {} elements: {}", trials.len(), told(trials));
    html! {
        <div id="sweep-picture" class="sweep-picture"><svg class="sweep-map" viewBox={format!("0 0 {columns} {rows}")} role="img" aria-label={label} {onclick}>
            <rect width={columns.to_string()} height={rows.to_string()} class="sweep-ground" />
            { for paths.into_iter().map(|(class, d)| html! { <path {class} {d} /> }) }
            <rect class="sweep-here" x={column.to_string()} y={row.to_string()} width="1" height="1" />
        </svg></div>
    }
}

/// One picture an image.
fn images(state: &State, trials: &[Made], act: &Callback<Action>) -> Html {
    let pictures = state.images().into_iter().zip(trials).map(|((id, file, caption), made)| {
        let verdict = verdict(made);
        let name = if caption.is_empty() { file.name.clone() } else { caption };
        let title = format!("{name}: {}", title(made));
        let text =
            verdict.as_ref().map_or_else(|| if made.is_some() { "failed" } else { "" }.to_owned(), words::verdict);
        html! {
            <button type="button" key={id.clone()} class="sweep-image" title={title.clone()} aria-label={title}
                onclick={act.reform(move |_| Action::ChooseImage(id.clone()))}>
                <img src={file.url} alt="" />
                <span class={classes!("sweep-image-mark", verdict.as_ref().map(mark_class))}>{ text }</span>
            </button>
        }
    });
    html! { <div class="sweep-images" role="group" aria-label="Outcome for each image">{ for pictures }</div> }
}

fn key() -> Html {
    html! {
        <ul class="sweep-key" aria-label="Meaning of the marks">
            <li><i class="mark-masked">{ "·" }</i>{ "masked" }</li>
            <li><i class="mark-sdc">{ "S" }</i>{ "SDC" }</li>
            <li><i class="mark-scm">{ "C" }</i>{ "SCM" }</li>
            <li><i class="mark-due">{ "D" }</i>{ "DUE" }</li>
        </ul>
    }
}
