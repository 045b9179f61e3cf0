//! Several protections in one option: a range of one of its numbers.

use super::{Compared, Method};
use crate::fault::decimal;
use crate::{Error, Result};

impl Method {
    /// Reads one protection, or several that differ in one number: `ranger:scale=1..2/5` for five evenly spaced numbers from 1 to 2,
    /// `abft:tolerance=1e-7..1e-4` for steps of ten.
    ///
    /// # Errors
    /// If the text is no protection, or a range is none or has too many numbers.
    pub fn sweep(text: &str) -> Result<Vec<Self>> {
        let (name, options) = text.split_once(':').unwrap_or((text, ""));
        let mut found: Option<(&str, &str)> = None;
        for option in options.split(',') {
            let number = option.rsplit(['=', ':']).next().unwrap_or(option);
            let range = number.strip_suffix('%').unwrap_or(number);
            if range.split_once("..").is_some_and(|(first, _)| first.trim().parse::<f64>().is_ok()) {
                if found.is_some() {
                    return Err(Error::request(format_args!(
                        "the protection {text} has two ranges of numbers; expected one, as in {name}:{option}"
                    )));
                }
                found = Some((option, range));
            }
        }
        let Some((option, range)) = found else { return text.parse().map(|method| vec![method]) };
        let method = |number: f64| {
            let own = option.replacen(range, &number.to_string(), 1);
            text.replacen(option, &own, 1).parse::<Self>()
        };
        numbers(range)?.into_iter().map(method).collect()
    }
}

/// The numbers of a range.
fn numbers(range: &str) -> Result<Vec<f64>> {
    let most = Compared::MOST;
    let refused = |problem: &str| {
        Error::request(format_args!(
            "\"{range}\" is no range of numbers: {problem}; expected FIRST..LAST/N for N evenly spaced numbers, N from 2 to {most}, or \
             a range in steps of ten, as 1e-7..1e-4"
        ))
    };
    let (first, rest) = range.split_once("..").ok_or_else(|| refused("two dots are missing"))?;
    if rest.starts_with('.') {
        // Three dots: the third one is no part of a number.
        return Err(refused("there are three dots"));
    }
    if let Some((last, count)) = rest.split_once('/') {
        let count = count.trim().parse().ok().filter(|count| (2..=most).contains(count));
        let count: usize = count.ok_or_else(|| refused("it has no such N"))?;
        let ends = [first, last].map(|end| end.trim().parse::<f64>().ok().filter(|end| end.is_finite()));
        let [Some(first), Some(last)] = ends else { return Err(refused("an end of it is no number")) };
        if first >= last {
            return Err(refused("FIRST is not below LAST"));
        }
        // Twelve digits, so that 1.2 is not 1.2000000000000002.
        let number = |nth: usize| {
            let number = first + (last - first) * nth as f64 / (count - 1) as f64;
            format!("{number:.11e}").parse().unwrap_or(number)
        };
        return Ok((0..count).map(number).collect());
    }
    let ends = decimal(first).zip(decimal(rest)).ok_or_else(|| refused("an end of it is no number"))?;
    let ((mantissa, from), (other, to)) = ends;
    if mantissa != other {
        return Err(refused("its ends are no powers of ten of each other, and it has no /N"));
    }
    if from >= to {
        return Err(refused("FIRST is not below LAST"));
    }
    if to.abs_diff(from) as usize >= most {
        return Err(refused("it has too many steps"));
    }
    let number =
        |exponent| format!("{mantissa}e{exponent}").parse().map_err(|_| refused("it has a step that is no number"));
    (from..=to).map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        Method::sweep(text).unwrap_or_else(|error| panic!("{error}")).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_range_of_a_number_is_a_protection_for_each() {
        assert_eq!(
            names("ranger:channel,scale=1..2/6"),
            ["ranger:channel", "ranger:channel,scale=1.2", "ranger:channel,scale=1.4", "ranger:channel,scale=1.6"]
                .into_iter()
                .chain(["ranger:channel,scale=1.8", "ranger:channel,scale=2"])
                .collect::<Vec<_>>()
        );
        assert_eq!(
            names("clip-to-zero:percentile=99..100/3"),
            ["clip-to-zero:percentile=99", "clip-to-zero:percentile=99.5", "clip-to-zero"]
        );
        assert_eq!(
            names("abft:detect,tolerance=1e-6..1e-4"),
            ["abft:detect,tolerance=1e-6", "abft:detect,tolerance=1e-5", "abft:detect,tolerance=1e-4"]
        );
        assert_eq!(names("tmr:auto:10..30/2%"), ["tmr:auto:10%", "tmr:auto:30%"]);
        assert_eq!(names("top-2-margin:0.5..1.5/2"), ["top-2-margin:0.5", "top-2-margin:1.5"]);
    }

    #[test]
    fn what_is_no_range_is_one_protection() {
        for text in ["ranger", "tmr:conv..1", "tmr:conv1,\"a,b\"", "abft:tolerance=1e-5"] {
            assert_eq!(names(text), [text]);
        }
    }

    #[test]
    fn a_range_that_is_none_is_refused_with_the_grammar() {
        let refused = |text: &str| Method::sweep(text).unwrap_err().to_string();
        for (text, reason) in [
            ("range:scale=1..2", "no /N"),
            ("range:scale=2..1/3", "FIRST is not below LAST"),
            ("range:scale=1..2/1", "no such N"),
            ("range:scale=1..2/33", "no such N"),
            ("range:scale=1..x/3", "no number"),
            ("range:scale=1...2/3", "three dots"),
            ("abft:tolerance=1e-7...1e-4", "three dots"),
            ("abft:tolerance=1e-4..1e-7", "FIRST is not below LAST"),
            ("abft:tolerance=1e-99..1e-4", "too many steps"),
        ] {
            let found = refused(text);
            assert!(found.contains(reason) && found.contains("expected FIRST..LAST/N"), "{text}: {found}");
        }
        assert!(refused("range:scale=1..2/2,percentile=98..99/2").contains("two ranges of numbers"));
        assert!(refused("range:scale=50..150/3").contains("scale=F"), "each protection is checked");
    }
}
