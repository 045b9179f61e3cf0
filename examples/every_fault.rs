//! Injects every fault in the layers' outputs or parameters of a network, in each of some images, and counts the outcomes by image
//! and stratum, and by layer and bit.
//!
//! ```text
//! cargo run --release --example every_fault -- [--known] MODEL GROUPING activation|weight THREADS FOLDER LAYERS IMAGE...
//! ```
//!
//! The faults are those of `faultscope campaign --design exhaustive`: each bit of each element. Strata are those of `--design
//! stratified`. With `--known`, faults in outputs are counted without an injection where the result is known: faults that are proved
//! masked, and those after which the network continues with values that an earlier fault has left. A fault before a ReLU that alone
//! reads the tensor, for example, is the fault after it. Without the option all faults are injected. GROUPING is the id of one that is built in. LAYERS are
//! names with commas between them, or `all`. IMAGE is a file, or images of a data set: `test_images.npy#0-19`, or `test.bin#7` of
//! CIFAR-100. FOLDER gets `strata.csv` and `layers.csv`, which are written anew after each image; the same command goes on after
//! the last image in them. `tests/fixtures/exhaustive` has both for several networks.

mod common;

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use faultscope::campaign::design::{Stratum, is_proved};
use faultscope::campaign::{Golden, Images, Plan, Position, Scorer};
use faultscope::fault::{Bits, Format};
use faultscope::graph::{Op, Unary, ValueId};
use faultscope::prelude::*;

use common::{Error, opened};

/// Faults of a wave.
const WAVE: usize = 255;

/// The first line of `strata.csv`.
const STRATA: &str = "image,stratum,faults,sdc,scm,due\n";

/// The bits of a value.
const BITS: usize = 32;

/// Faults, and those of them with an outcome.
#[derive(Clone, Copy, Default)]
struct Counts {
    faults: u64,
    sdc: u64,
    scm: u64,
    due: u64,
}

impl Counts {
    fn add(&mut self, other: &Self) {
        self.faults += other.faults;
        self.sdc += other.sdc;
        self.scm += other.scm;
        self.due += other.due;
    }
}

/// The faults of an image, or of several.
#[derive(Default)]
struct Counted {
    strata: BTreeMap<Stratum, Counts>,
    /// By layer, in model order.
    layers: BTreeMap<usize, [Counts; BITS]>,
    /// Faults that were injected, and not known before.
    injected: u64,
}

impl Counted {
    fn add(&mut self, other: &Self) {
        self.injected += other.injected;
        for (&stratum, counts) in &other.strata {
            self.strata.entry(stratum).or_default().add(counts);
        }
        for (&layer, bits) in &other.layers {
            let own = self.layers.entry(layer).or_default();
            own.iter_mut().zip(bits).for_each(|(own, counts)| own.add(counts));
        }
    }

    /// Counts a fault.
    fn count(&mut self, site: &Site, stratum: Stratum, one: &Counts) -> std::result::Result<(), Error> {
        let bit = site.corruption.bits().and_then(|bits: Bits| bits.iter().next()).ok_or("a flip has a bit")?;
        self.strata.entry(stratum).or_default().add(one);
        self.layers.entry(site.layer).or_default()[usize::from(bit)].add(one);
        Ok(())
    }
}

fn main() -> std::result::Result<(), Error> {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let counts_known = words.first().is_some_and(|word| word == "--known");
    words.drain(..usize::from(counts_known));
    let [model, grouping, target, threads, folder, layers, images @ ..] = &words[..] else {
        return Err("usage: [--known] MODEL GROUPING activation|weight THREADS FOLDER LAYERS IMAGE...".into());
    };
    let (threads, folder): (usize, _) = (threads.parse()?, Path::new(folder));
    let lab = Lab::cpu(import::load(model, std::fs::read(model)?)?)?.with_grouping(Grouping::builtin(grouping)?)?;
    let mut config = CampaignConfig { exhaustive: true, ..CampaignConfig::new(model) };
    config.fault_model.target = match target.as_str() {
        "activation" => Target::Activation,
        "weight" => Target::Weight,
        other => return Err(format!("expected activation or weight, found {other}").into()),
    };
    config.fault_model.layers = (layers != "all").then(|| layers.split(',').map(str::to_owned).collect());
    let plan = Plan::new(config, lab.executor().graph().clone(), Images::All(1))?;
    for (layer, elements) in plan.layers().iter().zip(plan.elements()) {
        eprintln!("layer {layer}: {elements} elements");
    }
    let images = images.iter().map(|argument| opened(argument)).collect::<std::result::Result<Vec<_>, _>>()?;
    let (done, mut strata, mut all) = earlier(&lab, &plan, folder)?;
    for (number, (image, pixels)) in images.into_iter().flatten().enumerate().skip(done) {
        let begun = Instant::now();
        let input = lab.model().preprocess().apply(&pixels, lab.model().input_shape())?;
        let counted = every(&lab, &plan, &input, threads, counts_known)?;
        for (stratum, Counts { faults, sdc, scm, due }) in &counted.strata {
            writeln!(strata, "{number},{stratum},{faults},{sdc},{scm},{due}")?;
        }
        all.add(&counted);
        std::fs::create_dir_all(folder)?;
        std::fs::write(folder.join("strata.csv"), &strata)?;
        std::fs::write(folder.join("layers.csv"), by_layer(&lab, &all)?)?;
        let (all, seconds) = (plan.trials(), begun.elapsed().as_secs_f64());
        eprintln!("{image}: {all} faults, {} injected, {seconds:.0} s", counted.injected);
    }
    Ok(())
}

