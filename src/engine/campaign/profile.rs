//! Learning the ranges of a network.

use facts::campaign::{BadImage, OnBadImage};
use facts::data::ImageSource;
use facts::{Error, Result};

use super::{Golden, Lab};
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
    let mut ranges = Ranges::default();
    golden_runs(lab, source, 0..count, bad, async |golden| {
        ranges.include(lab.executor().graph(), &golden.activations).await
    })
    .await?;
    if ranges.runs() == 0 {
        return Err(Error::request(format_args!(
            "none of the first {count} images can be read, from which ranges are learnt"
        )));
    }
    Ok(ranges)
}

/// Makes the golden runs of the `images` of `source`, one at a time, and shows each to `see`. Returns their number. Images that cannot
/// be read are left out if `bad` images are skipped.
///
/// # Errors
/// If an image cannot be read, a golden run fails, or `see` fails.
pub(super) async fn golden_runs(
    lab: &Lab,
    source: &impl ImageSource,
    images: impl Iterator<Item = usize> + Clone,
    bad: OnBadImage,
    mut see: impl AsyncFnMut(Golden) -> Result<()>,
) -> Result<usize> {
    source.upcoming(images.clone().collect());
    let mut runs = 0;
    for index in images {
        if let Some(golden) = golden_run(lab, source, index, bad).await? {
            see(golden).await?;
            runs += 1;
        }
    }
    Ok(runs)
}

/// Makes the golden run of the image at `index` of `source`; `None` if it cannot be read and `bad` images are skipped.
///
/// # Errors
/// If the image cannot be read, or the golden run fails.
pub(super) async fn golden_run(
    lab: &Lab,
    source: &impl ImageSource,
    index: usize,
    bad: OnBadImage,
) -> Result<Option<Golden>> {
    let model = lab.model();
    let read = || model.preprocess().apply(&source.image(index)?, model.input_shape());
    let input = match read() {
        Ok(input) => input,
        Err(error) if bad == OnBadImage::Skip && BadImage::of(String::new(), &error).is_some() => return Ok(None),
        Err(error) => return Err(error.concerning(source.name(index))),
    };
    lab.golden(&input).await.map(Some).map_err(|error| error.concerning(source.name(index)))
}
