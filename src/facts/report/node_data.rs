//! The rates of layers as node data of Model Explorer, which colours the nodes of a model's graph by them.
//!
//! The format is that of the viewer's "custom node data": results by node id or output tensor name, and a colour gradient
//! from the smallest to the largest.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Report;

/// Data of one graph.
#[derive(Serialize)]
struct NodeData {
    name: &'static str,
    results: BTreeMap<String, Value>,
    gradient: [Stop; 3],
}

#[derive(Serialize)]
struct Value {
    value: f64,
}

#[derive(Serialize)]
struct Stop {
    stop: f64,
    #[serde(rename = "bgColor")]
    color: &'static str,
}

/// Returns the SDC rate of each layer in which faults struck, in percent, as JSON. The keys are the names of the layers.
///
/// # Errors
/// If the JSON cannot be written.
pub fn node_data(report: &Report) -> Result<String, serde_json::Error> {
    let layers = report.summary.layers.iter().filter(|layer| layer.faults.sdc.of > 0);
    let data = NodeData {
        name: "SDC rate (%)",
        results: layers.map(|layer| (layer.layer.clone(), Value { value: 100.0 * layer.faults.sdc.rate })).collect(),
        gradient: [(0.0, "#ffffff"), (0.5, "#fdb863"), (1.0, "#b2182b")].map(|(stop, color)| Stop { stop, color }),
    };
    serde_json::to_string_pretty(&data).map(|text| text + "\n")
}
