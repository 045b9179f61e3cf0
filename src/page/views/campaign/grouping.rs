//! The grouping editor: classes are dragged, or chosen, from group to group. The rates follow at once.

use std::rc::Rc;

use gloo::file::File;
use gloo::file::futures::read_as_text;
use protocol::Naming;
use wasm_bindgen_futures::spawn_local;
use web_sys::{DragEvent, HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use super::super::Props;
use super::super::parts::Panel;
use crate::state::{Action, CampaignAction, Draft, GroupingAction};
use crate::words;

/// Classes of a group that show before all of them are asked for.
const SHOWN: usize = 48;

/// The editor.
#[component]
pub fn GroupingPanel(props: &Props) -> Html {
    let Props { state, act } = props;
    let change = act.reform(|action: GroupingAction| Action::Campaign(CampaignAction::Group(action)));
    let (Some(draft), Some(naming)) = (state.draft(), state.campaign.naming.clone()) else {
        return html! {
            <Panel id="grouping" title="Groups of classes" hint="They come with the network."><p class="empty">{ "No network is loaded yet." }</p></Panel>
        };
    };
    let edited = state.link.campaign.groups.is_some();
    html! {
        <Panel id="grouping" title="Groups of classes"
            hint="A mistake is safety-critical (SCM) where a class of a critical group is taken for one of another group. Drag classes between groups, or choose a group for them: the results are judged again at once, nothing is run again.">
            <Editor {draft} {naming} {edited} {change} act={act.clone()} />
        </Panel>
    }
}

#[derive(Properties)]
struct EditorProps {
    draft: Rc<Draft>,
    naming: Rc<Naming>,
    edited: bool,
    change: Callback<GroupingAction>,
    act: Callback<Action>,
}

impl PartialEq for EditorProps {
    fn eq(&self, other: &Self) -> bool {
        // While a campaign runs, the page is drawn several times a second; the groups are not.
        *self.draft == *other.draft && Rc::ptr_eq(&self.naming, &other.naming) && self.edited == other.edited
    }
}

#[component]
fn Editor(props: &EditorProps) -> Html {
    let EditorProps { draft, naming, edited, change, act } = props;
    let chosen = use_state(|| None::<usize>);
    // Another model has other classes.
    let picked = (*chosen).filter(|&class| class < draft.classes());
    let pick = {
        let chosen = chosen.clone();
        Callback::from(move |class: usize| chosen.set(if *chosen == Some(class) { None } else { Some(class) }))
    };
    let groups = (0..draft.groups.len()).map(|group| {
        html! { <Group key={group} {group} draft={draft.clone()} naming={naming.clone()} {picked} pick={pick.clone()} change={change.clone()} /> }
    });
    let on = |action: GroupingAction| change.reform(move |_: MouseEvent| action.clone());
    html! {
        <>
            <div class="button-row">
                <button type="button" class="button" id="add-group" onclick={on(GroupingAction::Add)}>{ "Add a group" }</button>
                <button type="button" class="button" id="reset-grouping" disabled={!edited} onclick={on(GroupingAction::Reset)}>{ "Reset" }</button>
                <button type="button" class="button" id="save-grouping" onclick={on(GroupingAction::Save)}
                    title="The file that --grouping of the command line takes">{ "Save (.toml)" }</button>
                <label class="button file-button">
                    <input type="file" id="load-grouping" class="visually-hidden" accept=".toml" onchange={load(change, act)} />{ "Load…" }
                </label>
                <span class="hint" id="grouping-name">{ format!("{}, {} classes in {} groups", draft.name, words::count(draft.classes() as u64), draft.groups.len()) }</span>
            </div>
            <MoveClass draft={draft.clone()} naming={naming.clone()} {picked} pick={pick.clone()} change={change.clone()} />
            <div class="groups">{ for groups }</div>
        </>
    }
}

/// Reads a grouping file.
fn load(change: &Callback<GroupingAction>, act: &Callback<Action>) -> Callback<Event> {
    let (change, act) = (change.clone(), act.clone());
    Callback::from(move |event: Event| {
        let input: HtmlInputElement = event.target_unchecked_into();
        let Some(file) = input.files().and_then(|files| files.get(0)).map(File::from) else { return };
        let (change, act) = (change.clone(), act.clone());
        spawn_local(async move {
            let name = file.name();
            match read_as_text(&file).await {
                Ok(text) => change.emit(GroupingAction::Load { name, text }),
                Err(error) => act.emit(Action::Tell(format!("{name} cannot be read: {error}."))),
            }
        });
        input.set_value("");
    })
}

#[derive(Properties, PartialEq)]
struct MoveProps {
    draft: Rc<Draft>,
    naming: Rc<Naming>,
    picked: Option<usize>,
    pick: Callback<usize>,
    change: Callback<GroupingAction>,
}

/// Moving a class without a mouse: choose the class, choose its group.
#[component]
fn MoveClass(props: &MoveProps) -> Html {
    let MoveProps { draft, naming, picked, pick, change } = props;
    let class = picked.unwrap_or_default();
    let of = (0..draft.groups.len()).find(|&group| draft.members(group).any(|member| member == class));
    let choose_class = {
        let (pick, picked) = (pick.clone(), *picked);
        Callback::from(move |event: Event| {
            let value = event.target_unchecked_into::<HtmlSelectElement>().value().parse().ok();
            if let Some(class) = value.filter(|class| Some(*class) != picked) {
                pick.emit(class);
            }
        })
    };
    let choose_group = {
        let change = change.clone();
        Callback::from(move |event: Event| {
            if let Ok(group) = event.target_unchecked_into::<HtmlSelectElement>().value().parse() {
                change.emit(GroupingAction::Move { class, group });
            }
        })
    };
    html! {
        <div class="move-class">
            <div class="field">
                <label for="move-class">{ "Class" }</label>
                <select id="move-class" onchange={choose_class}>
                    { for (0..draft.classes()).map(|known| html! { <option value={known.to_string()} selected={known == class}>{ naming.class(known) }</option> }) }
                </select>
            </div>
            <div class="field">
                <label for="move-group">{ "belongs to" }</label>
                <select id="move-group" onchange={choose_group}>
                    { for draft.groups.iter().enumerate().map(|(group, (name, _))| html! { <option value={group.to_string()} selected={Some(group) == of}>{ name }</option> }) }
                </select>
            </div>
        </div>
    }
}

#[derive(Properties, PartialEq)]
struct GroupProps {
    group: usize,
    draft: Rc<Draft>,
    naming: Rc<Naming>,
    picked: Option<usize>,
    pick: Callback<usize>,
    change: Callback<GroupingAction>,
}

/// The type of dragged data: the number of a class, marked as ours.
const DRAGGED: &str = "text/x-faultscope-class";

/// A group with its classes.
#[component]
fn Group(props: &GroupProps) -> Html {
    let GroupProps { group, draft, naming, picked, pick, change } = props;
    let group = *group;
    let over = use_state(|| false);
    let all = use_state(|| false);
    let Some((name, critical)) = draft.groups.get(group).cloned() else { return Html::default() };
    let dragover = {
        let over = over.clone();
        Callback::from(move |event: DragEvent| {
            if event.data_transfer().is_some_and(|data| data.types().includes(&DRAGGED.into(), 0)) {
                event.prevent_default();
                event.stop_propagation();
                over.set(true);
            }
        })
    };
    let dragleave = {
        let over = over.clone();
        Callback::from(move |_: DragEvent| over.set(false))
    };
    let drop = {
        let (over, change) = (over.clone(), change.clone());
        Callback::from(move |event: DragEvent| {
            over.set(false);
            let text = event.data_transfer().and_then(|data| data.get_data(DRAGGED).ok()).unwrap_or_default();
            // Files are the page's, not ours.
            if let Ok(class) = text.parse() {
                event.prevent_default();
                event.stop_propagation();
                change.emit(GroupingAction::Move { class, group });
            }
        })
    };
    let rename = {
        let name = name.clone();
        change.reform(move |event: Event| {
            let input: HtmlInputElement = event.target_unchecked_into();
            let text = input.value();
            // Where the name is refused the old one shows again.
            input.set_value(&name);
            GroupingAction::Rename { group, name: text }
        })
    };
    let mark = change.reform(move |event: Event| GroupingAction::Mark {
        group,
        critical: event.target_unchecked_into::<HtmlInputElement>().checked(),
    });
    let remove = change.reform(move |_: MouseEvent| GroupingAction::Remove(group));
    let members: Vec<usize> = draft.members(group).collect();
    let hidden = members.len().saturating_sub(SHOWN);
    let shown = if *all { members.len() } else { members.len().min(SHOWN) };
    let classes = members[..shown].iter().map(|&class| {
        let start = Callback::from(move |event: DragEvent| {
            if let Some(data) = event.data_transfer() {
                // Without the data nothing is dropped, and nothing is lost.
                let _ = data.set_data(DRAGGED, &class.to_string());
            }
        });
        let pressed = *picked == Some(class);
        html! {
            <li key={class}>
                <button type="button" class={classes!("class-chip", pressed.then_some("chosen"))} draggable="true" data-class={class.to_string()}
                    aria-pressed={pressed.to_string()} ondragstart={start} onclick={pick.reform(move |_| class)}>{ naming.class(class) }</button>
            </li>
        }
    });
    let expand = {
        let all = all.clone();
        Callback::from(move |_: MouseEvent| all.set(!*all))
    };
    html! {
        <section class={classes!("group", critical.then_some("group-critical"), over.then_some("group-over"))} data-group={group.to_string()}
            aria-label={format!("Group {name}")} ondragover={dragover} ondragleave={dragleave} ondrop={drop}>
            <header class="group-head">
                <input type="text" class="group-name" aria-label="Name of the group" value={name.clone()} onchange={rename} />
                <label class="group-mark"><input type="checkbox" checked={critical} onchange={mark} />{ " critical" }</label>
                <button type="button" class="button button-quiet" aria-label={format!("Remove the group {name}")} disabled={draft.groups.len() == 1} onclick={remove}>{ "Remove" }</button>
            </header>
            <ul class="class-chips">{ for classes }</ul>
            if members.is_empty() { <p class="empty">{ "No class. Drop one here." }</p> }
            if hidden > 0 {
                <button type="button" class="button button-quiet" onclick={expand}>
                    { if *all { "Show fewer".to_owned() } else { format!("Show {hidden} more") } }
                </button>
            }
        </section>
    }
}
