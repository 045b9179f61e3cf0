//! The images of a campaign.

use crate::Result;
use crate::data::{Image, Source, class_in_name};

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
