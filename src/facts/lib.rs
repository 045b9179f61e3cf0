//! Graphs, faults, records, statistics and reports: everything about fault injection that is plain data.
//!
//! Nothing here computes a tensor, so the explorer's page can link all of it without the engine.

pub mod answer;
pub mod campaign;
pub mod catalogue;
pub mod data;
mod device;
pub mod error;
pub mod fault;
pub mod format;
pub mod graph;
pub mod labels;
pub mod limits;
pub mod model;
mod named;
pub mod outcome;
pub mod report;
mod shown;
pub mod text;
mod trace;

pub use device::DeviceChoice;
pub use error::{Error, OutputShape, Question, Result};
pub use named::{Name, Named};
pub use shown::{shown, shown_json, shown_lines};
pub use trace::TraceRow;
