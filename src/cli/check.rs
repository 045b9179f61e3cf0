//! `faultscope check`: which preprocessing a model was trained with, by the accuracy that each gives.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use facts::Named;
use facts::outcome::wilson;
use facts::shown;
use serde::Serialize;

use super::args::{RunArguments, StoredArguments};
use super::data::{self, Data, DataArguments};
use super::exit::Exit;
use super::failure::Failure;
use super::open::{self, ModelFile};
use super::output::{self, counted, json, percent, print};
use super::table::{Render, Table};
use crate::campaign::{self, Guesses, Lab, Settings};
use crate::data::{Color, Image, InputShape, Normalise, Preprocess, PreprocessChoice, Resize};
use crate::graph::HostTensor;
use crate::{Error, Result};

/// Standard deviations of a 95 % interval.
const Z_95: f64 = 1.959_963_984_540_054;
/// Time between two lines about the progress.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Number of images where none is stated.
const IMAGES: usize = 200;

/// Find the preprocessing of a model by its accuracy.
///
/// Classifies labelled images under each known preprocessing and shows the accuracy of each: first the conversions of pixels
/// to input values, then, with the best of them, the conversions to the input's size. Images are taken at equal distances
/// over all of DATA. A campaign whose golden runs are no better than guessing has mostly the wrong preprocessing, or labels
/// in another order.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Model file, id of a model, or zoo:ID
    model: String,

    /// The images, as --data of `faultscope campaign`; they need labels
    data: PathBuf,

    #[command(flatten)]
    reading: DataArguments,

    /// Number of images [default: 200, or all that have labels where these are fewer]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    images: Option<u32>,

    #[command(flatten)]
    formats: StoredArguments,

    #[command(flatten)]
    run: RunArguments,

    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// The result in JSON.
#[derive(Debug, Serialize)]
struct Check {
    model: String,
    data: String,
    images: usize,
    /// The best first.
    tried: Vec<Tried>,
    /// What was assumed.
    notices: Vec<String>,
    /// If no preprocessing is better than guessing: why, probably.
    #[serde(skip_serializing_if = "Option::is_none")]
    alarm: Option<String>,
}

/// A preprocessing and its golden runs.
#[derive(Clone, Debug, Serialize)]
struct Tried {
    /// Arguments of other commands that state it; empty for the one in use.
    arguments: String,
    /// Whether it is the one that the model file states, or that is assumed, or that the arguments state.
    in_use: bool,
    preprocess: Preprocess,
    correct: u64,
    accuracy: f64,
    /// 95 % Wilson interval.
    interval: [f64; 2],
    #[serde(skip)]
    guesses: Guesses,
}

/// Runs the command.
pub fn run(arguments: Arguments) -> Result<Exit, Failure> {
    arguments.run.model.memory.allow();
    let model = ModelFile::read(&arguments.model, arguments.run.model.architecture)?
        .stated_by(arguments.run.answer.statements())
        .load(&arguments.run.preprocess)?;
    let (model, numbers) = arguments.formats.stored(model)?;
    open::check_memory(&arguments.model, &model, "one image needs", 1)?;
    let data = data::open(&arguments.data, &arguments.reading, &open::classes_of(&model))?;
    let used = data.preprocess(&model)?;
    let mut notices: Vec<String> = model.card.notices.clone();
    notices.extend(data.notices.iter().cloned());
    notices.extend((!numbers.is_float32()).then(|| numbers.to_string()));
    let images = labelled(&data, arguments.images)?;
    let lab = open::lab(model, arguments.run.device, None)?;
    let subject = Subject { lab: &lab, data: &data, images: &images };
    let shape = lab.model().input_shape();

    let mut tried = subject.accuracies(candidates(&used, shape, &values()))?;
    let resampled = subject.any_resized(shape)?;
    let best = tried.iter().max_by_key(|tried| (tried.correct, tried.in_use)).map(|tried| tried.preprocess.clone());
    if let Some(best) = best.filter(|_| resampled) {
        let sizes = candidates(&best, shape, &sizes()).into_iter().skip(1);
        let known = |preprocess: &Preprocess| tried.iter().any(|tried| tried.preprocess == *preprocess);
        let new: Vec<_> = sizes.filter(|candidate| !known(&candidate.preprocess)).collect();
        let stated = used.normalise != best.normalise;
        let mut more = subject.accuracies(new)?;
        if stated && let Some(values) = tried.iter().find(|tried| tried.preprocess == best) {
            more.iter_mut().for_each(|tried| tried.arguments = format!("{} {}", values.arguments, tried.arguments));
        }
        tried.extend(more);
    }
    tried.sort_by_key(|tried| std::cmp::Reverse((tried.correct, tried.in_use)));
    let alarm = tried[0].guesses.alarm();
    let check = Check {
        model: lab.model().card.name.clone(),
        data: arguments.data.display().to_string(),
        images: images.len(),
        tried,
        notices,
        alarm,
    };
    if arguments.json {
        json(&check)?;
    } else {
        print(&check.text())?;
        if let Some(alarm) = &check.alarm {
            output::alarm(alarm);
        }
    }
    Ok(Exit::Done)
}

