//! Every fault as a row of a Parquet file with typed columns. Rows are written in groups, so that memory holds one
//! group at a time.

use std::collections::HashMap;
use std::io::Write;
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FloatType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

use crate::campaign::{Observation, Scores, Start};
use crate::cli::results::Results;
use crate::labels::Grouping;
use crate::outcome::Outcome;
use crate::report::words::name;
use crate::report::{Entry, Options, Origin};
use crate::{Error, Result};

/// The columns. If an inference had several faults, `faults` is their number, and the columns from `target` on are
/// those of the first. Values that an imported log does not have are null.
const SCHEMA: &str = "
message faults {
  required binary campaign (STRING);
  required int64 image;
  optional int32 label;
  required int32 golden;
  required int32 faulty;
  required binary outcome (STRING);
  optional boolean due;
  optional boolean scm;
  optional boolean golden_scm;
  optional binary start (STRING);
  required int32 faults;
  optional binary target (STRING);
  optional binary layer (STRING);
  optional int32 layer_index;
  optional binary tensor (STRING);
  optional int64 element;
  optional int32 bit (INTEGER(8, false));
  optional float before;
  optional float after;
  optional double weight;
  optional binary type (STRING);
  optional double ber;
  optional int64 flips;
  optional boolean scores_changed;
  optional int32 rank (INTEGER(32, false));
  optional float golden_confidence;
  optional float faulty_confidence;
  optional float golden_margin;
  optional float faulty_margin;
";

/// The column of a file with a campaign that compares protections: an entry for each of them, in the order of the configuration.
const PROTECTED: &str = "
  required group protected (LIST) {
    repeated group list {
      required group element {
        required binary protection (STRING);
        required int32 faulty;
        required int32 golden;
        required boolean detected;
        required boolean due;
        required boolean false_alarm;
        required boolean sdc;
        optional boolean scm;
      }
    }
  }
";

/// Rows of a group.
const GROUP: usize = 1 << 18;

/// The values of a column that are not written yet.
struct Column<T> {
    values: Vec<T>,
    /// For each row 1 if it has a value, or else 0.
    levels: Vec<i16>,
}

impl<T> Default for Column<T> {
    fn default() -> Self {
        Self { values: Vec::new(), levels: Vec::new() }
    }
}

impl<T> Column<T> {
    fn push(&mut self, value: impl Into<Option<T>>) {
        let value = value.into();
        self.levels.push(i16::from(value.is_some()));
        self.values.extend(value);
    }
}

/// Writes the faults of all campaigns, each with the name of its row, to `file`.
///
/// # Errors
/// If the results are damaged, or if the operating system refuses.
pub fn write(file: impl Write + Send, names: &[String], all: &[Results], options: &Options) -> Result<()> {
    let failed = |error: ParquetError| match error {
        ParquetError::External(cause) => match cause.downcast::<std::io::Error>() {
            Ok(refused) => Error::io("Parquet output", *refused),
            Err(other) => Error::input("Parquet output", other),
        },
        other => Error::input("Parquet output", other),
    };
    let compares = all.iter().any(|results| results.origin().protections() > 0);
    let schema = format!("{SCHEMA}{}}}", if compares { PROTECTED } else { "" });
    let schema = parse_message_type(&schema).map_err(failed)?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_created_by(concat!("faultscope ", env!("CARGO_PKG_VERSION")).to_owned())
        .build();
    let mut writer = SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties)).map_err(failed)?;
    let mut rows = Rows { protected: compares.then(Protections::default), ..Rows::default() };
    for (campaign, results) in names.iter().zip(all) {
        let layers = results.origin().layers().iter().map(String::as_str).zip(0..).collect();
        let grouping = options.grouping.as_ref().or(results.origin().grouping());
        let compared = match results.origin() {
            Origin::Campaign(provenance) => provenance.campaign.compared.as_ref(),
            Origin::Log(_) => None,
        };
        let methods = compared
            .map_or_else(Vec::new, |compared| compared.methods.iter().map(|one| one.method.to_string()).collect());
        let context = Context { campaign, grouping, layers, methods };
        results.each(|entry| {
            rows.push(&context, entry);
            if rows.image.levels.len() == GROUP { rows.flush(&mut writer).map_err(failed) } else { Ok(()) }
        })?;
    }
    rows.flush(&mut writer).map_err(failed)?;
    writer.close().map(drop).map_err(failed)
}

