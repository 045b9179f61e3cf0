//! Campaigns that end when they know enough: the quantity, the margin, and the intervals.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::anytime::{Bets, Counted, Hits};
use super::{Confidence, Stratified, Summary};
use crate::named::{Name, Named};
use crate::{Error, Result};

/// Most faults of a campaign with a goal, unless the user chooses another number.
pub const MAX_FAULTS: u64 = 1_000_000;

/// The margin that intervals of quantities are aimed at that are not asked for: relative.
const USUAL: f64 = 0.1;

/// A quantity that a campaign can be asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Quantity {
    /// The SDC rate.
    #[default]
    Sdc,
    /// The SCM rate.
    Scm,
    /// The share of SCMs among the SDCs.
    ScmShare,
    /// That share over the share among the golden errors of the same images.
    Ratio,
}

impl Named for Quantity {
    const ALL: &'static [(Self, Name)] = &[
        (Self::Sdc, Name::new("sdc", "SDC rate", "the SDC rate")),
        (Self::Scm, Name::new("scm", "SCM rate", "the SCM rate")),
        (Self::ScmShare, Name::new("scm-share", "SCM share", "the share of SCMs among the SDCs")),
        (
            Self::Ratio,
            Name::new("ratio", "Ratio", "the share of SCMs among the SDCs over that among the golden errors"),
        ),
    ];
}

/// Half the width that an interval is to have.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct HalfWidth {
    /// In percent or in percentage points.
    number: f64,
    /// Whether it is a part of the quantity itself.
    relative: bool,
}

impl Default for HalfWidth {
    /// The margin of the page's campaigns, unless the user chooses another one: 2 percentage points.
    fn default() -> Self {
        Self { number: 2.0, relative: false }
    }
}

impl HalfWidth {
    /// Whether an interval of half the width `half` around `estimate` is more than three times as wide as this one.
    fn is_far(self, half: f64, estimate: f64) -> bool {
        half > 3.0 * self.share() * if self.relative { estimate } else { 1.0 }
    }

    /// Of `number` percentage points or, if `relative`, percent of the quantity itself.
    ///
    /// # Errors
    /// If the number is outside the range of margins; a sentence.
    pub fn new(number: f64, relative: bool) -> Result<Self, String> {
        let (least, most) = if relative { (0.1, 100.0) } else { (0.0001, 50.0) };
        let width = Self { number, relative };
        if !(least..=most).contains(&number) {
            let unit = width.unit();
            return Err(format!("half the width of an interval is {least}{unit} to {most}{unit}, found {width}"));
        }
        Ok(width)
    }

    /// In percentage points, or in percent of the quantity itself.
    pub fn number(self) -> f64 {
        self.number
    }

    /// Whether it is a part of the quantity itself.
    pub fn is_relative(self) -> bool {
        self.relative
    }

    fn unit(self) -> &'static str {
        if self.relative { "%" } else { "pp" }
    }

    /// As a share of 1, or of the quantity.
    fn share(self) -> f64 {
        self.number / 100.0
    }
}

impl Display for HalfWidth {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}{}", self.number, self.unit())
    }
}

impl From<HalfWidth> for String {
    fn from(width: HalfWidth) -> Self {
        width.to_string()
    }
}

impl TryFrom<String> for HalfWidth {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl FromStr for HalfWidth {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || {
            format!(
                "half the width of an interval is expected, 0.1pp for 0.1 percentage points or 10% for a tenth of the rate \
                 itself, found \"{text}\""
            )
        };
        let text = text.trim();
        let (number, relative) = match (text.strip_suffix("pp"), text.strip_suffix('%')) {
            (Some(number), _) => (number, false),
            (None, Some(number)) => (number, true),
            _ => return Err(expected()),
        };
        Self::new(number.trim().parse().map_err(|_| expected())?, relative)
    }
}

/// When a campaign has injected enough faults.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Goal {
    /// Half the width that the interval may have.
    pub margin: HalfWidth,
    /// The quantity.
    #[serde(default)]
    pub of: Quantity,
    /// Of the interval.
    #[serde(with = "percent")]
    pub confidence: Confidence,
    /// The number of faults at which the campaign ends in any case.
    pub max_faults: u64,
}

