//! The lesson beside the network: text, tasks that are ticked when done, and navigation between steps.

mod aim;

use wasm_bindgen::JsCast;
use web_sys::HtmlElement;
use yew::prelude::*;

use super::Props;
use super::parts::{stop, walk};
use crate::link::View;
use crate::state::{Action, LessonAction, State, Step, Task};

/// Id of the button that opens the lesson. The focus returns to it when the lesson closes.
pub const TOGGLE: &str = "lesson-toggle";

/// The button in the page's header.
#[component]
pub fn LessonToggle(props: &Props) -> Html {
    let Props { state, act } = props;
    let open = state.step().is_some();
    let action = if open { LessonAction::Close } else { LessonAction::Open };
    html! {
        <button class={classes!("button", open.then_some("pressed"))} id={TOGGLE} aria-expanded={open.to_string()} aria-controls="lesson"
            onclick={act.reform(move |_| Action::Lesson(action))} title="A guided tour, with something to try in each step">
            { "Lesson" }
        </button>
    }
}

/// The drawer.
#[component]
pub fn LessonPanel(props: &Props) -> Html {
    let Props { state, act } = props;
    let heading = use_node_ref();
    let step = state.step();
    {
        let heading = heading.clone();
        use_effect_with(step.map(|(number, _)| number), move |_| {
            // If the page was just opened by a link, the focus stays at the beginning of the page.
            let elsewhere =
                gloo::utils::document().active_element().is_some_and(|element| element.tag_name() != "BODY");
            if let Some(heading) = heading.cast::<HtmlElement>().filter(|_| elsewhere) {
                // If focusing fails, the focus stays unchanged.
                let _ = heading.focus();
            }
        });
    }
    let control = aim::control(state);
    {
        // Parts and controls come and go with what the network answers, so this follows each rendering. A step comes into
        // the window once, when its first control is there: from then on the window is the user's.
        let (brought, state) = (use_mut_ref(|| None::<usize>), state.clone());
        use_effect(move || {
            let step = state.step().filter(|_| !state.lesson.is_waiting());
            let found = aim::mark(step.map(|(_, step)| step), control);
            match (step, found) {
                (Some((number, step)), Some(found)) if *brought.borrow() != Some(number) && settled(&state) => {
                    *brought.borrow_mut() = Some(number);
                    aim::bring(step, found);
                }
                (None, _) => *brought.borrow_mut() = None,
                _ => {}
            }
        });
    }
    let Some((number, step)) = step else { return html! { <aside id="lesson" hidden=true></aside> } };
    let chapters = state.chapters();
    let place = chapters.iter().position(|&chapter| chapter == number).unwrap_or(0);
    let [back, next] = state.neighbours();
    let (back, next) = (back.map(|_| LessonAction::Back), next.map(|_| LessonAction::Next));
    let keys = {
        let act = act.clone();
        Callback::from(move |event: KeyboardEvent| {
            let action = match event.key().as_str() {
                "Escape" => Some(LessonAction::Close),
                "ArrowLeft" => back,
                "ArrowRight" => next,
                _ => None,
            };
            if let Some(action) = action {
                event.prevent_default();
                leave(&act, action);
            }
        })
    };
    let complete = state.lesson.is_complete(number);
    html! {
        <aside id="lesson" class="lesson" aria-labelledby="lesson-title" aria-keyshortcuts="ArrowLeft ArrowRight Escape" onkeydown={keys}>
            <div class="lesson-main">
                <div class="lesson-body">
                    <div class="lesson-head">
                        <p class="hint">{ format!("Lesson, step {} of {}", place + 1, chapters.len()) }</p>
                        <span class="lesson-tools">
                            { button(act, Some(LessonAction::SetUp), "lesson-set-up", "button button-quiet", "Set up again") }
                            { button(act, Some(LessonAction::Close), "lesson-close", "button button-quiet", "Close") }
                        </span>
                    </div>
                    { dots(state, act, &chapters, number) }
                    <h2 id="lesson-title" tabindex="-1" ref={heading}>{ step.title }</h2>
                    <div class="lesson-text">{ for step.text.iter().map(|paragraph| html! { <p>{ *paragraph }</p> }) }</div>
                </div>
                <div class="lesson-do">
                    { tasks(state, number, step) }
                    <details class="lesson-hint" key={number}><summary>{ "Hint" }</summary><p>{ step.hint }</p></details>
                    <div role="status">
                        if complete { <p class="lesson-seen"><strong>{ "Done. " }</strong>{ step.seen }</p> }
                    </div>
                </div>
            </div>
            <div class="lesson-go">
                { button(act, back, "lesson-back", "button", "Back") }
                if let Some(control) = control {
                    <button type="button" class="button button-quiet" id="lesson-control" onclick={move |_: MouseEvent| aim::focus(control)}>
                        { "Go to the control" }
                    </button>
                }
                { if next.is_some() {
                    button(act, next, "lesson-next", if complete { "button button-primary" } else { "button" }, "Next")
                } else {
                    button(act, Some(LessonAction::Close), "lesson-next", "button", "Finish")
                } }
            </div>
        </aside>
    }
}

