//! The captions of the boxes: short names that tell layers and blocks apart.

use protocol::ModelInfo;

use super::blocks::Block;

/// Returns the caption of a folded block. A unit whose layers' names have nothing in common has the name of its product.
pub fn block(model: &ModelInfo, block: &Block) -> String {
    if block.named { block.title.clone() } else { short(&model.layers[block.layers[0]].name) }
}

/// Returns the layer's name without the path of modules before it. ONNX exporters write the path of the module and the
/// operator, such as `/layer1/layer1.0/conv1/Conv`: the module's own name tells it apart, the operator does not. Of a deep
/// name such as `blocks.1.0.conv_pw` the first part is left out, which most layers share.
pub fn short(name: &str) -> String {
    let mut parts = name.rsplit('/').filter(|part| !part.is_empty());
    let last = parts.next().unwrap_or(name);
    let operator = last.trim_end_matches(|c: char| c == '_' || c.is_ascii_digit());
    let is_operator = operator.starts_with(char::is_uppercase) && operator.chars().all(char::is_alphanumeric);
    let own = parts.next().filter(|_| is_operator).unwrap_or(last);
    match own.split_once('.') {
        Some((first, rest)) if rest.contains('.') && first.chars().all(char::is_alphabetic) => rest.to_owned(),
        _ => own.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_shortened_to_the_part_that_tells_layers_apart() {
        for (name, expected) in [
            ("block1.relu", "block1.relu"),
            ("conv2d_3", "conv2d_3"),
            ("/layer1/layer1.0/conv1/Conv", "conv1"),
            ("/features/features.3/Relu_1", "features.3"),
            ("Conv_0", "Conv_0"),
            ("block/conv.weight", "conv.weight"),
            ("blocks.1.0.conv_pw", "1.0.conv_pw"),
            ("blocks.0.conv", "0.conv"),
            ("layer1.0.conv1", "layer1.0.conv1"),
            ("/", "/"),
        ] {
            assert_eq!(short(name), expected, "{name}");
        }
    }
}
