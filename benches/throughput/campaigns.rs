//! Whole campaigns, as the command line runs them: their time and their memory.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::subject::Subject;
use crate::table::Table;
use crate::{Effort, Failure, machine};

/// Images of a campaign.
const IMAGES: usize = 16;
/// How much longer the longer campaign is.
const LONGER: usize = 10;

/// What a process took.
struct Cost {
    time: Duration,
    /// Bytes, at its most; `None` where the system does not tell.
    memory: Option<f64>,
}

/// Runs a campaign, and one with ten times the faults; `rate` is about how many injections a second there will be.
pub fn measure(subject: &Subject, rate: f64, effort: Effort, table: &mut Table) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let images = folder.path().join("images.npy");
    let pixels = &subject.pixels[..IMAGES];
    let bytes: Vec<u8> = pixels.iter().flat_map(|image| image.rgb.iter().copied()).collect();
    fs::write(&images, npy(&[IMAGES, pixels[0].height, pixels[0].width, 3], &bytes))?;
    // What an image shows is not asked here, but every image of a campaign has a label.
    fs::write(folder.path().join("labels.npy"), npy(&[IMAGES], &[0; IMAGES]))?;
    let campaign = |faults: usize| run(subject, &images, faults, &folder.path().join(faults.to_string()));
    let faults = ((rate * effort.campaign.as_secs_f64()) as usize / IMAGES).max(1);
    let (short, long) = (campaign(faults)?, campaign(LONGER * faults)?);
    let net = &subject.title;
    let rate = (IMAGES * LONGER * faults) as f64 / long.time.as_secs_f64();
    let measure = format!("campaign, {IMAGES} images, {} faults each", LONGER * faults);
    table.push(net, &measure, rate, "injections/s");
    let ratio = long.time.as_secs_f64() / short.time.as_secs_f64();
    table.judge(&subject.id, net, "time of 10 x the faults", ratio, "x");
    if let (Some(short), Some(long)) = (short.memory, long.memory) {
        const GIB: f64 = (1u64 << 30) as f64;
        table.judge(&subject.id, net, "peak memory, --memory 2GiB", long / GIB, "GiB");
        table.judge(&subject.id, net, "memory of 10 x the faults", long / short, "x");
    }
    Ok(())
}

fn run(subject: &Subject, images: &Path, faults: usize, out: &PathBuf) -> Result<Cost, Failure> {
    let begun = Instant::now();
    let mut process = Command::new(env!("CARGO_BIN_EXE_faultscope"))
        .args(["campaign", "--memory", "2GiB", "--model", &subject.name, "--data"])
        .arg(images)
        .arg("--out")
        .arg(out)
        .args(["--faults", &faults.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let status = format!("/proc/{}/status", process.id());
    let mut memory = None;
    let ended = loop {
        // The system keeps the maximum, until the process ends.
        let peak = machine::field(&status, "VmHWM").and_then(|peak| peak.split(' ').next()?.parse::<f64>().ok());
        memory = peak.map(|kib| kib * 1024.0).or(memory);
        if let Some(ended) = process.try_wait()? {
            break ended;
        }
        sleep(Duration::from_millis(5));
    };
    let time = begun.elapsed();
    if !ended.success() {
        let said = process.wait_with_output()?.stderr;
        return Err(format!("faultscope campaign ended with {ended}: {}", String::from_utf8_lossy(&said)).into());
    }
    Ok(Cost { time, memory })
}

/// An array of bytes as numpy writes it, version 1.0 of its format.
fn npy(shape: &[usize], bytes: &[u8]) -> Vec<u8> {
    let axes: String = shape.iter().map(|axis| format!("{axis},")).collect();
    let mut head = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({axes}), }}");
    // Magic, version and length are 10 bytes; together with the head they are a multiple of 64.
    while !(10 + head.len() + 1).is_multiple_of(64) {
        head.push(' ');
    }
    head.push('\n');
    [b"\x93NUMPY\x01\x00", &(head.len() as u16).to_le_bytes()[..], head.as_bytes(), bytes].concat()
}
