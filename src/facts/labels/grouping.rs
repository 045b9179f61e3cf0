//! Groupings of classes (PROTOCOL: "critical groups").

use std::fmt;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use toml::Spanned;

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

/// As it is written in JSON.
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

/// As it is written in TOML, with places for messages.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LocatedFile {
    name: String,
    classes: Spanned<usize>,
    #[serde(rename = "group")]
    groups: Vec<LocatedGroup>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LocatedGroup {
    name: Spanned<String>,
    critical: bool,
    classes: Spanned<String>,
}

impl Grouping {
    /// Reads a grouping file (TOML; see models/README.md for the format).
    ///
    /// # Errors
    /// Where the text is not TOML, a class is in no group or in two, or a range is malformed: all of
    /// it, one after the other. `name` is the file's name for the message.
    pub fn from_toml(name: &str, text: &str) -> Result<Self> {
        let ends: Vec<usize> = text.bytes().enumerate().filter(|&(_, byte)| byte == b'\n').map(|(at, _)| at).collect();
        let line = |at: usize| 1 + ends.partition_point(|&end| end < at);
        let located: LocatedFile = toml::from_str(text).map_err(|error| {
            let place = error.span().map_or_else(String::new, |span| format!("line {}: ", line(span.start)));
            Error::input(name, format_args!("{place}{}", error.message()))
        })?;
        let place = |place: Place| match place {
            Place::Classes => line(located.classes.span().start),
            Place::Name(group) => line(located.groups[group].name.span().start),
            Place::Group(group) => line(located.groups[group].classes.span().start),
        };
        let groups = located.groups.iter().map(|group| Group {
            name: group.name.get_ref().clone(),
            critical: group.critical,
            classes: group.classes.get_ref().clone(),
        });
        let file =
            GroupingFile { name: located.name.clone(), classes: *located.classes.get_ref(), groups: groups.collect() };
        Self::new(file).map_err(|problems| {
            let told: Vec<_> =
                problems.iter().map(|problem| format!("line {}: {problem}", place(problem.place))).collect();
            Error::input(name, told.join("; "))
        })
    }

    /// A grouping of groups with these classes: what of them is wrong is told, as in a file.
    ///
    /// # Errors
    /// As [`Grouping::from_toml`].
    pub fn from_groups(name: &str, classes: usize, groups: Vec<Group>) -> Result<Self> {
        let file = GroupingFile { name: name.to_owned(), classes, groups };
        Self::try_from(file).map_err(|problem| Error::input(name, problem))
    }

    /// The file that [`Grouping::from_toml`] reads.
    pub fn to_toml(&self) -> String {
        // A string of JSON is a string of TOML, except that TOML escapes one character more.
        let quoted = |text: &str| serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f");
        let mut toml = format!("name = {}\nclasses = {}\n", quoted(&self.name), self.classes());
        for group in &self.groups {
            toml += &format!(
                "\n[[group]]\nname = {}\ncritical = {}\nclasses = {}\n",
                quoted(&group.name),
                group.critical,
                quoted(&group.classes)
            );
        }
        toml
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

    /// Checks that it is for a model of so many `classes`.
    ///
    /// # Errors
    /// Where it is for another number of them.
    pub fn check_classes(&self, classes: usize) -> Result<()> {
        if self.classes() == classes {
            return Ok(());
        }
        Err(Error::request(format_args!(
            "the grouping \"{}\" is for {} classes, the model has {classes}",
            self.name,
            self.classes()
        )))
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

impl Grouping {
    /// Finds everything that is wrong with `file`, or nothing.
    fn new(file: GroupingFile) -> Result<Self, Vec<Problem>> {
        const MAX_CLASSES: usize = 1 << 16;
        if file.classes == 0 || file.classes > MAX_CLASSES {
            let text = format!("1 to {MAX_CLASSES} classes are expected, found {}", file.classes);
            return Err(vec![Problem { place: Place::Classes, text }]);
        }
        // Tables of groups by groups are made.
        const MAX_GROUPS: usize = 1 << 10;
        if file.groups.len() > MAX_GROUPS {
            let text = format!("at most {MAX_GROUPS} groups are expected, found {}", file.groups.len());
            return Err(vec![Problem { place: Place::Classes, text }]);
        }
        let mut problems = Vec::new();
        let mut group_of: Vec<Option<usize>> = vec![None; file.classes];
        for (index, group) in file.groups.iter().enumerate() {
            if file.groups[..index].iter().any(|other| other.name == group.name) {
                let text = format!("there are two groups called \"{}\"", group.name);
                problems.push(Problem { place: Place::Name(index), text });
            }
            for item in group.classes.split_whitespace() {
                let claimed =
                    range(item, file.classes).and_then(|classes| claim(classes, index, &mut group_of, &file.groups));
                if let Err(text) = claimed {
                    let text = format!("group \"{}\": {text}", group.name);
                    problems.push(Problem { place: Place::Group(index), text });
                }
            }
        }
        let missing: Vec<String> =
            (0..file.classes).filter(|&class| group_of[class].is_none()).map(|class| class.to_string()).collect();
        if !missing.is_empty() {
            problems.push(Problem { place: Place::Classes, text: nowhere(&missing) });
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self { name: file.name, groups: file.groups, group_of: group_of.into_iter().flatten().collect() })
    }
}

/// The classes that `item`, a class or a range, stands for.
fn range(item: &str, classes: usize) -> Result<RangeInclusive<usize>, String> {
    let (first, last) = item.split_once('-').unwrap_or((item, item));
    let (Ok(first), Ok(last)) = (first.parse::<usize>(), last.parse::<usize>()) else {
        return Err(format!("\"{item}\" is neither a class nor a range a-b"));
    };
    if first > last || last >= classes {
        return Err(format!("\"{item}\" does not lie in classes 0 to {}", classes - 1));
    }
    Ok(first..=last)
}

/// Puts `classes` into the group `index`, where they are in none.
fn claim(
    classes: RangeInclusive<usize>,
    index: usize,
    group_of: &mut [Option<usize>],
    groups: &[Group],
) -> Result<(), String> {
    for class in classes {
        match group_of[class].replace(index) {
            None => {}
            Some(other) if other == index => return Err(format!("class {class} is listed twice")),
            Some(other) => return Err(format!("class {class} is in group \"{}\" already", groups[other].name)),
        }
    }
    Ok(())
}

fn nowhere(missing: &[String]) -> String {
    const SHOWN: usize = 5;
    match missing {
        [class] => format!("class {class} is in no group"),
        few if few.len() <= SHOWN => format!("classes {} are in no group", few.join(" ")),
        many => format!("classes {} and {} more are in no group", many[..SHOWN].join(" "), many.len() - SHOWN),
    }
}

/// Something wrong with a grouping.
struct Problem {
    place: Place,
    text: String,
}

/// What a problem is about.
#[derive(Clone, Copy)]
enum Place {
    /// The number of classes.
    Classes,
    /// The name of a group.
    Name(usize),
    /// The classes of a group.
    Group(usize),
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl TryFrom<GroupingFile> for Grouping {
    type Error = String;

    fn try_from(file: GroupingFile) -> Result<Self, String> {
        Self::new(file).map_err(|problems| problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("; "))
    }
}

impl From<Grouping> for GroupingFile {
    fn from(grouping: Grouping) -> Self {
        Self { name: grouping.name, classes: grouping.group_of.len(), groups: grouping.groups }
    }
}
