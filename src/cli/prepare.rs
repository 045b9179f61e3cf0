//! `faultscope prepare`: decodes, resizes and crops images once.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use facts::limits::{self, PROGRAM};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::args::{ModelArguments, PreprocessArguments, SizingArguments, WriterStatementArguments};
use super::data::prepared::{HEAD, Head, IMAGES, LABELS};
use super::data::{self, Data, DataArguments};
use super::exit::Exit;
use super::failure::Failure;
use super::open::classes;
use super::output::{counted, line, thousands};
use super::write::hexadecimal;
use crate::data::{Normalise, Preprocess, Resize, Sizing};
use crate::{Error, Result};

/// Largest number of images in memory at a time.
const BATCH: usize = 64;

/// Time between two lines about the progress.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Decode, resize and crop images once for many campaigns.
///
/// Writes a folder with the images and their labels as numpy arrays (images.npy, uint8, N x SIZE x SIZE x 3;
/// labels.npy) and prepared.json, which describes their origin. The folder is a valid --data. The images keep their
/// indices and names, and a campaign uses them without another --resize.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The images, as --data of `faultscope campaign`
    data: PathBuf,

    #[command(flatten)]
    reading: DataArguments,

    /// Height and width in pixels: the model's input size
    #[arg(long, value_name = "SIZE")]
    size: usize,

    #[command(flatten)]
    sizing: SizingArguments,

    /// Model with the class names for sub-folders that are named by class and not by number
    #[arg(long)]
    model: Option<String>,

    #[command(flatten)]
    file: ModelArguments,

    #[command(flatten)]
    answer: WriterStatementArguments,

    /// Folder to write; must not exist
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
}

/// Runs the command.
pub fn run(arguments: Arguments) -> Result<Exit, Failure> {
    arguments.file.memory.allow();
    let output = &arguments.output;
    let batch = batch(arguments.size)?;
    let sizing = PreprocessArguments { sizing: arguments.sizing, ..PreprocessArguments::default() };
    let sizing = sizing.choice().over(&Preprocess::known(Normalise::default(), Resize::ShorterSide))?.sizing;
    let scratch = Scratch::create(output)?;
    let classes = classes(arguments.model.as_deref(), &arguments.file, &arguments.answer.into())?;
    let data = data::open(&arguments.data, &arguments.reading, &classes)?;
    let count = data.source.len();
    write(&scratch.path, data, sizing, arguments.size, batch)?;
    scratch.commit(output)?;
    line(&format!("{} are prepared in {}", counted(count, "image"), output.display()))?;
    Ok(Exit::Done)
}

/// A folder beside the final one. It is renamed at the end, so the final folder is complete or does not exist.
struct Scratch {
    path: PathBuf,
    done: bool,
    _lock: Option<File>,
}

