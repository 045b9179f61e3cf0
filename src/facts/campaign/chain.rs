//! The running checksum of a journal, by which a line is noticed that was changed, lost or put in after it was written.
//!
//! The last key of each line, `"check":"89abcdef"`, is the sum, modulo 2^32, of the CRC-32 of this line and of all lines
//! before it, each without that key: of the bytes up to the comma before it. In Python:
//! `check = (check + zlib.crc32(line[:line.rindex(b',"check"')])) % 2**32`. Journals of versions that wrote no checksums are
//! read, and continued without them.

use std::io::Write as _;

use flate2::Crc;

use crate::{Error, Result};

/// What stands before the eight digits of the checksum, and behind them.
const BEFORE: &[u8] = br#","check":""#;
const BEHIND: &[u8] = br#""}"#;
const DIGITS: usize = 8;

/// What a line says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Link {
    /// CRC-32 of the line without its checksum.
    own: u32,
    /// The checksum that stands in it.
    stated: Option<u32>,
}

impl Link {
    fn of(line: &[u8]) -> Self {
        let (body, stated) = split(line);
        Self { own: crc(body), stated }
    }
}

/// Returns `line` up to its checksum, and the checksum; of a line without one all up to its closing brace.
fn split(line: &[u8]) -> (&[u8], Option<u32>) {
    let line = line.trim_ascii_end();
    let found = || {
        let (body, digits) = line.strip_suffix(BEHIND)?.split_last_chunk::<DIGITS>()?;
        let lower = digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        let stated = u32::from_str_radix(std::str::from_utf8(digits).ok().filter(|_| lower)?, 16).ok()?;
        Some((body.strip_suffix(BEFORE)?, Some(stated)))
    };
    found().unwrap_or((line.strip_suffix(b"}").unwrap_or(line), None))
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// The checksums of a journal up to some line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chain {
    state: State,
    /// The first line, where it is not known what stands before it.
    first: Option<Link>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// No line yet.
    Start,
    /// No line yet, and others may stand before the first.
    Middle,
    /// The journal has no checksums.
    Without,
    /// The checksum of the last line.
    Sum(u32),
}

impl Default for Chain {
    fn default() -> Self {
        Self { state: State::Start, first: None }
    }
}

impl Chain {
    /// The chain of lines in the middle of a journal, to be [joined](Self::join) to that of the lines before them.
    pub fn middle() -> Self {
        Self { state: State::Middle, first: None }
    }

    /// Takes the next line, with or without its end.
    ///
    /// # Errors
    /// If its checksum is not that of the bytes up to here.
    pub fn follow(&mut self, line: &[u8]) -> Result<()> {
        self.take(Link::of(line))
    }

    /// Takes the lines of `next`, which follow.
    ///
    /// # Errors
    /// As [`Chain::follow`], about the first line of `next`.
    pub fn join(&mut self, next: &Self) -> Result<()> {
        let Some(first) = next.first else { return Ok(()) };
        self.take(first)?;
        self.state = next.state;
        Ok(())
    }

    fn take(&mut self, link: Link) -> Result<()> {
        let before = match self.state {
            State::Middle => {
                self.first = Some(link);
                self.state = link.stated.map_or(State::Without, State::Sum);
                return Ok(());
            }
            State::Start if link.stated.is_none() => None,
            State::Start => Some(0),
            State::Without => None,
            State::Sum(sum) => Some(sum),
        };
        let expected = before.map(|sum: u32| sum.wrapping_add(link.own));
        let problem = match (expected, link.stated) {
            (None, None) => {
                self.state = State::Without;
                return Ok(());
            }
            (Some(expected), Some(stated)) if expected == stated => {
                self.state = State::Sum(stated);
                return Ok(());
            }
            (Some(expected), Some(stated)) => {
                format!("its checksum is {stated:08x}, the bytes up to here give {expected:08x}")
            }
            (Some(_), None) => "it has no checksum, and those before have one".to_owned(),
            (None, Some(_)) => "it has a checksum, and those before have none".to_owned(),
        };
        Err(Error::request(format_args!("the record is not what was written here: {problem}; {DAMAGED}")))
    }

    /// Writes the checksum into `line`, which is a JSON object without an end of line, as it follows in this journal. A line
    /// that has a checksum, of another journal, gets that of this one.
    pub fn sign(&mut self, line: &mut Vec<u8>) {
        let body = split(line).0.len();
        let sum = match self.state {
            State::Without | State::Middle => return,
            State::Start => 0,
            State::Sum(sum) => sum,
        };
        let sum = sum.wrapping_add(crc(&line[..body]));
        self.state = State::Sum(sum);
        line.truncate(body);
        line.extend_from_slice(BEFORE);
        // Writing to a vector does not fail.
        let _ = write!(line, "{sum:08x}");
        line.extend_from_slice(BEHIND);
    }
}

