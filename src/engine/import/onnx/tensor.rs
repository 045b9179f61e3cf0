//! Tensors that are known at import: initializers, constants, and what is computed from them.

use std::sync::Arc;

use facts::format::Format;
use facts::graph::elements;
use facts::{Error, Result};
use prost::Message;

use super::proto::{TensorProto, data_type};

/// A tensor whose elements are known at import, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Length of each axis; empty for a scalar.
    pub shape: Vec<usize>,
    /// As many elements as `shape` has.
    pub data: Data,
}

/// The elements of a [`Tensor`].
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// float32.
    Float(Arc<[f32]>),
    /// float64. What a layer reads of it becomes float32.
    Double(Arc<[f64]>),
    /// int64, int32 and bool (0 or 1): shapes, axes, indices, biases of integer operators.
    Int(Arc<[i64]>),
    /// Numbers of fewer than 32 bits in this format, as float32.
    Short(Format, Arc<[f32]>),
}

impl Tensor {
    /// Reads a serialized `TensorProto`, the format of the `.pb` files that the ONNX project tests with.
    ///
    /// # Errors
    /// Where `bytes` are none, are damaged, or hold a type that is not read.
    pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<Self> {
        let proto = TensorProto::decode(bytes)
            .map_err(|error| Error::input(name, format_args!("not an ONNX tensor, or a damaged one: {error}")))?;
        Self::from_proto(&proto).map_err(|problem| Error::input(name, problem))
    }

    /// The tensor of `proto`, or a sentence that says why there is none.
    pub(super) fn from_proto(proto: &TensorProto) -> Result<Self, String> {
        if proto.data_location != 0 || !proto.external_data.is_empty() {
            return Err("its data are in another file; a tensor by itself is expected in one".to_owned());
        }
        let shape = shape(&proto.dims)?;
        let count = elements(&shape).ok_or_else(|| format!("its shape {shape:?} is absurdly large"))?;
        let data = match proto.data_type {
            data_type::FLOAT => {
                Data::Float(read(proto, count, f32::from_le_bytes, || proto.float_data.iter().copied())?)
            }
            data_type::DOUBLE => {
                Data::Double(read(proto, count, f64::from_le_bytes, || proto.double_data.iter().copied())?)
            }
            data_type::INT64 => Data::Int(read(proto, count, i64::from_le_bytes, || proto.int64_data.iter().copied())?),
            data_type::INT32 => Data::Int(read(
                proto,
                count,
                |bytes| i64::from(i32::from_le_bytes(bytes)),
                || proto.int32_data.iter().map(|&value| i64::from(value)),
            )?),
            data_type::BOOL => Data::Int(read(
                proto,
                count,
                |[byte]| i64::from(byte != 0),
                || proto.int32_data.iter().map(|&value| i64::from(value != 0)),
            )?),
            other => match data_type::short(other) {
                Some(format) => Data::Short(format, short(proto, count, format)?),
                None => {
                    return Err(format!(
                        "its elements are {}; Faultscope reads floats of 16, 32 and 64 bits, integers of 4 to 32 bits, int64 \
                         and bool",
                        data_type::name(other)
                    ));
                }
            },
        };
        Ok(Self { shape, data })
    }

    /// A one-dimensional tensor of integers.
    pub(super) fn ints(values: impl Into<Arc<[i64]>>) -> Self {
        let values = values.into();
        Self { shape: vec![values.len()], data: Data::Int(values) }
    }

    /// A one-dimensional tensor of float32.
    pub(super) fn floats(values: impl Into<Arc<[f32]>>) -> Self {
        let values = values.into();
        Self { shape: vec![values.len()], data: Data::Float(values) }
    }

    /// The same elements under another shape of as many.
    pub(super) fn reshaped(&self, shape: Vec<usize>) -> Self {
        debug_assert_eq!(elements(&shape), Some(self.data.len()), "elements of {shape:?}");
        Self { shape, data: self.data.clone() }
    }
}

