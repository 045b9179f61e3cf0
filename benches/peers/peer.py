"""PyTorch, PyTorchFI and onnxruntime as a server of measurements: peer.py NETWORK WEIGHTS IMAGES THREADS.

WEIGHTS is what export.py wrote: state of PyTorch, or beside it an ONNX file in integers, which onnxruntime runs. IMAGES holds a batch of inputs, float32, N x C x H x W. Requests come as one JSON object a
line on standard input, answers
go as one a line to standard output, so that the asker can measure itself and this program in turn:

  {"do": "dense"}                     one inference of the batch
  {"do": "single"}                    one inference of the first image
  {"do": "inject", "faults": [...]}   PyTorchFI: fault i, [layer, element, bit], strikes image i of the batch
  {"do": "gemm", "size": n}           one product of two n x n matrices

The answer is {"seconds": s}, for "inject" with "top1", each image's predicted class. The first line says who answers, and
whether it injects. Layers are numbered as modules without
children are called, elements as C x H x W.
"""

import json
import pathlib
import struct
import sys
import time

import numpy
import onnxruntime
import torch
from pytorchfi.core import fault_injection

import models


class BitFlips(fault_injection):
    """PyTorchFI with one bit flip an element of the batch, in all layers. PyTorchFI's own error model flips bits of 8-bit
    integers; the function it calls at each layer is ours to give. One instrumented copy of the network serves all faults."""

    def __init__(self, model, batch, shape):
        super().__init__(model, batch, input_shape=list(shape), layer_types=["all"], use_cuda=False)
        self.bits = []
        self.corrupted_model = self.declare_neuron_fi(function=self.flip)

    def inject(self, images, faults):
        layers, elements, self.bits = zip(*faults)
        self.corrupt_batch, self.corrupt_layer = list(range(len(faults))), list(layers)
        places = [numpy.unravel_index(e, self.output_size[l][1:]) for l, e in zip(layers, elements)]
        self.corrupt_dim1, self.corrupt_dim2, self.corrupt_dim3 = zip(*((*p, None, None)[:3] for p in places))
        self.reset_current_layer()
        return self.corrupted_model(images)

    def flip(self, _module, _inputs, output):
        here = self.get_current_layer()
        for i, layer in enumerate(self.corrupt_layer):
            if layer == here:
                place = (self.corrupt_dim1[i], self.corrupt_dim2[i], self.corrupt_dim3[i])
                place = (self.corrupt_batch[i], *(axis for axis in place if axis is not None))
                word = struct.unpack("<I", struct.pack("<f", output[place].item()))[0] ^ (1 << self.bits[i])
                output[place] = struct.unpack("<f", struct.pack("<I", word))[0]
        self.updateLayer()


def timed(work):
    begun = time.perf_counter()
    result = work()
    return time.perf_counter() - begun, result


def quicker(candidates, rounds=2):
    """The candidate whose best time is the least; each is called once before."""
    for work in candidates:
        work()
    return min(candidates, key=lambda work: min(timed(work)[0] for _ in range(rounds)))


def torch_work(name, weights, batch):
    """What PyTorch does: inference of the batch, of one image, and injections, or None where PyTorchFI knows no such layers."""
    # PyTorch computes on either order of axes; which is quicker depends on the network and the machine.
    last, one = torch.channels_last, batch[:1].clone()
    model, other = (models.load(name, weights)[0] for _ in range(2))
    other = other.to(memory_format=last)
    batch_last, one_last = batch.to(memory_format=last), one.to(memory_format=last)
    dense = quicker([lambda: model(batch), lambda: other(batch_last)])
    single = quicker([lambda: model(one), lambda: other(one_last)])
    if name not in models.NETWORKS:
        return dense, single, None
    flips = [BitFlips(net, len(batch), batch.shape[1:]) for net in (model, other)]
    nothing = [(0, 0, 0)] * len(batch)
    inject = [lambda f: flips[0].inject(batch, f), lambda f: flips[1].inject(batch_last, f)]
    fastest = quicker([lambda i=i: i(nothing) for i in inject])
    return dense, single, fastest.__defaults__[0]


def onnxruntime_work(file, batch, threads):
    """What onnxruntime does."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    images = batch.numpy()
    run = lambda images: session.run(None, {"image": images})
    dense = quicker([lambda: run(images), lambda: [run(images[at : at + 1]) for at in range(len(images))]])
    return dense, (lambda: run(images[:1])), None


def main():
    name, weights, images, threads = *sys.argv[1:4], int(sys.argv[4])
    torch.set_num_threads(threads)
    batch = torch.from_numpy(numpy.fromfile(images, dtype="<f4").reshape(16, 3, -1))
    side = round(batch.shape[2] ** 0.5)
    batch = batch.reshape(16, 3, side, side)
    with torch.inference_mode():
        if name == models.INTEGERS:
            dense, single, inject = onnxruntime_work(pathlib.Path(weights).with_suffix(".onnx"), batch, threads)
            who = f"onnxruntime {onnxruntime.__version__}"
        else:
            dense, single, inject = torch_work(name, weights, batch)
            who = f"torch {torch.__version__}"
        print(json.dumps({"who": who, "injects": inject is not None, "threads": threads}), flush=True)
        matrices = {}
        for line in sys.stdin:
            request = json.loads(line)
            match request["do"]:
                case "dense":
                    answer = {"seconds": timed(dense)[0]}
                case "single":
                    answer = {"seconds": timed(single)[0]}
                case "inject":
                    seconds, scores = timed(lambda: inject(request["faults"]))
                    answer = {"seconds": seconds, "top1": scores.argmax(1).tolist()}
                case "gemm":
                    size = request["size"]
                    a = matrices.setdefault(size, torch.rand(size, size))
                    answer = {"seconds": timed(lambda: a @ a)[0]}
                case other_request:
                    raise SystemExit(f"peer.py: no such request: {other_request}")
            print(json.dumps(answer), flush=True)


main()
