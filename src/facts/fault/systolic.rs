//! A faulty processing element of a systolic array, and the elements of a network that it makes wrong.
//!
//! A convolution is a matrix product here, as `im2col` makes it: `m` counts the positions of the output, row by row, `n` its
//! channels, `k` the weights of a channel (input channel, then row, then column of the kernel). Each group is a product of its own. The
//! product is cut into tiles as large as the array, so that a processing element does the same in every tile.

use std::fmt;
use std::str::FromStr;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::site::LayerSites;
use super::{Corruption, FaultKind, Site, Target};
use crate::graph::{Graph, Node, Op, ValueId};
use crate::{Error, Result};

/// Most rows, and columns, of an array.
const MOST: usize = 1 << 16;

/// What stays in the processing elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dataflow {
    /// Weights: the element at row `r` and column `c` holds weight `k`, `n` with `k mod R = r` and `n mod C = c`.
    WeightStationary,
    /// Sums: the element at row `r` and column `c` makes output `m`, `n` with `m mod R = r` and `n mod C = c`.
    OutputStationary,
}

/// A systolic array with a faulty processing element. As text `systolic:RxC,ws` or `systolic:RxC,os`, and with the element
/// `systolic:RxC,ws,pe:r,c`; without it, each fault draws one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Systolic {
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
    /// What stays in the processing elements.
    pub dataflow: Dataflow,
    /// Row and column of the faulty one, from 0; `None` where each fault draws it.
    pub pe: Option<[usize; 2]>,
}

impl Systolic {
    /// The same with this faulty processing element.
    ///
    /// # Errors
    /// Where the array has none such.
    pub fn with_pe(self, [row, column]: [usize; 2]) -> Result<Self> {
        if row >= self.rows || column >= self.columns {
            return Err(Error::request(format_args!(
                "the array has rows 0 to {} and columns 0 to {}, found processing element {row},{column}",
                self.rows - 1,
                self.columns - 1
            )));
        }
        Ok(Self { pe: Some([row, column]), ..self })
    }

    /// What its faults strike: weight registers or results.
    pub fn target(self) -> Target {
        match self.dataflow {
            Dataflow::WeightStationary => Target::Weight,
            Dataflow::OutputStationary => Target::Activation,
        }
    }

    /// The array in words.
    pub fn words(self) -> String {
        let (Self { rows, columns, .. }, part) = (
            self,
            match self.dataflow {
                Dataflow::WeightStationary => "weight register of one processing element of a weight-stationary",
                Dataflow::OutputStationary => "result of one processing element of an output-stationary",
            },
        );
        let pe = self.pe.map(|[row, column]| format!(" (row {row}, column {column})")).unwrap_or_default();
        format!("{part} {rows}x{columns} array{pe}, in every tile of every convolution and product")
    }
}

impl fmt::Display for Systolic {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flow = if self.dataflow == Dataflow::WeightStationary { "ws" } else { "os" };
        write!(out, "systolic:{}x{},{flow}", self.rows, self.columns)?;
        self.pe.map_or(Ok(()), |[row, column]| write!(out, ",pe:{row},{column}"))
    }
}

impl FromStr for Systolic {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let expected = || {
            Error::request(format_args!(
                "an array is expected, such as systolic:16x16,ws (weight-stationary) or systolic:16x16,os \
                 (output-stationary), of 1 to {MOST} rows and columns; found \"{text}\""
            ))
        };
        let parsed = || {
            let (size, rest) = text.strip_prefix("systolic:")?.split_once(',')?;
            let (rows, columns) = size.split_once('x')?;
            let length = |text: &str| text.parse::<usize>().ok().filter(|length| (1..=MOST).contains(length));
            let (flow, pe) = match rest.split_once(",pe:") {
                Some((flow, pe)) => (flow, Some(pe)),
                None => (rest, None),
            };
            let dataflow = match flow {
                "ws" => Dataflow::WeightStationary,
                "os" => Dataflow::OutputStationary,
                _ => return None,
            };
            let pe = match pe.map(pair) {
                None => None,
                Some(pe) => Some(pe?),
            };
            Some((Self { rows: length(rows)?, columns: length(columns)?, dataflow, pe: None }, pe))
        };
        match parsed().ok_or_else(expected)? {
            (array, None) => Ok(array),
            (array, Some(pe)) => array.with_pe(pe),
        }
    }
}

/// Two numbers with a comma between them.
fn pair(text: &str) -> Option<[usize; 2]> {
    let (row, column) = text.split_once(',')?;
    Some([row.trim().parse().ok()?, column.trim().parse().ok()?])
}

/// Reads row and column of a processing element, `3,5` for example.
///
/// # Errors
/// The form that is expected.
pub fn pe(text: &str) -> std::result::Result<[usize; 2], String> {
    pair(text).ok_or_else(|| format!("row and column are expected, 3,5 for example; found {text}"))
}

