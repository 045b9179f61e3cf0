//! The explorer in a real browser: headless Chromium, with WebGPU on a software GPU.
//!
//! `cargo xtask test --browser` builds the page into dist/ and runs these. Each test opens the page in a browser of its own, one
//! test at a time; pictures land in target/screens/. Without a browser or a built page a test says so and is skipped, except
//! where CI is set.
#![cfg(not(target_family = "wasm"))]

mod accessibility;
mod answer;
mod campaign;
mod console;
mod crew;
mod diagram;
mod explore;
mod explorer;
mod files;
mod lesson;
mod memory;
#[path = "../support/missing.rs"]
mod missing;
mod page;
mod parity;
mod server;
#[path = "../support/shared.rs"]
mod shared;
mod soak;
mod stage;
mod start;
mod startup;
mod walks;
mod workers;