/// What to do about a damaged line of a journal, as the end of a sentence.
pub const DAMAGED: &str = "the file was damaged after it was written, and nothing of it is cut: restore it from a copy, \
                                  or remove this line and all behind it, and they are made again with --resume";

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(bodies: &[&str]) -> Vec<Vec<u8>> {
        let mut chain = Chain::default();
        let sign = |body: &&str| {
            let mut line = body.as_bytes().to_vec();
            chain.sign(&mut line);
            line
        };
        bodies.iter().map(sign).collect()
    }

    fn follow(lines: &[Vec<u8>]) -> Result<(), usize> {
        let mut chain = Chain::default();
        lines.iter().enumerate().try_for_each(|(index, line)| chain.follow(line).map_err(|_| index))
    }

    const BODIES: [&str; 3] = [r#"{"image":0}"#, r#"{"image":1,"label":"},{"}"#, r#"{"image":2}"#];

    /// The values are Python's: `zlib.crc32` of the bytes before the comma, added up.
    #[test]
    fn checksums_are_those_of_zlib() {
        let lines = signed(&BODIES);
        let texts: Vec<&str> = lines.iter().map(|line| std::str::from_utf8(line).unwrap()).collect();
        assert_eq!(texts, EXPECTED);
        assert_eq!(follow(&lines), Ok(()));
    }

    const EXPECTED: [&str; 3] = [
        r#"{"image":0,"check":"b81a2641"}"#,
        r#"{"image":1,"label":"},{","check":"578c5cf6"}"#,
        r#"{"image":2,"check":"ada0a463"}"#,
    ];

    #[test]
    fn what_was_changed_lost_or_put_in_is_noticed_at_its_line() {
        let lines = signed(&BODIES);
        for line in 0..3 {
            for at in 0..lines[line].len() - 1 {
                let mut rotten = lines.clone();
                rotten[line][at] ^= 4;
                let noticed = follow(&rotten).unwrap_err();
                // Where the key is hit in the first line, the second one has a checksum that the first seems to lack.
                assert!(noticed == line || (line, noticed) == (0, 1), "{line} {at} {noticed}");
            }
        }
        let [one, two, three] = [0, 1, 2].map(|index| lines[index].clone());
        assert_eq!(follow(&[one.clone(), three.clone()]), Err(1));
        assert_eq!(follow(&[one.clone(), three.clone(), two.clone()]), Err(1));
        assert_eq!(follow(&[one.clone(), one.clone(), two.clone()]), Err(1));
        assert_eq!(follow(&[two, three]), Err(0));
    }

    #[test]
    fn a_journal_has_checksums_from_its_beginning_or_none() {
        let (with, without) = (signed(&BODIES), BODIES.map(|body| body.as_bytes().to_vec()));
        assert_eq!(follow(&without), Ok(()));
        assert_eq!(follow(&[with[0].clone(), without[1].clone()]), Err(1));
        assert_eq!(follow(&[without[0].clone(), with[1].clone()]), Err(1));
        let mut chain = Chain::default();
        chain.follow(&without[0]).unwrap();
        let mut next = without[1].clone();
        chain.sign(&mut next);
        assert_eq!(next, without[1], "an old journal is continued as it is");
    }

    #[test]
    fn lines_of_another_journal_are_signed_anew() {
        let lines = signed(&BODIES);
        let mut chain = Chain::default();
        let mut again = lines[1].clone();
        chain.sign(&mut again);
        assert_eq!(again, signed(&BODIES[1..])[0]);
    }

    #[test]
    fn parts_that_are_read_apart_are_joined() {
        let lines = signed(&BODIES);
        for cut in 0..=3 {
            let mut all = Chain::default();
            for part in [&lines[..cut], &lines[cut..]] {
                let mut chain = Chain::middle();
                part.iter().for_each(|line| chain.follow(line).unwrap());
                all.join(&chain).unwrap();
            }
            assert_eq!(all.state, State::Sum(Link::of(&lines[2]).stated.unwrap()));
        }
        let mut chain = Chain::middle();
        chain.follow(&lines[1]).unwrap();
        assert!(Chain::default().join(&chain).is_err());
    }
}
