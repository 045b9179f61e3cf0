//! Arithmetic on known tensors, as the operators define it.

use facts::Result;
use facts::graph::elements;

use super::moves::{choose, scatter, spread, tile, transposed};
use crate::import::onnx::layers;
use crate::import::onnx::node::NodeView;
use crate::import::onnx::symbols::Symbols;
use crate::import::onnx::tensor::{Data, Tensor};

/// What `node`, one of [`ARITHMETIC`](super::ARITHMETIC), makes of its known `inputs`.
pub(super) fn evaluate(node: &NodeView, symbols: &mut Symbols, inputs: &[Tensor]) -> Result<Tensor> {
    let input = |index: usize| inputs.get(index).ok_or_else(|| node.problem(format_args!("input {index} is missing")));
    match node.op() {
        "Reshape" | "Squeeze" | "Unsqueeze" => {
            let shape = layers::reshaped(node, symbols)?;
            let count = elements(&shape);
            let tensor = input(0)?;
            if count != Some(tensor.data.len()) {
                return Err(node.problem(format_args!("{:?} cannot become {shape:?}", tensor.shape)));
            }
            Ok(tensor.reshaped(shape))
        }
        "Gather" => {
            let (axis, indices) = layers::gather(node, symbols)?;
            let tensor = input(0)?;
            let (outer, length, inner) = split(&tensor.shape, axis);
            let mut shape = tensor.shape[..axis].to_vec();
            shape.extend_from_slice(&input(1)?.shape);
            shape.extend_from_slice(&tensor.shape[axis + 1..]);
            symbols.spend(node, elements(&shape).unwrap_or(usize::MAX))?;
            let mut taken = Vec::new();
            for block in 0..outer {
                for &index in &indices {
                    let start = (block * length + index) * inner;
                    taken.extend(start..start + inner);
                }
            }
            Ok(Tensor { shape, data: tensor.data.take(&taken) })
        }
        "Slice" => {
            let ranges = layers::ranges(node, symbols)?;
            let tensor = input(0)?;
            let mut taken = vec![0];
            for (range, &length) in ranges.iter().zip(&tensor.shape) {
                symbols.spend(node, taken.len().saturating_mul(range.length))?;
                let along = |base: usize| {
                    (0..range.length).map(move |step| {
                        base * length + range.start.wrapping_add_signed(range.step.wrapping_mul(step as isize))
                    })
                };
                taken = taken.into_iter().flat_map(along).collect();
            }
            let shape = ranges.iter().map(|range| range.length).collect();
            Ok(Tensor { shape, data: tensor.data.take(&taken) })
        }
        "Concat" => concat(node, symbols, inputs),
        "Expand" => {
            let shape = layers::expanded(node, symbols)?;
            spread(node, symbols, input(0)?, shape)
        }
        "Tile" => {
            let repeats = symbols.ints(node, 1, "repeats")?.ok_or_else(|| node.problem("its repeats are missing"))?;
            tile(node, symbols, input(0)?, &repeats)
        }
        "Transpose" => {
            let tensor = input(0)?;
            let perm = layers::permutation(node, tensor.shape.len())?;
            transposed(node, symbols, tensor, &perm)
        }
        "Where" => choose(node, symbols, [input(0)?, input(1)?, input(2)?]),
        "ScatterND" => scatter(node, symbols, [input(0)?, input(1)?, input(2)?]),
        "Sqrt" => {
            let tensor = input(0)?;
            let data = match &tensor.data {
                Data::Float(values) => Data::Float(values.iter().map(|value| value.sqrt()).collect()),
                Data::Double(values) => Data::Double(values.iter().map(|value| value.sqrt()).collect()),
                Data::Int(_) | Data::Short(..) => {
                    return Err(node.problem("it is of integers; numbers with a fraction are expected"));
                }
            };
            Ok(Tensor { shape: tensor.shape.clone(), data })
        }
        "Not" => {
            let tensor = input(0)?;
            let Data::Int(values) = &tensor.data else {
                return Err(node.problem("it is of numbers; truth values are expected"));
            };
            let data = Data::Int(values.iter().map(|&value| i64::from(value == 0)).collect());
            Ok(Tensor { shape: tensor.shape.clone(), data })
        }
        "ReduceProd" => {
            let tensor = input(0)?;
            let axes = layers::reduced_axes(node, symbols)?;
            let (Data::Int(values), [0]) = (&tensor.data, axes.as_slice()) else {
                return Err(node.unsupported("it is not the product of a list of integers"));
            };
            let product = values.iter().try_fold(1i64, |product, &value| product.checked_mul(value));
            let product = product.ok_or_else(|| node.problem("the product overflows"))?;
            let shape = if node.flag("keepdims", true)? { vec![1] } else { Vec::new() };
            Ok(Tensor::ints([product]).reshaped(shape))
        }
        "Abs" | "Ceil" | "Floor" | "Neg" => {
            let tensor = input(0)?;
            symbols.spend(node, tensor.data.len())?;
            let real = |value: f64| match node.op() {
                "Abs" => value.abs(),
                "Ceil" => value.ceil(),
                "Floor" => value.floor(),
                _ => -value,
            };
            let data = match &tensor.data {
                Data::Float(values) => Data::Float(values.iter().map(|&value| real(value.into()) as f32).collect()),
                Data::Double(values) => Data::Double(values.iter().map(|&value| real(value)).collect()),
                Data::Int(values) => {
                    let whole = |&value: &i64| match node.op() {
                        "Abs" => value.checked_abs(),
                        "Neg" => value.checked_neg(),
                        _ => Some(value),
                    };
                    let made = values.iter().map(whole).collect::<Option<Vec<_>>>();
                    Data::Int(made.ok_or_else(|| node.problem("an integer overflows"))?.into())
                }
                Data::Short(..) => return Err(node.unsupported("it is of numbers of few bits")),
            };
            Ok(Tensor { shape: tensor.shape.clone(), data })
        }
        _ => {
            let (first, rest) = inputs.split_first().ok_or_else(|| node.problem("it has no input"))?;
            rest.iter().try_fold(first.clone(), |left, right| elementwise(node, symbols, &left, right))
        }
    }
}

