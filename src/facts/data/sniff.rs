//! What a file is, from its first bytes.

use super::{cifar, idx, npy, unpack};

/// Formats of data sets that their first bytes tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// An array of numpy.
    Npy,
    /// A zip of arrays of numpy.
    Npz,
    /// Another zip.
    Zip,
    /// A tar.
    Tar,
    /// Something packed with gzip.
    Gzip,
    /// A file in MNIST's format.
    Idx,
    /// A pickle of Python.
    Pickle,
}

impl Content {
    /// Bytes of a file that are needed: a tar says only there that it is one.
    pub const HEAD: usize = 512;

    /// What a file is that begins with `head` and has `size` bytes in all; a size that is not known has no say.
    pub fn of(head: &[u8], size: Option<u64>) -> Option<Self> {
        if head.starts_with(npy::MAGIC) {
            Some(Self::Npy)
        } else if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
            // The name of the first file stands behind 30 bytes.
            let length = head.get(26..28).map_or(0, |length| usize::from(u16::from_le_bytes([length[0], length[1]])));
            let array = head.get(30..30 + length).is_some_and(|name| name.ends_with(b".npy"));
            Some(if array { Self::Npz } else { Self::Zip })
        } else if head.starts_with(unpack::GZIP) {
            Some(Self::Gzip)
        } else if head.get(257..262) == Some(b"ustar") {
            Some(Self::Tar)
        } else if cifar::python::is_pickle(head) {
            Some(Self::Pickle)
        } else if idx::recognise(head, size) {
            Some(Self::Idx)
        } else {
            None
        }
    }
}
