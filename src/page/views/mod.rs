//! The page: draws the [`State`](crate::state::State) and turns what the user does into
//! [`Action`](crate::state::Action)s. One file a view.

mod app;
mod bits;
mod campaign;
mod client;
mod corruption;
mod danger;
mod diagram;
mod explore;
mod export;
mod fault;
mod files;
mod follow;
mod frame;
mod golden;
mod header;
mod hover;
mod layers;
mod lesson;
mod look;
mod maps;
mod numbers;
mod outcome;
mod parts;
mod path;
mod present;
mod protect;
mod quick;
mod scores;
mod setup;
mod site;
mod startup;
mod sweep;
mod theme;

use parts::Props;

/// Draws the page in place of its skeleton.
pub fn start() {
    let document = gloo::utils::document();
    let root = document.get_element_by_id("app").unwrap_or_else(|| gloo::utils::body().into());
    yew::Renderer::<app::App>::with_root(root).render();
}
