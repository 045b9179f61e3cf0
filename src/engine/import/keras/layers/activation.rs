//! Activation functions, as layers and as other layers' settings.

use facts::Result;
use facts::graph::{Op, Unary};
use serde_json::Value;

use super::super::draft::Draft;
use super::super::settings::Settings;

/// The constants of SELU.
const SELU: Unary = Unary::Selu { alpha: 1.673_263_2, gamma: 1.050_701 };

/// A layer that is nothing but an activation function.
pub(super) fn layer(draft: &mut Draft) -> Result<()> {
    let settings = draft.settings;
    match settings.class {
        "Activation" => self::setting(draft, "activation"),
        "PReLU" => prelu(draft),
        // TensorFlow's own functions, called in a functional model: their names tell what they do.
        "TFOpLambda" => {
            let function = settings.text("function", "")?;
            if !apply(draft, function)? {
                return Err(settings.unsupported(format_args!("it calls tf.{function}")));
            }
            Ok(())
        }
        _ => object(draft, &settings),
    }
}

/// The activation that the layer's setting `key` names, if any.
pub(super) fn setting(draft: &mut Draft, key: &str) -> Result<()> {
    let settings = draft.settings;
    let Some(value) = settings.get(key) else { return Ok(()) };
    let name = value.as_str().or_else(|| function_name(value));
    if let Some(name) = name
        && apply(draft, name)?
    {
        return Ok(());
    }
    // A layer can stand in for a function.
    match (value.get("class_name").and_then(Value::as_str), value.get("config")) {
        (Some(class), Some(config)) => object(draft, &Settings::new(settings.layer, class, config)),
        _ => Err(settings.unsupported(format_args!("its activation {value} is unknown"))),
    }
}

/// The name in `{"class_name": "function", "config": NAME}`, and in the same with a configuration under a name.
fn function_name(value: &Value) -> Option<&str> {
    let config = value.get("config");
    let named = config.and_then(|config| config.as_str().or_else(|| config.get("name")?.as_str()));
    match value.get("class_name")?.as_str()? {
        "function" => named,
        _ => None,
    }
}

/// The function called `name`, `tf.nn.relu6` and the like included; whether it is known.
pub(super) fn apply(draft: &mut Draft, name: &str) -> Result<bool> {
    let name = name.rsplit('.').next().unwrap_or(name);
    match name {
        "linear" | "identity" => return Ok(true),
        "softmax" | "log_softmax" => {
            let axis = draft.rank().saturating_sub(1);
            softmax(draft, axis, name == "log_softmax")?;
            return Ok(true);
        }
        "log_sigmoid" => {
            for function in [Unary::Neg, Unary::Softplus, Unary::Neg] {
                draft.step(Op::Unary(function), &[])?;
            }
            return Ok(true);
        }
        _ => {}
    }
    let Some(function) = function(name, draft.keras) else { return Ok(false) };
    draft.step(Op::Unary(function), &[])?;
    Ok(true)
}

/// Whether [`apply`] knows the function called `name`.
pub(super) fn is_known(name: &str) -> bool {
    matches!(name, "linear" | "identity" | "softmax" | "log_softmax" | "log_sigmoid") || function(name, 3).is_some()
}

/// The function of one element called `name`, in this major version of Keras.
fn function(name: &str, keras: u32) -> Option<Unary> {
    Some(match name {
        "relu" => Unary::Relu,
        "relu6" => Unary::Clip { min: 0.0, max: 6.0 },
        "leaky_relu" => Unary::LeakyRelu { alpha: 0.2 },
        "elu" => Unary::Elu { alpha: 1.0 },
        "celu" => Unary::Celu { alpha: 1.0 },
        "selu" => SELU,
        "sigmoid" => Unary::Sigmoid,
        "hard_sigmoid" => hard_sigmoid(keras),
        "tanh" => Unary::Tanh,
        "hard_tanh" => Unary::Clip { min: -1.0, max: 1.0 },
        "swish" | "silu" => Unary::Swish { alpha: 1.0 },
        "hard_swish" | "hard_silu" => Unary::HardSwish,
        "gelu" => Unary::Gelu { tanh: false },
        "mish" => Unary::Mish,
        "softplus" => Unary::Softplus,
        "softsign" => Unary::Softsign,
        "exponential" | "exp" => Unary::Exp,
        "sqrt" => Unary::Sqrt,
        "absolute" | "abs" => Unary::Abs,
        "negative" => Unary::Neg,
        "log" => Unary::Log,
        "reciprocal" => Unary::Reciprocal,
        "hard_shrink" => Unary::Shrink { bias: 0.0, lambd: 0.5 },
        "soft_shrink" => Unary::Shrink { bias: 0.5, lambd: 0.5 },
        "sparse_plus" => Unary::SparsePlus,
        "sparse_sigmoid" => Unary::HardSigmoid { alpha: 0.5, beta: 0.5 },
        "squareplus" => Unary::SquarePlus { b: 4.0 },
        "tanh_shrink" => Unary::TanhShrink,
        "sin" => Unary::Sin,
        "cos" => Unary::Cos,
        "tan" => Unary::Tan,
        "arcsin" => Unary::Asin,
        "arccos" => Unary::Acos,
        "arctan" => Unary::Atan,
        "sinh" => Unary::Sinh,
        "cosh" => Unary::Cosh,
        "arcsinh" => Unary::Asinh,
        "arccosh" => Unary::Acosh,
        "arctanh" => Unary::Atanh,
        "erf" => Unary::Erf,
        "square" => Unary::Power { exponent: 2.0 },
        "floor" => Unary::Floor,
        "ceil" => Unary::Ceil,
        "round" => Unary::Round,
        "sign" => Unary::Sign,
        _ => return None,
    })
}

