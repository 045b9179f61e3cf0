//! The images of a campaign.

use crate::Result;
use crate::data::{Image, Source};

/// Images as they came, decoded one at a time: the tab's memory holds no more than their files.
#[derive(Clone, Debug)]
pub struct Encoded {
    classes: usize,
    files: Vec<(String, Vec<u8>)>,
}

impl Encoded {
    /// No images yet, for a model of so many classes. On the page any model may meet any images: a number in a file
    /// name that is no class of the model was meant for another one, and is not taken for a label.
    pub fn new(classes: usize) -> Self {
        Self { classes, files: Vec::new() }
    }

    /// Adds the file `name`.
    pub fn push(&mut self, name: String, bytes: Vec<u8>) {
        self.files.push((name, bytes));
    }
}

impl Source for Encoded {
    fn len(&self) -> usize {
        self.files.len()
    }

    fn name(&self, index: usize) -> String {
        self.files.get(index).map_or_else(|| index.to_string(), |(name, _)| name.clone())
    }

    fn label(&self, index: usize) -> Option<usize> {
        class_in_name(&self.files.get(index)?.0).filter(|&class| class < self.classes)
    }

    fn image(&self, index: usize) -> Result<Image> {
        let (name, bytes) =
            self.files.get(index).ok_or_else(|| crate::Error::request(format_args!("there is no image {index}")))?;
        Image::decode(name, bytes)
    }
}

/// The class in a file name such as `imagenet_07_282.jpg` (`NAME_NN_LABEL.ext`).
fn class_in_name(name: &str) -> Option<usize> {
    let mut parts = name.rsplit_once('.')?.0.rsplit('_');
    let (class, number) = (parts.next()?, parts.next()?);
    number.parse::<usize>().ok()?;
    parts.next()?;
    class.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_class_is_read_from_the_name() {
        assert_eq!(class_in_name("imagenet_07_282.jpg"), Some(282));
        for name in ["cat.jpg", "cat_3.jpg", "IMG_2024_a.png", "07_282.jpg", "a_b_1.png", "x"] {
            assert_eq!(class_in_name(name), None, "{name}");
        }
    }
}
