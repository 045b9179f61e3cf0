//! The derivative of each operator.

use std::sync::OnceLock;

use burn::tensor::Device;
use facts::graph::{Interpolation, Op, PadMode, Resize};
use facts::{Error, Result};
use futures_util::FutureExt;

use super::flat::{Flat, unknown};
use super::{attention, conv, elementwise, normalise, places, product, reduce, volume};
use crate::kernels::{self, Form, Job, Kernel, Operand, View};
use crate::ops::{self, Array, Extent};

/// Most elements of a tensor whose places are numbered in float32.
const NUMBERED: usize = 1 << 24;

/// An operator with the data that its derivative keeps from call to call.
#[derive(Debug)]
pub(super) struct Rule {
    pub op: Op,
    pub inputs: Vec<Vec<usize>>,
    pub outputs: Vec<Vec<usize>>,
    /// Whether each input depends on the image.
    pub depends: Vec<bool>,
    prepared: conv::Prepared,
    moved: OnceLock<Vec<Vec<u32>>>,
    forward: OnceLock<Option<Box<dyn Kernel>>>,
}

/// Gradients of the inputs of an operator, where they are known to differ from 0.
pub(super) type Found = Vec<Option<Flat<'static>>>;

impl Rule {
    /// Prepares the derivative of `op`.
    ///
    /// # Errors
    /// If the operator has no derivative here.
    pub fn new(op: Op, inputs: Vec<Vec<usize>>, outputs: Vec<Vec<usize>>, depends: Vec<bool>) -> Result<Self> {
        if !has_derivative(&op) {
            return Err(unknown("the operator"));
        }
        let most = inputs.iter().chain(&outputs).map(|shape| shape.iter().product::<usize>()).max();
        if moves(&op) && most > Some(NUMBERED) {
            return Err(unknown("a tensor of more than 16,777,216 elements that a layer rearranges"));
        }
        let (prepared, moved, forward) = (conv::Prepared::default(), OnceLock::new(), OnceLock::new());
        Ok(Self { op, inputs, outputs, depends, prepared, moved, forward })
    }

