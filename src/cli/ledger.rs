//! The identity of a campaign's images, where each is a file of its own.
//!
//! `data.tsv` is the list of all images as they were at the campaign's beginning: the text that `data.sha256` of config.json
//! is the hash of. `images.jsonl` has a line for each image that was used, with the SHA-256 of its bytes, made when they
//! were decoded, and the size and time by which a resumed campaign knows without reading it that a file is still the same.
//! A line is written before the records of its image.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{BufRead as _, BufReader, ErrorKind, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use super::data::Files;
use super::journal;
use super::place;
use super::read;
use super::write::{self, Existing, sha256};
use crate::data::{FileContent, ImageSource as _, UsedImage};
use crate::{Error, Result};

/// The file with the images that were used.
pub const USED: &str = "images.jsonl";
/// The file with the list of all images.
pub const LIST: &str = "data.tsv";

/// `images.jsonl`, open for writing by this process alone.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    file: File,
    files: Arc<Files>,
    /// The last line of each image.
    known: HashMap<usize, UsedImage>,
    /// The images that have records of an earlier process.
    recorded: HashSet<usize>,
}

impl Ledger {
    /// Opens the ledger of the campaign in `directory`, and writes the list of `files`, if they are not there. An incomplete
    /// last line is cut off. The images `recorded` have records already. Others may be replaced if bad images are skipped
    /// (`skips`).
    ///
    /// # Errors
    /// If the ledger is damaged, if an image is another one now, or if the operating system refuses.
    pub fn open(directory: &Path, files: &Arc<Files>, recorded: HashSet<usize>, skips: bool) -> Result<Self> {
        let list = directory.join(LIST);
        if !place::check_regular(&list)? {
            write::atomically(&list, files.list().as_bytes(), Existing::Keep)?;
        }
        let path = directory.join(USED);
        let mut file = journal::lock(&path, true)?;
        let failed = |error| Error::io(path.display(), error);
        let mut known = HashMap::new();
        let whole = read_used(&path, &file, |used, _| {
            known.insert(used.image, used);
            Ok(())
        })?;
        file.set_len(whole).and_then(|()| file.seek(SeekFrom::Start(whole))).map_err(failed)?;
        let mut ledger = Self { path, file, files: Arc::clone(files), known, recorded };
        ledger.check_all(skips)?;
        ledger.add_missing()?;
        Ok(ledger)
    }

    /// Checks that the images are those that were used before, or only those with records if others may be replaced. A file
    /// of the same size and time is not read again.
    fn check_all(&mut self, skips: bool) -> Result<()> {
        let fixed = |used: &&UsedImage| !skips || self.recorded.contains(&used.image);
        let used: Vec<&UsedImage> = self.known.values().filter(fixed).collect();
        let checked: Vec<Option<UsedImage>> = used.par_iter().map(|used| self.check(used)).collect::<Result<_>>()?;
        let mut again: Vec<UsedImage> = checked.into_iter().flatten().collect();
        again.sort_by_key(|used| used.image);
        again.into_iter().try_for_each(|used| self.write(used))
    }

    /// Writes down the images with records that have no line, because an older version has made the records.
    fn add_missing(&mut self) -> Result<()> {
        let mut missing: Vec<usize> =
            self.recorded.iter().copied().filter(|image| !self.known.contains_key(image)).collect();
        missing.sort_unstable();
        let read = |&image: &usize| {
            let content = self.files.read_again(image)?;
            Ok(UsedImage { image, name: self.files.short_name(image), content })
        };
        let read: Vec<UsedImage> = missing.par_iter().map(read).collect::<Result<_>>()?;
        read.into_iter().try_for_each(|used| self.write(used))
    }

    /// Checks an image. Returns its new line if its file has another time and the same content.
    fn check(&self, used: &UsedImage) -> Result<Option<UsedImage>> {
        let name = self.files.name(used.image);
        if self.files.short_name(used.image) != used.name {
            let problem = format_args!("image {} is {} in it, and {name} in the data", used.image, used.name);
            return Err(Error::input(self.path.display().to_string(), problem));
        }
        let missing = |error: Error| match error {
            Error::Io { source, .. } if source.kind() == ErrorKind::NotFound => {
                Error::input(&name, "the image is missing, and the campaign has used it; put it back to go on")
            }
            other => other,
        };
        let now = self.files.state(used.image).map_err(missing)?;
        let same = |content: &FileContent| {
            content.modified.is_some() && (content.bytes, content.modified) == (now.bytes, now.modified)
        };
        if same(&used.content) {
            return Ok(None);
        }
        let now = self.files.read_again(used.image).map_err(missing)?;
        if now.sha256 == used.content.sha256 {
            return Ok(Some(UsedImage { content: now, ..used.clone() }));
        }
        Err(Error::input(
            name,
            format_args!(
                "the image is not the one that the campaign has used: SHA-256 {} is expected, found {}; restore it to go on, or \
                 begin another campaign with another --out",
                used.content.sha256, now.sha256
            ),
        ))
    }

