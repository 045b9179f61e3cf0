use super::*;

fn classes(names: &[&str], count: usize) -> Classes {
    Classes { names: names.iter().map(ToString::to_string).collect(), count: Some(count) }
}

fn assigned(folders: &[&str], classes: &Classes) -> Assigned {
    classes_of_folders("data", folders, classes, &FolderChoice::default()).unwrap()
}

fn refusal(folders: &[&str], classes: &Classes, choice: &FolderChoice) -> String {
    classes_of_folders("data", folders, classes, choice).unwrap_err().to_string()
}

fn order(order: FolderOrder) -> FolderChoice {
    FolderChoice { classes: None, order: Some(order) }
}

fn list(names: &[&str]) -> FolderChoice {
    FolderChoice { classes: Some(names.iter().map(ToString::to_string).collect()), order: None }
}

#[test]
fn names_numbers_and_wordnet_ids_are_matched() {
    let animals = classes(&["ant", "great white shark", "cat"], 3);
    assert_eq!(assigned(&["cat", "great white shark"], &animals).labels, [2, 1]);
    let plain = assigned(&["Cat", "great_white_shark"], &animals);
    assert_eq!(plain.labels, [2, 1]);
    assert!(plain.rule.contains("without regard to case"));
    assert_eq!(assigned(&["00002", "00000"], &animals).labels, [2, 0]);
    // The ten classes of imagenette.
    let ids = [
        "n01440764",
        "n02102040",
        "n02979186",
        "n03000684",
        "n03028079",
        "n03394916",
        "n03417042",
        "n03425413",
        "n03445777",
        "n03888257",
    ];
    let imagenette = assigned(&ids, &classes(&[], 1000));
    assert_eq!(imagenette.labels, [0, 217, 482, 491, 497, 566, 569, 571, 574, 701]);
    assert!(imagenette.notices.is_empty());
    assert_eq!(wordnet_ids().len(), 1000);
    assert!(wordnet_ids().is_sorted());
    let error = refusal(&["n00000001"], &classes(&[], 1000), &FolderChoice::default());
    assert!(error.contains("data/n00000001: this WordNet id is none of ImageNet's"), "{error}");
}

#[test]
fn as_many_folders_as_classes_are_taken_in_order_and_said() {
    let four = assigned(&["ant", "bee", "cat", "dog"], &classes(&[], 4));
    assert_eq!(four.labels, [0, 1, 2, 3]);
    assert!(four.notices[0].contains("in the order of their names, ant, bee, cat, dog"), "{:?}", four.notices);
    // The model's names are other ones: the number of folders decides, and it is said.
    assert_eq!(assigned(&["x", "w"], &classes(&["ant", "bee"], 2)).labels, [1, 0]);
    let unknown = assigned(&["b", "a"], &Classes::default());
    assert_eq!((unknown.labels, unknown.notices.len()), (vec![1, 0], 1));
}

#[test]
fn what_is_not_certain_is_refused_with_ways_out() {
    let (four, none) = (classes(&[], 4), FolderChoice::default());
    for (folders, problem) in [
        (&["ant", "cat", "dog"][..], "3 sub-folders (ant, cat, dog) for a model of 4 classes: nothing says which"),
        (
            &["train", "VAL", "test"],
            "train, VAL, test are parts of a data set, not classes; name one of them as the data: data/train",
        ),
        (&["images"], "\"images\" holds the images together and is no class; name it as the data: data/images"),
        (&["1", "2", "3", "4"], "sub-folder \"4\" would be class 4"),
        (&["1", "01"], "two of these names are the number 1"),
    ] {
        let error = refusal(folders, &four, &none);
        assert!(error.contains(problem), "{error}");
    }
    for way in ["--classes FILE", "--labels FILE", "--folder-order", "--labels none"] {
        assert!(refusal(&["a", "b", "c"], &four, &none).contains(way));
    }
    let named = classes(&["ant", "dog", "dog", "Cat", "cat"], 5);
    assert!(refusal(&["ant", "cow"], &named, &none).contains("data/cow: the model has no class of this name"));
    assert!(refusal(&["ant", "dog"], &named, &none).contains("two classes of this name, 1 and 2"));
    assert_eq!(assigned(&["ant", "cat"], &named).labels, [0, 4]);
}

#[test]
fn numbers_that_image_folder_would_sort_otherwise_are_said_and_can_be_chosen() {
    let names: Vec<String> = (0..12).map(|number| number.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let twelve = classes(&[], 12);
    let numbers = assigned(&names, &twelve);
    assert_eq!(numbers.labels, (0..12).collect::<Vec<_>>());
    assert!(numbers.notices[0].contains("--folder-order string"), "{:?}", numbers.notices);
    // sorted(os.listdir()) in Python: 0 1 10 11 2 3 ...
    let strings = classes_of_folders("data", &names, &twelve, &order(FolderOrder::String)).unwrap();
    assert_eq!(strings.labels, [0, 1, 4, 5, 6, 7, 8, 9, 10, 11, 2, 3]);
    assert!(classes_of_folders("data", &names, &twelve, &order(FolderOrder::Number)).unwrap().notices.is_empty());
    assert!(assigned(&["00", "01"], &classes(&[], 2)).notices.is_empty(), "both orders are the same");
    assert!(refusal(&["0", "1"], &twelve, &order(FolderOrder::String)).contains("only where each class has a folder"));
    assert!(refusal(&["a"], &twelve, &order(FolderOrder::Number)).contains("not all of these names are numbers"));
    assert!(refusal(&["a"], &twelve, &order(FolderOrder::Name)).contains("the model has no class of any"));
}

#[test]
fn a_list_gives_the_order() {
    let four = classes(&[], 4);
    let listed = |folders: &[&str], names: &[&str]| classes_of_folders("data", folders, &four, &list(names));
    assert_eq!(listed(&["ant", "cat", "dog"], &["dog", "cow", "cat", "ant"]).unwrap().labels, [3, 2, 0]);
    assert!(listed(&["ant"], &["dog"]).unwrap_err().to_string().contains("data/ant: --classes does not list"));
    assert!(
        listed(&["a"], &["a", "b", "c", "d", "e"])
            .unwrap_err()
            .to_string()
            .contains("lists 5 classes, the model has 4")
    );
    assert!(class_list("list", "# nothing\n").unwrap_err().to_string().contains("found none"));
    assert_eq!(class_list("list", "a\n\n# note\nb b\n").unwrap(), ["a", "b b"]);
    assert!(class_list("list", "a\nb\na").unwrap_err().to_string().contains("line 3: \"a\" stands in line 1 already"));
}

#[test]
fn what_systems_leave_is_no_data() {
    for name in ["@eaDir", "$RECYCLE.BIN", "__MACOSX", "lost+found", ".git", "Thumbs.db", "System Volume Information"] {
        assert!(is_system(name), "{name}");
    }
    for name in ["ant", "0", "n01440764", "images", "train", "recycling"] {
        assert!(!is_system(name), "{name}");
    }
}
