//! `faultscope inject`: one fault, and its effect on the answer.

use std::path::PathBuf;

use clap::Args;
use facts::{Named as _, shown};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use super::args::{GroupingArguments, RunArguments, StoredArguments, choice};
use super::exit::Exit;
use super::failure::Failure;
use super::open::{self, ModelFile};
use super::output::{Style, counted, float, json, name, percent, print, shape, style, thousands};
use super::table::{Render, Table};
use crate::campaign::{Lab, Observe, Record, SEED, Subject, Trial, Tried};
use crate::exec::{Settings, TraceRow};
use crate::fault::metadata::{self, Word};
use crate::fault::{
    Bits, Code, Corruption, CorruptionKind, FaultKind, Format, InjectedFault, Pattern, Site, SiteSpace, Strike, Target,
    number, ranges,
};
use crate::graph::Graph;
use crate::outcome::Outcome;
use crate::report::words::four_digits;
use crate::{Error, Result};

/// Inject one fault into one inference and compare the answers.
///
/// The element is an index into the layer's output for one image, in the layout of the source framework (ONNX: channel,
/// row, column; Keras: row, column, channel). For weights it is an index into all parameter tensors of the layer, one
/// after the other, or with --tensor into that tensor. `faultscope inspect` lists the layers.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Model file, id of a model, or zoo:ID
    model: String,

    /// Image file (JPEG, PNG, WebP, BMP or PNM), or ID/NAME for a sample image of a model
    image: PathBuf,

    /// Layer of the fault; --target input has none
    #[arg(long, value_name = "NAME|INDEX", required_unless_present = "target")]
    layer: Option<String>,

    /// Index of the element in the layer's output or parameters, of the byte in the image (row, column, red, green or blue), or
    /// of the scale or zero point: those of the channels, one channel after the other
    #[arg(long, value_name = "N")]
    element: usize,

    /// Tensor to which the index refers, if the layer has several
    #[arg(long, value_name = "NAME")]
    tensor: Option<String>,

    /// Bits to invert, all of them at once: 30 for example, 23-30, 0,31, or the fields of the number format: sign, exponent,
    /// mantissa
    #[arg(long, value_name = "BITS")]
    bit: Option<String>,

    /// Where to inject the fault
    #[arg(long, default_value = "activation", value_parser = choice::<Target>())]
    target: Target,

    /// Change of the value: bitflip (also bitflips, burst: the same here, all of --bit), stuck0, stuck1, zero, random (a number
    /// from 0 to 1), set:V, scale:F, or noise:S, which adds S here
    #[arg(long = "type", value_name = "TYPE", default_value = "bitflip", value_parser = kind)]
    kind: FaultKind,

    /// Elements of the tensor that the fault changes together, --element among them: single, row, column, channel,
    /// full-channels[:K], bullet-wake[:K], shattered-glass[:K], block:WxH, skip:N[xK], or random:K
    #[arg(long, value_name = "PATTERN", default_value_t = Pattern::Single)]
    pattern: Pattern,

    /// Number of the draw of what the pattern leaves open, as the channels of a bullet wake; `draw` in a link of the explorer
    #[arg(long, value_name = "N", default_value_t = 0, requires = "pattern")]
    draw: u64,

    /// Seed of the number for --type random
    #[arg(long, default_value_t = SEED, value_name = "S")]
    seed: u64,

    #[command(flatten)]
    grouping: GroupingArguments,

    #[command(flatten)]
    formats: StoredArguments,

    #[command(flatten)]
    run: RunArguments,

    /// Follow the corruption layer by layer
    #[arg(long)]
    trace: bool,

    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// Reads a kind of fault. The message on another word names those of the help.
fn kind(text: &str) -> std::result::Result<FaultKind, String> {
    FaultKind::parse_of(text, |kind| !kind.needs_range())
}

