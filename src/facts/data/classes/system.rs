//! Folders and files that operating systems, servers and archives leave, and folders that are parts of a data set.

/// Names of folders and files that are no data, in lower case. Names that begin with "." or "@" are none either.
const LEFT_BY_SYSTEMS: [&str; 14] = [
    "$recycle.bin",
    "#recycle",
    "#snapshot",
    "__macosx",
    "__pycache__",
    "desktop.ini",
    "ehthumbs.db",
    "lost+found",
    "recycler",
    "system volume information",
    "thumbs.db",
    "found.000",
    "icon\r",
    "~snapshot",
];

/// Names of the parts that a data set is divided into, in lower case.
const PARTS: [&str; 12] = [
    "train",
    "training",
    "val",
    "valid",
    "validation",
    "test",
    "testing",
    "dev",
    "eval",
    "holdout",
    "trainset",
    "testset",
];

/// Names of folders that only hold the images together, in lower case.
const WRAPPERS: [&str; 12] = [
    "images",
    "image",
    "imgs",
    "img",
    "data",
    "dataset",
    "pictures",
    "photos",
    "files",
    "jpegimages",
    "samples",
    "frames",
];

/// Whether a folder or file of this name is left by a system, a server or an archive, or is hidden.
pub fn is_system(name: &str) -> bool {
    name.starts_with(['.', '@']) || LEFT_BY_SYSTEMS.contains(&name.to_lowercase().as_str())
}

/// Whether the name is that of a part of a data set.
pub fn is_part(name: &str) -> bool {
    PARTS.contains(&name.to_lowercase().as_str())
}

/// Whether the name is that of a folder that only holds the images together.
pub fn is_wrapper(name: &str) -> bool {
    WRAPPERS.contains(&name.to_lowercase().as_str())
}
