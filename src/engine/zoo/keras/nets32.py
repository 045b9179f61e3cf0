"""The study's networks for images of 32 x 32 pixels (CIFAR, GTSRB), in Keras.

Each follows its paper, adapted to small images the way the common CIFAR implementations do: the first layers keep the
resolution, batch normalization follows every convolution, 5 x 5 convolutions of GoogLeNet are two of 3 x 3.

    VGG            Simonyan and Zisserman, 2015            vgg11, vgg13, vgg16, vgg19
    GoogLeNet      Szegedy et al., 2015                    googlenet
    Inception-v3   Szegedy et al., 2016                    inceptionv3
    Inception-v4   Szegedy et al., 2017                    inceptionv4
    ResNet         He et al., 2016                         resnet18, resnet34, resnet50, resnet101, resnet152
    Xception       Chollet, 2017                           xception

A convolution, its normalization and its activation are three layers, NAME, NAME_bn and NAME_relu. The last layer,
"predictions", gives the probabilities.
"""

import keras
from keras import layers

SIDE = 32


def unit(x, filters, kernel, name, strides=1, padding="same", activation=True):
    """Convolution without bias, batch normalization, ReLU."""
    x = layers.Conv2D(filters, kernel, strides=strides, padding=padding, use_bias=False, name=name)(x)
    x = layers.BatchNormalization(name=name + "_bn")(x)
    return layers.ReLU(name=name + "_relu")(x) if activation else x


def chain(x, name, *units):
    """Units one after the other, each (filters, kernel) or (filters, kernel, further arguments)."""
    for number, (filters, kernel, *rest) in enumerate(units, 1):
        x = unit(x, filters, kernel, f"{name}_{number}", **(rest[0] if rest else {}))
    return x


def concatenate(branches, name):
    return layers.Concatenate(name=name)(branches)


def average_pool(x, name):
    return layers.AveragePooling2D(3, strides=1, padding="same", name=name)(x)


def max_pool(x, name, strides=2, padding="same"):
    return layers.MaxPooling2D(3, strides=strides, padding=padding, name=name)(x)


def finish(image, x, classes, name, dropout=None):
    x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
    if dropout:
        x = layers.Dropout(dropout, name="dropout")(x)
    x = layers.Dense(classes, activation="softmax", name="predictions")(x)
    return keras.Model(image, x, name=name)


def picture():
    return keras.Input((SIDE, SIDE, 3), name="image")


# VGG: convolutions of each of the five blocks.
VGG = {
    "vgg11": (1, 1, 2, 2, 2),
    "vgg13": (2, 2, 2, 2, 2),
    "vgg16": (2, 2, 3, 3, 3),
    "vgg19": (2, 2, 4, 4, 4),
}


def vgg(name, classes):
    image = x = picture()
    for block, (count, filters) in enumerate(zip(VGG[name], (64, 128, 256, 512, 512)), 1):
        for number in range(1, count + 1):
            x = unit(x, filters, 3, f"block{block}_conv{number}")
        x = layers.MaxPooling2D(2, name=f"block{block}_pool")(x)
    x = layers.Flatten(name="flatten")(x)
    for number in (1, 2):
        x = layers.Dense(4096, name=f"fc{number}")(x)
        x = layers.ReLU(name=f"fc{number}_relu")(x)
        x = layers.Dropout(0.5, name=f"fc{number}_dropout")(x)
    x = layers.Dense(classes, activation="softmax", name="predictions")(x)
    return keras.Model(image, x, name=name)


# ResNet: blocks of each of the four stages, and whether they are bottlenecks.
RESNET = {
    "resnet18": ((2, 2, 2, 2), False),
    "resnet34": ((3, 4, 6, 3), False),
    "resnet50": ((3, 4, 6, 3), True),
    "resnet101": ((3, 4, 23, 3), True),
    "resnet152": ((3, 8, 36, 3), True),
}


def residual(x, filters, strides, bottleneck, name):
    if bottleneck:
        out = 4 * filters
        y = unit(x, filters, 1, name + "_conv1")
        y = unit(y, filters, 3, name + "_conv2", strides=strides)
        y = unit(y, out, 1, name + "_conv3", activation=False)
    else:
        out = filters
        y = unit(x, filters, 3, name + "_conv1", strides=strides)
        y = unit(y, filters, 3, name + "_conv2", activation=False)
    if strides != 1 or x.shape[-1] != out:
        x = unit(x, out, 1, name + "_shortcut", strides=strides, activation=False)
    x = layers.Add(name=name + "_add")([y, x])
    return layers.ReLU(name=name + "_relu")(x)


def resnet(name, classes):
    stages, bottleneck = RESNET[name]
    image = picture()
    x = unit(image, 64, 3, "conv1")
    for stage, (blocks, filters) in enumerate(zip(stages, (64, 128, 256, 512)), 2):
        for block in range(1, blocks + 1):
            strides = 2 if stage > 2 and block == 1 else 1
            x = residual(x, filters, strides, bottleneck, f"conv{stage}_block{block}")
    return finish(image, x, classes, name)


