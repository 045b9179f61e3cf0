"""Writes the networks of models.py as ONNX: export.py FOLDER. Files that are there already stay."""

import pathlib
import sys

import torch

import models


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name in models.NETWORKS:
        path = folder / f"{name}.onnx"
        if path.exists():
            continue
        model, shape = models.build(name)
        part = path.with_suffix(".part")
        # Evaluation without folding keeps batch normalisation a layer of its own, as PyTorch runs it.
        torch.onnx.export(
            model,
            (torch.zeros(1, *shape),),
            str(part),
            dynamo=False,
            training=torch.onnx.TrainingMode.PRESERVE,
            do_constant_folding=False,
            input_names=["image"],
            output_names=["scores"],
        )
        part.rename(path)


main()
