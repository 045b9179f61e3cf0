//! Messages about one fault under a protection.

use facts::TraceRow;
use facts::campaign::compared::{Effect, Method, Stop};
use facts::fault::Strike;
use facts::outcome::Verdict;
use serde::{Deserialize, Serialize};

use super::{ClassInfo, ClassScores, FileRef, Injection, SHOWN, Score};

/// Most images that protections are learnt from: more would take longer than anybody watches.
pub const MAX_IMAGES: usize = 32;

/// Inject a fault once more, into the protected network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProtectRequest {
    /// The fault, in the current image.
    pub strike: Strike,
    /// The protection.
    pub method: Method,
    /// The images whose golden runs a protection learns from, beside the current one.
    pub images: Vec<FileRef>,
}

/// Answers [`ProtectRequest`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ProtectAnswer {
    /// What became of the fault.
    With(Box<Protection>),
    /// The protection does not apply to the fault, the network or the device.
    Unfit {
        /// A sentence that says why.
        why: String,
    },
}

/// A fault under a protection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Protection {
    /// The protection.
    pub method: Method,
    /// Names of the layers that it is in; empty where it is in none.
    pub layers: Vec<String>,
    /// What it did to the fault.
    pub effect: Effect,
    /// The outcome beside the protected network's own golden run. Where the inference stops, the one that it would have come to.
    pub verdict: Verdict,
    /// The prediction, as `verdict`.
    pub faulty: ClassInfo,
    /// The golden prediction of the protected network, where it is another one than the unprotected network's.
    pub golden: Option<ClassInfo>,
    /// Probability of the golden class of the unprotected network; NaN where the run came to that.
    pub confidence: f32,
    /// The five most probable classes.
    pub after: Vec<Score>,
    /// Where the inference stops because the fault was noticed; `None` where it was not.
    pub stops: Option<Stop>,
    /// The protection stops the inference without the fault, too.
    pub alarm: bool,
    /// The corruption layer by layer, beside the protected network's own golden run, up to where the inference stops.
    pub trace: Vec<TraceRow>,
    /// The layers in which something was clipped, with the number of elements, in order.
    pub clipped: Vec<(String, u64)>,
    /// Golden runs that it was learnt from; 0 where it learns nothing.
    pub images: usize,
    /// Operations that it adds to an inference, and their share of those of the network; no share where the network has none.
    pub operations: (u64, Option<f64>),
    /// Bytes of memory that it adds, and their share of those of the parameters.
    pub bytes: (u64, Option<f64>),
    /// Time for the run under the protection, in milliseconds.
    pub milliseconds: f64,
}

/// How much of a layer's output differs from the golden run, without a protection and with it.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerBeside {
    /// Name of the layer.
    pub layer: String,
    /// Share of the elements without the protection.
    pub without: f64,
    /// Share of them with it; `None` where the inference stops before the layer.
    pub with: Option<f64>,
}

impl Protection {
    /// The likeliest classes of the golden run, the faulty run and the run under the protection, each with its probability in the
    /// last one; none where the inference stops, or where the class is not among the five most probable.
    pub fn classes(&self, injection: &Injection) -> Vec<(ClassScores, Option<f32>)> {
        let mut rows = injection.classes();
        let after = if self.stops.is_none() { &self.after[..] } else { &[] };
        let find = |scores: &[Score], class: usize| {
            scores.iter().find(|score| score.class == class).map(|score| score.probability)
        };
        for score in after.iter().take(SHOWN) {
            if rows.iter().all(|row| row.class != score.class) {
                rows.push(ClassScores {
                    class: score.class,
                    label: score.label.clone(),
                    golden: find(&injection.before, score.class),
                    faulty: find(&injection.after, score.class),
                });
            }
        }
        rows.into_iter()
            .map(|row| {
                let with = find(after, row.class);
                (row, with)
            })
            .collect()
    }

