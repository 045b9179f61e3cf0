//! What it was measured on.

use std::fs;
use std::thread::available_parallelism;

use burn::tensor::Device;

/// Processor, cores, memory, system, and how many programs wanted the cores before, as far as the system tells: where others
/// want them too, threads that wait for each other lose most, PyTorch's more than ours.
pub fn describe() -> String {
    let cores = available_parallelism().map_or(1, usize::from);
    let processor = field("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let memory = field("/proc/meminfo", "MemTotal")
        .and_then(|total| total.split(' ').next()?.parse::<f64>().ok())
        .map_or(String::new(), |kib| format!(", {:.0} GiB", kib / f64::from(1 << 20)));
    let load = fs::read_to_string("/proc/loadavg").ok().and_then(|load| Some(load.split(' ').next()?.to_owned()));
    let load = load.map_or(String::new(), |load| format!(", load average {load} before the run"));
    format!("{processor}, {cores} cores{memory}, {}{load}", std::env::consts::OS)
}

/// What `key` says in a file of the system.
pub fn field(path: &str, key: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix(key)?.trim_start().strip_prefix(':'))?;
    Some(value.trim().to_owned())
}

/// The name of a GPU; software that stands in for one is called so.
pub fn adapter(device: &Device) -> String {
    let name = device.identity().map_or_else(|| "unknown adapter".to_owned(), |identity| identity.name.to_string());
    let software = ["llvmpipe", "swiftshader", "lavapipe"].iter().any(|known| name.to_lowercase().contains(known));
    if software { format!("{name}, a software GPU") } else { name }
}