/// `shape` around `axis`: elements before it, its length, elements after it; all 0 where there are none at all.
fn split(shape: &[usize], axis: usize) -> (usize, usize, usize) {
    if shape.contains(&0) {
        return (0, 0, 0);
    }
    (shape[..axis].iter().product(), shape[axis], shape[axis + 1..].iter().product())
}

fn concat(node: &NodeView, symbols: &mut Symbols, inputs: &[Tensor]) -> Result<Tensor> {
    let Some((first, rest)) = inputs.split_first() else { return Err(node.problem("it has no input")) };
    let axis = node.axis(node.int("axis", 0)?, first.shape.len())?;
    let mut shape = first.shape.clone();
    for tensor in rest {
        let mut as_first = tensor.shape.clone();
        if let Some(length) = as_first.get_mut(axis) {
            *length = first.shape[axis];
        }
        if as_first != first.shape {
            return Err(node.problem(format_args!("{:?} and {:?} do not fit", first.shape, tensor.shape)));
        }
        let length = shape[axis].checked_add(tensor.shape[axis]);
        shape[axis] = length.ok_or_else(|| node.problem("its output is absurdly large"))?;
    }
    symbols.spend(node, inputs.iter().map(|tensor| tensor.data.len()).sum())?;
    let (outer, ..) = split(&shape, axis);
    macro_rules! join {
        ($kind:ident) => {{
            let mut joined = Vec::new();
            for block in 0..outer {
                for tensor in inputs {
                    let Data::$kind(values) = &tensor.data else {
                        return Err(node.problem("its inputs are of different types"));
                    };
                    let length = values.len() / outer;
                    joined.extend_from_slice(&values[block * length..(block + 1) * length]);
                }
            }
            Data::$kind(joined.into())
        }};
    }
    let data = match &first.data {
        Data::Float(_) => join!(Float),
        Data::Double(_) => join!(Double),
        Data::Int(_) => join!(Int),
        Data::Short(..) => return Err(node.unsupported("it is of numbers of few bits")),
    };
    Ok(Tensor { shape, data })
}

