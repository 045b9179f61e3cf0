//! `faultscope protect`: a protected model as a file.

mod home;
mod weights;

use std::path::PathBuf;

use clap::Args;

use super::args::{ModelArguments, PreprocessArguments, WriterStatementArguments};
use super::data::DataArguments;
use super::exit::Exit;
use super::failure::Failure;
use super::write::{self, Existing};
use crate::Error;
use crate::campaign::compared::{Code, Kind, Method};
use facts::Named as _;

/// Write a protected model, for any runtime.
///
/// With range, ranger or clip-to-zero, MODEL is an ONNX file. The outputs of the layers that the protection names are bounded by
/// their values in golden runs, with standard operators (IsNaN, Where, Clip, Max, Min, Less, Greater, Or), and everything else
/// in the file stays as it is. With weight-clip, parity-zero or secded, which need code in the device, a report for its
/// developer is written: ranges and checksums of all parameters, and the check bits that they take.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Model file (.onnx), or id of a model; for a report any model
    model: String,

    /// Protection: range, ranger or clip-to-zero with its options, ranger:channel for example; or weight-clip, parity-zero or
    /// secded for a report
    #[arg(long = "with", value_name = "PROTECTION[:OPTIONS]")]
    method: Method,

    /// Images that bounds are learnt from, as --data of `faultscope campaign`
    #[arg(long, value_name = "DATA")]
    profile: Option<PathBuf>,

    /// Number of images that bounds are learnt from, evenly spaced in DATA [default: 100, or all if DATA has fewer]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), requires = "profile")]
    images: Option<u32>,

    #[command(flatten)]
    reading: DataArguments,

    #[command(flatten)]
    file: ModelArguments,

    #[command(flatten)]
    answer: WriterStatementArguments,

    #[command(flatten)]
    preprocess: PreprocessArguments,

    /// File to write: a model (.onnx), or a report (.json)
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// Replace an existing file
    #[arg(long)]
    force: bool,

    /// Write JSON to standard output
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(arguments: Arguments) -> Result<Exit, Failure> {
    arguments.file.memory.allow();
    let method = arguments.method.clone();
    let ending = match &method {
        Method::Clip(_) => "onnx",
        Method::WeightClip | Method::Code(Code::ParityZero | Code::Secded) => "json",
        other => return Err(refused(other).into()),
    };
    if arguments.output.extension().is_none_or(|extension| !extension.eq_ignore_ascii_case(ending)) {
        return Err(Error::input(
            arguments.output.display().to_string(),
            format_args!("{method} is written to a file that ends in .{ending}"),
        )
        .into());
    }
    if !arguments.force {
        write::check_absent(&arguments.output)?;
    }
    match method {
        Method::Clip(clip) => home::run(&arguments, clip),
        _ => weights::run(&arguments),
    }
}

impl Arguments {
    /// Whether the output may be replaced.
    fn existing(&self) -> Existing {
        if self.force { Existing::Replace } else { Existing::Keep }
    }
}

/// Why a protection cannot be taken home.
fn refused(method: &Method) -> Error {
    let reason = match method {
        Method::Code(Code::LsbParity | Code::InPlaceEcc) => {
            "changes stored bits of parameters, and is a matter of the device's memory"
        }
        Method::Duplicate(_) | Method::Tmr(_) => "computes twice and compares, which runtimes optimise away in a graph",
        Method::Abft(_) => "compares and computes layers again while they run, which a graph cannot do",
        _ => "stops an inference, which a graph cannot do",
    };
    let of = |kinds: &[Kind]| kinds.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", ");
    Error::request(format_args!(
        "{method} {reason}; a protected model is written with {}, a report with {}",
        of(&[Kind::Range, Kind::Ranger, Kind::ClipToZero]),
        of(&[Kind::WeightClip, Kind::ParityZero, Kind::Secded])
    ))
}
