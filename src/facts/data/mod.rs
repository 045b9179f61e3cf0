//! Images and data sets, from bytes.

pub mod archive;
pub mod array;
pub mod cifar;
mod classes;
mod decode;
pub mod idx;
mod image;
mod known;
mod label_list;
mod labelling;
mod name;
pub mod npy;
pub mod npz;
mod origin;
mod pickle;
mod preprocess;
pub mod read_at;
mod resize;
mod sample;
pub mod set;
mod sniff;
mod source;
#[cfg(test)]
mod tests;
pub mod unpack;
mod used;

pub use self::image::Image;
pub use classes::{
    Assigned, Classes, FolderChoice, FolderOrder, class_list, classes_of_folders, is_part, is_system, is_wrapper,
    left_out,
};
pub use decode::check_header;
pub use known::check_known;
pub use label_list::{is_label_list, labels_of_list};
pub use labelling::{NO_LABELS, Stated, WITHOUT_LABELS, check_labelling, misplaced, unlabelled};
pub use name::{BY_NAMES_OF_FILES, class_in_name, classes_of_files};
pub use origin::{DataFormat, DataSource, ListedImage, sha256};
pub use preprocess::{
    Color, FirstLayers, InputShape, InputSize, Normalise, Numbers, Pixels, Preprocess, PreprocessChoice, Scale, Values,
};
pub use read_at::ReadAt;
pub use resize::{Crop, Filter, Resize, Sizing};
pub use sample::Sample;
pub use sniff::Content;
pub use source::{ImageSource, LabelledImage, Shifted};
pub use used::{Content as FileContent, UsedImage};
