//! Images and data sets, from bytes.

mod image;
mod preprocess;

pub use self::image::Image;
pub use preprocess::{Normalise, Preprocess};
