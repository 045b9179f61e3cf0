//! Learning the ranges of a network.

use facts::campaign::{BadImage, OnBadImage};
use facts::data::ImageSource;
use facts::{Error, Result};

use super::Lab;
use crate::exec::Ranges;

/// Learns the ranges of every layer's output from the golden runs of the first `count` images of `source`.
///
/// # Errors
/// If `count` is 0 or above the number of images, an image cannot be read, or a golden run fails.
pub async fn learn_ranges(lab: &Lab, source: &impl ImageSource, count: usize) -> Result<Ranges> {
    learn_ranges_of(lab, source, count, OnBadImage::Stop).await
}

/// As [`learn_ranges`]. Images among the first `count` that cannot be read are left out if `bad` images are skipped.
///
/// # Errors
/// As [`learn_ranges`], and if no image can be read.
pub async fn learn_ranges_of(lab: &Lab, source: &impl ImageSource, count: usize, bad: OnBadImage) -> Result<Ranges> {
    if count == 0 || count > source.len() {
        return Err(Error::request(format_args!(
            "ranges are to be learnt from the golden runs of {count} images; expected 1 to {}, the number of images of \
             the data",
            source.len()
        )));
    }
    source.upcoming((0..count).collect());
    let mut ranges = Ranges::default();
    for index in 0..count {
        let model = lab.model();
        let read = || model.preprocess().apply(&source.image(index)?, model.input_shape());
        let input = match read() {
            Ok(input) => input,
            Err(error) if bad == OnBadImage::Skip && BadImage::of(String::new(), &error).is_some() => continue,
            Err(error) => return Err(error.concerning(source.name(index))),
        };
        let golden = lab.golden(&input).await.map_err(|error| error.concerning(source.name(index)))?;
        ranges.include(lab.executor().graph(), &golden.activations).await?;
    }
    if ranges.runs() == 0 {
        return Err(Error::request(format_args!(
            "none of the first {count} images can be read, from which ranges are learnt"
        )));
    }
    Ok(ranges)
}