    /// The layers that the fault reaches, with and without the protection, in the order of the network. `bare` is the corruption
    /// without it. A layer that a run does not compute anew is the golden one.
    pub fn beside(&self, bare: &[TraceRow]) -> Vec<LayerBeside> {
        let share = |row: &TraceRow| row.changed as f64 / row.elements.max(1) as f64;
        let find = |rows: &[TraceRow], layer: &str| rows.iter().position(|row| row.layer == layer);
        // Where the inference stops, the layers after the last row of the trace are not computed.
        let last = match &self.stops {
            None | Some(Stop::Scores) => bare.len(),
            Some(Stop::Read) => 0,
            Some(Stop::Layer(layer)) => find(bare, layer).map_or(0, |at| at + 1),
        };
        let mut rows: Vec<LayerBeside> = Vec::with_capacity(bare.len());
        let mut next = 0;
        for (at, row) in bare.iter().enumerate() {
            let own = find(&self.trace, &row.layer);
            // What only the protected run reaches comes before the next layer that both do.
            for other in self.trace.get(next..own.unwrap_or(next)).unwrap_or_default() {
                rows.push(LayerBeside { layer: other.layer.clone(), without: 0.0, with: Some(share(other)) });
            }
            next = own.map_or(next, |own| own + 1);
            let with = own.and_then(|own| self.trace.get(own)).map_or(0.0, share);
            let with = (at < last).then_some(with);
            rows.push(LayerBeside { layer: row.layer.clone(), without: share(row), with });
        }
        for other in self.trace.get(next..).unwrap_or_default() {
            rows.push(LayerBeside { layer: other.layer.clone(), without: 0.0, with: Some(share(other)) });
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use facts::outcome::Outcome;

    use super::*;

    fn row(layer: &str, changed: u64) -> TraceRow {
        TraceRow { changed, elements: 10, ..TraceRow::new(layer) }
    }

    fn shares(trace: &[TraceRow], stops: Option<Stop>) -> Vec<(String, f64, Option<f64>)> {
        let class = ClassInfo { class: 0, label: String::new(), group: None, critical: false };
        let protection = Protection {
            method: "secded".parse().expect("a protection"),
            layers: Vec::new(),
            effect: Effect::Mended,
            verdict: Verdict { outcome: Outcome::Masked, due: false, scm: None },
            faulty: class,
            golden: None,
            confidence: 1.0,
            after: Vec::new(),
            stops,
            alarm: false,
            trace: trace.to_vec(),
            clipped: Vec::new(),
            images: 0,
            operations: (0, None),
            bytes: (0, None),
            milliseconds: 0.0,
        };
        let rows = protection.beside(&[row("a", 1), row("b", 5), row("c", 10)]);
        rows.into_iter().map(|row| (row.layer, row.without, row.with)).collect()
    }

    #[test]
    fn both_runs_stand_layer_by_layer() {
        let expected = |with: [Option<f64>; 3]| {
            let bare = [("a", 0.1), ("b", 0.5), ("c", 1.0)].into_iter().zip(with);
            bare.map(|((layer, share), with)| (layer.to_owned(), share, with)).collect::<Vec<_>>()
        };
        assert_eq!(shares(&[], None), expected([Some(0.0); 3]), "nothing was left of the fault");
        assert_eq!(shares(&[row("a", 1), row("b", 2)], None), expected([Some(0.1), Some(0.2), Some(0.0)]));
        assert_eq!(shares(&[], Some(Stop::Read)), expected([None; 3]));
        assert_eq!(shares(&[row("a", 1)], Some(Stop::Layer("a".into()))), expected([Some(0.1), None, None]));
        let whole = [row("a", 1), row("b", 5), row("c", 10)];
        assert_eq!(shares(&whole, Some(Stop::Scores)), expected([Some(0.1), Some(0.5), Some(1.0)]));
        let more = shares(&[row("a", 1), row("x", 3), row("c", 1), row("y", 4)], None);
        assert_eq!(more.iter().map(|(layer, ..)| layer.as_str()).collect::<Vec<_>>(), ["a", "b", "x", "c", "y"]);
        assert_eq!(
            more.iter().map(|(.., with)| with.expect("it is computed")).collect::<Vec<_>>(),
            [0.1, 0.0, 0.3, 0.1, 0.4]
        );
    }
}
