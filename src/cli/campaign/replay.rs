//! `faultscope campaign --replay`: one fault of a campaign once more, in full, beside its record.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::str::FromStr;

use super::Campaign;
use crate::campaign::{Chain, Observe, Position, Record, Sequence, Settings, Subject, Trial, Tried};
use crate::cli::directory::{Begun, RECORDS};
use crate::cli::failure::Failure;
use crate::cli::inject;
use crate::cli::journal::{self, Line};
use crate::cli::output::{Style, counted, float, print, style};
use crate::cli::table::{Render, Table};
use crate::data::ImageSource as _;
use crate::fault::{CorruptionKind, InjectedFault, Site};
use crate::report::words::scientific;
use crate::{Error, Result};

/// The fault to make again: the index of its image in the data, and its number among the faults of this image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplayArgument {
    image: usize,
    fault: usize,
}

impl FromStr for ReplayArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once(':').and_then(|(image, fault)| Some((image.parse().ok()?, fault.parse().ok()?)));
        let (image, fault) = numbers.ok_or_else(|| {
            format!(
                "expected IMAGE:FAULT, the index of an image and the number of one of its faults, both from 0, as 12:3; found \
                 \"{text}\""
            )
        })?;
        Ok(Self { image, fault })
    }
}

/// Makes the fault again and prints it.
///
/// # Errors
/// If the directory holds another campaign or no record of the fault, or if the outcome differs from the record.
pub fn replay(
    campaign: &Campaign,
    begun: &Begun,
    out: &Path,
    argument: ReplayArgument,
    trace: bool,
) -> Result<(), Failure> {
    if let Some(difference) = begun.provenance.difference(&campaign.provenance) {
        let problem = format_args!(
            "another campaign is in this directory: {difference}; replay a fault with the arguments of its own campaign"
        );
        return Err(Error::input(out.display().to_string(), problem).into());
    }
    let (position, record) = find(campaign, out, argument)?;
    let (source, model) = (&campaign.source, campaign.lab.model());
    let image = source.image(argument.image)?;
    let input = model.preprocess().apply(&image, model.input_shape())?;
    // In a stratified campaign the record says which candidate was injected.
    let drawn = record.drawn.as_ref().map_or(position.fault, |drawn| drawn.candidate);
    let sites = campaign.plan.sites_in(Position { fault: drawn, ..position }, record.pixels)?;
    let errors = campaign.plan.errors(position.fault, &sites);
    let subject = [Subject::new(&input, vec![sites.clone()]).of_image(Some(&image))];
    let observe = Observe { trace, ..Observe::default() };
    let trials = campaign.lab.trials(&subject, Settings { observe, ..Settings::default() });
    let tried = pollster::block_on(trials)?.only()?;
    let trial = tried.trials.first().ok_or_else(|| Error::request("a trial has no end"))?;
    let is_whole = record.errors.is_none();
    let differs = [
        ("the golden class", record.golden.class != tried.class),
        ("the class after the fault", record.faulty.class != trial.class),
        ("the outcome", record.outcome != trial.verdict.outcome || record.due != trial.verdict.due),
        ("SCM", record.scm != trial.verdict.scm),
        ("the struck places", record.errors != errors),
        ("a value", is_whole && listed(record.all_faults()) != listed(&trial.faults)),
    ];
    let differs: Vec<_> = differs.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect();
    let verdict = match differs.is_empty() {
        true => style(Style::Green, "the same"),
        false => style(Style::Red, format_args!("differs in {}", differs.join(", "))),
    };
    print(&text(campaign, argument, &record, &sites, &tried, trial, &verdict))?;
    if trace {
        print(&format!("\n{}", inject::trace(&trial.trace)))?;
    }
    if differs.is_empty() {
        return Ok(());
    }
    let problem = format!(
        "fault {} of image {} differs from its record in {}; the campaign ran on another device or kind of processor, or with \
         another version",
        argument.fault,
        argument.image,
        differs.join(", ")
    );
    Err(Error::input(out.join(RECORDS).display().to_string(), problem).into())
}

/// The place and the values of each of `faults`. A record has no payload of a NaN.
fn listed(faults: &[InjectedFault]) -> Vec<(&str, &str, usize, [u32; 2])> {
    let bits = |value: f32| if value.is_nan() { f32::NAN.to_bits() } else { value.to_bits() };
    let mut all = Vec::with_capacity(faults.len());
    for InjectedFault { layer, tensor, element, before, after, .. } in faults {
        all.push((layer.as_str(), tensor.as_str(), *element, [bits(*before), bits(*after)]));
    }
    all
}

