//! What a campaign remembers of an image that it has used.

use serde::{Deserialize, Serialize};

/// An image file that a campaign has used, as it stands in `images.jsonl`: its content, and what tells without reading it
/// again that the content is the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsedImage {
    /// Index of the image in the data.
    pub image: usize,
    /// Name of the file below the folder of the data.
    pub name: String,
    /// What was read.
    #[serde(flatten)]
    pub content: Content,
}

/// The content of an image file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// Size of the file.
    pub bytes: u64,
    /// Time of the file's last change, in nanoseconds since 1970 (UTC); `None` where it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<i64>,
    /// SHA-256 of the bytes, in hexadecimal.
    pub sha256: String,
}
