"""Makes reference.json: what onnxruntime computes for small cases of every operator.

    pip install onnx==1.21.0 onnxruntime numpy
    python reference.py > reference.json

A case holds the operator as Faultscope's `Op` serialises it, the inputs, and onnxruntime's outputs.
"""

import json
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

random = np.random.RandomState(20)
cases = []


def values(*shape, low=-2.0, high=2.0):
    """Numbers with few digits, so that the file stays small; they are exact to float32's precision both ways."""
    return np.asarray(np.round(random.uniform(low, high, shape), 2), dtype=np.float32)


def packed(array):
    special = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
    numbers = [special.get(str(x), None) or float(format(x, ".8g")) for x in array.ravel()]
    return {"shape": list(array.shape), "data": numbers}


def case(name, op, kind, inputs, attributes=None, constants=(), outputs=1, opset=21):
    """`inputs` reach the operator in both worlds; `constants` are ONNX inputs that our operator has as settings."""
    names = [f"x{i}" for i in range(len(inputs))]
    fixed, extra = [], []
    for i, constant in enumerate(constants):
        if constant is None:
            extra.append("")
        else:
            extra.append(f"c{i}")
            fixed.append(numpy_helper.from_array(constant, f"c{i}"))
    results = [f"y{i}" for i in range(outputs)]
    node = helper.make_node(kind, names + extra, results, **(attributes or {}))
    graph = helper.make_graph(
        [node],
        name,
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, x.shape) for n, x in zip(names, inputs)],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in results],
        fixed,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = min(model.ir_version, 10)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    made = session.run(None, dict(zip(names, inputs)))
    cases.append({"name": name, "op": op, "inputs": [packed(x) for x in inputs], "outputs": [packed(y) for y in made]})


def integers(*numbers):
    return np.array(numbers, dtype=np.int64)


def padding(top, left, bottom, right):
    return {"top": top, "left": left, "bottom": bottom, "right": right}


def conv(name, x, w, bias=True, strides=(1, 1), dilations=(1, 1), pads=(0, 0, 0, 0), groups=1):
    settings = {"strides": strides, "dilations": dilations, "padding": padding(*pads), "groups": groups}
    spatial = len(x.shape) - 2
    attributes = {"group": groups}
    if spatial == 2:
        attributes |= {"strides": strides, "dilations": dilations, "pads": pads}
    else:
        attributes |= {"strides": strides[1:], "dilations": dilations[1:], "pads": (pads[1], pads[3])}
    inputs = [x, w] + ([values(w.shape[0])] if bias else [])
    case(name, {"Conv": settings}, "Conv", inputs, attributes)


conv("conv", values(1, 3, 5, 5), values(4, 3, 3, 3))
conv("conv_padded_strided", values(1, 3, 6, 5), values(2, 3, 3, 3), strides=(2, 2), pads=(1, 1, 1, 1))
conv("conv_uneven_padding", values(1, 2, 5, 6), values(3, 2, 3, 2), bias=False, strides=(2, 1), pads=(0, 1, 1, 2))
conv("conv_dilated", values(1, 2, 7, 7), values(2, 2, 3, 3), dilations=(2, 3), pads=(2, 3, 2, 3))
conv("conv_pointwise", values(1, 5, 3, 4), values(3, 5, 1, 1))
conv("conv_pointwise_strided", values(1, 5, 5, 4), values(3, 5, 1, 1), strides=(2, 2), bias=False)
conv("conv_groups", values(1, 4, 4, 4), values(6, 2, 3, 3), groups=2, pads=(1, 1, 1, 1))
conv("conv_depthwise", values(1, 4, 6, 6), values(4, 1, 3, 3), groups=4, strides=(2, 2), pads=(0, 0, 1, 1))
conv("conv_depthwise_multiplier", values(1, 3, 5, 5), values(6, 1, 3, 3), groups=3, bias=False, pads=(1, 1, 1, 1))
conv("conv_row", values(1, 2, 8), values(3, 2, 3), strides=(1, 2), pads=(0, 1, 0, 1))

for trans_a, trans_b, alpha, beta, c in [
    (False, False, 1.0, 1.0, (1, 4)),
    (False, True, 1.0, 1.0, (4,)),
    (True, False, 0.5, 2.0, (3, 4)),
    (True, True, -1.5, 0.0, (4,)),
    (False, False, 2.0, 0.25, ()),
    (False, False, 1.0, 3.0, (3, 1)),
    (False, True, 1.0, 1.0, None),
]:
    a = values(*((5, 3) if trans_a else (3, 5)))
    b = values(*((4, 5) if trans_b else (5, 4)))
    settings = {"alpha": alpha, "beta": beta, "trans_a": trans_a, "trans_b": trans_b}
    case(
        f"gemm_{int(trans_a)}{int(trans_b)}_{c}",
        {"Gemm": settings},
        "Gemm",
        [a, b] + ([] if c is None else [values(*c)]),
        {"alpha": alpha, "beta": beta, "transA": int(trans_a), "transB": int(trans_b)},
    )
