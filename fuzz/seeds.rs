//! Writes the seeds of every fuzz target below the folder that is its argument. All of them come from the checkout:
//! tests/fixtures, models/gtsrb-resnet8 and the built-in groupings, or are a few lines of text here.

use std::error::Error;
use std::fs;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use engine::import::{Format, load};
use facts::report::pack;
use image::{DynamicImage, ImageFormat, RgbImage};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// Larger files make a fuzzer slow.
const LARGEST: usize = 64 << 10;

const LINKS: [&str; 4] = [
    "view=campaign&model=efficientnet-lite0&image=file%3Aa.png&preprocess=caffe&resize=shorter-side&labels=file%3An.txt&\
     grouping=file%3Ag.toml&device=cpu&target=weight&layer=%2Fconv1%2FConv&tensor=conv1.weight&element=12345&type=random&\
     bit=31&value=0.1&colour=corruption",
    "protocol=until&faults=7&correct=5&misclassified=30&margin=0.5&confidence=99&data=file%3Atest.bin&images=100&\
     seed=18446744073709551615&campaign-target=weight&campaign-type=bitflip&campaign-bit=0%2C23-30&\
     campaign-layers=%2Fconv1%2FConv%2C7&sampling=element",
    "sweep=map&scale=network&show=faulty&look-target=activation&look=%2Frelu&look-tensor=t&look-element=3&protect=1&\
     lesson=3&run=1",
    "groups=%7B%22name%22%3A%22g%22%2C%22classes%22%3A2%2C%22group%22%3A%5B%7B%22name%22%3A%22a%22%2C%22critical%22%3A\
     true%2C%22classes%22%3A%220-1%22%7D%5D%7D",
];

const CONFIGS: [&str; 3] = [
    "model: m.onnx\ndata: images\nout: results\nseed: 7\nfaults: 3\nbit: 23-30\nresume: true\nmemory: 1GiB\n",
    "Target: layer_states\nMode: single\nType: zeros\nAmount: 10\nBit: random\n",
    "Type: bitflips\nAmount: 2\nBit: 30\nprotocol: study\ncorrect: 5\nmisclassified: 30\nshard: 1/4\nlayers: \"a,1\"\n",
];

const LOGS: [&str; 2] = [
    "Model name: resnet50\nLow: 0 , High: 500\n0 : 3 : 3\n1 : 4 : 5\n\n0 : 3 : 3 : 3\n0 : 3 : 3 : 7\n1 : 4 : 5 : 9\n",
    "Model name: vgg16\nTotal data count 2\n0 : 3 : 3\n1 : 4 : 5\n0 : 3 : 3 : 3\n",
];

const LABELS: [&str; 4] = [
    "\u{feff}cat\r\n dog \n\n",
    "zero\none\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\n",
    "1\n2\n3\n",
    "a.png 1\nb c.png 2\nd/e.jpg 3\n",
];

const SAMPLE: &str = r#"{"data":{"path":"d","format":"npy","labels":null,"images":9,"sha256":"00"},"seed":1,"count":2,
"balanced":false,"of":9,"indices":[3,7]}"#;

/// Name of the reader, bytes of a file.
struct Seeds {
    root: PathBuf,
    count: usize,
}

impl Seeds {
    fn add(&mut self, target: &str, bytes: &[u8]) -> Result {
        if bytes.len() <= LARGEST {
            let folder = self.root.join(target);
            fs::create_dir_all(&folder)?;
            self.count += 1;
            fs::write(folder.join(format!("seed-{:04}", self.count)), bytes)?;
        }
        Ok(())
    }

    /// A model in a format of others, and in ours.
    fn model(&mut self, target: &str, name: &str, bytes: &[u8]) -> Result {
        self.add(target, bytes)?;
        let Ok(model) = load(name, bytes.to_vec()) else { return Ok(()) };
        for (target, format) in [("burnpack", Format::Burnpack), ("safetensors", Format::Safetensors)] {
            if let Ok(bytes) = format.write(&model) {
                self.add(target, &bytes)?;
            }
        }
        Ok(())
    }

