//! Groupings of classes (PROTOCOL: "critical groups").

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// A named set of classes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// What its classes have in common.
    pub name: String,
    /// Whether mistaking one of its classes for a class outside is safety-critical.
    pub critical: bool,
    /// Class indices and inclusive ranges, as text: `"2-4 9 51"`.
    pub classes: String,
}

/// A partition of all classes into groups.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "GroupingFile", into = "GroupingFile")]
pub struct Grouping {
    name: String,
    groups: Vec<Group>,
    /// By class, its group.
    group_of: Vec<usize>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupingFile {
    /// What it is called in results.
    name: String,
    /// Number of classes; every class below it must be in exactly one group.
    classes: usize,
    #[serde(rename = "group")]
    groups: Vec<Group>,
}

impl Grouping {
    /// Reads a grouping file (TOML; see models/README.md for the format).
    ///
    /// # Errors
    /// Where the text is not TOML, a class is in no group or in two, or a range is malformed; `name` is the
    /// file's name for the message.
    pub fn from_toml(name: &str, text: &str) -> Result<Self> {
        toml::from_str(text).map_err(|error| Error::input(name, error))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The groups.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.group_of.len()
    }

    /// The group of `class`, where there is such a class.
    pub fn group_of(&self, class: usize) -> Option<&Group> {
        self.group_of.get(class).map(|&group| &self.groups[group])
    }

    /// Whether mistaking a `from` for a `to` is a safety-critical misclassification: they are in different
    /// groups, and `from`'s is critical.
    pub fn is_scm(&self, from: usize, to: usize) -> bool {
        match (self.group_of.get(from), self.group_of.get(to)) {
            (Some(&from), Some(&to)) => from != to && self.groups[from].critical,
            _ => false,
        }
    }
}

impl TryFrom<GroupingFile> for Grouping {
    type Error = String;

    fn try_from(file: GroupingFile) -> Result<Self, String> {
        const MAX_CLASSES: usize = 1 << 16;
        if file.classes == 0 || file.classes > MAX_CLASSES {
            return Err(format!("1 to {MAX_CLASSES} classes are expected, found {}", file.classes));
        }
        let mut group_of: Vec<Option<usize>> = vec![None; file.classes];
        for (index, group) in file.groups.iter().enumerate() {
            for item in group.classes.split_whitespace() {
                let (first, last) = item.split_once('-').unwrap_or((item, item));
                let parse = |text: &str| {
                    text.parse::<usize>()
                        .map_err(|_| format!("group \"{}\": \"{item}\" is neither a class nor a range a-b", group.name))
                };
                let (first, last) = (parse(first)?, parse(last)?);
                if first > last || last >= file.classes {
                    return Err(format!(
                        "group \"{}\": \"{item}\" does not lie in classes 0 to {}",
                        group.name,
                        file.classes - 1
                    ));
                }
                for (class, group_of) in group_of.iter_mut().enumerate().take(last + 1).skip(first) {
                    if let Some(other) = group_of.replace(index) {
                        return Err(format!(
                            "class {class} is in group \"{}\" and in group \"{}\"",
                            file.groups[other].name, group.name
                        ));
                    }
                }
            }
        }
        let missing: Vec<_> = (0..file.classes).filter(|&class| group_of[class].is_none()).take(5).collect();
        if !missing.is_empty() {
            return Err(format!(
                "every class must be in a group; missing are {missing:?}{}",
                if missing.len() == 5 { " and maybe more" } else { "" }
            ));
        }
        Ok(Self { name: file.name, groups: file.groups, group_of: group_of.into_iter().flatten().collect() })
    }
}

impl From<Grouping> for GroupingFile {
    fn from(grouping: Grouping) -> Self {
        Self { name: grouping.name, classes: grouping.group_of.len(), groups: grouping.groups }
    }
}
