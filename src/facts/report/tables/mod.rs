//! The tables of the study, and those of one campaign.

pub(super) mod classes;
mod clusters;
mod comparison;
mod parts;
pub(super) mod profile;
pub(super) mod protections;
pub(super) mod rates;
pub(super) mod starts;

pub use self::comparison::comparison;
use self::parts::{breakdown, explain_criteria};
use super::words::{counted, name, percent, ratio, thousands};
use super::{Origin, Report, Table};
use crate::campaign::{Aim, BadImage, DesignSummary, Quantity, Summary};
use crate::fault::{Bits, FaultModel, Mode, Sampling, Target};
use crate::named::Named as _;
use crate::outcome::{Comparison, Rate, Ratio};

/// The mark of a row with too few trials.
const FEW: &str = "few";

/// The extent of a long list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// The most important part.
    Part,
    /// The whole list.
    All,
}

impl Extent {
    /// Returns the number of rows to show out of `all`.
    fn of(self, part: usize, all: usize) -> usize {
        if self == Self::All { all } else { part.min(all) }
    }
}

/// Returns all tables of one campaign.
pub fn tables(origin: &Origin, report: &Report, extent: Extent) -> Vec<Table> {
    let summary = &report.summary;
    let mut tables = vec![outcomes(summary)];
    tables.extend(rates::table(summary));
    tables.extend(protections::overall(summary));
    tables.extend(strata(summary, extent));
    tables.extend(starts::tables(report));
    tables.extend(profile::fields(summary));
    tables.extend(profile::bits(summary));
    tables.extend(profile::layers(summary, extent));
    tables.extend(profile::map(report, extent));
    tables.extend(protections::parts(summary, extent));
    tables.extend(protections::saves(origin, summary, extent));
    tables.extend(classes::table(origin, report, extent));
    tables
}

/// Returns the rates over all faults, those under protections, and those by field of the number format.
pub fn overview(summary: &Summary) -> Vec<Table> {
    let tables = std::iter::once(outcomes(summary)).chain(rates::table(summary)).chain(protections::overall(summary));
    tables.chain(profile::fields(summary)).collect()
}

/// Returns the strata of a stratified campaign; nothing for others.
fn strata(summary: &Summary, extent: Extent) -> Option<Table> {
    let design = summary.design.as_ref()?;
    let mut table = Table::new().text("stratum").numbers(["share", "faults", "SDC", "of all SDCs"]);
    for one in design.strata.iter().take(extent.of(12, design.strata.len())) {
        let counts = [thousands(one.injections), thousands(one.sdc)];
        let [faults, sdc] = counts;
        table.row([one.name.clone(), percent(one.share), faults, sdc, percent(one.of_sdc)]);
    }
    table.note("share: of all candidates; of all SDCs: estimated");
    Some(table)
}

/// Returns the sentence on images that were skipped, of which `first` are named; `None` if there are none.
pub fn skipped(summary: &Summary, first: &[BadImage]) -> Option<String> {
    let (count, all) = (summary.skipped, summary.skipped + summary.golden.images);
    let names: Vec<String> = first.iter().map(|image| format!("{} ({})", image.name, image.problem)).collect();
    let more = count.saturating_sub(names.len() as u64);
    let names = if names.is_empty() { String::new() } else { format!(": {}", names.join(", ")) };
    let more = if more > 0 && !names.is_empty() { format!(", and {} more", thousands(more)) } else { String::new() };
    (count > 0).then(|| {
        let verb = if count == 1 { "was" } else { "were" };
        format!("{} of {} {verb} skipped{names}{more}", thousands(count), counted(all, "image"))
    })
}

/// Largest number of layers or protections that are listed by name.
const LISTED: usize = 3;

