//! Lists of labels: text files that say which class each image has.

use std::collections::HashMap;

use super::Classes;
use super::archive::is_image;
use crate::text::{self, file_name};
use crate::{Error, Result};

/// The labels in the list `text` of the images `files`, which are in the order of their names.
///
/// A list has a label a line in that order, or lines `NAME LABEL` in any order, separated by white space, a comma, a
/// semicolon or a tab; a first line that names columns (`filename,label`) is recognised. A label is a number, or a name
/// that the model knows. Messages call the list `name`.
///
/// # Errors
/// If a line has another form, or if an image has no label or several.
pub fn labels_of_list(name: &str, text: &str, files: &[&str], classes: &Classes) -> Result<Vec<usize>> {
    let mut lines: Vec<(usize, &str)> = text::lines(text).collect();
    let list = List { name, classes, columns: Columns::of(name, &mut lines)? };
    if lines.len() != files.len() {
        let (labels, images) = (lines.len(), files.len());
        let problem = format_args!("{labels} labels for {images} images; list each image once, and no others");
        return Err(Error::input(name, problem));
    }
    let named = match &list.columns {
        Some(columns) => columns.file.is_some(),
        None => lines.first().is_some_and(|&(_, line)| list.parts(line).0.is_some()),
    };
    if !named {
        return lines.into_iter().map(|(line, text)| list.label(line, list.parts(text).1)).collect();
    }
    let mut places: HashMap<&str, usize> = files.iter().enumerate().map(|(place, &file)| (file, place)).collect();
    let mut labels = vec![0; files.len()];
    for (line, text) in lines {
        let (Some(image), label) = list.parts(text) else {
            return Err(list.wrong(line, format!("expected a file name and a label, found \"{text}\"")));
        };
        let image = file_name(image);
        let place = places.remove(image.as_str()).ok_or_else(|| {
            list.wrong(
                line,
                format!("there is no image {image}, or it is listed twice; names are relative to the data's folder"),
            )
        })?;
        labels[place] = list.label(line, label)?;
    }
    Ok(labels)
}

/// Whether the first line of `text` is that of a list of labels, and not of a list of class names: it names columns of files
/// and labels, or begins with the name of an image file. A list of labels alone does not tell.
pub fn is_label_list(text: &str) -> bool {
    let mut lines: Vec<(usize, &str)> = text::lines(text).take(1).collect();
    let Some(&(_, first)) = lines.first() else { return false };
    let classes = Classes::default();
    match Columns::of("", &mut lines) {
        // The line names files, and lacks a column of labels: the reader of the list says so.
        Err(_) => true,
        Ok(Some(columns)) => columns.file.is_some(),
        Ok(None) => List { name: "", classes: &classes, columns: None }.parts(first).0.is_some_and(is_image),
    }
}

struct List<'a> {
    name: &'a str,
    classes: &'a Classes,
    columns: Option<Columns>,
}

/// What the first line of a table says.
struct Columns {
    separator: char,
    file: Option<usize>,
    label: usize,
}

impl Columns {
    /// Takes a first line that names columns.
    fn of(name: &str, lines: &mut Vec<(usize, &str)>) -> Result<Option<Self>> {
        const FILES: [&str; 9] =
            ["filename", "file", "file_name", "image", "image_id", "imageid", "path", "name", "filepath"];
        const LABELS: [&str; 9] =
            ["label", "labels", "class", "classid", "class_id", "category", "target", "class_name", "y"];
        let Some(&(_, head)) = lines.first() else { return Ok(None) };
        let separator = separator(head).unwrap_or(',');
        let cells: Vec<String> = head.split(separator).map(|cell| unquoted(cell).to_lowercase()).collect();
        let place = |names: &[&str]| cells.iter().position(|cell| names.contains(&cell.as_str()));
        let (file, label) = (place(&FILES), place(&LABELS));
        let Some(label) = label else {
            return match file.filter(|_| cells.len() > 1 && cells.iter().all(|cell| cell.parse::<f64>().is_err())) {
                Some(_) if !cells.iter().any(|cell| cell.contains('.')) => {
                    let problem = format_args!(
                        "line 1: no column of labels among {}; expected one called label",
                        cells.join(", ")
                    );
                    Err(Error::input(name, problem))
                }
                _ => Ok(None),
            };
        };
        if file.is_none() && cells.len() > 1 {
            return Ok(None);
        }
        lines.remove(0);
        Ok(Some(Self { separator, file, label }))
    }
}

fn separator(line: &str) -> Option<char> {
    [',', ';', '\t'].into_iter().find(|&separator| line.contains(separator))
}

fn unquoted(cell: &str) -> &str {
    let cell = cell.trim();
    cell.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(cell)
}

