//! The user's statements about labels, beside the data: which data they apply to.

use super::DataFormat;
use crate::{Error, Result};

/// The value of `--labels` for images without labels.
pub const NO_LABELS: &str = "none";
/// The rule of images that the user leaves without labels.
pub const WITHOUT_LABELS: &str = "without labels";

/// Which of the statements the user makes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stated {
    /// `--labels` with a file.
    pub list: bool,
    /// `--labels none`.
    pub none: bool,
    /// `--classes`.
    pub classes: bool,
    /// `--folder-order`.
    pub order: bool,
}

/// Refuses a statement that would have no effect on data in `format`.
///
/// # Errors
/// If one of them does not apply.
pub fn check_labelling(format: DataFormat, stated: Stated) -> Result<()> {
    use DataFormat::{Archive, Folder, Idx, Npy, NpyNchw, NpyNhwc};
    let Stated { list, none, classes, order } = stated;
    let misplaced = |flag, what| Err(misplaced(flag, what));
    if (list || none) && !matches!(format, Folder | Idx | Npy | NpyNhwc | NpyNchw) {
        return misplaced("--labels", "an .npy file, MNIST's images or a folder of images");
    }
    if order && (!matches!(format, Archive | Folder) || list || none) {
        return misplaced(
            "--folder-order",
            "a folder or an archive with a folder for each class, and without --labels",
        );
    }
    if classes && (!matches!(format, Archive | Folder) || none) {
        return misplaced(
            "--classes",
            "a folder or an archive with a folder for each class, or a folder of images with a list of class names",
        );
    }
    Ok(())
}

/// The refusal of the option `flag`, which goes with `what` only.
pub fn misplaced(flag: &str, what: &str) -> Error {
    Error::request(format_args!("{flag} goes with {what}, not with this data"))
}

/// The notice for images at `root` without labels.
pub fn unlabelled(root: &str) -> String {
    format!(
        "{root}: nothing says which classes the images show, so the accuracy and what depends on it are not known; --labels \
         FILE lists them"
    )
}
