"""Writes the networks of models.py as ONNX, and their weights as peer.py reads them: export.py FOLDER."""

import pathlib
import sys

import torch

import models


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name in models.NETWORKS:
        model, shape = models.build(name)
        torch.save(model.state_dict(), folder / f"{name}.pt")
        # Evaluation without folding keeps batch normalisation a layer of its own, as PyTorch runs it.
        torch.onnx.export(
            model,
            (torch.zeros(1, *shape),),
            str(folder / f"{name}.onnx"),
            dynamo=False,
            training=torch.onnx.TrainingMode.PRESERVE,
            do_constant_folding=False,
            input_names=["image"],
            output_names=["scores"],
        )


main()
