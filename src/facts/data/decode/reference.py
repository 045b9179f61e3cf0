"""Makes the images of tests.rs: JPEGs of several kinds, and what Pillow makes of each, as PNG.

    pip install pillow==13.0.0 numpy==2.4.6
    python reference.py
"""

from pathlib import Path

import numpy as np
from PIL import Image

HERE = Path(__file__).parent


def picture():
    y, x = np.mgrid[0:40, 0:56]
    waves = [np.sin(x / (5 + 2 * c)) + np.cos(y / (6 + c)) for c in range(3)]
    return Image.fromarray((127 + 55 * np.stack(waves, axis=-1)).astype(np.uint8))


def keep(name):
    Image.open(HERE / f"{name}.jpg").convert("RGB").save(HERE / f"{name}.png", optimize=True)


def main():
    image = picture()
    # Adobe's marker with transform 0: R G B, and C M Y K, as they are.
    image.save(HERE / "rgb.jpg", quality=90, keep_rgb=True)
    image.convert("CMYK").save(HERE / "cmyk.jpg", quality=90)
    image.convert("L").save(HERE / "grey.jpg", quality=90)
    image.save(HERE / "progressive.jpg", quality=90, progressive=True)
    for name in ["rgb", "cmyk", "grey", "progressive"]:
        keep(name)


main()
