//! `faultscope rank`: the most dangerous bits, elements and weights of a network.

use std::path::PathBuf;

use clap::Args;
use facts::outcome::Rate;
use facts::{Name, Named};
use serde::Serialize;

use super::args::{GroupingArguments, RunArguments, StoredArguments, choice};
use super::campaign::arguments::{LayerList, layer_list};
use super::data::{self, DataArguments};
use super::exit::Exit;
use super::failure::Failure;
use super::open::{self, ModelFile};
use super::output::{counted, exact, json, percent, print, thousands};
use super::table::{Render, Table, wrapped};
use crate::campaign::{self, Budget, Checked, Danger, Ranked, Ranking, SEED};
use crate::data::ImageSource as _;
use crate::fault::{Bits, FaultKind, FaultModel, Target};
use crate::graph::Graph;
use crate::platform::DeviceChoice;
use crate::report::csv_line;

/// Number of images where none is stated.
const IMAGES: usize = 10;

/// The faults that are ranked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ranks {
    Weights,
    Neurons,
}

impl Named for Ranks {
    const ALL: &'static [(Self, Name)] = &[
        (Self::Weights, Name::new("weights", "Weights", "stored weights")),
        (Self::Neurons, Name::new("neurons", "Neurons", "outputs of layers")),
    ];
}

/// Rank the bits and elements of a network by how dangerous a flip in them is.
///
/// One pass from the answer back to the first layer tells for each image and each element how the margin between the best and
/// the second class depends on it. From this follows a score for the flip of each bit: 1 says that to first order the answer
/// is about to change. The faults with the highest scores, over all images, are then injected into each image. The output says
/// how often a prediction is right: faults are drawn from the predicted ones, and from all, and injected.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Model file, id of a model, or zoo:ID
    model: String,

    /// The images, as --data of `faultscope campaign`
    data: PathBuf,

    #[command(flatten)]
    reading: DataArguments,

    /// Number of images, at equal distances over all of DATA [default: 10, or all where DATA has fewer]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    images: Option<u32>,

    /// What the flips are in
    #[arg(long, default_value = "weights", value_parser = choice::<Ranks>())]
    target: Ranks,

    /// Layers, as --layers of `faultscope campaign` [default: all that its faults are drawn from]
    #[arg(long, value_name = "NAME|INDEX|kind:KIND,..", value_parser = layer_list)]
    layers: Vec<LayerList>,

    /// Bits: 30 for example, 23-30, 0,31, or fields: sign, exponent, mantissa [default: all]
    #[arg(long, visible_alias = "bits", value_name = "BITS")]
    bit: Option<String>,

    /// Length of the lists
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    top: u32,

    /// Seed of the draw of predictions that are checked
    #[arg(long, default_value_t = SEED, value_name = "S")]
    seed: u64,

    #[command(flatten)]
    grouping: GroupingArguments,

    #[command(flatten)]
    formats: StoredArguments,

    #[command(flatten)]
    run: RunArguments,

    /// Write JSON
    #[arg(long)]
    json: bool,

    /// Write CSV: faults and elements, one per row
    #[arg(long, conflicts_with = "json")]
    csv: bool,
}

/// The ranking in JSON.
#[derive(Debug, Serialize)]
struct Output {
    model: String,
    data: String,
    target: &'static str,
    images: usize,
    /// Faults with a score, in each image.
    faults: u64,
    /// Share of faults and images for which a change of the answer is predicted: a score of 1 or more, or a value that is no
    /// finite number.
    predicted: f64,
    /// Of faults drawn from the predicted ones, the share that changed the answer.
    precision: Rate,
    /// The same of faults drawn from all.
    base: Rate,
    /// From the highest bit down.
    bits: Vec<BitRow>,
    top: Vec<Row>,
    elements: Vec<Row>,
    notices: Vec<String>,
}

#[derive(Debug, Serialize)]
struct BitRow {
    bit: u8,
    /// Share of faults and images for which a change of the answer is predicted.
    predicted: f64,
}

/// A fault, or an element.
#[derive(Debug, Serialize)]
struct Row {
    layer: String,
    tensor: String,
    element: usize,
    /// Of a fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    bit: Option<u8>,
    predicted: f64,
    score: f64,
    injected: u64,
    sdc: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    scm: Option<u64>,
    due: u64,
}

impl Row {
    fn new(graph: &Graph, danger: &Danger, fault: bool) -> Self {
        let site = danger.site;
        let bit = site.corruption.bits().and_then(|bits| bits.iter().next());
        Self {
            layer: graph.nodes[site.layer].name.clone(),
            tensor: graph.values[site.tensor].name.clone(),
            element: site.element,
            bit: bit.filter(|_| fault),
            predicted: danger.predicted,
            score: danger.score,
            injected: danger.injected,
            sdc: danger.sdc,
            scm: danger.scm,
            due: danger.due,
        }
    }

    fn cells(&self) -> [String; 10] {
        let optional = |number: Option<u64>| number.map_or_else(String::new, |number| number.to_string());
        [
            self.layer.clone(),
            self.tensor.clone(),
            self.element.to_string(),
            optional(self.bit.map(u64::from)),
            self.predicted.to_string(),
            self.score.to_string(),
            self.injected.to_string(),
            self.sdc.to_string(),
            optional(self.scm),
            self.due.to_string(),
        ]
    }
}

