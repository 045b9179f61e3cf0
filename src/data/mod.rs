//! Images and data sets, from bytes.

mod image;
pub mod npy;
mod origin;
mod preprocess;
mod resize;
mod sample;
mod source;
#[cfg(test)]
mod tests;

pub use self::image::Image;
pub use origin::{DataFormat, DataSource};
pub use preprocess::{Normalise, Preprocess};
pub use resize::Resize;
pub use sample::Sample;
pub use source::{LabelledImage, NpySource, Source};
