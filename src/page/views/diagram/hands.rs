//! Mouse and keys in the diagram.

use std::rc::Rc;

use protocol::LayerInfo;
use wasm_bindgen::JsCast;
use web_sys::Element;
use yew::prelude::*;

use super::props::PictureProps;
use super::stage::Stage;
use crate::diagram::scene::box_centre;
use crate::diagram::{Content, Direction, Network, Scene};
use crate::state::Action;

/// Returns whether the user can look at tensors of `layer`.
pub fn usable(layer: &LayerInfo) -> bool {
    !layer.outputs.is_empty() || !layer.parameters.is_empty()
}

/// The data that mouse and key handlers need.
#[derive(Clone)]
pub struct Hands {
    pub props: PictureProps,
    pub network: Rc<Network>,
    pub scene: Rc<Scene>,
    pub stage: Rc<Stage>,
    pub open: UseStateHandle<Vec<bool>>,
    pub focus: UseStateHandle<Option<usize>>,
}

impl Hands {
    pub fn onclick(&self) -> Callback<MouseEvent> {
        let hands = self.clone();
        Callback::from(move |event: MouseEvent| {
            if hands.stage.dragged.replace(false) {
                return;
            }
            let Some(target) = event.target().and_then(|target| target.dyn_into::<Element>().ok()) else { return };
            let read = |name: &str| -> Option<usize> {
                let found = target.closest(&format!("[{name}]")).ok().flatten()?;
                found.get_attribute(name)?.parse().ok()
            };
            if let Some(position) = read("data-box").filter(|&position| position < hands.scene.boxes.len()) {
                hands.activate(position);
            } else if let Some(block) = read("data-block") {
                hands.fold(block, false);
            }
        })
    }

    /// Returns the handler of keys. `tabbed` is the box that the Tab key leads to.
    pub fn onkeydown(&self, tabbed: Option<usize>) -> Callback<KeyboardEvent> {
        let hands = self.clone();
        Callback::from(move |event: KeyboardEvent| {
            let Some(at) = tabbed.filter(|_| !event.ctrl_key() && !event.meta_key() && !event.alt_key()) else {
                return;
            };
            let scene = &hands.scene;
            // The image and the answer have no layer.
            let real = |position: &usize| !scene.layers(&hands.network, *position).is_empty();
            let all = || (0..scene.boxes.len()).filter(real);
            let to = match event.key().as_str() {
                "ArrowRight" => scene.step(at, Direction::Onwards).filter(real),
                "ArrowLeft" => scene.step(at, Direction::Back).filter(real),
                "ArrowUp" => scene.step(at, Direction::Up).filter(real),
                "ArrowDown" => scene.step(at, Direction::Down).filter(real),
                "Home" => all().next(),
                "End" => all().next_back(),
                "Enter" => {
                    event.prevent_default();
                    return hands.activate(at);
                }
                " " | "+" | "-" => {
                    event.prevent_default();
                    let block = hands.network.block_of[scene.layers(&hands.network, at)[0]];
                    let folded = matches!(scene.boxes[at], Content::Block(_));
                    let wanted = match event.key().as_str() {
                        "+" => true,
                        "-" => false,
                        _ => folded,
                    };
                    if let Some(block) = block.filter(|_| wanted == folded) {
                        hands.fold(block, wanted);
                    }
                    return;
                }
                _ => return,
            };
            event.prevent_default();
            if let Some(to) = to {
                hands.go(to);
            }
        })
    }

    /// Moves the focus.
    fn go(&self, to: usize) {
        self.stage.focus.set(true);
        self.focus.set(self.scene.layers(&self.network, to).first().copied());
    }

    /// Chooses a layer or unfolds a block.
    fn activate(&self, position: usize) {
        let layer = self.scene.layers(&self.network, position)[0];
        self.focus.set(Some(layer));
        match self.scene.boxes[position] {
            Content::Block(block) => self.fold(block, true),
            _ => {
                let PictureProps { model, act, .. } = &self.props;
                if usable(&model.0.layers[layer]) {
                    act.emit(Action::ChooseLayer(layer));
                }
            }
        }
    }

    /// Unfolds a block, or folds it again.
    fn fold(&self, block: usize, unfold: bool) {
        let layer = self.network.blocks[block].layers[0];
        if let Some(position) = self.scene.box_of[layer] {
            self.stage.anchor.set(Some((layer, self.stage.seen(self.scene.layout.boxes[position]))));
        }
        self.stage.focus.set(true);
        self.focus.set(Some(layer));
        let mut open = (*self.open).clone();
        open[block] = unfold;
        self.open.set(open);
    }

    /// Centres `layer` in the window and moves the focus to it.
    pub fn find(&self, layer: usize) {
        let Some(position) = self.scene.box_of[layer] else { return };
        let (width, height) = self.stage.window();
        self.stage.centre(box_centre(self.scene.layout.boxes[position]), (width / 2.0, height / 2.0));
        self.focus.set(Some(layer));
        self.stage.focus_box(position);
    }
}