/// Returns the campaign in two lines: model and faults, and the way in which the faults were drawn.
pub fn heading(model: &str, summary: &Summary) -> [String; 2] {
    let skipped =
        if summary.skipped > 0 { format!(" ({} skipped)", thousands(summary.skipped)) } else { String::new() };
    let images = counted(summary.golden.images, "image") + &skipped;
    let Some(config) = &summary.config else {
        let title = format!("{model}: {images}, {}", counted(summary.faults.injections, "fault"));
        return [
            title,
            "imported log: which faults were injected, and whether any was detected, is not known".to_owned(),
        ];
    };
    let faults = fault_model(&config.fault_model, summary.faults.injections);
    let protection = config.protect.map(|protection| format!("; {protection}")).unwrap_or_default();
    let compared = config.compared.as_ref().map(|compared| {
        let names: Vec<_> = compared.methods.iter().map(|one| one.method.to_string()).collect();
        let all = if names.len() <= LISTED { names.join(", ") } else { format!("{} protections", names.len()) };
        format!("; each fault also under {all}")
    });
    let protection = protection + &compared.unwrap_or_default();
    let until = config.until.map(|goal| format!("; {goal}")).unwrap_or_default();
    let design = if config.design.is_some() { "; design stratified" } else { "" };
    let numbers = if config.numbers.is_float32() { String::new() } else { format!("; {}", config.numbers) };
    let rounded = summary.rounded.map(|rounded| format!("; {rounded}")).unwrap_or_default();
    let drawn =
        format!("{}; seed {}{protection}{numbers}{rounded}{design}{until}", sampling(&config.fault_model), config.seed);
    let drawn = match config.exhaustive {
        true => format!(
            "exhaustive: {}, in {}{protection}{numbers}{rounded}",
            every_bit(&config.fault_model),
            layers(&config.fault_model)
        ),
        false => drawn,
    };
    let shard = summary.shard.map(|shard| format!("; {}", shard.words())).unwrap_or_default();
    [format!("{model}: {images}, {faults}{shard}"), drawn]
}

/// Returns the faults that an exhaustive campaign of `model` tries, in words.
fn every_bit(model: &FaultModel) -> String {
    let bits = match model.kind.bits() {
        None | Some(Bits::ALL) => "every bit".to_owned(),
        Some(bits) if bits.single().is_some() => format!("bit {bits}"),
        Some(bits) => format!("each of bits {bits}"),
    };
    format!("{bits} of every element")
}

fn layers(model: &FaultModel) -> String {
    match model.layers.as_deref() {
        None => "all layers that faults are drawn from".to_owned(),
        Some([only]) => format!("layer {only}"),
        Some(layers) => counted(layers.len(), "chosen layer"),
    }
}

fn sampling(model: &FaultModel) -> String {
    // The image is no layer.
    if model.target == Target::Input {
        return match model.ber {
            Some(_) => "every bit of the image's bytes may flip".to_owned(),
            None => "every byte of the image equally likely".to_owned(),
        };
    }
    let (every, all) = match model.layers.as_deref() {
        None => ("every layer".to_owned(), "every layer".to_owned()),
        Some([only]) if model.ber.is_some() || model.accelerator.is_some() => {
            (format!("layer {only}"), format!("layer {only}"))
        }
        Some([only]) => return format!("layer {only} only, every element of it equally likely"),
        Some(layers) if layers.len() <= LISTED => {
            let names = format!("layers {}", layers.join(", "));
            (format!("each of {names}"), names)
        }
        Some(layers) => (format!("each of {} chosen layers", layers.len()), format!("{} chosen layers", layers.len())),
    };
    if model.ber.is_some() {
        return format!("every element of {all} may be struck");
    }
    if model.accelerator.is_some() {
        return format!("convolutions and products among {all} run on the array");
    }
    match (model.mode, model.sampling) {
        (Mode::Multiple, _) => format!("{every} is struck"),
        (Mode::Single, Sampling::Layer) => format!("sampling layer: {every} equally likely, then every element of it"),
        (Mode::Single, Sampling::Element) => format!("sampling element: every element of {all} equally likely"),
    }
}

