//! Data sets that are known with the number of their classes: a model with another number is not for them.

use super::classes::BY_WORDNET_IDS;
use super::{Classes, DataFormat, DataSource};
use crate::labels::wordnet_ids;
use crate::{Error, Result};

/// Refuses a known data set for a model with another number of classes. Of fewer classes than the model's the labels would fit,
/// and mean something else; a `shift` of the labels says that they are meant so. Messages call the data `name`.
///
/// # Errors
/// As stated; the message names the data set.
pub fn check_known(name: &str, origin: &DataSource, shift: isize, classes: &Classes) -> Result<()> {
    let (Some(known), Some(count)) = (Known::of(origin), classes.count) else { return Ok(()) };
    if known.classes == count || known.classes < count && shift != 0 {
        return Ok(());
    }
    Err(known.refused(name, count))
}

/// As [`check_known`], of a folder or archive with the sub-folders `names`: those of a known data set, all of them.
///
/// # Errors
/// As stated.
pub(super) fn check_folders(root: &str, names: &[&str], classes: &Classes) -> Result<()> {
    let (Some(known), Some(count)) = (Known::of_folders(names), classes.count) else { return Ok(()) };
    // A class for the background is asked about when it is known whether labels are shifted.
    let fits = known.classes == count || known == IMAGENET && count == known.classes + 1;
    if fits { Ok(()) } else { Err(known.refused(root, count)) }
}

/// A known data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Known {
    name: &'static str,
    classes: usize,
}

const GTSRB: Known = Known { name: "GTSRB", classes: 43 };
const IMAGENET: Known = Known { name: "ImageNet", classes: 1000 };

impl Known {
    /// The data set that `origin` is by its format. Other sets than MNIST have its format, so the names of its files count.
    fn of(origin: &DataSource) -> Option<Self> {
        match origin.format {
            DataFormat::Cifar10 => Some(Self { name: "CIFAR-10", classes: 10 }),
            DataFormat::Cifar100 => Some(Self { name: "CIFAR-100", classes: 100 }),
            DataFormat::Gtsrb => Some(GTSRB),
            DataFormat::Imagenet => Some(IMAGENET),
            DataFormat::Idx if is_mnist(&origin.path) => Some(Self { name: "MNIST (or Fashion-MNIST)", classes: 10 }),
            _ => Some(IMAGENET).filter(|_| origin.labelled.as_deref() == Some(BY_WORDNET_IDS)),
        }
    }

    /// The data set that has a folder of each of these names and no other in its distribution.
    fn of_folders(names: &[&str]) -> Option<Self> {
        let is_sign = |name: &&str| name.len() == 5 && name.parse::<usize>().is_ok_and(|class| class < GTSRB.classes);
        if names.len() == GTSRB.classes && names.iter().all(is_sign) {
            return Some(GTSRB);
        }
        let ids = wordnet_ids();
        (names.len() == ids.len() && names.iter().all(|name| ids.binary_search(name).is_ok())).then_some(IMAGENET)
    }

    fn refused(self, root: &str, count: usize) -> Error {
        let Self { name, classes } = self;
        let way = if count == classes + 1 {
            "if its class 0 is the background, as in TensorFlow's slim models, --label-shift 1 says so"
        } else if count > classes {
            "take a model for these classes, or data for those of the model; if the labels fit for all that, --label-shift with \
             the number that is to be added to them, or a folder of the images with --labels FILE"
        } else {
            "take a model for these classes, or data for those of the model; images of some of these classes go as a folder, with a \
             sub-folder for each class or with --labels FILE"
        };
        let noun = if count == 1 { "class" } else { "classes" };
        Error::input(
            root,
            format_args!("the data set is {name} with {classes} classes, the model has {count} {noun}; {way}"),
        )
    }
}

