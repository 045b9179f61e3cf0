//! Faults whose outcomes are all known.

use crate::campaign::Judgement;
use crate::campaign::design::{Stratum, is_proved};

/// All faults of some images, counted by stratum and outcome.
///
/// A campaign draws candidates independently of each other and with the same chance for each fault. Of a candidate it uses
/// stratum and outcome alone, so that these counts are all that a simulation needs.
#[derive(Debug)]
pub struct Population {
    images: Vec<OfImage>,
}

/// The faults of an image.
#[derive(Debug, Default)]
struct OfImage {
    /// A stratum with an outcome, and the number of faults up to it.
    cells: Vec<(Stratum, Outcome, u64)>,
    faults: u64,
    sdc: u64,
    scm: u64,
}

/// The outcome of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The prediction stays.
    Masked,
    /// The prediction changes.
    Sdc,
    /// The prediction changes, and this is safety-critical.
    Scm,
}

impl Outcome {
    pub fn judgement(self) -> Judgement {
        Judgement { sdc: self != Self::Masked, due: Some(false), scm: self == Self::Scm, deviation: None }
    }
}

impl Population {
    /// Reads `strata.csv` of `examples/every_fault.rs`.
    pub fn read(text: &str) -> Self {
        let mut images: Vec<OfImage> = Vec::new();
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("image,stratum,faults,sdc,scm,due"));
        for line in lines {
            let numbers: Vec<u64> = line.split(',').map(|number| number.parse().unwrap()).collect();
            let [image, stratum, faults, sdc, scm, _] = numbers[..] else { panic!("six numbers: {line}") };
            images.resize_with(images.len().max(image as usize + 1), OfImage::default);
            let own = &mut images[image as usize];
            let outcomes = [(Outcome::Masked, faults - sdc), (Outcome::Sdc, sdc - scm), (Outcome::Scm, scm)];
            for (outcome, count) in outcomes.into_iter().filter(|(_, count)| *count > 0) {
                own.faults += count;
                own.cells.push((stratum as Stratum, outcome, own.faults));
            }
            own.sdc += sdc;
            own.scm += scm;
        }
        assert!(!images.is_empty() && images.iter().all(|image| image.faults > 0));
        Self { images }
    }

    /// Number of images.
    pub fn images(&self) -> usize {
        self.images.len()
    }

    /// Number of faults.
    pub fn faults(&self) -> u64 {
        self.images.iter().map(|image| image.faults).sum()
    }

    /// The faults that are proved masked, and the SDCs among them.
    pub fn proved(&self) -> (u64, u64) {
        let (mut all, mut sdc) = (0, 0);
        for image in &self.images {
            let mut before = 0;
            for &(stratum, outcome, end) in &image.cells {
                let count = end - before;
                before = end;
                if is_proved(stratum) {
                    all += count;
                    sdc += if outcome == Outcome::Masked { 0 } else { count };
                }
            }
        }
        (all, sdc)
    }

    /// The SDC rate, the SCM rate, and the share of SCMs among the SDCs of a data set of `images` images, which repeats these.
    pub fn truth(&self, images: usize) -> [f64; 3] {
        let mean = |of: fn(&OfImage) -> u64| {
            let rates = self.images.iter().cycle().take(images).map(|image| of(image) as f64 / image.faults as f64);
            rates.sum::<f64>() / images as f64
        };
        let (sdc, scm) = (mean(|image| image.sdc), mean(|image| image.scm));
        [sdc, scm, scm / sdc]
    }

    /// Returns the fault that the campaign of `seed` draws as number `candidate` of image `image`. A data set with more images
    /// than these repeats them.
    pub fn draw(&self, seed: u64, image: usize, candidate: usize) -> (Stratum, Outcome) {
        let own = &self.images[image % self.images.len()];
        let random = mix(mix(mix(seed) ^ image as u64) ^ candidate as u64);
        let point = ((u128::from(random) * u128::from(own.faults)) >> 64) as u64;
        let (stratum, outcome, _) = own.cells[own.cells.partition_point(|&(_, _, end)| end <= point)];
        (stratum, outcome)
    }
}

/// Returns a number that looks like a random one (SplitMix64: Steele, Lea and Flood, 2014).
fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}
