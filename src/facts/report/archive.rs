//! The directory of a campaign as a zip, the format in which the page saves it.

use std::io::{Cursor, Read, Write};

use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use crate::{Error, Result};

/// Names of a campaign's files.
const CONFIG: &str = "config.json";
const RECORDS: &str = "faults.jsonl";
/// Largest size of a configuration, and of the records, in bytes. An archive of a few bytes can claim any size.
const MOST_CONFIG: u64 = 64 << 20;
const MOST_RECORDS: u64 = 1 << 30;

/// The content of a campaign's archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archive {
    /// `config.json`.
    pub config: Vec<u8>,
    /// `faults.jsonl`.
    pub records: Vec<u8>,
}

impl Archive {
    /// Opens the zip in `bytes`. Messages call it `name`. The files can be in a folder of the zip.
    ///
    /// # Errors
    /// If the bytes are not a zip, or the zip has no campaign.
    pub fn open(name: &str, bytes: &[u8]) -> Result<Self> {
        let damaged =
            |problem: &dyn std::fmt::Display| Error::input(name, format_args!("not a readable zip: {problem}"));
        let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| damaged(&error))?;
        let names: Vec<String> = archive.file_names().flatten().map(|name| name.into_owned()).collect();
        let mut read = |file: &str, most: u64| {
            let mut found = names.iter().filter(|name| name.rsplit('/').next() == Some(file));
            let path = match (found.next(), found.next()) {
                (Some(path), None) => path,
                (None, _) => return Err(Error::input(name, format_args!("no campaign: there is no {file} in it"))),
                _ => {
                    return Err(Error::input(
                        name,
                        format_args!("there are several {file} in it; one campaign is expected"),
                    ));
                }
            };
            let entry = archive.by_name(path).map_err(|error| damaged(&error))?;
            let mut bytes = Vec::new();
            entry.take(most + 1).read_to_end(&mut bytes).map_err(|error| damaged(&error))?;
            if bytes.len() as u64 > most {
                return Err(Error::input(
                    name,
                    format_args!("{file} in it is larger than {} MiB; unzip it and give the folder", most >> 20),
                ));
            }
            Ok(bytes)
        };
        Ok(Self { config: read(CONFIG, MOST_CONFIG)?, records: read(RECORDS, MOST_RECORDS)? })
    }
}

/// Packs `files`, each with its name, into a zip.
///
/// # Errors
/// If the files are too large for a zip.
pub fn pack(files: &[(&str, &[u8])]) -> Result<Vec<u8>> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let failed = |problem: &dyn std::fmt::Display| Error::request(format_args!("the zip cannot be written: {problem}"));
    for (name, bytes) in files {
        archive.start_file(*name, SimpleFileOptions::default()).map_err(|error| failed(&error))?;
        archive.write_all(bytes).map_err(|error| failed(&error))?;
    }
    Ok(archive.finish().map_err(|error| failed(&error))?.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_out_again_also_from_a_folder() {
        for folder in ["", "my-campaign/"] {
            let [config, records, other] = [CONFIG, RECORDS, "summary.json"].map(|file| format!("{folder}{file}"));
            let zip = pack(&[(&config, b"{}"), (&records, b"a\nb\n"), (&other, b"[]")]).unwrap();
            let found = Archive::open("a.zip", &zip).unwrap();
            assert_eq!(found, Archive { config: b"{}".to_vec(), records: b"a\nb\n".to_vec() });
        }
    }

    #[test]
    fn a_hostile_archive_is_refused_with_its_reason() {
        let refused = |bytes: &[u8], part: &str| {
            let error = Archive::open("a.zip", bytes).unwrap_err().to_string();
            assert!(error.starts_with("a.zip: ") && error.contains(part), "{error}");
        };
        refused(b"", "zip");
        refused(&[0x50; 100], "zip");
        refused(&pack(&[("config.json", b"{}")]).unwrap(), "there is no faults.jsonl");
        refused(
            &pack(&[("a/faults.jsonl", b""), ("b/faults.jsonl", b""), (CONFIG, b"")]).unwrap(),
            "several faults.jsonl",
        );
        let whole = pack(&[(CONFIG, b"{}"), (RECORDS, b"")]).unwrap();
        refused(&whole[..whole.len() / 2], "zip");
        let bomb = vec![b' '; (MOST_CONFIG + 1) as usize];
        refused(&pack(&[(CONFIG, &bomb), (RECORDS, b"")]).unwrap(), "larger than 64 MiB");
    }
}
