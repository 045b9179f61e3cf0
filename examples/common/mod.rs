//! What several examples do alike.

use faultscope::data::ImageSource;
use faultscope::data::cifar::{Cifar, CifarSource};
use faultscope::data::npy::NpyImages;
use faultscope::prelude::*;

pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// Reads the images of an argument, each with its name: a file, or images of a data set (`test_images.npy#0-19`, `test.bin#7` of CIFAR-100).
pub fn opened(argument: &str) -> std::result::Result<Vec<(String, Image)>, Error> {
    let Some((file, range)) = argument.rsplit_once('#') else {
        return Ok(vec![(argument.to_owned(), Image::decode(argument, &std::fs::read(argument)?)?)]);
    };
    let bytes = Box::new(std::fs::read(file)?);
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    let numbers = first.parse::<usize>()?..=last.parse()?;
    let named = |number: usize, image| Ok((format!("{file}#{number}"), image));
    if file.ends_with(".bin") {
        let images = CifarSource::new(file, bytes, Cifar::Hundred)?;
        return numbers.map(|number| named(number, images.image(number)?)).collect();
    }
    let images = NpyImages::new(file, bytes, None)?;
    numbers.map(|number| named(number, images.get(number)?)).collect()
}
