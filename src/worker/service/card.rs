//! What the user says of a model, put in the place of what its file says.

use engine::campaign;
use facts::campaign::OnBadImage;
use facts::labels::Grouping;
use facts::model::{Card, Model};
use facts::text::decode;
use facts::{Error, Result};
use protocol::{Changes, FileRef};

use super::{Host, Service};
use crate::images::Encoded;

/// Longest file of class names or groups that is read, in bytes.
const LONGEST: usize = 4 << 20;

impl<H: Host> Service<H> {
    /// `model` with `changes` to its file's `card`.
    pub(super) async fn change(&self, model: &Model, card: &Card, changes: &Changes) -> Result<Model> {
        let mut card = card.clone();
        let classes = model.classes();
        if let Some(file) = &changes.labels {
            card.labels = class_names(&file.name, &self.text(file).await?, classes)?;
        }
        if let Some(file) = &changes.grouping {
            let grouping = Grouping::from_toml(&file.name, &self.text(file).await?)?;
            if grouping.classes() != classes {
                return Err(Error::input(
                    &file.name,
                    format_args!(
                        "the grouping is for {} classes, {} has {classes}; the one of before is kept",
                        grouping.classes(),
                        card.name
                    ),
                ));
            }
            card.grouping = Some(grouping);
        }
        Model { card, ..model.clone() }.preprocessed(&changes.preprocess)
    }

    /// `plain` in the number formats of `changes`. Scales are learnt as the command line learns them.
    pub(super) async fn rounded(&self, plain: &Model, changes: &Changes) -> Result<Model> {
        let Changes { numbers, calibrate, .. } = changes;
        if numbers.is_float32() {
            return Ok(plain.clone());
        }
        let mut images = Encoded::default();
        for file in calibrate {
            images.push(file.name.clone(), None, self.host.fetch(file, &|_, _| ()).await?);
        }
        Ok(campaign::rounded(plain, numbers, &images, OnBadImage::Skip).await?.model)
    }

    /// The text of the user's file.
    pub(super) async fn text(&self, file: &FileRef) -> Result<String> {
        let bytes = self.host.fetch(file, &|_, _| ()).await?;
        if bytes.len() > LONGEST {
            return Err(Error::input(&file.name, format_args!("{} bytes are too many for a list", bytes.len())));
        }
        decode(&file.name, &bytes)
    }
}

/// The names in `text`, one a line, for a model of so many classes.
pub fn class_names(name: &str, text: &str, classes: usize) -> Result<Vec<String>> {
    let names: Vec<String> = text.trim_end().lines().map(|line| line.trim().to_owned()).collect();
    if names.len() != classes {
        return Err(Error::input(
            name,
            format_args!("one class name a line is expected, {classes} of them for this model; found {}", names.len()),
        ));
    }
    if let Some(empty) = names.iter().position(String::is_empty) {
        return Err(Error::input(name, format_args!("line {} is empty; class {empty} has no name", empty + 1)));
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn class_names_stand_one_a_line() {
        let names = |text: &str, classes| {
            let text = decode("n.txt", text.as_bytes()).expect("text");
            class_names("n.txt", &text, classes).map_err(|error| error.to_string())
        };
        assert_eq!(names("\u{feff}cat\r\n dog \n\n", 2), Ok(vec!["cat".to_owned(), "dog".to_owned()]));
        assert!(names("cat\ndog\n", 3).expect_err("too few").contains("3 of them for this model; found 2"));
        assert!(names("cat\n\ndog\n", 3).expect_err("a gap").contains("line 2 is empty"));
        assert!(names("", 1).is_err());
    }
}
