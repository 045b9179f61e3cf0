//! The order of a campaign's records, checked without the model.

use super::again::Again;
use super::{CampaignConfig, Course, Faults, Head, Position, Record, Skipped};
use crate::{Error, Result};

/// Follows records in the order in which they stand in a file, and tells whether a campaign could have made them.
///
/// Images come in ascending order, each with as many records as its golden run asks for, which all say the same
/// of label and golden prediction. An image that was skipped has one line of its own.
#[derive(Clone, Debug)]
pub struct Sequence {
    faults: Faults,
    images: usize,
    begun: usize,
    skipped: usize,
    records: u64,
    current: Option<Current>,
    /// The rounds after the first one, in a campaign with a goal.
    again: Option<Box<Again>>,
}

/// The image that the last record was of.
#[derive(Clone, Copy, Debug)]
struct Current {
    /// Of a skipped image, the image alone.
    head: Head,
    faults: usize,
    seen: usize,
}

impl Sequence {
    /// No record yet of a campaign, or a shard of one, over `images` images.
    pub fn new(faults: Faults, images: usize) -> Self {
        Self { faults, images, begun: 0, skipped: 0, records: 0, current: None, again: None }
    }

    /// The same for the campaign of `config`, which may have a goal. With `outcomes`, the records decide on further rounds
    /// ([`Sequence::take`]); without them only their order is checked ([`Sequence::follow`]).
    pub fn of(config: &CampaignConfig, images: usize, outcomes: bool) -> Self {
        let course = Course::new(config, images);
        let again = course.map(|course| Box::new(Again::new(config.faults.at_most(), outcomes.then_some(course))));
        Self { again, ..Self::new(config.faults, images) }
    }

    /// The course of a campaign with a goal, after the last record.
    pub fn course(&self) -> Option<&Course> {
        self.again.as_ref().and_then(|again| again.course())
    }

    /// Takes the next record and says where in the campaign it stands; with fault 0 it is the first of its image.
    ///
    /// # Errors
    /// Where it cannot follow the one before it.
    pub fn take<S>(&mut self, record: &Record<S>) -> Result<Position> {
        let position = self.follow(record.head())?;
        if let Some(course) = self.again.as_mut().and_then(|again| again.course_mut()) {
            course.add(record);
        }
        self.end_round();
        Ok(position)
    }

    /// Lets the records decide on the next round, once the present one is complete.
    fn end_round(&mut self) {
        let first = self.is_first_round_complete();
        let Some(again) = &mut self.again else { return };
        if first && again.course().is_none_or(Course::is_round_done) {
            again.end_round();
        }
    }

    fn is_first_round_complete(&self) -> bool {
        self.begun == self.images && self.current.is_none_or(|current| current.seen == current.faults)
    }

    /// The same for what a record says of its image, which is all that matters here.
    ///
    /// # Errors
    /// As [`Sequence::take`].
    pub fn follow(&mut self, record: Head) -> Result<Position> {
        if self.is_first_round_complete()
            && let Some(again) = &mut self.again
        {
            if again.course().is_none() {
                again.end_round();
            }
            let position = again.follow(record)?;
            self.records += 1;
            return Ok(position);
        }
        if let Some(current) = &mut self.current
            && record.image == current.head.image
        {
            if current.faults == 0 {
                return Err(Error::request(format_args!("image {} was skipped, here is a record of it", record.image)));
            }
            if record != current.head {
                return Err(Error::request(format_args!(
                    "label and golden prediction of image {} are not those of the record before",
                    record.image
                )));
            }
            if current.seen == current.faults {
                return Err(Error::request(format_args!(
                    "image {} gets {} faults, here is one more",
                    record.image, current.faults
                )));
            }
            let fault = current.seen;
            current.seen += 1;
            self.records += 1;
            return Ok(Position { nth: self.begun - 1, fault });
        }
        self.check_next(record.image)?;
        let faults = self.faults.of(record.label, record.golden)?;
        if faults == 0 {
            return Err(Error::request(format_args!("image {} gets 0 faults, here is one", record.image)));
        }
        self.current = Some(Current { head: record, faults, seen: 1 });
        self.begun += 1;
        self.records += 1;
        if let Some(again) = &mut self.again {
            again.begin(self.begun - 1, record);
        }
        Ok(Position { nth: self.begun - 1, fault: 0 })
    }

    /// Takes the line of an image that was skipped and says where in the campaign it stands.
    ///
    /// # Errors
    /// Where it cannot follow the record before it.
    pub fn skip(&mut self, skipped: &Skipped) -> Result<Position> {
        let image = skipped.image;
        if self.current.is_some_and(|current| current.head.image == image) {
            return Err(Error::request(format_args!("image {image} is said to be skipped, and comes before as well")));
        }
        self.check_next(image)?;
        self.current = Some(Current { head: Head { image, label: None, golden: 0, protected: 0 }, faults: 0, seen: 0 });
        self.begun += 1;
        self.skipped += 1;
        if let Some(course) = self.again.as_mut().and_then(|again| again.course_mut()) {
            course.skip();
        }
        self.end_round();
        Ok(Position { nth: self.begun - 1, fault: 0 })
    }

