//! The images that protections are learnt from, one after another.

use facts::campaign::OnBadImage;
use facts::data::ImageSource;
use facts::{Error, Result};

use crate::campaign::Lab;
use crate::campaign::lab::Golden;
use crate::campaign::profile::golden_run;

/// A walk over images, a golden run at a time.
#[derive(Debug, Default)]
pub(super) struct Walk {
    images: Vec<usize>,
    /// The place of the next one.
    next: usize,
}

impl Walk {
    /// Begins a walk over `count` of the first `all` images of `source`, evenly spaced. `learnt` is the subject of the error.
    ///
    /// # Errors
    /// If `count` is 0 or above the number of images.
    pub fn new(source: &impl ImageSource, count: usize, all: usize, learnt: &str) -> Result<Self> {
        if count == 0 || count > source.len() {
            return Err(Error::request(format_args!(
                "{learnt} to be learnt from {count} images; expected 1 to {}, the number of images of the profile",
                source.len()
            )));
        }
        let images: Vec<usize> = spread(count, all).collect();
        source.upcoming(images.clone());
        Ok(Self { images, next: 0 })
    }

    /// The number of images that were visited, and of all of them.
    pub fn progress(&self) -> [usize; 2] {
        [self.next, self.images.len()]
    }

    /// The golden run of the next image, `Some(None)` for an image that is passed over, and `None` after the last.
    ///
    /// # Errors
    /// If the golden run fails, or the image cannot be read and `bad` does not pass it over.
    pub async fn next(
        &mut self,
        lab: &Lab,
        source: &impl ImageSource,
        bad: OnBadImage,
    ) -> Result<Option<Option<Golden>>> {
        let Some(&image) = self.images.get(self.next) else { return Ok(None) };
        let run = golden_run(lab, source, image, bad).await?;
        self.next += 1;
        Ok(Some(run))
    }
}

/// The indices of `count` of `all` images, evenly spaced from the first on. Data sets are often sorted by class, and the first
/// images would be of one.
pub fn spread(count: usize, all: usize) -> impl Iterator<Item = usize> + Clone {
    (0..count.min(all)).map(move |nth| (nth as u128 * all as u128 / count.min(all).max(1) as u128) as usize)
}

#[cfg(test)]
mod tests {
    use super::spread;

    #[test]
    fn images_are_evenly_spaced_and_each_is_taken_once() {
        assert_eq!(spread(3, 9).collect::<Vec<_>>(), [0, 3, 6]);
        assert_eq!(spread(4, 4).collect::<Vec<_>>(), [0, 1, 2, 3]);
        assert_eq!(spread(7, 3).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(spread(0, 5).count() + spread(5, 0).count(), 0);
        let many: Vec<usize> = spread(999, 1000).collect();
        assert!(many.windows(2).all(|pair| pair[0] < pair[1]) && many.len() == 999);
    }
}