impl Serialize for Systolic {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Systolic {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// A product that the array computes.
#[derive(Clone, Copy, Debug)]
struct Product {
    /// The weights.
    weight: ValueId,
    /// How an element of the weights is found: its `k` and its `n`.
    order: Order,
    /// The output.
    output: ValueId,
}

#[derive(Clone, Copy, Debug)]
enum Order {
    /// Output channel, then what its sum is over; channels of so many outputs form a group.
    Kernel { inner: usize, group: usize },
    /// A matrix with `k` rows and `n` columns.
    Matrix { columns: usize },
    /// Its transpose.
    Transposed { inner: usize },
}

impl Order {
    /// `k` and `n` of an element, as stored.
    fn place(self, element: usize) -> [usize; 2] {
        match self {
            Self::Kernel { inner, group } => [element % inner, element / inner % group],
            Self::Matrix { columns } => [element / columns, element % columns],
            Self::Transposed { inner } => [element % inner, element / inner],
        }
    }
}

/// The product that `node` is; `None` where the array does not compute it.
fn product(graph: &Graph, node: &Node) -> Option<Product> {
    let op = match &node.op {
        Op::Chain(steps) => &steps.first()?.op,
        op => op,
    };
    let (&weight, &output) = (node.inputs.get(1)?, node.outputs.first()?);
    let shape = &graph.parameters.get(&weight)?.shape;
    let order = match (op, &shape[..]) {
        (Op::Conv(conv), &[outputs, inputs, height, width]) => {
            Order::Kernel { inner: inputs * height * width, group: outputs / conv.groups.max(1) }
        }
        (Op::Gemm { trans_a: false, trans_b: false, .. } | Op::MatMul, &[_, columns]) => Order::Matrix { columns },
        (Op::Gemm { trans_a: false, trans_b: true, .. }, &[_, inner]) => Order::Transposed { inner },
        _ => return None,
    };
    Some(Product { weight, order, output })
}

/// `m` and `n` of an element of an output of `shape`, as stored; channels of so many form a group.
fn output_place(shape: &[usize], element: usize, group: usize) -> [usize; 2] {
    match *shape {
        [_, _, height, width] => [element % (height * width), element / (height * width) % group],
        // Tokens and rows have their channels last.
        _ => {
            let channels = shape.last().copied().unwrap_or(1).max(1);
            [element / channels, element % channels % group]
        }
    }
}

/// Draws the fault of one processing element: the elements of all layers that it makes wrong.
///
/// # Errors
/// Where no layer runs on the array, or its tensors have several number formats.
pub(super) fn draw(
    rng: &mut ChaCha8Rng,
    graph: &Graph,
    layers: &[LayerSites],
    kind: FaultKind,
    array: Systolic,
) -> Result<Vec<Site>> {
    let [row, column] = array.pe.unwrap_or_else(|| {
        let [rows, columns] = [array.rows, array.columns].map(|length| length as u64);
        [rng.random_range(0..rows) as usize, rng.random_range(0..columns) as usize]
    });
    let mut format = None;
    let mut corruption = Corruption::Set(0.0);
    let mut sites = Vec::new();
    for layer in layers {
        let node = &graph.nodes[layer.layer];
        let Some(product) = product(graph, node) else { continue };
        let tensor = match array.dataflow {
            Dataflow::WeightStationary => product.weight,
            Dataflow::OutputStationary => product.output,
        };
        if array.dataflow == Dataflow::OutputStationary && matches!(&node.op, Op::Chain(steps) if steps.len() > 1) {
            return Err(Error::request(format_args!(
                "layer \"{}\" ({}) is a product and its activation in one, and the result of a processing element lies between \
                 the two; a weight-stationary array (ws) or --layers without it can be computed",
                node.name, node.kind
            )));
        }
        let value = &graph.values[tensor];
        match format {
            None => {
                corruption = kind.draw(rng, value.code(0), None)?;
                format = Some(value.format);
            }
            Some(format) if format != value.format => {
                return Err(Error::request(format_args!(
                    "tensor \"{}\" is stored in {}, others in {}: a register of the array has one number format",
                    value.name,
                    value.format.name(),
                    format.name()
                )));
            }
            Some(_) => {}
        }
        let group = match product.order {
            Order::Kernel { group, .. } => group,
            Order::Matrix { .. } | Order::Transposed { .. } => usize::MAX,
        };
        for stored in 0..value.elements() {
            let [first, n] = match array.dataflow {
                Dataflow::WeightStationary => product.order.place(stored),
                Dataflow::OutputStationary => output_place(&value.shape, stored, group),
            };
            if first % array.rows == row && n % array.columns == column {
                let element = value.layout.source_index(&value.shape, stored);
                sites.push(Site { target: array.target(), layer: layer.layer, tensor, element, corruption });
            }
        }
    }
    if format.is_none() {
        return Err(Error::request(
            "no layer that faults are drawn from is a convolution or a product with stored weights, which the array computes",
        ));
    }
    Ok(sites)
}

/// Whether `kind` is a fault that stays in a register.
pub(super) fn check(kind: FaultKind) -> Result<()> {
    match kind {
        FaultKind::Stuck0 { .. } | FaultKind::Stuck1 { .. } => Ok(()),
        _ => Err(Error::request(
            "a processing element has a permanent fault: --accelerator goes with --type stuck0 or stuck1",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_survives_text() {
        for text in ["systolic:16x8,ws", "systolic:1x1,os", "systolic:128x128,os,pe:127,0"] {
            assert_eq!(text.parse::<Systolic>().unwrap().to_string(), text);
        }
        for text in ["systolic", "systolic:16x16", "systolic:0x4,ws", "systolic:4x4,is", "systolic:4x4,ws,pe:1"] {
            let refused = text.parse::<Systolic>().unwrap_err().to_string();
            assert!(refused.contains("such as systolic:16x16,ws"), "{refused}");
        }
        let refused = "systolic:4x4,ws,pe:1,4".parse::<Systolic>().unwrap_err().to_string();
        assert!(refused.contains("rows 0 to 3 and columns 0 to 3, found processing element 1,4"), "{refused}");
    }
}