/// The images with labels that are used, at equal distances, each with its label.
fn labelled(data: &Data, asked: Option<u32>) -> Result<Vec<(usize, usize)>> {
    let all: Vec<(usize, usize)> =
        (0..data.source.len()).filter_map(|index| Some((index, data.source.label(index)?))).collect();
    if all.is_empty() {
        return Err(Error::input(
            &data.origin.path,
            "the images have no labels, which the accuracy is counted by; --labels FILE states them",
        ));
    }
    let count = data::count(asked, IMAGES, all.len()).map_err(|error| error.concerning(&data.origin.path))?;
    Ok((0..count).map(|nth| all[nth * all.len() / count]).collect())
}

/// A preprocessing to try.
struct Candidate {
    arguments: String,
    preprocess: Preprocess,
}

/// The known conversions of pixels to input values, with blue and red exchanged where that makes another one.
fn values() -> Vec<PreprocessChoice> {
    let preset = |preset| PreprocessChoice { preset: Some(preset), ..PreprocessChoice::default() };
    let known = Normalise::ALL.iter().map(|&(known, _)| known).filter(|&known| known != Normalise::ImagenetTorchvision);
    let exchanged = [Normalise::Unit, Normalise::Byte, Normalise::Tf, Normalise::Torch]
        .map(|known| PreprocessChoice { color: Some(Color::Bgr), ..preset(known) });
    known.map(preset).chain(exchanged).collect()
}

/// The known conversions to the input's size.
fn sizes() -> Vec<PreprocessChoice> {
    let sizing = Preprocess::torchvision().sizing;
    let torchvision = PreprocessChoice {
        resize: Some(sizing.resize),
        filter: sizing.filter,
        antialias: sizing.antialias,
        crop: sizing.crop,
        ..PreprocessChoice::default()
    };
    let resize = |resize| PreprocessChoice { resize: Some(resize), ..PreprocessChoice::default() };
    let plain = PreprocessChoice { antialias: Some(false), ..resize(Resize::Stretch) };
    vec![resize(Resize::Stretch), plain, resize(Resize::ShorterSide), torchvision, resize(Resize::CropPad)]
}

/// The preprocessing in use, and those of `choices` that fit an input of `shape` and differ.
fn candidates(used: &Preprocess, shape: &[usize], choices: &[PreprocessChoice]) -> Vec<Candidate> {
    let mut candidates = vec![Candidate { arguments: String::new(), preprocess: used.clone() }];
    for choice in choices {
        // A choice of the size leaves the statements of another way to it behind.
        let own = match choice.resize {
            Some(_) => Preprocess { sizing: Resize::CropPad.into(), ..used.clone() },
            None => used.clone(),
        };
        let Ok(preprocess) = choice.over(&own) else { continue };
        // Its numbers fit any input, but mean something for one channel only.
        if choice.preset == Some(Normalise::Mnist) && InputShape::of(shape).is_none_or(|input| input.channels != 1) {
            continue;
        }
        let numbers = |preprocess: &Preprocess| (preprocess.normalise.pixels(), preprocess.sizing);
        let is_new = candidates.iter().all(|known| numbers(&known.preprocess) != numbers(&preprocess));
        if is_new && preprocess.check_input(shape).is_ok() {
            candidates.push(Candidate { arguments: arguments(choice), preprocess });
        }
    }
    candidates
}

