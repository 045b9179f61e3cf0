//! Class numbers in an array.

use crate::data::array::{Array, Kind};
use crate::{Error, Result};

/// Class numbers, and what was assumed about them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    /// The class of each image.
    pub classes: Vec<usize>,
    /// A sentence for each assumption.
    pub notices: Vec<String>,
}

impl Labels {
    /// Reads the labels in `array`: one axis (or a second of length 1) of integers, whole floating-point numbers or `bool`, or
    /// a row for each image with a single 1 (one-hot).
    ///
    /// # Errors
    /// If it is no such array, or a label is negative or no whole number.
    pub fn read(array: &Array) -> Result<Self> {
        let name = &array.name;
        match array.shape() {
            [_] | [_, 1] => Self::numbers(array),
            [images, classes @ 1..=usize::MAX] => {
                let classes_of = one_hot(array, *images, *classes)?;
                let notice = format!("{name}: the labels are one-hot, a row of {classes} for each image");
                Ok(Self { classes: classes_of, notices: vec![notice] })
            }
            _ => Err(Error::input(
                name,
                format_args!(
                    "labels are expected as one axis of class numbers, or as one-hot rows, found {}",
                    array.description()
                ),
            )),
        }
    }

    fn numbers(array: &Array) -> Result<Self> {
        let name = &array.name;
        let mut classes = Vec::with_capacity(array.elements());
        array.scan(|index, value| {
            // Beyond 2^53 not every whole number is a floating-point number.
            if value.fract() != 0.0 || !(0.0..9e15).contains(&value) {
                return Err(Error::input(
                    name,
                    format_args!(
                        "label {index} is {value}; it is negative, no whole number, or too large to be a class number"
                    ),
                ));
            }
            classes.push(value as usize);
            Ok(())
        })?;
        let notices = match array.element.kind {
            Kind::Bool => vec![format!("{name}: the labels are bool; False is taken as class 0 and True as class 1")],
            _ => Vec::new(),
        };
        Ok(Self { classes, notices })
    }
}

/// The place of the single 1 in each row.
fn one_hot(array: &Array, images: usize, classes: usize) -> Result<Vec<usize>> {
    let name = &array.name;
    let mut found = vec![None; images];
    let refuse = |row: usize, problem: &str| {
        Error::input(
            name,
            format_args!(
                "labels of shape {:?} are expected as one-hot rows, a 1 and zeros; row {row} {problem}; save one axis of class \
                 numbers",
                array.shape()
            ),
        )
    };
    array.scan(|element, value| {
        let place = array.place_of(element);
        let (row, class) = (place / classes, place % classes);
        if value == 1.0 {
            if found[row].replace(class).is_some() {
                return Err(refuse(row, "has several 1"));
            }
        } else if value != 0.0 {
            return Err(refuse(row, &format!("has {value}")));
        }
        Ok(())
    })?;
    found.into_iter().enumerate().map(|(row, class)| class.ok_or_else(|| refuse(row, "has no 1"))).collect()
}
