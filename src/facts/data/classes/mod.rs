//! The class of a folder of images.
//!
//! A folder is a class only where something says which: the model's class names, a number, a WordNet id, a list, a rule
//! that the user chose, or as many folders as the model has classes. Everything else is refused, because labels that are
//! guessed give rates that look right.

mod system;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

pub use self::system::{is_part, is_system, is_wrapper};
use super::{known, misplaced};
use crate::labels::wordnet_ids;
use crate::named::{Name, Named};
use crate::{Error, Result, text};

/// The rule of ImageNet's folders.
pub(super) const BY_WORDNET_IDS: &str = "by WordNet ids, in ImageNet's order";

/// The classes of the model that images are for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Classes {
    /// Their names; empty where they are unknown.
    pub names: Vec<String>,
    /// Their number; `None` without a model.
    pub count: Option<usize>,
}

impl Classes {
    /// These classes with the names in `list` (`--classes`), for the data called `root`.
    ///
    /// # Errors
    /// If the list has more classes than there are.
    pub fn called(&self, root: &str, list: Vec<String>) -> Result<Self> {
        self.check_list(root, &list)?;
        Ok(Self { names: list, count: self.count })
    }

    fn check_list(&self, root: &str, list: &[String]) -> Result<()> {
        let Some(count) = self.count.filter(|&count| list.len() > count) else { return Ok(()) };
        Err(Error::input(root, format_args!("--classes lists {} classes, the model has {count}", list.len())))
    }
}

/// The rule that gives a folder its class (names of `--folder-order`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FolderOrder {
    /// Its name is the name of the class.
    Name,
    /// Its name is the number of the class.
    Number,
    /// The folders are sorted as strings, and the place is the class.
    String,
}

impl Named for FolderOrder {
    const ALL: &'static [(Self, Name)] = &[
        (Self::Name, Name::new("name", "By class name", "the folder's name is the model's name of the class")),
        (Self::Number, Name::new("number", "By number", "the folder's name is the number of the class")),
        (
            Self::String,
            Name::new(
                "string",
                "Sorted as strings",
                "the place among the folders sorted as strings, 0 1 10 11 2, as torchvision's ImageFolder and Keras' \
                 flow_from_directory number them",
            ),
        ),
    ];
}

/// What the user says of folders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FolderChoice {
    /// The names of the folders in the order of their classes.
    pub classes: Option<Vec<String>>,
    /// The rule.
    pub order: Option<FolderOrder>,
}

impl FolderChoice {
    /// Makes sure that nothing is stated about folders, of which the data have none.
    ///
    /// # Errors
    /// If something is stated.
    pub fn check_without_folders(&self) -> Result<()> {
        if self.classes.is_some() {
            return Err(misplaced("--classes", "sub-folders, or with a list of class names (--labels)"));
        }
        match self.order {
            Some(_) => Err(misplaced("--folder-order", "a folder with a sub-folder for each class")),
            None => Ok(()),
        }
    }
}

/// The classes of folders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assigned {
    /// By folder, its class.
    pub labels: Vec<usize>,
    /// The rule that gave them, for results: "by the model's class names".
    pub rule: &'static str,
    /// What was assumed, a sentence each.
    pub notices: Vec<String>,
}

/// The names in the list `text` that gives folders their order, one a line. Messages call it `name`.
///
/// # Errors
/// If there is none, or one stands there twice.
pub fn class_list(name: &str, text: &str) -> Result<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    let mut seen = HashMap::new();
    for (line, class) in text::lines(text) {
        if let Some(first) = seen.insert(class, line) {
            let problem =
                format_args!("line {line}: \"{class}\" stands in line {first} already; each class has one line");
            return Err(Error::input(name, problem));
        }
        names.push(class.to_owned());
    }
    if names.is_empty() {
        return Err(Error::input(name, "expected the names of the classes in their order, one a line; found none"));
    }
    Ok(names)
}

/// The class of each of `folders`, which are below the folder `root`, for a model with `classes`.
///
/// # Errors
/// Where it is not certain. The message names the first folders and the ways out.
pub fn classes_of_folders(root: &str, folders: &[&str], classes: &Classes, choice: &FolderChoice) -> Result<Assigned> {
    let folders = Folders { root, names: folders, classes };
    let assigned = match (&choice.classes, choice.order) {
        (Some(list), _) => folders.listed(list),
        (None, Some(FolderOrder::Name)) => match folders.named()? {
            Some(assigned) => Ok(assigned),
            None => Err(folders.refused("the model has no class of any of these names")),
        },
        (None, Some(FolderOrder::Number)) => match folders.numbered(true) {
            Some(assigned) => assigned,
            None => Err(folders.refused("not all of these names are numbers")),
        },
        (None, Some(FolderOrder::String)) => folders.in_order().ok_or_else(|| {
            folders.refused(
                "the order of folders gives their classes only where each class has a folder; --classes FILE lists all of \
                 them in their order",
            )
        }),
        (None, None) => folders.found(),
    }?;
    folders.check(assigned)
}

