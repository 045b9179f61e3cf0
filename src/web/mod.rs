//! The explorer: a page and the web worker that does its work.
//!
//! [`state`] holds everything the page knows and decides what to ask of the worker; it is plain data and pure
//! functions, tested natively. [`page`] draws it, [`worker`] answers, and [`protocol`] is the only thing the two
//! say to each other.

pub mod catalogue;
pub mod diagram;
pub mod lesson;
pub mod link;
pub mod palette;
pub mod planes;
pub mod protocol;
pub mod state;
pub mod tables;
pub mod words;
pub mod worker;

#[cfg(feature = "web")]
mod fetch;
#[cfg(feature = "web")]
pub mod page;
