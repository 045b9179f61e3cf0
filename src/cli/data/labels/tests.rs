use std::path::PathBuf;

use super::*;

fn files() -> Vec<File> {
    ["a.png", "b c.png", "d.png"]
        .map(|name| File { path: PathBuf::from(name), label: None, bytes: 1, crop: None })
        .to_vec()
}

#[test]
fn labels_come_in_order_or_by_name() {
    for text in ["4\n0\n17\n", "4\r\n0\r\n\r\n17", "d.png 17\na.png 4\nb c.png\t0\n"] {
        let mut files = files();
        apply("labels.txt", text, &mut files).expect(text);
        let labels: Vec<_> = files.iter().map(|file| file.label).collect();
        assert_eq!(labels, [Some(4), Some(0), Some(17)], "{text}");
    }
}

#[test]
fn a_list_that_does_not_fit_is_refused_with_its_line() {
    for (text, expected) in [
        ("4\n0\n", "2 labels for 3 images"),
        ("4\n\nx\n1\n", "line 3: \"x\" is no class number"),
        ("4\n-1\n1\n", "line 2: \"-1\" is no class number"),
        ("a.png 1\nb c.png 2\ne.png 3\n", "line 3: there is no image e.png"),
        ("a.png 1\na.png 2\nd.png 3\n", "line 2: there is no image a.png, or it is listed twice"),
        ("a.png 1\n2\nd.png 3\n", "line 2: expected a file name and a class number"),
        ("a.png 1\nb c.png x\nd.png 3\n", "line 2: \"x\" is no class number"),
    ] {
        let error = apply("labels.txt", text, &mut files()).expect_err(text).to_string();
        assert!(error.starts_with("labels.txt: ") && error.contains(expected), "{error}");
    }
}