for a, b in [((3, 4), (4, 2)), ((4,), (4, 2)), ((2, 4), (4,)), ((4,), (4,)), ((2, 3, 4), (4, 2)),
             ((2, 1, 2, 3), (3, 3, 2)), ((3, 2), (2, 2, 4)), ((1, 3, 2), (2, 2, 2, 1))]:
    case(f"matmul_{a}_{b}", "MatMul", "MatMul", [values(*a), values(*b)])

case(
    "batch_norm",
    {"BatchNorm": {"epsilon": 1e-3}},
    "BatchNormalization",
    [values(1, 3, 4, 4), values(3), values(3), values(3), values(3, low=0.0)],
    {"epsilon": 1e-3},
)
case(
    "batch_norm_flat",
    {"BatchNorm": {"epsilon": 1e-5}},
    "BatchNormalization",
    [values(2, 4), values(4), values(4), values(4, low=100, high=101), values(4, low=0.0)],
    {"epsilon": 1e-5},
)
for size in (1, 3, 5):
    settings = {"size": size, "alpha": 0.3, "beta": 0.75, "bias": 1.5}
    case(f"lrn_{size}", {"Lrn": settings}, "LRN", [values(1, 6, 2, 3)], settings)

line = np.array([-100, -20, -5, -2.5, -1, -0.3, -1e-3, 0, 1e-3, 0.3, 1, 2.5, 5, 7, 20, 100], dtype=np.float32)
for op, kind, attributes in [
    ("Relu", "Relu", {}),
    ({"LeakyRelu": {"alpha": 0.1}}, "LeakyRelu", {"alpha": 0.1}),
    ({"Elu": {"alpha": 1.5}}, "Elu", {"alpha": 1.5}),
    ({"Selu": {"alpha": 1.6732632, "gamma": 1.0507010}}, "Selu", {}),
    ({"Celu": {"alpha": 2.0}}, "Celu", {"alpha": 2.0}),
    ({"ThresholdedRelu": {"alpha": 0.7}}, "ThresholdedRelu", {"alpha": 0.7}),
    ("Sigmoid", "Sigmoid", {}),
    ({"HardSigmoid": {"alpha": 0.2, "beta": 0.4}}, "HardSigmoid", {"alpha": 0.2, "beta": 0.4}),
    ("HardSwish", "HardSwish", {}),
    ("Tanh", "Tanh", {}),
    ("Softplus", "Softplus", {}),
    ("Softsign", "Softsign", {}),
    ({"Gelu": {"tanh": False}}, "Gelu", {}),
    ({"Gelu": {"tanh": True}}, "Gelu", {"approximate": "tanh"}),
    ("Erf", "Erf", {}),
    ("Mish", "Mish", {}),
    ("Exp", "Exp", {}),
    ("Neg", "Neg", {}),
    ("Abs", "Abs", {}),
    ("Floor", "Floor", {}),
    ("Ceil", "Ceil", {}),
    ("Reciprocal", "Reciprocal", {}),
]:
    case(f"unary_{json.dumps(op)}", {"Unary": op}, kind, [line], attributes)
for kind in ("Sqrt", "Log"):
    case(f"unary_{kind}", {"Unary": kind}, kind, [line])
for low, high in [(-1, 2), (2, -1)]:
    clip = {"Unary": {"Clip": {"min": low, "max": high}}}
    case(f"clip_{low}_{high}", clip, "Clip", [line], constants=[np.float32(low), np.float32(high)])

for kind in ("Add", "Sub", "Mul", "Div", "Max", "Min"):
    case(f"binary_{kind}", {"Binary": kind}, kind, [values(2, 3), values(2, 3)])
for a, b in [((1, 3, 2, 2), (3, 1, 1)), ((3, 1), (1, 4)), ((), (2, 2)), ((2, 1, 3, 1, 2), (1, 2, 1, 2, 1)), ((1,), (1, 1))]:
    case(f"broadcast_{a}_{b}", {"Binary": "Sub"}, "Sub", [values(*a), values(*b)])
    case(f"broadcast_max_{a}_{b}", {"Binary": "Max"}, "Max", [values(*a), values(*b)])