/// Runs the command.
pub fn run(arguments: Arguments) -> Result<Exit, Failure> {
    arguments.run.model.memory.allow();
    if arguments.run.device == DeviceChoice::Gpu {
        return Err(Failure::usage("rank", "scores are computed on the CPU; choose --device cpu"));
    }
    let mut model = ModelFile::read(&arguments.model, arguments.run.model.architecture)?
        .stated_by(arguments.run.answer.statements())
        .load(&arguments.run.preprocess)?;
    let data = data::open(&arguments.data, &arguments.reading, &open::classes_of(&model))?;
    model.card.preprocess = Some(data.preprocess(&model)?);
    let (model, numbers) = arguments.formats.stored(model)?;
    open::check_memory(&arguments.model, &model, "an image with its gradients needs", 4)?;
    let mut notices: Vec<String> = model.card.notices.iter().chain(&data.notices).cloned().collect();
    notices.extend((!numbers.is_float32()).then(|| numbers.to_string()));
    notices.iter().for_each(|notice| eprintln!("notice: {notice}"));
    let grouping = arguments.grouping.grouping.as_deref().map(open::grouping).transpose()?;
    let lab = open::lab(model, arguments.run.device, grouping)?;
    let graph = lab.executor().graph().clone();
    let target = if arguments.target == Ranks::Weights { Target::Weight } else { Target::Activation };
    let format = graph.values.iter().map(|value| value.format).max_by_key(|format| format.width()).unwrap_or_default();
    let bits = arguments.bit.as_deref().map(|text| Bits::parse(text, format)).transpose()?.unwrap_or_default();
    let layers: Vec<String> = arguments.layers.iter().flat_map(|list| list.0.iter().cloned()).collect();
    let model = FaultModel {
        target,
        kind: FaultKind::BitFlip { bits },
        layers: (!layers.is_empty()).then_some(layers),
        ..FaultModel::default()
    };
    let all = data.source.len();
    let count = data::count(arguments.images, IMAGES, all).map_err(|error| error.concerning(&data.origin.path))?;
    let images = (0..count).map(|nth| nth * all / count).collect();
    let what = Ranked { model, images, top: arguments.top as usize, seed: arguments.seed };
    let ranking = pollster::block_on(campaign::rank(&lab, &data.source, &what, Budget::default()))?;
    let rows = |list: &[Danger], fault| list.iter().map(|danger| Row::new(&graph, danger, fault)).collect();
    let rate = |checked: Checked| Rate::new(checked.sdc, checked.injected);
    let Ranking { faults, predicted, ref bits, ref top, ref elements, precision, base } = ranking;
    let output = Output {
        model: lab.model().card.name.clone(),
        data: data.origin.path.clone(),
        target: arguments.target.name(),
        images: count,
        faults,
        predicted,
        precision: rate(precision),
        base: rate(base),
        bits: bits.iter().map(|&(bit, predicted)| BitRow { bit, predicted }).collect(),
        top: rows(top, true),
        elements: rows(elements, false),
        notices,
    };
    match (arguments.json, arguments.csv) {
        (true, _) => json(&output)?,
        (_, true) => exact(&output.csv())?,
        _ => print(&output.text())?,
    }
    Ok(Exit::Done)
}

impl Output {
    fn text(&self) -> String {
        let kind = if self.target == Ranks::Weights.name() { "weight" } else { "activation" };
        let mut text = format!(
            "{}: {} scored in each of {}\n\n",
            self.model,
            counted(self.faults, &format!("{kind} flip")),
            counted(self.images, "image")
        );
        for (title, list, fault) in
            [("Most dangerous flips", &self.top, true), ("Most dangerous elements", &self.elements, false)]
        {
            let table = Table::titled(title).text("layer").text("tensor").number("element");
            let table = if fault { table.number("bit") } else { table };
            let mut table = table.numbers(["score", "predicted", "injected", "SDC", "SCM", "DUE"]);
            for row in list {
                let mut cells = vec![row.layer.clone(), row.tensor.clone(), row.element.to_string()];
                cells.extend(row.bit.map(|bit| bit.to_string()));
                cells.push(format!("{:.2}", row.score));
                cells.push(percent(row.predicted));
                cells.extend([row.injected, row.sdc].map(thousands));
                cells.push(row.scm.map_or_else(|| "-".to_owned(), thousands));
                cells.push(thousands(row.due));
                table.row(cells);
            }
            table.note(match fault {
                true => "sorted by SDC, and those with as many by score; score: mean over the images, where one counts as 1,000 at most; predicted: share of the images with a score of \
                         1 or more; SDC: of as many injected, one in each image",
                false => "the same over all bits of the element; injected: each bit in each image",
            });
            text += &(table.render() + "\n");
        }
        let mut table = Table::titled("Predicted by bit").number("bit").number("predicted");
        self.bits.iter().for_each(|row| table.row([row.bit.to_string(), percent(row.predicted)]));
        table.note("predicted: share of all elements and images with a score of 1 or more, or a value that is no finite number");
        text += &(table.render() + "\n");
        let share = |rate: &Rate| match rate.of {
            0 => "none, as there is no such fault,".to_owned(),
            _ => format!(
                "{} of {} ({} to {})",
                percent(rate.rate),
                thousands(rate.of),
                percent(rate.low),
                percent(rate.high)
            ),
        };
        let sentence = format!(
            "how often a prediction is right: of faults drawn from the predicted ones, {} changed the answer; of faults drawn from \
             all, {}. Predicted are {} of all",
            share(&self.precision),
            share(&self.base),
            percent(self.predicted)
        );
        text + &wrapped(&sentence)
    }

    fn csv(&self) -> String {
        let columns = [
            "list",
            "rank",
            "layer",
            "tensor",
            "element",
            "bit",
            "predicted",
            "score",
            "injected",
            "sdc",
            "scm",
            "due",
        ];
        let mut text = csv_line(columns);
        for (list, rows) in [("fault", &self.top), ("element", &self.elements)] {
            for (index, row) in rows.iter().enumerate() {
                let cells = [list.to_owned(), (index + 1).to_string()].into_iter().chain(row.cells());
                text += &csv_line(cells);
            }
        }
        text
    }
}
