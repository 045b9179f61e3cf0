//! The command line: files, folders and the network around the core.

mod checkpoint;
pub mod convert;
mod download;
pub mod fetch;
pub mod locate;
pub mod write;
