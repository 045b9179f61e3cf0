//! Choices with names: one table for the command line, files, links and the page.

use std::mem::discriminant;

/// A choice in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name {
    /// The word for it on the command line, in files and in links.
    pub name: &'static str,
    /// The words for it on the page.
    pub label: &'static str,
    /// One line of help.
    pub help: &'static str,
}

impl Name {
    /// A name with its label and its help.
    pub const fn new(name: &'static str, label: &'static str, help: &'static str) -> Self {
        Self { name, label, help }
    }
}

/// An enumeration with a name for each variant. A variant that holds numbers stands in the table with their defaults.
pub trait Named: Copy + 'static {
    /// Every variant, in the order in which users see them.
    const ALL: &'static [(Self, Name)];

    /// The row of this variant.
    fn row(self) -> &'static Name {
        let row = Self::ALL.iter().find(|(known, _)| discriminant(known) == discriminant(&self));
        // The test of every table is that it has all variants; without a row there is no name to show.
        row.map_or(&Name { name: "", label: "", help: "" }, |(_, row)| row)
    }

    /// The name in files, in links and on the command line.
    fn name(self) -> &'static str {
        self.row().name
    }

    /// The words on the page.
    fn label(self) -> &'static str {
        self.row().label
    }

    /// The variant called `name`.
    ///
    /// # Errors
    /// The names that there are, as part of a sentence.
    fn named(name: &str) -> Result<Self, String> {
        Self::ALL.iter().find(|(_, row)| row.name == name).map(|(value, _)| *value).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|(_, row)| row.name).collect();
            format!("{} is expected", names.join(" or "))
        })
    }
}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;
    use serde::de::IntoDeserializer;
    use serde::de::value::{Error, StrDeserializer};

    use super::*;
    use crate::DeviceChoice;
    use crate::campaign::{Criterion, OnBadImage};
    use crate::data::{DataFormat, Normalise, Resize};
    use crate::fault::{FaultKind, Mode, Sampling, Target};

    /// Files are read by serde, the command line and links by the table: both must know the same names.
    fn agree<T: Named + DeserializeOwned + PartialEq + std::fmt::Debug>() {
        for (value, row) in T::ALL {
            let name: StrDeserializer<'_, Error> = row.name.into_deserializer();
            assert_eq!(T::deserialize(name).as_ref(), Ok(value), "{}", row.name);
            assert_eq!(value.row(), row);
            assert_eq!(T::named(row.name).as_ref(), Ok(value));
        }
        assert!(T::named("nonsense").unwrap_err().ends_with(" is expected"));
    }

    #[test]
    fn tables_and_files_know_the_same_names() {
        agree::<Target>();
        agree::<Mode>();
        agree::<Sampling>();
        agree::<DeviceChoice>();
        agree::<Normalise>();
        agree::<Resize>();
        agree::<DataFormat>();
        agree::<OnBadImage>();
        agree::<Criterion>();
    }

    #[test]
    fn a_kind_is_written_as_in_a_configuration() {
        for (kind, row) in FaultKind::ALL {
            let read: FaultKind = serde_json::from_str(&format!("{{\"type\":\"{}\"}}", row.name)).unwrap();
            assert_eq!(read, *kind);
        }
    }
}
