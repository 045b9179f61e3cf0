//! The head of the page: name, parts, device, theme, link. In a narrow window the tools are behind a button.

use facts::{DeviceChoice, Name, Named};
use yew::prelude::*;

use super::Props;
use super::lesson::LessonToggle;
use super::parts::Choice;
use super::present::PresentToggle;
use crate::link::View;
use crate::state::{Action, State};
use crate::words;

#[derive(Properties, PartialEq)]
pub struct HeaderProps {
    pub state: std::rc::Rc<State>,
    pub act: Callback<Action>,
    /// Whether the page is dark.
    pub dark: bool,
    /// Makes it dark or light.
    pub theme: Callback<bool>,
}

/// The head of the page.
#[component]
pub fn Header(props: &HeaderProps) -> Html {
    let HeaderProps { state, act, dark, theme } = props;
    let dark = *dark;
    let open = use_state_eq(|| false);
    let unfold = {
        let open = open.clone();
        Callback::from(move |_: MouseEvent| open.set(!*open))
    };
    let keys = {
        let open = open.clone();
        Callback::from(move |event: KeyboardEvent| {
            if event.key() == "Escape" {
                open.set(false);
            }
        })
    };
    html! {
        <header class="site-head" onkeydown={keys}>
            <div class="brand">
                <img src="www/icon.svg" alt="" width="28" height="28" />
                <h1>{ "Faultscope" }</h1>
                <p>{ "What one flipped bit does to a neural network" }</p>
            </div>
            { tabs(state, act) }
            <button type="button" class="button" id="menu" aria-expanded={open.to_string()} aria-controls="site-tools" onclick={unfold}>
                { "Menu" }
            </button>
            <div class={classes!("site-tools", open.then_some("open"))} id="site-tools">
                <Device state={state.clone()} act={act.clone()} />
                <span class="choices" role="group" aria-label="History">
                    <button class="choice" id="undo" disabled={!state.can_undo()} onclick={act.reform(|_| Action::Undo)}
                        title="Take the last change back (Ctrl+Z)">{ "Undo" }</button>
                    <button class="choice" id="redo" disabled={!state.can_redo()} onclick={act.reform(|_| Action::Redo)}
                        title="Repeat the change (Ctrl+Shift+Z)">{ "Redo" }</button>
                </span>
                <button class="button" id="copy-link" onclick={act.reform(|_| Action::Share)}
                    title="Copies the address of this very fault">{ "Copy link" }</button>
                <LessonToggle {state} {act} />
                <PresentToggle {state} {act} />
                <button class="button" id="theme" onclick={theme.reform(move |_| !dark)}
                    title={if dark { "Change to light colours" } else { "Change to dark colours" }}>
                    { if dark { "Light" } else { "Dark" } }
                </button>
            </div>
        </header>
    }
}

/// The parts of the page.
fn tabs(state: &State, act: &Callback<Action>) -> Html {
    let tabs = View::ALL.iter().map(|&(view, Name { name, label: text, help: hint })| {
        let chosen = view == state.link.view;
        let running = view == View::Campaign && state.campaign.running();
        html! {
            <button type="button" id={format!("view-{name}")} class={classes!("tab", chosen.then_some("chosen"))} title={hint}
                aria-current={chosen.then_some("page")} onclick={act.reform(move |_| Action::ChooseView(view))}>
                { text }
                if running { <span class="tab-busy"><span class="visually-hidden">{ ", running" }</span></span> }
            </button>
        }
    });
    html! { <nav class="tabs" aria-label="Parts of the page">{ for tabs }</nav> }
}

/// Where the network computes, and the switch for it.
#[component]
fn Device(props: &Props) -> Html {
    let Props { state, act } = props;
    let device = state.asked.lab.latest().map(|lab| &lab.device);
    let (text, title) = match device {
        None if state.worker_ready => ("No model yet".to_owned(), String::new()),
        None => ("Starting…".to_owned(), String::new()),
        Some(device) => match (device.choice, &device.note) {
            (DeviceChoice::Gpu, _) => (format!("WebGPU: {}", device.name), format!("WebGPU: {}", device.name)),
            (DeviceChoice::Cpu, Some(note)) => ("CPU (wasm): this browser has no WebGPU".to_owned(), note.clone()),
            (DeviceChoice::Cpu, None) => ("CPU (wasm)".to_owned(), "The CPU, through WebAssembly".to_owned()),
        },
    };
    let devices = [DeviceChoice::Gpu, DeviceChoice::Cpu];
    // The device that computes, where the chosen one is not there.
    let used = device.filter(|device| device.note.is_some()).map_or(state.device(), |device| device.choice);
    let chosen = devices.iter().position(|&choice| choice == used).unwrap_or(0);
    let means = ["Compute on the graphics card through WebGPU", "Compute on the processor through WebAssembly"];
    let options = devices.iter().zip(["GPU", "CPU"]).zip(means).map(|((&device, name), means)| {
        let (speed, told) = match state.speed(device) {
            Some(time) => {
                let time = words::duration(time);
                (format!("{name} {time}"), format!("a run of this network without faults took {time}"))
            }
            None => (name.to_owned(), "not measured yet with this network".to_owned()),
        };
        (speed.into(), format!("{means}: {told}").into())
    });
    let options = options.collect::<Vec<_>>();
    html! {
        <div class="device">
            <span class="badge" id="device" {title} role="status">{ text }</span>
            <Choice id="device-choice" label="Device" {options} {chosen}
                choose={act.reform(move |index: usize| Action::ChooseDevice(devices[index]))} />
        </div>
    }
}