impl Arguments {
    fn check(&self) -> Result<(), Failure> {
        match (&self.layer, self.target) {
            (Some(_), Target::Input) => {
                return Err(Failure::usage("inject", "the image is no layer; --layer does not go with --target input"));
            }
            (None, Target::Activation | Target::Weight | Target::Metadata) => {
                return Err(Failure::usage("inject", "--layer is missing: the layer of the fault, a name or an index"));
            }
            _ => {}
        }
        if self.kind.needs_range() {
            let problem = "--type in-range and out-of-range are for campaigns, which learn ranges; set:V sets a number";
            return Err(Failure::usage("inject", problem));
        }
        if self.kind.takes_bits() && self.bit.is_none() {
            let problem = format!("--type {} needs --bit BITS, 0 to 31", self.kind.name());
            return Err(Failure::usage("inject", problem));
        }
        self.kind
            .with(self.bit.as_ref().map(|_| Bits::ALL), None)
            .map(|_| ())
            .map_err(|error| Failure::usage("inject", error.to_string()))
    }

    /// Returns the change of an element in `format`.
    fn corruption(&self, format: Format) -> Result<Corruption, Failure> {
        let bits = self.bit.as_deref().map(|text| Bits::parse(text, format)).transpose()?;
        let kind = self.kind.with(bits, None).map_err(|error| Failure::usage("inject", error.to_string()))?;
        let value = ChaCha8Rng::seed_from_u64(self.seed).random::<f32>();
        Ok(kind.exactly(bits.unwrap_or_default(), value))
    }
}

/// Returns the site that the arguments describe.
fn site(
    graph: &Graph,
    target: Target,
    layer: Option<&str>,
    tensor: Option<&str>,
    element: usize,
    corruption: Corruption,
) -> Result<Site> {
    let space = SiteSpace::of(graph, target);
    let sites = match layer {
        Some(layer) => space.layer(graph, graph.find(layer)?)?,
        None => space.layers().first().ok_or_else(|| Error::request("no layer reads the image"))?,
    };
    let layer = sites.layer;
    let (tensor, element) = match tensor {
        // The image says how many bytes it has.
        None if target == Target::Input => (sites.tensors[0].0, element),
        None => sites.locate(graph, element)?,
        Some(name) => {
            let found = sites.tensors.iter().find(|&&(id, _)| graph.values[id].name == name);
            let &(id, _) = found.ok_or_else(|| {
                let known: Vec<_> =
                    sites.tensors.iter().map(|&(id, _)| format!("\"{}\"", graph.values[id].name)).collect();
                Error::request(format_args!(
                    "layer \"{}\" has no tensor \"{name}\" to corrupt; it has {}",
                    graph.nodes[layer].name,
                    known.join(", ")
                ))
            })?;
            (id, element)
        }
    };
    Ok(Site { target, layer, tensor, element, corruption })
}

#[derive(Debug, Serialize)]
struct Injection {
    golden: Answer,
    faulty: Answer,
    outcome: Outcome,
    due: bool,
    scm: Option<bool>,
    /// The fault of the element that was named.
    fault: InjectedFault,
    /// Those of all elements of a pattern, where they are few.
    #[serde(skip_serializing_if = "Option::is_none")]
    faults: Option<Vec<InjectedFault>>,
    /// The elements of a pattern as ranges, each with its first and its last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    elements: Option<Vec<[usize; 2]>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<Vec<TraceRow>>,
}

#[derive(Debug, Serialize)]
struct Answer {
    class: usize,
    #[serde(with = "number::list")]
    logits: Vec<f32>,
}

