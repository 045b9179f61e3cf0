//! The images of a campaign.

use facts::data::{DataSource, FileContent, Image, ImageSource, check_header, sha256};
use facts::{Error, Result};

/// Images as they came, decoded one at a time: the tab's memory holds no more than their files.
#[derive(Clone, Debug, Default)]
pub struct Encoded {
    files: Vec<LabelledFile>,
}

#[derive(Clone, Debug)]
struct LabelledFile {
    name: String,
    label: Option<usize>,
    bytes: Vec<u8>,
}

impl Encoded {
    /// Adds the file `name`, which shows an object of class `label`.
    pub fn push(&mut self, name: String, label: Option<usize>, bytes: Vec<u8>) {
        self.files.push(LabelledFile { name, label, bytes });
    }
}

impl Encoded {
    /// The list of the images that a data set's hash is of.
    pub fn list(&self) -> String {
        self.files.iter().fold(String::new(), |list, LabelledFile { name, label, bytes }| {
            list + &DataSource::line(name, *label, bytes.len() as u64) + "\n"
        })
    }

    /// The content of image `index`. When the file was changed is not known.
    pub fn content(&self, index: usize) -> Option<FileContent> {
        let bytes = &self.files.get(index)?.bytes;
        Some(FileContent { bytes: bytes.len() as u64, modified: None, sha256: sha256(bytes) })
    }
}

impl ImageSource for Encoded {
    fn len(&self) -> usize {
        self.files.len()
    }

    fn name(&self, index: usize) -> String {
        self.files.get(index).map_or_else(|| index.to_string(), |file| file.name.clone())
    }

    fn label(&self, index: usize) -> Option<usize> {
        self.files.get(index)?.label
    }

    fn image(&self, index: usize) -> Result<Image> {
        let missing = || Error::request(format_args!("there is no image {index}"));
        let LabelledFile { name, bytes, .. } = self.files.get(index).ok_or_else(missing)?;
        Image::decode(name, bytes)
    }

    fn check(&self, index: usize) -> Result<()> {
        let Some(LabelledFile { name, bytes, .. }) = self.files.get(index) else { return Ok(()) };
        check_header(name, |most| Ok(bytes[..bytes.len().min(most)].to_vec()))
    }
}
