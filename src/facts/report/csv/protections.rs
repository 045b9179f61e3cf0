//! The rows of protections that are compared.

use std::collections::HashMap;

use super::Row;
use crate::campaign::ProtectionSummary;
use crate::campaign::compared::{PairedSummary, PartEffects};
use crate::outcome::{Difference, Rate};
use crate::report::words::name;

impl<'a> Row<'a> {
    fn difference(&self, measure: &'static str, difference: &Difference) -> Self {
        let Difference { difference, low, high } = *difference;
        Self { measure, value: Some(difference), low: Some(low), high: Some(high), ..self.clone() }
    }

    fn paired(&self, names: [&'static str; 6], paired: &PairedSummary) -> Vec<Self> {
        let [without, with, coverage, difference, p, adjusted] = names;
        let mut rows = vec![
            self.rate(without, paired.without),
            self.rate(with, paired.with),
            self.rate(coverage, paired.coverage),
            Self { decision: Some(paired.decision.words()), ..self.difference(difference, &paired.difference) },
        ];
        for (measure, value) in [(p, paired.p), (adjusted, paired.p_adjusted)] {
            rows.extend(value.map(|value| Self { measure, value: Some(value), ..self.clone() }));
        }
        rows
    }

    fn part(&self, part: &PartEffects) -> Vec<Self> {
        let effects = &part.effects;
        let covered = effects.mended + effects.detected;
        let mut rows = vec![
            self.rate("sdc_without", part.without),
            self.rate("sdc", part.with),
            self.rate("coverage", Rate::new(covered, covered + effects.missed)),
            self.difference("sdc_difference", &part.difference),
        ];
        rows.extend(part.scm_without.map(|rate| self.rate("scm_without", rate)));
        rows.extend(part.scm_with.map(|rate| self.rate("scm", rate)));
        rows
    }
}

const SDC: [&str; 6] = ["sdc_without", "sdc", "coverage", "sdc_difference", "sdc_p", "sdc_p_adjusted"];
const SCM: [&str; 6] = ["scm_without", "scm", "scm_coverage", "scm_difference", "scm_p", "scm_p_adjusted"];

/// Returns the rows of one protection. `empty` makes a row of a table; `layers` are the indices of layers.
pub fn rows<'a>(
    one: &'a ProtectionSummary,
    layers: &HashMap<&str, usize>,
    empty: impl Fn(&'static str) -> Row<'a>,
) -> Vec<Row<'a>> {
    let method = one.method.to_string();
    let of = |table| Row { protection: Some(method.clone()), ..empty(table) };
    let own = of("protection");
    let mut rows = Vec::new();
    let (golden, effects) = (&one.golden, &one.effects);
    rows.extend(golden.accuracy.map(|rate| own.rate("accuracy", rate)));
    rows.extend(golden.accuracy_without.map(|rate| own.rate("accuracy_without", rate)));
    rows.push(own.rate("golden_changed", golden.changed));
    rows.push(own.rate("false_alarms", golden.false_alarms));
    let all = effects.pairs().all();
    for (measure, count) in [
        ("mended", effects.mended),
        ("detected", effects.detected),
        ("missed", effects.missed),
        ("worse", effects.worse),
        ("needless", effects.needless),
        ("unchanged", effects.unchanged),
    ] {
        rows.push(own.rate(measure, Rate::new(count, all)));
    }
    rows.push(own.rate("due", one.due));
    rows.extend(own.paired(SDC, &one.sdc));
    rows.extend(one.scm.iter().flat_map(|scm| own.paired(SCM, scm)));
    let overhead = &one.overhead;
    for (measure, count, share) in [
        ("operations", overhead.cost.operations, overhead.operations_share),
        ("parameters", overhead.cost.parameters, overhead.parameters_share),
        ("bytes", overhead.cost.bytes, overhead.bytes_share),
    ] {
        rows.push(Row { measure, count: Some(count), value: share, ..own.clone() });
    }
    rows.extend(one.time.map(|time| Row { measure: "time", value: Some(time), ..own.clone() }));
    for row in &one.by_rate {
        let own = Row { ber: Some(row.rate), ..of("protection_ber") };
        rows.extend(row.accuracy.map(|rate| own.rate("accuracy", rate)));
        rows.extend(own.part(&row.part));
    }
    for row in &one.by_field {
        rows.extend(Row { field: Some(name(&row.field)), ..of("protection_field") }.part(&row.part));
    }
    for row in &one.by_bit {
        rows.extend(Row { bit: Some(row.bit), ..of("protection_bit") }.part(&row.part));
    }
    for row in &one.by_layer {
        let layer_index = layers.get(row.layer.as_str()).copied();
        rows.extend(Row { layer: Some(&row.layer), layer_index, ..of("protection_layer") }.part(&row.part));
    }
    for saves in &one.saves {
        let own = Row { other: Some(saves.other.to_string()), ..of("protection_saves") };
        rows.push(Row { measure: "faults", count: Some(saves.faults), ..own.clone() });
        for fault in &saves.listed {
            rows.push(Row {
                measure: "fault",
                record: Some(fault.record),
                image: Some(fault.image),
                layer: fault.layer.as_deref(),
                element: fault.element,
                bits: fault.bits.map(|bits| bits.to_string()),
                class: Some(fault.golden),
                predicted: Some(fault.faulty),
                ..own.clone()
            });
        }
    }
    rows
}
