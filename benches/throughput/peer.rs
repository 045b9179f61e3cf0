//! PyTorch and PyTorchFI, or onnxruntime, in a process of their own: `benches/peers/peer.py`, which is told what to measure and when.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread::{available_parallelism, sleep};
use std::time::{Duration, Instant};

use faultscope::fault::{Bits, Site, Target};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Failure;
use crate::engine::{BATCH, Engine, Step};
use crate::rounds::Rounds;
use crate::subject::Subject;
use crate::table::Table;

/// PyTorch's threads go on looking for work for a while; they are left to fall asleep before anything else is measured.
const REST: Duration = Duration::from_millis(200);

const DENSE: &str = "peer's dense";
const SINGLE: &str = "peer's single";
const INJECT: &str = "PyTorchFI";
const PRODUCT: &str = "torch matrix product";
/// Side of the matrices that torch multiplies.
const MATRIX: usize = 2048;

/// The process, ready for requests.
pub struct Peer {
    process: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
    /// Name and version of what computes.
    who: String,
    /// Whether it injects faults, too.
    injects: bool,
    /// Faults that both sides injected, and those after which both predict the same class.
    compared: usize,
    agreed: usize,
}

#[derive(Deserialize)]
struct Answer {
    seconds: f64,
    #[serde(default)]
    top1: Vec<usize>,
}

impl Peer {
    /// Networks of `benches/peers/models.py`.
    pub const NETWORKS: [&str; 6] = ["resnet50", "vgg16-32x32", "vit-b16", "swin-t", "convnext-t", "resnet50-int8"];

    /// Starts Python with the subject's network and images.
    pub fn start(python: &Path, subject: &Subject) -> Result<Self, Failure> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers");
        let images = tempfile::NamedTempFile::new()?;
        let bytes = subject.inputs[..BATCH].iter().flat_map(|input| input.data.iter().flat_map(|x| x.to_le_bytes()));
        fs::write(&images, bytes.collect::<Vec<u8>>())?;
        let threads = available_parallelism().map_or(1, usize::from).to_string();
        let mut process = Command::new(python)
            .arg(folder.join("peer.py"))
            .arg(&subject.id)
            .arg(Path::new(&subject.name).with_extension("pt"))
            .arg(images.path())
            .arg(&threads)
            .env("OMP_NUM_THREADS", &threads)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (requests, answers) = (process.stdin.take(), process.stdout.take());
        let (Some(requests), Some(answers)) = (requests, answers) else { return Err("pipes were asked for".into()) };
        let mut peer = Self {
            process,
            requests,
            answers: BufReader::new(answers),
            who: String::new(),
            injects: false,
            compared: 0,
            agreed: 0,
        };
        let hello: Value = serde_json::from_str(&peer.line()?)?;
        peer.who = hello["who"].as_str().unwrap_or_default().to_owned();
        peer.injects = hello["injects"].as_bool().unwrap_or_default();
        Ok(peer)
    }

    /// Measures everything once, each for about as long as `budget`.
    pub fn round(
        &mut self,
        subject: &Subject,
        engine: &Engine<'_>,
        round: usize,
        budget: Duration,
        rounds: &mut Rounds,
    ) -> Result<(), Failure> {
        rounds.push(DENSE, self.rate(&json!({ "do": "dense" }), BATCH as f64, budget)?);
        rounds.push(SINGLE, self.rate(&json!({ "do": "single" }), 1.0, budget)?);
        let products = (MATRIX * MATRIX * MATRIX) as f64;
        rounds.push(PRODUCT, self.rate(&json!({ "do": "gemm", "size": MATRIX }), products, budget / 4)?);
        if self.injects {
            self.inject(subject, engine, round, budget, rounds)?;
        }
        sleep(REST);
        Ok(())
    }

    /// Measures PyTorchFI, and compares the first batch's classes.
    fn inject(
        &mut self,
        subject: &Subject,
        engine: &Engine<'_>,
        round: usize,
        budget: Duration,
        rounds: &mut Rounds,
    ) -> Result<(), Failure> {
        let (begun, mut seconds, mut batches) = (Instant::now(), 0.0, 0);
        let mut turn = round << 20;
        while batches == 0 || begun.elapsed() < budget {
            let draw = |image| subject.fault(&subject.model.graph, Step::Patches, Target::Activation, image, turn);
            let faults = (0..BATCH).map(draw).collect::<Result<Vec<_>, _>>()?;
            let places: Vec<[usize; 3]> = faults.iter().map(|sites| place(subject, &sites[0])).collect();
            let answer = self.ask(&json!({ "do": "inject", "faults": places }))?;
            seconds += answer.seconds;
            if batches == 0 {
                let ours = engine.classes(&faults)?;
                self.compared += BATCH;
                self.agreed += ours.iter().zip(&answer.top1).filter(|(ours, theirs)| ours == theirs).count();
            }
            batches += 1;
            turn += 1;
        }
        rounds.push(INJECT, (batches * BATCH) as f64 / seconds);
        Ok(())
    }

    /// What was measured, and what it is beside our own.
    pub fn report(&self, subject: &Subject, rounds: &Rounds, table: &mut Table) {
        let (id, net) = (&subject.id, &subject.title);
        let name = self.who.split(' ').next().unwrap_or_default();
        table.push(net, &format!("{}: dense, batch {BATCH}", self.who), rounds.median(DENSE), "images/s");
        table.push(net, &format!("{name}: single image"), rounds.median(SINGLE), "images/s");
        table.push(net, "torch: matrix product", 2.0 * rounds.median(PRODUCT) / 1e9, "GFLOP/s");
        if self.injects {
            table.push(net, "PyTorchFI 0.6", rounds.median(INJECT), "injections/s");
            let agreed = 100.0 * self.agreed as f64 / self.compared as f64;
            table.push(net, &format!("same class as after PyTorchFI's, {} faults", self.compared), agreed, "%");
            table.judge(id, net, "injections / PyTorchFI", rounds.ratio(Step::Patches.name(), INJECT), "x");
        }
        table.judge(id, net, &format!("dense / {name}"), rounds.ratio(Step::Dense.name(), DENSE), "x");
        table.judge(id, net, &format!("single image / {name}"), rounds.ratio(Step::Single.name(), SINGLE), "x");
    }

    /// Items a second, where a request does `items`.
    fn rate(&mut self, request: &Value, items: f64, budget: Duration) -> Result<f64, Failure> {
        let (begun, mut seconds, mut done) = (Instant::now(), 0.0, 0.0);
        while done == 0.0 || begun.elapsed() < budget {
            seconds += self.ask(request)?.seconds;
            done += items;
        }
        Ok(done / seconds)
    }

    fn ask(&mut self, request: &Value) -> Result<Answer, Failure> {
        writeln!(self.requests, "{request}")?;
        self.requests.flush()?;
        Ok(serde_json::from_str(&self.line()?)?)
    }

    fn line(&mut self) -> Result<String, Failure> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            return Err(format!("peer.py ended with {}", self.process.wait()?).into());
        }
        Ok(line)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It waits for requests; there are no more.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Where PyTorchFI finds the fault: modules are called in the order of the layers that compute something.
fn place(subject: &Subject, site: &Site) -> [usize; 3] {
    let depends = subject.model.graph.depends_on_input();
    let module = depends[..site.layer].iter().filter(|&&computed| computed).count();
    let bit = site.corruption.bits().and_then(Bits::single).map(usize::from);
    let bit = bit.expect("single bit flips are drawn");
    [module, site.element, bit]
}
