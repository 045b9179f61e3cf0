//! The campaign in a link: every setting that decides which faults are injected.

use std::rc::Rc;

use facts::campaign::compared::{Kind, Method};
use facts::campaign::{self, Confidence, Criterion, DesignKind, FAULTS, Goal, HalfWidth, Quantity, SEED};
use facts::data::{FolderOrder, NO_LABELS};
use facts::fault::{Bits, FaultKind, FaultModel, Format, Pattern, Sampling, Target};
use facts::labels::Grouping;
use facts::{Name, Named};

use super::card::number_format;
use super::fields::{Key, choice, fields, name, number, parsed, text};
use super::{Anew, OWN};

/// Most faults in an image that a link may ask for.
pub const MAX_FAULTS: usize = 10_000;
/// Most images that a link may ask for.
pub const MAX_IMAGES: usize = 1_000_000;
/// Most bytes of a grouping that a link may hold.
const MAX_GROUPS: usize = 50_000;

/// The protections that the page offers: those that need no layers, and no numbers of a special kind.
const OFFERED: [Kind; 9] = [
    Kind::Range,
    Kind::Ranger,
    Kind::ClipToZero,
    Kind::ParityZero,
    Kind::Secded,
    Kind::WeightClip,
    Kind::NanCheck,
    Kind::LogitRange,
    Kind::TopTwoMargin,
];

/// The protections on offer, each with its name and an explanation.
pub fn offered() -> impl Iterator<Item = (Method, &'static Name)> {
    let rows = Kind::ALL.iter().filter(|(kind, _)| OFFERED.contains(kind));
    rows.filter_map(|(_, row)| Some((row.name.parse().ok()?, row)))
}

/// Who decides how many faults an image gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Counting {
    /// The user: the same number for each image.
    #[default]
    Fixed,
    /// The golden run: few where it is right, many where it is not.
    Study,
    /// The question: as many as it takes to know a quantity.
    Until,
}

impl Named for Counting {
    const ALL: &'static [(Self, Name)] = &[
        (Self::Fixed, Name::new("fixed", "Fixed", "The same number for each image")),
        (Self::Study, Name::new("study", "Study", "Few where the golden run is right, many where it is not")),
        (Self::Until, Name::new("until", "Until", "As many as it takes to know a quantity")),
    ];
}

fields! {
    /// The campaign's part of a link. The page has a default for what is `None`. Names are those of the options of
    /// `faultscope campaign`, with `campaign-` before them where a single fault has the same.
    pub struct CampaignLink {
        /// Who decides how many faults an image gets.
        protocol: Option<Counting> = choice::<Counting>("protocol").kept(&[Anew::Model]), else Counting = Counting::default();
        /// Faults for each image (fixed).
        faults: Option<usize> = faults("faults"), else usize = FAULTS;
        /// Faults for each image that is classified correctly (study).
        correct: Option<usize> = faults("correct");
        /// Faults for each image that is not (study).
        misclassified: Option<usize> = faults("misclassified");
        /// Half the width that the quantity's interval may have (until).
        margin: Option<HalfWidth> = Key::new("margin", margin, |margin: &HalfWidth| Some(written(*margin)))
            .kept(&[Anew::Model]), else HalfWidth = HalfWidth::default();
        /// The quantity (until).
        of: Option<Quantity> = choice::<Quantity>("of").kept(&[Anew::Model]), else Quantity = Quantity::default();
        /// Confidence of that interval (until).
        confidence: Option<Confidence> = choice::<Confidence>("confidence").kept(&[Anew::Model]),
            else Confidence = Confidence::default();
        /// How the faults are chosen, unless the protocol is the study's.
        design: Option<DesignKind> = Key::new("design", design, |design: &DesignKind| Some(design.name().to_owned()))
            .kept(&[Anew::Model]), else DesignKind = DesignKind::default();
        /// The data set: none for the images on the page, else `file:NAME`.
        data: Option<String> = text("data").kept(&[Anew::Model]);
        /// The source of labels: a list of them, as `file:NAME`, or `none`; without either, the names of folders and files.
        labels: Option<String> = Key::new("campaign-labels", labels, |labels: &String| Some(labels.clone())).kept(&[Anew::Model]);
        /// The rule that gives a folder its class.
        folder_order: Option<FolderOrder> = choice::<FolderOrder>("folder-order").kept(&[Anew::Model]);
        /// The number that is added to each label.
        label_shift: Option<isize> = number::<isize>("label-shift", |_| true, "a shift of labels is a whole number");
        /// Only the first so many images.
        images: Option<usize> = number::<usize>("images", |n| (1..=MAX_IMAGES).contains(n), "a campaign has 1 to 1000000 images")
            .kept(&[Anew::Model]);
        /// Seed of every draw.
        seed: Option<u64> = number::<u64>("seed", |_| true, "a seed is a whole number from 0 on").kept(&[Anew::Model]),
            else u64 = SEED;
        /// The values that faults change.
        target: Option<Target> = choice::<Target>("campaign-target").kept(&[Anew::Model]), else Target = Target::default();
        /// The change of a value.
        kind: Option<FaultKind> = choice::<FaultKind>("campaign-type").kept(&[Anew::Model]),
            else FaultKind = FaultKind::default();
        /// The bits of which one flips.
        bits: Option<Bits> = parsed::<Bits>("campaign-bit").kept(&[Anew::Model]), else Bits = Bits::ALL;
        /// The number format that layers' outputs are rounded to.
        format: Option<Format> = number_format("campaign-format").kept(&[Anew::Model]), else Format = Format::F32;
        /// The number format that parameters are rounded to.
        weight_format: Option<Format> = number_format("campaign-weight-format").kept(&[Anew::Model]),
            else Format = Format::F32;
        /// The elements that are struck together with each that is drawn.
        pattern: Option<Pattern> = parsed::<Pattern>("campaign-pattern").kept(&[Anew::Model]),
            else Pattern = Pattern::Single;
        /// The layers that are struck, by name; without any, those that campaigns draw from.
        layers: Option<Vec<String>> = Key::new(
            "campaign-layers",
            |text: &str| text.split(',').map(name).collect::<Result<Vec<_>, _>>(),
            |layers: &Vec<String>| (!layers.is_empty()).then(|| layers.join(",")),
        );
        /// How a layer is drawn.
        sampling: Option<Sampling> = choice::<Sampling>("sampling").kept(&[Anew::Model]),
            else Sampling = Sampling::default();
        /// The protections that every fault is tried under.
        protections: Option<Vec<Method>> = Key::new("protections", protections, |methods: &Vec<Method>| {
            (!methods.is_empty()).then(|| methods.iter().map(ToString::to_string).collect::<Vec<_>>().join(","))
        }).kept(&[Anew::Model]);
        /// The number of images that they are learnt from, from the first.
        profile: Option<usize> = number::<usize>("profile", |n| (1..=MAX_IMAGES).contains(n), "a profile has 1 to 1000000 images")
            .kept(&[Anew::Model]);
        /// The outcome that charts and tables by layer and bit show.
        outcome: Option<Criterion> = choice::<Criterion>("outcome").kept(&[Anew::Model]), else Criterion = Criterion::default();
        /// The grouping as the user has edited it.
        groups: Option<Rc<Grouping>> = Key::new("groups", groups, |groups| serde_json::to_string(&**groups).ok());
    }
}

