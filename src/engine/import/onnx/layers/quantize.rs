//! Quantization, and operators on integers: those of ONNX, and those of onnxruntime that its quantizer writes.

use facts::Result;
use facts::format::Format;
use facts::graph::{Integer, IntegerFunction, Op, Role, Unary, ValueId};

use super::{Layer, window};
use crate::import::onnx::node::NodeView;
use crate::import::onnx::proto::data_type;
use crate::import::onnx::symbols::Symbols;
use crate::import::onnx::tensor::Data;

/// Integers up to here are float32 numbers.
const EXACT: f64 = (1 << 24) as f64;

/// QuantizeLinear. The type of the integers is that of the zero point.
pub(super) fn quantize(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    let (axis, block) = along(node, symbols)?;
    let x = symbols.data(node, 0)?;
    check_scale(node, symbols, 1)?;
    let mut inputs = vec![x, symbols.data(node, 1)?];
    let stated = match i32::try_from(node.int("output_dtype", 0)?).unwrap_or(-1) {
        0 => None,
        kind => Some(data_type::short(kind).ok_or_else(|| {
            node.unsupported(format_args!("it makes {}; integers of 4 to 16 bits are made", data_type::name(kind)))
        })?),
    };
    let zero = match node.input(2) {
        Some(_) => symbols.format_of(node, 2)?,
        None => None,
    };
    if let (Some(stated), Some(zero)) = (stated, zero)
        && stated != zero
    {
        return Err(node.problem(format_args!(
            "its output_dtype is {}, its zero point {}",
            stated.name(),
            zero.name()
        )));
    }
    let format = zero.or(stated).unwrap_or(Format::U8);
    if format.is_float() || format.width() > 16 {
        return Err(
            node.unsupported(format_args!("its zero point is {}; integers of 4 to 16 bits are made", format.name()))
        );
    }
    inputs.extend(symbols.optional_data(node, 2)?);
    Ok(Layer { op: Op::Quantize { axis, block, format }, inputs, outputs: 1 })
}

/// DequantizeLinear.
pub(super) fn dequantize(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    let (axis, block) = along(node, symbols)?;
    check_scale(node, symbols, 1)?;
    let mut inputs = vec![symbols.integers(node, 0)?, symbols.data(node, 1)?];
    let format = symbols.format(inputs[0]);
    if format.is_float() {
        return Err(node.problem(format_args!("its input is {}; integers are expected", format.name())));
    }
    if node.input(2).is_some() {
        inputs.push(symbols.integers(node, 2)?);
        let zero = symbols.format(inputs[2]);
        if zero != format {
            return Err(node.problem(format_args!(
                "its zero point is {}, but its input {}; one type is expected",
                zero.name(),
                format.name()
            )));
        }
    }
    Ok(Layer { op: Op::Dequantize { axis, block }, inputs, outputs: 1 })
}

/// The axis of several scales, and how many elements share one.
fn along(node: &NodeView, symbols: &Symbols) -> Result<(usize, usize)> {
    let rank = symbols.shape(node, 0)?.len();
    let several = symbols.shape(node, 1)?.iter().product::<usize>() > 1;
    let axis = if several { node.axis(node.int("axis", 1)?, rank)? } else { 0 };
    let block = match node.int("block_size", 0)? {
        0 => 1,
        size => usize::try_from(size)
            .map_err(|_| node.problem(format_args!("its block_size is {size}; at least 1 is expected")))?,
    };
    Ok((axis, block))
}

pub(super) fn dynamic(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    Ok(Layer { op: Op::DynamicQuantize, inputs: vec![symbols.data(node, 0)?], outputs: 3 })
}

/// The inputs of an operator on integers, with their roles.
struct Inputs<'n, 's, 'a> {
    node: &'n NodeView<'a>,
    symbols: &'s mut Symbols,
    ids: Vec<ValueId>,
    roles: Vec<Role>,
    /// The integers of the first tensor.
    input: Option<Format>,
}

impl<'n, 's, 'a> Inputs<'n, 's, 'a> {
    fn new(node: &'n NodeView<'a>, symbols: &'s mut Symbols) -> Self {
        Self { node, symbols, ids: Vec::new(), roles: Vec::new(), input: None }
    }

    fn push(&mut self, role: Role, index: usize) -> Result<Format> {
        let id = match role {
            Role::Bias => self.symbols.integers(self.node, index)?,
            _ => self.symbols.data(self.node, index)?,
        };
        self.ids.push(id);
        self.roles.push(role);
        Ok(self.symbols.format(id))
    }

