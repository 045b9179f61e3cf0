"""Makes the images of originals.rs: what Pillow, torchvision, timm, OpenCV and TensorFlow make of the images of reference.py.

    pip install numpy==2.4.6 pillow==13.0.0 opencv-python-headless==5.0.0.93 torchvision==0.29.2 timm tensorflow-cpu
    python originals.py

Each file is FROM-WAY-FILTER.png, in the size that the test asks for.
"""

from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

HERE = Path(__file__).parent
SIZES = {"wide": (40, 32), "small": (49, 45)}  # width, height: smaller and larger
PILLOW = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "nearest": Image.Resampling.NEAREST,
    "lanczos": Image.Resampling.LANCZOS,
}


def save(name, pixels):
    Image.fromarray(np.asarray(pixels)).save(HERE / f"{name}.png", optimize=True)


def rounded(tensor):
    return np.clip(np.round(np.asarray(tensor)), 0, 255).astype(np.uint8)


def opened(name):
    return Image.open(HERE / f"{name}.png").convert("RGB")


def pillow():
    for name, size in SIZES.items():
        for word, filter in PILLOW.items():
            save(f"{name}-pillow-{word}", opened(name).resize(size, filter))


def opencv():
    # Channels stay where they are: OpenCV treats them alike.
    for name, size in SIZES.items():
        save(f"{name}-opencv-bilinear", cv2.resize(np.asarray(opened(name)), size, interpolation=cv2.INTER_LINEAR))
    area = cv2.resize(np.asarray(opened("wide")), SIZES["wide"], interpolation=cv2.INTER_AREA)
    save("wide-opencv-area", area)


def tensorflow():
    import tensorflow as tf

    for name, (width, height) in SIZES.items():
        pixels = np.asarray(opened(name))
        for word in ["bilinear", "lanczos3"]:
            resized = tf.image.resize(pixels, (height, width), method=word, antialias=False)
            save(f"{name}-tensorflow-{word}", rounded(resized))
        save(f"{name}-tensorflow-crop-pad", tf.image.resize_with_crop_or_pad(pixels, 61, 30).numpy())


def torch():
    from timm.data import create_transform
    from torchvision import transforms

    for name in ["tall", "wide"]:
        # 256/224 of 35.
        way = transforms.Compose([transforms.Resize(40), transforms.CenterCrop(35)])
        save(f"{name}-torchvision", way(opened(name)))
        way = create_transform((3, 32, 32), interpolation="bicubic", crop_pct=0.9, is_training=False)
        save(f"{name}-timm", transforms.Compose(way.transforms[:2])(opened(name)))


def main():
    # TensorFlow and PyTorch do not bear each other in one process.
    for library in [pillow, opencv, tensorflow, torch]:
        process = get_context("spawn").Process(target=library)
        process.start()
        process.join()
        assert process.exitcode == 0, library


if __name__ == "__main__":
    main()