    /// Checks that `image` can follow the last one.
    fn check_next(&self, image: usize) -> Result<()> {
        if let Some(current) = &self.current {
            if current.seen < current.faults {
                return Err(Error::request(format_args!(
                    "image {} gets {} faults, after {} of them comes image {image}",
                    current.head.image, current.faults, current.seen
                )));
            }
            if image < current.head.image {
                return Err(Error::request(format_args!(
                    "images come in ascending order, after image {} comes image {image}",
                    current.head.image
                )));
            }
        }
        if self.begun == self.images {
            return Err(Error::request(format_args!(
                "the campaign has {} images, image {image} is one more",
                self.images
            )));
        }
        Ok(())
    }

    /// Where the next record stands; after the last one, at an image that the campaign does not have.
    pub fn position(&self) -> Position {
        match self.current {
            Some(current) if current.seen < current.faults => Position { nth: self.begun - 1, fault: current.seen },
            _ => match &self.again {
                Some(again) if self.begun == self.images => again.position(self.images),
                _ => Position { nth: self.begun, fault: 0 },
            },
        }
    }

    /// Records of faults.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Images that were skipped.
    pub fn skipped(&self) -> usize {
        self.skipped
    }

    /// Lines of the journal: records of faults and lines of skipped images.
    pub fn lines(&self) -> u64 {
        self.records.saturating_add(self.skipped as u64)
    }

    /// Images with a line.
    pub fn begun(&self) -> usize {
        self.begun
    }

    /// Whether every trial of the campaign has its record. Of a campaign with a goal, without the outcomes, whether it is at
    /// the end of a round.
    pub fn complete(&self) -> bool {
        self.is_first_round_complete() && self.again.as_ref().is_none_or(|again| again.complete())
    }

