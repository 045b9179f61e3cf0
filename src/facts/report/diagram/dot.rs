//! A network in the language of Graphviz.

use std::fmt::Write;

use super::{Box, Diagram, Role};
use crate::model::Model;

/// Writes `model` as a digraph for `dot`. Each layer is a node with name, kind, output shape and number of parameters.
/// A layer that every path from input to output passes has a double frame.
pub fn dot(model: &Model) -> String {
    let diagram = Diagram::of(model);
    let mut out = format!("digraph {} {{\n", quoted(&diagram.title));
    let title = format!(
        "{}\n{}\ndouble frame: super node, every path from input to output passes it",
        diagram.title, diagram.facts
    );
    let lines = [
        format!("  graph [label={}, labelloc=t, fontname=\"Helvetica\", nodesep=0.3, ranksep=0.25];\n", quoted(&title)),
        "  node [shape=box, style=\"filled,rounded\", fillcolor=white, fontname=\"Helvetica\", fontsize=11];\n"
            .to_owned(),
        "  edge [color=\"#6a6a6a\", arrowsize=0.6];\n".to_owned(),
    ];
    lines.iter().for_each(|line| out.push_str(line));
    for (id, drawn) in diagram.boxes.iter().enumerate() {
        writeln!(out, "  b{id} [{}];", attributes(drawn)).expect("a String takes everything");
    }
    for (from, to) in &diagram.lines {
        writeln!(out, "  b{from} -> b{to};").expect("a String takes everything");
    }
    out.push_str("}\n");
    out
}

fn attributes(drawn: &Box) -> String {
    let mut attributes = format!(
        "label={}, color=\"{}\"",
        quoted(&format!("{}\n{} \u{b7} {}", drawn.heading(), drawn.kind, drawn.size())),
        drawn.family.colour()
    );
    attributes.push_str(match drawn.role {
        Role::Super => ", peripheries=2",
        Role::Branch => "",
        Role::Aside => ", style=\"dashed,rounded\"",
        Role::End => ", fillcolor=\"#f1f1f1\"",
    });
    attributes
}

/// Returns a quoted string. In labels, a backslash begins an escape.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            control if control.is_control() => out.push(char::REPLACEMENT_CHARACTER),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}
