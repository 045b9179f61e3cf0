//! Files to save: a single fault, and the trials around it.

use facts::TraceRow;
use facts::fault::InjectedFault;
use facts::outcome::Outcome;
use facts::report::csv_line;
use facts::report::words::name;
use protocol::{Injection, SweepTrial};
use serde::Serialize;

/// One fault, with the keys of `faultscope inject --json --trace`.
#[derive(Serialize)]
struct Fault<'a> {
    golden: Answer<'a>,
    faulty: Answer<'a>,
    outcome: Outcome,
    due: bool,
    scm: Option<bool>,
    fault: Option<&'a InjectedFault>,
    /// Where a pattern struck several elements: the first of them, and their number.
    #[serde(flatten)]
    pattern: Option<Struck<'a>>,
    trace: &'a [TraceRow],
    /// Opens the page with this very fault.
    link: &'a str,
}

#[derive(Serialize)]
struct Struck<'a> {
    faults: &'a [InjectedFault],
    struck: usize,
}

#[derive(Serialize)]
struct Answer<'a> {
    class: usize,
    label: &'a str,
}

/// `injection` as JSON; `link` opens it again.
pub fn fault_json(injection: &Injection, link: &str) -> String {
    let fault = Fault {
        golden: Answer { class: injection.golden.class, label: &injection.golden.label },
        faulty: Answer { class: injection.faulty.class, label: &injection.faulty.label },
        outcome: injection.verdict.outcome,
        due: injection.verdict.due,
        scm: injection.verdict.scm,
        fault: injection.faults.first(),
        pattern: (injection.struck > 1).then_some(Struck { faults: &injection.faults, struck: injection.struck }),
        trace: &injection.trace,
        link,
    };
    serde_json::to_string_pretty(&fault).expect("a fault is plain data") + "\n"
}

/// The corruption layer by layer, one line a layer.
pub fn trace_csv(injection: &Injection) -> String {
    let head = ["layer", "changed", "elements", "max_abs_delta", "non_finite", "touched", "positions"];
    let rows = injection.trace.iter().map(|row| {
        csv_line([
            row.layer.clone(),
            row.changed.to_string(),
            row.elements.to_string(),
            row.max_abs_delta.to_string(),
            row.non_finite.to_string(),
            row.touched.to_string(),
            row.positions.to_string(),
        ])
    });
    csv_line(head) + &rows.collect::<String>()
}

/// The outcome of each trial of a sweep that was made, one line a trial.
pub fn sweep_csv(trials: &[Option<Result<SweepTrial, String>>]) -> String {
    let head =
        ["trial", "layer", "tensor", "element", "bit", "before", "after", "golden", "faulty", "outcome", "due", "scm"];
    let made = trials.iter().enumerate().filter_map(|(trial, made)| Some((trial, made.as_ref()?.as_ref().ok()?)));
    let rows = made.map(|(trial, SweepTrial { verdict, golden, faulty, fault })| {
        csv_line([
            trial.to_string(),
            fault.layer.clone(),
            fault.tensor.clone(),
            fault.element.to_string(),
            fault.bit.map(|bit| bit.to_string()).unwrap_or_default(),
            fault.before.to_string(),
            fault.after.to_string(),
            golden.clone(),
            faulty.clone(),
            name(&verdict.outcome),
            verdict.due.to_string(),
            verdict.scm.map(|scm| scm.to_string()).unwrap_or_default(),
        ])
    });
    csv_line(head) + &rows.collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use facts::fault::{CorruptionKind, Format, Target};
    use facts::outcome::Verdict;
    use protocol::ClassInfo;

    fn fault() -> InjectedFault {
        InjectedFault {
            target: Target::Activation,
            layer: "a,b \"c\"".into(),
            tensor: "t".into(),
            element: 7,
            kind: Some(CorruptionKind::BitFlip),
            bit: Some(30),
            bits: None,
            format: Format::F32,
            before: 1.5,
            after: f32::INFINITY,
        }
    }

    fn injection() -> Injection {
        let class = |class: usize| ClassInfo { class, label: format!("class {class}"), group: None, critical: false };
        Injection {
            verdict: Verdict { outcome: Outcome::Sdc, due: true, scm: None },
            golden: class(1),
            faulty: class(2),
            confidence: [0.9, f32::NAN],
            nan_wins: true,
            before: Vec::new(),
            after: Vec::new(),
            faults: vec![fault()],
            struck: 1,
            trace: vec![TraceRow {
                layer: "a,b \"c\"".into(),
                changed: 1,
                elements: 8,
                max_abs_delta: 0.0,
                non_finite: 1,
                touched: 1,
                positions: 4,
            }],
            milliseconds: 1.0,
        }
    }

    #[test]
    fn a_fault_reads_as_the_command_line_writes_it() {
        let json: serde_json::Value = serde_json::from_str(&fault_json(&injection(), "#run=1")).expect("it is JSON");
        assert_eq!((&json["golden"]["class"], &json["faulty"]["class"]), (&1.into(), &2.into()));
        assert_eq!(
            (&json["outcome"], &json["due"], &json["scm"]),
            (&"sdc".into(), &true.into(), &serde_json::Value::Null)
        );
        assert_eq!((&json["fault"]["after"], &json["fault"]["element"]), (&"Infinity".into(), &7.into()));
        assert_eq!(json.get("faults"), None, "one element");
        let several = Injection { faults: vec![fault(), fault()], struck: 30, ..injection() };
        let several: serde_json::Value = serde_json::from_str(&fault_json(&several, "#run=1")).expect("it is JSON");
        assert_eq!((&several["struck"], several["faults"].as_array().map(Vec::len)), (&30.into(), Some(2)));
        assert_eq!((&json["trace"][0]["touched"], &json["link"]), (&1.into(), &"#run=1".into()));
    }

    #[test]
    fn tables_survive_names_with_commas_and_quotes() {
        let trial =
            SweepTrial { verdict: injection().verdict, golden: "x,y".into(), faulty: "z".into(), fault: fault() };
        let sweep = sweep_csv(&[None, Some(Err("no picture".into())), Some(Ok(trial))]);
        let mut read = csv::Reader::from_reader(sweep.as_bytes());
        let rows: Vec<_> = read.records().collect::<Result<_, _>>().expect("it is CSV");
        assert_eq!(rows.len(), 1, "only what was made");
        assert_eq!(rows[0].iter().take(8).collect::<Vec<_>>(), ["2", "a,b \"c\"", "t", "7", "30", "1.5", "inf", "x,y"]);

        let trace = trace_csv(&injection());
        let mut read = csv::Reader::from_reader(trace.as_bytes());
        assert_eq!(read.headers().expect("a head").iter().next(), Some("layer"));
        assert_eq!(&read.records().next().expect("a row").expect("it is CSV")[0], "a,b \"c\"");
    }
}
