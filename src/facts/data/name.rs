//! What the names of files and folders tell.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::{Error, Result};

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

/// How the names of folders tell their classes.
enum Telling {
    /// They are the classes' numbers.
    Numbers(Vec<usize>),
    /// The model knows some of them.
    Names,
    /// Not at all: the folders are classes in their order.
    Order,
}

impl Telling {
    fn of(folders: &[&str], classes: &[String]) -> Self {
        if let Some(numbers) = folders.iter().map(|name| name.parse().ok()).collect() {
            return Self::Numbers(numbers);
        }
        let known: HashSet<&str> = classes.iter().map(String::as_str).collect();
        if folders.iter().any(|folder| known.contains(folder)) { Self::Names } else { Self::Order }
    }

    fn classes(self, folders: &[&str], classes: &[String], at: impl Fn(&str) -> String) -> Result<Vec<usize>> {
        match self {
            Self::Numbers(numbers) => Ok(numbers),
            Self::Order => Ok((0..folders.len()).collect()),
            Self::Names => {
                let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
                for (place, class) in classes.iter().enumerate() {
                    places.entry(class).or_default().push(place);
                }
                folders.iter().map(|folder| named(folder, places.get(folder), &at)).collect()
            }
        }
    }
}

fn named(folder: &str, places: Option<&Vec<usize>>, at: impl Fn(&str) -> String) -> Result<usize> {
    let problem = match places.map_or(&[][..], Vec::as_slice) {
        [class] => return Ok(*class),
        [one, other, ..] => format!("the model has two classes of this name, {one} and {other}"),
        [] => "the model has no class of this name, though it has those of other sub-folders".to_owned(),
    };
    let advice = "give the sub-folders the numbers of their classes as names";
    Err(Error::input(at(folder), format_args!("{problem}; {advice}")))
}

/// The class of each of `folders`, which are in the order of their names: its name where all names are numbers, the class
/// of that name where the model knows any of them, else its place. `at` says where a folder is.
///
/// # Errors
/// Where the model knows some of the names and not this one, or knows it twice.
pub fn classes_of_folders(folders: &[&str], classes: &[String], at: impl Fn(&str) -> String) -> Result<Vec<usize>> {
    Telling::of(folders, classes).classes(folders, classes, at)
}

/// The class of each of the files `names`, for a model of `count` classes called `classes`: that of its folder where it is in
/// one, `stop/a.png`, else the one at the end of its name. Folders of any names are classes in their order only where there are
/// as many of them as classes.
///
/// # Errors
/// As [`classes_of_folders`].
pub fn classes_of_files(names: &[&str], classes: &[String], count: usize) -> Result<Vec<Option<usize>>> {
    let inside: BTreeSet<&str> = names.iter().filter_map(|name| Some(name.rsplit_once('/')?.0)).collect();
    let folders: Vec<&str> = inside.into_iter().collect();
    let of_folders = match Telling::of(&folders, classes) {
        Telling::Order if folders.len() != count => Vec::new(),
        telling => telling.classes(&folders, classes, str::to_owned)?,
    };
    let class = |name: &&str| match name.rsplit_once('/') {
        Some((folder, _)) => of_folders.get(folders.binary_search(&folder).ok()?).copied(),
        None => class_in_name(name),
    };
    // A number that is no class of the model was meant for another one.
    Ok(names.iter().map(|name| class(name).filter(|&class| class < count)).collect())
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
        let classes = ["ant", "dog", "cat"].map(String::from);
        let of = |names: &[&str]| classes_of_files(names, &classes, 3).unwrap();
        assert_eq!(of(&["cat/a.png", "dog/a.png", "x_0_1.png", "y.png"]), [Some(2), Some(1), Some(1), None]);
        assert_eq!(of(&["02/a_0_1.png", "1/b.png", "7/c.png"]), [Some(2), Some(1), None], "there is no class 7");
        assert_eq!(of(&["n1/a.png", "n3/b.png", "n2/c.png"]), [Some(0), Some(2), Some(1)], "a folder a class");
        assert_eq!(of(&["monday/a.png", "tuesday/b_0_1.png"]), [None, None], "days are not classes");
        let error = classes_of_files(&["cat/a.png", "cow/b.png"], &classes, 3).unwrap_err().to_string();
        assert!(error.starts_with("cow: the model has no class of this name"), "{error}");
    }
}
