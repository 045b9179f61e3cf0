//! An ONNX file with the bounds of golden runs.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use facts::shown;
use serde::Serialize;

use super::Arguments;
use crate::campaign::compared::{Clip, Cost};
use crate::campaign::{self, Bounded, Lab, Subject, Unprotected};
use crate::cli::args::StatementArguments;
use crate::cli::beside::Folder;
use crate::cli::data::{self, Data, DataArguments};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::open::{self, ModelFile};
use crate::cli::output::{counted, json, percent, print, thousands};
use crate::cli::write;
use crate::exec::Settings;
use crate::graph::HostTensor;
use crate::import::{self, onnx};
use crate::platform::DeviceChoice;
use crate::{Error, Result};

/// Images that the golden accuracy is counted on, at most.
const TESTED: usize = 1000;

/// The numbers that the command prints.
#[derive(Debug, Serialize)]
struct Output {
    model: String,
    protection: String,
    profile: String,
    /// Images that bounds were learnt from.
    images: usize,
    /// Names of the protected layers.
    protected: Vec<String>,
    /// Layers of the model.
    layers: usize,
    nodes_added: usize,
    /// Comparisons and selections of one inference.
    operations_added: u64,
    /// Operations of one inference without them; a multiply-add is two.
    operations: u64,
    /// Numbers that the bounds are.
    bounds: u64,
    bytes_added: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    accuracy: Option<Accuracy>,
    notices: Vec<String>,
    file: String,
}

/// Golden runs with a label that were right.
#[derive(Clone, Copy, Debug, Serialize)]
struct Accuracy {
    images: u64,
    before: u64,
    after: u64,
    /// Whether bounds were learnt from these images.
    learnt: bool,
}

/// Runs the command for a protection that clips.
pub fn run(arguments: &Arguments, clip: Clip) -> Result<Exit, Failure> {
    let profile = arguments.profile.as_ref().ok_or_else(|| {
        Error::request(format_args!(
            "{} is learnt from golden runs; --profile DATA names their images",
            arguments.method
        ))
    })?;
    let stated = StatementArguments::from(arguments.answer.clone()).statements();
    let file = ModelFile::read(&arguments.model, arguments.file.architecture)?.stated_by(stated.clone());
    let path = file.path.clone();
    let bytes = file.bytes().to_vec();
    check_editable(&path, &bytes, &file, &arguments.output)?;
    let mut model = file.load(&arguments.preprocess)?;
    let reading = DataArguments { labels_needed: false, ..arguments.reading.clone() };
    let data = data::open(profile, &reading, &open::classes_of(&model))?;
    model.card.preprocess = Some(data.preprocess(&model)?);
    let mut notices: Vec<String> = model.card.notices.iter().chain(&data.notices).cloned().collect();
    open::check_memory(&arguments.model, &model, "golden runs of the original and the protected model need", 2)?;
    let images = images(arguments.images, &data)?;
    // Golden runs of a large network take minutes.
    notices.iter().for_each(|notice| eprintln!("notice: {notice}"));
    let told = notices.len();
    eprintln!(
        "notice: learning bounds from golden runs of {} of {}",
        counted(images, "image"),
        counted(data.source.len(), "image")
    );
    let lab = open::lab(model, DeviceChoice::Cpu, None)?;
    let graph = lab.executor().graph();
    let learnt = pollster::block_on(campaign::learn_clips_from(&lab, clip, &data.source, images))?;

    let (name, output) = (path.display().to_string(), arguments.output.display().to_string());
    let beside = Arc::new(Folder::of(&path));
    let of = Unprotected { name: &name, bytes: &bytes, stated: &stated, beside, lab: &lab };
    // The file is the same wherever its images are.
    let last = last_part(profile);
    let bounded = Bounded { clip, clips: &learnt, source: &data.source, images, profile: &last };
    let written = pollster::block_on(campaign::protected_file(of, bounded, &output))?;
    let (guarded, protected) = (&written.guarded, &written.lab);
    eprintln!("notice: comparing golden runs of both models");
    let accuracy = accuracy(&lab, protected, &data, images)?;
    if accuracy.is_some_and(|accuracy| accuracy.learnt) {
        notices.push(
            "the golden accuracy is that of the images that bounds were learnt from: DATA has no others".to_owned(),
        );
    }
    notices[told..].iter().for_each(|notice| eprintln!("notice: {notice}"));
    write::atomically(&arguments.output, &guarded.bytes, arguments.existing())?;

    let is_protected = |id: &usize| graph.nodes[*id].outputs.iter().any(|output| learnt.get(*output).is_some());
    let said = Output {
        model: lab.model().card.name.clone(),
        protection: arguments.method.to_string(),
        profile: profile.display().to_string(),
        images,
        protected: (0..graph.nodes.len()).filter(is_protected).map(|id| graph.nodes[id].name.clone()).collect(),
        layers: graph.nodes.len(),
        nodes_added: guarded.nodes,
        operations_added: guarded.operations,
        operations: Cost::of(graph).operations,
        bounds: written.bounds,
        bytes_added: guarded.bytes.len().saturating_sub(bytes.len()) as u64,
        accuracy,
        notices,
        file: output,
    };
    if arguments.json {
        json(&said)?;
    } else {
        print(&said.text())?;
    }
    Ok(Exit::Done)
}