fn fault_model(model: &FaultModel, injections: u64) -> String {
    let kind = match (&model.error_models, model.accelerator) {
        (Some(models), _) => models.words(),
        (None, Some(array)) => format!("{} in the {}", model.kind.words(), array.words()),
        (None, None) => model.kind.words(),
    };
    let amount = if model.amount > 1 { format!(", {} elements at once", model.amount) } else { String::new() };
    let target = format!("{} fault", name(&model.target));
    let pattern = model.pattern.words();
    if let Some(rates) = &model.ber {
        let (target, bits) = (name(&model.target), model.kind.bits().unwrap_or_default());
        let bits =
            if bits == Bits::ALL { "each bit".to_owned() } else { format!("{} of each word", counted_bits(bits)) };
        return format!("{} with {target} bit errors ({bits} flips at rate {rates})", counted(injections, "inference"));
    }
    format!("{} ({kind}{amount}{pattern})", counted(injections, &target))
}

/// Returns `bits` with their noun.
fn counted_bits(bits: Bits) -> String {
    if bits.count() == 1 { format!("bit {bits}") } else { format!("each of bits {bits}") }
}

/// Returns the rates over all golden runs and all faults.
pub fn outcomes(summary: &Summary) -> Table {
    let columns = ["count", "of", "share", "low", "high"];
    let mut table = Table::new().text("").numbers(columns).word("");
    let (golden, faults) = (&summary.golden, &summary.faults);
    let criteria = faults.criteria.as_ref();
    for (name, rate) in [
        ("golden runs: correct", golden.accuracy.as_ref()),
        ("golden runs: SCM among the wrong ones", golden.scm.as_ref()),
        ("faults: masked", Some(&faults.masked)),
        ("faults: SDC", Some(&faults.sdc)),
        ("faults: SDC-5", criteria.and_then(|criteria| criteria.sdc5.as_ref())),
        ("faults: SDC-10 %", criteria.map(|criteria| &criteria.sdc10pct)),
        ("faults: SDC-20 %", criteria.map(|criteria| &criteria.sdc20pct)),
        ("faults: SCM", faults.scm.as_ref()),
        ("faults: SCM among SDCs", faults.scm_of_sdc.as_ref()),
        ("faults: DUE, masked or not", known(&faults.due)),
        ("faults: correct", criteria.and_then(|criteria| criteria.accuracy.as_ref())),
    ] {
        let Some(rate) = rate else { continue };
        let counts = [name.to_owned(), thousands(rate.count), thousands(rate.of)];
        table.row(counts.into_iter().chain(estimate(rate)).chain([few([rate])]));
    }
    match (&summary.aim, &summary.design) {
        (None, None) if is_exhaustive(summary) => table.note(format!(
            "{} was tried in each of these images: the shares of faults are exact and have no interval; those of golden runs have the \
             95 % Wilson interval",
            every_bit(&summary.config.as_ref().map_or_else(FaultModel::default, |config| config.fault_model.clone()))
        )),
        (None, None) => table.note("low, high: ends of the 95 % Wilson interval"),
        (None, Some(_)) => table.note(
            "share: estimated with the faults' weights; low, high: ends of the 95 % interval, design-based by image (fixed n); in \
             tables of parts of the faults by the variance of Horvitz and Thompson's estimates",
        ),
        (Some(aim), _) => {
            let words = if summary.design.is_some() { "share: estimated with the faults' weights; " } else { "" };
            table.note(format!(
                "{words}low, high of faults: ends of the {} % interval that holds although the campaign looked at it to stop \
                 (anytime-valid, a confidence sequence); of golden runs and of parts of the faults: 95 % for a fixed number",
                aim.goal.confidence.percent()
            ));
            table.note(aimed(aim));
        }
    }
    match criteria {
        Some(criteria) => explain_criteria(&mut table, summary, criteria),
        None if summary.config.is_some() && faults.injections > 0 => table.note(
            "SDC-5, SDC-10 %, SDC-20 %, accuracy and margin under faults are not known: some records have no scores, as \
             those of earlier versions",
        ),
        None => {}
    }
    if summary.rates.len() > 1 {
        table.note(
            "faults: inferences with bit errors at all rates together; the table by bit error rate keeps them apart",
        );
    }
    if let Some(design) = &summary.design {
        table.note(saved(design, faults.injections));
    }
    clusters::explain(&mut table, summary);
    explain_few(&mut table);
    if faults.scm.is_none() {
        table.note("SCM is not judged: the model has no grouping; --grouping gives one");
    } else if let Some(ratio) = &summary.scm_ratio_interval {
        table.note(headline(ratio));
    }
    table
}

