//! `faultscope inspect`: the layers of a model.

use clap::Args;
use facts::shown;
use serde::Serialize;

use super::args::{AnswerArguments, ModelArguments, PreprocessArguments, StoredArguments};
use super::exit::Exit;
use super::failure::Failure;
use super::open::ModelFile;
use super::output::{counted, json, print, shape, thousands};
use super::table::{Render, Table};
use crate::data::Preprocess;
use crate::fault::{Format, SiteSpace, Target};
use crate::graph::Graph;
use crate::model::Model;

/// List the layers of a model, in order.
///
/// An activation fault can be injected into an "injectable" layer, whose output depends on the image. Campaigns draw
/// from the "sampled" layers: all injectable layers but the last, in a Keras model all but the first and the last. A
/// weight fault can be injected into every layer with parameters. Shapes have the layout of the source framework: N x C
/// x H x W for ONNX, N x H x W x C for Keras.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Model file, id of a model, or zoo:ID
    model: String,

    #[command(flatten)]
    file: ModelArguments,

    #[command(flatten)]
    answer: AnswerArguments,

    #[command(flatten)]
    formats: StoredArguments,

    /// Write JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Inspection {
    model: String,
    input_shape: Vec<usize>,
    classes: usize,
    /// What the output means.
    answer: String,
    /// Name of the output that is the answer.
    output: String,
    /// How an image becomes the input, unless a command's arguments say otherwise.
    preprocess: Preprocess,
    /// What was assumed.
    notices: Vec<String>,
    parameters: usize,
    layers: Vec<Layer>,
}

#[derive(Debug, Serialize)]
struct Layer {
    index: usize,
    name: String,
    kind: String,
    /// Shape of the first output, in the layout of the source framework.
    output_shape: Vec<usize>,
    parameters: usize,
    injectable: bool,
    sampled: bool,
    /// Bits of an element of the first output.
    bits: u8,
    /// The parameters that the layer reads.
    tensors: Vec<Tensor>,
    /// Number format of the first output; float32 where it is not said.
    #[serde(skip_serializing_if = "Format::is_default")]
    format: Format,
    /// Number format of the parameters: the first that is not float32.
    #[serde(skip_serializing_if = "Format::is_default")]
    weight_format: Format,
}

/// A parameter of a layer.
#[derive(Debug, Serialize)]
struct Tensor {
    name: String,
    shape: Vec<usize>,
    format: Format,
    bits: u8,
}

impl Inspection {
    fn new(model: &Model) -> Self {
        let graph = &*model.graph;
        let parameters = graph.parameters.keys().map(|&id| graph.values[id].elements()).sum();
        Self {
            model: model.card.name.clone(),
            input_shape: graph.values[graph.inputs[0]].source_shape(),
            classes: model.classes(),
            answer: model.answer.to_string(),
            output: model.output().to_owned(),
            preprocess: model.preprocess(),
            notices: model.card.notices.clone(),
            parameters,
            layers: layers(graph),
        }
    }

    /// How the input is made, what the output means, and what was assumed.
    fn about_input_and_output(&self) -> String {
        let notices: String = self.notices.iter().map(|notice| format!("notice: {notice}\n")).collect();
        format!("preprocessing: {}\noutput \"{}\": {}\n{notices}", self.preprocess, self.output, self.answer)
    }

    fn text(&self) -> String {
        let mut table =
            Table::new().number("#").text("layer").word("kind").number("output").number("parameters").word("faults");
        let stored = self.layers.iter().any(|layer| !layer.format.is_default() || !layer.weight_format.is_default());
        if stored {
            table = table.word("numbers").word("weights");
        }
        for layer in &self.layers {
            let faults = match (layer.sampled, layer.injectable) {
                (true, _) => "sampled",
                (false, true) => "by hand",
                (false, false) => "",
            };
            let mut cells = vec![
                layer.index.to_string(),
                layer.name.clone(),
                layer.kind.clone(),
                shape(&layer.output_shape),
                if layer.parameters == 0 { String::new() } else { thousands(layer.parameters) },
                faults.to_owned(),
            ];
            if stored {
                cells.extend([layer.format.to_string(), layer.weight_formats()]);
            }
            table.row(cells);
        }
        format!(
            "{}: {}, {}, input {}, {}\n{}\n{}\n{}\n",
            shown(&self.model),
            counted(self.layers.len(), "layer"),
            counted(self.parameters, "parameter"),
            shape(&self.input_shape),
            counted(self.classes, "score"),
            self.about_input_and_output(),
            table.render(),
            "faults: whether campaigns draw activation faults there, or only `inject` does"
        )
    }
}

impl Layer {
    /// The number formats of the parameters, each once.
    fn weight_formats(&self) -> String {
        let mut formats: Vec<Format> = self.tensors.iter().map(|tensor| tensor.format).collect();
        formats.sort_unstable();
        formats.dedup();
        formats.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }
}

fn layers(graph: &Graph) -> Vec<Layer> {
    let holds = |space: SiteSpace| {
        let mut holds = vec![false; graph.nodes.len()];
        for sites in space.layers() {
            holds[sites.layer] = true;
        }
        holds
    };
    let injectable = holds(SiteSpace::of(graph, Target::Activation));
    let sampled = holds(SiteSpace::sampled(graph, Target::Activation));
    let tensor = |value: &crate::graph::Value| Tensor {
        name: value.name.clone(),
        shape: value.source_shape(),
        format: value.format,
        bits: value.format.width(),
    };
    let layer = |(index, node): (usize, &crate::graph::Node)| Layer {
        index,
        name: node.name.clone(),
        kind: node.kind.clone(),
        output_shape: node.outputs.first().map(|&id| graph.values[id].source_shape()).unwrap_or_default(),
        parameters: graph.parameter_elements(index),
        bits: node.outputs.first().map(|&id| graph.values[id].format).unwrap_or_default().width(),
        tensors: graph.parameters_of(index).map(|id| tensor(&graph.values[id])).collect(),
        injectable: injectable[index],
        sampled: sampled[index],
        format: node.outputs.first().map(|&id| graph.values[id].format).unwrap_or_default(),
        weight_format: graph
            .parameters_of(index)
            .map(|id| graph.values[id].format)
            .find(|format| !format.is_default())
            .unwrap_or_default(),
    };
    graph.nodes.iter().enumerate().map(layer).collect()
}

/// Runs the command.
pub fn run(arguments: Arguments) -> Result<Exit, Failure> {
    arguments.file.memory.allow();
    let model = ModelFile::read(&arguments.model, arguments.file.architecture)?
        .stated_by(arguments.answer.statements())
        .load(&PreprocessArguments::default())?;
    let (model, _) = arguments.formats.stored(model)?;
    let inspection = Inspection::new(&model);
    if arguments.json {
        json(&inspection)?
    } else {
        print(&inspection.text())?
    }
    Ok(Exit::Done)
}
