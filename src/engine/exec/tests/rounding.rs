//! The reference for number formats: a hook that rounds each output, and shares no code with [`Code::round`].
//!
//! [`Code::round`]: facts::fault::Code::round

use facts::Result;
use facts::fault::{Format, Site, SiteSpace, Target};
use facts::format::{Code, Scale, Scales};
use facts::graph::{Graph, NodeId, ValueId};
use proptest::prelude::*;

use super::super::Hook;
use crate::ops::Array;

/// A hook that rounds the output of a layer to the number format that `graph` states, before the hook `inner`.
pub struct Rounds<'a, H> {
    pub graph: &'a Graph,
    pub inner: H,
}

impl<H: Hook> Hook for Rounds<'_, H> {
    async fn output(&mut self, node: NodeId, value: ValueId, array: Array) -> Result<Array> {
        let code = self.graph.values[value].code(0);
        if code.format == Format::F32 || !self.graph.depends_on_input()[node] {
            return self.inner.output(node, value, array).await;
        }
        let mut elements = array.read().await?;
        elements.iter_mut().for_each(|element| *element = nearest(code, *element));
        let array = Array::from_slice(array.shape(), &elements, &array.device());
        self.inner.output(node, value, array).await
    }
}

/// The nearest number, found among all finite ones in their order.
fn nearest(code: Code, value: f32) -> f32 {
    let (exponent, mantissa, infinite) = match code.format {
        Format::F16 => (5, 10, true),
        Format::Bf16 => (8, 7, true),
        Format::E4m3 => (4, 3, false),
        Format::E5m2 => (5, 2, true),
        _ => return integer(code, value),
    };
    if value.is_nan() {
        return value;
    }
    // The size of the word `word`, also of the first one beyond the largest finite number.
    let size = |word: u32| {
        let (power, rest) = ((word >> mantissa) as i32, f64::from(word & ((1 << mantissa) - 1)));
        let least = 2 - (1 << (exponent - 1));
        let quantum = 2f64.powi(least - mantissa);
        if power == 0 { rest * quantum } else { (rest + f64::from(1 << mantissa)) * quantum * 2f64.powi(power - 1) }
    };
    let words = if infinite { ((1u32 << exponent) - 1) << mantissa } else { (1 << (exponent + mantissa)) - 1 };
    let target = f64::from(value.abs());
    let (mut below, mut above) = (0u32, words);
    while above - below > 1 {
        let middle = (below + above) / 2;
        if size(middle) <= target { below = middle } else { above = middle }
    }
    let (lower, upper) = (target - size(below), size(above) - target);
    let word = if lower < upper || lower == upper && below % 2 == 0 { below } else { above };
    let rounded = match word {
        word if word < words => size(word) as f32,
        _ if infinite => f32::INFINITY,
        _ => size(words - 1) as f32,
    };
    rounded.copysign(value)
}

fn integer(code: Code, value: f32) -> f32 {
    let (low, high) = match code.format {
        Format::U8 | Format::U16 | Format::U4 => (0.0, 2f64.powi(i32::from(code.format.width())) - 1.0),
        format => (-2f64.powi(i32::from(format.width()) - 1), 2f64.powi(i32::from(format.width()) - 1) - 1.0),
    };
    let steps = f64::from(value / code.scale);
    let floor = steps.floor();
    let even = |number: f64| number % 2.0 == 0.0;
    let nearest = match steps - floor {
        rest if rest > 0.5 => floor + 1.0,
        rest if rest < 0.5 || even(floor) => floor,
        _ => floor + 1.0,
    };
    let zero = f64::from(code.zero);
    let kept = match nearest {
        _ if value.is_nan() => 0.0,
        _ if steps == f64::INFINITY || nearest + zero > high => high - zero,
        _ if steps == f64::NEG_INFINITY || nearest + zero < low => low - zero,
        nearest => nearest,
    };
    // No integer is a negative zero.
    if kept == 0.0 { 0.0 } else { kept as f32 * code.scale }
}

/// Number formats for the tensors of any network: one for the outputs of layers and one for parameters.
#[derive(Clone, Copy, Debug)]
pub struct Formats {
    outputs: (Format, Scale),
    parameters: (Format, Scale),
    /// Each channel of a parameter has a scale of its own.
    by_channel: bool,
    /// Every so many tensors are left as they are.
    every: usize,
}

