//! `--shard`: the part of a campaign that this process does.

use std::str::FromStr;

use crate::campaign::Shard;
use crate::{Error, Result};

/// A part of a campaign, stated or to be read from the environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShardArgument {
    /// The stated part.
    Stated(Shard),
    /// The part that the scheduler states. The number of parts is for a scheduler that does not state it.
    Auto(Option<usize>),
}

impl FromStr for ShardArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix("auto") {
            Some("") => Ok(Self::Auto(None)),
            Some(rest) => match rest.strip_prefix('/').and_then(|of| of.parse().ok()) {
                Some(of) if of > 0 => Ok(Self::Auto(Some(of))),
                _ => Err(format!("auto or auto/N is expected, found \"{text}\"")),
            },
            None => text.parse().map(Self::Stated),
        }
    }
}

impl ShardArgument {
    /// Returns the part. `environment` returns the scheduler's variables.
    ///
    /// # Errors
    /// If the scheduler does not state the part, or contradicts itself or `auto/N`.
    pub fn resolve(self, environment: impl Fn(&str) -> Option<String>) -> Result<Shard> {
        let of = match self {
            Self::Stated(shard) => return Ok(shard),
            Self::Auto(of) => of,
        };
        let number = |name: &str| -> Result<Option<usize>> {
            let Some(text) = environment(name) else { return Ok(None) };
            let number = text.trim().parse().ok();
            number.map(Some).ok_or_else(|| Error::request(format_args!("{name} is no number: \"{text}\"")))
        };
        let (name, offset, count) = if let Some(id) = number("SLURM_ARRAY_TASK_ID")? {
            let least = number("SLURM_ARRAY_TASK_MIN")?.unwrap_or(0);
            let step = number("SLURM_ARRAY_TASK_STEP")?.unwrap_or(1).max(1);
            let offset = id.checked_sub(least).filter(|offset| offset.is_multiple_of(step)).map(|offset| offset / step);
            ("SLURM_ARRAY_TASK", offset, number("SLURM_ARRAY_TASK_COUNT")?)
        } else if let Some(index) = number("JOB_COMPLETION_INDEX")? {
            ("JOB_COMPLETION", Some(index), number("JOB_COMPLETIONS")?)
        } else {
            return Err(Error::request(
                "--shard auto needs SLURM_ARRAY_TASK_ID or JOB_COMPLETION_INDEX in the environment; --shard I/N states the part",
            ));
        };
        let of = match (of, count) {
            (Some(of), Some(count)) if of != count => {
                return Err(Error::request(format_args!(
                    "--shard auto/{of} contradicts the scheduler, which counts {count} tasks; to repeat some of \
                     them say which with --shard I/N"
                )));
            }
            (Some(of), _) | (None, Some(of)) => of,
            (None, None) => {
                return Err(Error::request(format_args!(
                    "{name}: the scheduler does not say how many parts there are; say it with --shard auto/N"
                )));
            }
        };
        offset.and_then(|offset| Shard::new(offset.checked_add(1)?, of)).ok_or_else(|| {
            Error::request(format_args!(
                "{name}: the scheduler's number of this task is none of {of} in a row; to repeat some of them say which \
                 with --shard I/N"
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(argument: &str, variables: &[(&str, &str)]) -> Result<String, String> {
        let environment =
            |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        let argument: ShardArgument = argument.parse()?;
        argument.resolve(environment).map(|shard| shard.to_string()).map_err(|error| error.to_string())
    }

    fn slurm<'a>(id: &'a str, least: &'a str, count: &'a str) -> [(&'a str, &'a str); 3] {
        [("SLURM_ARRAY_TASK_ID", id), ("SLURM_ARRAY_TASK_MIN", least), ("SLURM_ARRAY_TASK_COUNT", count)]
    }

    #[test]
    fn a_part_is_stated_or_found_in_the_environment() {
        assert_eq!(resolve("2/5", &slurm("1", "1", "3")).unwrap(), "2/5", "what is stated wins");
        assert_eq!(resolve("auto", &slurm("0", "0", "20")).unwrap(), "1/20");
        assert_eq!(resolve("auto", &slurm("20", "1", "20")).unwrap(), "20/20");
        assert_eq!(resolve("auto/20", &slurm("20", "1", "20")).unwrap(), "20/20");
        let mut stepped = slurm("7", "1", "4").to_vec();
        stepped.push(("SLURM_ARRAY_TASK_STEP", "2"));
        assert_eq!(resolve("auto", &stepped).unwrap(), "4/4");
        let indexed = [("JOB_COMPLETION_INDEX", "0"), ("JOB_COMPLETIONS", "3")];
        assert_eq!(resolve("auto", &indexed).unwrap(), "1/3");
        assert_eq!(resolve("auto/3", &indexed[..1]).unwrap(), "1/3");
    }

    #[test]
    fn what_does_not_add_up_is_refused() {
        assert!(resolve("auto", &[]).unwrap_err().contains("needs SLURM_ARRAY_TASK_ID"));
        assert!(resolve("auto", &[("JOB_COMPLETION_INDEX", "0")]).unwrap_err().contains("auto/N"));
        assert!(resolve("auto/4", &slurm("1", "1", "3")).unwrap_err().contains("counts 3 tasks"));
        // sbatch --array=1,7: two tasks, and not in a row.
        assert!(resolve("auto", &slurm("7", "1", "2")).unwrap_err().contains("none of 2 in a row"));
        assert!(
            resolve("auto", &slurm("x", "1", "2")).unwrap_err().contains("SLURM_ARRAY_TASK_ID is no number: \"x\"")
        );
        assert!(resolve("auto", &slurm("0", "1", "2")).unwrap_err().contains("none of 2"));
        let argument = |text: &str| text.parse::<ShardArgument>().unwrap_err();
        for text in ["auto/0", "auto/", "autos", "auto/x"] {
            assert!(argument(text).contains("auto or auto/N"), "{text}");
        }
        assert!(argument("3/2").contains("no part 3 of 2"));
    }
}