/// Reads what an earlier run has left in `folder`: the number of images, their lines of `strata.csv`, and the counts by layer.
fn earlier(lab: &Lab, plan: &Plan, folder: &Path) -> std::result::Result<(usize, String, Counted), Error> {
    let mut all = Counted::default();
    if !folder.join("strata.csv").exists() {
        return Ok((0, STRATA.to_owned(), all));
    }
    let strata = std::fs::read_to_string(folder.join("strata.csv"))?;
    let (mut done, mut faults) = (0, 0u64);
    for line in strata.lines().skip(1) {
        let mut numbers = line.split(',').map(str::parse::<u64>);
        let (Some(image), Some(own)) = (numbers.next(), numbers.nth(1)) else {
            return Err(format!("strata.csv: expected image, stratum and faults, found {line}").into());
        };
        (done, faults) = (image? + 1, faults + own?);
    }
    for line in std::fs::read_to_string(folder.join("layers.csv"))?.lines().skip(1) {
        let [name, each, sdc, scm] = line.split(',').collect::<Vec<_>>()[..] else {
            return Err(format!("layers.csv: expected four columns, found {line}").into());
        };
        let layer = lab.executor().graph().nodes.iter().position(|node| node.name == name);
        let bits = all.layers.entry(layer.ok_or_else(|| format!("layers.csv: no layer {name}"))?).or_default();
        for (counts, (sdc, scm)) in bits.iter_mut().rev().zip(sdc.split(' ').zip(scm.split(' '))) {
            *counts = Counts { faults: each.parse()?, sdc: sdc.parse()?, scm: scm.parse()?, due: 0 };
        }
    }
    let counted = all.layers.values().flatten().map(|counts| counts.faults).sum::<u64>();
    let each = plan.trials();
    if [faults, counted] != [done * each; 2] {
        return Err(format!("{done} images have {each} faults each, strata.csv {faults}, layers.csv {counted}").into());
    }
    eprintln!("{done} images were counted before");
    Ok((usize::try_from(done)?, strata, all))
}

/// A value that a fault leaves in a tensor: the tensor, the element as it is stored, and the bits.
type Left = (ValueId, usize, u32);

/// Results of earlier faults in an image, by what they leave.
#[derive(Default)]
struct Known {
    /// By tensor, the tensor that a ReLU makes of it alone.
    rectified: HashMap<ValueId, ValueId>,
    /// The golden values of the tensors that are followed or end here.
    golden: HashMap<ValueId, Vec<f32>>,
    results: Mutex<HashMap<Left, Counts>>,
}

impl Known {
    fn new(lab: &Lab, golden: &Golden) -> std::result::Result<Self, Error> {
        let graph = lab.executor().graph();
        let mut readers = vec![0; graph.values.len()];
        graph.nodes.iter().flat_map(|node| &node.inputs).for_each(|&value| readers[value] += 1);
        let mut known = Self::default();
        for node in &graph.nodes {
            let (Op::Unary(Unary::Relu), &[before], &[after]) = (&node.op, &node.inputs[..], &node.outputs[..]) else {
                continue;
            };
            let is_plain = [before, after].iter().all(|&value| graph.values[value].format == Format::F32);
            if is_plain && readers[before] == 1 && !graph.outputs.contains(&before) {
                known.rectified.insert(before, after);
                for value in [before, after] {
                    let array = golden.activations.get(value).ok_or("a golden run keeps every tensor")?;
                    known.golden.insert(value, block_on(array.read())?);
                }
            }
        }
        Ok(known)
    }

    /// Returns what the fault at `site` leaves, after the ReLU if only that reads the tensor; `None` where no other fault leaves
    /// the like. A NaN has no bits of its own.
    fn left(&self, graph: &Graph, site: &Site) -> Option<Left> {
        let value = &graph.values[site.tensor];
        let index = value.layout.stored_index(&value.shape, site.element);
        let before = *self.golden.get(&site.tensor)?.get(index)?;
        let after = site.corruption.apply(before, value.code(index));
        let left = match self.rectified.get(&site.tensor) {
            Some(&rectified) => (rectified, index, if after > 0.0 { after.to_bits() } else { 0 }),
            None => (site.tensor, index, after.to_bits()),
        };
        (!after.is_nan()).then_some(left)
    }
}

