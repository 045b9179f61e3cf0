//! From the numbers of an array to the bytes of pixels.

use crate::data::array::{Array, Kind};
use crate::{Error, Result};

/// Most pixels, counted with their channels, of an array that has to be turned around in memory.
const MOST_TURNED: usize = 1 << 30;

/// How numbers become bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Pixels {
    /// They are bytes.
    Bytes,
    /// They are multiplied and rounded.
    Scaled(f64),
}

impl Pixels {
    /// The rule for `array`, whose elements are all looked at, and a sentence where something is assumed.
    ///
    /// Whole numbers from 0 to 255 are bytes. Floating-point numbers of which none is above 1 are shares of 255. `bool` is
    /// 0 and 255. Floating-point numbers a little above 1 could be either, and are refused. Everything else was normalised, and is refused.
    pub fn of(array: &Array) -> Result<(Self, Option<String>)> {
        /// Distance from a whole number that rounding of a division by 255 in float32 explains.
        const TOLERANCE: f64 = 1e-3;
        /// The largest number below which numbers with fractions are not believed to be from 0 to 255: no image is so dark.
        const DARK: f64 = 32.0;
        let (name, kind) = (&array.name, &array.element.name);
        if array.element.is_byte() {
            return Ok((Self::Bytes, None));
        }
        if array.element.kind == Kind::Bool {
            let notice = format!("{name}: the images are {kind}; False is taken as black (0) and True as white (255)");
            return Ok((Self::Scaled(255.0), Some(notice)));
        }
        let (mut largest, mut off_bytes, mut off_shares) = (0f64, 0f64, 0f64);
        array.scan(|element, value| {
            if !(0.0..=255.0 + TOLERANCE).contains(&value) {
                return Err(Error::input(
                    name,
                    format_args!(
                        "images are expected as numbers from 0 to 255, or as floating-point numbers from 0 to 1; image {} has \
                         {}; save the images as they were before normalisation, as uint8",
                        array.row_of(element),
                        value as f32
                    ),
                ));
            }
            largest = largest.max(value);
            off_bytes = off_bytes.max((value - value.round()).abs());
            off_shares = off_shares.max((value * 255.0 - (value * 255.0).round()).abs());
            Ok(())
        })?;
        if array.element.kind != Kind::Float {
            if largest == 1.0 {
                return Err(Error::input(
                    name,
                    format_args!(
                        "all pixels are 0 or 1, of type {kind}, which can mean almost black or white; save them as bool for \
                         black and white, or as uint8"
                    ),
                ));
            }
            return Ok((Self::Scaled(1.0), None));
        }
        if largest > 1.0 && largest < DARK && off_bytes > TOLERANCE {
            return Err(Error::input(
                name,
                format_args!(
                    "the {kind} pixels go up to {largest} and are no whole numbers: too much for shares from 0 to 1, too little \
                     for numbers from 0 to 255; clip shares to 0 to 1, or save the images as uint8",
                    largest = largest as f32
                ),
            ));
        }
        let (factor, off) = if largest <= 1.0 { (255.0, off_shares) } else { (1.0, off_bytes) };
        let mut said = Vec::new();
        if factor != 1.0 {
            said.push(format!("the {kind} pixels from 0 to {largest} are taken as shares of 255"));
        }
        if off > TOLERANCE {
            let what = if said.is_empty() { format!("the {kind} pixels are") } else { "and".to_owned() };
            said.push(format!("{what} rounded to whole bytes, by up to {off:.2} of 255"));
        }
        let notice = (!said.is_empty()).then(|| format!("{name}: {}", said.join(" ")));
        Ok((Self::Scaled(factor), notice))
    }

    /// Image number `index` of `array`, as bytes in the order of its axes.
    pub fn image(self, array: &Array, index: usize, size: usize) -> Result<Vec<u8>> {
        match self {
            Self::Bytes => array.raw(index * size, size),
            Self::Scaled(factor) => {
                Ok(array.numbers(index * size, size)?.into_iter().map(|v| byte(v, factor)).collect())
            }
        }
    }

    /// All bytes of `array`, with the last index fastest.
    pub fn turned(self, array: &Array) -> Result<Vec<u8>> {
        if array.elements() > MOST_TURNED {
            return Err(Error::input(
                &array.name,
                format_args!(
                    "an array of {} elements in Fortran's order would have to be turned around in memory, at most \
                     {MOST_TURNED} are; save it with numpy.ascontiguousarray",
                    array.elements()
                ),
            ));
        }
        let factor = match self {
            Self::Bytes => 1.0,
            Self::Scaled(factor) => factor,
        };
        let mut bytes = vec![0; array.elements()];
        array.scan(|element, value| {
            bytes[array.place_of(element)] = byte(value, factor);
            Ok(())
        })?;
        Ok(bytes)
    }
}

/// `as` saturates, and the values were looked at.
fn byte(value: f64, factor: f64) -> u8 {
    (value * factor).round() as u8
}
