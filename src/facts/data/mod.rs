//! Images and data sets, from bytes.

pub mod cifar;
mod classes;
mod decode;
mod image;
mod label_list;
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
pub use classes::{
    Assigned, Classes, FolderChoice, FolderOrder, class_list, classes_of_folders, is_part, is_system, is_wrapper,
    left_out,
};
pub use label_list::labels_of_list;
pub use name::{class_in_name, classes_of_files};
pub use origin::{DataFormat, DataSource, sha256};
pub use preprocess::{Normalise, Preprocess};
pub use read_at::ReadAt;
pub use resize::Resize;
pub use sample::Sample;
pub use source::{ImageSource, LabelledImage, Shifted};
