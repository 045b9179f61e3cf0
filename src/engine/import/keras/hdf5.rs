//! HDF5 as Keras uses it: groups, lists of names in attributes, float tensors.

use std::cell::Cell;

use facts::graph::{HostTensor, elements};
use facts::limits::{self, shown_bytes};
use facts::{Error, Result};
use half::f16;
use hdf5_pure::{AttrValue, DType, Dataset, Datatype, DatatypeByteOrder, File, Group, Layout};

/// A tensor may be stored compressed, but all together are not larger than this many times the file: a small hostile
/// file cannot make us fill the memory.
const MAX_EXPANSION: usize = 64;
/// So that the smallest files, which are mostly zeros, pass.
const SMALL: usize = 1 << 20;

/// A chunk may be larger than its tensor, where that could grow, but not by more than this many times.
const CHUNK_EXPANSION: u64 = 4;

/// Most lists of groups that are read: a damaged file may have groups that contain each other, and Keras' largest
/// models have a few thousand.
const MAX_LISTS: usize = 100_000;

/// An open HDF5 file.
pub(super) struct Store {
    file: File,
    /// Bytes of tensors that may still be read.
    budget: Cell<usize>,
    /// Lists of groups that may still be read.
    lists: Cell<usize>,
    /// Whether a tensor of float16 was read.
    halves: Cell<bool>,
}

/// Whether elements of this type are IEEE 754's numbers of 16 bits, as numpy writes them.
fn is_half(found: &Datatype) -> bool {
    let Datatype::FloatingPoint { size: 2, byte_order: DatatypeByteOrder::LittleEndian, layout } = found else {
        return false;
    };
    (layout.exponent_location, layout.exponent_size, layout.mantissa_size) == (10, 5, 10)
}

impl Store {
    /// Opens the file in `bytes`.
    ///
    /// # Errors
    /// Where they are none, or a damaged one.
    pub fn open(bytes: Vec<u8>) -> Result<Self> {
        let length = bytes.len();
        let budget = Cell::new(length.saturating_mul(MAX_EXPANSION).max(SMALL));
        let file = File::from_bytes(bytes)
            .map_err(|error| Error::request(format_args!("not an HDF5 file, or a damaged one: {error}")))?;
        let stated = file.superblock().eof_address;
        if stated > length as u64 {
            return Err(Error::request(format_args!(
                "the HDF5 file is cut short: it is {length} bytes long and says that it has {stated}"
            )));
        }
        Ok(Self { file, budget, lists: Cell::new(MAX_LISTS), halves: Cell::new(false) })
    }

    /// Whether a tensor of float16 was read.
    pub fn has_halves(&self) -> bool {
        self.halves.get()
    }

    /// The string in attribute `name` of the group at `path`, where there is one.
    pub fn text(&self, path: &str, name: &str) -> Result<Option<String>> {
        Ok(self.attribute(path, name)?.and_then(|value| value.as_str().map(str::to_owned)))
    }

    /// The list of strings in attribute `name` of the group at `path`. Keras cuts long lists into attributes `name0`,
    /// `name1` and so on; `None` where there is neither.
    pub fn names(&self, path: &str, name: &str) -> Result<Option<Vec<String>>> {
        // An empty list has no strings: Keras leaves it as an empty array of numbers.
        let strings = |value: AttrValue| value.as_strings().unwrap_or_default().to_vec();
        if let Some(value) = self.attribute(path, name)? {
            return Ok(Some(strings(value)));
        }
        let mut parts = None;
        for chunk in 0.. {
            let Some(part) = self.attribute(path, &format!("{name}{chunk}"))? else { break };
            parts.get_or_insert_with(Vec::new).extend(strings(part));
        }
        Ok(parts)
    }

    /// Names of the groups in the group at `path`.
    pub fn groups(&self, path: &str) -> Result<Vec<String>> {
        let left = self.lists.get().checked_sub(1);
        self.lists.set(left.ok_or_else(|| Error::request("the groups of the HDF5 file go round in circles"))?);
        self.group(path)?.groups().map_err(|error| damaged(path, &error))
    }

