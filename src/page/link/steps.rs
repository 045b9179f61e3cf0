//! The steps of the lesson in a link: `3` is the third step of the whole lesson, `1,3*,7` a lesson of three steps at its second.

use std::fmt;
use std::str::FromStr;

/// Most steps of a lesson that a link may count.
const MAX: usize = 64;
/// The mark of the present step in a list.
const HERE: char = '*';

/// The steps of an open lesson, counted from 0. Links count from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Steps {
    /// The steps that a lecturer has chosen, in this order; without any, the whole lesson.
    only: Vec<usize>,
    /// The present step.
    at: usize,
}

impl Steps {
    /// Step `at` of the whole lesson.
    pub fn of_all(at: usize) -> Self {
        Self { only: Vec::new(), at }
    }

    /// The present step.
    pub fn at(&self) -> usize {
        self.at
    }

    /// The same lesson at step `at`, or at its first step where `at` was left out.
    pub fn to(self, at: usize) -> Self {
        let at = if self.only.is_empty() || self.only.contains(&at) { at } else { self.only[0] };
        Self { at, ..self }
    }

    /// The steps of the lesson, of which there are `count`, in order.
    pub fn list(&self, count: usize) -> Vec<usize> {
        if self.only.is_empty() { (0..count).collect() } else { self.only.clone() }
    }

    /// The highest step.
    pub fn highest(&self) -> usize {
        self.only.iter().copied().max().unwrap_or(self.at)
    }
}

impl fmt::Display for Steps {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.only.is_empty() {
            return write!(out, "{}", self.at + 1);
        }
        for (place, step) in self.only.iter().enumerate() {
            // The first step of several needs no mark: a list opens there.
            let marked = *step == self.at && (place > 0 || self.only.len() == 1);
            let comma = if place > 0 { "," } else { "" };
            write!(out, "{comma}{}{}", step + 1, if marked { "*" } else { "" })?;
        }
        Ok(())
    }
}

impl FromStr for Steps {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut only = Vec::new();
        let mut here = None;
        for word in text.split(',') {
            let number = word.strip_suffix(HERE);
            let step = number.unwrap_or(word).parse().ok().filter(|step| (1..=MAX).contains(step));
            let step = step.ok_or_else(|| format!("a lesson has steps 1 to {MAX} at most"))? - 1;
            if only.contains(&step) {
                return Err(format!("a list of steps has each step once, and {} is there twice", step + 1));
            }
            if number.is_some() && here.replace(step).is_some() {
                return Err("one step of the lesson is the present one".to_owned());
            }
            only.push(step);
        }
        let at = here.unwrap_or(only[0]);
        if only.len() == 1 && here.is_none() {
            only.clear();
        }
        Ok(Self { only, at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_steps_opens_at_its_first_or_at_the_marked_one() {
        for (text, list, at) in [
            ("3", &[0, 1, 2, 3][..], 2),
            ("1,3,4", &[0, 2, 3], 0),
            ("1,3*,4", &[0, 2, 3], 2),
            ("4,1*", &[3, 0], 0),
            ("2*", &[1], 1),
        ] {
            let steps: Steps = text.parse().expect("a lesson");
            assert_eq!((steps.list(4), steps.at()), (list.to_vec(), at), "{text}");
            assert_eq!(steps.to_string(), text);
        }
    }

    #[test]
    fn a_list_that_does_not_hold_is_refused() {
        for (text, why) in [
            ("", "steps 1 to 64"),
            ("0", "steps 1 to 64"),
            ("1,,2", "steps 1 to 64"),
            ("1,65", "steps 1 to 64"),
            ("1,2,1", "1 is there twice"),
            ("1*,2*", "one step of the lesson"),
        ] {
            let error = text.parse::<Steps>().expect_err(text);
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn going_to_a_step_that_was_left_out_goes_to_the_first() {
        let steps: Steps = "2,5".parse().expect("a lesson");
        assert_eq!(steps.clone().to(4).to_string(), "2,5*");
        assert_eq!(steps.to(0).at(), 1);
        assert_eq!(Steps::of_all(3).to(7), Steps::of_all(7));
    }
}
