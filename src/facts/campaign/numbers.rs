//! The number formats of a campaign's network, where they are emulated on a float32 model.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::format::{Format, Scale, Scales};
use crate::graph::{Graph, Op, ValueId};
use crate::{Error, Name, Named, Result};

/// Number formats that a float32 network is rounded to: the outputs of layers, and parameters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NumberFormats {
    /// Of the outputs of layers.
    #[serde(rename = "format", default, skip_serializing_if = "Format::is_default")]
    pub outputs: Format,
    /// Of parameters.
    #[serde(rename = "weight_format", default, skip_serializing_if = "Format::is_default")]
    pub weights: Format,
    /// How scales are found, where a format has scales.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
}

/// How the scales of integers are found: for the outputs of layers from golden runs, for parameters from their values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Number of images, from the first of the data, whose golden runs are used.
    pub images: usize,
    /// The part of an output's values that its scale covers.
    pub range: CoveredRange,
    /// Zero points.
    pub scaling: Scaling,
    /// Scales of a parameter.
    pub scales: Granularity,
}

impl Calibration {
    /// Images that scales are learnt from where nothing is said.
    const IMAGES: usize = 100;

    /// The calibration where nothing is said, with some of the `available` images.
    pub fn usual(available: usize) -> Self {
        Self {
            images: Self::IMAGES.min(available).max(1),
            range: CoveredRange::default(),
            scaling: Scaling::default(),
            scales: Granularity::default(),
        }
    }
}

/// The part of a tensor's values that its scale covers. As text `min-max`, or `percentile:P`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum CoveredRange {
    /// All of them.
    #[default]
    MinMax,
    /// All but the share `(100 - P) / 2` % at either end.
    Percentile(f64),
}

/// Zero points of integers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scaling {
    /// Outputs of layers have a zero point, parameters have none.
    #[default]
    Mixed,
    /// No zero point anywhere: 0 is the integer 0.
    Symmetric,
    /// A zero point everywhere, so that all integers are used.
    Asymmetric,
}

impl Named for Scaling {
    const ALL: &'static [(Self, Name)] = &[
        (Self::Mixed, Name::new("mixed", "Mixed", "a zero point for layers' outputs, none for parameters")),
        (Self::Symmetric, Name::new("symmetric", "Symmetric", "no zero points: 0 is the integer 0")),
        (
            Self::Asymmetric,
            Name::new("asymmetric", "Asymmetric", "zero points everywhere, so that all integers are used"),
        ),
    ];
}

/// Scales of a parameter. The output of a layer has one scale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Granularity {
    /// One for each output channel.
    #[default]
    Channel,
    /// One for the tensor.
    Tensor,
}

impl Named for Granularity {
    const ALL: &'static [(Self, Name)] = &[
        (Self::Channel, Name::new("channel", "Channel", "one for each output channel of a parameter")),
        (Self::Tensor, Name::new("tensor", "Tensor", "one for each parameter")),
    ];
}

impl fmt::Display for CoveredRange {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MinMax => out.write_str("min-max"),
            Self::Percentile(share) => write!(out, "percentile:{share}"),
        }
    }
}

impl FromStr for CoveredRange {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let share = text.strip_prefix("percentile:").and_then(|share| share.parse::<f64>().ok());
        match (text, share) {
            ("min-max", _) => Ok(Self::MinMax),
            (_, Some(share)) if share > 50.0 && share <= 100.0 => Ok(Self::Percentile(share)),
            _ => Err(Error::request(format_args!(
                "min-max is expected, or percentile:P with P above 50 and up to 100, found \"{text}\""
            ))),
        }
    }
}

impl Serialize for CoveredRange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for CoveredRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// The scale of a layer's output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TensorScale {
    /// Name of the tensor.
    pub tensor: String,
    /// Its scale and zero point.
    #[serde(flatten)]
    pub scale: Scale,
}

/// The golden accuracy with and without rounding, over the same images.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoundedAccuracy {
    /// Images that both were counted over, from the first of the campaign.
    pub images: u64,
    /// Images that the float32 network classifies correctly.
    pub float32: u64,
    /// Images that the rounded network classifies correctly.
    pub rounded: u64,
}