def googlenet(name, classes):
    # 1x1; 3x3 reduced, 3x3; 5x5 reduced, 5x5; projection after pooling: the paper's table 1.
    modules = {
        "3a": (64, 96, 128, 16, 32, 32),
        "3b": (128, 128, 192, 32, 96, 64),
        "4a": (192, 96, 208, 16, 48, 64),
        "4b": (160, 112, 224, 24, 64, 64),
        "4c": (128, 128, 256, 24, 64, 64),
        "4d": (112, 144, 288, 32, 64, 64),
        "4e": (256, 160, 320, 32, 128, 128),
        "5a": (256, 160, 320, 32, 128, 128),
        "5b": (384, 192, 384, 48, 128, 128),
    }
    image = picture()
    x = chain(image, "stem", (64, 3), (64, 3), (192, 3))
    for module, (ones, reduced3, threes, reduced5, fives, projection) in modules.items():
        if module in ("4a", "5a"):
            x = max_pool(x, f"pool{int(module[0]) - 1}")
        scope = f"inception_{module}"
        pool = max_pool(x, scope + "_pool", strides=1)
        x = concatenate(
            [
                chain(x, scope + "_1x1", (ones, 1)),
                chain(x, scope + "_3x3", (reduced3, 1), (threes, 3)),
                chain(x, scope + "_5x5", (reduced5, 1), (fives, 3), (fives, 3)),
                chain(pool, scope + "_projection", (projection, 1)),
            ],
            scope,
        )
    return finish(image, x, classes, name, dropout=0.4)


HALVE = {"strides": 2, "padding": "valid"}


def inceptionv3(name, classes):
    image = picture()
    x = chain(image, "stem", (32, 3), (32, 3), (64, 3), (80, 1), (192, 3, {"padding": "valid"}))
    for number, projection in enumerate((32, 64, 64)):
        scope = f"mixed{number}"
        x = concatenate(
            [
                chain(x, scope + "_1x1", (64, 1)),
                chain(x, scope + "_5x5", (48, 1), (64, 5)),
                chain(x, scope + "_3x3dbl", (64, 1), (96, 3), (96, 3)),
                chain(average_pool(x, scope + "_avg"), scope + "_pool", (projection, 1)),
            ],
            scope,
        )
    x = concatenate(
        [
            chain(x, "mixed3_3x3", (384, 3, HALVE)),
            chain(x, "mixed3_3x3dbl", (64, 1), (96, 3), (96, 3, HALVE)),
            max_pool(x, "mixed3_max", padding="valid"),
        ],
        "mixed3",
    )
    for number, inner in enumerate((128, 160, 160, 192), 4):
        scope = f"mixed{number}"
        x = concatenate(
            [
                chain(x, scope + "_1x1", (192, 1)),
                chain(x, scope + "_7x7", (inner, 1), (inner, (1, 7)), (192, (7, 1))),
                chain(
                    x,
                    scope + "_7x7dbl",
                    (inner, 1),
                    (inner, (7, 1)),
                    (inner, (1, 7)),
                    (inner, (7, 1)),
                    (192, (1, 7)),
                ),
                chain(average_pool(x, scope + "_avg"), scope + "_pool", (192, 1)),
            ],
            scope,
        )
    x = concatenate(
        [
            chain(x, "mixed8_3x3", (192, 1), (320, 3, HALVE)),
            chain(x, "mixed8_7x7", (192, 1), (192, (1, 7)), (192, (7, 1)), (192, 3, HALVE)),
            max_pool(x, "mixed8_max", padding="valid"),
        ],
        "mixed8",
    )
    for number in (9, 10):
        scope = f"mixed{number}"
        three = chain(x, scope + "_3x3", (384, 1))
        double = chain(x, scope + "_3x3dbl", (448, 1), (384, 3))
        x = concatenate(
            [
                chain(x, scope + "_1x1", (320, 1)),
                chain(three, scope + "_3x3a", (384, (1, 3))),
                chain(three, scope + "_3x3b", (384, (3, 1))),
                chain(double, scope + "_3x3dbla", (384, (1, 3))),
                chain(double, scope + "_3x3dblb", (384, (3, 1))),
                chain(average_pool(x, scope + "_avg"), scope + "_pool", (192, 1)),
            ],
            scope,
        )
    return finish(image, x, classes, name, dropout=0.5)