impl List<'_> {
    /// A line's file name, where it has one, and its label.
    fn parts<'t>(&self, line: &'t str) -> (Option<&'t str>, &'t str) {
        if let Some(columns) = &self.columns {
            let cells: Vec<&str> = line.split(columns.separator).map(unquoted).collect();
            let cell = |place: usize| cells.get(place).copied().unwrap_or("");
            return (columns.file.map(cell), cell(columns.label));
        }
        // A name of a class may have white space in it.
        if self.class(line).is_some() {
            return (None, line);
        }
        if let Some(separator) = separator(line)
            && let Some((image, label)) = line.rsplit_once(separator)
        {
            return (Some(unquoted(image)), unquoted(label));
        }
        let splits = line.char_indices().filter(|(_, character)| character.is_whitespace());
        let mut parts = splits.map(|(place, _)| (line[..place].trim(), line[place..].trim()));
        let known = parts.find(|(_, label)| self.class(label).is_some());
        match known.or_else(|| line.rsplit_once(char::is_whitespace)) {
            Some((image, label)) => (Some(image.trim_end()), label),
            None => (None, line),
        }
    }

    fn class(&self, label: &str) -> Option<usize> {
        if let Ok(number) = label.parse() {
            return Some(number);
        }
        let mut places = self.classes.names.iter().enumerate().filter(|(_, name)| *name == label);
        match (places.next(), places.next()) {
            (Some((place, _)), None) => Some(place),
            _ => None,
        }
    }

    fn label(&self, line: usize, label: &str) -> Result<usize> {
        self.class(label).ok_or_else(|| {
            let names = if self.classes.names.is_empty() {
                ", and the model has no class names; --classes FILE with the names in their order, one a line, gives them numbers"
            } else {
                ", nor the name of one class; write its number, or give the names in their order with --classes FILE"
            };
            self.wrong(line, format!("\"{label}\" is no class number{names}"))
        })
    }

    fn wrong(&self, line: usize, problem: impl std::fmt::Display) -> Error {
        Error::input(self.name, format_args!("line {line}: {problem}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(text: &str, files: &[&str], names: &[&str]) -> Result<Vec<usize>> {
        let classes = Classes { names: names.iter().map(ToString::to_string).collect(), count: None };
        labels_of_list("labels.txt", text, files, &classes)
    }

    const FILES: [&str; 3] = ["a.png", "b c.png", "x/d.png"];

    #[test]
    fn a_list_of_labels_is_told_from_a_list_of_class_names() {
        for text in [
            "filename,label\na.png,1\n",
            "# order\n\na.png 1\n",
            "./x/b c.JPG\tgreat white shark\n",
            "class;path\n1;a.png",
            "filename,width\na.png,3\n",
        ] {
            assert!(is_label_list(text), "{text}");
        }
        for text in ["", "cat\ndog\n", "great white shark\n", "0\n1\n", "label\n2\n", "name\ncat\n", "tench, a fish\n"]
        {
            assert!(!is_label_list(text), "{text}");
        }
    }

    #[test]
    fn labels_come_in_order_or_by_name_as_numbers_or_names() {
        let names = ["ant", "great white shark", "cat"];
        for text in [
            "2\n0\n1\n",
            "2\r\n0\r\n\r\n1",
            "# order of names\n2\n0\n1\n\n",
            "x/d.png 1\na.png 2\nb c.png\t0\n",
            "./x/d.png 1\n./a.png 2\n.\\b c.png 0",
            "filename,label\nx/d.png,1\na.png,2\nb c.png,0\n",
            "label;file\n1;x/d.png\n\"2\";\"a.png\"\n0;b c.png\n",
            "label\n2\n0\n1\n",
            "cat\nant\ngreat white shark\n",
            "x/d.png great white shark\na.png cat\nb c.png ant\n",
            "path,class\nx/d.png,great white shark\na.png,cat\nb c.png,ant\n",
            "a.png,2\nb c.png,0\nx/d.png,1",
        ] {
            assert_eq!(labels(text, &FILES, &names).expect(text), [2, 0, 1], "{text}");
        }
    }

    #[test]
    fn a_list_that_does_not_fit_is_refused_with_its_line() {
        for (text, expected) in [
            ("4\n0\n", "2 labels for 3 images; list each image once, and no others"),
            ("4\n\nx\n1\n", "line 3: \"x\" is no class number, and the model has no class names; --classes FILE"),
            ("4\n-1\n1\n", "line 2: \"-1\" is no class number"),
            ("a.png 1\nb c.png 2\ne.png 3\n", "line 3: there is no image e.png"),
            ("a.png 1\na.png 2\nx/d.png 3\n", "line 2: there is no image a.png, or it is listed twice"),
            ("a.png 1\n2\nx/d.png 3\n", "line 2: expected a file name and a label"),
            ("a.png 1\nb c.png x\nx/d.png 3\n", "line 2: \"x\" is no class number"),
            ("file,width\na.png,1\nb c.png,2\nx/d.png,3", "no column of labels among file, width"),
        ] {
            let error = labels(text, &FILES, &[]).expect_err(text).to_string();
            assert!(error.starts_with("labels.txt: ") && error.contains(expected), "{error}");
        }
        let error = labels("cat\ndog\n0", &FILES, &["cat", "cow"]).unwrap_err().to_string();
        assert!(error.contains("line 2: \"dog\" is no class number, nor the name of one class"), "{error}");
    }
}