/// The values that all rows of a campaign have in common.
struct Context<'a> {
    campaign: &'a str,
    grouping: Option<&'a Grouping>,
    layers: HashMap<&'a str, i32>,
    /// Names of the protections that are compared.
    methods: Vec<String>,
}

/// The rows of a group so far, with the columns of [`SCHEMA`].
#[derive(Default)]
struct Rows {
    campaign: Column<ByteArray>,
    image: Column<i64>,
    label: Column<i32>,
    golden: Column<i32>,
    faulty: Column<i32>,
    outcome: Column<ByteArray>,
    due: Column<bool>,
    scm: Column<bool>,
    golden_scm: Column<bool>,
    start: Column<ByteArray>,
    faults: Column<i32>,
    target: Column<ByteArray>,
    layer: Column<ByteArray>,
    layer_index: Column<i32>,
    tensor: Column<ByteArray>,
    element: Column<i64>,
    bit: Column<i32>,
    before: Column<f32>,
    after: Column<f32>,
    kind: Column<ByteArray>,
    ber: Column<f64>,
    flips: Column<i64>,
    weight: Column<f64>,
    changed: Column<bool>,
    rank: Column<i32>,
    golden_confidence: Column<f32>,
    faulty_confidence: Column<f32>,
    golden_margin: Column<f32>,
    faulty_margin: Column<f32>,
    /// The columns of [`PROTECTED`], if the file has it.
    protected: Option<Protections>,
    /// Repeated words, converted once.
    words: HashMap<String, ByteArray>,
}

impl Rows {
    fn push(&mut self, context: &Context<'_>, entry: &Entry<'_>) {
        let image = match entry {
            Entry::Record(record) => record.image,
            Entry::Injection(injection) => injection.golden.image,
            Entry::Golden(_) | Entry::Skipped(_) | Entry::Torn => return,
        };
        let Some(trial) = entry.observation() else { return };
        let (label, golden) = (trial.label, trial.golden);
        let judgement = trial.judge(context.grouping);
        let campaign = self.word(context.campaign);
        self.campaign.push(campaign);
        self.image.push(image as i64);
        self.label.push(label.map(|label| label as i32));
        self.golden.push(golden as i32);
        self.faulty.push(trial.faulty as i32);
        let outcome = self.word(&name(&if judgement.sdc { Outcome::Sdc } else { Outcome::Masked }));
        self.outcome.push(outcome);
        self.due.push(trial.due);
        self.scm.push(context.grouping.map(|_| judgement.scm));
        let golden_scm = label.zip(context.grouping).map(|(label, grouping)| grouping.is_scm(label, golden));
        self.golden_scm.push(golden_scm);
        // The narrowest set comes first.
        let start = Start::containing(label, golden, context.grouping).first().map(|start| self.word(&name(start)));
        self.start.push(start);
        self.faults.push(trial.errors.map_or(trial.faults.len(), |errors| errors.elements) as i32);
        let fault = trial.faults.first();
        let words = fault.map(|fault| {
            [name(&fault.target).as_str(), fault.layer.as_ref(), fault.tensor.as_ref()].map(|word| self.word(word))
        });
        let [target, layer, tensor] = words.map_or([None, None, None], |words| words.map(Some));
        self.target.push(target);
        self.layer.push(layer);
        self.layer_index.push(fault.and_then(|fault| context.layers.get(fault.layer.as_ref()).copied()));
        self.tensor.push(tensor);
        self.element.push(fault.map(|fault| fault.element as i64));
        self.bit.push(fault.and_then(|fault| fault.bit).map(i32::from));
        self.before.push(fault.map(|fault| fault.before));
        self.after.push(fault.map(|fault| fault.after));
        let kind = fault.and_then(|fault| fault.kind).map(|kind| self.word(&name(&kind)));
        self.kind.push(kind);
        self.ber.push(trial.errors.and_then(|errors| errors.rate));
        self.flips.push(trial.errors.filter(|errors| errors.rate.is_some()).map(|errors| errors.flips as i64));
        self.weight.push(trial.draw.map(|(_, drawn)| drawn.weight));
        self.push_scores(trial.scores);
        self.push_protected(context, &trial);
    }