impl RoundedAccuracy {
    /// The alarm about golden runs with what rounding has to do with it.
    pub fn alarm(&self, alarm: &str) -> String {
        format!("{alarm}; or the number format cannot hold the network ({self})")
    }
}

impl fmt::Display for RoundedAccuracy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = |count: u64| 100.0 * count as f64 / self.images.max(1) as f64;
        let images = if self.images == 1 { "image" } else { "images" };
        write!(
            out,
            "golden accuracy over {} {images}: {:.2} % rounded, {:.2} % in float32",
            self.images,
            share(self.rounded),
            share(self.float32)
        )
    }
}

impl NumberFormats {
    /// These formats. The scales of integers are learnt as usual, from some of the `available` images.
    pub fn usual(outputs: Format, weights: Format, available: usize) -> Self {
        let scaled = outputs.is_scaled() || weights.is_scaled();
        Self { outputs, weights, calibration: scaled.then(|| Calibration::usual(available)) }
    }

    /// Whether nothing is rounded.
    pub fn is_float32(&self) -> bool {
        self.outputs == Format::F32 && self.weights == Format::F32
    }

    /// Whether scales of layers' outputs are needed, which golden runs teach.
    pub fn learns(&self) -> bool {
        self.outputs.is_scaled()
    }

    /// The format of the tensors that faults of a target strike: parameters or outputs.
    pub fn of(&self, weights: bool) -> Format {
        if weights { self.weights } else { self.outputs }
    }

    /// Checks the numbers.
    ///
    /// # Errors
    /// Where a format has scales and no calibration, or one is that cannot be emulated.
    pub fn validate(&self) -> Result<()> {
        for format in [self.outputs, self.weights] {
            if format == Format::I32 {
                return Err(Error::request(
                    "int32 holds sums, whose scale is that of the factors; --format and --weight-format take f32, f16, bf16, \
                     e4m3, e5m2, int8, uint8, int16, uint16, int4, uint4 or fixed:M.N",
                ));
            }
        }
        match self.calibration {
            None if self.outputs.is_scaled() || self.weights.is_scaled() => {
                Err(Error::request("an integer format needs a calibration, which finds its scales"))
            }
            Some(Calibration { images: 0, .. }) => Err(Error::request("a calibration needs at least one image")),
            _ => Ok(()),
        }
    }

    /// `graph` with its tensors in these formats, parameters rounded. `scales` are those of the outputs of layers.
    ///
    /// Truth values and what depends on parameters alone stay as they are. In a format without an exponent, parameters
    /// of convolutions and products are rounded, and vectors (biases, normalisation) stay float32, as integer hardware
    /// has them in wider words.
    ///
    /// # Errors
    /// Where the model stores its numbers in another format itself, or a scale is missing.
    pub fn store(&self, graph: &Graph, scales: &BTreeMap<ValueId, Scale>) -> Result<Graph> {
        self.validate()?;
        if let Some(value) = graph.values.iter().find(|value| value.format != Format::F32) {
            return Err(Error::request(format_args!(
                "the model stores \"{}\" as {} itself; other formats are emulated on float32 models only",
                value.name,
                value.format.name()
            )));
        }
        let mut tensors = Vec::new();
        if self.outputs != Format::F32 {
            for id in rounded_outputs(graph) {
                let scales = match scales.get(&id) {
                    _ if !self.outputs.is_scaled() => Scales::default(),
                    Some(&scale) => Scales::of_tensor(scale),
                    None => {
                        return Err(Error::request(format_args!(
                            "no scale is known for tensor \"{}\"",
                            graph.values[id].name
                        )));
                    }
                };
                tensors.push((id, self.outputs, scales));
            }
        }
        if self.weights.is_float() && self.weights != Format::F32 {
            tensors.extend(graph.parameters.keys().map(|&id| (id, self.weights, Scales::default())));
        } else if self.weights != Format::F32 {
            let calibration = self.calibration.as_ref();
            for (id, axis) in product_parameters(graph) {
                let scales = match calibration.filter(|_| self.weights.is_scaled()) {
                    Some(calibration) => self.weight_scales(graph, id, axis, calibration),
                    None => Scales::default(),
                };
                tensors.push((id, self.weights, scales));
            }
        }
        graph.stored(tensors)
    }