pow_base = np.array([-2, -1.5, 0, 0.5, 2, 3], dtype=np.float32)
for exponent in (2.0, 3.0, 0.5, -1.0, 0.0):
    case(f"pow_{exponent}", {"Binary": "Pow"}, "Pow", [pow_base, np.float32([exponent])])
case("prelu", "PRelu", "PRelu", [values(1, 3, 2, 2), values(3, 1, 1)])

for axis in range(3):
    for log in (False, True):
        kind = "LogSoftmax" if log else "Softmax"
        for to_end, opset in ((False, 13), (True, 11)):
            case(
                f"{kind}_{axis}_{opset}",
                {"Softmax": {"axis": axis, "to_end": to_end, "log": log}},
                kind,
                [values(2, 3, 4, low=-90, high=90)],
                {"axis": axis},
                opset=opset,
            )


def pool(name, x, kernel, strides=(1, 1), dilations=(1, 1), pads=(0, 0, 0, 0), ceil=False, include=None, opset=21):
    settings = {
        "kernel": kernel, "strides": strides, "dilations": dilations, "padding": padding(*pads), "ceil_mode": ceil,
    }
    cut = slice(None) if x.ndim == 4 else slice(1, None)
    attributes = {
        "kernel_shape": kernel[cut],
        "strides": strides[cut],
        "pads": pads if x.ndim == 4 else (pads[1], pads[3]),
        "ceil_mode": int(ceil),
    }
    if dilations != (1, 1):
        attributes["dilations"] = dilations[cut]
    if include is None:
        case(f"max_pool_{name}", {"MaxPool": settings}, "MaxPool", [x], attributes, opset=opset)
    else:
        attributes["count_include_pad"] = int(include)
        op = {"AveragePool": {"pool": settings, "count_include_pad": include}}
        case(f"average_pool_{name}_{include}", op, "AveragePool", [x], attributes, opset=opset)


for include in (None, False, True):
    pool("plain", values(1, 2, 4, 5), (2, 2), strides=(2, 2), include=include)
    pool("padded", values(1, 2, 5, 5), (3, 3), strides=(2, 2), pads=(1, 1, 1, 1), include=include)
    pool("uneven", values(1, 2, 5, 5), (3, 2), strides=(2, 2), pads=(0, 1, 1, 0), include=include)
    pool("ceil", values(1, 2, 6, 6), (3, 3), strides=(2, 2), ceil=True, include=include)
    pool("ceil_padded", values(1, 2, 6, 7), (3, 3), strides=(2, 3), pads=(1, 1, 1, 1), ceil=True, include=include)
    pool("ceil_starts_on_pad", values(1, 1, 2, 2), (3, 3), strides=(3, 3), pads=(1, 1, 1, 1), ceil=True, include=include)
    pool("row", values(1, 2, 7), (1, 3), strides=(1, 2), pads=(0, 1, 0, 1), include=include)
    pool("dilated", values(1, 2, 7, 7), (3, 2), dilations=(2, 3), pads=(1, 1, 1, 0), include=include)
    pool("dilated_strided", values(1, 1, 8, 8), (2, 3), strides=(3, 2), dilations=(3, 2), include=include)

for kind, reduction in (("ReduceMean", "Mean"), ("ReduceSum", "Sum"), ("ReduceMax", "Max"), ("ReduceMin", "Min")):
    for axes, keep in (((2, 3), True), ((1,), False), ((0, 2), True), ((0, 1, 2, 3), False), ((1, 3), False)):
        case(
            f"{kind}_{axes}_{keep}",
            {"Reduce": {"reduction": reduction, "axes": axes, "keep_dims": keep}},
            kind,
            [values(2, 3, 2, 2)],
            {"keepdims": int(keep)},
            constants=[integers(*axes)],
        )

for axis, shapes in ((1, ((1, 2, 2), (1, 3, 2), (1, 1, 2))), (0, ((1, 2), (3, 2))), (2, ((1, 2, 1), (1, 2, 3)))):
    case(f"concat_{axis}", {"Concat": {"axis": axis}}, "Concat", [values(*s) for s in shapes], {"axis": axis})
case("split", {"Split": {"axis": 1, "sizes": [1, 3, 2]}}, "Split", [values(2, 6, 2)], {"axis": 1},
     constants=[integers(1, 3, 2)], outputs=3)
