//! The command line as users and scripts meet it: the real program on a tiny network (../fixtures/cli/make.py), its
//! JSON keys, its files, its exit codes, and what it says to bad input.

mod abuse;
mod answer;
mod bad_images;
mod ber;
mod budget;
mod campaign;
mod check;
mod convert;
mod criteria;
mod data;
mod devices;
mod exhaustive;
mod external;
mod formats;
mod graph;
mod grouping;
mod inject;
mod inspect;
mod installed;
mod keras;
mod kills;
mod limits;
#[path = "../support/missing.rs"]
mod missing;
#[path = "../support/no_gpu.rs"]
mod no_gpu;
#[cfg(feature = "parquet")]
mod parquet;
mod partial;
mod patterns;
mod predict;
mod protect;
mod protect_model;
mod protocol;
mod rank;
mod real;
mod replay;
mod report;
mod resume;
mod shards;
#[path = "../support/shared.rs"]
mod shared;
mod slurm;
mod stratified;
mod study_log;
mod targets;
mod until;
mod usage;
mod wording;
mod zoo;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use self::shared::shared;
use assert_cmd::Command;
use image::{Rgb, RgbImage};
use predicates::prelude::*;
use predicates::str::contains;
use serde_json::Value;
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_faultscope");
const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/cli/colours.onnx");

const DONE: i32 = 0;
const USAGE: i32 = 2;
const INPUT: i32 = 3;
const INCOMPLETE: i32 = 4;

fn faultscope(arguments: &[&str]) -> assert_cmd::assert::Assert {
    Command::new(PROGRAM).args(arguments).assert()
}

/// Nothing but what was assumed, a line each.
fn notices() -> impl Predicate<str> {
    predicate::function(|stderr: &str| stderr.lines().all(|line| line.starts_with("notice: ")))
}

/// What a command that succeeds writes, as JSON.
fn json(arguments: &[&str]) -> Value {
    let output = faultscope(arguments).code(DONE).stderr(notices()).get_output().stdout.clone();
    serde_json::from_slice(&output).expect("JSON on standard output")
}

/// A command that fails says why in a sentence that contains `sentence`, and nothing of Rust.
fn refused(arguments: &[&str], code: i32, sentence: &str) {
    faultscope(arguments)
        .code(code)
        .stdout(predicate::str::is_empty())
        .stderr(contains("error: ").and(contains(sentence)).and(contains("panicked").not()).and(contains("{").not()));
}

fn text(path: &Path) -> &str {
    path.to_str().expect("Unicode")
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

/// Writes an 8 x 8 image in which `colour` (0 red, 1 green, 2 blue) is strongest; `shade` makes it another image.
fn write_image(path: &Path, colour: usize, shade: u8) {
    let image = RgbImage::from_fn(8, 8, |x, y| {
        let mut pixel = [40 + shade, 50, 60 - shade];
        pixel[colour] = 180 + ((x + y) as u8) + shade;
        Rgb(pixel)
    });
    fs::create_dir_all(path.parent().expect("in a folder")).expect("a folder");
    image.save(path).expect("an image");
}

/// A folder with a sub-folder for each colour and two images in each.
fn image_folder() -> TempDir {
    let root = TempDir::new().expect("a temporary folder");
    for (class, name) in ["a-red", "b-green", "c-blue"].iter().enumerate() {
        for shade in [0, 20] {
            write_image(&root.path().join(name).join(format!("{shade}.png")), class, shade);
        }
    }
    root
}

/// Waits until the campaign that `child` runs has written a record into `folder`.
fn wait_for_a_record(child: &mut std::process::Child, folder: &Path) {
    loop {
        let ended = child.try_wait().expect("a child").is_some();
        if fs::metadata(folder.join("faults.jsonl")).is_ok_and(|file| file.len() > 0) {
            return;
        }
        assert!(!ended, "the campaign ended without a record");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn one_image() -> (TempDir, PathBuf) {
    let root = TempDir::new().expect("a temporary folder");
    let path = root.path().join("green.png");
    write_image(&path, 1, 0);
    (root, path)
}

fn write_npy(path: &Path, kind: &str, shape: &str, data: &[u8]) {
    let mut header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}");
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.bytes());
    bytes.extend(data);
    fs::write(path, bytes).expect("a file");
}
