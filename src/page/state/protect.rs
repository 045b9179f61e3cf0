//! The protections on offer for the fault that is on show.

use facts::Name;
use facts::campaign::compared::Method;

use super::State;
use crate::link::on_one_fault;

/// A protection on offer for one fault.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// The protection.
    pub method: Method,
    /// Its name and an explanation.
    pub row: &'static Name,
    /// Whether it is the chosen one.
    pub chosen: bool,
}

impl State {
    /// The protections on offer for the fault; the last one is the chosen one where that has options of its own.
    pub fn protections_of_one_fault(&self) -> Vec<Choice> {
        let now = self.link.protection();
        let layer = self.struck().map(|struck| struck.layer.name.as_str());
        let mut all: Vec<Choice> =
            on_one_fault(layer).map(|(method, row)| Choice { chosen: method == now, method, row }).collect();
        if !all.iter().any(|choice| choice.chosen) {
            all.push(Choice { row: facts::Named::row(now.kind()), method: now, chosen: true });
        }
        all
    }
}
