//! The order of records after the first round of a campaign with a goal: the same images again, with further faults.

use std::ops::Range;

use super::{Course, Head, Position};
use crate::{Error, Result};

/// Follows the records of a campaign with a goal.
#[derive(Clone, Debug)]
pub struct Again {
    /// The images of the first round that were not skipped, with their places in the plan.
    images: Vec<(usize, Head)>,
    /// Decides on further rounds. Without it, a round is as large as the records of its first image.
    course: Option<Course>,
    /// Faults of each image in the first round.
    first: usize,
    /// Faults of each image in the rounds that are complete.
    done: usize,
    /// Faults of each image in the present round, where known.
    size: Option<usize>,
    /// Number of images that have their faults of the present round.
    at: usize,
    /// Faults of the next image in the present round.
    seen: usize,
}

impl Again {
    /// The records of a campaign whose first round gives each image `first` faults.
    pub fn new(first: usize, course: Option<Course>) -> Self {
        Self { images: Vec::new(), course, first, done: 0, size: None, at: 0, seen: 0 }
    }

    /// The course, where the records' outcomes are known.
    pub fn course(&self) -> Option<&Course> {
        self.course.as_ref()
    }

    /// The same for a change.
    pub fn course_mut(&mut self) -> Option<&mut Course> {
        self.course.as_mut()
    }

    /// Notes an image of the first round.
    pub fn begin(&mut self, nth: usize, head: Head) {
        self.images.push((nth, head));
    }

    /// Takes the end of a round, once all its records are counted.
    pub fn end_round(&mut self) {
        let Some(course) = &mut self.course else {
            self.done = self.done.max(self.first);
            return;
        };
        let Some(round) = course.round() else { return };
        course.end_round();
        self.done = round.end;
        self.size = course.round().map(|round: Range<usize>| round.end - round.start);
        (self.at, self.seen) = (0, 0);
    }

    /// Takes the next record of a later round.
    ///
    /// # Errors
    /// If it cannot follow the one before it.
    pub fn follow(&mut self, head: Head) -> Result<Position> {
        let one_more =
            || Error::request(format_args!("the campaign had ended, here is one more record, of image {}", head.image));
        if self.course.as_ref().is_some_and(|course| course.round().is_none()) {
            return Err(one_more());
        }
        // Without the course, the return of the second image ends the faults of the first.
        if self.course.is_none() && self.size.is_none() && self.seen > 0 {
            let second = self.images.get(1).map(|(_, head)| head.image);
            if second == Some(head.image) {
                (self.size, self.at, self.seen) = (Some(self.seen), 1, 0);
            }
        }
        let &(nth, expected) = self.images.get(self.at).ok_or_else(one_more)?;
        if expected.image != head.image {
            return Err(Error::request(format_args!(
                "a further fault of image {} is expected, found image {}: each round visits all images in the same order",
                expected.image, head.image
            )));
        }
        if expected != head {
            return Err(Error::request(format_args!(
                "label and golden prediction of image {} are not those of its first round",
                head.image
            )));
        }
        let position = Position { nth, fault: self.done + self.seen };
        self.seen += 1;
        if self.size == Some(self.seen) {
            (self.at, self.seen) = (self.at + 1, 0);
            if self.course.is_none() && self.at == self.images.len() {
                (self.done, self.size, self.at) = (self.done + self.size.unwrap_or_default(), None, 0);
            }
        }
        Ok(position)
    }

    /// Where the next record of a later round stands, in a campaign over `images` images.
    pub fn position(&self, images: usize) -> Position {
        let over = self.course.as_ref().is_some_and(|course| course.round().is_none());
        match self.images.get(self.at) {
            Some(&(nth, _)) if !over => Position { nth, fault: self.done + self.seen },
            _ => Position { nth: images, fault: 0 },
        }
    }

    /// Whether the campaign is at its end, or, where the outcomes are not known, at the end of a round.
    pub fn complete(&self) -> bool {
        match &self.course {
            Some(course) => course.round().is_none(),
            // A single image does not show where its rounds end.
            None => self.at == 0 && self.seen == 0 || self.images.len() == 1,
        }
    }
}
