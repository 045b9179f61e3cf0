use super::*;

fn check(files: &[&str]) -> Result<LogHead> {
    let mut check = LogCheck::default();
    for (index, text) in files.iter().enumerate() {
        check.begin(&format!("{index}.log"));
        for (number, line) in (1..).zip(text.lines()) {
            let line = LogLine::parse(line.as_bytes())
                .map_err(|problem| Error::input(format!("{index}.log"), format!("line {number}: {problem}")))?;
            check.take(number, &line)?;
        }
        check.end()?;
    }
    Ok(check.head())
}

fn refused(files: &[&str]) -> String {
    check(files).unwrap_err().to_string()
}

#[test]
fn lines_are_written_as_they_are_read() {
    let golden = LoggedGolden { image: 7, label: 3, golden: 5 };
    for (text, line) in [
        ("Model name: resnet50", LogLine::Model("resnet50")),
        ("Low: 0 , High: 500", LogLine::Part { low: 0, high: 500 }),
        ("Total data count 10000", LogLine::Total(10_000)),
        ("7 : 3 : 5", LogLine::Golden(golden)),
        ("7 : 3 : 5 : 9", LogLine::Injection(LoggedInjection { golden, faulty: 9 })),
        ("", LogLine::Blank),
    ] {
        assert_eq!(LogLine::parse(text.as_bytes()), Ok(line));
        assert_eq!(LogLine::parse(format!("{text}\r\n").as_bytes()), Ok(line));
        assert_eq!(line.to_string(), text);
    }
    assert_eq!(LogLine::parse(b"7:3:5"), Ok(LogLine::Golden(golden)), "blanks do not matter");
    assert_eq!(LogLine::parse(b"Low: 0, High: 500"), Ok(LogLine::Part { low: 0, high: 500 }));
}

#[test]
fn what_is_no_line_is_refused_in_words() {
    for (text, problem) in [
        ("7 : 3", "IMAGE : LABEL : GOLDEN"),
        ("7 : 3 : 5 : 9 : 1", "IMAGE : LABEL : GOLDEN"),
        ("7 : -3 : 5", "IMAGE : LABEL : GOLDEN"),
        ("hello", "found \"hello\""),
        ("Low: 5", "Low: A , High: B"),
        ("Low: x , High: 5", "a number is expected, found \"x\""),
        ("Total data count many", "a number is expected, found \"many\""),
        ("Model name:", "no name"),
    ] {
        let error = LogLine::parse(text.as_bytes()).unwrap_err();
        assert!(error.contains(problem), "{text}: {error}");
    }
    assert!(LogLine::parse(b"\xff").unwrap_err().contains("UTF-8"));
}

#[test]
fn parts_make_a_whole() {
    let first = "Model name: m\nLow: 0 , High: 2\n0 : 1 : 1\n1 : 2 : 0\n0 : 1 : 1 : 4\n";
    let second = "Model name: m\nLow: 2 , High: 4\n3 : 1 : 1\n3 : 1 : 1 : 1\n3 : 1 : 1 : 2\n";
    let head = check(&[first, second]).unwrap();
    assert_eq!(head, LogHead { model: "m".to_owned(), images: 3, injections: 3 });
    assert!(refused(&[first, first]).starts_with("1.log: line 3: image 0 has a golden run already"));
    assert!(refused(&[first, "Model name: n\n"]).starts_with("1.log: line 1: the log is of model m"));
}

#[test]
fn what_cannot_be_one_campaign_is_refused_by_line() {
    for (text, problem) in [
        ("0 : 1 : 1\n", "line 1: the file does not begin with"),
        ("Model name: m\n", "no golden run"),
        ("Model name: m\nTotal data count 2\n0 : 1 : 1\n", "there are 1 golden runs"),
        ("Model name: m\nLow: 3 , High: 3\n", "line 2: no image lies"),
        ("Model name: m\nLow: 3 , High: 5\n2 : 1 : 1\n", "line 3: image 2 is not in this part"),
        ("Model name: m\n0 : 1 : 1\n1 : 1 : 1 : 1\n", "line 3: image 1 has no golden run"),
        ("Model name: m\n0 : 1 : 1\n0 : 1 : 2 : 1\n", "line 3: label 1 and golden prediction 1 are expected"),
        ("Model name: m\n0 : 1 : 1\n0 : 1 : 1 : 1\n1 : 1 : 1\n", "line 4: a golden run stands after"),
    ] {
        let error = refused(&[text]);
        assert!(error.starts_with("0.log: ") && error.contains(problem), "{text}: {error}");
    }
}