    /// The scales of a parameter with its output channels along `axis`.
    fn weight_scales(&self, graph: &Graph, id: ValueId, axis: usize, calibration: &Calibration) -> Scales {
        let (shape, data) = (&graph.values[id].shape, &graph.parameters[&id].data);
        let (axis, channels) = match calibration.scales {
            Granularity::Channel => (axis, shape.get(axis).copied().unwrap_or(1).max(1)),
            Granularity::Tensor => (0, 1),
        };
        let inner: usize = shape.iter().skip(axis + 1).product::<usize>().max(1);
        let mut ranges = vec![(0.0f32, 0.0f32); channels];
        for (at, &element) in data.iter().enumerate() {
            let (low, high) = &mut ranges[at / inner % channels];
            (*low, *high) = (low.min(element), high.max(element));
        }
        let symmetric = calibration.scaling != Scaling::Asymmetric;
        let scale = |(low, high)| Scale::between(low, high, self.weights, symmetric);
        Scales { axis, each: ranges.into_iter().map(scale).collect() }
    }

    /// The scale of a layer's output with values from `low` to `high`.
    pub fn output_scale(&self, low: f32, high: f32) -> Scale {
        let symmetric = self.calibration.is_some_and(|calibration| calibration.scaling == Scaling::Symmetric);
        Scale::between(low, high, self.outputs, symmetric)
    }
}

impl fmt::Display for NumberFormats {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "layers' outputs in {}, parameters in {}", self.outputs.name(), self.weights.name())?;
        if let Some(Calibration { images, range, scaling, scales }) = self.calibration {
            let noun = if images == 1 { "image" } else { "images" };
            if self.learns() {
                write!(out, ", scales learnt from {images} {noun} ({range}), {}", scaling.name())?;
            }
            if self.weights.is_scaled() {
                write!(out, ", one scale for each {} of a parameter", scales.name())?;
            }
        }
        Ok(())
    }
}

/// The outputs of layers that are rounded: those that depend on the input and hold numbers.
pub fn rounded_outputs(graph: &Graph) -> impl Iterator<Item = ValueId> + '_ {
    let (depends, truth) = (graph.depends_on_input(), graph.truth_values());
    let nodes = graph.nodes.iter().zip(depends).filter(|(_, depends)| **depends);
    nodes.flat_map(|(node, _)| node.outputs.iter().copied()).filter(move |&id| !truth[id])
}

/// The parameters of convolutions and products, each with the axis of its output channels.
fn product_parameters(graph: &Graph) -> BTreeMap<ValueId, usize> {
    let mut found = BTreeMap::new();
    for node in &graph.nodes {
        let mut rest = node.inputs.as_slice();
        let mut look = |op: &Op, own: &[ValueId], first: usize| {
            for (at, id) in own.iter().enumerate().filter(|(_, id)| graph.parameters.contains_key(id)) {
                if let Some(axis) = channel_axis(op, first + at, graph.values[*id].shape.len()) {
                    found.entry(*id).or_insert(axis);
                }
            }
        };
        match &node.op {
            Op::Chain(steps) => {
                for (at, step) in steps.iter().enumerate() {
                    let (own, later) = rest.split_at(step.inputs);
                    rest = later;
                    // A later step reads the result of the step before it first.
                    look(&step.op, own, usize::from(at > 0));
                }
            }
            op => look(op, rest, 0),
        }
    }
    found
}

