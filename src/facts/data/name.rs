//! What the names of files and folders tell.

use std::collections::BTreeSet;

use super::{Assigned, Classes, FolderChoice, classes_of_folders};
use crate::Result;

/// The rule of labels that are numbers at the end of files' names.
pub const BY_NAMES_OF_FILES: &str = "by the numbers at the end of the files' names";

/// The class at the end of an image's file name, `NAME_NN_LABEL.ext`: 243 in `imagenet_00_243.jpg`.
///
/// A name must have all three parts, so that the number of a camera's image is not taken for a class.
pub fn class_in_name(name: &str) -> Option<usize> {
    let (stem, _) = name.rsplit_once('.')?;
    let (rest, label) = stem.rsplit_once('_')?;
    let (_, number) = rest.rsplit_once('_')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (is_number(number) && is_number(label)).then(|| label.parse().ok()).flatten()
}

/// The class of each of the files `names`, for a model with `classes`, and the rule that gave them: that of its folder where
/// it is in one, `stop/a.png`, else the one at the end of its name.
///
/// # Errors
/// As [`classes_of_folders`].
pub fn classes_of_files(
    names: &[&str],
    classes: &Classes,
    choice: &FolderChoice,
) -> Result<(Vec<Option<usize>>, Option<Assigned>)> {
    let inside: BTreeSet<&str> = names.iter().filter_map(|name| Some(name.rsplit_once('/')?.0)).collect();
    let folders: Vec<&str> = inside.into_iter().collect();
    let assigned =
        if folders.is_empty() { None } else { Some(classes_of_folders("the images", &folders, classes, choice)?) };
    let class = |name: &&str| match (name.rsplit_once('/'), &assigned) {
        (Some((folder, _)), Some(assigned)) => assigned.labels.get(folders.binary_search(&folder).ok()?).copied(),
        _ => class_in_name(name),
    };
    // A number in a file's name that is no class of the model was meant for another one.
    let known = |class: &usize| classes.count.is_none_or(|count| *class < count);
    Ok((names.iter().map(|name| class(name).filter(known)).collect(), assigned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_class_is_read_from_the_name() {
        assert_eq!(class_in_name("imagenet_07_282.jpg"), Some(282));
        assert_eq!(class_in_name("a_b_1_09.tar.PNG"), None);
        assert_eq!(class_in_name("a.b_1_09.PNG"), Some(9));
        for name in ["cat.jpg", "cat_3.jpg", "IMG_2024_a.png", "07_282.jpg", "a_b_1.png", "a_1_+2.png", "x", "a_0_1"] {
            assert_eq!(class_in_name(name), None, "{name}");
        }
        assert_eq!(class_in_name("a_0_99999999999999999999999.png"), None);
    }

    #[test]
    fn a_file_is_of_the_class_of_its_folder() {
        let classes = Classes { names: ["ant", "dog", "cat"].map(String::from).to_vec(), count: Some(3) };
        let of = |names: &[&str]| classes_of_files(names, &classes, &FolderChoice::default());
        let labels = |names: &[&str]| of(names).unwrap().0;
        assert_eq!(labels(&["cat/a.png", "dog/a.png", "x_0_1.png", "y.png"]), [Some(2), Some(1), Some(1), None]);
        assert_eq!(labels(&["02/a_0_1.png", "1/b.png"]), [Some(2), Some(1)]);
        assert_eq!(labels(&["n1/a.png", "n3/b.png", "n2/c.png"]), [Some(0), Some(2), Some(1)], "a folder a class");
        for (names, problem) in [
            (&["monday/a.png", "tuesday/b_0_1.png"][..], "2 sub-folders (monday, tuesday) for a model of 3 classes"),
            (&["02/a.png", "7/c.png"], "sub-folder \"7\" would be class 7"),
            (&["cat/a.png", "cow/b.png"], "cow: the model has no class of this name"),
        ] {
            let error = of(names).unwrap_err().to_string();
            assert!(error.contains(problem), "{error}");
        }
    }
}
