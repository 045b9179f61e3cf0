//! `cargo xtask dist`: the page as it is published.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use flate2::{Compression, write::GzEncoder};

use crate::{names, offline, page, setup, steps::Steps};

/// The most that wasm, js and css may be together, in bytes of brotli.
const MOST_BYTES: usize = 4_000_000;

/// What publishers set for files that are compressed once: a minute or so for the worker's program.
const BROTLI_QUALITY: i32 = 11;

/// Builds dist/ with programs as small as they get, and says how large they are.
///
/// # Errors
/// Where set-up or the build fails.
pub fn run(steps: &mut Steps) -> Result<()> {
    let builder = setup::page_builder(steps)?;
    steps.run("fetch EfficientNet-Lite0 and its sample images", page::fetch_models)?;
    steps.run("build the page (a quarter of an hour)", || page::build_small(&builder))?;
    let folder = page::folder()?;
    let programs = with_extension(&folder, "wasm")?;
    steps.run("leave out the names of functions", || programs.iter().try_for_each(|program| strip(program)))?;
    // The programs have changed.
    offline::seal(&folder)?;
    let mut scripts = with_extension(&folder, "js")?;
    scripts.extend(programs);
    scripts.extend(with_extension(&folder.join("www"), "css")?);
    scripts.extend(with_extension(&folder.join("www"), "js")?);
    steps.run("sizes", || sizes(&scripts))?;
    println!("\nThe page is in {}: any static file server can serve it, from any folder.", folder.display());
    Ok(())
}

/// Here and not by the compiler: wasm-bindgen reads sections that the compiler would leave out with the names.
fn strip(program: &Path) -> Result<()> {
    let bytes = fs::read(program).with_context(|| format!("cannot read {}", program.display()))?;
    let smaller = names::without_names(&bytes).with_context(|| format!("{} is not WebAssembly", program.display()))?;
    fs::write(program, smaller).with_context(|| format!("cannot write {}", program.display()))
}

fn with_extension(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|found| found == extension) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Prints the size of each file as it is, and as servers send it.
///
/// # Errors
/// Where all of them together are more than [`MOST_BYTES`] as brotli makes them.
fn sizes(files: &[PathBuf]) -> Result<()> {
    println!("    {:>10}  {:>10}  {:>10}  file", "bytes", "gzip", "brotli");
    let mut sums = [0; 3];
    for file in files {
        let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let sizes = [bytes.len(), gzip_size(&bytes)?, brotli_size(&bytes)?];
        sums = std::array::from_fn(|i| sums[i] + sizes[i]);
        println!("    {:>10}  {:>10}  {:>10}  {name}", sizes[0], sizes[1], sizes[2]);
    }
    println!("    {:>10}  {:>10}  {:>10}  all (brotli quality {BROTLI_QUALITY})", sums[0], sums[1], sums[2]);
    ensure!(
        sums[2] <= MOST_BYTES,
        "programs, scripts and styles are {} bytes in brotli, more than the {MOST_BYTES} that the page may be",
        sums[2]
    );
    Ok(())
}

fn gzip_size(bytes: &[u8]) -> Result<usize> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.len())
}

fn brotli_size(bytes: &[u8]) -> Result<usize> {
    let mut compressed = Vec::new();
    let window = 24;
    let parameters = brotli::enc::BrotliEncoderParams { quality: BROTLI_QUALITY, lgwin: window, ..Default::default() };
    brotli::BrotliCompress(&mut &*bytes, &mut compressed, &parameters)?;
    Ok(compressed.len())
}
