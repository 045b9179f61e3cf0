//! Campaigns on the page: what is kept of one, judged again, written out and read in.

mod crew;
mod export;
mod history;
mod images;
mod import;
mod results;
mod store;
mod worst;

pub use crew::{Hands, SharedSource, Together, UnitId, heard, told};
pub use export::export;
pub use images::{Opened, Stated, open};
pub use import::import;
pub use results::Results;