/// Whether a file has the name that MNIST's images are distributed under.
fn is_mnist(path: &str) -> bool {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    ["t10k-images", "train-images"].iter().any(|known| name.starts_with(known))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{FolderChoice, FolderOrder, classes_of_folders};

    fn of(count: usize) -> Classes {
        Classes { names: Vec::new(), count: Some(count) }
    }

    #[test]
    fn a_known_data_set_for_a_model_with_other_classes_is_refused_by_name() {
        for (format, path, name, own) in [
            (DataFormat::Cifar10, "d/test_batch.bin", "CIFAR-10", 10),
            (DataFormat::Cifar100, "d/test.bin", "CIFAR-100", 100),
            (DataFormat::Gtsrb, "d/Test.csv", "GTSRB", 43),
            (DataFormat::Imagenet, "d", "ImageNet", 1000),
            (DataFormat::Idx, "d/t10k-images-idx3-ubyte.gz", "MNIST (or Fashion-MNIST)", 10),
            (DataFormat::Idx, "d\\train-images.idx3-ubyte", "MNIST (or Fashion-MNIST)", 10),
        ] {
            let set = DataSource::new(path, format, 4, "");
            let refused = |count, shift| check_known(&set.path, &set, shift, &of(count)).unwrap_err().to_string();
            assert!(check_known(&set.path, &set, 0, &of(own)).is_ok());
            assert!(check_known(&set.path, &set, 0, &Classes::default()).is_ok(), "without a model");
            let begins = |count| format!("{path}: the data set is {name} with {own} classes, the model has {count} ");
            assert!(refused(2, 0).starts_with(&begins(2)) && refused(2, 0).contains("--labels FILE"));
            assert!(refused(2, -1).starts_with(&begins(2)), "no shift makes more classes of two");
            assert!(refused(own + 1, 0).starts_with(&begins(own + 1)));
            assert!(refused(own + 1, 0).ends_with("--label-shift 1 says so"));
            assert!(refused(own + 5, 0).contains("take a model for these classes, or data for those of the model"));
            assert!(check_known(&set.path, &set, 1, &of(own + 1)).is_ok(), "the user says it");
        }
        let other = DataSource::new("d/emnist-balanced-test-images-idx3-ubyte", DataFormat::Idx, 4, "");
        assert!(check_known(&other.path, &other, 0, &of(47)).is_ok());
    }

    #[test]
    fn folders_of_a_known_data_set_are_known() {
        let signs: Vec<String> = (0..43).map(|class| format!("{class:05}")).collect();
        let signs: Vec<&str> = signs.iter().map(String::as_str).collect();
        let assigned = |names: &[&str], count, choice| classes_of_folders("d", names, &of(count), &choice);
        let none = FolderChoice::default;
        for count in [10, 100] {
            let error = assigned(&signs, count, none()).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("d: the data set is GTSRB with 43 classes, the model has {count} ")),
                "{error}"
            );
        }
        assert!(assigned(&signs, 43, none()).is_ok());
        assert!(assigned(&signs[..10], 10, none()).is_ok(), "ten folders of numbers are no known data set");
        let numbers = FolderChoice { order: Some(FolderOrder::Number), ..none() };
        assert!(assigned(&signs, 100, numbers).is_ok(), "the user says it");

        let ids = wordnet_ids();
        let error = assigned(&ids, 100, none()).unwrap_err().to_string();
        assert!(
            error.starts_with("d: the data set is ImageNet with 1000 classes, the model has 100 classes"),
            "{error}"
        );
        // Of a class for the background the folders say nothing.
        let rule = assigned(&ids[..10], 1001, none()).unwrap().rule;
        let set = DataSource { labelled: Some(rule.to_owned()), ..DataSource::new("d", DataFormat::Folder, 4, "") };
        assert!(
            check_known(&set.path, &set, 0, &of(1001)).unwrap_err().to_string().ends_with("--label-shift 1 says so")
        );
        assert!(check_known(&set.path, &set, 1, &of(1001)).is_ok());
        assert!(check_known(&set.path, &set, 0, &of(1000)).is_ok());
    }
}