for name, starts, ends, steps, ranges in [
    ("plain", (0, 1, 1), (1, 3, 4), (1, 1, 1), ((0, 1, 1), (1, 1, 2), (1, 1, 3))),
    ("strided", (0, 0, 1), (2, 3, 6), (1, 2, 2), ((0, 1, 2), (0, 2, 2), (1, 2, 3))),
    ("backwards", (1, 2, 5), (-10, -10, 0), (-1, -2, -2), ((1, -1, 2), (2, -2, 2), (5, -2, 3))),
]:
    case(
        f"slice_{name}",
        {"Slice": {"ranges": [{"start": s, "step": t, "length": n} for s, t, n in ranges]}},
        "Slice",
        [values(2, 3, 6)],
        constants=[integers(*starts), integers(*ends), integers(0, 1, 2), integers(*steps)],
    )
case("reshape", {"Reshape": {"shape": [3, 4]}}, "Reshape", [values(1, 2, 6)], constants=[integers(3, 4)])
for perm in ((0, 2, 3, 1), (3, 2, 1, 0), (0, 1, 2, 3), (1, 0, 3, 2)):
    case(f"transpose_{perm}", {"Transpose": {"perm": perm}}, "Transpose", [values(2, 3, 2, 4)], {"perm": perm})
case("transpose_five", {"Transpose": {"perm": (0, 2, 1, 3, 4)}}, "Transpose", [values(1, 2, 3, 2, 2)],
     {"perm": (0, 2, 1, 3, 4)})
case("gather", {"Gather": {"axis": 1, "indices": [2, 0, 0, 1], "indices_shape": [2, 2]}}, "Gather", [values(2, 3, 2)],
     {"axis": 1}, constants=[np.array([[2, 0], [0, 1]])])
case("gather_scalar", {"Gather": {"axis": 0, "indices": [1], "indices_shape": []}}, "Gather", [values(3, 2)],
     {"axis": 0}, constants=[np.array(1)])
for mode, ours in (("constant", {"Constant": 0.5}), ("edge", "Edge"), ("reflect", "Reflect"), ("wrap", "Wrap")):
    for pads in ((0, 0, 1, 2, 0, 0, 2, 1), (0, 0, -1, 1, 0, 0, 1, -2)):
        if mode == "wrap" and min(pads) < 0:
            continue
        pairs = [(pads[i], pads[i + 4]) for i in range(4)]
        constants = [integers(*pads)] + ([np.float32(0.5)] if mode == "constant" else [])
        case(f"pad_{mode}_{pads}", {"Pad": {"mode": ours, "pads": pairs}}, "Pad", [values(1, 2, 3, 4)],
             {"mode": mode}, constants=constants)

coordinate_modes = {
    "half_pixel": "HalfPixel",
    "half_pixel_symmetric": "HalfPixelSymmetric",
    "pytorch_half_pixel": "PytorchHalfPixel",
    "align_corners": "AlignCorners",
    "asymmetric": "Asymmetric",
}
nearest_modes = {
    "round_prefer_floor": "RoundPreferFloor",
    "round_prefer_ceil": "RoundPreferCeil",
    "floor": "Floor",
    "ceil": "Ceil",
}
image = values(1, 1, 3, 4)
for theirs, ours in coordinate_modes.items():
    for size in ((6, 8), (5, 7), (2, 1)):
        scales = [size[0] / 3, size[1] / 4]
        settings = {"size": size, "scales": scales, "coordinates": ours}
        constants = [None, None, integers(1, 1, *size)]
        attributes = {"coordinate_transformation_mode": theirs}
        case(f"resize_linear_{theirs}_{size}", {"Resize": settings | {"interpolation": "Linear"}}, "Resize", [image],
             attributes | {"mode": "linear"}, constants=constants)
        for nearest, name in nearest_modes.items():
            case(
                f"resize_{nearest}_{theirs}_{size}",
                {"Resize": settings | {"interpolation": {"Nearest": name}}},
                "Resize",
                [image],
                attributes | {"mode": "nearest", "nearest_mode": nearest},
                constants=constants,
            )
# Scales that do not divide the lengths: the output is floor(length * scale) long, the coordinates use the scale.
for theirs in ("half_pixel", "asymmetric", "half_pixel_symmetric"):
    settings = {"size": (4, 6), "scales": (1.5, 1.6), "coordinates": coordinate_modes[theirs]}
    case(f"resize_scales_{theirs}", {"Resize": settings | {"interpolation": "Linear"}}, "Resize", [image],
         {"coordinate_transformation_mode": theirs, "mode": "linear"},
         constants=[None, np.float32([1, 1, 1.5, 1.6])])

print("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]")
print(f"{len(cases)} cases, onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}", file=sys.stderr)
