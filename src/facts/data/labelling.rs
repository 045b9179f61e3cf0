//! The user's statements about labels, beside the data: which data they apply to.

use super::DataFormat;
use crate::{Error, Result};

/// The value of `--labels` for images without labels.
pub const NO_LABELS: &str = "none";
/// The rule of images that the user leaves without labels.
pub const WITHOUT_LABELS: &str = "without labels";

/// Refuses a list of labels (`labels`) or an order of folders (`folders`) that would have no effect on data in `format`.
///
/// # Errors
/// If one of them is stated and does not apply.
pub fn check_labelling(format: DataFormat, labels: bool, folders: bool) -> Result<()> {
    use DataFormat::{Archive, Folder, Idx, Npy, NpyNchw, NpyNhwc};
    let misplaced = |flag, what| Err(misplaced(flag, what));
    if labels && !matches!(format, Folder | Idx | Npy | NpyNhwc | NpyNchw) {
        return misplaced("--labels", "an .npy file, MNIST's images or a folder of images");
    }
    if folders && (!matches!(format, Archive | Folder) || labels) {
        return misplaced(
            "--classes and --folder-order",
            "a folder or an archive with a folder for each class, and without --labels",
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