/// Checks that the model is an ONNX file, and that the output can stand for it.
fn check_editable(path: &Path, bytes: &[u8], file: &ModelFile, output: &Path) -> Result<()> {
    let name = path.display().to_string();
    campaign::check_editable(&name, !file.is_architecture() && import::is_onnx(bytes))?;
    let external = onnx::external_files(bytes);
    let folder = |path: &Path| {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        folder.canonicalize().unwrap_or_else(|_| folder.to_owned())
    };
    if let Some(first) = external.first()
        && folder(path) != folder(output)
    {
        let here = folder(path).join(output.file_name().unwrap_or_default());
        return Err(Error::input(
            output.display().to_string(),
            format_args!(
                "weights of the model are in {} beside it, \"{first}\" for example, which the protected model needs beside it, too; \
                 write it to the folder of the model: -o {}",
                counted(external.len(), "file"),
                here.display()
            ),
        ));
    }
    Ok(())
}

/// Number of images that bounds are learnt from.
fn images(wanted: Option<u32>, data: &Data) -> Result<usize> {
    let all = data.source.len();
    let name = &data.origin.path;
    match wanted.map(|wanted| wanted as usize) {
        _ if all == 0 => Err(Error::input(name, "the data has no images")),
        Some(wanted) if wanted > all => Err(Error::input(
            name,
            format_args!("--images {wanted} is more than the data has: {}", counted(all, "image")),
        )),
        Some(wanted) => Ok(wanted),
        None => Ok(campaign::images_of_file(all)),
    }
}

/// The last part of `path`.
fn last_part(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// The golden accuracy of both models over the same images: those that no bound was learnt from, or, where there are none, the
/// others. `None` if none has a label.
fn accuracy(lab: &Lab, protected: &Lab, data: &Data, learnt: usize) -> Result<Option<Accuracy>> {
    let all = data.source.len();
    let learnt: BTreeSet<usize> = campaign::spread(learnt, all).collect();
    let labelled = |are_learnt: bool| {
        let own: Vec<usize> = (0..all).filter(|index| learnt.contains(index) == are_learnt).collect();
        let spaced = campaign::spread(TESTED, own.len()).map(|nth| own[nth]);
        spaced.filter_map(|index| Some((index, data.source.label(index)?))).collect::<Vec<_>>()
    };
    let others = labelled(false);
    let on_learnt = others.is_empty();
    let tested = if on_learnt { labelled(true) } else { others };
    if tested.is_empty() {
        return Ok(None);
    }
    let mut accuracy = Accuracy { images: tested.len() as u64, before: 0, after: 0, learnt: on_learnt };
    for wave in tested.chunks(open::runs_at_once(protected.model()).clamp(1, 16)) {
        let inputs = wave.iter().map(|&(index, _)| input(lab, data, index)).collect::<Result<Vec<_>>>()?;
        let subjects: Vec<Subject<'_>> = inputs.iter().map(|input| Subject::new(input, Vec::new())).collect();
        for (lab, correct) in [(lab, &mut accuracy.before), (protected, &mut accuracy.after)] {
            let tried = pollster::block_on(lab.trials(&subjects, Settings::default()))?;
            for (&(index, label), tried) in wave.iter().zip(tried.images) {
                let tried = tried.map_err(|error| error.concerning(data.source.name(index)))?;
                *correct += u64::from(tried.class == label);
            }
        }
    }
    Ok(Some(accuracy))
}

fn input(lab: &Lab, data: &Data, index: usize) -> Result<HostTensor> {
    let model = lab.model();
    let input = data.source.image(index).and_then(|image| model.preprocess().apply(&image, model.input_shape()));
    input.map_err(|error| error.concerning(data.source.name(index)))
}

impl Output {
    fn text(&self) -> String {
        let share = match self.operations {
            0 => String::new(),
            operations => format!(
                ", {} of the network's {}",
                percent(self.operations_added as f64 / operations as f64),
                thousands(operations)
            ),
        };
        let accuracy = match self.accuracy {
            None => "not known: the images have no labels".to_owned(),
            Some(Accuracy { images, before, after, learnt }) => {
                let rate = |correct: u64| percent(correct as f64 / images as f64);
                let which = if learnt { "that bounds were learnt from" } else { "that no bound was learnt from" };
                format!("{} before, {} after, of {} {which}", rate(before), rate(after), counted(images, "image"))
            }
        };
        format!(
            "{} with {}\n\
             learnt from       {} of {}\n\
             layers protected  {} of {}\n\
             nodes added       {}\n\
             operations added  {} (comparisons and selections){share}\n\
             bounds            {} numbers; the file has {} more bytes\n\
             golden accuracy   {accuracy}\n\
             {} is written\n",
            shown(&self.model),
            self.protection,
            counted(self.images, "image"),
            shown(&self.profile),
            thousands(self.protected.len()),
            thousands(self.layers),
            thousands(self.nodes_added),
            thousands(self.operations_added),
            thousands(self.bounds),
            thousands(self.bytes_added),
            shown(&self.file)
        )
    }
}