impl Scratch {
    fn create(output: &Path) -> Result<Self> {
        let name = output.display().to_string();
        if output.exists() {
            return Err(Error::input(name, "the folder exists already; choose another one with --output"));
        }
        let mut partial = output.file_name().unwrap_or_default().to_owned();
        partial.push(".partial");
        let path = output.with_file_name(partial);
        remove_left(&path);
        fs::create_dir(&path).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => Error::input(
                path.display().to_string(),
                "another `faultscope prepare` is writing here or was stopped; remove the folder if none is running",
            ),
            _ => Error::io(path.display(), error),
        })?;
        // Tells other processes that somebody is writing. Where a folder cannot be locked, a folder that is left must be
        // removed by hand.
        let lock = File::open(&path).ok();
        if let Some(lock) = &lock {
            let _ = lock.try_lock();
        }
        Ok(Self { path, done: false, _lock: lock })
    }

    fn commit(mut self, output: &Path) -> Result<()> {
        fs::rename(&self.path, output).map_err(|error| Error::io(output.display(), error))?;
        self.done = true;
        Ok(())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !self.done {
            // The folder holds incomplete files only, and the cause is reported already.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

/// Returns the number of images of `size` x `size` pixels that half of the memory holds; the other half is for those that
/// are decoded. An image is there as bytes, and while it is resized as numbers of four bytes.
fn batch(size: usize) -> Result<usize> {
    let pixels = (size as u64).saturating_mul(size as u64);
    let each = pixels.saturating_mul(3 * (1 + 4));
    let half = limits::allowed().part(2);
    let what = format!("preparing images of {size} x {size} pixels needs");
    limits::allowed().check(&what, PROGRAM.saturating_add(each.saturating_mul(2)))?;
    let fit = half.bytes().saturating_sub(PROGRAM) / each.max(1);
    Ok(usize::try_from(fit).map_or(BATCH, |fit| fit.clamp(1, BATCH)))
}

/// Removes the folder at `path` if a killed process left it: nobody has locked it, and only files of `prepare` are in it.
fn remove_left(path: &Path) {
    let plain = path.symlink_metadata().is_ok_and(|found| found.is_dir());
    let Some(folder) = File::open(path).ok().filter(|folder| plain && folder.try_lock().is_ok()) else { return };
    let Ok(entries) = fs::read_dir(path) else { return };
    let ours = |entry: fs::DirEntry| {
        [HEAD, IMAGES, LABELS].iter().any(|file| entry.file_name().to_string_lossy().starts_with(file))
    };
    if entries.flatten().all(ours) {
        let _ = fs::remove_dir_all(path);
    }
    drop(folder);
}

/// Writes the three files into `folder`.
fn write(folder: &Path, data: Data, sizing: Sizing, size: usize, at_a_time: usize) -> Result<()> {
    let Data { source, origin, .. } = data;
    let count = source.len();
    let mut images = Array::create(&folder.join(IMAGES), "|u1", &format!("({count}, {size}, {size}, 3)"))?;
    let mut told = Instant::now();
    for start in (0..count).step_by(at_a_time) {
        let batch: Vec<Vec<u8>> = (start..(start + at_a_time).min(count))
            .into_par_iter()
            .map(|index| {
                let image = source.image(index)?;
                let resized = sizing.apply(&image, size, size).map_err(|error| error.concerning(source.name(index)))?;
                Ok(resized.into_owned())
            })
            .collect::<Result<_>>()?;
        batch.iter().try_for_each(|pixels| images.write(pixels))?;
        if told.elapsed() >= LINE_EVERY {
            told = Instant::now();
            eprintln!("{} of {}", thousands(start + batch.len()), counted(count, "image"));
        }
    }
    let images_sha256 = images.finish()?;
    // A source has the labels of all images or of none.
    let labels: Option<Vec<usize>> = (0..count).map(|index| source.label(index)).collect();
    let labels_sha256 = match labels {
        Some(labels) => {
            let mut array = Array::create(&folder.join(LABELS), "<i8", &format!("({count},)"))?;
            labels.iter().try_for_each(|&label| array.write(&(label as u64).to_le_bytes()))?;
            Some(array.finish()?)
        }
        None => None,
    };
    let Sizing { resize, filter, antialias, crop } = sizing;
    let head = Head {
        faultscope: env!("CARGO_PKG_VERSION").to_owned(),
        data: origin,
        resize,
        filter,
        antialias,
        crop,
        size,
        images_sha256,
        labels_sha256,
        names: (0..count).map(|index| source.name(index)).collect(),
    };
    let path = folder.join(HEAD);
    let failed = |error| Error::io(path.display(), error);
    let text = serde_json::to_string_pretty(&head).map_err(|error| failed(error.into()))?;
    let written = File::create(&path).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()
    });
    written.map_err(failed)
}

/// An `.npy` file in progress, with the hash of its bytes.
struct Array {
    name: String,
    file: BufWriter<File>,
    hash: Sha256,
}

impl Array {
    fn create(path: &Path, descr: &str, shape: &str) -> Result<Self> {
        let name = path.display().to_string();
        let file = File::create_new(path).map_err(|error| Error::io(&name, error))?;
        let mut array = Self { name, file: BufWriter::new(file), hash: Sha256::new() };
        array.write(&npy_header(descr, shape))?;
        Ok(array)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.hash.update(bytes);
        self.file.write_all(bytes).map_err(|error| Error::io(&self.name, error))
    }

    /// Writes the file to the disk and returns its SHA-256.
    fn finish(mut self) -> Result<String> {
        let synced = self.file.flush().and_then(|()| self.file.get_ref().sync_all());
        synced.map_err(|error| Error::io(&self.name, error))?;
        Ok(hexadecimal(&self.hash.finalize()))
    }
}

/// Returns the header of an `.npy` file of version 1.0, padded to 64 bytes as numpy does.
fn npy_header(descr: &str, shape: &str) -> Vec<u8> {
    let mut text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    let unpadded = 10 + text.len() + 1;
    text.extend(std::iter::repeat_n(' ', unpadded.next_multiple_of(64) - unpadded));
    text.push('\n');
    let mut bytes = b"\x93NUMPY\x01\0".to_vec();
    bytes.extend((text.len() as u16).to_le_bytes());
    bytes.extend(text.bytes());
    bytes
}
