//! The table of measures, for people and for programs.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::targets::{Better, Target, target};

/// What was measured, on what.
pub struct Table {
    machine: String,
    rows: Vec<Row>,
}

struct Row {
    net: String,
    measure: String,
    value: f64,
    unit: &'static str,
    target: Option<Target>,
}

const HEAD: [&str; 7] = ["network", "measure", "value", "", "must", "goal", "verdict"];

impl Table {
    pub fn new(machine: String) -> Self {
        Self { machine, rows: Vec::new() }
    }

    /// Adds a measure of which nothing is asked.
    pub fn push(&mut self, net: &str, measure: &str, value: f64, unit: &'static str) {
        self.rows.push(Row { net: net.to_owned(), measure: measure.to_owned(), value, unit, target: None });
    }

    /// Adds a measure, with what is asked of it for the network `id`.
    pub fn judge(&mut self, id: &str, net: &str, measure: &str, value: f64, unit: &'static str) {
        self.push(net, measure, value, unit);
        if let Some(row) = self.rows.last_mut() {
            row.target = target(id, measure);
        }
    }

    /// In columns.
    pub fn text(&self) -> String {
        let lines: Vec<[String; 7]> =
            std::iter::once(HEAD.map(str::to_owned)).chain(self.rows.iter().map(Row::cells)).collect();
        let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
        let widths: [usize; 7] = std::array::from_fn(width);
        let mut text = format!("{}\n\n", self.machine);
        for line in &lines {
            let mut row = String::new();
            for (column, cell) in line.iter().enumerate() {
                let width = widths[column];
                let _ = match column {
                    2 | 4 | 5 => write!(row, "{cell:>width$}  "),
                    _ => write!(row, "{cell:<width$}  "),
                };
            }
            let _ = writeln!(text, "{}", row.trim_end());
        }
        text
    }

    /// As GitHub shows it.
    pub fn markdown(&self) -> String {
        let mut text =
            format!("{}\n\n| {} |\n| --- | --- | ---: | --- | ---: | ---: | --- |\n", self.machine, HEAD.join(" | "));
        for row in &self.rows {
            let _ = writeln!(text, "| {} |", row.cells().join(" | "));
        }
        text
    }

    /// `must` and `goal` are null where nothing is asked; `better` says which way.
    pub fn json(&self) -> String {
        let row = |row: &Row| {
            json!({
                "net": row.net,
                "measure": row.measure,
                "value": finite(row.value),
                "unit": row.unit,
                "must": row.target.map(|target| target.must),
                "goal": row.target.and_then(|target| target.goal),
                "better": row.target.map(|target| if target.better == Better::More { "more" } else { "less" }),
            })
        };
        let rows: Vec<Value> = self.rows.iter().map(row).collect();
        format!("{:#}\n", json!({ "machine": self.machine, "rows": rows }))
    }
}

/// JSON has no NaN.
fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

impl Row {
    fn cells(&self) -> [String; 7] {
        let number = |value: f64| match value.abs() {
            large if large >= 1000.0 => format!("{value:.0}"),
            middle if middle >= 100.0 => format!("{value:.1}"),
            _ => format!("{value:.2}"),
        };
        let bound = |target: &Target, value: f64| match target.better {
            Better::More => number(value),
            Better::Less => format!("<= {}", number(value)),
        };
        let target = self.target.as_ref();
        [
            self.net.clone(),
            self.measure.clone(),
            number(self.value),
            self.unit.to_owned(),
            target.map_or(String::new(), |target| bound(target, target.must)),
            target.and_then(|target| Some(bound(target, target.goal?))).unwrap_or_default(),
            target.map_or("", |target| target.verdict(self.value)).to_owned(),
        ]
    }
}

impl Target {
    fn verdict(&self, value: f64) -> &'static str {
        let meets = |bound: f64| match self.better {
            Better::More => value >= bound,
            Better::Less => value <= bound,
        };
        match self.goal {
            Some(goal) if meets(goal) => "goal",
            _ if meets(self.must) => "must",
            _ => "missed",
        }
    }
}