    /// Adds what became of the scores. Of unchanged ones no more is known than that.
    fn push_scores(&mut self, scores: Option<Scores>) {
        let changed = scores.and_then(|scores| match scores {
            Scores::Changed(changed) => Some(changed),
            Scores::Golden => None,
        });
        self.changed.push(scores.map(|_| changed.is_some()));
        self.rank.push(changed.and_then(|scores| scores.rank).map(|rank| rank as i32));
        self.golden_confidence.push(changed.map(|scores| scores.confidence[0]));
        self.faulty_confidence.push(changed.map(|scores| scores.confidence[1]));
        self.golden_margin.push(changed.map(|scores| scores.margin[0]));
        self.faulty_margin.push(changed.map(|scores| scores.margin[1]));
    }

    fn push_protected<S>(&mut self, context: &Context<'_>, trial: &Observation<'_, S>) {
        let names: Vec<_> = context.methods.iter().map(|name| self.word(name)).collect();
        let Some(protected) = &mut self.protected else { return };
        let mut again = 0;
        for (run, name) in trial.protected.iter().zip(names) {
            let golden = run.golden(trial.golden);
            let sdc = run.is_sdc(trial.golden);
            protected.repeated.push(again);
            protected.protection.push(name);
            protected.faulty.push(run.class as i32);
            protected.golden.push(golden as i32);
            protected.detected.push(run.detected);
            protected.due.push(run.due);
            protected.alarm.push(run.alarm);
            protected.sdc.push(sdc);
            protected.scm.push(context.grouping.map(|grouping| sdc && grouping.is_scm(golden, run.class)));
            again = 1;
        }
        if again == 0 {
            protected.push_none();
        }
    }

    fn word(&mut self, word: &str) -> ByteArray {
        if let Some(known) = self.words.get(word) {
            return known.clone();
        }
        let bytes = ByteArray::from(word);
        self.words.insert(word.to_owned(), bytes.clone());
        bytes
    }

    /// Writes the rows as a group.
    fn flush<W: Write + Send>(&mut self, writer: &mut SerializedFileWriter<W>) -> Result<(), ParquetError> {
        if self.image.levels.is_empty() {
            return Ok(());
        }
        let mut group = writer.next_row_group()?;
        put::<ByteArrayType, _>(&mut group, &mut self.campaign)?;
        put::<Int64Type, _>(&mut group, &mut self.image)?;
        put::<Int32Type, _>(&mut group, &mut self.label)?;
        put::<Int32Type, _>(&mut group, &mut self.golden)?;
        put::<Int32Type, _>(&mut group, &mut self.faulty)?;
        put::<ByteArrayType, _>(&mut group, &mut self.outcome)?;
        put::<BoolType, _>(&mut group, &mut self.due)?;
        put::<BoolType, _>(&mut group, &mut self.scm)?;
        put::<BoolType, _>(&mut group, &mut self.golden_scm)?;
        put::<ByteArrayType, _>(&mut group, &mut self.start)?;
        put::<Int32Type, _>(&mut group, &mut self.faults)?;
        put::<ByteArrayType, _>(&mut group, &mut self.target)?;
        put::<ByteArrayType, _>(&mut group, &mut self.layer)?;
        put::<Int32Type, _>(&mut group, &mut self.layer_index)?;
        put::<ByteArrayType, _>(&mut group, &mut self.tensor)?;
        put::<Int64Type, _>(&mut group, &mut self.element)?;
        put::<Int32Type, _>(&mut group, &mut self.bit)?;
        put::<FloatType, _>(&mut group, &mut self.before)?;
        put::<FloatType, _>(&mut group, &mut self.after)?;
        put::<DoubleType, _>(&mut group, &mut self.weight)?;
        put::<ByteArrayType, _>(&mut group, &mut self.kind)?;
        put::<DoubleType, _>(&mut group, &mut self.ber)?;
        put::<Int64Type, _>(&mut group, &mut self.flips)?;
        put::<BoolType, _>(&mut group, &mut self.changed)?;
        put::<Int32Type, _>(&mut group, &mut self.rank)?;
        put::<FloatType, _>(&mut group, &mut self.golden_confidence)?;
        put::<FloatType, _>(&mut group, &mut self.faulty_confidence)?;
        put::<FloatType, _>(&mut group, &mut self.golden_margin)?;
        put::<FloatType, _>(&mut group, &mut self.faulty_margin)?;
        if let Some(protected) = &mut self.protected {
            protected.put(&mut group)?;
        }
        group.close().map(drop)
    }
}

