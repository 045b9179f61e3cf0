//! What the names of files and folders tell.

use std::collections::BTreeSet;

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

/// The class of each of `folders`, which are in the order of their names: its name where all names are numbers, the class
/// of that name where the model knows any of them, else its place. `at` says where a folder is.
///
/// # Errors
/// Where the model knows some of the names and not this one, or knows it twice.
pub fn classes_of_folders(folders: &[&str], classes: &[String], at: impl Fn(&str) -> String) -> Result<Vec<usize>> {
    if let Some(numbers) = numbers(folders) {
        return Ok(numbers);
    }
    if !is_any_known(folders, classes) {
        return Ok((0..folders.len()).collect());
    }
    folders
        .iter()
        .map(|folder| {
            let mut places = classes.iter().enumerate().filter(|(_, class)| class == folder).map(|(place, _)| place);
            let problem = match (places.next(), places.next()) {
                (Some(class), None) => return Ok(class),
                (Some(one), Some(other)) => format!("the model has two classes of this name, {one} and {other}"),
                (None, _) => "the model has no class of this name, though it has those of other sub-folders".to_owned(),
            };
            let advice = "give the sub-folders the numbers of their classes as names";
            Err(Error::input(at(folder), format_args!("{problem}; {advice}")))
        })
        .collect()
}

/// The class of each of the files `names`, for a model of `count` classes called `classes`: that of its folder where it is in
/// one, `stop/a.png`, else the one at the end of its name. Folders of any names are classes in their order only where there are
/// as many of them as classes.
///
/// # Errors
/// As [`classes_of_folders`].
pub fn classes_of_files(names: &[&str], classes: &[String], count: usize) -> Result<Vec<Option<usize>>> {
    let folder = |name: &str| -> Option<usize> { name.rfind('/') };
    let folders: Vec<&str> =
        names.iter().filter_map(|name| Some(&name[..folder(name)?])).collect::<BTreeSet<_>>().into_iter().collect();
    let tell = numbers(&folders).is_some() || is_any_known(&folders, classes) || folders.len() == count;
    let of_folders = if tell { classes_of_folders(&folders, classes, str::to_owned)? } else { Vec::new() };
    let class = |name: &&str| match folder(name) {
        Some(end) => of_folders.get(folders.binary_search(&&name[..end]).ok()?).copied(),
        None => class_in_name(name),
    };
    // A number that is no class of the model was meant for another one.
    Ok(names.iter().map(|name| class(name).filter(|&class| class < count)).collect())
}

fn numbers(folders: &[&str]) -> Option<Vec<usize>> {
    folders.iter().map(|name| name.parse().ok()).collect()
}

fn is_any_known(folders: &[&str], classes: &[String]) -> bool {
    folders.iter().any(|folder| classes.iter().any(|class| class == folder))
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
