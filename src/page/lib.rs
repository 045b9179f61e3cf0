//! The explorer's page.
//!
//! [`state`] holds all data of the page and decides which requests the worker gets; it is plain data and pure
//! functions. The module `views`, which exists for WebAssembly only, draws it. The worker answers in the messages of [`protocol`].

pub mod catalogue;
pub mod code;
pub mod diagram;
pub mod lesson;
pub mod link;
pub mod palette;
pub mod state;
pub mod tables;
pub mod words;

#[cfg(target_family = "wasm")]
mod views;

#[cfg(target_family = "wasm")]
pub use views::start;