/// A number of faults for an image.
fn faults(key: &'static str) -> Key<usize, impl Fn(&str) -> Result<usize, String>> {
    number::<usize>(key, |n| (1..=MAX_FAULTS).contains(n), "a campaign has 1 to 10000 faults an image")
        .kept(&[Anew::Model])
}

/// Reads a design. An exhaustive one has no number of faults, and the page does not ask for it.
fn design(text: &str) -> Result<DesignKind, String> {
    match DesignKind::named(text) {
        Ok(design) if design != DesignKind::Exhaustive => Ok(design),
        _ => Err("uniform or stratified is expected".to_owned()),
    }
}

/// Reads a margin: a number is one of percentage points.
fn margin(text: &str) -> Result<HalfWidth, String> {
    match text.parse() {
        Ok(points) => HalfWidth::new(points, false),
        Err(_) => text.parse(),
    }
}

fn written(margin: HalfWidth) -> String {
    if margin.is_relative() { margin.to_string() } else { margin.number().to_string() }
}

/// Reads a source of labels.
fn labels(text: &str) -> Result<String, String> {
    let list = text.strip_prefix(OWN).filter(|list| name(list).is_ok());
    if text != NO_LABELS && list.is_none() {
        return Err(format!("{NO_LABELS}, or {OWN} and the name of a list of labels, is expected"));
    }
    Ok(text.to_owned())
}

/// Reads a list of protections.
fn protections(text: &str) -> Result<Vec<Method>, String> {
    let mut chosen = Vec::new();
    for name in text.split(',') {
        match offered().find(|(_, row)| row.name == name) {
            Some((method, _)) if !chosen.contains(&method) => chosen.push(method),
            _ => {
                let known: Vec<&str> = offered().map(|(_, row)| row.name).collect();
                return Err(format!("each once of {} is expected, with commas between them", known.join(", ")));
            }
        }
    }
    Ok(chosen)
}

/// Reads a grouping.
fn groups(text: &str) -> Result<Rc<Grouping>, String> {
    if text.len() > MAX_GROUPS {
        return Err(format!("a grouping has at most {MAX_GROUPS} bytes"));
    }
    serde_json::from_str(text).map(Rc::new).map_err(|error| error.to_string())
}

impl CampaignLink {
    /// The faults that are drawn.
    pub fn fault_model(&self) -> FaultModel {
        let kind = self.kind();
        FaultModel {
            target: self.target(),
            kind: kind.with(kind.takes_bits().then(|| self.bits()), None).unwrap_or(kind),
            sampling: self.sampling(),
            pattern: self.pattern(),
            layers: self.layers.clone(),
            ..FaultModel::default()
        }
    }

    /// When enough is known, where the protocol is [`Counting::Until`].
    pub fn goal(&self) -> Goal {
        let (margin, of, confidence) = (self.margin(), self.of(), self.confidence());
        Goal { margin, of, confidence, max_faults: campaign::MAX_FAULTS }
    }
}