struct Folders<'a> {
    root: &'a str,
    names: &'a [&'a str],
    classes: &'a Classes,
}

impl Folders<'_> {
    /// Finds the rule.
    fn found(&self) -> Result<Assigned> {
        known::check_folders(self.root, self.names, self.classes)?;
        if let Some(assigned) = self.numbered(false) {
            return assigned;
        }
        if let Some(assigned) = self.named()? {
            return Ok(assigned);
        }
        if let Some(assigned) = self.synsets() {
            return assigned;
        }
        if self.names.iter().all(|name| is_part(name)) {
            let problem = format_args!(
                "{} are parts of a data set, not classes; name one of them as the data: {}/{}",
                self.listing(),
                self.root,
                self.names.first().unwrap_or(&"")
            );
            return Err(Error::input(self.root, problem));
        }
        if let [only] = self.names
            && is_wrapper(only)
        {
            let problem = format_args!(
                "\"{only}\" holds the images together and is no class; name it as the data: {}/{only}",
                self.root
            );
            return Err(Error::input(self.root, problem));
        }
        let assigned = match self.classes.count {
            Some(_) => self.in_order(),
            None => Some(self.by_place()),
        };
        let mut assigned = assigned.ok_or_else(|| {
            let names =
                if self.classes.names.is_empty() { "which has no class names" } else { "which has other names" };
            self.refused(&format!("nothing says which of the classes of the model, {names}, they are"))
        })?;
        assigned.notices.push(match self.classes.count {
            Some(count) => format!(
                "{}: the {count} sub-folders are the model's {count} classes in the order of their names, {}; --classes FILE \
                 gives another order",
                self.root,
                self.listing()
            ),
            None => format!(
                "{}: without a model the sub-folders are classes in the order of their names, {}; --model tells its class names",
                self.root,
                self.listing()
            ),
        });
        Ok(assigned)
    }

    fn listed(&self, list: &[String]) -> Result<Assigned> {
        self.classes.check_list(self.root, list)?;
        let places: HashMap<&str, usize> =
            list.iter().enumerate().map(|(place, name)| (name.as_str(), place)).collect();
        let labels = self.names.iter().map(|&name| {
            places.get(name).copied().ok_or_else(|| {
                let problem = "--classes does not list this sub-folder; add it, or take the folder away";
                Error::input(format!("{}/{name}", self.root), problem)
            })
        });
        Ok(Assigned { labels: labels.collect::<Result<_>>()?, rule: "by the list of classes", notices: Vec::new() })
    }

    /// By numbers, where all names are.
    fn numbered(&self, chosen: bool) -> Option<Result<Assigned>> {
        let labels: Vec<usize> = self.names.iter().map(|name| name.parse().ok()).collect::<Option<_>>()?;
        if let Some(twice) = repeated(&labels) {
            return Some(Err(self.refused(&format!("two of these names are the number {twice}"))));
        }
        let mut notices = Vec::new();
        let strings = self.in_order().map(|assigned| assigned.labels);
        if !chosen && strings.is_some_and(|strings| strings != labels) {
            notices.push(format!(
                "{}: the names of the sub-folders, {}, are taken as the numbers of the classes; torchvision's ImageFolder and \
                 Keras' flow_from_directory sort them as strings (0, 1, 10, 11, 2): --folder-order string does, too, and \
                 --folder-order number states what was assumed",
                self.root,
                self.listing()
            ));
        }
        Some(Ok(Assigned { labels, rule: "by the numbers of the sub-folders", notices }))
    }

    /// By the model's names of classes, where it knows any.
    fn named(&self) -> Result<Option<Assigned>> {
        let ways = [
            (str::to_owned as fn(&str) -> String, "by the model's class names"),
            (plain, "by the model's class names, without regard to case, spaces and hyphens"),
        ];
        for (nth, (of, rule)) in ways.into_iter().enumerate() {
            let mut places: HashMap<String, Vec<usize>> = HashMap::new();
            for (place, class) in self.classes.names.iter().enumerate() {
                places.entry(of(class)).or_default().push(place);
            }
            let found: Vec<&[usize]> =
                self.names.iter().map(|name| places.get(&of(name)).map_or(&[][..], Vec::as_slice)).collect();
            let known = found.iter().filter(|places| !places.is_empty()).count();
            // Names that are not exactly the model's may be so in the second way of comparing.
            if known == 0 || nth == 0 && known < found.len() {
                continue;
            }
            let labels = self.names.iter().zip(found).map(|(name, places)| self.one(name, places));
            let labels = labels.collect::<Result<Vec<_>>>()?;
            if let Some(twice) = repeated(&labels) {
                let problem = format!("two of these names are that of the class \"{}\"", self.classes.names[twice]);
                return Err(self.refused(&problem));
            }
            return Ok(Some(Assigned { labels, rule, notices: Vec::new() }));
        }
        Ok(None)
    }

    fn one(&self, folder: &str, places: &[usize]) -> Result<usize> {
        let problem = match places {
            [class] => return Ok(*class),
            [one, other, ..] => format!("the model has two classes of this name, {one} and {other}"),
            [] => "the model has no class of this name, though it has those of other sub-folders".to_owned(),
        };
        let advice = "give the sub-folders the numbers of their classes as names, or list them with --classes FILE";
        Err(Error::input(format!("{}/{folder}", self.root), format_args!("{problem}; {advice}")))
    }

    /// By WordNet ids, where the model has ImageNet's classes and all names are ids.
    fn synsets(&self) -> Option<Result<Assigned>> {
        let is_id = |name: &&str| {
            name.strip_prefix('n').is_some_and(|id| id.len() == 8 && id.bytes().all(|byte| byte.is_ascii_digit()))
        };
        let ids = wordnet_ids();
        if !self.names.iter().all(is_id)
            || !self.classes.count.is_none_or(|count| [ids.len(), ids.len() + 1].contains(&count))
        {
            return None;
        }
        let places: HashMap<&str, usize> = ids.iter().enumerate().map(|(place, &id)| (id, place)).collect();
        let label = |name: &&str| {
            places.get(name).copied().ok_or_else(|| {
                let problem =
                    "this WordNet id is none of ImageNet's 1,000 classes (ILSVRC 2012); --classes FILE lists others";
                Error::input(format!("{}/{name}", self.root), problem)
            })
        };
        let labels = self.names.iter().map(label).collect::<Result<_>>();
        Some(labels.map(|labels| Assigned { labels, rule: BY_WORDNET_IDS, notices: Vec::new() }))
    }

    /// By place, where each class has a folder.
    fn in_order(&self) -> Option<Assigned> {
        (Some(self.names.len()) == self.classes.count).then(|| self.by_place())
    }

    fn by_place(&self) -> Assigned {
        let mut order: Vec<usize> = (0..self.names.len()).collect();
        order.sort_by_key(|&folder| self.names[folder]);
        let mut labels = vec![0; order.len()];
        for (place, folder) in order.into_iter().enumerate() {
            labels[folder] = place;
        }
        Assigned { labels, rule: "by the order of the sub-folders, sorted as strings", notices: Vec::new() }
    }

    /// Refuses labels that the model does not have.
    fn check(&self, assigned: Assigned) -> Result<Assigned> {
        let Some(count) = self.classes.count else { return Ok(assigned) };
        match assigned.labels.iter().zip(self.names).find(|(label, _)| **label >= count) {
            Some((label, name)) => {
                let problem = format!(
                    "sub-folder \"{name}\" would be class {label}, and the model has the classes 0 to {}; where numbers start \
                     at 1, --label-shift -1 takes one off",
                    count.saturating_sub(1)
                );
                Err(self.refused(&problem))
            }
            None => Ok(assigned),
        }
    }

    fn refused(&self, problem: &str) -> Error {
        let count = self.classes.count.map_or_else(String::new, |count| format!(" for a model of {count} classes"));
        Error::input(
            self.root,
            format_args!(
                "{} sub-folders ({}){count}: {problem}. Ways out: --classes FILE with the names of the sub-folders in the \
                 order of their classes, one a line; --labels FILE with a label for each image; --folder-order name, number \
                 or string; --labels none, if labels do not matter",
                self.names.len(),
                self.listing()
            ),
        )
    }

    /// The first names.
    fn listing(&self) -> String {
        /// Names that a sentence can bear.
        const SHOWN: usize = 5;
        let mut shown = self.names.iter().take(SHOWN).map(ToString::to_string).collect::<Vec<_>>().join(", ");
        if self.names.len() > SHOWN {
            shown += ", ...";
        }
        shown
    }
}

/// A name without regard to case, and to the characters that stand between words.
fn plain(name: &str) -> String {
    name.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// A label that stands there twice.
fn repeated(labels: &[usize]) -> Option<usize> {
    let mut seen = BTreeSet::new();
    labels.iter().copied().find(|label| !seen.insert(*label))
}

/// The notice that names files that were left out, or `None` where there are none. `what` says why.
pub fn left_out(root: &str, names: &[String], what: &str) -> Option<String> {
    let first = names.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
    let more = if names.len() > 3 { ", ..." } else { "" };
    (!names.is_empty()).then(|| format!("{root}: {} left out, {what}: {first}{more}", names.len()))
}