/// Injects all faults of `plan` into one inference. With `counts_known` those are counted alone the results of which are known.
fn every(
    lab: &Lab,
    plan: &Plan,
    input: &HostTensor,
    threads: usize,
    counts_known: bool,
) -> std::result::Result<Counted, Error> {
    let all = plan.config().faults.at_most();
    let golden = block_on(lab.golden(input))?;
    let is_activation = plan.config().fault_model.target == Target::Activation;
    let known = (counts_known && is_activation).then(|| Known::new(lab, &golden)).transpose()?;
    let (golden, known) = (&golden, known.as_ref());
    std::thread::scope(|scope| {
        let part = |number: usize| {
            let waves = (0..all).step_by(WAVE).skip(number).step_by(threads);
            scope.spawn(move || part(lab, plan, golden, known, waves.map(|first| first..(first + WAVE).min(all))))
        };
        let parts: Vec<_> = (0..threads).map(part).collect();
        let mut counted = Counted::default();
        for part in parts {
            counted.add(&part.join().map_err(|_| "a thread failed")??);
        }
        Ok(counted)
    })
}

/// A fault that is to be injected.
struct Open {
    site: Site,
    stratum: Stratum,
    left: Option<Left>,
}

/// Injects the faults of some ranges, in waves.
fn part(
    lab: &Lab,
    plan: &Plan,
    golden: &Golden,
    known: Option<&Known>,
    ranges: impl Iterator<Item = std::ops::Range<usize>>,
) -> std::result::Result<Counted, Error> {
    let scorer = Scorer::new(lab, golden, plan.config().fault_model.target == Target::Weight)?;
    let mut counted = Counted::default();
    let mut open: Vec<Open> = Vec::new();
    for range in ranges {
        for fault in range {
            let sites = plan.sites(Position { nth: 0, fault })?;
            let &[site] = &sites[..] else { return Err("a single fault has one site".into()) };
            let stratum = scorer.stratum(&sites);
            let left = known.and_then(|known| known.left(lab.executor().graph(), &site));
            let result = known.and_then(|known| match is_proved(stratum) {
                true => Some(Counts { faults: 1, ..Counts::default() }),
                false => known.results.lock().unwrap_or_else(PoisonError::into_inner).get(&left?).copied(),
            });
            match result {
                Some(result) => counted.count(&site, stratum, &result)?,
                None => open.push(Open { site, stratum, left }),
            }
        }
        while open.len() >= WAVE {
            inject(lab, golden, known, open.drain(..WAVE).collect(), &mut counted)?;
        }
    }
    inject(lab, golden, known, open, &mut counted)?;
    Ok(counted)
}

/// Injects faults in one wave, and counts them.
fn inject(
    lab: &Lab,
    golden: &Golden,
    known: Option<&Known>,
    faults: Vec<Open>,
    counted: &mut Counted,
) -> std::result::Result<(), Error> {
    let sites = faults.iter().map(|fault| vec![fault.site]).collect();
    let tried = block_on(lab.trials(&[Subject::new(golden, sites)], Settings::default()))?.only()?;
    for (Open { site, stratum, left }, trial) in faults.iter().zip(tried.trials) {
        let one = Counts {
            faults: 1,
            sdc: u64::from(trial.verdict.outcome == Outcome::Sdc),
            scm: u64::from(trial.verdict.scm == Some(true)),
            due: u64::from(trial.verdict.due),
        };
        counted.count(site, *stratum, &one)?;
        counted.injected += 1;
        if let (Some(known), Some(left)) = (known, left) {
            known.results.lock().unwrap_or_else(PoisonError::into_inner).insert(*left, one);
        }
    }
    Ok(())
}

/// Returns a line for each layer: the faults of each bit, then the SDCs and the SCMs of bits 31 to 0.
fn by_layer(lab: &Lab, counted: &Counted) -> std::result::Result<String, Error> {
    let mut text = String::from("layer,faults of each bit,sdc of bits 31 to 0,scm of bits 31 to 0\n");
    for (&layer, bits) in &counted.layers {
        let list = |of: fn(&Counts) -> u64| {
            bits.iter().rev().map(|counts| of(counts).to_string()).collect::<Vec<_>>().join(" ")
        };
        let name = &lab.executor().graph().nodes[layer].name;
        writeln!(text, "{name},{},{},{}", bits[0].faults, list(|counts| counts.sdc), list(|counts| counts.scm))?;
    }
    Ok(text)
}
