//! The log of the study's own scripts.
//!
//! ```text
//! Model name: resnet50
//! Low: 0 , High: 500                         only where the file is a part
//! Total data count 10000                     only where parts were merged, and not always then
//! <image> : <label> : <golden>               one line an image, first
//! <image> : <label> : <golden> : <faulty>    one line an injection, after them
//! ```

use std::collections::HashMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// The fault-free run of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoggedGolden {
    /// Index of the image in the data.
    pub image: usize,
    /// Its true class.
    pub label: usize,
    /// The golden prediction.
    pub golden: usize,
}

/// A faulty run of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoggedInjection {
    /// The golden run that it is compared with.
    pub golden: LoggedGolden,
    /// The faulty prediction.
    pub faulty: usize,
}

/// A line of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLine<'a> {
    /// Name of the model.
    Model(&'a str),
    /// The images of a part: from `low` to below `high`.
    Part {
        /// First image.
        low: usize,
        /// Image after the last.
        high: usize,
    },
    /// Number of images.
    Total(usize),
    /// A golden run.
    Golden(LoggedGolden),
    /// A trial.
    Injection(LoggedInjection),
    /// An empty line.
    Blank,
}

impl fmt::Display for LogLine<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Model(name) => write!(formatter, "Model name: {name}"),
            Self::Part { low, high } => write!(formatter, "Low: {low} , High: {high}"),
            Self::Total(images) => write!(formatter, "Total data count {images}"),
            Self::Golden(LoggedGolden { image, label, golden }) => write!(formatter, "{image} : {label} : {golden}"),
            Self::Injection(LoggedInjection { golden, faulty }) => {
                write!(formatter, "{} : {faulty}", Self::Golden(*golden))
            }
            Self::Blank => Ok(()),
        }
    }
}

impl<'a> LogLine<'a> {
    /// Reads a line, with or without its end.
    ///
    /// # Errors
    /// If the line has another form. The error is part of a sentence.
    pub fn parse(line: &'a [u8]) -> Result<Self, String> {
        let line = std::str::from_utf8(line).map_err(|_| "not UTF-8 text".to_owned())?;
        // A byte-order mark is no space.
        let line = line.trim_start_matches('\u{feff}').trim();
        if line.is_empty() {
            return Ok(Self::Blank);
        }
        if let Some(name) = line.strip_prefix("Model name:") {
            let name = name.trim();
            return if name.is_empty() { Err("the model has no name".to_owned()) } else { Ok(Self::Model(name)) };
        }
        if let Some(count) = line.strip_prefix("Total data count") {
            return Ok(Self::Total(number(count.trim_start_matches([':', ' ']))?));
        }
        if line.starts_with("Low") {
            let bounds = line
                .split_once(',')
                .and_then(|(low, high)| Some((low.trim().strip_prefix("Low:")?, high.trim().strip_prefix("High:")?)));
            let (low, high) = bounds.ok_or_else(|| format!("\"Low: A , High: B\" is expected, found \"{line}\""))?;
            return Ok(Self::Part { low: number(low)?, high: number(high)? });
        }
        let mut fields = [0; 4];
        let mut count = 0;
        for field in line.split(':') {
            let slot = fields.get_mut(count).ok_or_else(|| malformed(line))?;
            *slot = field.trim().parse().map_err(|_| malformed(line))?;
            count += 1;
        }
        let [image, label, golden, faulty] = fields;
        let golden = LoggedGolden { image, label, golden };
        match count {
            3 => Ok(Self::Golden(golden)),
            4 => Ok(Self::Injection(LoggedInjection { golden, faulty })),
            _ => Err(malformed(line)),
        }
    }
}

fn malformed(line: &str) -> String {
    format!("\"IMAGE : LABEL : GOLDEN\" or \"IMAGE : LABEL : GOLDEN : FAULTY\" is expected, found \"{line}\"")
}

fn number(text: &str) -> Result<usize, String> {
    text.trim().parse().map_err(|_| format!("a number is expected, found \"{}\"", text.trim()))
}

