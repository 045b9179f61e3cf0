//! Files of many images, of which a few bytes are read at a time.

use std::fs;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use flate2::bufread::GzDecoder;
use tar::Archive;

use crate::data::ReadAt;
use crate::{Error, Result};

/// A file on disk.
#[derive(Debug)]
pub struct OnDisk {
    file: Mutex<fs::File>,
    size: u64,
}

impl OnDisk {
    pub fn open(path: &Path) -> Result<Self> {
        let open = || {
            let file = fs::File::open(path)?;
            Ok(Self { size: file.metadata()?.len(), file: Mutex::new(file) })
        };
        open().map_err(|error| Error::io(path.display(), error))
    }
}

impl ReadAt for OnDisk {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_exact_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(offset))?;
        file.read_exact(into)
    }
}

type Decoder = GzDecoder<io::BufReader<fs::File>>;

/// A file in a `.tar.gz`. It is read forwards, as images are used; going back starts again at the beginning.
#[derive(Debug)]
pub struct Member {
    archive: PathBuf,
    /// Where it begins in the archive, unpacked.
    start: u64,
    size: u64,
    stream: Mutex<(Decoder, u64)>,
}

impl Member {
    /// Looks in `archive` for the first file that is called one of `names`; also gives the name.
    ///
    /// # Errors
    /// Where there is none, or the archive is damaged.
    pub fn open<'a>(archive: &Path, names: &[&'a str]) -> Result<(Self, &'a str)> {
        let shown = archive.display().to_string();
        let damaged = |error: io::Error| {
            Error::input(&shown, format_args!("the archive is no whole .tar.gz: {}", describe(&error)))
        };
        let mut others = Vec::new();
        for entry in Archive::new(decoder(archive)?).entries().map_err(damaged)? {
            let entry = entry.map_err(damaged)?;
            let path = entry.path().map_err(damaged)?;
            let file = path.file_name().unwrap_or_default();
            if let Some(name) = names.iter().find(|&&name| file == name) {
                let (start, size) = (entry.raw_file_position(), entry.size());
                let stream = Mutex::new((decoder(archive)?, 0));
                return Ok((Self { archive: archive.to_owned(), start, size, stream }, name));
            }
            others.push(path.display().to_string());
        }
        Err(Error::input(
            &shown,
            format_args!("the archive has no {}; it holds {}", names.join(" or "), shortened(&others)),
        ))
    }
}

fn decoder(archive: &Path) -> Result<Decoder> {
    let file = fs::File::open(archive).map_err(|error| Error::io(archive.display(), error))?;
    Ok(GzDecoder::new(io::BufReader::new(file)))
}

fn describe(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "it is cut short",
        _ => "it is damaged, or something else",
    }
}

fn shortened(names: &[String]) -> String {
    const SHOWN: usize = 10;
    match names.len() {
        0 => "nothing".to_owned(),
        1..=SHOWN => names.join(", "),
        count => format!("{} and {} more", names[..SHOWN].join(", "), count - SHOWN),
    }
}

impl ReadAt for Member {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_exact_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        let begin = self.start + offset;
        let mut stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
        let (decoder, position) = &mut *stream;
        if begin < *position {
            *decoder = GzDecoder::new(io::BufReader::new(fs::File::open(&self.archive)?));
            *position = 0;
        }
        let skipped = io::copy(&mut decoder.by_ref().take(begin - *position), &mut io::sink());
        // Where something fails half-way, the next call starts again.
        let read = skipped.and_then(|_| decoder.read_exact(into));
        *position = if read.is_ok() { begin + into.len() as u64 } else { u64::MAX };
        read
    }
}

#[cfg(test)]
mod tests;