pub fn formats() -> impl Strategy<Value = Formats> {
    let fixed = (1u8..6, 1u8..8).prop_map(|(whole, fraction)| (Format::Fixed { whole, fraction }, Scale::default()));
    let scaled = (0.005f32..0.2, -60i32..60, prop::sample::select(vec![Format::I8, Format::U8, Format::I16]));
    let scaled = scaled.prop_map(|(scale, zero, format)| {
        (format, Scale { scale, zero: if format == Format::U8 { 128 + zero } else { zero } })
    });
    let named = prop::sample::select(Format::NAMED.to_vec()).prop_map(|format| (format, Scale::default()));
    let format = prop_oneof![4 => named, 2 => scaled, 1 => fixed].boxed();
    (format.clone(), format, any::<bool>(), 1usize..4).prop_map(|(outputs, parameters, by_channel, every)| Formats {
        outputs,
        parameters,
        by_channel,
        every,
    })
}

impl Formats {
    /// `graph` with its tensors in these formats.
    pub fn of(self, graph: &Graph) -> Graph {
        let scales = |(format, scale): (Format, Scale)| match format.is_scaled() {
            true => Scales::of_tensor(scale),
            false => Scales::default(),
        };
        let outputs = graph.nodes.iter().flat_map(|node| &node.outputs).copied();
        let outputs = outputs.map(|id| (id, self.outputs.0, scales(self.outputs)));
        let parameter = |&id: &ValueId| {
            let mut scales = scales(self.parameters);
            let channels = graph.values[id].shape.first().copied().unwrap_or(1);
            if let ([scale], true) = (&scales.each[..], self.by_channel) {
                let of_channel = |at: usize| Scale { scale: scale.scale * (1.0 + at as f32 / 4.0), ..*scale };
                scales = Scales { axis: 0, each: (0..channels).map(of_channel).collect() };
            }
            (id, self.parameters.0, scales)
        };
        let all: Vec<_> = outputs.chain(graph.parameters.keys().map(parameter)).collect();
        let kept = |(at, tensor)| if at % self.every == 0 { Some(tensor) } else { None };
        // What a layer makes as integers stays: the network states those formats itself.
        let is_plain = |&(id, ..): &(ValueId, Format, Scales)| graph.values[id].format == Format::F32;
        graph.stored(all.into_iter().filter(is_plain).enumerate().filter_map(kept)).unwrap()
    }
}

/// `graph` with the outputs of layers in float32: what the hook rounds for.
pub fn unrounded(graph: &Graph) -> Graph {
    let outputs = graph.nodes.iter().flat_map(|node| &node.outputs);
    graph.stored(outputs.map(|&id| (id, Format::F32, Scales::default()))).unwrap()
}

/// `site` with the bits that its tensor has.
pub fn fitting(graph: &Graph, site: Site) -> Site {
    use facts::fault::{Bits, Corruption};
    let format = graph.values[site.tensor].format;
    let fold = |bits: Bits| bits.iter().fold(0, |mask, bit| mask | 1 << (bit % format.width()));
    let corruption = match site.corruption {
        Corruption::Flip(bits) => Bits::from_mask(fold(bits)).map_or(site.corruption, Corruption::Flip),
        other => other,
    };
    Site { corruption, ..site }
}

/// The hook agrees with what is known of the formats.
#[test]
fn the_reference_rounds_as_the_formats_are_defined() {
    let of = |format: Format, value| nearest(Code::from(format), value);
    assert_eq!(of(Format::E4m3, 17.0), 16.0);
    assert_eq!(of(Format::E4m3, 19.0), 20.0);
    assert_eq!(of(Format::E4m3, -1e6), -448.0);
    assert_eq!(of(Format::F16, 65520.0), f32::INFINITY);
    assert_eq!(of(Format::F16, 2f32.powi(-25)), 0.0);
    assert_eq!(of(Format::Bf16, 1.0 + 2f32.powi(-8)), 1.0);
    assert_eq!(of(Format::I8, -0.5).to_bits(), 0);
    assert_eq!(of(Format::I8, 3.5), 4.0);
    assert_eq!(SiteSpace::of(&super::graph(), Target::Weight).layers().len(), 4);
}
