//! A C++ compiler: libFuzzer, which drives the fuzz targets, is written in C++.

use std::env;

use anyhow::{Result, bail};

use crate::{process, setup::apt};

/// Finds a C++ compiler, or installs one.
pub fn set_up() -> Result<()> {
    if env::var_os("CXX").is_some() || ["c++", "g++", "clang++"].into_iter().any(|name| process::find(name).is_some()) {
        return Ok(());
    }
    if !apt::is_here() {
        bail!("the fuzz targets need a C++ compiler: please install one, such as g++ or clang");
    }
    apt::install(&["g++".to_owned()])
}
