"""Writes the networks of models.py as ONNX, and their weights as peer.py reads them: export.py FOLDER.

Files of torchvision's networks and of integers that are there stay: the weights are the same each time.
"""

import pathlib
import sys

import numpy
import torch
from onnxruntime import quantization

import models

NAMES = {"input_names": ["image"], "output_names": ["scores"]}


class Noise(quantization.CalibrationDataReader):
    """A few smooth random images, from which the scales of integers are learnt."""

    def __init__(self):
        images = torch.nn.functional.interpolate(torch.rand(8, 3, 8, 8), (224, 224), mode="bilinear")
        self.images = iter(images.numpy().astype(numpy.float32))

    def get_next(self):
        image = next(self.images, None)
        return None if image is None else {"image": image[None]}


def export_torchvision(name, file):
    model, shape = models.torchvision_network(name)
    torch.save(model.state_dict(), file.with_suffix(".pt"))
    torch.onnx.export(model, (torch.zeros(1, *shape),), str(file), dynamo=False, opset_version=17, **NAMES)


def export_integers(folder, file):
    torch.manual_seed(0)
    plain = folder / "resnet50-folded.onnx"
    model, shape = models.build("resnet50")
    # Batch normalisation becomes part of the convolutions, as before any deployment in integers.
    axes = {"dynamic_axes": {"image": {0: "N"}, "scores": {0: "N"}}}
    torch.onnx.export(model, (torch.zeros(1, *shape),), str(plain), dynamo=False, **NAMES, **axes)
    # Activations without sign are what onnxruntime's kernels for x86-64 are fast with.
    types = {"activation_type": quantization.QuantType.QUInt8, "weight_type": quantization.QuantType.QInt8}
    form = {"quant_format": quantization.QuantFormat.QOperator, "per_channel": True}
    quantization.quantize_static(str(plain), str(file), Noise(), **form, **types)
    plain.unlink()


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name in models.TORCHVISION:
        file = folder / f"{name}.onnx"
        if not file.exists():
            export_torchvision(name, file)
    integers = folder / f"{models.INTEGERS}.onnx"
    if not integers.exists():
        export_integers(folder, integers)
    for name in models.NETWORKS:
        model, shape = models.build(name)
        # Heads of 0, as torchvision begins its ViT with, would hide every fault.
        with torch.no_grad():
            for value in model.parameters():
                if value.dim() > 1 and not value.any():
                    value.normal_(0, 0.02)
        torch.save(model.state_dict(), folder / f"{name}.pt")
        # Evaluation without folding keeps batch normalisation a layer of its own, as PyTorch runs it.
        torch.onnx.export(
            model,
            (torch.zeros(1, *shape),),
            str(folder / f"{name}.onnx"),
            dynamo=False,
            training=torch.onnx.TrainingMode.PRESERVE,
            do_constant_folding=False,
            **NAMES,
        )


main()
