//! The signs: images and labels from `.npy` files, batches of them, and their augmentation.

use std::path::Path;

use burn::tensor::{Device, Int, Tensor, TensorData};
use faultscope::data::Image;
use faultscope::data::npy::{self, NpyImages};
use faultscope::{Error, Result};
use rand::seq::SliceRandom;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::network::{CLASSES, SIDE};

const PIXELS: usize = SIDE * SIDE;

/// Images of one size with their classes.
pub struct Signs {
    images: NpyImages,
    labels: Vec<usize>,
}

/// Network input, N x 3 x 32 x 32 in -1 ..= 1, and classes.
pub struct Batch {
    pub images: Tensor<4>,
    pub labels: Tensor<1, Int>,
}

impl Signs {
    /// Reads `PART_images.npy` and `PART_labels.npy` in `folder`.
    pub fn open(folder: &Path, part: &str) -> Result<Self> {
        let read = |what: &str| {
            let path = folder.join(format!("{part}_{what}.npy"));
            let name = path.display().to_string();
            std::fs::read(&path).map(|bytes| (name.clone(), bytes)).map_err(|error| Error::io(name, error))
        };
        let (name, bytes) = read("images")?;
        let images = NpyImages::new(&name, Box::new(bytes), None)?;
        if images.size() != (SIDE, SIDE) {
            return Err(Error::input(name, format_args!("images of {SIDE} x {SIDE} pixels are expected")));
        }
        let (name, bytes) = read("labels")?;
        let labels = npy::labels(&name, &bytes)?;
        if labels.len() != images.len() {
            return Err(Error::input(name, format_args!("{} labels for {} images", labels.len(), images.len())));
        }
        if let Some(position) = labels.iter().position(|&label| label >= CLASSES) {
            let found = labels[position];
            return Err(Error::input(
                name,
                format_args!("label {position} is {found}, classes are 0 to {}", CLASSES - 1),
            ));
        }
        Ok(Self { images, labels })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Image number `index`, which there is.
    pub fn image(&self, index: usize) -> Image {
        self.images.get(index).expect("an image in memory, and callers count up to len()")
    }

    /// All image numbers in the random order of this epoch.
    pub fn shuffled(&self, seed: u64, epoch: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.len()).collect();
        order.shuffle(&mut generator(seed, epoch, self.len()));
        order
    }

    /// The images of these numbers as they are.
    pub fn plain(&self, indices: &[usize], device: &Device) -> Batch {
        self.batch(indices, device, |pixels, _, input| {
            for (channel, plane) in input.chunks_exact_mut(PIXELS).enumerate() {
                for (value, rgb) in plane.iter_mut().zip(pixels.chunks_exact(3)) {
                    *value = normalised(f32::from(rgb[channel]));
                }
            }
        })
    }

    /// The images of these numbers as somebody might have photographed them a moment earlier: turned, shifted,
    /// nearer or further, lighter or darker. Which, follows from seed, epoch and number alone.
    pub fn augmented(&self, indices: &[usize], seed: u64, epoch: usize, device: &Device) -> Batch {
        self.batch(indices, device, |pixels, index, input| {
            View::draw(&mut generator(seed, epoch, index)).render(pixels, input);
        })
    }

    fn batch(&self, indices: &[usize], device: &Device, render: impl Fn(&[u8], usize, &mut [f32])) -> Batch {
        let mut input = vec![0.0; indices.len() * 3 * PIXELS];
        for (&index, input) in indices.iter().zip(input.chunks_exact_mut(3 * PIXELS)) {
            render(&self.image(index).rgb, index, input);
        }
        let labels: Vec<i32> = indices.iter().map(|&index| self.labels[index] as i32).collect();
        Batch {
            images: Tensor::from_data(TensorData::new(input, [indices.len(), 3, SIDE, SIDE]), device),
            labels: Tensor::from_data(TensorData::new(labels, [indices.len()]), device),
        }
    }
}

/// What is drawn for image `index` of an epoch; `index` one past the last is for the order itself.
fn generator(seed: u64, epoch: usize, index: usize) -> ChaCha8Rng {
    let mut key = [0; 32];
    for (part, number) in key.chunks_exact_mut(8).zip([seed, epoch as u64, index as u64]) {
        part.copy_from_slice(&number.to_le_bytes());
    }
    ChaCha8Rng::from_seed(key)
}

/// The preprocessing "tf": x / 127.5 - 1.
fn normalised(value: f32) -> f32 {
    value / 127.5 - 1.0
}

/// How an image is looked at.
struct View {
    /// From output to input, both relative to the centre: rows of the matrix, then the shift in pixels.
    matrix: [[f32; 2]; 2],
    shift: [f32; 2],
    contrast: f32,
    brightness: f32,
}

impl View {
    fn draw(random: &mut impl Rng) -> Self {
        let mut within = |limit: f32| random.random_range(-limit..limit);
        let (sin, cos) = within(0.26).sin_cos();
        let shear = within(0.12);
        let scale = (within(0.16).exp(), within(0.16).exp());
        let shift = [within(3.0), within(3.0)];
        let contrast = within(0.5).exp();
        let brightness = within(50.0);
        // Sheared, then turned, then scaled along the axes.
        let matrix = [[cos * scale.0, (cos * shear - sin) * scale.0], [sin * scale.1, (sin * shear + cos) * scale.1]];
        Self { matrix, shift, contrast, brightness }
    }

    /// Bilinear, the edge repeated beyond the image; the contrast is about the image's own mean.
    fn render(&self, pixels: &[u8], input: &mut [f32]) {
        let mean = pixels.iter().map(|&value| f32::from(value)).sum::<f32>() / pixels.len() as f32;
        let offset = mean * (1.0 - self.contrast) + self.brightness;
        let centre = (SIDE as f32 - 1.0) / 2.0;
        let last = SIDE as f32 - 1.0;
        for position in 0..PIXELS {
            let x = (position % SIDE) as f32 - centre;
            let y = (position / SIDE) as f32 - centre;
            let [[xx, xy], [yx, yy]] = self.matrix;
            let from_x = (xx * x + xy * y + self.shift[0] + centre).clamp(0.0, last);
            let from_y = (yx * x + yy * y + self.shift[1] + centre).clamp(0.0, last);
            let (left, top) = (from_x as usize, from_y as usize);
            let (right, bottom) = ((left + 1).min(SIDE - 1), (top + 1).min(SIDE - 1));
            let (right_share, bottom_share) = (from_x - left as f32, from_y - top as f32);
            for channel in 0..3 {
                let at = |row: usize, column: usize| f32::from(pixels[(row * SIDE + column) * 3 + channel]);
                let mix = |row| at(row, left) + (at(row, right) - at(row, left)) * right_share;
                let value = mix(top) + (mix(bottom) - mix(top)) * bottom_share;
                input[channel * PIXELS + position] = normalised((value * self.contrast + offset).clamp(0.0, 255.0));
            }
        }
    }
}