    /// Names of the tensors in the group at `path`.
    pub fn tensors(&self, path: &str) -> Result<Vec<String>> {
        self.group(path)?.datasets().map_err(|error| damaged(path, &error))
    }

    /// Whether there is a group at `path`.
    pub fn has_group(&self, path: &str) -> bool {
        self.file.group(path).is_ok()
    }

    /// Shape of the tensor at `path`.
    pub fn shape(&self, path: &str) -> Result<Vec<usize>> {
        let dataset = self.file.dataset(path).map_err(|error| damaged(path, &error))?;
        let shape = dataset.shape().map_err(|error| damaged(path, &error))?;
        shape.into_iter().map(|length| usize::try_from(length).map_err(|_| too_large(path))).collect()
    }

    /// The tensor at `path`, as float32.
    pub fn tensor(&self, path: &str) -> Result<HostTensor> {
        let shape = self.shape(path)?;
        let bytes = elements(&shape).and_then(|count| count.checked_mul(4)).ok_or_else(|| too_large(path))?;
        let left = self.budget.get().checked_sub(bytes).ok_or_else(|| too_large(path))?;
        self.budget.set(left);
        let dataset = self.file.dataset(path).map_err(|error| damaged(path, &error))?;
        self.check_storage(path, &dataset, bytes as u64)?;
        let data = match dataset.dtype().map_err(|error| damaged(path, &error))? {
            DType::F32 | DType::F64 => dataset.read_f32().map_err(|error| damaged(path, &error))?,
            DType::Other(found) if is_half(&found) => {
                self.halves.set(true);
                let raw = dataset.read_raw().map_err(|error| damaged(path, &error))?;
                raw.chunks_exact(2).map(|bytes| f16::from_le_bytes([bytes[0], bytes[1]]).to_f32()).collect()
            }
            found => {
                return Err(damaged(
                    path,
                    &format_args!("its elements are of type {found}; float16, float32 and float64 are read"),
                ));
            }
        };
        HostTensor::new(shape, data).map_err(|error| damaged(path, &error))
    }

    /// Checks that reading the `bytes` of a tensor unpacks not much more: the library unpacks a chunk as a whole, of
    /// whatever size the file declares.
    fn check_storage(&self, path: &str, dataset: &Dataset, bytes: u64) -> Result<()> {
        let chunk = match dataset.layout().map_err(|error| damaged(path, &error))? {
            Layout::Compact { .. } | Layout::Contiguous { .. } => return Ok(()),
            Layout::Chunked { chunk_shape, .. } => {
                let element = dataset.element_size().map_err(|error| damaged(path, &error))?;
                chunk_shape.iter().try_fold(element, |size, &length| size.checked_mul(length))
            }
            _ => return Err(damaged(path, &"its elements are in other datasets")),
        };
        let most = bytes.saturating_mul(CHUNK_EXPANSION).max(SMALL as u64);
        let memory = limits::allowed();
        match chunk {
            Some(chunk) if chunk <= most => {
                memory.check(&format!("unpacking \"{path}\" needs"), chunk.saturating_mul(2))
            }
            Some(chunk) => Err(damaged(
                path,
                &format_args!(
                    "it is stored in chunks of {}, for a tensor of {}",
                    shown_bytes(chunk),
                    shown_bytes(bytes)
                ),
            )),
            None => Err(damaged(path, &"it is stored in chunks of an impossible size")),
        }
    }

    fn group(&self, path: &str) -> Result<Group> {
        match path {
            "" => Ok(self.file.root()),
            _ => self.file.group(path).map_err(|error| damaged(path, &error)),
        }
    }

    fn attribute(&self, path: &str, name: &str) -> Result<Option<AttrValue>> {
        let mut attributes = self.group(path)?.attrs().map_err(|error| damaged(path, &error))?;
        Ok(attributes.remove(name))
    }
}

fn damaged(path: &str, error: &dyn std::fmt::Display) -> Error {
    Error::request(format_args!("\"{path}\" in the HDF5 file cannot be read: {error}"))
}

fn too_large(path: &str) -> Error {
    Error::request(format_args!("the tensor \"{path}\" claims to be larger than the file could hold"))
}
