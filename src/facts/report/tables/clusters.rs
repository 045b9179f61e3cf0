//! The design effect by image, in words.

use super::Table;
use crate::campaign::{DesignEffect, Summary};
use crate::report::words::thousands;

/// The design effect from which a report says how much wider the intervals are.
const NOTABLE: f64 = 1.1;

/// Adds the design effects to the table of outcomes.
pub fn explain(table: &mut Table, summary: &Summary) {
    let Some(clusters) = &summary.clusters else { return };
    let effects: Vec<_> = clusters.named(&summary.faults).collect();
    if effects.is_empty() {
        return;
    }
    let one = |(name, effect, trials): &(&str, DesignEffect, u64)| {
        let effective = thousands(effect.effective.round() as u64);
        format!("{name} {} ({effective} effective of {})", number(effect.deff), thousands(*trials))
    };
    let list: Vec<String> = effects.iter().map(one).collect();
    let of = match summary.design {
        Some(_) => "design effect of weights, strata and images together",
        None => "design effect by image",
    };
    table.note(format!("{of}: {}", list.join(", ")));
    match (&summary.design, &summary.aim) {
        (None, _) => {}
        (Some(_), None) => table.note(
            "effective: so many faults drawn uniformly, each by itself, would say as much; of the SDC rate the number is the one above",
        ),
        (Some(_), Some(_)) => table.note(
            "effective: so many faults drawn uniformly, each by itself, would say as much about other images of the same kind, as the \
             faults of an image are taken together; the number above takes each fault by itself, and is about these images",
        ),
    }
    // The intervals of a stratified campaign are by image.
    let widest = effects.iter().map(|(_, effect, _)| effect.width()).fold(0.0, f64::max);
    if summary.design.is_none() && widest * widest >= NOTABLE {
        table.note(format!(
            "the faults of an image have something in common: for other images of the same kind, intervals are up to {widest:.2} \
             times as wide"
        ));
    }
}

/// Returns a design effect with two digits at least.
fn number(deff: f64) -> String {
    if deff >= 0.1 { format!("{deff:.2}") } else { format!("{deff:.3}") }
}

#[cfg(test)]
mod tests {
    use crate::report::tests::{line, provenance, read};
    use crate::report::{Extent, Origin, html, tables};

    /// Of three images with four faults each, all faults of one are SDCs. By hand: V = 3/2 (64/9 + 2 16/9) / 144 = 1/9, and
    /// r (1 - r) / 11 = 2/99, so that the design effect is 11/2.
    #[test]
    fn the_design_effect_stands_below_the_outcomes() {
        let text: String = (0..12).map(|at| line(at / 4, if at < 4 { 7 } else { 4 }, "1.0")).collect();
        let provenance = provenance(3, 4);
        let report = read(&provenance, &text).unwrap();
        let effect = report.summary.clusters.unwrap().sdc.unwrap();
        assert!((effect.deff - 5.5).abs() < 1e-12 && (effect.effective - 12.0 / 5.5).abs() < 1e-12, "{effect:?}");
        let origin = Origin::Campaign(Box::new(provenance.clone()));
        let notes = tables(&origin, &report, Extent::Part)[0].notes.join("\n");
        assert!(notes.contains("design effect by image: SDC 5.50 (2 effective of 12)"), "{notes}");
        assert!(notes.contains("intervals are up to 2.35 times as wide"), "{notes}");
        assert!(html(&[("m", &origin, &report)]).contains("design effect by image: SDC 5.50"));
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["clusters"]["images"], 3);
        let mut exhaustive = provenance;
        exhaustive.campaign.exhaustive = true;
        let report = read(&exhaustive, &text).unwrap();
        assert_eq!(report.summary.clusters, None);
    }
}