/// The description of a whole log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogHead {
    /// Name of the model.
    pub model: String,
    /// Golden runs.
    pub images: usize,
    /// Trials.
    pub injections: u64,
}

/// Checks that the files of a log belong to one campaign. In each file, golden runs come first. Each image has one
/// golden run, and every trial agrees with the golden run of its image.
#[derive(Clone, Debug, Default)]
pub struct LogCheck {
    head: LogHead,
    golden: HashMap<usize, LoggedGolden>,
    file: File,
}

/// The current file.
#[derive(Clone, Debug, Default)]
struct File {
    name: String,
    model: bool,
    part: Option<(usize, usize)>,
    total: Option<usize>,
    first: usize,
    images: usize,
    injections: u64,
}

impl LogCheck {
    /// Begins the file `name`.
    pub fn begin(&mut self, name: &str) {
        self.file = File { name: name.to_owned(), ..File::default() };
    }

    /// Takes line `number`, counted from 1, of the file.
    ///
    /// # Errors
    /// If the line is not allowed at this place. The error names file and line.
    pub fn take(&mut self, number: u64, line: &LogLine<'_>) -> Result<()> {
        self.judge(line).map_err(|problem| Error::input(&self.file.name, format_args!("line {number}: {problem}")))
    }

    fn judge(&mut self, line: &LogLine<'_>) -> Result<(), String> {
        let file = &mut self.file;
        match *line {
            LogLine::Model(name) => {
                if self.head.model.is_empty() {
                    name.clone_into(&mut self.head.model);
                }
                if self.head.model != name {
                    return Err(format!("the log is of model {}, this file is of {name}", self.head.model));
                }
                file.model = true;
            }
            LogLine::Part { low, high } if low < high => file.part = Some((low, high)),
            LogLine::Part { low, high } => return Err(format!("no image lies from {low} to below {high}")),
            LogLine::Total(images) => file.total = Some(images),
            LogLine::Golden(golden) => {
                if !file.model {
                    return Err("the file does not begin with \"Model name: NAME\"".to_owned());
                }
                if file.injections > 0 {
                    return Err("a golden run stands after the first injection; golden runs come first".to_owned());
                }
                if let Some((low, high)) = file.part
                    && !(low..high).contains(&golden.image)
                {
                    return Err(format!("image {} is not in this part, {low} to below {high}", golden.image));
                }
                if self.golden.insert(golden.image, golden).is_some() {
                    return Err(format!("image {} has a golden run already", golden.image));
                }
                if file.images == 0 {
                    file.first = golden.image;
                }
                file.images += 1;
                self.head.images += 1;
            }
            LogLine::Injection(LoggedInjection { golden, .. }) => {
                match self.golden.get(&golden.image) {
                    None => return Err(format!("image {} has no golden run before this line", golden.image)),
                    Some(&known) if known != golden => {
                        return Err(format!(
                            "label {} and golden prediction {} are expected, as in the golden run of image {}",
                            known.label, known.golden, golden.image
                        ));
                    }
                    Some(_) => {}
                }
                file.injections += 1;
                self.head.injections += 1;
            }
            LogLine::Blank => {}
        }
        Ok(())
    }

    /// Ends the file.
    ///
    /// # Errors
    /// If the file has no golden run, or another number of them than it states.
    pub fn end(&mut self) -> Result<()> {
        let file = &self.file;
        match file.total {
            _ if file.images == 0 => Err(Error::input(&file.name, "no log of the study: it has no golden run")),
            Some(total) if total != file.images => Err(Error::input(
                &file.name,
                format_args!("\"Total data count {total}\" is stated, but there are {} golden runs", file.images),
            )),
            _ => Ok(()),
        }
    }

    /// Returns the first image of the file, which decides the order of the parts: the stated one, or that of the first
    /// golden run.
    pub fn low(&self) -> usize {
        self.file.part.map_or(self.file.first, |(low, _)| low)
    }

    /// Returns the description of all files together.
    pub fn head(self) -> LogHead {
        self.head
    }
}

#[cfg(test)]
mod tests;
