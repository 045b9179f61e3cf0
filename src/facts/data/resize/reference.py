"""Makes the images of tests.rs: each FROM.png, and what OpenCV and the study's crop make of it at side D, FROM-D.png.

    pip install numpy==2.4.6 opencv-python-headless==5.0.0.93
    python reference.py

On x86-64 those wheels compute INTER_CUBIC with Intel's IPP, in float32; OpenCV's own code rounds the weights to 11 bits
and differs by one grey level in about one value of twenty.
"""

from pathlib import Path

import cv2
import numpy as np

HERE = Path(__file__).parent
# Height, width, and the side of the square that is kept.
CASES = {"tall": (83, 57, 28), "wide": (90, 151, 32), "small": (23, 31, 49), "square": (40, 40, 35)}


def picture(height, width, rng):
    """Smooth colours, hard edges and a little noise: what a resampler can get wrong."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    waves = [np.sin(x / (3 + c)) + np.cos(y / (4 + c)) + np.sin((x + y) / 11) for c in range(3)]
    image = 127 + 45 * np.stack(waves, axis=-1)
    image[height // 3 : height // 2, width // 4 : width // 2] = [255, 0, 30]
    image[(x.astype(int) // 5 + y.astype(int) // 5) % 7 == 0] = [0, 240, 255]
    return np.clip(image + rng.normal(0, 6, image.shape), 0, 255).astype(np.uint8)


def prepared(image, side):
    height, width = image.shape[:2]
    shorter = int(1.14286 * side)
    size = [length * shorter // min(height, width) for length in (width, height)]
    image = cv2.resize(image, size, interpolation=cv2.INTER_CUBIC)
    top, left = [(length - side) // 2 for length in image.shape[:2]]
    return image[top : top + side, left : left + side]


def main():
    rng = np.random.default_rng(7)
    for name, (height, width, side) in CASES.items():
        image = picture(height, width, rng)
        # OpenCV writes B G R; the resampler treats all channels alike.
        cv2.imwrite(str(HERE / f"{name}.png"), image[..., ::-1])
        cv2.imwrite(str(HERE / f"{name}-{side}.png"), prepared(image, side)[..., ::-1])


main()