/// A confidence in JSON: 95.
mod percent {
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    use super::{Confidence, Named as _};

    pub fn serialize<S: Serializer>(confidence: &Confidence, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(confidence.percent())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Confidence, D::Error> {
        let number = u8::deserialize(deserializer)?;
        Confidence::named(&number.to_string()).map_err(D::Error::custom)
    }
}

impl Display for Goal {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let (of, confidence) = (self.of.row().help, self.confidence.percent());
        write!(formatter, "until {of} is known to {} at {confidence} %", self.margin)
    }
}

/// What a campaign with a goal knows of its quantity. The interval holds although the campaign looked at its results to stop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Aim {
    /// The goal.
    #[serde(flatten)]
    pub goal: Goal,
    /// Whether the interval is as narrow as was asked for.
    pub reached: bool,
    /// The estimate; `None` where there is nothing that it could be of, as the SCM share without an SDC.
    pub estimate: Option<f64>,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end; `None` where there is none.
    pub high: Option<f64>,
    /// The sort of the interval.
    pub interval: String,
}

impl Aim {
    /// Whether the campaign of `summary`, whose last round is complete, has no further one. Where SCM is judged by another
    /// grouping than the campaign's, the records do not say.
    pub fn is_final(&self, summary: &Summary) -> bool {
        let images = summary.golden.images.max(1);
        let judged_anew = self.goal.of != Quantity::Sdc
            && summary.config.as_ref().is_some_and(|config| config.grouping != summary.grouping);
        self.reached || judged_anew || summary.faults.injections / images >= self.goal.max_faults / images
    }

    /// Returns the sentence on a goal that was not reached.
    pub fn missed(&self) -> String {
        let of = self.goal.of.row().help;
        let width = match (self.estimate, self.half_width()) {
            (Some(estimate), Some(half)) if self.goal.margin.relative && estimate > 0.0 => {
                format!("{of} is known to {:.1}%", 100.0 * half / estimate)
            }
            // An interval from 0 % to 100 % says nothing.
            (_, Some(half)) if !self.goal.margin.relative && half < 0.45 => {
                format!("{of} is known to {:.3}pp", 100.0 * half)
            }
            _ => format!("of {of} nothing is known yet"),
        };
        let far = match (self.estimate, self.half_width()) {
            (Some(estimate), Some(half)) => self.goal.margin.is_far(half, estimate),
            _ => true,
        };
        let width = if far { format!("{width} ({FAR})") } else { width };
        format!(
            "the campaign ended at --max-faults {} before its aim of {}: {width}; a wider --until, or more --max-faults in a new \
             campaign",
            self.goal.max_faults, self.goal.margin
        )
    }

    /// Half the width of the interval.
    pub fn half_width(&self) -> Option<f64> {
        self.high.map(|high| (high - self.low) / 2.0)
    }
}

/// Why an interval that holds whenever one looks is wide with few faults.
const FAR: &str = "with far fewer faults than the aim takes, this interval is much wider than one for a fixed number: its bets are \
                   made for the width that was asked for";

/// The words for the intervals of campaigns with a goal.
const SORT: &str = "anytime-valid: a confidence sequence (betting), looked at after whole passes over the images";

impl Goal {
    /// Checks the numbers.
    ///
    /// # Errors
    /// If the margin does not fit the quantity.
    pub fn validate(&self) -> Result<()> {
        if self.of == Quantity::Ratio && !self.margin.relative {
            return Err(Error::request(format_args!(
                "a ratio has no percentage points; state its margin as a part of it, 10% for example, found {}",
                self.margin
            )));
        }
        if self.max_faults == 0 {
            return Err(Error::request("--max-faults is 0: a campaign injects at least one fault into each image"));
        }
        Ok(())
    }

    /// Checks that SCMs are `judged` where they are to be known.
    ///
    /// # Errors
    /// If they are not.
    pub fn check_judged(&self, judged: bool) -> Result<()> {
        if judged || self.of == Quantity::Sdc {
            return Ok(());
        }
        Err(Error::request(format_args!(
            "--of {} needs a grouping, which says what an SCM is; the model has none; give one with --grouping",
            self.of.name()
        )))
    }

