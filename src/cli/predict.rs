//! `faultscope predict`: the classes of images.

use std::path::{Path, PathBuf};

use clap::Args;
use facts::shown;
use serde::Serialize;

use super::args::{RunArguments, StoredArguments};
use super::exit::Exit;
use super::failure::Failure;
use super::locate;
use super::open::{self, ModelFile};
use super::output::{json, percent, print};
use super::table::{Render, Table};
use crate::Error;
use crate::campaign::Lab;
use crate::fault::number;

/// Classify images.
///
/// Probabilities are the softmax of the model's scores, or the scores themselves if they are probabilities (between 0
/// and 1, with sum 1). An image that cannot be read is an error on stderr and exit code 3; the others are classified.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Model file, id of a model, or zoo:ID
    model: String,

    /// Image files (JPEG, PNG, WebP, BMP or PNM), or ID/NAME for a sample image of a model [default: the model's sample
    /// images]
    #[arg(value_name = "IMAGE")]
    images: Vec<PathBuf>,

    /// Number of classes to show, the most likely first
    #[arg(long, default_value_t = 5, value_name = "N")]
    top: usize,

    #[command(flatten)]
    formats: StoredArguments,

    #[command(flatten)]
    run: RunArguments,

    /// Write JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Predictions {
    predictions: Vec<Prediction>,
}

#[derive(Debug, Serialize)]
struct Prediction {
    image: String,
    top: Vec<Candidate>,
    /// The model's output, logits or probabilities.
    #[serde(with = "number::list")]
    logits: Vec<f32>,
}

#[derive(Debug, Serialize)]
struct Candidate {
    class: usize,
    label: String,
    #[serde(with = "number")]
    probability: f32,
}

/// Runs the command.
pub fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let images = if arguments.images.is_empty() { locate::samples(&arguments.model) } else { arguments.images };
    if images.is_empty() {
        let problem = format!("IMAGE is missing; {} has no sample images", arguments.model);
        return Err(Failure::usage("predict", problem));
    }
    arguments.run.model.memory.allow();
    let model = ModelFile::read(&arguments.model, arguments.run.model.architecture)?
        .stated_by(arguments.run.answer.statements())
        .load(&arguments.run.preprocess)?;
    let (model, numbers) = arguments.formats.stored(model)?;
    model.card.notices.iter().for_each(|notice| eprintln!("notice: {notice}"));
    if !numbers.is_float32() {
        eprintln!("notice: {numbers}");
    }
    open::check_memory(&arguments.model, &model, "one image needs", 1)?;
    let lab = open::lab(model, arguments.run.device, None)?;
    let mut predictions = Vec::new();
    let mut exit = Exit::Done;
    for path in &images {
        match predict(&lab, path, arguments.top) {
            Ok(prediction) => predictions.push(prediction),
            // One bad image says nothing about the others.
            Err(failure @ Failure::Core(Error::Input { .. } | Error::Io { .. })) => exit = failure.report(),
            Err(failure) => return Err(failure),
        }
    }
    if predictions.is_empty() {
        return Ok(exit);
    }
    if arguments.json {
        json(&Predictions { predictions })?;
    } else {
        let text: Vec<_> = predictions.iter().map(Prediction::text).collect();
        print(&text.join("\n"))?;
    }
    Ok(exit)
}

fn predict(lab: &Lab, path: &Path, count: usize) -> Result<Prediction, Failure> {
    let model = lab.model();
    let image = path.display().to_string();
    let golden = pollster::block_on(lab.answer(&open::input(model, path)?));
    let golden = golden.map_err(|error| error.concerning(&image))?;
    let top = model
        .answer
        .top(&golden.logits, count)
        .into_iter()
        .map(|ranked| Candidate {
            class: ranked.class,
            label: model.label(ranked.class),
            probability: ranked.probability,
        })
        .collect();
    Ok(Prediction { image, top, logits: golden.logits })
}

impl Prediction {
    fn text(&self) -> String {
        // The labels of a model without class names are the numbers of the classes.
        let labelled = self.top.iter().any(|candidate| candidate.label != candidate.class.to_string());
        let table = Table::new().number("class");
        let table = if labelled { table.text("label") } else { table };
        let mut table = table.number("probability");
        for candidate in &self.top {
            let mut cells = vec![candidate.class.to_string()];
            if labelled {
                cells.push(candidate.label.clone());
            }
            cells.push(percent(f64::from(candidate.probability)));
            table.row(cells);
        }
        format!("{}\n{}", shown(&self.image), table.render())
    }
}
