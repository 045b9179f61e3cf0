//! Files with many images, of which a few bytes are read at a time.

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

/// Number of unpacked bytes that are kept after use. Several threads request images in nearly ascending order.
const KEPT: usize = 4 << 20;

/// Number of bytes that are unpacked at a time.
const CHUNK: usize = 1 << 16;

/// A file in a `.tar.gz`. It is unpacked forwards, as images are used. A step back by more than [`KEPT`] bytes starts
/// again at the beginning.
#[derive(Debug)]
pub struct Member {
    archive: PathBuf,
    /// Offset of the file in the unpacked archive.
    start: u64,
    size: u64,
    stream: Mutex<Option<Stream>>,
}

/// An archive in the process of unpacking.
#[derive(Debug)]
struct Stream {
    decoder: Decoder,
    /// The last unpacked bytes. The first is at offset `start`.
    recent: Vec<u8>,
    start: u64,
}

impl Member {
    /// Opens the first file in `archive` with one of the `names`. Returns the name, too; `None` if there is none.
    ///
    /// # Errors
    /// If the archive is damaged.
    pub fn find<'a>(archive: &Path, names: &[&'a str]) -> Result<Option<(Self, &'a str)>> {
        let shown = archive.display().to_string();
        let damaged =
            |error: io::Error| Error::input(&shown, format_args!("expected a complete .tar.gz: {}", describe(&error)));
        for entry in
            Archive::new(decoder(archive).map_err(|error| Error::io(&shown, error))?).entries().map_err(damaged)?
        {
            let entry = entry.map_err(damaged)?;
            let path = entry.path().map_err(damaged)?;
            let file = path.file_name().unwrap_or_default();
            if let Some(name) = names.iter().find(|&&name| file == name) {
                let (start, size) = (entry.raw_file_position(), entry.size());
                return Ok(Some((Self { archive: archive.to_owned(), start, size, stream: Mutex::new(None) }, name)));
            }
        }
        Ok(None)
    }
}

fn decoder(archive: &Path) -> io::Result<Decoder> {
    Ok(GzDecoder::new(io::BufReader::new(fs::File::open(archive)?)))
}

fn describe(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "the file ends too early",
        _ => "the file is damaged, or has another format",
    }
}

impl ReadAt for Member {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_exact_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        let begin = self.start + offset;
        let mut stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
        // If unpacking fails, the next call starts again.
        let mut current = match stream.take() {
            Some(current) if current.start <= begin => current,
            _ => Stream { decoder: decoder(&self.archive)?, recent: Vec::new(), start: 0 },
        };
        current.read(begin, into)?;
        *stream = Some(current);
        Ok(())
    }
}

impl Stream {
    /// Fills `into` with the bytes from `begin` on. The byte at `begin` must not be before the kept ones.
    fn read(&mut self, begin: u64, into: &mut [u8]) -> io::Result<()> {
        let end = begin + into.len() as u64;
        while self.start + (self.recent.len() as u64) < end {
            let old = self.recent.len();
            if self.decoder.by_ref().take(CHUNK as u64).read_to_end(&mut self.recent)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if old > 2 * KEPT {
                let surplus = (old - KEPT).min(usize::try_from(begin - self.start).unwrap_or(usize::MAX));
                self.recent.drain(..surplus);
                self.start += surplus as u64;
            }
        }
        let at = (begin - self.start) as usize;
        into.copy_from_slice(&self.recent[at..][..into.len()]);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