/// Keras 3 took over the definition that others use: `relu6(x + 3) / 6`; Keras 2 has `0.2 x + 0.5`, cut at 0 and 1.
fn hard_sigmoid(keras: u32) -> Unary {
    let alpha = if keras >= 3 { 1.0 / 6.0 } else { 0.2 };
    Unary::HardSigmoid { alpha, beta: 0.5 }
}

/// An activation layer, with its settings.
fn object(draft: &mut Draft, settings: &Settings) -> Result<()> {
    let slope = |keys: [&str; 2], default| -> Result<f32> {
        Ok(settings.number(keys[0])?.or(settings.number(keys[1])?).unwrap_or(default))
    };
    let function = match settings.class {
        "ReLU" => relu(settings)?,
        "LeakyReLU" => Unary::LeakyRelu { alpha: slope(["negative_slope", "alpha"], 0.3)? },
        "ELU" => Unary::Elu { alpha: slope(["alpha", "alpha"], 1.0)? },
        "ThresholdedReLU" => Unary::ThresholdedRelu { alpha: slope(["theta", "theta"], 1.0)? },
        "Softmax" => {
            let axis = settings.axis("axis", -1, draft.rank())?;
            return softmax(draft, axis, false);
        }
        _ => return Err(settings.unsupported("it is none of those that Faultscope executes")),
    };
    draft.step(Op::Unary(function), &[])
}

fn relu(settings: &Settings) -> Result<Unary> {
    let max = settings.number("max_value")?;
    let slope = settings.number("negative_slope")?.unwrap_or(0.0);
    let threshold = settings.number("threshold")?.unwrap_or(0.0);
    Ok(match max {
        None if slope == 0.0 && threshold == 0.0 => Unary::Relu,
        Some(max) if slope == 0.0 && threshold == 0.0 => Unary::Clip { min: 0.0, max },
        max => Unary::ClippedRelu { max: max.unwrap_or(f32::INFINITY), slope, threshold },
    })
}

/// Along Keras' axis `axis`.
fn softmax(draft: &mut Draft, axis: usize, log: bool) -> Result<()> {
    let axis = draft.place(axis);
    draft.step(Op::Softmax { axis, to_end: false, log }, &[])
}

/// The slope has an element for each of the input's, but for one along shared axes.
fn prelu(draft: &mut Draft) -> Result<()> {
    let mut shape = draft.shape()[1..].to_vec();
    let shared = match draft.settings.get("shared_axes") {
        Some(_) => draft.settings.integers("shared_axes")?,
        None => Vec::new(),
    };
    for axis in shared {
        let axis = usize::try_from(axis).ok().and_then(|axis| axis.checked_sub(1));
        let length = axis.and_then(|axis| shape.get_mut(axis));
        *length.ok_or_else(|| draft.settings.error("\"shared_axes\" names an axis that the input does not have"))? = 1;
    }
    // Without the batch, stored axis j of the slope is the input's stored axis j + 1.
    let mut perm = vec![0; shape.len()];
    for axis in 0..shape.len() {
        perm[draft.place(axis + 1) - 1] = axis;
    }
    let slope = draft.parameter("alpha", &shape, &perm)?;
    draft.step(Op::PRelu, &[slope])
}
