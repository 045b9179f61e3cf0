//! `Loop` with a number of rounds that is known at import: the nodes of its body stand in its place, once for each round.

use std::collections::HashMap;

use facts::Result;
use prost::Message;

use super::branches::{decoded, graph_of};
use super::node::NodeView;
use super::proto::{AttributeProto, GraphProto, NodeProto, attribute};
use super::symbols::Symbols;
use super::tensor::{Data, Tensor};

/// Rounds of a loop. More of them would be more layers than anyone can look at.
const MOST: i64 = 1024;
/// Bytes of the nodes of all rounds.
const MOST_BYTES: usize = 64 << 20;

/// A loop while it is unrolled.
pub(super) struct Loop {
    label: String,
    body: GraphProto,
    rounds: Option<i64>,
    /// The names of the tensors that the next round reads.
    carried: Vec<String>,
    /// For each output that collects, the tensors of the rounds so far.
    collected: Vec<Vec<String>>,
    round: i64,
    /// Bytes of the nodes so far.
    bytes: usize,
    /// The name of the condition of the next round.
    condition: Option<String>,
    outputs: Vec<String>,
}

impl Loop {
    /// Reads `proto`; nothing if it is no `Loop`.
    ///
    /// # Errors
    /// If the number of rounds is not known, or the body does not fit the node.
    pub fn new(proto: &NodeProto, node: &NodeView, symbols: &Symbols) -> Result<Option<Self>> {
        if node.op() != "Loop" {
            return Ok(None);
        }
        let rounds = match symbols.ints(node, 0, "number of rounds")?.as_deref() {
            None => None,
            Some(&[rounds]) => Some(rounds),
            Some(_) => return Err(node.problem("its number of rounds must be one number")),
        };
        let body = graph_of(proto, "body").ok_or_else(|| node.problem("it has no body"))?;
        let body = decoded(node, &body)?;
        let carried: Vec<String> = proto.input.iter().skip(2).cloned().collect();
        let collects = body.output.len().checked_sub(1 + carried.len());
        let (Some(collects), true) = (collects, body.input.len() == carried.len() + 2) else {
            return Err(node.problem(format_args!(
                "its body has {} inputs and {} outputs, which do not fit its {} carried tensors",
                body.input.len(),
                body.output.len(),
                carried.len()
            )));
        };
        if proto.output.len() > carried.len() + collects {
            return Err(node.problem(format_args!("{} outputs are named, its body makes fewer", proto.output.len())));
        }
        if !body.sparse_initializer.is_empty() {
            return Err(node.unsupported("its body has sparse initializers"));
        }
        if body.node.iter().any(|inner| inner.attribute.iter().any(|attribute| attribute.g.is_some())) {
            return Err(node.unsupported("its body has branches or loops of its own"));
        }
        let condition = node.input(1).map(str::to_owned);
        let (label, outputs) = (node.label.clone(), proto.output.clone());
        let collected = vec![Vec::new(); collects];
        Ok(Some(Self { label, body, rounds, carried, collected, round: 0, bytes: 0, condition, outputs }))
    }

    /// The name of the condition.
    pub fn condition(&self) -> Option<&str> {
        self.condition.as_deref()
    }

    /// Whether there is another round.
    ///
    /// # Errors
    /// If the condition is not known, or the loop has no end.
    pub fn goes_on(&self, node: &NodeView, symbols: &Symbols) -> Result<bool> {
        if self.rounds.is_some_and(|rounds| self.round >= rounds) {
            return Ok(false);
        }
        let holds = match &self.condition {
            None => true,
            Some(name) => match symbols.known_output(name).map(|tensor| &tensor.data) {
                Some(Data::Int(values)) if values.len() == 1 => values[0] != 0,
                _ => {
                    return Err(node.unsupported(
                        "whether it goes on is computed from the image; only a condition that is known at import is",
                    ));
                }
            },
        };
        if holds && self.round == MOST {
            return Err(node.unsupported(format_args!(
                "it has not ended after {MOST} rounds, which are the most; export the model with a loop that ends"
            )));
        }
        Ok(holds)
    }

