//! GTSRB, the German Traffic Sign Recognition Benchmark, as it is distributed: images and a table.
//!
//! There are two releases. The authors' own has PPM images and `GT-final_test.csv` (`Filename;Width;Height;Roi.X1;...;
//! ClassId`), Kaggle's has PNG and `Test.csv` (`Width,Height,Roi.X1,...,ClassId,Path`). Columns are found by their names.

use std::path::{Path, PathBuf};

use csv::{ReaderBuilder, StringRecord, Trim};

use super::files::File;
use crate::cli::read;
use crate::{Error, Result};
use facts::text::file_name;

/// The tables that identify a folder as GTSRB, in any case; the first that is there counts.
const TABLES: [&str; 3] = ["Test.csv", "GT-final_test.csv", "Train.csv"];

const CLASSES: usize = 43;
const ROI: [&str; 4] = ["Roi.X1", "Roi.Y1", "Roi.X2", "Roi.Y2"];

/// Returns the table in the folder `path`, if there is one.
pub fn table_in(path: &Path) -> Option<PathBuf> {
    let names: Vec<_> = std::fs::read_dir(path).ok()?.flatten().map(|entry| entry.file_name()).collect();
    let named = |wanted: &&str| names.iter().find(|name| name.eq_ignore_ascii_case(wanted));
    TABLES.iter().filter_map(named).map(|name| path.join(name)).find(|table| table.is_file())
}

/// Lists the images of `table` in its order. Returns the folder to which their paths refer, too. With `roi`, each image
/// is cropped to its sign. The corner (X2, Y2) lies outside the crop, so the sign has the margin that the authors
/// describe.
///
/// # Errors
/// If a column or an image is missing, if a line does not fit the header, or if a class is out of range.
pub fn list(table: &Path, roi: bool) -> Result<(PathBuf, Vec<File>)> {
    let name = table.display().to_string();
    let text = read::text(table)?;
    let head = text.lines().next().unwrap_or_default();
    let delimiter = if head.contains(';') { b';' } else { b',' };
    let mut reader =
        ReaderBuilder::new().delimiter(delimiter).trim(Trim::All).flexible(true).from_reader(text.as_bytes());
    let headers = reader.headers().map_err(|error| unreadable(&name, &error))?.clone();
    let columns = Columns::find(&name, &headers, roi)?;
    let mut root = table.parent().unwrap_or(Path::new("")).to_owned();
    let mut files = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| unreadable(&name, &error))?;
        let line = record.position().map_or(0, csv::Position::line);
        let entry =
            columns.read(&record).map_err(|problem| Error::input(&name, format_args!("line {line}: {problem}")))?;
        if files.is_empty() && !root.join(&entry.path).is_file() && root.join("Images").join(&entry.path).is_file() {
            root.push("Images");
        }
        let path = root.join(&entry.path);
        let metadata = std::fs::metadata(&path)
            .map_err(|_| Error::input(&name, format_args!("line {line}: the image {} is not there", path.display())))?;
        files.push(File { bytes: metadata.len(), ..entry });
    }
    if files.is_empty() {
        return Err(Error::input(name, "expected a table with images, found a header but no images"));
    }
    Ok((root, files))
}

fn unreadable(name: &str, error: &csv::Error) -> Error {
    let line = error.position().map_or_else(String::new, |position| format!("line {}: ", position.line()));
    Error::input(name, format_args!("{line}expected a table in UTF-8"))
}

/// Indices of the columns.
struct Columns {
    path: usize,
    class: usize,
    roi: Option<[usize; 4]>,
}

impl Columns {
    fn find(name: &str, headers: &StringRecord, roi: bool) -> Result<Self> {
        let place = |wanted: &str| headers.iter().position(|header| header == wanted);
        let needed = |wanted: &str| {
            place(wanted).ok_or_else(|| {
                let found: Vec<_> = headers.iter().collect();
                Error::input(
                    name,
                    format_args!(
                        "line 1: the column {wanted} is missing, found {}; tables with labels are {}",
                        found.join(", "),
                        TABLES.join(" and ")
                    ),
                )
            })
        };
        let path = match place("Path") {
            Some(place) => place,
            None => needed("Filename")?,
        };
        let roi = if roi { Some([needed(ROI[0])?, needed(ROI[1])?, needed(ROI[2])?, needed(ROI[3])?]) } else { None };
        Ok(Self { path, class: needed("ClassId")?, roi })
    }

    fn read(&self, record: &StringRecord) -> Result<File, String> {
        let cell = |place: usize, what: &str| {
            record.get(place).ok_or_else(|| format!("it has {} cells, {what} is in cell {}", record.len(), place + 1))
        };
        let number = |place: usize, what: &str| {
            let text = cell(place, what)?;
            text.parse::<usize>().map_err(|_| format!("{what} is \"{text}\", a number is expected"))
        };
        let label = number(self.class, "ClassId")?;
        if label >= CLASSES {
            return Err(format!("ClassId {label} is no class of GTSRB, they are 0 to {}", CLASSES - 1));
        }
        let crop = match self.roi {
            None => None,
            Some(places) => {
                let mut crop = [0; 4];
                for ((edge, place), what) in crop.iter_mut().zip(places).zip(ROI) {
                    *edge = number(place, what)?;
                }
                Some(crop)
            }
        };
        let path = PathBuf::from(file_name(cell(self.path, "the file's name")?));
        Ok(File { path, label: Some(label), bytes: 0, crop })
    }
}

#[cfg(test)]
mod tests;
