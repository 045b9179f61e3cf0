//! A model as users meet it: a graph with what is needed to ask it something and to read its answer.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::answer::{self, Answer, Threshold};
use crate::data::{FirstLayers, InputShape, Normalise, Preprocess, PreprocessChoice, Resize};
use crate::graph::Graph;
use crate::labels::Grouping;
use crate::{Error, Result};

/// An image classifier: graph, preprocessing, class names, grouping.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// The network.
    pub graph: Arc<Graph>,
    /// Everything else, as stored in the model file.
    pub card: Card,
    /// What its output means.
    pub answer: Answer,
    /// Names of all outputs of the model file, in order; the answer is one of them.
    pub outputs: Vec<String>,
}

/// What a model file says beside the graph.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// Name for people; the file's or the folder's where the model has none.
    pub name: String,
    /// How an image becomes the input; `None` where the file does not say, as in plain ONNX.
    pub preprocess: Option<Preprocess>,
    /// Class names by index; empty where they are unknown.
    #[serde(default)]
    pub labels: Vec<String>,
    /// Which mistakes are safety-critical.
    #[serde(default)]
    pub grouping: Option<Grouping>,
    /// What was assumed where the file is silent or can be read in several ways: a sentence each, for the user.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<String>,
}

impl Model {
    /// Puts a model together and checks that it is an image classifier: one image input of rank 4, class scores out
    /// ([`Answer`]), and as many labels and grouped classes as classes. Of several outputs the one that looks like the
    /// scores is the answer ([`answer::select`]).
    ///
    /// # Errors
    /// Where it is none.
    pub fn new(graph: Graph, card: Card) -> Result<Self> {
        Self::with_output(graph, card, None)
    }

    /// As [`Model::new`]; the answer is the output called `output`, or at that index, where one is named.
    ///
    /// # Errors
    /// As [`Model::new`], or where there is no such output.
    pub fn with_output(graph: Graph, mut card: Card, output: Option<&str>) -> Result<Self> {
        let shapes: Vec<_> = graph.inputs.iter().map(|&id| &graph.values[id].shape).collect();
        match shapes[..] {
            [shape] if InputShape::of(shape).is_some() => {
                // A file of ours has kept it.
                let assumed = InputShape::assumed(shape).filter(|assumed| !card.notices.contains(assumed));
                card.notices.extend(assumed);
            }
            _ => {
                return Err(Error::input(
                    &card.name,
                    format_args!(
                        "an image classifier with one input of shape 1 x channels x height x width (1, 3 or 4 channels, first or \
                         last), 1 x height x width, or 1 x the pixels of a square is expected, found inputs {shapes:?}"
                    ),
                ));
            }
        }
        let outputs = answer::names(&graph).into_iter().map(str::to_owned).collect();
        let (graph, answer) = answer::select(graph, output, &mut card.notices)?;
        let model = Self { graph: Arc::new(graph), card, answer, outputs };
        let classes = model.classes();
        let labels = model.card.labels.len();
        if labels != 0 && labels != classes {
            return Err(Error::input(&model.card.name, format_args!("{classes} class scores, but {labels} labels")));
        }
        if let Some(grouping) = &model.card.grouping
            && grouping.classes() != classes
        {
            return Err(Error::input(
                &model.card.name,
                format_args!(
                    "{classes} class scores, but the grouping \"{}\" is for {}",
                    grouping.name(),
                    grouping.classes()
                ),
            ));
        }
        Ok(model)
    }

    /// The model with the threshold that the user states for a binary answer ([`Answer::decided_at`]).
    ///
    /// # Errors
    /// Where one is stated for class scores.
    pub fn decided_at(self, stated: Option<Threshold>) -> Result<Self> {
        let answer = self.answer.decided_at(stated)?;
        Ok(Self { answer, ..self })
    }

    /// Shape of the image input: 1 x channels x height x width.
    pub fn input_shape(&self) -> &[usize] {
        &self.graph.values[self.graph.inputs[0]].shape
    }

    /// Name of the output that is the answer.
    pub fn output(&self) -> &str {
        &self.graph.values[self.graph.outputs[0]].name
    }

    /// Number of classes of the answer.
    pub fn classes(&self) -> usize {
        self.answer.classes()
    }

    /// Name of `class`: its label, or its number.
    pub fn label(&self, class: usize) -> String {
        self.card.labels.get(class).cloned().unwrap_or_else(|| class.to_string())
    }

    /// The preprocessing of the model file; where it states none, the one that the first layers ask for, or x / 255, at the
    /// model's own input size.
    pub fn preprocess(&self) -> Preprocess {
        let assumed = || {
            let wanted = FirstLayers::of(&self.graph).map_or(Normalise::default(), |first| first.wanted);
            Preprocess::known(wanted, Resize::default())
        };
        self.card.preprocess.clone().unwrap_or_else(assumed)
    }

    /// The model with the user's statements about preprocessing. What is assumed where nobody states it, and what does not seem
    /// to go together, is added to the notices.
    ///
    /// # Errors
    /// Where the statements contradict one another, or do not fit the model's input.
    pub fn preprocessed(mut self, choice: &PreprocessChoice) -> Result<Self> {
        let used = choice.over(&self.preprocess())?;
        used.check_input(self.input_shape())?;
        let stated = choice.states_values() || self.card.preprocess.is_some();
        let notice = if stated {
            FirstLayers::doubt(&self.graph, &used)
        } else {
            Some(FirstLayers::of(&self.graph).map_or_else(
                || {
                    format!(
                        "the model file does not say how an image becomes the input; assumed: {used} (`faultscope check MODEL \
                         DATA` tries others)"
                    )
                },
                |first| first.notice,
            ))
        };
        self.card.notices.extend(notice.filter(|notice| !self.card.notices.contains(notice)));
        // Each image asks for it, and the first layers are not followed each time.
        self.card.preprocess = Some(used);
        Ok(self)
    }
}