    /// Computes the only output of a link of a chain.
    ///
    /// # Errors
    /// If it has no kernel.
    pub fn compute(&self, x: &[Flat<'_>]) -> Result<Flat<'static>> {
        let forms: Vec<Form<'_>> = self.inputs.iter().map(|shape| Form::of(shape)).collect();
        let output = Form::of(&self.outputs[0]);
        let kernel = self.forward.get_or_init(|| {
            let constants: Vec<Option<facts::graph::HostTensor>> = x
                .iter()
                .zip(&self.depends)
                .map(|(x, &depends)| {
                    let tensor = || facts::graph::HostTensor::new(x.shape.to_vec(), x.elements().to_vec()).ok();
                    if depends { None } else { tensor() }
                })
                .collect();
            let operands: Vec<Operand<'_>> = constants
                .iter()
                .zip(&forms)
                .map(|(constant, form)| constant.as_ref().map_or(Operand::Value(*form), Operand::Constant))
                .collect();
            kernels::build(&self.op, &operands, &[output]).pop()
        });
        let kernel = kernel.as_ref().ok_or_else(|| unknown("a link of a chain"))?;
        let rows: Vec<_> = x.iter().zip(&forms).map(|(x, form)| x.rows(form.extent)).collect();
        let inputs = rows.iter().zip(&forms).zip(&self.depends).filter(|(_, depends)| **depends);
        let inputs = inputs.map(|((rows, form), _)| View::new(form.extent, rows)).collect();
        let mut out = vec![0.0; output.extent.elements()];
        kernel.compute(&mut [Job { inputs, region: output.extent.region(), out: &mut out }]);
        Ok(Flat { shape: self.outputs[0].clone().into(), extent: output.extent, data: out.into() })
    }

    /// Returns the output of a link whose elements no derivative reads.
    pub fn not_computed(&self) -> Flat<'static> {
        let extent = Form::of(&self.outputs[0]).extent;
        Flat { shape: self.outputs[0].clone().into(), extent, data: Vec::new().into() }
    }

    /// Whether the derivative reads the elements of what the link before has made; `wanted` are the link's own inputs.
    pub fn reads_input(&self, wanted: &[bool]) -> bool {
        match &self.op {
            // Read is the output, or nothing.
            Op::Unary(function) => !elementwise::is_told_by_output(*function),
            Op::Softmax { .. } | Op::Affine { .. } | Op::Identity => false,
            Op::BatchNorm { .. } => wanted.contains(&true),
            _ => true,
        }
    }

    /// Whether the derivative reads the elements of the operator's output.
    pub fn reads_output(&self) -> bool {
        !matches!(
            &self.op,
            Op::Conv(_)
                | Op::Gemm { .. }
                | Op::MatMul
                | Op::BatchNorm { .. }
                | Op::Affine { .. }
                | Op::Normalise(_)
                | Op::Identity
        )
    }

    /// Returns the gradients of the `wanted` inputs `x` for the gradients `g` of the outputs `y`.
    ///
    /// # Errors
    /// If the operator has no derivative for these shapes.
    pub fn back(&self, x: &[Flat<'_>], y: &[Flat<'_>], g: &[Option<&Flat<'_>>], wanted: &[bool]) -> Result<Found> {
        if moves(&self.op) {
            return self.move_back(x, g);
        }
        let Some(g) = g.first().copied().flatten() else { return Ok(vec![None; x.len()]) };
        let (outputs, y) = (y, &y[0]);
        let one = |gradient: Flat<'static>| vec![Some(gradient)];
        let lacks = || unknown("an operator on tensors of these shapes");
        Ok(match &self.op {
            Op::Conv(settings) => {
                let kept = (&self.prepared, !self.depends[1]);
                conv::conv(settings, x, y, g, kept, wanted).ok_or_else(lacks)?
            }
            Op::Conv3(settings) => volume::conv3(settings, x, g, wanted).ok_or_else(lacks)?,
            Op::MultiHead(settings) => volume::multi_head(settings, x, g).ok_or_else(lacks)?,
            Op::ConvTranspose(settings) => conv::transposed(settings, x, y, g, wanted).ok_or_else(lacks)?,
            Op::Gemm { alpha, beta, trans_a, trans_b } => {
                let (alpha, beta, trans_a, trans_b) = (*alpha, *beta, *trans_a, *trans_b);
                product::gemm(product::Gemm { alpha, beta, trans_a, trans_b }, x, g, wanted)
            }
            Op::MatMul => product::matmul(&x[0], &x[1], g, wanted),
            Op::BatchNorm { epsilon, scale, bias } => normalise::batch(*epsilon, *scale, *bias, x, g, wanted),
            Op::Affine { axis, factor, .. } => one(normalise::affine(*axis, factor, &x[0], g)),
            Op::Unary(function) => one(elementwise::unary(*function, &x[0], y, g)),
            Op::Binary(function) if function.gives_truth() => vec![None, None],
            Op::Binary(function) => elementwise::binary(*function, &x[0], &x[1], y, g, wanted),
            Op::PRelu => elementwise::prelu(&x[0], &x[1], g, wanted),
            Op::Softmax { axis, to_end, log } => one(reduce::softmax(*axis, *to_end, *log, y, g)),
            Op::MaxPool(pool) => one(reduce::pool(pool, None, &x[0], y, g).ok_or_else(lacks)?),
            Op::AveragePool { pool, count_include_pad } => {
                one(reduce::pool(pool, Some(*count_include_pad), &x[0], y, g).ok_or_else(lacks)?)
            }
            Op::Reduce { reduction, axes, .. } => one(reduce::reduce(*reduction, axes, &x[0], y, g)),
            Op::Concat { axis } => concat(*axis, x, g),
            Op::Resize(settings) => one(resize(settings, &x[0], g)),
            Op::Mix(mix) => one(reduce::mixed(mix, &x[0], g)),
            Op::GridSample(settings) => places::grid(*settings, x, g, wanted).ok_or_else(lacks)?,
            Op::TopK { axis, .. } => one(places::top(*axis, &x[0], outputs.get(1).ok_or_else(lacks)?, g)),
            // Steps: no derivative, or 0.
            Op::Place { .. } | Op::OneHot { .. } => vec![None],
            Op::Normalise(settings) => normalise::own(settings, x, g, wanted),
            Op::LpNormalise { axis, p } => one(normalise::by_norm(*axis, *p, &x[0], y, g)),
            Op::Where => elementwise::choice(x, y, g, wanted),
            Op::Einsum(einsum) => product::einsum(einsum, x, g, wanted),
            Op::Attention(settings) => attention::attention(settings, x, g, wanted).ok_or_else(lacks)?,
            Op::CumSum { axis, exclusive, reverse } => one(reduce::running(*axis, *exclusive, *reverse, g)),
            Op::Lrn { size, alpha, beta, bias } => {
                let settings = normalise::Lrn { size: *size, alpha: *alpha, beta: *beta, bias: *bias };
                one(normalise::lrn(settings, &x[0], g))
            }
            Op::Identity => {
                one(Flat { shape: x[0].shape.to_vec().into(), extent: g.extent, data: g.data.to_vec().into() })
            }
            Op::Folded => vec![None; x.len()],
            _ => return Err(unknown("an operator")),
        })
    }

    /// Returns the gradients of the inputs of an operator that only moves elements.
    fn move_back(&self, x: &[Flat<'_>], g: &[Option<&Flat<'_>>]) -> Result<Found> {
        let places = match self.moved.get() {
            Some(places) => places,
            None => {
                let places = self.places()?;
                self.moved.get_or_init(|| places)
            }
        };
        let mut sums: Vec<Vec<f32>> = self.inputs.iter().map(|shape| vec![0.0; shape.iter().product()]).collect();
        for (places, g) in places.iter().zip(g) {
            let Some(g) = g else { continue };
            for (&place, &g) in places.iter().zip(&*g.elements()) {
                // Place 0 is an element of the padding.
                let Some(mut place) = (place as usize).checked_sub(1) else { continue };
                for sums in &mut sums {
                    if let Some(sum) = sums.get_mut(place) {
                        *sum += g;
                        break;
                    }
                    place -= sums.len();
                }
            }
        }
        Ok(sums.into_iter().zip(x).map(|(sums, x)| Some(Flat::new(&x.shape, sums))).collect())
    }

    /// Returns for each element of each output the place that it comes from, counted from 1: the operator itself moves
    /// the numbers of the places.
    fn places(&self) -> Result<Vec<Vec<u32>>> {
        let op = match &self.op {
            Op::Pad { mode: PadMode::Constant(_), pads } => {
                Op::Pad { mode: PadMode::Constant(0.0), pads: pads.clone() }
            }
            op => op.clone(),
        };
        let mut next = 1;
        let numbered: Vec<Array> = self
            .inputs
            .iter()
            .map(|shape| {
                let count: usize = shape.iter().product();
                let numbers: Vec<f32> = (next..next + count).map(|number| number as f32).collect();
                next += count;
                Array::from_slice(shape, &numbers, &Device::flex())
            })
            .collect();
        let inputs: Vec<&Array> = numbered.iter().collect();
        let shapes: Vec<&[usize]> = self.outputs.iter().map(Vec::as_slice).collect();
        let read = |array: &Array| -> Result<Vec<u32>> {
            let numbers =
                array.read().now_or_never().ok_or_else(|| Error::device("cpu", "a tensor is not ready"))??;
            Ok(numbers.into_iter().map(|number| number as u32).collect())
        };
        ops::apply(&op, &inputs, &shapes).iter().map(read).collect()
    }
}

/// Whether the operator has a derivative here. Its steps have one, if it is a chain.
fn has_derivative(op: &Op) -> bool {
    matches!(
        op,
        Op::Conv(_)
            | Op::ConvTranspose(_)
            | Op::Gemm { .. }
            | Op::MatMul
            | Op::BatchNorm { .. }
            | Op::Affine { .. }
            | Op::Unary(_)
            | Op::Binary(_)
            | Op::PRelu
            | Op::Softmax { .. }
            | Op::MaxPool(_)
            | Op::AveragePool { .. }
            | Op::Reduce { .. }
            | Op::Concat { .. }
            | Op::Resize(_)
            | Op::Conv3(_)
            | Op::MultiHead(_)
            | Op::Mix(_)
            | Op::GridSample(_)
            | Op::TopK { .. }
            | Op::Place { .. }
            | Op::OneHot { .. }
            | Op::Normalise(_)
            | Op::LpNormalise { .. }
            | Op::Where
            | Op::Einsum(_)
            | Op::Attention(_)
            | Op::CumSum { .. }
            | Op::Lrn { .. }
            | Op::Identity
            | Op::Folded
    ) || moves(op)
}

/// Whether the operator only moves elements.
fn moves(op: &Op) -> bool {
    match op {
        Op::Transpose { .. } | Op::Slice { .. } | Op::Gather { .. } | Op::Split { .. } | Op::Pad { .. } => true,
        Op::Reshape { .. } | Op::Expand { .. } | Op::Tile { .. } | Op::Take { .. } => true,
        Op::Resize(Resize { interpolation, .. }) => matches!(interpolation, Interpolation::Nearest(_)),
        _ => false,
    }
}

/// Cuts the gradient of joined tensors.
fn concat(axis: usize, x: &[Flat<'_>], g: &Flat<'_>) -> Found {
    let g_all = g.elements();
    let after: usize = g.shape[axis + 1..].iter().product();
    let whole = g.shape[axis] * after;
    let mut start = 0;
    x.iter()
        .map(|x| {
            let own = x.shape[axis] * after;
            let part = g_all.chunks_exact(whole.max(1)).flat_map(|line| &line[start..start + own]).copied().collect();
            start += own;
            Some(Flat::new(&x.shape, part))
        })
        .collect()
}

/// Divides the gradient of each pixel among the pixels that it is mixed from.
fn resize(settings: &Resize, x: &Flat<'_>, g: &Flat<'_>) -> Flat<'static> {
    let (planes, lengths) = x.shape.split_at(2);
    let [rows, columns] = [0, 1].map(|axis| ops::mixed(settings, axis, lengths[axis]));
    let (count, [height, width]) = (planes.iter().product::<usize>(), [lengths[0], lengths[1]]);
    let mut out = vec![0.0; count * height * width];
    let g_all = g.elements();
    for (plane, g) in g_all.chunks_exact((rows.len() * columns.len()).max(1)).enumerate() {
        for (row, g) in rows.iter().zip(g.chunks_exact(columns.len())) {
            for (column, &g) in columns.iter().zip(g) {
                for &(y, by_row) in row {
                    for &(x, by_column) in column {
                        out[(plane * height + y) * width + x] += g * by_row * by_column;
                    }
                }
            }
        }
    }
    Flat { shape: x.shape.to_vec().into(), extent: Extent::last(&x.shape), data: out.into() }
}