    /// About how many faults, drawn uniformly, it takes to know a rate of `share`: 2.3 times those of Wilson's interval for a
    /// fixed number (docs/STATISTICS.md). `None` where rates that nobody knows beforehand decide: for a relative margin, and for the
    /// SCM share.
    pub fn about(&self, share: f64) -> Option<u64> {
        /// The price of an interval that may be looked at.
        const PRICE: f64 = 2.3;
        let is_rate = matches!(self.of, Quantity::Sdc | Quantity::Scm);
        let (margin, z) = (self.margin.share(), self.confidence.z());
        // Half of Wilson's width is the first for a rate that is known, the second for one of 0.
        let faults = z * z * (share * (1.0 - share) / (margin * margin)).max(0.5 / margin);
        (is_rate && !self.margin.relative).then(|| ((PRICE * faults).ceil() as u64).clamp(1, self.max_faults))
    }

    fn alpha(&self) -> f64 {
        f64::from(100 - self.confidence.percent()) / 100.0
    }

    /// The bets for a rate, or for the SCM share. `design` says how large the weights are.
    fn bets(&self, share: bool, design: Option<&Stratified>) -> Bets {
        let aimed = share == matches!(self.of, Quantity::ScmShare | Quantity::Ratio);
        let (margin, relative) = if aimed { (self.margin.share(), self.margin.relative) } else { (USUAL, true) };
        let (weight, most) = match design {
            None => (1.0, 1.0),
            Some(design) => (design.mean_weight(self.of), design.most_weight()),
        };
        Bets::new(margin, relative, weight, most, self.alpha())
    }

    /// Returns estimate and interval of a rate.
    pub fn rate(&self, hits: &Hits, of: Counted, design: Option<&Stratified>) -> (f64, f64, f64) {
        let (low, high) = self.bets(false, design).rate(hits, of);
        (hits.rate(of).0.clamp(0.0, 1.0), low, high)
    }

    /// Returns estimate and interval of the SCM share.
    fn share(&self, hits: &Hits, design: Option<&Stratified>) -> (Option<f64>, f64, f64) {
        let (low, high) = self.bets(true, design).share(hits);
        (hits.share().map(|(share, _)| share.clamp(0.0, 1.0)), low, high)
    }

    /// Returns estimate and interval of the quantity; for the ratio those of the share above it, as the golden errors of the
    /// images are all known.
    fn quantity(&self, hits: &Hits, design: Option<&Stratified>) -> (Option<f64>, f64, f64) {
        let rate = |of| {
            let (estimate, low, high) = self.rate(hits, of, design);
            (Some(estimate), low, high)
        };
        match self.of {
            Quantity::Sdc => rate(Counted::Sdc),
            Quantity::Scm => rate(Counted::Scm),
            Quantity::ScmShare | Quantity::Ratio => self.share(hits, design),
        }
    }

    /// Returns half the width of the interval over the one that was asked for. It is at most 1 at the goal, and infinite
    /// while a relative margin has no estimate.
    pub fn distance(&self, hits: &Hits, design: Option<&Stratified>) -> f64 {
        let (estimate, low, high) = self.quantity(hits, design);
        let wanted = match (self.margin.relative, estimate) {
            (false, _) => self.margin.share(),
            (true, Some(estimate)) => self.margin.share() * estimate,
            (true, None) => 0.0,
        };
        if wanted > 0.0 { (high - low) / 2.0 / wanted } else { f64::INFINITY }
    }

