//! Images and data sets, from bytes.

pub mod cifar;
mod decode;
mod image;
mod name;
pub mod npy;
mod origin;
mod preprocess;
mod read_at;
mod resize;
mod sample;
mod source;
#[cfg(test)]
mod tests;

pub use self::image::Image;
pub use name::{class_in_name, classes_of_files, classes_of_folders};
pub use origin::{DataFormat, DataSource, sha256};
pub use preprocess::{Normalise, Preprocess};
pub use read_at::ReadAt;
pub use resize::Resize;
pub use sample::Sample;
pub use source::{ImageSource, LabelledImage};
