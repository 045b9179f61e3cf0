"""Writes the architectures of the zoo as Keras configurations, configs/ID.json.gz.

    python3 -m venv /tmp/zoo && /tmp/zoo/bin/pip install tensorflow-cpu==2.21.0 keras==3.15.1    # or torch, KERAS_BACKEND=torch
    /tmp/zoo/bin/python src/engine/zoo/keras/export.py            # writes the folder configs
    /tmp/zoo/bin/python src/engine/zoo/keras/export.py --check    # fails where it would write something else

keras.applications gives the ImageNet networks, nets32.py those for 32 x 32 pixels. A configuration is what
`model.to_json()` says, without what does not count at inference (initializers, regularizers, constraints, types), and
with connections in the short form of Keras 2, [[layer, call, tensor, {}], ...]. Operations outside layers (`x + 3`) keep the form of
Keras 3, which has room for their numbers. Keras 3 reads it again with `keras.Model.from_config`, which this program does, to
compare the layers.
"""

import argparse
import gzip
import json
import os
import pathlib
import sys
from unittest import mock

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras

import nets32

KERAS = "3.15.1"
FOLDER = pathlib.Path(__file__).parent / "configs"

# Id, function of keras.applications.
IMAGENET = {
    "resnet50": "ResNet50",
    "resnet101": "ResNet101",
    "resnet152": "ResNet152",
    "vgg16": "VGG16",
    "vgg19": "VGG19",
    "xception": "Xception",
    "nasnetmobile": "NASNetMobile",
    "nasnetlarge": "NASNetLarge",
    "mobilenet": "MobileNet",
    "mobilenetv2": "MobileNetV2",
    "inceptionresnetv2": "InceptionResNetV2",
    "inceptionv3": "InceptionV3",
    "densenet121": "DenseNet121",
    "densenet169": "DenseNet169",
    "densenet201": "DenseNet201",
    "resnet50v2": "ResNet50V2",
    "resnet101v2": "ResNet101V2",
    "resnet152v2": "ResNet152V2",
    **{f"efficientnetb{number}": f"EfficientNetB{number}" for number in range(8)},
    **{f"efficientnetv2-{size.lower()}": f"EfficientNetV2{size}" for size in ["B0", "B1", "B2", "B3", "S", "M", "L"]},
    **{f"mobilenetv3{size.lower()}": f"MobileNetV3{size}" for size in ["Small", "Large"]},
    **{f"convnext{size.lower()}": f"ConvNeXt{size}" for size in ["Tiny", "Small", "Base", "Large", "XLarge"]},
}
IMAGENET_CLASSES = 1000
# Of the configuration of the networks for 32 x 32 pixels; whoever reads it may change the last layer.
CLASSES = 100

IRRELEVANT = {
    *("trainable", "dtype", "data_format", "ragged", "sparse", "optional", "seed"),
    *("momentum", "renorm", "renorm_momentum", "synchronized"),
}
IRRELEVANT_ENDINGS = ("_initializer", "_regularizer", "_constraint", "_axes")


def build(identifier, classes=None):
    """The network `identifier` with Keras' own random weights."""
    keras.backend.clear_session()
    if identifier.endswith("-32x32"):
        return nets32.build(identifier.removesuffix("-32x32"), classes or CLASSES)
    make = getattr(keras.applications, IMAGENET[identifier])
    if identifier.startswith("mobilenetv3"):
        # Keras leaves the size open; the published weights are for this one.
        return make(weights=None, input_shape=(224, 224, 3))
    if not identifier.startswith("efficientnetb"):
        return make(weights=None)
    # With ImageNet's weights EfficientNet has one layer more, which divides by the standard deviation: build it so,
    # without the download.
    fetch = mock.patch("keras.src.applications.efficientnet.file_utils.get_file", return_value="none.h5")
    load = mock.patch.object(keras.Model, "load_weights")
    with fetch, load:
        return make(weights="imagenet")


def identifiers():
    return [*IMAGENET, *(f"{name}-32x32" for name in nets32.BUILDERS)]


def connection(tensor):
    layer, call, index = tensor["config"]["keras_history"]
    return [layer, call, index, {}]


def short_node(node):
    (argument,), keywords = node["args"], {k: v for k, v in node["kwargs"].items() if k not in ("training", "mask")}
    if keywords:
        raise ValueError(f"a call with arguments {keywords}")
    return [connection(tensor) for tensor in (argument if isinstance(argument, list) else [argument])]


def is_operation(layer):
    return layer["module"].startswith("keras.src.ops")


def relevant(key, value):
    return value is not None and key not in IRRELEVANT and not key.endswith(IRRELEVANT_ENDINGS)


def short_config(config):
    short = {key: value for key, value in config.items() if relevant(key, value)}
    if "layers" in short:
        inner = [{"class_name": one["class_name"], "config": short_config(one["config"])} for one in short["layers"]]
        short = {"name": short["name"], "layers": inner}
    return short


def short_layer(layer):
    short = {"class_name": layer["class_name"], "name": layer["name"], "config": short_config(layer["config"])}
    if is_operation(layer):
        short |= {key: layer[key] for key in ("module", "registered_name", "inbound_nodes")}
    else:
        short["inbound_nodes"] = [short_node(node) for node in layer["inbound_nodes"]]
    return short


def configuration(model):
    """The configuration of `model` with what matters at inference."""
    full = json.loads(model.to_json())
    config = full["config"]
    ends = {}
    for key in ("input_layers", "output_layers"):
        tensors = config[key]
        ends[key] = tensors if isinstance(tensors[0], list) else [tensors]
    short = {"name": config["name"], "layers": [short_layer(layer) for layer in config["layers"]], **ends}
    return {"class_name": "Functional", "config": short, "keras_version": keras.__version__}


def custom_objects():
    from keras.src.applications.convnext import LayerScale
    from keras.src.applications.inception_resnet_v2 import CustomScaleLayer

    return {"CustomScaleLayer": CustomScaleLayer, "LayerScale": LayerScale}


def summary(model):
    return [
        (layer.name, type(layer).__name__, tuple(layer.output.shape), [tuple(w.shape) for w in layer.weights])
        for layer in model.layers
    ]


def pack(text):
    # The time, which gzip would write down, is that of no file.
    return gzip.compress(text.encode(), 9, mtime=0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with the files, write nothing")
    check = parser.parse_args().check
    if keras.__version__ != KERAS:
        sys.exit(f"the configurations are those of Keras {KERAS}, this is {keras.__version__}")
    FOLDER.mkdir(exist_ok=True)
    total, stale = 0, []
    for identifier in identifiers():
        model = build(identifier)
        text = json.dumps(configuration(model), separators=(",", ":"))
        again = keras.Model.from_config(json.loads(text)["config"], custom_objects=custom_objects())
        if summary(again) != summary(model):
            sys.exit(f"{identifier}: Keras reads another network than it wrote")
        path = FOLDER / f"{identifier}.json.gz"
        packed = pack(text)
        total += len(packed)
        if not check:
            path.write_bytes(packed)
        elif not path.exists() or gzip.decompress(path.read_bytes()).decode() != text:
            stale.append(identifier)
        print(f"{identifier:24} {len(model.layers):5} layers {model.count_params():10} parameters {len(packed):6} bytes")
    print(f"{total} bytes together")
    if stale:
        sys.exit(f"out of date: {', '.join(stale)}")


if __name__ == "__main__":
    main()