    /// Adds a tensor with scale and zero point, where they have an index.
    fn tensor(&mut self, tensor: usize, scale: Option<usize>, zero: usize) -> Result<Format> {
        let format = self.push(Role::Tensor, tensor)?;
        if !matches!(format, Format::I8 | Format::U8) {
            let problem = format_args!("input {tensor} is {}; int8 or uint8 is expected", format.name());
            return Err(self.node.problem(problem));
        }
        self.input.get_or_insert(format);
        if let Some(scale) = scale {
            check_scale(self.node, self.symbols, scale)?;
            self.push(Role::Scale, scale)?;
        }
        if self.node.input(zero).is_some() {
            let own = self.push(Role::Zero, zero)?;
            self.check_zero(own, format, zero)?;
        }
        Ok(format)
    }

    /// Adds the output's scale and zero point; returns the type of its integers.
    fn output(&mut self, scale: usize, zero: usize, otherwise: Format) -> Result<Format> {
        check_scale(self.node, self.symbols, scale)?;
        self.push(Role::OutputScale, scale)?;
        if self.node.input(zero).is_none() {
            return Ok(otherwise);
        }
        let own = self.push(Role::OutputZero, zero)?;
        self.check_zero(own, if matches!(own, Format::I8 | Format::U8) { own } else { otherwise }, zero)?;
        Ok(own)
    }

    fn check_zero(&self, own: Format, expected: Format, index: usize) -> Result<()> {
        if own == expected {
            return Ok(());
        }
        let problem = format_args!("its zero point (input {index}) is {}, {} is expected", own.name(), expected.name());
        Err(self.node.problem(problem))
    }

    fn layer(self, function: IntegerFunction, output: Format) -> Layer {
        let op = Op::Integer(Integer { function, roles: self.roles, input: self.input.unwrap_or(output), output });
        Layer { op, inputs: self.ids, outputs: 1 }
    }
}

/// Refuses scales that are known and not positive.
fn check_scale(node: &NodeView, symbols: &Symbols, index: usize) -> Result<()> {
    let Some(tensor) = symbols.tensor(node, index)? else { return Ok(()) };
    let wrong = |&&scale: &&f32| !(scale.is_finite() && scale > 0.0);
    match &tensor.data {
        Data::Float(scales) | Data::Short(Format::F16 | Format::Bf16, scales) => match scales.iter().find(wrong) {
            None if !scales.is_empty() => Ok(()),
            Some(scale) => Err(node.problem(format_args!(
                "its scale (input {index}, \"{}\") has an element {scale}; positive numbers are expected",
                node.input(index).unwrap_or_default()
            ))),
            None => Err(node.problem(format_args!("its scale (input {index}) has no element"))),
        },
        data => Err(node.problem(format_args!("its scale (input {index}) is {}, floats are expected", data.kind()))),
    }
}

/// ConvInteger and MatMulInteger: sums of 32 bits.
pub(super) fn sums(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    let function = match node.op() {
        "ConvInteger" => IntegerFunction::Conv(window::convolution(node, symbols, 1)?),
        _ => IntegerFunction::MatMul,
    };
    if may_be_large(node, symbols, &function)? {
        symbols.large.push(node.outputs().first().cloned().unwrap_or_default());
    }
    let mut inputs = Inputs::new(node, symbols);
    inputs.tensor(0, None, 2)?;
    inputs.tensor(1, None, 3)?;
    Ok(inputs.layer(function, Format::I32))
}

/// Whether a sum may exceed what float32 holds: 255 times the weights of one output.
fn may_be_large(node: &NodeView, symbols: &Symbols, function: &IntegerFunction) -> Result<bool> {
    let Some(weight) = symbols.tensor(node, 1)? else { return Ok(true) };
    let Data::Short(_, data) = &weight.data else { return Ok(false) };
    let zeros: &[f32] = match node.input(3) {
        None => &[0.0],
        Some(_) => match symbols.tensor(node, 3)?.map(|zero| &zero.data) {
            Some(Data::Short(_, zeros)) if !zeros.is_empty() => zeros,
            _ => return Ok(true),
        },
    };
    let (columns, column): (usize, Box<dyn Fn(usize) -> usize>) = match function {
        IntegerFunction::Conv(_) => {
            let filter = weight.shape.iter().skip(1).product::<usize>().max(1);
            (weight.shape.first().copied().unwrap_or(1), Box::new(move |index| index / filter))
        }
        _ => {
            let columns = if weight.shape.len() > 1 { weight.shape[weight.shape.len() - 1].max(1) } else { 1 };
            (columns, Box::new(move |index| index % columns))
        }
    };
    let mut sums = vec![0f64; columns];
    for (index, &w) in data.iter().enumerate() {
        let zero = zeros[column(index) % zeros.len()];
        sums[column(index)] += 255.0 * f64::from((w - zero).abs());
    }
    Ok(sums.into_iter().any(|sum| sum > EXACT))
}