    /// Writes down the content of `image`, which was just used.
    ///
    /// # Errors
    /// If it has records that were made from another content, or if the operating system refuses.
    pub fn note(&mut self, image: usize) -> Result<()> {
        let Some(content) = self.files.content(image) else { return Ok(()) };
        match self.known.get(&image) {
            Some(known) if known.content.sha256 == content.sha256 => Ok(()),
            Some(_) if self.recorded.contains(&image) => {
                let problem = "the image was changed while the campaign used it; restore it to go on";
                Err(Error::input(self.files.name(image), problem))
            }
            _ => self.write(UsedImage { image, name: self.files.short_name(image), content }),
        }
    }

    fn write(&mut self, used: UsedImage) -> Result<()> {
        let mut line = serde_json::to_vec(&used).map_err(|error| Error::io(self.path.display(), error.into()))?;
        line.push(b'\n');
        self.file.write_all(&line).map_err(|error| Error::io(self.path.display(), error))?;
        self.known.insert(used.image, used);
        Ok(())
    }

    /// Writes all lines to the disk.
    ///
    /// # Errors
    /// If the operating system refuses.
    pub fn sync(&self) -> Result<()> {
        self.file.sync_data().map_err(|error| Error::io(self.path.display(), error))
    }
}

/// Reads the lines of `file`, which is at `path`. Returns the number of bytes up to the end of the last whole line.
fn read_used(path: &Path, file: &File, mut take: impl FnMut(UsedImage, &[u8]) -> Result<()>) -> Result<u64> {
    /// Most bytes of a line: a path, with JSON's escapes, and numbers.
    const MOST: u64 = 64 << 10;
    let failed = |error| Error::io(path.display(), error);
    let (mut lines, mut line, mut whole) = (BufReader::new(file), Vec::new(), 0);
    for number in 1u64.. {
        line.clear();
        let length = std::io::Read::take(&mut lines, MOST).read_until(b'\n', &mut line).map_err(failed)?;
        let last = lines.fill_buf().map_err(failed)?.is_empty();
        match serde_json::from_slice(&line) {
            Ok(used) if line.ends_with(b"\n") => take(used, &line)?,
            _ if last => break,
            Ok(_) => return Err(damaged(path, number, &"a line without an end")),
            Err(error) => return Err(damaged(path, number, &error)),
        }
        whole += length as u64;
    }
    Ok(whole)
}

fn damaged(path: &Path, number: u64, problem: &dyn std::fmt::Display) -> Error {
    Error::input(
        path.display().to_string(),
        format_args!("line {number}: expected an image that was used: {problem}; restore the file from a copy"),
    )
}

/// Returns the list of images of the campaign in `directory`, whose hash is `expected`, with its path. A campaign whose data
/// are no files of their own has none, and so has one that an older version made.
///
/// # Errors
/// If the list is another one.
pub fn list(directory: &Path, expected: &str) -> Result<Option<(String, String)>> {
    let path = directory.join(LIST);
    if !place::check_regular(&path)? {
        return Ok(None);
    }
    let (name, bytes) = (path.display().to_string(), read::bytes(&path)?);
    match String::from_utf8(bytes) {
        Ok(list) if sha256(list.as_bytes()) == expected => Ok(Some((name, list))),
        _ => Err(Error::input(
            name,
            "the list of images is not the one that config.json has the hash of (data.sha256); restore it from a copy, or \
             remove it if no image was removed or changed since the campaign began",
        )),
    }
}

/// Joins the lists and ledgers of the shards in `folders` to those of the campaign in `out`. `expected` is the hash of the list.
///
/// # Errors
/// If a ledger is damaged, or two shards have used different images under one index.
pub fn merge(folders: &[&Path], expected: &str, out: &Path) -> Result<()> {
    let mut lists = folders.iter().filter_map(|folder| list(folder, expected).transpose());
    if let Some((_, list)) = lists.next().transpose()? {
        write::atomically(&out.join(LIST), list.as_bytes(), Existing::Keep)?;
    }
    lists.try_for_each(|list| list.map(drop))?;
    let paths: Vec<PathBuf> = folders.iter().map(|folder| folder.join(USED)).collect();
    if !paths
        .iter()
        .map(|path| place::check_regular(path))
        .try_fold(false, |any, there| there.map(|there| any | there))?
    {
        return Ok(());
    }
    let mut known: HashMap<usize, (String, String, PathBuf)> = HashMap::new();
    write::streamed(&out.join(USED), Existing::Keep, |merged| {
        for path in paths.iter().filter(|path| path.is_file()) {
            let file = File::open(path).map_err(|error| Error::io(path.display(), error))?;
            read_used(path, &file, |used, line| {
                let found = (used.name, used.content.sha256);
                if let Some((name, sha256, other)) = known.get(&used.image)
                    && (name, sha256) != (&found.0, &found.1)
                    && other != path
                {
                    return Err(Error::input(
                        path.display().to_string(),
                        format_args!(
                            "image {}, {}, is another one than in {}: the shards were made from different data",
                            used.image,
                            found.0,
                            other.display()
                        ),
                    ));
                }
                known.insert(used.image, (found.0, found.1, path.clone()));
                merged.write_all(line).map_err(|error| Error::io("the merged list of images", error))
            })?;
        }
        Ok(())
    })
}
