//! Attention with its projections, products along named axes, and wrappers.

use facts::Result;
use facts::graph::{Attention, Binary, Einsum, MultiHead, Op, ValueId};
use serde_json::{Map, Value};

use super::super::array;
use super::super::draft::Draft;
use super::super::settings::{Settings, items};
use super::activation;

/// MultiHeadAttention and GroupQueryAttention, called with query, value and perhaps key.
pub(super) fn multi_head(draft: &mut Draft) -> Result<()> {
    let settings = draft.settings;
    if settings.switch("use_gate", false)? {
        return Err(settings.unsupported("with \"use_gate\" it is not"));
    }
    if draft.input_ranks().any(|rank| rank != 3) {
        let ranks: Vec<usize> = draft.input_ranks().collect();
        return Err(settings.unsupported(format_args!("its inputs have {ranks:?} axes; batch, tokens and length are")));
    }
    let inputs = draft.inputs;
    let (&[query, value] | &[query, value, _]) = inputs else {
        return Err(settings.error(format_args!("query, value and perhaps key are expected, found {}", inputs.len())));
    };
    let key = inputs.get(2).copied().unwrap_or(value);
    let grouped = settings.class != "MultiHeadAttention";
    let (heads, others, length) = if grouped {
        (settings.count("num_query_heads")?, settings.count("num_key_value_heads")?, settings.count("head_dim")?)
    } else {
        (settings.count("num_heads")?, settings.count("num_heads")?, settings.count("key_dim")?)
    };
    let of_values = match settings.get("value_dim") {
        Some(_) if !grouped => settings.count("value_dim")?,
        _ => length,
    };
    let [of_query, of_key, of_value] = [query, key, value].map(|id| draft.last_length(id));
    let output = match settings.get("output_shape") {
        None => of_query,
        Some(shape) => match (items(shape), shape.as_u64()) {
            (Some([one]), _) => one.as_u64().unwrap_or(0) as usize,
            (None, Some(one)) => one as usize,
            _ => return Err(settings.unsupported("only with one number as its \"output_shape\" is it")),
        },
    };
    let bias = settings.switch("use_bias", true)?;
    let mut more = vec![key, value];
    let large = || settings.error("its heads are absurdly large");
    for (name, rows, heads, length) in
        [("query", of_query, heads, length), ("key", of_key, others, length), ("value", of_value, others, of_values)]
    {
        let width = heads.checked_mul(length).filter(|&width| width > 0).ok_or_else(large)?;
        let kernel = format!("{name}/kernel");
        more.push(draft.parameter_viewed(&kernel, &[rows, heads, length], &[rows, width], &[0, 1])?);
        if bias {
            more.push(draft.parameter_viewed(&format!("{name}/bias"), &[heads, length], &[width], &[0])?);
        }
    }
    let rows = heads.checked_mul(of_values).ok_or_else(large)?;
    let kernel = &[heads, of_values, output];
    more.push(draft.parameter_viewed("attention_output/kernel", kernel, &[rows, output], &[0, 1])?);
    if bias {
        more.push(draft.parameter("attention_output/bias", &[output], &[0])?);
    }
    let scale = 1.0 / (length as f32).sqrt();
    let (causal, mask) = masks(draft, [query, value])?;
    more.extend(mask);
    draft.step(Op::MultiHead(MultiHead { heads: [heads, others], scale, bias, causal, mask: mask.is_some() }), &more)
}

/// Where a configuration keeps what its calls say beside the tensors.
const CALLED: &str = "called_with";

/// The configuration `config` of an attention whose calls are `nodes`.
///
/// # Errors
/// Where they say different things, or something that is not known.
pub(in super::super) fn configuration(config: &Value, nodes: &[Value]) -> std::result::Result<Value, String> {
    let mut called: Option<Map<String, Value>> = None;
    for node in nodes {
        let mut stated = Map::new();
        for (name, value) in node.get("kwargs").and_then(Value::as_object).into_iter().flatten() {
            let is_off = value.is_null() || value.as_bool() == Some(false);
            if is_off || ["query", "value", "key"].contains(&name.as_str()) {
                continue;
            }
            let known = name == "use_causal_mask" || (name == "attention_mask" && array::is_array(value));
            if !known {
                return Err(format!("is called with \"{name}\", which is not supported"));
            }
            stated.insert(name.clone(), value.clone());
        }
        if called.get_or_insert_with(|| stated.clone()) != &stated {
            return Err("is called with different masks, which is not supported".to_owned());
        }
    }
    let mut own = config.as_object().cloned().unwrap_or_default();
    own.insert(CALLED.to_owned(), Value::Object(called.unwrap_or_default()));
    Ok(Value::Object(own))
}