impl Data {
    /// Number of elements.
    pub fn len(&self) -> usize {
        match self {
            Self::Float(values) => values.len(),
            Self::Double(values) => values.len(),
            Self::Int(values) => values.len(),
            Self::Short(_, values) => values.len(),
        }
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the elements are, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Float(_) => "float32",
            Self::Double(_) => "float64",
            Self::Int(_) => "integer",
            Self::Short(Format::F16, _) => "float16",
            Self::Short(Format::Bf16, _) => "bfloat16",
            Self::Short(..) => "integers of few bits",
        }
    }

    /// Numbers of few bits as those that import computes with: float32 or integers.
    pub(super) fn widened(&self) -> Self {
        match self {
            Self::Short(format, values) if format.is_float() => Self::Float(values.clone()),
            Self::Short(_, values) => Self::Int(values.iter().map(|&value| value as i64).collect()),
            wide => wide.clone(),
        }
    }

    /// The elements rounded to `format`; `None` where an integer is outside of it.
    pub(super) fn shortened(&self, format: Format) -> Option<Self> {
        let fits = |value: f32| (format.is_float() || format.round(value) == value).then(|| format.round(value));
        let values: Option<Arc<[f32]>> = match self {
            Self::Float(values) | Self::Short(_, values) => values.iter().map(|&value| fits(value)).collect(),
            Self::Double(values) => values.iter().map(|&value| fits(value as f32)).collect(),
            Self::Int(values) => values.iter().map(|&value| fits(value as f32)).collect(),
        };
        values.map(|values| Self::Short(format, values))
    }

    /// The first element, `count` times; there is one.
    pub(super) fn repeated(&self, count: usize) -> Self {
        match self {
            Self::Float(values) => Self::Float(std::iter::repeat_n(values[0], count).collect()),
            Self::Double(values) => Self::Double(std::iter::repeat_n(values[0], count).collect()),
            Self::Int(values) => Self::Int(std::iter::repeat_n(values[0], count).collect()),
            Self::Short(format, values) => Self::Short(*format, std::iter::repeat_n(values[0], count).collect()),
        }
    }

    /// The elements at `indices`, which are in range.
    pub(super) fn take(&self, indices: &[usize]) -> Self {
        match self {
            Self::Float(values) => Self::Float(indices.iter().map(|&index| values[index]).collect()),
            Self::Double(values) => Self::Double(indices.iter().map(|&index| values[index]).collect()),
            Self::Int(values) => Self::Int(indices.iter().map(|&index| values[index]).collect()),
            Self::Short(format, values) => Self::Short(*format, indices.iter().map(|&index| values[index]).collect()),
        }
    }
}

/// The lengths of the axes, none negative.
pub(super) fn shape(dims: &[i64]) -> Result<Vec<usize>, String> {
    dims.iter()
        .map(|&dim| usize::try_from(dim).map_err(|_| format!("its shape {dims:?} has an axis of impossible length")))
        .collect()
}

/// `count` numbers of few bits. Two of four bits share a byte, the first in the lower half.
fn short(proto: &TensorProto, count: usize, format: Format) -> Result<Arc<[f32]>, String> {
    let words: Vec<u32> = match format.width() {
        16 => read(proto, count, |bytes| u32::from(u16::from_le_bytes(bytes)), || stored(proto))?.to_vec(),
        8 => read(proto, count, |[byte]| u32::from(byte), || stored(proto))?.to_vec(),
        _ => {
            let pairs = read(proto, count.div_ceil(2), |[byte]| u32::from(byte), || stored(proto))?;
            let halves = pairs.iter().flat_map(|&pair| [pair & 0xf, pair >> 4 & 0xf]);
            halves.take(count).collect()
        }
    };
    if format.width() >= 8 && proto.raw_data.is_none() {
        // A typed field has 32 bits for each element, sign included.
        let shift = 32 - u32::from(format.width());
        let fits =
            |&word: &u32| word >> format.width() == 0 || (word << shift).cast_signed() >> shift == word.cast_signed();
        if let Some(word) = words.iter().find(|word| !fits(word)) {
            return Err(format!("its element {} is no {}", word.cast_signed(), format.name()));
        }
    }
    Ok(words.into_iter().map(|word| format.decode(word & format.mask())).collect())
}

/// The words of the typed field for numbers of few bits.
fn stored(proto: &TensorProto) -> impl ExactSizeIterator<Item = u32> + '_ {
    proto.int32_data.iter().map(|&word| word.cast_unsigned())
}

/// `count` elements, from the raw little-endian bytes where there are any, else from the typed field.
fn read<T, const N: usize, I: ExactSizeIterator<Item = T>>(
    proto: &TensorProto,
    count: usize,
    decode: impl Fn([u8; N]) -> T,
    typed: impl FnOnce() -> I,
) -> Result<Arc<[T]>, String> {
    if let Some(raw) = &proto.raw_data {
        let (chunks, rest) = raw.as_chunks::<N>();
        if chunks.len() != count || !rest.is_empty() {
            return Err(format!(
                "its shape {:?} takes {count} elements of {N} bytes, but {} bytes of data are stored",
                proto.dims,
                raw.len()
            ));
        }
        return Ok(chunks.iter().map(|&chunk| decode(chunk)).collect());
    }
    let typed = typed();
    if typed.len() != count {
        return Err(format!("its shape {:?} takes {count} elements, but {} are stored", proto.dims, typed.len()));
    }
    Ok(typed.collect())
}