/// A function of two elements, with numpy's broadcasting.
fn elementwise(node: &NodeView, symbols: &mut Symbols, left: &Tensor, right: &Tensor) -> Result<Tensor> {
    let shape = common(node, &left.shape, &right.shape)?;
    let spread = |symbols: &mut Symbols, tensor: &Tensor| spread(node, symbols, tensor, shape.clone());
    let (left, right) = (spread(symbols, left)?.data, spread(symbols, right)?.data);
    if let Some(data) = compared(node, &left, &right)? {
        return Ok(Tensor { shape, data });
    }
    let op = node.op();
    let c_like = node.flag("fmod", false)?;
    let real = |a: f64, b: f64| match op {
        "Add" => Some(a + b),
        "Sub" => Some(a - b),
        "Mul" => Some(a * b),
        "Div" => Some(a / b),
        "Max" => Some(a.max(b)),
        "Min" => Some(a.min(b)),
        "Mod" => Some(a % b),
        _ => None,
    };
    let whole = |a: i64, b: i64| match op {
        "Add" => a.checked_add(b),
        "Sub" => a.checked_sub(b),
        "Mul" => a.checked_mul(b),
        "Div" => a.checked_div(b),
        // The remainder has the sign of the divisor, with fmod that of the dividend.
        "Mod" if c_like => a.checked_rem(b),
        "Mod" => a.checked_rem(b).map(|rest| if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest }),
        "Max" => Some(a.max(b)),
        "Min" => Some(a.min(b)),
        _ => None,
    };
    let data = match (left, right) {
        // float32 arithmetic done in float64 and rounded once is float32 arithmetic: 53 bits hold it exactly.
        (Data::Float(a), Data::Float(b)) => a
            .iter()
            .zip(&*b)
            .map(|(&a, &b)| real(a.into(), b.into()).map(|value| value as f32))
            .collect::<Option<Vec<_>>>()
            .map(|values| Data::Float(values.into())),
        (Data::Double(a), Data::Double(b)) => a
            .iter()
            .zip(&*b)
            .map(|(&a, &b)| real(a, b))
            .collect::<Option<Vec<_>>>()
            .map(|values| Data::Double(values.into())),
        (Data::Int(a), Data::Int(b)) => a
            .iter()
            .zip(&*b)
            .map(|(&a, &b)| whole(a, b))
            .collect::<Option<Vec<_>>>()
            .map(|values| Data::Int(values.into())),
        (a, b) => return Err(node.problem(format_args!("{} and {} do not mix", a.kind(), b.kind()))),
    };
    let data =
        data.ok_or_else(|| node.problem("the arithmetic overflows, divides by zero or is not known for this type"))?;
    Ok(Tensor { shape, data })
}

/// What a comparison or a logical operator makes of its operands; `None` for another operator.
fn compared(node: &NodeView, left: &Data, right: &Data) -> Result<Option<Data>> {
    use std::cmp::Ordering::{Equal, Greater, Less};
    let op = node.op();
    let holds = |order: Option<std::cmp::Ordering>| match op {
        "Equal" => order == Some(Equal),
        "Greater" => order == Some(Greater),
        "GreaterOrEqual" => matches!(order, Some(Greater | Equal)),
        "Less" => order == Some(Less),
        _ => matches!(order, Some(Less | Equal)),
    };
    let logical = |a: i64, b: i64| match op {
        "And" => a != 0 && b != 0,
        "Or" => a != 0 || b != 0,
        _ => (a != 0) != (b != 0),
    };
    let found: Vec<bool> = match (op, left, right) {
        ("And" | "Or" | "Xor", Data::Int(a), Data::Int(b)) => {
            a.iter().zip(&**b).map(|(&a, &b)| logical(a, b)).collect()
        }
        ("Equal" | "Greater" | "GreaterOrEqual" | "Less" | "LessOrEqual", a, b) => match (a, b) {
            (Data::Int(a), Data::Int(b)) => a.iter().zip(&**b).map(|(a, b)| holds(a.partial_cmp(b))).collect(),
            (Data::Float(a), Data::Float(b)) => a.iter().zip(&**b).map(|(a, b)| holds(a.partial_cmp(b))).collect(),
            (Data::Double(a), Data::Double(b)) => a.iter().zip(&**b).map(|(a, b)| holds(a.partial_cmp(b))).collect(),
            (a, b) => return Err(node.problem(format_args!("{} and {} do not mix", a.kind(), b.kind()))),
        },
        _ => return Ok(None),
    };
    Ok(Some(Data::Int(found.into_iter().map(i64::from).collect())))
}

/// The common shape under numpy's rules.
pub(super) fn common(node: &NodeView, left: &[usize], right: &[usize]) -> Result<Vec<usize>> {
    let rank = left.len().max(right.len());
    let length = |shape: &[usize], axis: usize| (axis + shape.len()).checked_sub(rank).map_or(1, |axis| shape[axis]);
    (0..rank)
        .map(|axis| match (length(left, axis), length(right, axis)) {
            (a, b) if a == b || b == 1 => Ok(a),
            (1, b) => Ok(b),
            _ => Err(node.problem(format_args!("{left:?} and {right:?} do not broadcast"))),
        })
        .collect()
}
