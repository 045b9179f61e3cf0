//! Images that cannot be read: found before the first fault as far as their beginnings tell, and decided about by
//! `--on-bad-image`.

use std::path::Path;

use rayon::ThreadPoolBuilder;
use rayon::prelude::*;

use super::Campaign;
use crate::campaign::{BadImage, OnBadImage, Position};
use crate::cli::data::{Change, Data};
use crate::cli::directory::Begun;
use crate::cli::output::{counted, thousands};
use crate::data::ImageSource as _;
use crate::{Error, Result};

/// Bad images that are named.
const NAMED: usize = 10;

/// Threads that check images. They wait for the disk most of the time.
const THREADS: usize = 16;

/// Returns what is done at bad images: what was `asked` for, or else what the campaign in `out` says that was `begun`.
///
/// # Errors
/// If images may have been skipped already, and are not to be skipped any longer.
pub fn action(asked: Option<OnBadImage>, begun: Option<&Begun>, out: &Path) -> Result<OnBadImage> {
    let before = begun.map(|begun| begun.provenance.campaign.on_bad_image);
    if (asked, before) == (Some(OnBadImage::Stop), Some(OnBadImage::Skip)) {
        let problem =
            "the campaign in this directory skips bad images, and cannot be continued with --on-bad-image stop";
        return Err(Error::input(out.display().to_string(), problem));
    }
    Ok(asked.or(before).unwrap_or_default())
}

/// Returns `data` with the list of images that the campaign was `begun` with, so that the index of an image stays the same
/// when another one is removed; and the images that are missing now, or have another size.
///
/// # Errors
/// If `data` are others than those of the campaign in `out`, or if images differ and bad images are not skipped.
pub fn as_begun(data: Data, begun: Option<&Begun>, on_bad_image: OnBadImage, out: &Path) -> Result<(Data, Vec<usize>)> {
    let Some((begun, (name, list))) = begun.and_then(|begun| Some((begun, begun.list.as_ref()?))) else {
        return Ok((data, Vec::new()));
    };
    if data.origin.format != begun.provenance.data.format {
        return Ok((data, Vec::new()));
    }
    let (data, changes) = data.listed(name, list).map_err(|error| match error {
        Error::Request(problem) => Error::input(
            out.display().to_string(),
            format_args!("another campaign is in this directory: data.sha256 differs, {problem}; choose another --out"),
        ),
        other => other,
    })?;
    if changes.is_empty() {
        return Ok((data, Vec::new()));
    }
    let bad = |&(index, change): &(usize, Change)| {
        let problem = match change {
            Change::Missing => "missing",
            Change::Size => "of another size",
        };
        BadImage { name: data.source.short_name(index), problem: problem.to_owned() }
    };
    let named = list_of(&changes.iter().take(NAMED).map(bad).collect::<Vec<_>>(), changes.len());
    let images = counted(changes.len(), "image");
    let differs = format!("of the images that the campaign began with, {images} changed: {named}");
    match on_bad_image {
        OnBadImage::Stop => Err(Error::input(
            out.display().to_string(),
            format_args!(
                "{differs}; restore what was there, or go on with --resume --on-bad-image skip: missing images are then \
                 recorded as skipped, and changed ones are used as they are now"
            ),
        )),
        OnBadImage::Skip => {
            eprintln!(
                "notice: {differs}; those without records are skipped if they cannot be read, or used as they are now"
            );
            Ok((data, changes.into_iter().map(|(index, _)| index).collect()))
        }
    }
}

impl Campaign {
    /// Checks the names and headers of the images from place `from` of the plan on. Those that are bad are told if they are
    /// skipped.
    ///
    /// # Errors
    /// If images are bad and the campaign stops at such, if all are bad, or if the operating system fails.
    pub fn check_images(&self, from: usize) -> Result<()> {
        let images: Vec<usize> = (from..self.plan.images()).filter_map(|nth| self.plan.image(nth)).collect();
        let pool = ThreadPoolBuilder::new().num_threads(THREADS).build();
        let pool = pool.map_err(|error| Error::request(format_args!("no thread can be started: {error}")))?;
        let check = |&image: &usize| {
            let error = self.source.check(image).err()?;
            Some(BadImage::of(self.source.short_name(image), &error).ok_or(error))
        };
        let bad: Vec<BadImage> = pool.install(|| images.par_iter().filter_map(check).collect::<Result<_>>())?;
        if bad.is_empty() {
            return Ok(());
        }
        let (all, data) = (counted(images.len(), "image"), &self.provenance.data.path);
        let found = format!("{} of {all} cannot be read: {}", thousands(bad.len()), list_of(&bad, bad.len()));
        let skips = self.plan.config().on_bad_image == OnBadImage::Skip;
        if skips && (bad.len() < images.len() || from > 0) {
            eprintln!("notice: {found}; they are recorded as skipped");
            return Ok(());
        }
        let way_out = if skips {
            "repair them, or choose other data"
        } else {
            "repair or remove them, or let --on-bad-image skip record them as skipped, count them in every result, and go on"
        };
        Err(Error::input(data, format_args!("{found}; {way_out}")))
    }

    /// Returns `error`, which ended the campaign at `position`, with the ways out if the image there is bad.
    pub fn explain(&self, position: Position, error: Error) -> Error {
        if self.plan.config().on_bad_image == OnBadImage::Skip {
            return error;
        }
        let Some(image) = self.plan.image(position.nth) else { return error };
        let bad = self.source.image(image).err().and_then(|error| BadImage::of(self.source.name(image), &error));
        let Some(BadImage { name, problem }) = bad else { return error };
        let begun = position > Position::default();
        let kept = if begun { "; the campaign ends at this image, and its records are kept" } else { "" };
        let resume = if begun { "--resume " } else { "" };
        Error::input(
            name,
            format_args!(
                "{problem}{kept}; repair the image, or use the same command with {resume}--on-bad-image skip, which records such \
                 images as skipped, counts them in every result, and goes on"
            ),
        )
    }
}

/// Returns the first of `bad` with their problems, and how many more there are of `all`.
fn list_of(bad: &[BadImage], all: usize) -> String {
    let named = &bad[..bad.len().min(NAMED)];
    let names: Vec<String> = named.iter().map(|image| format!("{} ({})", image.name, image.problem)).collect();
    match all - named.len() {
        0 => names.join(", "),
        more => format!("{}, and {} more", names.join(", "), thousands(more)),
    }
}