/// Whether everything is there that a step begins with, so that the page no longer moves.
fn settled(state: &State) -> bool {
    let run = !state.link.run || state.injection_now().is_some();
    state.link.view == View::Campaign || (state.view_now().is_some() && run && !state.asked.injection.busy())
}

/// Draws one dot for each step.
fn dots(state: &State, act: &Callback<Action>, chapters: &[usize], now: usize) -> Html {
    let dot = |(place, &number): (usize, &usize)| {
        let complete = state.lesson.is_complete(number);
        let title = state.lesson.steps()[number].title;
        let label = format!("Step {}: {title}{}", place + 1, if complete { ", done" } else { "" });
        let current = number == now;
        html! {
            <li key={number}>
                <button type="button" class={classes!("lesson-dot", current.then_some("chosen"), complete.then_some("done"))}
                    tabindex={stop(current)} aria-label={label.clone()} title={label} aria-current={current.then_some("step")}
                    onclick={act.reform(move |_| Action::Lesson(LessonAction::Go(number)))}>
                    { if complete { "✓".to_owned() } else { (place + 1).to_string() } }
                </button>
            </li>
        }
    };
    html! {
        <nav aria-label="Steps of the lesson">
            <ol class="lesson-dots" data-strip="" onkeydown={walk}>{ for chapters.iter().enumerate().map(dot) }</ol>
        </nav>
    }
}

/// Draws the tasks; completed tasks have a tick.
fn tasks(state: &State, number: usize, step: &Step) -> Html {
    let task = |(place, task): (usize, &Task)| {
        let done = state.lesson.is_done(number, place);
        html! {
            <li key={place} class={classes!("lesson-task", done.then_some("done"))}>
                <span class="lesson-tick" aria-hidden="true">{ if done { "✓" } else { "" } }</span>
                <span>{ task.text }<span class="visually-hidden">{ if done { " Done." } else { " To do." } }</span></span>
            </li>
        }
    };
    html! {
        <div class="lesson-tasks">
            <h3>{ "Try it" }</h3>
            <ul>{ for step.tasks.iter().enumerate().map(task) }</ul>
        </div>
    }
}

fn button(
    act: &Callback<Action>,
    action: Option<LessonAction>,
    id: &'static str,
    class: &'static str,
    text: &str,
) -> Html {
    let act = act.clone();
    let onclick = Callback::from(move |_: MouseEvent| {
        if let Some(action) = action {
            leave(&act, action);
        }
    });
    html! { <button type="button" {id} {class} disabled={action.is_none()} {onclick}>{ text }</button> }
}

/// Performs `action`. If the lesson closes, the focus moves to the toggle button first, because the focused element
/// may disappear with the lesson.
fn leave(act: &Callback<Action>, action: LessonAction) {
    if action == LessonAction::Close
        && let Some(toggle) = gloo::utils::document().get_element_by_id(TOGGLE)
    {
        // If focusing fails, the focus stays unchanged.
        let _ = toggle.unchecked_into::<HtmlElement>().focus();
    }
    act.emit(Action::Lesson(action));
}