/// `choice` as arguments.
fn arguments(choice: &PreprocessChoice) -> String {
    let PreprocessChoice { preset, color, resize, filter, antialias, crop, .. } = choice;
    let parts = [
        preset.map(|preset| format!("--preprocess {}", preset.name())),
        color.map(|color| format!("--color {}", color.name())),
        resize.map(|resize| format!("--resize {}", resize.name())),
        filter.map(|filter| format!("--filter {}", filter.name())),
        antialias.map(|on| if on { "--antialias" } else { "--antialias=off" }.to_owned()),
        crop.map(|crop| format!("--crop {crop}")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// A model and the images that it is tried on.
struct Subject<'a> {
    lab: &'a Lab,
    data: &'a Data,
    images: &'a [(usize, usize)],
}

impl Subject<'_> {
    fn image(&self, index: usize) -> Result<Image> {
        self.data.source.image(index)
    }

    /// Whether an image has another size than the input.
    fn any_resized(&self, shape: &[usize]) -> Result<bool> {
        let Some(InputShape { height, width, .. }) = InputShape::of(shape) else { return Ok(false) };
        let first = self.image(self.images[0].0)?;
        Ok((first.height, first.width) != (height, width))
    }

    /// The accuracy of each candidate. The first one is in use.
    fn accuracies(&self, candidates: Vec<Candidate>) -> Result<Vec<Tried>> {
        let shape = self.lab.model().input_shape();
        let together = open::runs_at_once(self.lab.model());
        let mut guesses = vec![(Guesses::default(), 0_u64); candidates.len()];
        let mut told = Instant::now();
        for (nth, &(index, label)) in self.images.iter().enumerate() {
            let image = self.image(index)?;
            for (candidates, guesses) in candidates.chunks(together).zip(guesses.chunks_mut(together)) {
                let input = |candidate: &Candidate| candidate.preprocess.apply(&image, shape);
                let inputs: Result<Vec<HostTensor>> = candidates.iter().map(input).collect();
                let inputs = inputs.map_err(|error| error.concerning(self.data.source.name(index)))?;
                let subjects: Vec<_> = inputs.iter().map(|input| campaign::Subject::new(input, Vec::new())).collect();
                let tried = pollster::block_on(self.lab.trials(&subjects, Settings::default()))?;
                for ((guesses, correct), answer) in guesses.iter_mut().zip(tried.images) {
                    // Values far from those of the training may well overflow: the answer is wrong.
                    let Ok(answer) = answer else { continue };
                    guesses.add(label, answer.class, 1);
                    *correct += u64::from(answer.class == label);
                }
            }
            if told.elapsed() >= LINE_EVERY {
                told = Instant::now();
                eprintln!(
                    "{} of {} with {} preprocessings",
                    nth + 1,
                    counted(self.images.len(), "image"),
                    candidates.len()
                );
            }
        }
        let of = self.images.len() as u64;
        let tried = |(candidate, (guesses, correct)): (Candidate, (Guesses, u64))| {
            let (low, high) = wilson(correct, of, Z_95);
            Tried {
                in_use: candidate.arguments.is_empty(),
                arguments: candidate.arguments,
                preprocess: candidate.preprocess,
                correct,
                accuracy: correct as f64 / of as f64,
                interval: [low, high],
                guesses,
            }
        };
        Ok(candidates.into_iter().zip(guesses).map(tried).collect())
    }
}

impl Check {
    fn text(&self) -> String {
        let mut table = Table::new().number("accuracy").number("95 % interval").text("arguments").text("preprocessing");
        let used = self.tried.iter().find(|tried| tried.in_use).map(|tried| tried.preprocess.sizing);
        for tried in &self.tried {
            let [low, high] = tried.interval.map(percent);
            let arguments = if tried.in_use { "(in use)" } else { &tried.arguments };
            // The way to the size is said where it is another than that in use.
            let is_usual = !tried.in_use && used == Some(tried.preprocess.sizing);
            let what = if is_usual { tried.preprocess.normalise.to_string() } else { tried.preprocess.to_string() };
            table.row([percent(tried.accuracy), format!("{low} to {high}"), arguments.to_owned(), what]);
        }
        let notices: String = self.notices.iter().map(|notice| format!("notice: {}\n", shown(notice))).collect();
        format!(
            "{} on {} of {}\n{}\n{notices}{}\n",
            shown(&self.model),
            counted(self.images, "labelled image"),
            shown(&self.data),
            table.render(),
            self.verdict()
        )
    }

    /// What the accuracies say, in a sentence.
    fn verdict(&self) -> String {
        let best = &self.tried[0];
        let Some(used) = self.tried.iter().find(|tried| tried.in_use) else { return String::new() };
        if best.in_use {
            return match self.tried[1..].iter().filter(|tried| tried.correct == best.correct).count() {
                0 => "the preprocessing in use is the best of these".to_owned(),
                others => format!("none is better than the preprocessing in use; as good on these images: {others}"),
            };
        }
        let how = if used.interval[1] < best.interval[0] {
            "is better than the one in use"
        } else {
            "is not told apart from the one in use by so few images; --images takes more"
        };
        format!("{} {how}", best.arguments)
    }
}