/// QLinearConv, QLinearMatMul and QGemm.
pub(super) fn product(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    let function = match node.op() {
        "QLinearConv" => IntegerFunction::Conv(window::convolution(node, symbols, 3)?),
        "QLinearMatMul" => IntegerFunction::MatMul,
        _ => IntegerFunction::Gemm {
            alpha: node.float("alpha", 1.0)?,
            trans_a: node.flag("transA", false)?,
            trans_b: node.flag("transB", false)?,
        },
    };
    let is_gemm = node.op() == "QGemm";
    let mut inputs = Inputs::new(node, symbols);
    let format = inputs.tensor(0, Some(1), 2)?;
    inputs.tensor(3, Some(4), 5)?;
    let bias = if is_gemm { 6 } else { 8 };
    if node.input(bias).is_some() && node.op() != "QLinearMatMul" {
        let own = inputs.push(Role::Bias, bias)?;
        if own != Format::I32 {
            return Err(node.problem(format_args!("its bias is {}, int32 is expected", own.name())));
        }
    }
    let output = match (is_gemm, node.input(7)) {
        (true, None) => Format::F32,
        (true, Some(_)) => inputs.output(7, 8, format)?,
        (false, _) => inputs.output(6, 7, format)?,
    };
    Ok(inputs.layer(function, output))
}

/// QLinearAdd and QLinearMul.
pub(super) fn pair(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    let function = if node.op() == "QLinearAdd" { IntegerFunction::Add } else { IntegerFunction::Mul };
    let mut inputs = Inputs::new(node, symbols);
    let format = inputs.tensor(0, Some(1), 2)?;
    let other = inputs.tensor(3, Some(4), 5)?;
    let output = inputs.output(6, 7, format)?;
    same(node, [format, other, output])?;
    Ok(inputs.layer(function, output))
}

fn same<const N: usize>(node: &NodeView, formats: [Format; N]) -> Result<()> {
    match formats.iter().find(|&&format| format != formats[0]) {
        None => Ok(()),
        Some(other) => {
            let problem = format_args!("it has {} and {}; one type is expected", formats[0].name(), other.name());
            Err(node.problem(problem))
        }
    }
}

/// QLinearConcat: the output's scale and zero point come first, then each tensor's.
pub(super) fn concat(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    let count = node.inputs();
    if count < 5 || count % 3 != 2 {
        return Err(node.problem(format_args!("{count} inputs; two, and three for each tensor, are expected")));
    }
    let axis = node.axis(node.int("axis", 1)?, symbols.shape(node, 2)?.len())?;
    let mut inputs = Inputs::new(node, symbols);
    let output = inputs.output(0, 1, Format::U8)?;
    for tensor in (2..count).step_by(3) {
        let format = inputs.tensor(tensor, Some(tensor + 1), tensor + 2)?;
        same(node, [format, output])?;
    }
    Ok(inputs.layer(IntegerFunction::Concat { axis }, output))
}

/// Operators on one tensor.
pub(super) fn of_one(node: &NodeView, symbols: &mut Symbols) -> Result<Layer> {
    let rank = symbols.shape(node, 0)?.len();
    if node.flag("channels_last", false)? {
        return Err(node.unsupported("its channels are the last axis (channels_last is 1)"));
    }
    let function = match node.op() {
        "QLinearAveragePool" => IntegerFunction::AveragePool {
            pool: window::pooling(node, symbols)?,
            count_include_pad: node.flag("count_include_pad", false)?,
        },
        "QLinearGlobalAveragePool" => IntegerFunction::GlobalAveragePool,
        "QLinearLeakyRelu" => IntegerFunction::Unary(Unary::LeakyRelu { alpha: node.float("alpha", 0.01)? }),
        "QLinearSigmoid" => IntegerFunction::Unary(Unary::Sigmoid),
        _ => {
            let axis = node.axis(node.int("axis", -1)?, rank)?;
            let alone = node.int("opset", 13)? >= 13;
            IntegerFunction::Softmax { axis, end: if alone { axis + 1 } else { rank } }
        }
    };
    let mut inputs = Inputs::new(node, symbols);
    let format = inputs.tensor(0, Some(1), 2)?;
    let output = inputs.output(3, 4, format)?;
    same(node, [format, output])?;
    Ok(inputs.layer(function, output))
}
