//! A failure budget as tables.

use super::{Budget, Dangerous, MemoryBudget, Variant, words};
use crate::report::Table;
use crate::report::words::{counted, percent, thousands};

/// Layers that a table shows.
const SHOWN: usize = 10;

/// Returns the tables of a budget: measured, assumed, the failure rates, the layers.
pub fn tables(budget: &Budget) -> Vec<Table> {
    let mut tables = vec![measured(budget), rates(budget)];
    tables.extend(metrics(budget));
    tables.extend(budget.variants.iter().take(1).flat_map(|variant| variant.memories.iter().map(layers)));
    tables
}

/// Returns a number with three significant digits.
pub(in crate::report) fn number(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    if !(1e-3..1e5).contains(&value.abs()) {
        return format!("{value:.2e}");
    }
    let digits = (2 - value.abs().log10().floor() as i32).max(0) as usize;
    if digits == 0 { thousands(value.round() as u64) } else { format!("{value:.digits$}") }
}

pub(in crate::report) fn name(variant: &Variant) -> String {
    variant.protection.clone().unwrap_or_else(|| "unprotected".to_owned())
}

fn measured(budget: &Budget) -> Table {
    let what = match budget.assumed.dangerous {
        Dangerous::Scm => "SCM",
        Dangerous::Sdc => "SDC",
    };
    let mut table = Table::titled("Measured")
        .text("memory")
        .text("protection")
        .numbers(["bits", "live, assumed"])
        .number("faults")
        .number(what)
        .numbers(["P", "P at most", "coverage"]);
    for variant in &budget.variants {
        let own = variant.memories.iter().filter(|memory| memory.protection == variant.protection);
        for memory in own {
            let sum = |of: fn(&super::LayerMeasured) -> u64| {
                memory.layers.iter().map(|layer| of(&layer.measured)).sum::<u64>()
            };
            table.row([
                words(memory.target).to_owned(),
                name(variant),
                thousands(memory.bits),
                percent(if memory.bits > 0 { memory.live_bits / memory.bits as f64 } else { 0.0 }),
                thousands(sum(|layer| layer.faults)),
                thousands(sum(|layer| layer.dangerous)),
                percent(memory.probability),
                percent(memory.probability_upper),
                memory.diagnostic_coverage.map_or_else(String::new, percent),
            ]);
            if memory.bits_without_fault > 0 {
                let note = format!(
                    "{} of {} bits of {} lie in layers that no fault has struck. In every upper bound, a flip of them counts as \
                     dangerous.",
                    thousands(memory.bits_without_fault),
                    thousands(memory.bits),
                    memory.campaign
                );
                // Protections that one campaign compares have the same faults.
                if !table.notes.contains(&note) {
                    table.note(note);
                }
            }
        }
    }
    if budget.variants.iter().any(|variant| variant.protection.is_some()) {
        table.note(
            "Coverage: 1 - λ with the protection / λ without. A noticed fault is not dangerous. Faults in the protection itself, its \
             check bits for example, are not in it.",
        );
    }
    let meaning = match budget.assumed.dangerous {
        Dangerous::Scm => "a safety-critical misclassification (SCM)",
        Dangerous::Sdc => "a changed prediction (SDC)",
    };
    for sentence in budget.looked_at() {
        table.note(format!("{sentence}."));
    }
    table.note(format!(
        "P: the chance that a flip of one live bit, each bit equally likely, leads to {meaning} in an inference on the campaign's images; layers \
         are weighted by their live bits. At most: upper bound, one-sided 95 %."
    ));
    table
}

fn rates(budget: &Budget) -> Table {
    let mut table = Table::titled(format!("Failure rate, target {} FIT", number(budget.assumed.target_fit)))
        .text("protection")
        .numbers(["raw FIT/Mbit", "λ FIT", "λ at most"])
        .word("target")
        .number("coverage needed");
    for variant in &budget.variants {
        for rate in &variant.rates {
            table.row([
                name(variant),
                number(rate.fit_per_mbit),
                number(rate.fit),
                number(rate.fit_upper),
                if rate.target_met { "met" } else { "missed" }.to_owned(),
                if rate.target_met { "none".to_owned() } else { coverage(rate.coverage_needed) },
            ]);
        }
        if let Some(highest) = variant.highest_raw_rate {
            table.note(format!(
                "{}: the target is met up to a raw rate of {} FIT/Mbit.",
                name(variant),
                number(highest)
            ));
        }
    }
    table.note(
        "λ = Σ raw rate × bits × live share × P over layers and memories (1 Mbit = 2²⁰ bits, 1 FIT = 1 in 10⁹ hours). The target \
         is met where the upper bound is within it. Coverage needed: 1 - target / λ at most.",
    );
    table.note(
        "The raw rate and the live share are your assumptions; a raw rate differs by a factor of ten and more between memories, \
         altitudes and process nodes.",
    );
    table
}

/// A share close to 1 needs its digits.
fn coverage(share: f64) -> String {
    if share > 0.999 { format!("{:.4} %", 100.0 * share) } else { percent(share) }
}

fn metrics(budget: &Budget) -> Option<Table> {
    let mut table = Table::titled("Terms of ISO 26262-5").text("protection").numbers([
        "SPFM of these memories",
        "PMHF, lowest raw",
        "PMHF, highest raw",
    ]);
    for variant in &budget.variants {
        let (low, high) = (variant.rates.first()?, variant.rates.last()?);
        table.row([
            name(variant),
            percent(variant.single_point_fault_metric),
            format!("{:.2e} /h", low.fit_upper * 1e-9),
            format!("{:.2e} /h", high.fit_upper * 1e-9),
        ]);
    }
    table.note(
        "SPFM: 1 - Σ(λ_SPF + λ_RF) / Σλ, here of bit flips in these memories alone; targets of the standard: 90 % (ASIL B), 97 % (C), 99 % (D). PMHF: \
         their contribution λ_SPF + λ_RF, upper bound; targets for the whole item: 1e-7 /h (B, C), 1e-8 /h (D).",
    );
    table.note(
        "This is an estimate for one fault model on one data set. It is no certification, and no safety analysis of an item: other \
         elements, multiple-point faults and the use of the answer are not in it.",
    );
    Some(table)
}

fn layers(memory: &MemoryBudget) -> Table {
    let mut order: Vec<_> = memory.layers.iter().collect();
    order.sort_by(|a, b| b.fit_per_raw.total_cmp(&a.fit_per_raw));
    let mut table = Table::titled(format!("Layers, {}", words(memory.target))).text("layer").numbers([
        "bits",
        "faults",
        "dangerous",
        "P",
        "P at most",
        "share of λ",
    ]);
    for layer in order.iter().take(SHOWN) {
        let measured = &layer.measured;
        table.row([
            measured.layer.clone(),
            thousands(measured.bits),
            thousands(measured.faults),
            thousands(measured.dangerous),
            layer.probability.map_or_else(|| "unknown".to_owned(), percent),
            percent(layer.probability_upper),
            percent(if memory.fit_per_raw > 0.0 { layer.fit_per_raw / memory.fit_per_raw } else { 0.0 }),
        ]);
    }
    if order.len() > SHOWN {
        table.note(format!("{} more; JSON and CSV have all.", counted(order.len() - SHOWN, "layer")));
    }
    table
}
