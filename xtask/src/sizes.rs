//! The size of the published page, as servers send it.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    thread,
};

use anyhow::{Context, Result, anyhow, ensure};
use flate2::{Compression, write::GzEncoder};

/// The page's program, and the most bytes that it may have in brotli.
const PAGE_PROGRAM: (&str, usize) = ("app_bg.wasm", 500_000);
/// The most bytes that all programs, scripts and styles together may have in brotli.
const MOST_BYTES: usize = 3_500_000;

/// The quality that publishers set for files that are compressed once: a minute or so for the worker's program.
const BROTLI_QUALITY: i32 = 11;
/// The base-2 logarithm of brotli's window.
const BROTLI_WINDOW: i32 = 24;

/// A file with its sizes in bytes.
struct Size {
    name: String,
    raw: usize,
    gzip: usize,
    brotli: usize,
}

/// Prints the size of each file, as it is and as servers send it.
///
/// # Errors
/// If a file cannot be read, or the page is larger than it may be.
pub fn check(files: &[PathBuf]) -> Result<()> {
    // The largest file decides how long this takes.
    let sizes: Vec<Size> = thread::scope(|scope| {
        let measured: Vec<_> = files.iter().map(|file| scope.spawn(move || measure(file))).collect();
        measured
            .into_iter()
            .map(|size| size.join().map_err(|_| anyhow!("the compressor failed"))?)
            .collect::<Result<_>>()
    })?;
    println!("    {:>10}  {:>10}  {:>10}  file", "bytes", "gzip", "brotli");
    for Size { name, raw, gzip, brotli } in &sizes {
        println!("    {raw:>10}  {gzip:>10}  {brotli:>10}  {name}");
    }
    let sum = |of: fn(&Size) -> usize| sizes.iter().map(of).sum::<usize>();
    let [raw, gzip, brotli] = [sum(|size| size.raw), sum(|size| size.gzip), sum(|size| size.brotli)];
    println!("    {raw:>10}  {gzip:>10}  {brotli:>10}  all (brotli quality {BROTLI_QUALITY})");
    limits(&sizes)
}

fn measure(file: &Path) -> Result<Size> {
    let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Size { name, raw: bytes.len(), gzip: gzip(&bytes)?, brotli: brotli(&bytes)? })
}

fn limits(sizes: &[Size]) -> Result<()> {
    let (program, most) = PAGE_PROGRAM;
    let page = sizes.iter().find(|size| size.name == program).with_context(|| format!("there is no {program}"))?;
    ensure!(page.brotli <= most, "{program} has {} bytes in brotli, more than {most}", page.brotli);
    let all: usize = sizes.iter().map(|size| size.brotli).sum();
    ensure!(all <= MOST_BYTES, "programs, scripts and styles have {all} bytes in brotli, more than {MOST_BYTES}");
    Ok(())
}

fn gzip(bytes: &[u8]) -> Result<usize> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.len())
}

fn brotli(bytes: &[u8]) -> Result<usize> {
    let mut compressed = Vec::new();
    let parameters =
        brotli::enc::BrotliEncoderParams { quality: BROTLI_QUALITY, lgwin: BROTLI_WINDOW, ..Default::default() };
    brotli::BrotliCompress(&mut &*bytes, &mut compressed, &parameters)?;
    Ok(compressed.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(name: &str, brotli: usize) -> Size {
        Size { name: name.to_owned(), raw: brotli, gzip: brotli, brotli }
    }

    #[test]
    fn page_and_sum_have_limits() {
        let (program, most) = PAGE_PROGRAM;
        let rest = MOST_BYTES - most;
        limits(&[size(program, most), size("worker_bg.wasm", rest)]).expect("at the limits");
        let error = |sizes: &[Size]| limits(sizes).expect_err("too large").to_string();
        assert!(error(&[size(program, most + 1)]).contains(program));
        assert!(error(&[size(program, most), size("worker_bg.wasm", rest + 1)]).contains("scripts and styles"));
        assert!(error(&[size("worker_bg.wasm", 1)]).contains("there is no"));
    }

    #[test]
    fn both_compressors_shrink_what_repeats() {
        let bytes = [7; 10_000];
        assert!(gzip(&bytes).expect("compressed") < 100);
        assert!(brotli(&bytes).expect("compressed") < 100);
    }
}