/// Runs the command.
pub fn run(arguments: Arguments) -> Result<Exit, Failure> {
    arguments.run.model.memory.allow();
    arguments.check()?;
    let grouping = arguments.grouping.grouping.as_deref().map(open::grouping).transpose()?;
    let model = ModelFile::read(&arguments.model, arguments.run.model.architecture)?
        .stated_by(arguments.run.answer.statements())
        .load(&arguments.run.preprocess)?;
    let (model, numbers) = arguments.formats.stored(model)?;
    model.card.notices.iter().for_each(|notice| eprintln!("notice: {notice}"));
    if !numbers.is_float32() {
        eprintln!("notice: {numbers}");
    }
    let mut site = site(
        &model.graph,
        arguments.target,
        arguments.layer.as_deref(),
        arguments.tensor.as_deref(),
        arguments.element,
        Corruption::Set(0.0),
    )?;
    site.corruption = arguments.corruption(metadata::format_at(&model.graph, &site))?;
    open::check_memory(&arguments.model, &model, "one image and one fault need", 2)?;
    let image = open::image(&arguments.image)?;
    let input = model.preprocess().apply(&image, model.input_shape())?;
    let lab = open::lab(model, arguments.run.device, grouping)?;
    let strike = Strike { site, pattern: arguments.pattern, seed: arguments.draw };
    let is_pattern = !arguments.pattern.is_single();
    let sites = match site.target {
        Target::Input if is_pattern => {
            let bytes = strike.bytes([image.width, image.height])?;
            bytes.into_iter().map(|element| Site { element, ..site }).collect()
        }
        _ => strike.sites(&lab.model().graph)?,
    };
    lab.check(&sites)?;
    let observe = Observe { trace: arguments.trace, ..Observe::default() };
    let subject = Subject::new(&input, vec![sites]).of_image(Some(&image));
    let golden = pollster::block_on(lab.trials(&[subject], Settings { observe, ..Settings::default() }))?.only()?;
    let trial = golden.trials.first().ok_or_else(|| Error::request("a trial has no end"))?;
    let fault = trial.faults.iter().find(|fault| !is_pattern || fault.element == site.element);
    let fault = fault.ok_or_else(|| Error::request("the fault was not injected: no layer reads the changed value"))?;
    let struck = ranges(trial.faults.iter().map(|fault| fault.element), usize::MAX);
    if arguments.json {
        json(&Injection {
            golden: Answer { class: golden.class, logits: golden.logits.clone() },
            faulty: Answer { class: trial.class, logits: trial.logits.clone() },
            outcome: trial.verdict.outcome,
            due: trial.verdict.due,
            scm: trial.verdict.scm,
            fault: fault.clone(),
            faults: (is_pattern && trial.faults.len() <= <Record>::LISTED).then(|| trial.faults.clone()),
            elements: is_pattern.then_some(struck),
            trace: arguments.trace.then(|| trial.trace.clone()),
        })?;
    } else {
        let pattern = is_pattern.then(|| spread(arguments.pattern, trial.faults.len(), &struck));
        print(&text(&lab, &site, (fault, pattern), &golden, trial, [image.height, image.width]))?;
        if arguments.trace {
            print(&format!("\n{}", trace(&trial.trace)))?;
        }
    }
    Ok(Exit::Done)
}

fn text(
    lab: &Lab,
    site: &Site,
    (fault, pattern): (&InjectedFault, Option<String>),
    golden: &Tried,
    trial: &Trial,
    [height, width]: [usize; 2],
) -> String {
    let graph = lab.executor().graph();
    let node = &graph.nodes[site.layer];
    let dimensions = &match site.target {
        Target::Input => vec![height, width, 3],
        Target::Metadata => vec![fault.element + 1],
        Target::Activation | Target::Weight => graph.values[site.tensor].source_shape(),
    };
    let value = &graph.values[site.tensor];
    let code = match site.target {
        Target::Input | Target::Metadata => metadata::format_at(graph, site).into(),
        Target::Activation | Target::Weight => value.code(value.layout.stored_index(&value.shape, site.element)),
    };
    let element = match (site.target, Word::of(value, site.element)) {
        (Target::Metadata, Some(word)) => {
            let which = if word.is_zero { "zero point" } else { "scale" };
            format!("{}: {which} of channel {}", site.element, word.channel)
        }
        _ => format!("{} = {:?}", site.element, coordinates(dimensions, site.element)),
    };
    let kind = fault.kind.unwrap_or(CorruptionKind::BitFlip);
    let change = fault.struck().map_or_else(|| "replaced".to_owned(), |bits| struck_bits(bits, code.format, kind));
    let change = change + &unchanged(&trial.faults);
    let layer = format!("{} {} ({})", site.layer, node.name, node.kind);
    let tensor = format!("{}, {}, {}", fault.tensor, name(&site.target), shape(dimensions));
    let lines = [
        ("layer", Some(layer)),
        ("tensor", Some(tensor)),
        ("element", Some(element)),
        ("pattern", pattern),
        ("fault", Some(change)),
        ("before", Some(format!("{}  {}", bits(fault.before, code, fault.struck()), float(fault.before)))),
        ("after", Some(format!("{}  {}", bits(fault.after, code, fault.struck()), float(fault.after)))),
        ("golden", Some(answer(lab, golden.class, &golden.logits))),
        ("faulty", Some(answer(lab, trial.class, &trial.logits))),
        ("outcome", Some(outcome(lab, golden, trial))),
    ];
    lines
        .iter()
        .filter_map(|(name, value)| Some((name, value.as_ref()?)))
        .map(|(name, value)| format!("{}{}\n", style(Style::Bold, format_args!("{name:<9}")), shown(value)))
        .collect()
}

