//! Every operator compared with onnxruntime: reference.py makes reference.json.

use facts::graph::Op;
use serde::Deserialize;

use super::{array, read, run};
use crate::ops::Array;

#[derive(Deserialize)]
struct Case {
    name: String,
    op: Op,
    inputs: Vec<Packed>,
    outputs: Vec<Packed>,
}

#[derive(Deserialize)]
struct Packed {
    shape: Vec<usize>,
    data: Vec<Number>,
}

/// JSON cannot represent infinity.
#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Finite(f32),
    Named(String),
}

impl Packed {
    fn data(&self) -> Vec<f32> {
        let number = |number: &Number| match number {
            Number::Finite(number) => *number,
            Number::Named(name) => name.parse().expect("NaN or an infinity"),
        };
        self.data.iter().map(number).collect()
    }
}

fn close(found: f32, expected: f32) -> bool {
    found.is_nan() && expected.is_nan() || found == expected || (found - expected).abs() <= 1e-6 + 1e-5 * expected.abs()
}

#[test]
fn every_operator_agrees_with_onnxruntime() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("reference.json")).expect("reference.py made it");
    let mut failures = Vec::new();
    for case in &cases {
        let inputs: Vec<Array> = case.inputs.iter().map(|input| array(&input.shape, &input.data())).collect();
        let outputs = run(&case.op, &inputs.iter().collect::<Vec<_>>());
        assert_eq!(outputs.len(), case.outputs.len(), "{}", case.name);
        for (found, expected) in outputs.iter().zip(&case.outputs) {
            assert_eq!(found.shape(), expected.shape, "{}", case.name);
            let (found, expected) = (read(found), expected.data());
            if !found.iter().zip(&expected).all(|(&found, &expected)| close(found, expected)) {
                failures.push(format!("{}: found {found:?}, expected {expected:?}", case.name));
            }
        }
    }
    assert!(failures.is_empty(), "{} of {} cases differ:\n{}", failures.len(), cases.len(), failures.join("\n"));
}