/// The entries of the rows of a group, with the columns of [`PROTECTED`].
#[derive(Default)]
struct Protections {
    /// For each entry 0 if it is the first of its row, or else 1. A row without entries has one mark.
    repeated: Vec<i16>,
    protection: Column<ByteArray>,
    faulty: Column<i32>,
    golden: Column<i32>,
    detected: Column<bool>,
    due: Column<bool>,
    alarm: Column<bool>,
    sdc: Column<bool>,
    scm: Column<bool>,
}

impl Protections {
    /// Adds a row without entries.
    fn push_none(&mut self) {
        self.repeated.push(0);
        self.protection.push(None);
        self.faulty.push(None);
        self.golden.push(None);
        self.detected.push(None);
        self.due.push(None);
        self.alarm.push(None);
        self.sdc.push(None);
        self.scm.push(None);
    }

    /// Writes the entries as the last columns of `group`.
    fn put<W: Write + Send>(&mut self, group: &mut SerializedRowGroupWriter<'_, W>) -> Result<(), ParquetError> {
        // An entry without a value of its own is one level deeper than a row without entries.
        let entries = self.sdc.levels.iter().zip(&mut self.scm.levels);
        entries.for_each(|(&entry, level)| *level += entry);
        let repeated = std::mem::take(&mut self.repeated);
        put_list::<ByteArrayType, _>(group, &mut self.protection, &repeated)?;
        put_list::<Int32Type, _>(group, &mut self.faulty, &repeated)?;
        put_list::<Int32Type, _>(group, &mut self.golden, &repeated)?;
        put_list::<BoolType, _>(group, &mut self.detected, &repeated)?;
        put_list::<BoolType, _>(group, &mut self.due, &repeated)?;
        put_list::<BoolType, _>(group, &mut self.alarm, &repeated)?;
        put_list::<BoolType, _>(group, &mut self.sdc, &repeated)?;
        put_list::<BoolType, _>(group, &mut self.scm, &repeated)
    }
}

/// Writes `column` as the next column of `group`, and empties it.
fn put<D: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    column: &mut Column<D::T>,
) -> Result<(), ParquetError> {
    put_list::<D, W>(group, column, &[])
}

/// Writes `column` as the next column of `group`, and empties it. Of a list, `repeated` tells which entries are of one row.
fn put_list<D: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    column: &mut Column<D::T>,
    repeated: &[i16],
) -> Result<(), ParquetError> {
    let mut next =
        group.next_column()?.ok_or_else(|| ParquetError::General("the schema has too few columns".into()))?;
    let typed = next.typed::<D>();
    // A required column has values only.
    let levels = (typed.get_descriptor().max_def_level() > 0).then_some(column.levels.as_slice());
    typed.write_batch(&column.values, levels, (!repeated.is_empty()).then_some(repeated))?;
    column.values.clear();
    column.levels.clear();
    next.close()
}
