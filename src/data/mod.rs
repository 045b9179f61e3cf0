//! Images and data sets, from bytes.

mod image;
pub mod npy;
mod preprocess;
mod source;
#[cfg(test)]
mod tests;

pub use self::image::Image;
pub use preprocess::{Normalise, Preprocess};
pub use source::{LabelledImage, NpySource, Source};