/// The axis of the output channels of operand `operand`, of `rank` axes, if `op` multiplies with it and sums.
fn channel_axis(op: &Op, operand: usize, rank: usize) -> Option<usize> {
    match (op, operand) {
        (Op::Conv(_), 1) => Some(0),
        (Op::ConvTranspose(_), 1) => Some(1),
        (Op::Gemm { trans_b, .. }, 1) => Some(usize::from(!trans_b)),
        (Op::Gemm { trans_a, .. }, 0) => Some(usize::from(*trans_a)),
        (Op::MatMul, 1) if rank > 1 => Some(rank - 1),
        (Op::MatMul, 0) if rank > 1 => Some(rank - 2),
        (Op::Einsum(_), _) if rank > 1 => Some(0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Conv, GraphBuilder, HostTensor, Padding2d, Unary};

    const CALIBRATION: Calibration =
        Calibration { images: 4, range: CoveredRange::MinMax, scaling: Scaling::Mixed, scales: Granularity::Channel };

    fn graph() -> Graph {
        let mut b = GraphBuilder::new("test");
        let image = b.input("image", [1, 1, 2, 2]).unwrap();
        let weight = b.parameter("w", HostTensor::new([2, 1, 1, 1], vec![1.27, 0.1]).unwrap()).unwrap();
        let bias = b.parameter("b", HostTensor::new([2], vec![0.3, 0.7]).unwrap()).unwrap();
        let padding = Padding2d { top: 0, left: 0, bottom: 0, right: 0 };
        let conv = Op::Conv(Conv { strides: [1; 2], dilations: [1; 2], padding, groups: 1 });
        let made = b.layer("conv", "Conv", conv, &[image, weight, bias]).unwrap();
        let out = b.layer("relu", "Relu", Op::Unary(Unary::Relu), &[made]).unwrap();
        b.finish(&[out]).unwrap()
    }

    fn scales(graph: &Graph, scale: Scale) -> BTreeMap<ValueId, Scale> {
        rounded_outputs(graph).map(|id| (id, scale)).collect()
    }

    #[test]
    fn channels_have_scales_of_their_own_and_vectors_stay() {
        let graph = graph();
        let numbers = NumberFormats { weights: Format::I8, calibration: Some(CALIBRATION), ..Default::default() };
        let stored = numbers.store(&graph, &BTreeMap::new()).unwrap();
        let weight = &stored.values[1];
        assert_eq!((weight.format, weight.scales.each.len()), (Format::I8, 2));
        assert!((weight.scales.each[0].scale - 0.01).abs() < 1e-6, "{:?}", weight.scales);
        assert_eq!(weight.code(1).encode(stored.parameters[&1].data[1]), 127);
        assert_eq!(stored.values[2].format, Format::F32);
        assert_eq!(stored.parameters[&2].data[..], [0.3, 0.7]);
        let one = Calibration { scales: Granularity::Tensor, ..CALIBRATION };
        let one = NumberFormats { calibration: Some(one), ..numbers };
        assert_eq!(one.store(&graph, &BTreeMap::new()).unwrap().values[1].scales.each.len(), 1);
    }

    #[test]
    fn floats_round_every_parameter() {
        let numbers = NumberFormats { weights: Format::E4m3, outputs: Format::Bf16, calibration: None };
        let stored = numbers.store(&graph(), &BTreeMap::new()).unwrap();
        assert_eq!(stored.parameters[&1].data[..], [1.25, 0.1015625]);
        assert_eq!(stored.parameters[&2].data[..], [0.3125, 0.6875]);
        assert_eq!(stored.values.iter().filter(|value| value.format == Format::Bf16).count(), 2);
    }

    #[test]
    fn what_cannot_be_emulated_is_refused() {
        let refused =
            |numbers: NumberFormats, graph: &Graph| numbers.store(graph, &BTreeMap::new()).unwrap_err().to_string();
        let int8 = NumberFormats { outputs: Format::I8, ..Default::default() };
        assert!(refused(int8, &graph()).contains("needs a calibration"));
        let calibrated = NumberFormats { calibration: Some(CALIBRATION), ..int8 };
        assert!(refused(calibrated, &graph()).contains("no scale is known for tensor \"conv\""));
        let stored = calibrated.store(&graph(), &scales(&graph(), Scale { scale: 0.1, zero: 3 })).unwrap();
        assert!(refused(calibrated, &stored).contains("stores \"conv\" as int8 itself"));
        assert!(refused(NumberFormats { outputs: Format::I32, ..int8 }, &graph()).contains("int32 holds sums"));
        let none = Calibration { images: 0, ..CALIBRATION };
        assert!(refused(NumberFormats { calibration: Some(none), ..int8 }, &graph()).contains("at least one image"));
    }

    #[test]
    fn ranges_survive_text() {
        for text in ["min-max", "percentile:99.9"] {
            assert_eq!(text.parse::<CoveredRange>().unwrap().to_string(), text);
        }
        for text in ["percentile:50", "percentile:101", "max"] {
            assert!(text.parse::<CoveredRange>().is_err(), "{text}");
        }
    }
}