/// Whether a query sees the keys up to its own place only, and the mask that chooses further among them.
fn masks(draft: &mut Draft, [query, value]: [ValueId; 2]) -> Result<(bool, Option<ValueId>)> {
    let settings = draft.settings;
    let called = |name: &str| settings.get(CALLED).and_then(|called| called.get(name));
    let causal = called("use_causal_mask").is_some();
    let [rows, keys] = [query, value].map(|id| draft.shape_of(id)[1]);
    let stated = called("attention_mask").map(array::read).transpose().map_err(|problem| settings.error(problem))?;
    let window = match settings.get("sliding_window") {
        Some(_) => Some(settings.count("sliding_window")?),
        None => None,
    };
    if stated.is_none() && window.is_none() {
        return Ok((causal, None));
    }
    let count = rows.checked_mul(keys).filter(|&count| count <= 1 << 24);
    let count = count.ok_or_else(|| settings.error("its scores are absurdly many"))?;
    let seen = |index: usize| window.is_none_or(|window| (index / keys).abs_diff(index % keys) < window);
    let mut mask: Vec<f32> = (0..count).map(|index| f32::from(u8::from(seen(index)))).collect();
    if let Some(stated) = stated {
        if stated.shape.iter().rev().take(2).rev().ne(&[rows, keys]) || stated.data.len() != count {
            return Err(settings.unsupported(format_args!(
                "its mask has shape {:?}; one for {rows} queries and {keys} keys is expected",
                stated.shape
            )));
        }
        mask.iter_mut().zip(&*stated.data).filter(|(_, stated)| **stated == 0.0).for_each(|(mask, _)| *mask = 0.0);
    }
    let blind = mask
        .chunks_exact(keys.max(1))
        .enumerate()
        .find(|(row, line)| !line.iter().enumerate().any(|(key, &seen)| seen != 0.0 && (!causal || key <= *row)));
    if let Some((row, _)) = blind {
        return Err(settings.unsupported(format_args!("its masks hide all keys from query {row}")));
    }
    Ok((causal, Some(draft.table("mask", vec![rows, keys], mask)?)))
}

/// Attention without projections: called with a list of query, value and perhaps key.
pub(super) fn plain(draft: &mut Draft) -> Result<()> {
    let settings = draft.settings;
    let (&[query, value] | &[query, value, _]) = draft.inputs else {
        let found = draft.inputs.len();
        return Err(settings.error(format_args!("query, value and perhaps key are expected, found {found} tensors")));
    };
    if settings.text("score_mode", "dot")? != "dot" {
        return Err(settings.unsupported("only with products as its scores (\"score_mode\" of \"dot\") is it"));
    }
    if draft.input_ranks().any(|rank| rank != 3) {
        let ranks: Vec<usize> = draft.input_ranks().collect();
        return Err(settings.unsupported(format_args!("its inputs have {ranks:?} axes; batch, tokens and length are")));
    }
    let key = draft.inputs.get(2).copied().unwrap_or(value);
    if settings.switch("use_scale", false)? {
        let scale = draft.parameter_viewed("scale", &[], &[1, 1, 1], &[0, 1, 2])?;
        draft.combine(Binary::Mul, scale)?;
    }
    let (causal, mask) = masks(draft, [query, value])?;
    let more: Vec<ValueId> = [key, value].into_iter().chain(mask).collect();
    let (masked, heads) = (mask.is_some(), Some([1, 1]));
    let settings = Attention { heads, scale: 1.0, causal, softcap: 0.0, mask: masked, selects: masked };
    draft.step(Op::Attention(settings), &more)
}

