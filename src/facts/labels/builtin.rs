//! The class names and groupings that come with Faultscope.
//!
//! ImageNet's names are those that torchvision lists (BSD-3-Clause), CIFAR's those of the data sets
//! (Krizhevsky, 2009), GTSRB's our own words for the signs (Stallkamp et al., 2012, numbers them without naming
//! them).

use super::Grouping;
use crate::{Error, Result};

/// Name and class names, one a line.
const LABELS: [(&str, &str); 4] = [
    ("imagenet", include_str!("data/imagenet.txt")),
    ("cifar100", include_str!("data/cifar100.txt")),
    ("cifar10", include_str!("data/cifar10.txt")),
    ("gtsrb", include_str!("data/gtsrb.txt")),
];

/// Name and grouping file.
const GROUPINGS: [(&str, &str); 4] = [
    ("imagenet", include_str!("data/imagenet.toml")),
    ("cifar100", include_str!("data/cifar100.toml")),
    ("cifar10", include_str!("data/cifar10.toml")),
    ("gtsrb", include_str!("data/gtsrb.toml")),
];

/// The class names of the data set `name`, by class number: `imagenet` (ILSVRC 2012, sorted WordNet ids),
/// `cifar100` (fine classes), `cifar10` or `gtsrb`.
///
/// # Errors
/// Where there is no such data set; the message lists those there are.
pub fn builtin(name: &str) -> Result<Vec<String>> {
    find("class names", &LABELS, name).map(|text| text.lines().map(str::to_owned).collect())
}

/// The WordNet ids of ImageNet's classes (ILSVRC 2012) by class number, which is their order.
pub fn wordnet_ids() -> Vec<&'static str> {
    include_str!("data/imagenet-ids.txt").lines().collect()
}

/// The class names of a model: its `own` or, where it has none, those that we ship with its `grouping`.
pub fn names_of_classes(own: &[String], grouping: Option<&Grouping>) -> Vec<String> {
    let shipped = || {
        let grouping =
            grouping.filter(|grouping| Grouping::builtin(grouping.name()).as_ref().ok() == Some(*grouping))?;
        builtin(grouping.name()).ok()
    };
    if own.is_empty() { shipped().unwrap_or_default() } else { own.to_vec() }
}

impl Grouping {
    /// The names of the groupings that [`Grouping::builtin`] knows.
    pub fn builtin_names() -> impl Iterator<Item = &'static str> {
        GROUPINGS.iter().map(|&(name, _)| name)
    }

    /// A grouping that comes with Faultscope: `imagenet` and `cifar100` are the study's, `cifar10` and `gtsrb` are
    /// ours; their files say what they follow.
    ///
    /// # Errors
    /// Where there is none called `name`; the message lists those there are.
    pub fn builtin(name: &str) -> Result<Self> {
        find("a grouping", &GROUPINGS, name).and_then(|text| Self::from_toml(name, text))
    }
}

fn find(what: &str, table: &[(&str, &'static str)], name: &str) -> Result<&'static str> {
    table.iter().find(|(known, _)| *known == name).map(|&(_, text)| text).ok_or_else(|| {
        let known: Vec<_> = table.iter().map(|&(known, _)| known).collect();
        Error::request(format_args!("{what} called \"{name}\" is not built in; there are {}", known.join(", ")))
    })
}
