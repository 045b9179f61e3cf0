//! A list of labels for a folder of images.

use std::collections::HashMap;

use super::files::File;
use crate::{Error, Result};

/// Gives `files`, which are in the order of their names, the labels in `text`: a class number per line in that order,
/// or lines `NAME NUMBER` in any order. Messages call the list `name`.
///
/// # Errors
/// If a line has another form, or if an image has no label or several.
pub fn apply(name: &str, text: &str, files: &mut [File]) -> Result<()> {
    let lines: Vec<(usize, &str)> = text
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.trim()))
        .filter(|(_, line)| !line.is_empty())
        .collect();
    let wrong = |line: usize, problem: &str| Error::input(name, format_args!("line {line}: {problem}"));
    let class = |line: usize, text: &str| {
        text.parse::<usize>().map_err(|_| wrong(line, &format!("\"{text}\" is no class number")))
    };
    if lines.len() != files.len() {
        return Err(Error::input(name, format_args!("{} labels for {} images", lines.len(), files.len())));
    }
    let named = lines.first().is_some_and(|(_, line)| line.contains(char::is_whitespace));
    if !named {
        for (file, (line, text)) in files.iter_mut().zip(lines) {
            file.label = Some(class(line, text)?);
        }
        return Ok(());
    }
    let mut by_name: HashMap<String, &mut File> =
        files.iter_mut().map(|file| (file.path.to_string_lossy().into_owned(), file)).collect();
    for (line, text) in lines {
        let (image, label) = text
            .rsplit_once(char::is_whitespace)
            .ok_or_else(|| wrong(line, "expected a file name and a class number"))?;
        let file = by_name
            .remove(image.trim_end())
            .ok_or_else(|| wrong(line, &format!("there is no image {image}, or it is listed twice")))?;
        file.label = Some(class(line, label)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