/// EinsumDense: an equation of two terms, the input's and the kernel's.
pub(super) fn einsum(draft: &mut Draft) -> Result<()> {
    draft.arrange_as_keras()?;
    let settings = draft.settings;
    let equation = settings.text("equation", "")?;
    let refuse = || settings.unsupported(format_args!("its equation \"{equation}\" is not"));
    let (terms, output) = equation.split_once("->").ok_or_else(refuse)?;
    let (input, kernel) = terms.split_once(',').ok_or_else(refuse)?;
    let shape = draft.shape();
    // An ellipsis at the start stands for axes without names.
    let letters = |term: &str| -> Option<(bool, Vec<u8>)> {
        let (open, named) = match term.trim().strip_prefix("...") {
            Some(named) => (true, named),
            None => (false, term.trim()),
        };
        named.bytes().all(|letter| letter.is_ascii_alphabetic()).then(|| (open, named.bytes().collect()))
    };
    let ((open, mut x), (false, kernel), (open_output, mut y)) =
        (letters(input).ok_or_else(refuse)?, letters(kernel).ok_or_else(refuse)?, letters(output).ok_or_else(refuse)?)
    else {
        return Err(refuse());
    };
    let hidden = match open {
        true => shape.len().checked_sub(x.len()).ok_or_else(refuse)?,
        false => 0,
    };
    if open != open_output || (!open && x.len() != shape.len()) {
        return Err(refuse());
    }
    let under: Vec<u8> = (0..hidden as u8).map(|index| 128 + index).collect();
    x.splice(0..0, under.iter().copied());
    y.splice(0..0, under);
    // What the output's shape states, from the last axis back.
    let stated = settings.get("output_shape").ok_or_else(|| settings.error("its \"output_shape\" is missing"))?;
    let stated: Vec<Option<usize>> = match items(stated) {
        Some(items) => items.iter().map(|item| item.as_u64().map(|length| length as usize)).collect(),
        None => vec![stated.as_u64().map(|length| length as usize)],
    };
    let length = |name: u8| -> Option<usize> {
        if let Some(place) = x.iter().position(|&other| other == name) {
            return Some(shape[place]);
        }
        let from_end = y.len() - 1 - y.iter().position(|&other| other == name)?;
        stated.iter().rev().nth(from_end).copied().flatten()
    };
    let lengths = |names: &[u8]| names.iter().map(|&name| length(name)).collect::<Option<Vec<usize>>>();
    let of_kernel = lengths(&kernel).ok_or_else(refuse)?;
    let perm: Vec<usize> = (0..of_kernel.len()).collect();
    let weight = draft.parameter("kernel", &of_kernel, &perm)?;
    draft.step(Op::Einsum(Einsum { inputs: vec![x.clone(), kernel], output: y.clone() }), &[weight])?;
    draft.reordered((0..y.len()).collect());
    if settings.get("bias_axes").is_some() {
        let axes = settings.text("bias_axes", "")?.as_bytes();
        let first = y.iter().position(|name| axes.contains(name)).ok_or_else(refuse)?;
        let of_bias = y[first..].iter().map(|&name| if axes.contains(&name) { length(name) } else { Some(1) });
        let of_bias: Vec<usize> = of_bias.collect::<Option<_>>().ok_or_else(refuse)?;
        let perm: Vec<usize> = (0..of_bias.len()).collect();
        let bias = draft.parameter("bias", &of_bias, &perm)?;
        draft.combine(Binary::Add, bias)?;
    }
    activation::setting(draft, "activation")
}

/// The sums of products of two tensors along one axis of each.
pub(super) fn dot(draft: &mut Draft) -> Result<()> {
    let settings = draft.settings;
    let &[first, second] = draft.inputs else {
        return Err(settings.error(format_args!("two inputs are expected, found {}", draft.inputs.len())));
    };
    if settings.switch("normalize", false)? {
        return Err(settings.unsupported("with \"normalize\" it is not"));
    }
    let ranks: Vec<usize> = draft.input_ranks().collect();
    if ranks.iter().any(|rank| !(2..=3).contains(rank)) {
        return Err(settings.unsupported(format_args!("its inputs have {ranks:?} axes; two or three are")));
    }
    let axes: Vec<i64> = match settings.get("axes").and_then(Value::as_i64) {
        Some(both) => vec![both; 2],
        None => settings.integers("axes")?,
    };
    let counted = |axis: i64, rank: usize| {
        let counted = if axis < 0 { axis + rank as i64 } else { axis };
        usize::try_from(counted).ok().filter(|axis| (1..rank).contains(axis))
    };
    let places = match axes[..] {
        [a, b] => counted(a, ranks[0]).zip(counted(b, ranks[1])),
        _ => None,
    };
    let (a, b) = places.ok_or_else(|| settings.error(format_args!("axes {axes:?} do not fit its inputs")))?;
    // Axis 0 is the batch, 1 the common axis; the others have names of their own.
    let names = |rank: usize, common: usize, from: u8| -> Vec<u8> {
        (0..rank)
            .map(|axis| {
                if axis == 0 {
                    0
                } else if axis == common {
                    1
                } else {
                    from + axis as u8
                }
            })
            .collect()
    };
    let (left, right) = (names(ranks[0], a, 10), names(ranks[1], b, 20));
    let mut output: Vec<u8> =
        std::iter::once(0).chain(left.iter().chain(&right).copied().filter(|&name| name > 1)).collect();
    let whole = output.len();
    if whole == 1 {
        // A number for each image is a row of one.
        output = vec![0];
    }
    draft.start_with(first);
    draft.step(Op::Einsum(Einsum { inputs: vec![left, right], output }), &[second])?;
    draft.reordered((0..whole).collect());
    if whole == 1 { draft.reshape(vec![1, 1]) } else { Ok(()) }
}

/// The layer that a SpectralNormalization wraps, whose kernel is stored normalised.
pub(super) fn wrapped<'a>(settings: &Settings<'a>) -> Result<Settings<'a>> {
    let inner = settings.get("layer");
    let class = inner.and_then(|inner| inner.get("class_name")?.as_str());
    let config = inner.and_then(|inner| inner.get("config"));
    match class.zip(config) {
        Some((class, config)) if class != settings.class => Ok(Settings::new(settings.layer, class, config)),
        _ => Err(settings.error("the layer that it wraps is missing")),
    }
}

/// Computes the layer inside. The vector that training estimates the norm with has no part in an inference.
pub(super) fn spectral(draft: &mut Draft) -> Result<()> {
    let inner = wrapped(&draft.settings)?;
    draft.settings = inner;
    super::translator(&inner)?(draft)?;
    draft.skip_parameter();
    Ok(())
}
