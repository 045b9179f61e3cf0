use std::fs;

use tempfile::TempDir;

use super::*;
use crate::cli::data::files::{Files, Root, portable};

fn folder_with(paths: &[&str]) -> TempDir {
    let root = TempDir::new().unwrap();
    for path in paths {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "not decoded here").unwrap();
    }
    root
}

fn classes(names: &[&str]) -> Classes {
    let names: Vec<_> = names.iter().map(ToString::to_string).collect();
    Classes { count: (!names.is_empty()).then_some(names.len()), names }
}

fn images(root: &TempDir, names: &[&str]) -> Result<Images> {
    list(root.path(), &classes(names), &FolderChoice::default())
}

fn listed(root: &TempDir, names: &[&str]) -> Vec<(String, Option<usize>)> {
    images(root, names).unwrap().files.iter().map(|file| (portable(&file.path), file.label)).collect()
}

fn problem(root: &TempDir, names: &[&str]) -> String {
    images(root, names).unwrap_err().to_string()
}

#[test]
fn sub_folders_are_classes_in_the_order_of_their_names() {
    let root = folder_with(&["dog/b.png", "cat/z.jpg", "dog/a.PNG", "dog/.hidden.png", ".git/x.png", "README.md"]);
    let expected =
        [("cat/z.jpg".to_owned(), Some(0)), ("dog/a.PNG".to_owned(), Some(1)), ("dog/b.png".to_owned(), Some(1))];
    assert_eq!(listed(&root, &[]), expected);
}

#[test]
fn numbers_as_sub_folders_are_class_indices_in_numeric_order() {
    let root = folder_with(&["10/a.png", "2/b.png"]);
    let eleven = ["a"; 11];
    assert_eq!(listed(&root, &eleven), [("2/b.png".to_owned(), Some(2)), ("10/a.png".to_owned(), Some(10))]);
    assert!(problem(&root, &["a", "b"]).contains("would be class 10, and the model has the classes 0 to 1"));
}

#[test]
fn the_models_class_names_decide_where_they_are_used() {
    let root = folder_with(&["dog/a.png", "cat/b.png"]);
    let expected = [("dog/a.png".to_owned(), Some(1)), ("cat/b.png".to_owned(), Some(2))];
    assert_eq!(listed(&root, &["ant", "dog", "cat"]), expected);
    assert!(problem(&root, &["ant", "dog"]).contains("cat: the model has no class of this name"));
    assert!(problem(&root, &["cat", "dog", "cat"]).contains("two classes of this name, 0 and 2"));
}

#[test]
fn file_names_carry_labels() {
    let root = folder_with(&["imagenet_01_7.jpg", "imagenet_00_243.jpg", "notes.txt"]);
    let expected = [("imagenet_00_243.jpg".to_owned(), Some(243)), ("imagenet_01_7.jpg".to_owned(), Some(7))];
    assert_eq!(listed(&root, &[]), expected);
}

#[test]
fn images_may_be_without_labels_but_not_some_of_them() {
    let root = folder_with(&["IMG_2041.jpg", "holiday.jpg"]);
    assert_eq!(listed(&root, &[]), [("IMG_2041.jpg".to_owned(), None), ("holiday.jpg".to_owned(), None)]);
    let root = folder_with(&["a_0_1.jpg", "holiday.jpg"]);
    assert!(problem(&root, &[]).contains("holiday.jpg: the name does not end in _NUMBER_LABEL"));
}

#[test]
fn a_folder_without_images_is_refused() {
    let root = folder_with(&["notes.txt"]);
    assert!(problem(&root, &[]).contains("holds no images (1 other files are ignored)"));
    let root = folder_with(&["cat/notes.txt"]);
    assert!(problem(&root, &[]).contains("holds no images"));
    let root = folder_with(&["cat/a.png", "b.png"]);
    assert!(problem(&root, &[]).contains("both in sub-folders and beside them"));
}

#[test]
fn the_list_tells_names_labels_and_sizes() {
    let root = folder_with(&["x_0_3.png"]);
    assert_eq!(
        Files::new(Root::Folder(root.path().to_owned()), images(&root, &[]).unwrap().files).list(),
        "x_0_3.png\t3\t16\n"
    );
}

#[test]
fn what_was_left_out_is_said() {
    let root =
        folder_with(&["ant/a.png", "ant/b.gif", "bee/c.tif", "bee/d.jfif", "@eaDir/e.png", "Thumbs.db", "cow/f.gif"]);
    let images = images(&root, &["ant", "bee", "cow"]).unwrap();
    assert_eq!(images.files.len(), 2);
    for notice in [
        "@eaDir",
        "1 left out, images in formats that are not read: b.gif",
        "classes without an image that is read: cow",
    ] {
        assert!(images.notices.iter().any(|said| said.contains(notice)), "{notice}: {:?}", images.notices);
    }
}

#[test]
fn images_that_a_list_labels_may_be_in_sub_folders() {
    let root = folder_with(&["x/b.png", "a.png", ".hidden/c.png"]);
    let names: Vec<_> = nested(root.path()).unwrap().files.iter().map(|file| portable(&file.path)).collect();
    assert_eq!(names, ["a.png", "x/b.png"]);
}