/// Returns the record of the fault and its position in the plan.
fn find(campaign: &Campaign, out: &Path, argument: ReplayArgument) -> Result<(Position, Record)> {
    let path = out.join(RECORDS);
    let (name, plan) = (path.display().to_string(), &campaign.plan);
    let file = File::open(&path).map_err(|error| Error::io(&name, error))?;
    let (mut found, mut faults) = (None, 0);
    let mut sequence = Sequence::of(plan.config(), plan.images(), true);
    let (lines, limit) = (BufReader::with_capacity(1 << 20, file), plan.config().most_record_bytes());
    journal::read(lines, &name, limit, &mut sequence, &mut Chain::default(), |position, line, _| {
        match line {
            Line::Record(record) if record.image == argument.image => {
                plan.check(position, record)?;
                faults = faults.max(position.fault + 1);
                if position.fault == argument.fault {
                    found = Some((position, record.clone()));
                }
            }
            _ => {}
        }
        Ok(())
    })?;
    found.ok_or_else(|| {
        let problem = match faults {
            0 => format!("there is no record of a fault in image {}", argument.image),
            _ => format!(
                "image {} has records of {}, 0 to {}; there is no fault {}",
                argument.image,
                counted(faults, "fault"),
                faults - 1,
                argument.fault
            ),
        };
        Error::input(name, problem)
    })
}

fn text(
    campaign: &Campaign,
    argument: ReplayArgument,
    record: &Record,
    sites: &[Site],
    tried: &Tried,
    trial: &Trial,
    verdict: &str,
) -> String {
    let lab = &campaign.lab;
    let truth = record.label.map_or(String::new(), |label| format!(", label {}", class(campaign, label)));
    let struck = match &record.errors {
        Some(errors) => {
            let rate = errors.rate.map_or(String::new(), |rate| format!(" at the rate {}", scientific(rate)));
            change(sites, errors.flips as usize, errors.elements) + &rate
        }
        None => counted(sites.len(), "element"),
    };
    let struck = struck + &inject::unchanged(&trial.faults);
    let lines = [
        ("image", format!("{}, {}{truth}", argument.image, campaign.source.name(argument.image))),
        ("fault", format!("{}, {struck}", argument.fault)),
        ("golden", inject::answer(lab, tried.class, &tried.logits)),
        ("faulty", inject::answer(lab, trial.class, &trial.logits)),
        ("outcome", inject::outcome(lab, tried, trial)),
        ("record", verdict.to_owned()),
    ];
    let label = |name: &str| style(Style::Bold, format_args!("{name:<9}"));
    let mut text: String = lines.iter().map(|(name, value)| format!("{}{value}\n", label(name))).collect();
    if !trial.faults.is_empty() {
        let mut table =
            Table::new().text("layer").text("tensor").number("element").text("bits").number("before").number("after");
        for alike in trial.faults.chunk_by(follows) {
            let (fault, last) = (&alike[0], &alike[alike.len() - 1]);
            table.row(vec![
                fault.layer.clone(),
                fault.tensor.clone(),
                // Without separators, as --element takes it.
                match alike.len() {
                    1 => fault.element.to_string(),
                    _ => format!("{}-{}", fault.element, last.element),
                },
                fault.struck().map_or_else(String::new, |bits| bits.to_string()),
                float(fault.before),
                float(fault.after),
            ]);
        }
        text += &format!("\n{}", table.render());
    }
    text
}

/// Says what becomes of the struck bits, which are `bits` in so many `elements`.
fn change(sites: &[Site], bits: usize, elements: usize) -> String {
    let mut kinds = sites.iter().map(|site| site.corruption.kind());
    let first = kinds.next().unwrap_or(CorruptionKind::BitFlip);
    let elements = counted(elements, "element");
    match kinds.all(|kind| kind.words() == first.words()) {
        true if bits == 0 && !sites.is_empty() => format!("{elements} {}", first.words()),
        true => format!("{} {} in {elements}", counted(bits, "bit"), first.words()),
        false => format!("{elements} struck"),
    }
}

/// Whether `second` is the next element of the same tensor, with the same change.
fn follows(first: &InjectedFault, second: &InjectedFault) -> bool {
    let what = |fault: &InjectedFault| (fault.struck(), fault.before.to_bits(), fault.after.to_bits());
    let is_next = first.element.checked_add(1) == Some(second.element) && what(first) == what(second);
    is_next && first.layer == second.layer && first.tensor == second.tensor
}

fn class(campaign: &Campaign, class: usize) -> String {
    let label = campaign.lab.model().label(class);
    if label == class.to_string() { label } else { format!("{class} {label}") }
}