fn is_exhaustive(summary: &Summary) -> bool {
    summary.config.as_ref().is_some_and(|config| config.exhaustive)
}

/// Returns how well a campaign with a goal knows its quantity, in a sentence.
pub fn aimed(aim: &Aim) -> String {
    let state = if aim.reached { "reached" } else { "not reached" };
    let of = aim.goal.of.row().help;
    let share = |share: f64| match aim.goal.of {
        Quantity::Ratio => ratio(share),
        _ => percent(share),
    };
    match (aim.estimate, aim.high) {
        (Some(estimate), Some(high)) => format!(
            "aim of {} {state}: {of} is {}, between {} and {}",
            aim.goal.margin,
            share(estimate),
            share(aim.low),
            share(high)
        ),
        _ => format!("aim {state}: {of} is not known, as there is nothing that it could be of"),
    }
}

/// Returns what a stratified design has saved, in a sentence.
pub fn saved(design: &DesignSummary, injections: u64) -> String {
    let gain = design.gain.map_or_else(
        || "too little is known yet to say what it saves".to_owned(),
        |gain| {
            let uniform = (gain * injections as f64).round() as u64;
            format!("the SDC rate is as sure as with {} drawn uniformly", counted(uniform, "fault"))
        },
    );
    format!(
        "stratified: {} scored, {} of them proved masked; {gain}",
        counted(design.candidates, "candidate"),
        percent(design.proved)
    )
}

/// Returns the main result of the paper: the ratio of the SCM share among errors by faults to that among the model's
/// own errors.
pub fn headline(scm: &Ratio) -> String {
    let Some(times) = scm.ratio else {
        return "no ratio of the two shares of SCM: the golden runs, or the faults, have no such error".to_owned();
    };
    let conclusion = match scm.comparison() {
        Comparison::More | Comparison::Less => "",
        Comparison::Alike => ": about the same",
        Comparison::Unknown => ": too few to say",
    };
    format!(
        "an error made by a fault was {} times ({}) as likely to be safety-critical as one of the model's own{conclusion}",
        ratio(times),
        range(scm)
    )
}

/// Returns the interval of a ratio.
fn range(scm: &Ratio) -> String {
    match scm.high {
        Some(high) => format!("{} to {}", ratio(scm.low), ratio(high)),
        None => format!("{} or more", ratio(scm.low)),
    }
}

/// Returns the rate, if it has trials.
fn known(rate: &Rate) -> Option<&Rate> {
    (rate.of > 0).then_some(rate)
}

/// Returns the share and the ends of its interval; empty without trials.
fn estimate(rate: &Rate) -> [String; 3] {
    if rate.of == 0 {
        return [String::from("-"), String::new(), String::new()];
    }
    [rate.rate, rate.low, rate.high].map(percent)
}

/// Returns the mark of a row with `rates`.
fn few<'a>(rates: impl IntoIterator<Item = &'a Rate>) -> String {
    let few = rates.into_iter().any(|rate| rate.of > 0 && rate.too_few());
    if few { FEW.to_owned() } else { String::new() }
}

/// Adds a note about the mark to a table that has it.
fn explain_few(table: &mut Table) {
    // Of several campaigns, the mark of the sort may stand behind it.
    let is_few = |cell: &String| cell.strip_prefix(FEW).is_some_and(|rest| rest.is_empty() || rest.starts_with(", "));
    if table.rows.iter().flatten().any(is_few) {
        let points = 100.0 * Rate::WIDEST;
        table.note(format!("{FEW}: too few to say, an interval here is wider than {points:.0} percentage points"));
    }
}