    /// The files in a zip of fixtures.
    fn fixtures(&mut self, path: &Path) -> Result {
        for (name, bytes) in unpacked(&fs::read(path)?)? {
            match name.rsplit('.').next() {
                Some("onnx") => self.model("onnx", &name, &bytes)?,
                Some("h5") => self.model("keras_h5", &name, &bytes)?,
                Some("npy") => self.add("npy", &bytes)?,
                Some("keras") => {
                    let files = unpacked(&bytes)?;
                    let part = |wanted: &str| {
                        files.iter().find(|(name, _)| name == wanted).map_or(&[][..], |(_, bytes)| bytes.as_slice())
                    };
                    let parts = [part("config.json"), b"\0", part("model.weights.h5")];
                    self.add("keras_archive", &parts.concat())?;
                    self.model("keras_archive", &name, &bytes)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn arrays(&mut self) -> Result {
        let pixels: Vec<u8> = (0..24).map(|pixel| pixel * 10).collect();
        let floats: Vec<u8> = pixels.iter().flat_map(|&pixel| f32::from(pixel).to_le_bytes()).collect();
        let labels: Vec<u8> = [3i64, 1].iter().flat_map(|label| label.to_le_bytes()).collect();
        for (kind, shape, data) in [
            ("|u1", "(2, 2, 2, 3)", &pixels),
            ("|u1", "(2, 3, 2, 2)", &pixels),
            ("|u1", "(6, 1, 2, 2)", &pixels),
            ("<f4", "(2, 2, 2, 3)", &floats),
            ("<i8", "(2,)", &labels),
            ("|u1", "(24, 1)", &pixels),
        ] {
            let head = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n");
            let length = (head.len() as u16).to_le_bytes();
            self.add("npy", &[b"\x93NUMPY\x01\0".as_slice(), &length, head.as_bytes(), data].concat())?;
        }
        Ok(())
    }

    fn images(&mut self) -> Result {
        let grey = |image: &DynamicImage| DynamicImage::ImageLuma8(image.to_luma8());
        let pixel = |x: u32, y: u32| image::Rgb([(40 * x) as u8, (50 * y) as u8, 90]);
        let colour = DynamicImage::ImageRgb8(RgbImage::from_fn(6, 5, pixel));
        for image in [grey(&colour), colour] {
            for format in [ImageFormat::Bmp, ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Pnm, ImageFormat::WebP] {
                let mut bytes = Cursor::new(Vec::new());
                if image.write_to(&mut bytes, format).is_ok() {
                    self.add("image", bytes.get_ref())?;
                }
            }
        }
        Ok(())
    }
}

/// Names and contents of the files in a zip.
fn unpacked(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes))?;
    let mut files = Vec::new();
    for index in 0..archive.len() {
        let mut file = archive.by_index(index)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        files.push((file.name()?.into_owned(), bytes));
    }
    Ok(files)
}

fn main() -> Result {
    let root = std::env::args_os().nth(1).ok_or("the folder for the seeds is missing")?;
    let mut seeds = Seeds { root: root.into(), count: 0 };
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("the package lies in the checkout")?;
    let fixtures = checkout.join("tests/fixtures");
    for zip in ["keras/models_2.zip", "keras/models_3.zip", "onnx/versions.zip"] {
        seeds.fixtures(&fixtures.join(zip))?;
    }
    seeds.model("onnx", "colours.onnx", &fs::read(fixtures.join("cli/colours.onnx"))?)?;
    for file in ["data/meta.mat", "data/meta-plain.mat"] {
        seeds.add("mat", &fs::read(fixtures.join(file))?)?;
    }
    for file in ["data/cifar-10-python.tar.gz", "data/cifar-100-binary.tar.gz"] {
        seeds.add("set", &fs::read(fixtures.join(file))?)?;
    }
    for entry in fs::read_dir(checkout.join("models/gtsrb-resnet8/samples"))? {
        seeds.add("image", &fs::read(entry?.path())?)?;
    }
    for entry in fs::read_dir(checkout.join("src/facts/labels/data"))? {
        let path = entry?.path();
        let target = if path.extension().is_some_and(|ending| ending == "toml") { "grouping" } else { "labels" };
        seeds.add(target, &fs::read(path)?)?;
    }
    seeds.arrays()?;
    seeds.images()?;
    for (target, texts) in [
        ("labels", &LABELS[..]),
        ("link", &LINKS),
        ("sample", &[SAMPLE]),
        ("study_log", &LOGS),
        ("yaml", &CONFIGS),
        ("cifar", &["\u{3}\u{7}", "\u{9}", "\u{13}\u{63}"]),
    ] {
        for text in texts {
            seeds.add(target, text.as_bytes())?;
        }
    }
    let config = fs::read(fixtures.join("report/campaign/config.json"))?;
    let records = fs::read(fixtures.join("report/campaign/faults.jsonl"))?;
    for count in [1, 6, 40] {
        let records: Vec<u8> = records.split_inclusive(|&byte| byte == b'\n').take(count).flatten().copied().collect();
        for target in ["records", "journal"] {
            seeds.add(target, &[&config[..], b"\0", &records].concat())?;
            seeds.add(target, &records)?;
        }
        seeds.add("archive", &pack(&[("config.json", &config), ("a/faults.jsonl", &records)])?)?;
    }
    println!("{} seeds in {}", seeds.count, seeds.root.display());
    Ok(())
}
