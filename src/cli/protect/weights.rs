//! A report on parameters, for code that checks them in a device's memory.

use flate2::Crc;
use serde::Serialize;

use super::Arguments;
use crate::Error;
use crate::campaign::compared::{Code, Method};
use crate::cli::args::StatementArguments;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::open::ModelFile;
use crate::cli::output::{counted, json, print, thousands};
use crate::cli::write::{self, sha256};
use crate::graph::{HostTensor, Source, Value};

/// The report.
#[derive(Debug, Serialize)]
struct Report {
    model: String,
    /// SHA-256 of the model file.
    sha256: String,
    protection: String,
    /// How the bytes of a tensor are laid out, in words.
    bytes: &'static str,
    tensors: Vec<Tensor>,
    parameters: u64,
    parameter_bytes: u64,
    check_bits: u64,
    check_bytes: u64,
}

/// A parameter.
#[derive(Debug, Serialize)]
struct Tensor {
    name: String,
    /// In the layout of the source framework.
    shape: Vec<usize>,
    format: String,
    elements: usize,
    bytes: usize,
    min: f32,
    max: f32,
    /// CRC-32 (as zlib) of the bytes, hexadecimal.
    crc32: String,
    /// SHA-256 of the bytes, hexadecimal.
    sha256: String,
    /// Bits that the code adds.
    check_bits: u64,
    /// Bytes that these take, each tensor by itself.
    check_bytes: u64,
}

/// The layout of bytes.
const LAYOUT: &str = "the elements of a tensor, row-major in the order of its shape, little-endian in its format; two int4 or uint4 \
                      a byte, the first in the low bits; min and max are the stored numbers";

/// Runs the command for a protection of weights.
pub fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    if arguments.profile.is_some() {
        let method = &arguments.method;
        return Err(Error::request(format_args!("{method} learns nothing from images; leave out --profile")).into());
    }
    let stated = StatementArguments::from(arguments.answer.clone()).statements();
    let file = ModelFile::read(&arguments.model, arguments.file.architecture)?.stated_by(stated);
    let file_sha256 = file.sha256();
    let model = file.load(&arguments.preprocess)?;
    model.card.notices.iter().for_each(|notice| eprintln!("notice: {notice}"));
    let graph = &*model.graph;
    let mut tensors = Vec::new();
    for (id, value) in graph.values.iter().enumerate() {
        let Some(tensor) = graph.parameters.get(&id).filter(|_| value.source == Source::Parameter) else { continue };
        tensors.push(described(value, tensor, &arguments.method)?);
    }
    if tensors.is_empty() {
        return Err(Error::input(&arguments.model, "the model has no parameters to check").into());
    }
    let sum = |of: fn(&Tensor) -> u64| tensors.iter().map(of).sum();
    let report = Report {
        model: model.card.name.clone(),
        sha256: file_sha256,
        protection: arguments.method.to_string(),
        bytes: LAYOUT,
        parameters: sum(|tensor| tensor.elements as u64),
        parameter_bytes: sum(|tensor| tensor.bytes as u64),
        check_bits: sum(|tensor| tensor.check_bits),
        check_bytes: sum(|tensor| tensor.check_bytes),
        tensors,
    };
    let text = serde_json::to_string_pretty(&report).map_err(|error| Error::input("the report", error))?;
    write::atomically(&arguments.output, format!("{text}\n").as_bytes(), arguments.existing())?;
    if arguments.json {
        json(&report)?;
    } else {
        let code = match report.check_bits {
            0 => "ranges and checksums only".to_owned(),
            bits => format!("{}, {}", counted(bits, "check bit"), counted(report.check_bytes, "byte")),
        };
        print(&format!(
            "{} for {}: {} of {} in {} bytes\n{}: {code}\n{} is written\n",
            report.protection,
            report.model,
            counted(report.tensors.len(), "tensor"),
            counted(report.parameters, "parameter"),
            thousands(report.parameter_bytes),
            report.protection,
            arguments.output.display()
        ))?;
    }
    Ok(Exit::Done)
}