    /// Records of the whole campaign: exact once it is complete, else judged by the images that were begun.
    pub fn expected(&self) -> u64 {
        if self.complete() {
            return self.records;
        }
        if let Some(course) = self.course() {
            return course.expected().max(self.records);
        }
        if self.again.is_some() && self.is_first_round_complete() {
            return self.records;
        }
        let left = self.images - self.begun;
        let read = self.begun - self.skipped;
        let (Some(current), true) = (self.current, read > 0) else {
            return (left as u64).saturating_mul(self.faults.at_most() as u64);
        };
        let begun = self.records.saturating_add((current.faults - current.seen) as u64);
        // As if none of the others were skipped.
        let average = begun as f64 / read as f64;
        begun.saturating_add((average * left as f64).round() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::{BadImage, Confidence, Goal, Prediction, Quantity};
    use crate::fault::{Format, InjectedFault, Target};
    use crate::outcome::Outcome;

    fn record(image: usize, label: usize, golden: usize) -> Record {
        Record {
            image,
            label: Some(label),
            golden: Prediction { class: golden },
            faulty: Prediction { class: golden },
            outcome: Outcome::Masked,
            due: false,
            scm: None,
            fault: Some(InjectedFault {
                target: Target::Activation,
                layer: "relu".to_owned(),
                tensor: "relu".to_owned(),
                element: 0,
                kind: None,
                bit: Some(0),
                bits: None,
                format: Format::F32,
                before: 0.0,
                after: 0.0,
            }),
            faults: Vec::new(),
            errors: None,
            pixels: None,
            elements: Vec::new(),
            drawn: None,
            protected: Vec::new(),
            scores: None,
        }
    }

    fn refused(sequence: &Sequence, record: &Record) -> String {
        sequence.clone().take(record).unwrap_err().to_string()
    }

    #[test]
    fn records_are_followed_to_the_end() {
        let mut sequence = Sequence::new(Faults::ByGolden { correct: 1, misclassified: 2 }, 3);
        assert_eq!(sequence.expected(), 6, "nothing is known yet");
        assert_eq!(sequence.take(&record(4, 0, 0)).unwrap(), Position { nth: 0, fault: 0 });
        assert_eq!(sequence.expected(), 3, "as if all were correct");
        assert_eq!(sequence.take(&record(7, 0, 1)).unwrap(), Position { nth: 1, fault: 0 });
        assert_eq!(sequence.expected(), 5, "1 + 2 + 1.5, rounded");
        assert_eq!(sequence.position(), Position { nth: 1, fault: 1 });
        assert_eq!(sequence.take(&record(7, 0, 1)).unwrap(), Position { nth: 1, fault: 1 });
        assert!(!sequence.complete());
        assert_eq!(sequence.position(), Position { nth: 2, fault: 0 });
        assert_eq!(sequence.take(&record(8, 2, 2)).unwrap(), Position { nth: 2, fault: 0 });
        assert!(sequence.complete());
        assert_eq!((sequence.records(), sequence.begun(), sequence.expected()), (4, 3, 4));
        assert!(refused(&sequence, &record(9, 0, 0)).contains("3 images, image 9 is one more"));
    }

    #[test]
    fn a_skipped_image_takes_a_place_and_no_fault() {
        let skipped = |image| {
            let cause = BadImage { name: "a.png".to_owned(), problem: "the PNG is damaged".to_owned() };
            Skipped { image, cause }
        };
        let mut sequence = Sequence::new(Faults::Each(2), 4);
        assert_eq!(sequence.skip(&skipped(0)).unwrap(), Position { nth: 0, fault: 0 });
        assert_eq!((sequence.expected(), sequence.position()), (6, Position { nth: 1, fault: 0 }));
        assert!(sequence.clone().skip(&skipped(0)).unwrap_err().to_string().contains("comes before as well"));
        assert!(refused(&sequence, &record(0, 0, 0)).contains("image 0 was skipped, here is a record of it"));
        sequence.take(&record(1, 0, 0)).unwrap();
        let early = sequence.clone().skip(&skipped(2)).unwrap_err().to_string();
        assert!(early.contains("image 1 gets 2 faults, after 1 of them comes image 2"), "{early}");
        sequence.take(&record(1, 0, 0)).unwrap();
        sequence.skip(&skipped(2)).unwrap();
        assert_eq!((sequence.records(), sequence.skipped(), sequence.lines(), sequence.expected()), (2, 2, 4, 4));
        sequence.skip(&skipped(3)).unwrap();
        assert!(sequence.complete());
        assert_eq!((sequence.expected(), sequence.lines()), (2, 5));
        assert!(sequence.skip(&skipped(4)).unwrap_err().to_string().contains("4 images, image 4 is one more"));
    }

    /// A campaign with a goal visits its images again, and ends where its records say so.
    #[test]
    fn further_rounds_visit_the_same_images() {
        let goal = Goal {
            margin: "20pp".parse().unwrap(),
            of: Quantity::Sdc,
            confidence: Confidence::NinetyFive,
            max_faults: 1_000,
        };
        let config = CampaignConfig { faults: Faults::Each(1), until: Some(goal), ..CampaignConfig::new("m") };
        let mut sequence = Sequence::of(&config, 3, true);
        let mut blind = Sequence::of(&config, 3, false);
        let cause = BadImage { name: "a.png".to_owned(), problem: "the PNG is damaged".to_owned() };
        let skipped = Skipped { image: 5, cause };
        let mut positions = Vec::new();
        while !sequence.complete() {
            let position = sequence.position();
            if position.nth == 1 && sequence.begun() == 1 {
                assert_eq!(sequence.skip(&skipped).unwrap(), position);
                assert_eq!(blind.skip(&skipped).unwrap(), position);
                continue;
            }
            let record = record([4, 5, 6][position.nth], 0, 0);
            assert_eq!(sequence.take(&record).unwrap(), position);
            assert_eq!(blind.follow(record.head()).unwrap(), position);
            positions.push(position);
        }
        assert!(blind.complete());
        // Two images, each as often, in rounds that grow.
        let positions = &positions;
        let of = |nth| positions.iter().filter(move |position| position.nth == nth).map(|position| position.fault);
        assert!(of(0).eq(0..positions.len() / 2) && of(2).eq(0..positions.len() / 2));
        assert!(positions.len() > 6 && positions.len() < 200, "{}", positions.len());
        assert_eq!(sequence.position(), Position { nth: 3, fault: 0 });
        assert_eq!(sequence.expected(), positions.len() as u64);
        assert!(refused(&sequence, &record(4, 0, 0)).contains("the campaign had ended"));
        let mut early = Sequence::of(&config, 2, true);
        early.take(&record(4, 0, 0)).unwrap();
        assert!(!early.complete());
        early.take(&record(6, 0, 0)).unwrap();
        assert!(!early.complete());
        assert!(refused(&early, &record(6, 0, 0)).contains("a further fault of image 4 is expected, found image 6"));
        assert!(refused(&early, &record(4, 0, 1)).contains("are not those of its first round"));
    }

    #[test]
    fn what_no_campaign_makes_is_refused() {
        let mut sequence = Sequence::new(Faults::Each(2), 3);
        sequence.take(&record(4, 0, 0)).unwrap();
        assert!(refused(&sequence, &record(5, 0, 0)).contains("image 4 gets 2 faults, after 1 of them comes image 5"));
        assert!(refused(&sequence, &record(4, 0, 1)).contains("label and golden prediction of image 4"));
        assert!(refused(&sequence, &record(4, 1, 0)).contains("label and golden prediction of image 4"));
        sequence.take(&record(4, 0, 0)).unwrap();
        assert!(refused(&sequence, &record(4, 0, 0)).contains("image 4 gets 2 faults, here is one more"));
        assert!(refused(&sequence, &record(3, 0, 0)).contains("ascending order"));
        let study = Sequence::new(Faults::STUDY, 1);
        assert!(refused(&study, &Record { label: None, ..record(0, 0, 0) }).contains("no label"));
    }
}