/// The elements of a pattern in words, the first ranges of them.
fn spread(pattern: Pattern, count: usize, ranges: &[[usize; 2]]) -> String {
    const SHOWN: usize = 8;
    let shown = ranges.iter().take(SHOWN).map(|&[first, last]| match last - first {
        0 => first.to_string(),
        _ => format!("{first}-{last}"),
    });
    let shown: Vec<_> = shown.collect();
    let more = if ranges.len() > SHOWN { ", .." } else { "" };
    let noun = if count == 1 { "element" } else { "elements" };
    format!("{pattern}, {} {noun}: {}{more}", thousands(count), shown.join(", "))
}

/// Returns the predicted class in words, with its probability.
pub fn answer(lab: &Lab, class: usize, scores: &[f32]) -> String {
    let top = lab.model().answer.top(scores, 1);
    let probability = top.first().map_or(f32::NAN, |ranked| ranked.probability);
    let label = lab.model().label(class);
    let name = if label == class.to_string() { format!("class {class}") } else { format!("{class} {label}") };
    if probability.is_nan() { name } else { format!("{name}, {}", percent(f64::from(probability))) }
}

/// Returns the outcome of a trial in words.
pub fn outcome(lab: &Lab, golden: &Tried, trial: &Trial) -> String {
    let mut text = match trial.verdict.outcome {
        Outcome::Masked => style(Style::Green, "masked"),
        Outcome::Sdc => style(Style::Red, "SDC, silent data corruption"),
    };
    if trial.verdict.due {
        text += &style(Style::Yellow, "; DUE: NaN or infinity reached the output");
    }
    if let (Outcome::Sdc, Some(scm), Some(grouping)) = (trial.verdict.outcome, trial.verdict.scm, lab.grouping()) {
        let group = |class| grouping.group_of(class).map_or("?", |group| group.name.as_str());
        let (from, to) = (group(golden.class), group(trial.class));
        let verdict = if scm { style(Style::Red, "safety-critical") } else { "not safety-critical".to_owned() };
        text += &format!("; {verdict} ({from} -> {to})");
    }
    text
}

/// Returns the table of the layers that a fault reached.
pub fn trace(rows: &[TraceRow]) -> String {
    if rows.is_empty() {
        return "no layer lies downstream of the fault\n".to_owned();
    }
    let mut table = Table::new()
        .text("layer")
        .number("changed")
        .number("of")
        .number("share")
        .number("of the map")
        .number("max |delta|")
        .number("non-finite");
    for row in rows {
        let mut cells = vec![row.layer.clone()];
        if row.changed > 0 {
            cells.extend([
                thousands(row.changed),
                thousands(row.elements),
                percent(row.changed as f64 / row.elements as f64),
                if row.positions > 1 { percent(row.touched as f64 / row.positions as f64) } else { String::new() },
                // Differences that are no numbers are counted as such.
                if row.max_abs_delta == 0.0 && row.non_finite > 0 {
                    String::new()
                } else {
                    four_digits(f64::from(row.max_abs_delta))
                },
                if row.non_finite == 0 { String::new() } else { thousands(row.non_finite) },
            ]);
        } else {
            cells.push("-".to_owned());
        }
        table.row(cells);
    }
    let equal = rows.iter().filter(|row| row.changed == 0).count();
    let note =
        if equal == 0 { String::new() } else { format!("-: as in the golden run, {}\n", counted(equal, "layer")) };
    table.render() + &note
}

/// Says how many of the struck elements have another value; nothing if all have.
pub fn unchanged(faults: &[InjectedFault]) -> String {
    match (faults.len(), faults.iter().filter(|fault| fault.changes()).count()) {
        (all, changed) if changed == all => String::new(),
        (1, _) => "; the value is the same".to_owned(),
        (_, 0) => "; no value changes".to_owned(),
        (_, changed) => {
            format!("; {} of the values {}", thousands(changed), if changed == 1 { "changes" } else { "change" })
        }
    }
}

