use super::{Group, Grouping, builtin};

fn group(grouping: &Grouping, class: usize) -> &str {
    &grouping.group_of(class).expect("the class is in a group").name
}

/// Number of classes by group, and whether it is critical.
fn census(grouping: &Grouping) -> Vec<(&str, usize, bool)> {
    grouping
        .groups()
        .iter()
        .map(|entry| {
            let count = (0..grouping.classes()).filter(|&class| group(grouping, class) == entry.name).count();
            (entry.name.as_str(), count, entry.critical)
        })
        .collect()
}

#[test]
fn class_names_are_complete_distinct_and_where_the_data_sets_put_them() {
    type Spot = (usize, &'static str);
    let spots: [(&str, usize, &[Spot]); 4] = [
        ("imagenet", 1000, &[(0, "tench"), (243, "bull mastiff"), (407, "ambulance"), (981, "ballplayer")]),
        ("cifar100", 100, &[(0, "apple"), (8, "bicycle"), (53, "orange"), (99, "worm")]),
        ("cifar10", 10, &[(0, "airplane"), (6, "frog"), (9, "truck")]),
        ("gtsrb", 43, &[(0, "speed limit 20"), (13, "give way"), (14, "stop"), (40, "roundabout")]),
    ];
    for (name, count, expected) in spots {
        let labels = builtin(name).expect("built in");
        assert_eq!(labels.len(), count, "{name}");
        let distinct: std::collections::BTreeSet<_> = labels.iter().collect();
        assert_eq!(distinct.len(), count, "{name}");
        assert!(labels.iter().all(|label| !label.is_empty() && label.trim() == label), "{name}");
        for &(class, label) in expected {
            assert_eq!(labels[class], label, "{name} {class}");
        }
    }
    let cifar = builtin("cifar100").expect("built in");
    assert!(cifar.is_sorted(), "CIFAR-100's fine classes are in alphabetical order");
    assert!(builtin("imagewoof").expect_err("unknown").to_string().contains("cifar100"));
}

#[test]
fn imagenet_grouping_is_the_studys() {
    let grouping = Grouping::builtin("imagenet").expect("built in");
    assert_eq!(
        census(&grouping),
        [
            ("Big Animals", 179, true),
            ("Emergency Vehicle", 5, true),
            ("Two Wheeler", 6, true),
            ("Four Wheeler", 38, true),
            ("Geological Formation and Structure", 67, true),
            ("Person", 3, true),
            ("Small Animals", 169, false),
            ("Aerial Objects", 64, false),
            ("Water Vehicles", 15, false),
            ("Tools and Household Chores", 454, false),
        ]
    );
    let labels = builtin("imagenet").expect("built in");
    let class = |label: &str| labels.iter().position(|known| known == label).expect("a class of ImageNet");
    assert_eq!(group(&grouping, class("ambulance")), "Emergency Vehicle");
    assert_eq!(group(&grouping, class("mountain bike")), "Two Wheeler");
    assert_eq!(group(&grouping, class("tiger")), "Big Animals");
    assert_eq!(group(&grouping, class("airliner")), "Aerial Objects");
    assert_eq!(group(&grouping, class("canoe")), "Water Vehicles");
    assert_eq!(group(&grouping, class("toilet tissue")), "Tools and Household Chores");
    let (tiger, lion, canoe) = (class("tiger"), class("lion"), class("canoe"));
    assert!(grouping.is_scm(tiger, canoe), "a critical class is mistaken for one of another group");
    assert!(!grouping.is_scm(tiger, lion), "a mistake inside a group");
    assert!(!grouping.is_scm(canoe, tiger), "a mistake from a group that is not critical");
    assert!(!grouping.is_scm(tiger, 1000), "no such class");
}

#[test]
fn cifar100_grouping_is_the_studys() {
    let grouping = Grouping::builtin("cifar100").expect("built in");
    assert_eq!(
        census(&grouping),
        [
            ("Large Animals", 15, true),
            ("Two Wheelers", 2, true),
            ("Four Wheelers", 8, true),
            ("Large Outdoor Objects", 10, true),
            ("People", 5, true),
            ("Small Animals", 30, false),
            ("Household Objects", 25, false),
            ("Trees", 5, false),
        ]
    );
    let labels = builtin("cifar100").expect("built in");
    let members = |name: &str| -> Vec<&str> {
        (0..100).filter(|&class| group(&grouping, class) == name).map(|class| labels[class].as_str()).collect()
    };
    assert_eq!(members("Two Wheelers"), ["bicycle", "motorcycle"]);
    assert_eq!(
        members("Four Wheelers"),
        ["bus", "lawn mower", "pickup truck", "rocket", "streetcar", "tank", "tractor", "train"]
    );
    assert_eq!(members("People"), ["baby", "boy", "girl", "man", "woman"]);
    assert_eq!(members("Trees"), ["maple tree", "oak tree", "palm tree", "pine tree", "willow tree"]);
    assert!(members("Large Animals").contains(&"whale"));
    assert!(members("Small Animals").contains(&"fox"));
    assert!(members("Household Objects").contains(&"sunflower"));
    assert!(members("Large Outdoor Objects").contains(&"skyscraper"));
}

/// CIFAR-10's grouping claims to follow ImageNet's; here are the classes that show the same.
#[test]
fn cifar10_grouping_follows_that_of_imagenet() {
    let counterparts = [
        ("airplane", "airliner"),
        ("automobile", "convertible"),
        ("bird", "robin"),
        ("cat", "tabby"),
        ("deer", "gazelle"),
        ("dog", "golden retriever"),
        ("frog", "tree frog"),
        ("horse", "sorrel"),
        ("ship", "container ship"),
        ("truck", "trailer truck"),
    ];
    let find = |set: &str, label: &str| {
        let class = builtin(set).expect("built in").iter().position(|known| known == label);
        let grouping = Grouping::builtin(set).expect("built in");
        let group = grouping.group_of(class.unwrap_or_else(|| panic!("{label} is a class of {set}")));
        group.map(|group| (group.name.clone(), group.critical)).expect("the class is in a group")
    };
    for (small, large) in counterparts {
        assert_eq!(find("cifar10", small), find("imagenet", large), "{small} {large}");
    }
}

#[test]
fn gtsrb_grouping_has_every_sign_with_what_a_driver_must_do() {
    let grouping = Grouping::builtin("gtsrb").expect("built in");
    assert_eq!(
        census(&grouping),
        [
            ("Stop or give way", 2, true),
            ("Do not enter", 3, true),
            ("Do not overtake", 2, true),
            ("Keep to the speed limit", 8, true),
            ("Beware of a danger", 14, true),
            ("Go where the arrow points", 8, true),
            ("Go first", 2, false),
            ("A limit ends", 4, false),
        ]
    );
    let labels = builtin("gtsrb").expect("built in");
    let class = |label: &str| labels.iter().position(|known| known == label).expect("a sign");
    assert!(grouping.is_scm(class("stop"), class("priority road")), "who must stop drives on");
    assert!(
        !grouping.is_scm(class("speed limit 20"), class("speed limit 120")),
        "inside one group, as the study has it"
    );
    assert!(!grouping.is_scm(class("priority road"), class("stop")), "who may go stops");
}

#[test]
fn every_built_in_grouping_fits_its_class_names() {
    for name in Grouping::builtin_names() {
        let grouping = Grouping::builtin(name).expect("built in");
        assert_eq!(grouping.name(), name);
        assert_eq!(grouping.classes(), builtin(name).expect("built in").len(), "{name}");
        assert!(grouping.groups().iter().any(|group| group.critical), "{name}");
        let json = serde_json::to_string(&grouping).expect("a grouping can be written");
        assert_eq!(serde_json::from_str::<Grouping>(&json).expect("and read again"), grouping);
        let toml = grouping.to_toml();
        assert_eq!(Grouping::from_toml("g.toml", &toml).expect("and as TOML"), grouping);
    }
    assert!(Grouping::builtin("imagewoof").expect_err("none ships").to_string().contains("gtsrb"));
}

#[test]
fn a_hostile_grouping_file_is_refused_with_its_reason() {
    let file = |classes: &str, first: &str, second: &str| {
        format!(
            "name = \"n\"\nclasses = {classes}\n\
             [[group]]\nname = \"a\"\ncritical = true\nclasses = \"{first}\"\n\
             [[group]]\nname = \"b\"\ncritical = false\nclasses = \"{second}\"\n"
        )
    };
    let none_critical = file("4", "0-1", "2 3").replace("true", "false");
    assert!(Grouping::from_toml("own.toml", &file("4", "0-1", "2 3")).is_ok());
    assert!(Grouping::from_toml("own.toml", &none_critical).is_ok(), "odd, but there is nothing to misunderstand");
    for (text, expected) in [
        (file("4", "0", "2 3"), "own.toml: line 2: class 1 is in no group"),
        (file("9", "0", "8"), "classes 1 2 3 4 5 and 2 more are in no group"),
        (file("4", "0-1", "1-3"), "line 10: group \"b\": class 1 is in group \"a\" already"),
        (file("4", "0-1", "2-4"), "line 10: group \"b\": \"2-4\" does not lie in classes 0 to 3"),
        (file("4", "0-1 1", "2-3"), "line 6: group \"a\": class 1 is listed twice"),
        (file("4", "0-1 5", "2-3 x"), "\"x\" is neither a class"),
        (file("4", "0-1", "2-3").replace("\"b\"", "\"a\""), "line 8: there are two groups called \"a\""),
        (
            file("4", "0-1", "2-3").replace("critical = false", "criticul = false"),
            "own.toml: line 9: unknown field `criticul`",
        ),
        (file("4", "0-1", "2-3").replace("critical = false", ""), "line 7: missing field `critical`"),
        (file("4", "1-0", "2-3"), "\"1-0\" does not lie"),
        (file("4", "0-", "2-3"), "\"0-\" is neither a class nor a range"),
        (file("4", "0-1", "-2"), "\"-2\" is neither a class nor a range"),
        (file("4", "0-99999999999999999999999", "1"), "is neither a class nor a range"),
        (file("0", "", ""), "1 to"),
        (file("-1", "", ""), "own.toml"),
        (file("9000000000", "0-8999999999", ""), "1 to"),
        ("name = \"n\"\nclasses = 1\ngroups = 3\n".to_owned(), "groups"),
        ("name = \"n\"\nclasses = 1\n".to_owned(), "group"),
        ("\u{0}".to_owned(), "own.toml"),
    ] {
        let error = Grouping::from_toml("own.toml", &text).expect_err(&text).to_string();
        assert!(error.starts_with("own.toml: ") && error.contains(expected), "{error}\n{text}");
    }
}

#[test]
fn a_grouping_of_too_many_groups_is_an_error() {
    let groups = "[[group]]\nname = \"\"\ncritical = true\nclasses = \"\"\n".repeat(1025);
    let text = format!("name = \"n\"\nclasses = 1\n{groups}");
    let error = Grouping::from_toml("own.toml", &text).expect_err("too many").to_string();
    assert_eq!(error, "own.toml: line 2: at most 1024 groups are expected, found 1025");
}

#[test]
fn a_name_with_anything_in_it_survives_the_file() {
    let name = "a \"b\" \\ \n\t\u{1}\u{7f} ä";
    let group = |name: &str, classes: &str| Group { name: name.into(), critical: true, classes: classes.into() };
    let grouping =
        Grouping::from_groups(name, 3, vec![group(name, "0 2"), group("rest", "1")]).expect("it is complete");
    assert_eq!(Grouping::from_toml("g.toml", &grouping.to_toml()).expect("it can be read"), grouping);
    let torn = Grouping::from_groups("g", 3, vec![group("a", "0 2")]).expect_err("class 1 is missing");
    assert!(torn.to_string().contains("class 1 is in no group"), "{torn}");
}