/// A tensor of the report.
fn described(value: &Value, tensor: &HostTensor, method: &Method) -> Result<Tensor, Error> {
    let refused = |problem: &str| Error::input(&value.name, problem);
    let (min, max) = tensor.data.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(min, max), &element| {
        (if element < min { element } else { min }, if element > max { element } else { max })
    });
    if tensor.data.is_empty() {
        return Err(refused("the tensor has no elements, and so no range"));
    }
    if tensor.data.iter().any(|element| !element.is_finite()) {
        return Err(refused("the tensor has a NaN or an infinity, and so no range; check the model"));
    }
    let bytes = bytes(value, tensor);
    let mut crc = Crc::new();
    crc.update(&bytes);
    let (check_bits, check_bytes) = check(method, tensor.data.len() as u64, bytes.len() as u64);
    Ok(Tensor {
        name: value.name.clone(),
        shape: value.source_shape(),
        format: value.format.name().into_owned(),
        elements: tensor.data.len(),
        bytes: bytes.len(),
        min,
        max,
        crc32: format!("{:08x}", crc.sum()),
        sha256: sha256(&bytes),
        check_bits,
        check_bytes,
    })
}

/// The bytes of a tensor, as [`LAYOUT`] has it.
fn bytes(value: &Value, tensor: &HostTensor) -> Vec<u8> {
    let width = value.format.width();
    let word = |element: usize| {
        let stored = value.layout.stored_index(&value.shape, element);
        value.code(stored).encode(tensor.data[stored])
    };
    let count = tensor.data.len();
    if width == 4 {
        let half = |element: usize| if element < count { word(element) as u8 & 0xf } else { 0 };
        return (0..count.div_ceil(2)).map(|pair| half(2 * pair) | half(2 * pair + 1) << 4).collect();
    }
    let each = usize::from(width).div_ceil(8);
    (0..count).flat_map(|element| word(element).to_le_bytes().into_iter().take(each)).collect()
}

/// Check bits that a code adds to a tensor, and the bytes that they take.
fn check(method: &Method, elements: u64, bytes: u64) -> (u64, u64) {
    match method {
        // One for each word.
        Method::Code(Code::ParityZero) => (elements, elements.div_ceil(8)),
        // Eight for 64 bits; the last word of a tensor may be filled up.
        Method::Code(Code::Secded) => (8 * bytes.div_ceil(8), bytes.div_ceil(8)),
        _ => (0, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Format;
    use crate::graph::{GraphBuilder, Op};

    fn value(format: Format, elements: &[f32]) -> (Value, HostTensor) {
        let mut builder = GraphBuilder::new("");
        let tensor = HostTensor::new([elements.len()], elements).expect("a tensor");
        let id = builder.parameter("w", tensor.clone()).expect("a parameter");
        builder.store(id, format, facts::format::Scales::default()).expect("a format");
        let input = builder.input("x", [1, elements.len()]).expect("an input");
        let sum = Op::Binary(crate::graph::Binary::Add);
        let output = builder.layer("add", "Add", sum, &[input, id]).expect("a layer");
        let graph = builder.finish(&[output]).expect("a graph");
        (graph.values[id].clone(), tensor)
    }

    #[test]
    fn checksums_are_those_of_the_stored_bytes() {
        // By Python: struct.pack("<3f", 1, -2, 0.5), zlib.crc32, hashlib.sha256.
        let (value, tensor) = value(Format::F32, &[1.0, -2.0, 0.5]);
        assert_eq!(bytes(&value, &tensor), [0, 0, 128, 63, 0, 0, 0, 192, 0, 0, 0, 63]);
        let tensor = described(&value, &tensor, &Method::WeightClip).expect("a description");
        assert_eq!((tensor.min, tensor.max, tensor.bytes), (-2.0, 1.0, 12));
        assert_eq!(tensor.crc32, "332b058b");
        assert_eq!(tensor.sha256, "2ce4bdb6b34a50ac7092eb9fee94337a27498e9eb9bae44192f15b88831b2422");
    }

    #[test]
    fn short_formats_take_their_own_bytes() {
        let (half, tensor) = value(Format::F16, &[1.0, -2.0]);
        assert_eq!(bytes(&half, &tensor), [0x00, 0x3c, 0x00, 0xc0]);
        let (quarter, tensor) = value(Format::I4, &[1.0, -1.0, 7.0]);
        assert_eq!(bytes(&quarter, &tensor), [0xf1, 0x07]);
    }

    #[test]
    fn check_bits_are_counted_for_whole_words() {
        let secded = Method::Code(Code::Secded);
        assert_eq!(check(&secded, 4, 16), (16, 2));
        assert_eq!(check(&secded, 3, 12), (16, 2));
        assert_eq!(check(&Method::Code(Code::ParityZero), 9, 36), (9, 2));
        assert_eq!(check(&Method::WeightClip, 9, 36), (0, 0));
    }
}