def inceptionv4(name, classes):
    image = picture()
    x = chain(image, "stem", (32, 3), (32, 3), (64, 3))
    x = concatenate([chain(x, "stem_a", (96, 3)), max_pool(x, "stem_a_max", strides=1)], "stem_mixed_a")
    x = concatenate(
        [
            chain(x, "stem_b_7x7", (64, 1), (64, (7, 1)), (64, (1, 7)), (96, 3)),
            chain(x, "stem_b_3x3", (64, 1), (96, 3)),
        ],
        "stem_mixed_b",
    )
    x = concatenate([chain(x, "stem_c", (192, 3)), max_pool(x, "stem_c_max", strides=1)], "stem_mixed_c")
    for number in range(1, 5):
        scope = f"inception_a{number}"
        x = concatenate(
            [
                chain(average_pool(x, scope + "_avg"), scope + "_pool", (96, 1)),
                chain(x, scope + "_1x1", (96, 1)),
                chain(x, scope + "_3x3", (64, 1), (96, 3)),
                chain(x, scope + "_3x3dbl", (64, 1), (96, 3), (96, 3)),
            ],
            scope,
        )
    x = concatenate(
        [
            max_pool(x, "reduction_a_max", padding="valid"),
            chain(x, "reduction_a_3x3", (384, 3, HALVE)),
            chain(x, "reduction_a_3x3dbl", (192, 1), (224, 3), (256, 3, HALVE)),
        ],
        "reduction_a",
    )
    for number in range(1, 8):
        scope = f"inception_b{number}"
        x = concatenate(
            [
                chain(average_pool(x, scope + "_avg"), scope + "_pool", (128, 1)),
                chain(x, scope + "_1x1", (384, 1)),
                chain(x, scope + "_7x7", (192, 1), (224, (1, 7)), (256, (7, 1))),
                chain(x, scope + "_7x7dbl", (192, 1), (192, (1, 7)), (224, (7, 1)), (224, (1, 7)), (256, (7, 1))),
            ],
            scope,
        )
    x = concatenate(
        [
            max_pool(x, "reduction_b_max", padding="valid"),
            chain(x, "reduction_b_3x3", (192, 1), (192, 3, HALVE)),
            chain(x, "reduction_b_7x7", (256, 1), (256, (1, 7)), (320, (7, 1)), (320, 3, HALVE)),
        ],
        "reduction_b",
    )
    for number in range(1, 4):
        scope = f"inception_c{number}"
        three = chain(x, scope + "_3x3", (384, 1))
        double = chain(x, scope + "_3x3dbl", (384, 1), (448, (1, 3)), (512, (3, 1)))
        x = concatenate(
            [
                chain(average_pool(x, scope + "_avg"), scope + "_pool", (256, 1)),
                chain(x, scope + "_1x1", (256, 1)),
                chain(three, scope + "_3x3a", (256, (1, 3))),
                chain(three, scope + "_3x3b", (256, (3, 1))),
                chain(double, scope + "_3x3dbla", (256, (1, 3))),
                chain(double, scope + "_3x3dblb", (256, (3, 1))),
            ],
            scope,
        )
    return finish(image, x, classes, name, dropout=0.2)


def separable(x, filters, name, before=True, after=False):
    """Separable convolution and normalization, with a ReLU before or after."""
    if before:
        x = layers.ReLU(name=name + "_act")(x)
    x = layers.SeparableConv2D(filters, 3, padding="same", use_bias=False, name=name)(x)
    x = layers.BatchNormalization(name=name + "_bn")(x)
    return layers.ReLU(name=name + "_act")(x) if after else x


def xception(name, classes):
    image = picture()
    x = chain(image, "block1_conv", (32, 3), (64, 3))
    for block, filters, strides in ((2, 128, 2), (3, 256, 2), (4, 728, 1)):
        scope = f"block{block}"
        y = separable(x, filters, scope + "_sepconv1", before=block != 2)
        y = separable(y, filters, scope + "_sepconv2")
        y = max_pool(y, scope + "_pool", strides=strides)
        shortcut = unit(x, filters, 1, scope + "_shortcut", strides=strides, activation=False)
        x = layers.Add(name=scope + "_add")([y, shortcut])
    for block in range(5, 13):
        scope = f"block{block}"
        y = x
        for number in (1, 2, 3):
            y = separable(y, 728, f"{scope}_sepconv{number}")
        x = layers.Add(name=scope + "_add")([y, x])
    y = separable(x, 728, "block13_sepconv1")
    y = separable(y, 1024, "block13_sepconv2")
    y = max_pool(y, "block13_pool")
    shortcut = unit(x, 1024, 1, "block13_shortcut", strides=2, activation=False)
    x = layers.Add(name="block13_add")([y, shortcut])
    x = separable(x, 1536, "block14_sepconv1", before=False, after=True)
    x = separable(x, 2048, "block14_sepconv2", before=False, after=True)
    return finish(image, x, classes, name)


BUILDERS = {
    **dict.fromkeys(VGG, vgg),
    "googlenet": googlenet,
    "inceptionv3": inceptionv3,
    "inceptionv4": inceptionv4,
    **dict.fromkeys(RESNET, resnet),
    "xception": xception,
}


def build(name, classes):
    """The network `name` for `classes` classes, with Keras' own random weights."""
    return BUILDERS[name](name, classes)
