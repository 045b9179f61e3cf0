//! Images that cannot be used: what a campaign does with them, and the line that it writes for each.

use std::io::ErrorKind;

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::named::{Name, Named};

/// What a campaign does at an image that cannot be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnBadImage {
    /// It ends. Its records are kept.
    #[default]
    Stop,
    /// It writes a line that says so, counts the image, and goes on with the next one.
    Skip,
}

impl Named for OnBadImage {
    const ALL: &'static [(Self, Name)] = &[
        (Self::Stop, Name::new("stop", "Stop", "end the campaign; its records are kept")),
        (Self::Skip, Name::new("skip", "Skip", "record the image as skipped, count it in every result, and go on")),
    ];
}

/// The line of an image that was skipped, as it stands in `faults.jsonl` in the place of the image's records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// Index of the image in the data.
    pub image: usize,
    /// The image and its defect.
    #[serde(rename = "skipped")]
    pub cause: BadImage,
}

/// An image that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadImage {
    /// Name of the image below the folder of the data, or in its archive.
    pub name: String,
    /// What is wrong with it.
    pub problem: String,
}

impl BadImage {
    /// The image called `name`, of which `error` says what is wrong; `None` if the error is not the image's: a disk that
    /// fails, too many open files. Of files, one that is missing, may not be read or is damaged counts as bad.
    pub fn of(name: String, error: &Error) -> Option<Self> {
        let problem = match error {
            Error::Input { problem, .. } | Error::Request(problem) => problem.clone(),
            Error::Io { source, .. } => match source.kind() {
                ErrorKind::NotFound => "the file is missing".to_owned(),
                ErrorKind::PermissionDenied => "the file may not be read".to_owned(),
                ErrorKind::IsADirectory => "this is a folder, not a file".to_owned(),
                ErrorKind::UnexpectedEof | ErrorKind::InvalidData => "the file is cut short or damaged".to_owned(),
                _ => return None,
            },
            _ => return None,
        };
        Some(Self { name, problem })
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn an_image_is_bad_by_its_own_fault_only() {
        let of = |error: Error| BadImage::of("a.png".to_owned(), &error).map(|bad| bad.problem);
        let io = |kind: ErrorKind| of(Error::io("/data/a.png", io::Error::from(kind)));
        assert_eq!(of(Error::input("/data/a.png", "the PNG is cut short")).unwrap(), "the PNG is cut short");
        assert_eq!(io(ErrorKind::NotFound).unwrap(), "the file is missing");
        assert_eq!(io(ErrorKind::PermissionDenied).unwrap(), "the file may not be read");
        assert_eq!(io(ErrorKind::StaleNetworkFileHandle), None);
        assert_eq!(io(ErrorKind::Other), None);
        assert_eq!(of(Error::device("gpu", "lost")), None);
    }

    #[test]
    fn the_line_of_a_skipped_image_is_pinned() {
        let cause = BadImage { name: "dog/zz.jpg".to_owned(), problem: "the JPEG is cut short".to_owned() };
        let line = serde_json::to_string(&Skipped { image: 7, cause }).unwrap();
        assert_eq!(line, r#"{"image":7,"skipped":{"name":"dog/zz.jpg","problem":"the JPEG is cut short"}}"#);
    }
}