    /// The nodes of the next round. Its constants become known.
    ///
    /// # Errors
    /// If a constant of the body cannot be read.
    pub fn next(&mut self, node: &NodeView, symbols: &mut Symbols) -> Result<Vec<NodeProto>> {
        let prefix = format!("{}/{}", self.label, self.round);
        let mut names: HashMap<&str, String> = HashMap::new();
        let own = |name: &str| format!("{prefix}/{name}");
        symbols.known(&own("round"), Tensor::ints([self.round]).reshaped(Vec::new()))?;
        symbols.known(&own("goes on"), Tensor::ints([1]).reshaped(Vec::new()))?;
        let given = [own("round"), own("goes on")];
        for (input, name) in self.body.input.iter().zip(given.iter().chain(&self.carried)) {
            names.insert(&input.name, name.clone());
        }
        for tensor in &self.body.initializer {
            let value = Tensor::from_proto(tensor)
                .map_err(|problem| node.problem(format_args!("initializer \"{}\": {problem}", tensor.name)))?;
            symbols.known(&own(&tensor.name), value)?;
            names.insert(&tensor.name, own(&tensor.name));
        }
        let made = self.body.node.iter().flat_map(|inner| &inner.output).filter(|name| !name.is_empty());
        names.extend(made.map(|name| (name.as_str(), own(name))));
        let renamed = |name: &String| names.get(name.as_str()).unwrap_or(name).clone();
        let within = |(index, inner): (usize, &NodeProto)| NodeProto {
            name: match inner.name.as_str() {
                "" => format!("{prefix}/{}_{index}", inner.op_type),
                name => own(name),
            },
            input: inner.input.iter().map(&renamed).collect(),
            output: inner.output.iter().map(&renamed).collect(),
            ..inner.clone()
        };
        let nodes: Vec<NodeProto> = self.body.node.iter().enumerate().map(within).collect();
        self.bytes = nodes.iter().fold(self.bytes, |bytes, inner| bytes.saturating_add(inner.encoded_len()));
        if self.bytes > MOST_BYTES {
            let most = MOST_BYTES >> 20;
            return Err(node.unsupported(format_args!("the nodes of its rounds take more than {most} MiB")));
        }
        let results: Vec<String> = self.body.output.iter().map(|output| renamed(&output.name)).collect();
        let (condition, rest) = results.split_at(1);
        self.condition = condition.first().cloned();
        let (carried, collected) = rest.split_at(self.carried.len());
        self.carried = carried.to_vec();
        for (all, name) in self.collected.iter_mut().zip(collected) {
            all.push(name.clone());
        }
        self.round += 1;
        Ok(nodes)
    }

    /// The nodes that give the outputs their names.
    ///
    /// # Errors
    /// If an output collects the tensors of no round.
    pub fn end(&self, node: &NodeView, symbols: &mut Symbols) -> Result<Vec<NodeProto>> {
        let label = &self.label;
        let mut nodes = Vec::new();
        let name = |place: usize| if place == 0 { label.clone() } else { format!("{label}:{place}") };
        let make = |op: &str, name: String, input: Vec<String>, output: String| NodeProto {
            name,
            op_type: op.to_owned(),
            input,
            output: vec![output],
            ..NodeProto::default()
        };
        let axes = format!("{label}/axes");
        for (place, output) in self.outputs.iter().enumerate().filter(|(_, output)| !output.is_empty()) {
            let Some(collect) = place.checked_sub(self.carried.len()) else {
                nodes.push(make("Identity", name(place), vec![self.carried[place].clone()], output.clone()));
                continue;
            };
            let all = &self.collected[collect];
            if all.is_empty() {
                return Err(node.unsupported("it has no round, so that an output has no elements"));
            }
            let mut parts = Vec::with_capacity(all.len());
            for (round, part) in all.iter().enumerate() {
                let widened = format!("{label}/{round}/{place}");
                // The axes are an attribute before opset 13.
                let mut unsqueeze = make("Unsqueeze", widened.clone(), vec![part.clone()], widened.clone());
                if node.opset < 13 {
                    unsqueeze.attribute.push(AttributeProto {
                        name: "axes".to_owned(),
                        ints: vec![0],
                        kind: attribute::INTS,
                        ..Default::default()
                    });
                } else {
                    if !symbols.contains(&axes) {
                        symbols.known(&axes, Tensor::ints([0]))?;
                    }
                    unsqueeze.input.push(axes.clone());
                }
                nodes.push(unsqueeze);
                parts.push(widened);
            }
            let mut joined = make("Concat", name(place), parts, output.clone());
            joined.attribute.push(AttributeProto {
                name: "axis".to_owned(),
                i: Some(0),
                kind: attribute::INT,
                ..Default::default()
            });
            nodes.push(joined);
        }
        Ok(nodes)
    }
}
