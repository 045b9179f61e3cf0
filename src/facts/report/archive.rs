//! The directory of a campaign as a zip, the format in which the page saves it.

use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use super::Origin;
use crate::fault::RECORD_BYTES;
use crate::limits::{self, Lines, Memory, TEXT};
use crate::text::NO_LIST;
use crate::{Error, Result};

/// Names of a campaign's files.
const CONFIG: &str = "config.json";
const RECORDS: &str = "faults.jsonl";
/// Share of the memory that the records may take: they are kept, and a buffer that grows is there twice for a moment.
const SHARE: u64 = 4;

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
        Self::within(name, bytes, limits::allowed())
    }

    /// The same with a limit of its own for what is unpacked.
    fn within(name: &str, bytes: &[u8], memory: Memory) -> Result<Self> {
        let damaged =
            |problem: &dyn std::fmt::Display| Error::input(name, format_args!("not a readable zip: {problem}"));
        let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|_| damaged(&NO_LIST))?;
        let names: Vec<String> = archive.file_names().flatten().map(|name| name.into_owned()).collect();
        let path = |file: &str| {
            let mut found = names.iter().filter(|name| name.rsplit('/').next() == Some(file));
            match (found.next(), found.next()) {
                (Some(path), None) => Ok(path),
                (None, _) => Err(Error::input(name, format_args!("no campaign: there is no {file} in it"))),
                _ => Err(Error::input(name, format_args!("there are several {file} in it; one campaign is expected"))),
            }
        };
        let located = |error: Error| Error::input(name, format_args!("{error}; unzip it and give the folder"));
        let entry = archive.by_name(path(CONFIG)?).map_err(|error| damaged(&error))?;
        let config = memory.unpack(CONFIG, entry, TEXT as u64, 1).map_err(located)?;
        // A configuration that cannot be read is reported by the reader of configurations.
        let longest = match Origin::from_json(name, &config) {
            Ok(origin) => origin.most_line_bytes(),
            Err(_) => RECORD_BYTES,
        };
        let entry = archive.by_name(path(RECORDS)?).map_err(|error| damaged(&error))?;
        let records = memory.unpack(RECORDS, Lines::new(entry, longest), u64::MAX, SHARE).map_err(located)?;
        Ok(Self { config, records })
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
        let config = vec![b' '; TEXT + 1];
        refused(&pack(&[(CONFIG, &config), (RECORDS, b"")]).unwrap(), "config.json is unpacked to more than 64 MiB");
        let spaces = vec![b' '; RECORD_BYTES + 1];
        refused(&pack(&[(CONFIG, b"{}"), (RECORDS, &spaces)]).unwrap(), "line 1 is longer than 64 KiB");
    }

    #[test]
    fn records_are_unpacked_within_the_memory_that_is_allowed() {
        let zip = pack(&[(CONFIG, b"{}"), (RECORDS, &vec![b'\n'; 100_000])]).unwrap();
        Archive::within("a.zip", &zip, Memory::new(400_000)).unwrap();
        let error = Archive::within("a.zip", &zip, Memory::new(399_999)).unwrap_err().to_string();
        assert!(error.starts_with("a.zip: faults.jsonl is unpacked to more than 98 KiB"), "{error}");
        assert!(error.ends_with("unzip it and give the folder"), "{error}");
    }
}
