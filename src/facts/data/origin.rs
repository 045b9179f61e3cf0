//! Where a data set is from, in the words that results keep of it.

use crate::named::{Name, Named};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What a data set is kept as (names of `--data-format`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DataFormat {
    /// Images in files: a sub-folder a class, or labels in the files' names or in a list.
    Folder,
    /// Two numpy arrays, images and labels; the shape tells whether channels come first or last.
    Npy,
    /// Two numpy arrays, N x H x W x C where the shape could be read both ways.
    NpyNhwc,
    /// Two numpy arrays, N x C x H x W where the shape could be read both ways.
    NpyNchw,
    /// CIFAR-10's binary or Python version, plain or in its archive.
    Cifar10,
    /// CIFAR-100's binary or Python version, plain or in its archive.
    Cifar100,
    /// GTSRB as it is distributed: images and a table of them.
    Gtsrb,
    /// The validation images of ILSVRC 2012, with its development kit.
    Imagenet,
    /// What `faultscope prepare` writes.
    Prepared,
    /// Arrays of numpy in one `.npz` file.
    Npz,
    /// Files in MNIST's format: one of images, one of labels.
    Idx,
    /// A `.tar`, `.tar.gz` or `.zip` of images, a folder a class.
    Archive,
}

impl Named for DataFormat {
    const ALL: &'static [(Self, Name)] = &[
        (
            Self::Folder,
            Name::new(
                "folder",
                "Images in files",
                "images in files: a sub-folder a class, or called NAME_NN_LABEL.ext, or with --labels",
            ),
        ),
        (Self::Npy, Name::new("npy", "Arrays", "arrays of images and labels; the shape tells where the channels are")),
        (
            Self::NpyNhwc,
            Name::new("npy-nhwc", "Arrays, N x H x W x C", "N x H x W x C, where the shape can be read both ways"),
        ),
        (
            Self::NpyNchw,
            Name::new("npy-nchw", "Arrays, N x C x H x W", "N x C x H x W, where the shape can be read both ways"),
        ),
        (
            Self::Cifar10,
            Name::new("cifar10", "CIFAR-10", "CIFAR-10, a file of its binary or Python version, or its .tar.gz"),
        ),
        (
            Self::Cifar100,
            Name::new("cifar100", "CIFAR-100", "CIFAR-100, a file of its binary or Python version, or its .tar.gz"),
        ),
        (
            Self::Gtsrb,
            Name::new("gtsrb", "GTSRB", "GTSRB: a folder with Test.csv or GT-final_test.csv, or such a table"),
        ),
        (Self::Imagenet, Name::new("imagenet", "ImageNet", "the validation images of ILSVRC 2012, with --devkit")),
        (Self::Prepared, Name::new("prepared", "Prepared", "what `faultscope prepare` writes")),
        (Self::Npz, Name::new("npz", "Arrays in one file", "an .npz file with an array of images and one of labels")),
        (Self::Idx, Name::new("idx", "MNIST", "MNIST's format, plain or .gz, with the file of labels beside it")),
        (
            Self::Archive,
            Name::new("archive", "Images in an archive", "a .tar, .tar.gz or .zip of images: a folder a class"),
        ),
    ];
}

/// Which images a result was made on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataSource {
    /// Folder, array file, list or archive.
    pub path: String,
    /// What it is.
    pub format: DataFormat,
    /// File of labels, where they are apart.
    pub labels: Option<String>,
    /// Development kit that labels ImageNet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub devkit: Option<String>,
    /// Whether the images are cropped to the sign (GTSRB's Roi columns).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub roi: bool,
    /// The rule that gave the images their labels, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labelled: Option<String>,
    /// What was added to each label.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub label_shift: isize,
    /// Images in it; a campaign may use some of them only.
    pub images: usize,
    /// SHA-256, in hexadecimal, of what tells the data set from another one. Arrays, and
    /// MNIST's files: the line "IMAGES LABELS" with the SHA-256 of both files. CIFAR, `.npz`: the file, or the archive. Images
    /// in an archive: the archive. Images in files of their own: their list, a line "NAME tab
    /// LABEL tab BYTES" for each, and with a crop " tab X1 tab Y1 tab X2 tab Y2"; their pixels are not read for it.
    /// Prepared: its `prepared.json`, in which the hashes of its arrays stand.
    pub sha256: String,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(shift: &isize) -> bool {
    *shift == 0
}

/// An image in the list of a data set whose images are files of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListedImage<'a> {
    /// Name of the file below the folder of the data.
    pub name: &'a str,
    /// True class; `None` where it is unknown.
    pub label: Option<usize>,
    /// Size of the file.
    pub bytes: u64,
    /// The part of the image that is used: left, top, right, bottom, without the last column and row.
    pub crop: Option<[usize; 4]>,
}

/// SHA-256 of `bytes` in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl DataSource {
    /// The line of an image that is a file of its own, in the list that [`sha256`](Self::sha256) is of.
    pub fn line(name: &str, label: Option<usize>, bytes: u64) -> String {
        let label = label.map_or_else(|| "-".to_owned(), |label| label.to_string());
        format!("{name}\t{label}\t{bytes}")
    }

    /// Reads a line of that list; `None` if it is none.
    pub fn parse_line(line: &str) -> Option<ListedImage<'_>> {
        let fields: Vec<&str> = line.split('\t').collect();
        let (&[name, label, bytes], edges) = fields.split_first_chunk::<3>()?;
        let label = if label == "-" { None } else { Some(label.parse().ok()?) };
        let edges: Vec<usize> = edges.iter().map(|edge| edge.parse().ok()).collect::<Option<_>>()?;
        let crop = if edges.is_empty() { None } else { Some(edges.try_into().ok()?) };
        Some(ListedImage { name, label, bytes: bytes.parse().ok()?, crop })
    }

    /// What the hash of two arrays is of: the hashes of images and labels.
    pub fn pair(images: &str, labels: &str) -> String {
        format!("{images} {labels}")
    }

    /// A data set of `images` images that is in one place.
    pub fn new(path: impl Into<String>, format: DataFormat, images: usize, sha256: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            format,
            labels: None,
            devkit: None,
            roi: false,
            labelled: None,
            label_shift: 0,
            images,
            sha256: sha256.into(),
        }
    }
}
