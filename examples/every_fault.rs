//! Injects every fault in the layers' outputs or parameters of a network, in each of some images, and counts the outcomes by image
//! and stratum, and by layer and bit.
//!
//! ```text
//! cargo run --release --example every_fault -- MODEL GROUPING activation|weight THREADS FOLDER LAYERS IMAGE...
//! ```
//!
//! The faults are those of `faultscope campaign --design exhaustive`: each bit of each element. Strata are those of `--design
//! stratified`; faults that are proved masked are injected like all others. GROUPING is the id of one that is built in. LAYERS are
//! names with commas between them, or `all`. IMAGE is a file, or images of a data set: `test_images.npy#0-19`, or `test.bin#7` of
//! CIFAR-100. FOLDER gets `strata.csv` and `layers.csv`, which are written anew after each image. `tests/fixtures/exhaustive` has
//! both for several networks.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use faultscope::campaign::design::Stratum;
use faultscope::campaign::{Images, Plan, Position, Scorer};
use faultscope::data::ImageSource;
use faultscope::data::cifar::{Cifar, CifarSource};
use faultscope::data::npy::NpyImages;
use faultscope::fault::Bits;
use faultscope::prelude::*;

/// Faults of a wave.
const WAVE: usize = 255;

/// The bits of a value.
const BITS: usize = 32;

type Error = Box<dyn std::error::Error + Send + Sync>;

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
}

impl Counted {
    fn add(&mut self, other: &Self) {
        for (&stratum, counts) in &other.strata {
            self.strata.entry(stratum).or_default().add(counts);
        }
        for (&layer, bits) in &other.layers {
            let own = self.layers.entry(layer).or_default();
            own.iter_mut().zip(bits).for_each(|(own, counts)| own.add(counts));
        }
    }
}

fn main() -> std::result::Result<(), Error> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [model, grouping, target, threads, folder, layers, images @ ..] = &words[..] else {
        return Err("usage: MODEL GROUPING activation|weight THREADS FOLDER LAYERS IMAGE...".into());
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
    let mut strata = String::from("image,stratum,faults,sdc,scm,due\n");
    let mut all = Counted::default();
    let images = images.iter().map(|argument| opened(argument)).collect::<std::result::Result<Vec<_>, _>>()?;
    for (number, (image, pixels)) in images.into_iter().flatten().enumerate() {
        let begun = Instant::now();
        let input = lab.model().preprocess().apply(&pixels, lab.model().input_shape())?;
        let counted = every(&lab, &plan, &input, threads)?;
        for (stratum, Counts { faults, sdc, scm, due }) in &counted.strata {
            writeln!(strata, "{number},{stratum},{faults},{sdc},{scm},{due}")?;
        }
        all.add(&counted);
        std::fs::create_dir_all(folder)?;
        std::fs::write(folder.join("strata.csv"), &strata)?;
        std::fs::write(folder.join("layers.csv"), by_layer(&lab, &all)?)?;
        eprintln!("{image}: {} faults, {:.0} s", plan.trials(), begun.elapsed().as_secs_f64());
    }
    Ok(())
}

/// Reads the images of an argument, each with its name.
fn opened(argument: &str) -> std::result::Result<Vec<(String, Image)>, Error> {
    let Some((file, range)) = argument.rsplit_once('#') else {
        return Ok(vec![(argument.to_owned(), Image::decode(argument, &std::fs::read(argument)?)?)]);
    };
    let bytes = Box::new(std::fs::read(file)?);
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    let numbers = first.parse::<usize>()?..=last.parse()?;
    let named = |number: usize, image| Ok((format!("{file}#{number}"), image));
    if file.ends_with(".bin") {
        let images = CifarSource::new(file, bytes, Cifar::Hundred)?;
        return numbers.map(|number| named(number, images.image(number)?)).collect();
    }
    let images = NpyImages::new(file, bytes, None)?;
    numbers.map(|number| named(number, images.get(number)?)).collect()
}

/// Injects all faults of `plan` into one inference.
fn every(lab: &Lab, plan: &Plan, input: &HostTensor, threads: usize) -> std::result::Result<Counted, Error> {
    let all = plan.config().faults.at_most();
    std::thread::scope(|scope| {
        let part = |number: usize| {
            let waves = (0..all).step_by(WAVE).skip(number).step_by(threads);
            scope.spawn(move || part(lab, plan, input, waves.map(|first| first..(first + WAVE).min(all))))
        };
        let parts: Vec<_> = (0..threads).map(part).collect();
        let mut counted = Counted::default();
        for part in parts {
            counted.add(&part.join().map_err(|_| "a thread failed")??);
        }
        Ok(counted)
    })
}

/// Injects the faults of some waves.
fn part(
    lab: &Lab,
    plan: &Plan,
    input: &HostTensor,
    waves: impl Iterator<Item = std::ops::Range<usize>>,
) -> std::result::Result<Counted, Error> {
    let golden = block_on(lab.golden(input))?;
    let scorer = Scorer::new(lab, &golden, plan.config().fault_model.target == Target::Weight)?;
    let mut counted = Counted::default();
    for wave in waves {
        let sites: Vec<Vec<Site>> =
            wave.map(|fault| plan.sites(Position { nth: 0, fault })).collect::<faultscope::Result<_>>()?;
        let strata: Vec<Stratum> = sites.iter().map(|sites| scorer.stratum(sites)).collect();
        let struck: Vec<Site> = sites.iter().map(|sites| sites[0]).collect();
        let tried = block_on(lab.trials(&[Subject::new(&golden, sites)], Settings::default()))?.only()?;
        for ((site, stratum), trial) in struck.iter().zip(strata).zip(tried.trials) {
            let one = Counts {
                faults: 1,
                sdc: u64::from(trial.verdict.outcome == Outcome::Sdc),
                scm: u64::from(trial.verdict.scm == Some(true)),
                due: u64::from(trial.verdict.due),
            };
            counted.strata.entry(stratum).or_default().add(&one);
            let bit = site.corruption.bits().and_then(|bits: Bits| bits.iter().next()).ok_or("a flip has a bit")?;
            counted.layers.entry(site.layer).or_default()[usize::from(bit)].add(&one);
        }
    }
    Ok(counted)
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
