//! The arguments of protections, and what they are learnt from.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;

use crate::campaign::compared::{Compared, Method, ProfileOf};
use crate::campaign::{self, Asked, Guards, Lab, Plan};
use crate::cli::data::{self, Data, DataArguments};
use crate::cli::failure::Failure;
use crate::cli::open;
use crate::data::{ImageSource, NO_LABELS};

/// Images of other data that protections are learnt from where nothing is said.
const PROFILE_OF_DATA: usize = 1000;

/// The protections of one option.
#[derive(Clone, Debug)]
struct Sweep {
    /// The option's value.
    text: String,
    methods: Vec<Method>,
}

impl Sweep {
    fn parse(text: &str) -> Result<Self, String> {
        let methods = Method::sweep(text).map_err(|error| error.to_string())?;
        Ok(Self { text: text.to_owned(), methods })
    }

    /// Whether the option states a range of a number.
    fn is_range(&self) -> bool {
        self.methods.len() > 1
    }
}

#[derive(Debug, Args)]
pub struct ProtectArguments {
    /// Protection to compare with the unprotected network on the same faults: range, ranger or clip-to-zero with the options
    /// channel, neuron, percentile=P, scale=F (ranger:channel for example); parity-zero, secded, lsb-parity, in-place-ecc,
    /// weight-clip; duplicate or tmr with layers (tmr:NAME,.., tmr:kind:Conv, tmr:auto:20%); abft with the options detect,
    /// tolerance=F, learnt=M; nan-check, logit-range, top-2-margin[:M]. The option may be repeated. A range of a number is a protection for each:
    /// ranger:scale=1..2/5 for five evenly spaced ones, abft:tolerance=1e-7..1e-4 in steps of ten
    #[arg(long, value_name = "NAME[:OPTIONS]", value_parser = Sweep::parse)]
    protect: Vec<Sweep>,

    /// What protections are learnt from: other images than those tested, as --data takes them, or a number N for the first N images
    /// of --data. N is also for the ranges of --pattern-file and --type in-range and out-of-range [default: 100, or all where the
    /// data has fewer]
    #[arg(long, value_name = "DATA|N")]
    profile: Option<String>,

    /// With --profile DATA: number of images, evenly spaced in it [default: 1000, or all where it has fewer]
    #[arg(long, value_name = "N")]
    profile_images: Option<usize>,
}

impl ProtectArguments {
    /// Whether there is a protection.
    pub fn is_asked_for(&self) -> bool {
        !self.protect.is_empty()
    }

    /// The protections, in the order of the options.
    fn methods(&self) -> Vec<Method> {
        self.protect.iter().flat_map(|sweep| &sweep.methods).cloned().collect()
    }

    /// The sentence on a protection that two options have, one of them as a value of a range; `None` if there is none.
    fn same_as_in_a_range(&self) -> Option<String> {
        let all = || self.protect.iter().flat_map(|sweep| sweep.methods.iter().map(move |method| (sweep, method)));
        all().enumerate().find_map(|(index, (sweep, method))| {
            let (before, _) = all().take(index).find(|(_, other)| *other == method)?;
            let range = [sweep, before].into_iter().find(|sweep| sweep.is_range())?;
            let other = if std::ptr::eq(range, sweep) { before } else { sweep };
            Some(format!(
                "the protection {method} is given twice: a value of the range in --protect {} is the same as --protect {}; leave \
                 one away",
                range.text, other.text
            ))
        })
    }

    /// Whether something is said of the images to learn from.
    pub fn is_stated(&self) -> bool {
        self.profile.is_some() || self.profile_images.is_some()
    }

    /// The number of images of the campaign's own data, of the `available`, that ranges are learnt from.
    pub fn images(&self, available: usize) -> usize {
        self.own().unwrap_or(ProfileOf::USUAL.min(available))
    }

    /// The stated number of images of the campaign's own data.
    fn own(&self) -> Option<usize> {
        self.profile.as_ref()?.parse().ok()
    }

    /// The other data that is learnt from.
    pub fn other(&self) -> Option<PathBuf> {
        self.profile.as_ref().filter(|_| self.own().is_none()).map(PathBuf::from)
    }

    /// Checks the options against each other.
    ///
    /// # Errors
    /// If they do not go together.
    pub fn validate(&self, needs_ranges: bool) -> Result<(), Failure> {
        let usage = |problem: &str| Err(Failure::usage("campaign", problem));
        if self.is_stated() && !self.is_asked_for() && !needs_ranges {
            return usage("--profile goes with --protect, --pattern-file and --type in-range or out-of-range only");
        }
        if self.profile_images.is_some() && self.other().is_none() {
            return usage(
                "--profile-images goes with --profile DATA only; --profile N is for the first N images of --data",
            );
        }
        if needs_ranges && self.other().is_some() {
            return usage(
                "the ranges of --pattern-file and --type in-range or out-of-range are learnt from the campaign's own data; use \
                 --profile N",
            );
        }
        if let Some(problem) = self.same_as_in_a_range() {
            return usage(&problem);
        }
        match self.is_asked_for() {
            true => Compared::check_methods(&self.methods().iter().collect::<Vec<_>>())
                .map_err(|error| Failure::usage("campaign", error.to_string())),
            false => Ok(()),
        }
    }

    /// Makes the protections ready. Sentences that users must know are added to `notices`.
    ///
    /// # Errors
    /// As [`campaign::guards`], or if the profile's data cannot be read.
    pub fn guards(
        &self,
        lab: &Lab,
        plan: &Plan,
        own: &impl ImageSource,
        reading: &DataArguments,
        notices: &mut Vec<String>,
        interrupted: &AtomicBool,
    ) -> Result<Guards, Failure> {
        let stopped = || interrupted.load(Ordering::Relaxed);
        let early = |error| Failure::before_records(error, interrupted);
        let methods = self.methods();
        let (methods, on_bad_image) = (&methods[..], plan.config().on_bad_image);
        let Some(path) = self.other() else {
            let (profile, notice) = ProfileOf::own(methods, plan, self.own(), own.len());
            notices.extend(notice.map(|notice| format!("{notice}; --profile DATA names other images")));
            let asked = Asked { methods, plan, source: own, profile, on_bad_image };
            return pollster::block_on(campaign::guards(lab, asked, stopped)).map_err(early);
        };
        // The labels are those of the images that are tested.
        let labels = reading.labels.clone().filter(|labels| labels.as_os_str() == NO_LABELS);
        let reading = DataArguments { labels, labels_needed: false, ..reading.clone() };
        let other = data::open(&path, &reading, &open::classes_of(lab.model()))?;
        let images = self.profile_images.unwrap_or(PROFILE_OF_DATA.min(other.source.len()));
        let shared = shared(own, plan, &other, images);
        if shared > 0 {
            notices.push(format!(
                "{shared} of the {images} images that protections are learnt from are tested, too, by their names"
            ));
        }
        let profile = ProfileOf { images, data: Some(path.display().to_string()) };
        let asked = Asked { methods, plan, source: &other.source, profile, on_bad_image };
        pollster::block_on(campaign::guards(lab, asked, stopped)).map_err(early)
    }
}

/// How many of the `images` of `other` that are learnt from have the name of a tested image.
fn shared(own: &impl ImageSource, plan: &Plan, other: &Data, images: usize) -> usize {
    let tested: BTreeSet<String> =
        (0..plan.images()).filter_map(|nth| plan.image(nth)).map(|image| own.short_name(image)).collect();
    campaign::spread(images, other.source.len())
        .filter(|&image| tested.contains(&other.source.short_name(image)))
        .count()
}