    /// Replaces the intervals of `summary` over all faults by those that hold whenever one looks, and says how far the goal
    /// is.
    pub fn conclude(&self, hits: &Hits, design: Option<&Stratified>, summary: &mut Summary) {
        let faults = &mut summary.faults;
        let (_, low, high) = self.rate(hits, Counted::Sdc, design);
        (faults.sdc.low, faults.sdc.high) = (low, high);
        (faults.masked.low, faults.masked.high) = (1.0 - high, 1.0 - low);
        (_, faults.due.low, faults.due.high) = self.rate(hits, Counted::Due, design);
        if let Some(scm) = &mut faults.scm {
            (_, scm.low, scm.high) = self.rate(hits, Counted::Scm, design);
        }
        if let Some(share) = &mut faults.scm_of_sdc {
            (_, share.low, share.high) = self.share(hits, design);
        }
        let (mut estimate, mut low, mut high) = self.quantity(hits, design);
        let mut upper = Some(high);
        if self.of == Quantity::Ratio {
            let golden = summary.golden.scm.map_or(0.0, |scm| scm.rate);
            let over = |share: f64| share / golden;
            (low, high) = (over(low), over(high));
            (estimate, upper) = if golden > 0.0 { (estimate.map(over), Some(high)) } else { (None, None) };
            low = if golden > 0.0 { low } else { 0.0 };
            if let (Some(interval), Some(high)) = (&mut summary.scm_ratio_interval, upper) {
                (interval.low, interval.high) = (low, Some(high));
            }
        }
        let reached = estimate.is_some() && self.distance(hits, design) <= 1.0;
        summary.aim = Some(Aim { goal: *self, reached, estimate, low, high: upper, interval: SORT.to_owned() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::Judgement;

    fn goal(margin: &str, of: Quantity) -> Goal {
        Goal { margin: margin.parse().unwrap(), of, confidence: Confidence::NinetyFive, max_faults: 1000 }
    }

    #[test]
    fn a_margin_is_in_points_or_relative() {
        for text in ["0.1pp", "10%", "2.5pp"] {
            assert_eq!(text.parse::<HalfWidth>().unwrap().to_string(), text);
        }
        for (text, problem) in [
            ("0.1", "0.1pp for 0.1 percentage points"),
            ("x%", "found \"x%\""),
            ("0pp", "0.0001pp to 50pp"),
            ("200%", "0.1% to 100%"),
            ("NaNpp", "0.0001pp to 50pp"),
        ] {
            let error = text.parse::<HalfWidth>().unwrap_err();
            assert!(error.contains(problem), "{error}");
        }
        let width = HalfWidth::new(10.0, true).unwrap();
        assert_eq!((width.number(), width.is_relative(), width), (10.0, true, "10%".parse().unwrap()));
        let text = serde_json::to_string(&goal("0.1pp", Quantity::ScmShare)).unwrap();
        assert_eq!(text, r#"{"margin":"0.1pp","of":"scm-share","confidence":95,"max_faults":1000}"#);
        assert_eq!(serde_json::from_str::<Goal>(&text).unwrap(), goal("0.1pp", Quantity::ScmShare));
        assert!(serde_json::from_str::<Goal>(&text.replace("95", "94")).is_err());
        assert!(goal("1pp", Quantity::Ratio).validate().unwrap_err().to_string().contains("no percentage points"));
    }

    #[test]
    fn the_number_of_faults_is_known_roughly_beforehand() {
        let point = |max_faults| Goal { max_faults, ..goal("1pp", Quantity::Sdc) };
        for share in [0.0, 0.02, 0.5] {
            let faults = point(1_000_000).about(share).unwrap();
            let mut hits = Hits::default();
            let judged = |sdc| Judgement { sdc, due: Some(false), scm: false, deviation: None };
            let sdcs = (share * faults as f64).round() as u64;
            (0..faults).for_each(|nth| hits.add(1.0, judged(nth < sdcs)));
            let distance = point(1_000_000).distance(&hits, None);
            assert!((0.5..1.6).contains(&distance), "{share}: {faults} faults give {distance} times the margin");
        }
        assert_eq!(point(100).about(0.5), Some(100));
        assert_eq!(goal("10%", Quantity::Sdc).about(0.5), None);
        assert_eq!(goal("1pp", Quantity::ScmShare).about(0.5), None);
    }

    #[test]
    fn a_relative_margin_of_nothing_is_never_reached() {
        let mut hits = Hits::default();
        (0..100_000)
            .for_each(|_| hits.add(1.0, Judgement { sdc: false, due: Some(false), scm: false, deviation: None }));
        assert_eq!(goal("10%", Quantity::Sdc).distance(&hits, None), f64::INFINITY);
        assert!(goal("0.1pp", Quantity::Sdc).distance(&hits, None) < 1.0);
        assert_eq!(goal("10%", Quantity::ScmShare).distance(&hits, None), f64::INFINITY);
    }
}
