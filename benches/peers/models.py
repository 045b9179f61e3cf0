"""Networks as PyTorch users write them, with random weights: what Faultscope and PyTorchFI are compared on.

Every layer is a module and is called once for each time it computes, additions and flattening included. So the n-th call
of a module without children is the n-th node of the exported ONNX file, and both sides mean the same place when they
number layers.
"""

import torch
from torch import nn


class Add(nn.Module):
    def forward(self, a, b):
        return a + b


class Bottleneck(nn.Module):
    """Three convolutions around a shortcut; the 3 x 3 one has the stride (ResNet v1.5, as in torchvision)."""

    def __init__(self, inputs, width, stride):
        super().__init__()
        outputs = 4 * width
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.shortcut = None
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )
        self.add = Add()
        self.relu3 = nn.ReLU(inplace=True)

    def forward(self, x):
        y = self.relu1(self.bn1(self.conv1(x)))
        y = self.relu2(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return self.relu3(self.add(y, x if self.shortcut is None else self.shortcut(x)))


def resnet50():
    """He et al., "Deep Residual Learning for Image Recognition" (CVPR 2016), 224 x 224."""
    layers = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)]
    inputs = 64
    for stage, (blocks, width) in enumerate([(3, 64), (4, 128), (6, 256), (3, 512)]):
        for block in range(blocks):
            layers.append(Bottleneck(inputs, width, 2 if stage > 0 and block == 0 else 1))
            inputs = 4 * width
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, 1000)]
    return nn.Sequential(*layers), (3, 224, 224)


def vgg16_32x32():
    """Simonyan and Zisserman, "Very Deep Convolutional Networks" (ICLR 2015), with batch normalisation, 32 x 32."""
    layers, inputs = [], 3
    for blocks, width in [(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)]:
        for _ in range(blocks):
            layers += [nn.Conv2d(inputs, width, 3, 1, 1), nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
            inputs = width
        layers.append(nn.MaxPool2d(2, 2))
    layers.append(nn.Flatten())
    for width in (4096, 4096):
        layers += [nn.Linear(inputs, width), nn.ReLU(inplace=True)]
        inputs = width
    layers.append(nn.Linear(inputs, 100))
    return nn.Sequential(*layers), (3, 32, 32)


# Both sides run these, and PyTorchFI strikes them.
NETWORKS = {"resnet50": resnet50, "vgg16-32x32": vgg16_32x32}

# Architectures of torchvision that PyTorchFI does not instrument: inference alone is compared.
TORCHVISION = {"vit-b16": "vit_b_16", "swin-t": "swin_t", "convnext-t": "convnext_tiny"}

# ResNet-50 in 8-bit integers, as onnxruntime's quantizer writes it, with the export of `resnet50` as its source.
INTEGERS = "resnet50-int8"


def torchvision_network(name):
    """A network of torchvision for inference, always with the same random weights, and the shape of its input."""
    import torchvision

    torch.manual_seed(0)
    return torchvision.models.get_model(TORCHVISION[name], weights=None).eval(), (3, 224, 224)


def build(name):
    """The network `name` for inference and the shape of its input, C x H x W. Always with the same weights: convolutions
    as He et al. draw them, statistics of batch normalisation those of smooth random images, so that activations are of
    the size they have in trained networks, and about half of those of a ReLU are zero."""
    torch.manual_seed(0)
    model, shape = NETWORKS[name]()
    for module in model.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # The mean of all batches; there is one.
    images = nn.functional.interpolate(torch.rand(16, 3, 8, 8), shape[1:], mode="bilinear")
    with torch.no_grad():
        model.train()(images)
    return model.eval(), shape


def load(name, weights):
    """A network with the weights in a file, which are the same to the last bit."""
    model, shape = NETWORKS[name]() if name in NETWORKS else torchvision_network(name)
    model.load_state_dict(torch.load(weights))
    return model.eval(), shape
