//! Number types: what is stored, what is computed, and files that contradict themselves.

use facts::format::Format;

use super::*;

fn scale(name: &str, values: &[f32]) -> TensorProto {
    let dims: &[i64] = if values.len() == 1 { &[] } else { &[values.len() as i64] };
    floats(name, dims, values)
}

fn bytes(name: &str, data_type: i32, dims: &[i64], values: &[u8]) -> TensorProto {
    tensor(name, data_type, dims, values.to_vec())
}

fn int32(name: &str, values: &[i32]) -> TensorProto {
    let raw = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    tensor(name, data_type::INT32, &[values.len() as i64], raw)
}

/// QuantizeLinear, QLinearConv with two filters of one weight for each of three channels, DequantizeLinear.
fn network() -> ModelProto {
    let nodes = vec![
        node("in", "QuantizeLinear", &["x", "xs", "xz"], &["q"]),
        node("conv", "QLinearConv", &["q", "xs", "xz", "w", "ws", "wz", "ys", "yz", "b"], &["c"]),
        node("out", "DequantizeLinear", &["c", "ys", "yz"], &["y"]),
    ];
    let initializers = vec![
        scale("xs", &[0.01]),
        bytes("xz", data_type::UINT8, &[], &[3]),
        bytes("w", data_type::INT8, &[2, 3, 1, 1], &[1, 2, 3, 253, 254, 255]),
        scale("ws", &[0.5, 0.25]),
        bytes("wz", data_type::INT8, &[2], &[0, 0]),
        scale("ys", &[0.02]),
        bytes("yz", data_type::UINT8, &[], &[0]),
        int32("b", &[100, -100]),
    ];
    model(13, &IMAGE, nodes, initializers)
}

#[test]
fn tensors_have_the_formats_of_the_file() {
    let graph = graph(&network()).unwrap();
    let format = |name: &str| graph.values.iter().find(|value| value.name == name).expect(name).format;
    for (name, expected) in [
        ("x", Format::F32),
        ("xs", Format::F32),
        ("xz", Format::U8),
        ("q", Format::U8),
        ("w", Format::I8),
        ("ws", Format::F32),
        ("wz", Format::I8),
        ("b", Format::I32),
        ("c", Format::U8),
        ("y", Format::F32),
    ] {
        assert_eq!(format(name), expected, "{name}");
    }
    let weight = graph.values.iter().position(|value| value.name == "w").expect("the weight");
    assert_eq!(*graph.parameters[&weight].data, [1.0, 2.0, 3.0, -3.0, -2.0, -1.0]);
}

#[test]
fn halves_and_nibbles_are_read() {
    let halves: Vec<u8> = [0x3c00u16, 0xc000, 0x7bff, 0x0001].iter().flat_map(|half| half.to_le_bytes()).collect();
    let read = |data_type, dims: &[i64], raw: &[u8]| match crate::import::onnx::Tensor::from_proto(&bytes(
        "t", data_type, dims, raw,
    ))
    .map(|tensor| tensor.data)
    {
        Ok(crate::import::onnx::Data::Short(_, data)) => Ok(data.to_vec()),
        Ok(other) => panic!("{other:?}"),
        Err(problem) => Err(problem),
    };
    assert_eq!(read(data_type::FLOAT16, &[4], &halves).unwrap(), [1.0, -2.0, 65504.0, 2f32.powi(-24)]);
    assert_eq!(read(data_type::BFLOAT16, &[1], &[0x80, 0x3f]).unwrap(), [1.0]);
    assert_eq!(read(data_type::INT4, &[3], &[0x8f, 0x07]).unwrap(), [-1.0, -8.0, 7.0]);
    assert_eq!(read(data_type::UINT4, &[3], &[0x8f, 0x07]).unwrap(), [15.0, 8.0, 7.0]);
    assert_eq!(read(data_type::UINT16, &[1], &[0xff, 0xff]).unwrap(), [65535.0]);
    assert!(read(data_type::INT4, &[4], &[0]).unwrap_err().contains("takes 2 elements of 1 bytes, but 1"));
    let typed = TensorProto {
        data_type: data_type::INT8,
        dims: vec![2],
        int32_data: vec![-128, 300],
        ..TensorProto::default()
    };
    assert!(crate::import::onnx::Tensor::from_proto(&typed).unwrap_err().contains("300 is no int8"));
}

/// The network with other initializers in the place of those of their name.
fn with(changed: impl IntoIterator<Item = TensorProto>) -> ModelProto {
    let mut model = network();
    for tensor in changed {
        let graph = model.graph.as_mut().unwrap();
        let place = graph.initializer.iter_mut().find(|own| own.name == tensor.name);
        *place.expect("an initializer of this name") = tensor;
    }
    model
}

#[test]
fn bad_scales_and_zero_points_name_the_node() {
    let mut fused = network();
    fused.graph.as_mut().unwrap().node[1] =
        NodeProto { domain: "com.microsoft".to_owned(), ..node("conv", "FusedConv", &["q", "w"], &["c"]) };
    for (model, layer, expected) in [
        (with([scale("xs", &[0.0])]), "in", "its scale (input 1, \"xs\") has an element 0"),
        (with([scale("ws", &[0.5, -1.0])]), "conv", "has an element -1"),
        (with([scale("ws", &[0.5, f32::NAN])]), "conv", "has an element NaN"),
        (with([scale("ws", &[0.5, 0.5, 0.5])]), "conv", "a scale must be one number or 2, found shape [3]"),
        (with([bytes("wz", data_type::UINT8, &[2], &[0, 0])]), "conv", "its zero point (input 5) is uint8, int8"),
        (with([int32("b", &[1, 2, 3])]), "conv", "the bias must be 2 numbers, found shape [3]"),
        (with([scale("xs", &[0.1, 0.2])]), "in", "found shape [2]"),
        (with([floats("xz", &[], &[3.0])]), "in", "its zero point is float32; integers of 4 to 16 bits"),
        (fused, "conv", "com.microsoft.FusedConv"),
    ] {
        let refusal = refusal(&model);
        let named = refusal.contains(&format!("\"{layer}\""));
        assert!(named && refusal.contains(expected), "{expected}: {refusal}");
    }
}

#[test]
fn integers_are_computed_by_their_operators_only() {
    let mut model = network();
    model.graph.as_mut().unwrap().node[2] = node("out", "Sigmoid", &["c"], &["y"]);
    let refusal = refusal(&model);
    assert!(refusal.contains("\"out\"") && refusal.contains("computes with uint8"), "{refusal}");
}

#[test]
fn float64_is_said_to_be_computed_in_float32() {
    let mut file = classifier();
    file.graph.as_mut().unwrap().input[0] = value("x", data_type::DOUBLE, &IMAGE);
    let model = import("cat.onnx", &file.encode_to_vec()).unwrap();
    assert!(model.card.notices.iter().any(|notice| notice.contains("float64")), "{:?}", model.card.notices);
}