/// Returns a fault in `bits` of a number in `format` in words, with the names of their fields.
fn struck_bits(bits: Bits, format: Format, kind: CorruptionKind) -> String {
    let noun = if bits.count() == 1 { "bit" } else { "bits" };
    let fields: Vec<_> = format.fields_of(bits.mask()).map(|field| field.name()).collect();
    let of = if format == Format::F32 { String::new() } else { format!(" of {}", format.name()) };
    format!("{noun} {bits}{of} {} ({})", kind.words(), fields.join(", "))
}

/// Returns the bits of `value` from the most significant one down, with a space between the fields. The `struck` bits are
/// coloured.
fn bits(value: f32, code: Code, struck: Option<Bits>) -> String {
    let mut text = String::new();
    let word = if code.format == Format::F32 { value.to_bits() } else { code.encode(value) };
    let starts: Vec<u8> = code.format.fields().iter().map(|(_, bits)| bits.start).filter(|&start| start > 0).collect();
    for position in code.format.bits() {
        let digit = if word >> position & 1 == 1 { "1" } else { "0" };
        if struck.is_some_and(|bits| bits.mask() >> position & 1 == 1) {
            text += &style(Style::Struck, digit);
        } else {
            text += digit;
        }
        if starts.contains(&position) {
            text.push(' ');
        }
    }
    text
}

/// Returns the index along each axis of the row-major `element` of a tensor of `shape`.
fn coordinates(shape: &[usize], element: usize) -> Vec<usize> {
    let mut rest = element;
    let mut indices: Vec<usize> = shape
        .iter()
        .rev()
        .map(|&axis| {
            let index = rest % axis.max(1);
            rest /= axis.max(1);
            index
        })
        .collect();
    indices.reverse();
    indices
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::output::finished;

    #[test]
    fn bits_stand_in_their_fields() {
        assert_eq!(
            finished(&bits(-0.5, Code::default(), Bits::one(30).ok()), false),
            "1 01111110 00000000000000000000000"
        );
        assert_eq!(bits(1.0, Code::default(), None), "0 01111111 00000000000000000000000");
        assert_eq!(bits(-3.0, Format::I8.into(), None), "1 1111101");
        assert_eq!(bits(1.5, Format::Bf16.into(), None), "0 01111111 1000000");
    }

    #[test]
    fn a_flip_is_written_with_its_fields() {
        let flip = CorruptionKind::BitFlip;
        assert_eq!(struck_bits(Bits::one(7).expect("a bit"), Format::I8, flip), "bit 7 of int8 flipped (sign)");
        let flipped = |bits: &str| struck_bits(bits.parse().expect("bits"), Format::F32, flip);
        assert_eq!(flipped("30"), "bit 30 flipped (exponent)");
        assert_eq!(flipped("22-23,31"), "bits 22-23,31 flipped (sign, exponent, mantissa)");
        let stuck = struck_bits(Bits::one(30).expect("a bit"), Format::F32, CorruptionKind::Stuck0);
        assert_eq!(stuck, "bit 30 stuck at 0 (exponent)");
    }

    #[test]
    fn a_pattern_is_written_with_its_first_elements() {
        let pattern = |text: &str| text.parse().expect("a pattern");
        assert_eq!(spread(pattern("row"), 4, &[[8, 11]]), "row, 4 elements: 8-11");
        assert_eq!(spread(pattern("bullet-wake:2"), 2, &[[3, 3], [7, 7]]), "bullet-wake:2, 2 elements: 3, 7");
        let far: Vec<[usize; 2]> = (0..9).map(|index| [index * 4; 2]).collect();
        assert_eq!(spread(pattern("skip:4x9"), 9, &far), "skip:4x9, 9 elements: 0, 4, 8, 12, 16, 20, 24, 28, ..");
    }

    #[test]
    fn coordinates_count_row_major() {
        assert_eq!(coordinates(&[1, 3, 4, 5], 0), [0, 0, 0, 0]);
        assert_eq!(coordinates(&[1, 3, 4, 5], 59), [0, 2, 3, 4]);
        assert_eq!(coordinates(&[1, 3, 4, 5], 26), [0, 1, 1, 1]);
        assert_eq!(coordinates(&[], 0), [0usize; 0]);
    }
}
