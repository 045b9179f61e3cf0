//! Arithmetic on known tensors, as the operators define it.

use facts::Result;
use facts::graph::elements;

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
    };
    Ok(Tensor { shape, data })
}

/// A function of two elements, with numpy's broadcasting.
fn elementwise(node: &NodeView, symbols: &mut Symbols, left: &Tensor, right: &Tensor) -> Result<Tensor> {
    let rank = left.shape.len().max(right.shape.len());
    let length = |shape: &[usize], axis: usize| (axis + shape.len()).checked_sub(rank).map_or(1, |axis| shape[axis]);
    let mut shape = Vec::with_capacity(rank);
    for axis in 0..rank {
        shape.push(match (length(&left.shape, axis), length(&right.shape, axis)) {
            (a, b) if a == b || b == 1 => a,
            (1, b) => b,
            _ => {
                return Err(node.problem(format_args!("{:?} and {:?} do not broadcast", left.shape, right.shape)));
            }
        });
    }
    let count = elements(&shape).unwrap_or(usize::MAX);
    symbols.spend(node, count)?;
    let spread = |tensor: &Tensor| {
        let source = |mut index: usize| {
            let (mut offset, mut stride) = (0, 1);
            for axis in (0..rank).rev() {
                let own = length(&tensor.shape, axis);
                offset += (index % shape[axis]).min(own - 1) * stride;
                stride *= own;
                index /= shape[axis];
            }
            offset
        };
        tensor.data.take(&(0..count).map(source).collect::<Vec<_>>())
    };
    let op = node.op();
    let real = |a: f64, b: f64| match op {
        "Add" => Some(a + b),
        "Sub" => Some(a - b),
        "Mul" => Some(a * b),
        "Div" => Some(a / b),
        "Max" => Some(a.max(b)),
        "Min" => Some(a.min(b)),
        _ => None,
    };
    let whole = |a: i64, b: i64| match op {
        "Add" => a.checked_add(b),
        "Sub" => a.checked_sub(b),
        "Mul" => a.checked_mul(b),
        "Div" => a.checked_div(b),
        "Max" => Some(a.max(b)),
        "Min" => Some(a.min(b)),
        _ => None,
    };
    let data = match (spread(left), spread(right)) {
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
