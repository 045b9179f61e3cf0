//! The networks of `keras.applications`, recognised in whole model files by name and number of weights. Both are the same in all
//! versions of Keras, while layers that compute nothing have come and gone. The number tells the classes, too: a network for
//! other classes than ImageNet's has other weights.

use facts::data::{Normalise, Preprocess, Resize};
use facts::graph::Graph;

/// A network of `keras.applications` with the weights of ImageNet.
#[derive(Debug, PartialEq, Eq)]
pub struct Application {
    /// The function of `keras.applications` that makes it.
    pub name: &'static str,
    /// Number of weights.
    parameters: usize,
    /// Normalisation of pixel values, as in `preprocess_input` of the network's Keras module.
    pub normalise: Normalise,
}

const fn of(name: &'static str, parameters: usize, normalise: Normalise) -> Application {
    Application { name, parameters, normalise }
}

/// A function that makes networks of several widths has several rows. The numbers are those of
/// tests/fixtures/keras_zoo/applications.txt.
static APPLICATIONS: &[Application] = &[
    of("ResNet50", 25_636_712, Normalise::Caffe),
    of("ResNet101", 44_707_176, Normalise::Caffe),
    of("ResNet152", 60_419_944, Normalise::Caffe),
    of("ResNet50V2", 25_613_800, Normalise::Tf),
    of("ResNet101V2", 44_675_560, Normalise::Tf),
    of("ResNet152V2", 60_380_648, Normalise::Tf),
    of("VGG16", 138_357_544, Normalise::Caffe),
    of("VGG19", 143_667_240, Normalise::Caffe),
    of("Xception", 22_910_480, Normalise::Tf),
    of("NASNetMobile", 5_326_716, Normalise::Tf),
    of("NASNetLarge", 88_949_818, Normalise::Tf),
    of("MobileNet", 475_544, Normalise::Tf),
    of("MobileNet", 1_342_536, Normalise::Tf),
    of("MobileNet", 2_601_976, Normalise::Tf),
    of("MobileNet", 4_253_864, Normalise::Tf),
    of("MobileNetV2", 1_691_208, Normalise::Tf),
    of("MobileNetV2", 1_987_224, Normalise::Tf),
    of("MobileNetV2", 2_663_064, Normalise::Tf),
    of("MobileNetV2", 3_538_984, Normalise::Tf),
    of("MobileNetV2", 5_431_048, Normalise::Tf),
    of("MobileNetV2", 6_156_712, Normalise::Tf),
    of("MobileNetV3Small", 2_051_552, Normalise::Byte),
    of("MobileNetV3Small", 2_554_968, Normalise::Byte),
    of("MobileNetV3Small", 2_056_848, Normalise::Byte),
    of("MobileNetV3Large", 4_012_616, Normalise::Byte),
    of("MobileNetV3Large", 5_507_432, Normalise::Byte),
    of("MobileNetV3Large", 3_948_688, Normalise::Byte),
    of("InceptionResNetV2", 55_873_736, Normalise::Tf),
    of("InceptionV3", 23_851_784, Normalise::Tf),
    of("DenseNet121", 8_062_504, Normalise::Torch),
    of("DenseNet169", 14_307_880, Normalise::Torch),
    of("DenseNet201", 20_242_984, Normalise::Torch),
    of("EfficientNetB0", 5_330_570, Normalise::Byte),
    of("EfficientNetB1", 7_856_238, Normalise::Byte),
    of("EfficientNetB2", 9_177_568, Normalise::Byte),
    of("EfficientNetB3", 12_320_534, Normalise::Byte),
    of("EfficientNetB4", 19_466_822, Normalise::Byte),
    of("EfficientNetB5", 30_562_526, Normalise::Byte),
    of("EfficientNetB6", 43_265_142, Normalise::Byte),
    of("EfficientNetB7", 66_658_686, Normalise::Byte),
    of("EfficientNetV2B0", 7_200_312, Normalise::Byte),
    of("EfficientNetV2B1", 8_212_124, Normalise::Byte),
    of("EfficientNetV2B2", 10_178_374, Normalise::Byte),
    of("EfficientNetV2B3", 14_467_622, Normalise::Byte),
    of("EfficientNetV2S", 21_612_360, Normalise::Byte),
    of("EfficientNetV2M", 54_431_388, Normalise::Byte),
    of("EfficientNetV2L", 119_027_848, Normalise::Byte),
    of("ConvNeXtTiny", 28_589_128, Normalise::Byte),
    of("ConvNeXtSmall", 50_223_688, Normalise::Byte),
    of("ConvNeXtBase", 88_591_464, Normalise::Byte),
    of("ConvNeXtLarge", 197_767_336, Normalise::Byte),
    of("ConvNeXtXLarge", 350_196_968, Normalise::Byte),
];

impl Application {
    /// All networks.
    pub fn all() -> &'static [Self] {
        APPLICATIONS
    }

    /// The network that `graph`, a Keras model, is. One that scales pixel values in its first layers is known where it has
    /// these layers: Keras also makes it without them, for other values.
    pub fn like(graph: &Graph) -> Option<&'static Self> {
        let scales = || graph.nodes.iter().any(|node| ["Rescaling", "Normalization"].contains(&node.kind.as_str()));
        let parameters: usize = (0..graph.nodes.len()).map(|node| graph.parameter_elements(node)).sum();
        let mut candidates = Self::called(&graph.name).filter(|known| known.parameters == parameters);
        candidates.find(|known| known.normalise != Normalise::Byte || scales())
    }

    /// The network after which `graph` is called, which has other layers or other classes, where its first layers would not tell
    /// the preprocessing.
    pub fn namesake(graph: &Graph) -> Option<&'static Self> {
        let closest = Self::called(&graph.name).max_by_key(|known| known.name.len());
        closest.filter(|known| known.normalise != Normalise::Byte)
    }

    /// The networks of the name that a model has: `mobilenet_1.00_224` is `MobileNet`.
    fn called(name: &str) -> impl Iterator<Item = &'static Self> {
        let name = plain(name);
        APPLICATIONS.iter().filter(move |known| {
            let own = plain(known.name);
            // Keras 2 calls both of them "NASNet".
            name.starts_with(&own) || name == "nasnet" && own.starts_with(&name)
        })
    }

    /// The preprocessing of the network's images.
    pub fn preprocess(&self) -> Preprocess {
        Preprocess::known(self.normalise, Resize::ShorterSide)
    }
}

/// A name without regard to case, and to the characters that stand between words.
fn plain(name: &str) -> String {
    name.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read};

    use facts::data::{FirstLayers, Image};
    use facts::graph::HostTensor;
    use zip::ZipArchive;

    use super::*;
    use crate::import::keras::{self, Weights};
    use crate::zoo::Architecture;

    const TEXT: &str = include_str!("../../../tests/fixtures/keras_zoo/applications.txt");

    #[test]
    fn weights_and_preprocessing_are_those_of_keras() {
        let mut lines = TEXT.lines();
        for known in Application::all() {
            let fields: Vec<&str> = lines.next().expect("a line for each").split(' ').collect();
            let [function, name, side, parameters, pixel @ ..] = &fields[..] else { panic!("{fields:?}") };
            assert_eq!((known.name, known.parameters.to_string().as_str()), (*function, *parameters));
            assert!(Application::called(name).any(|called| called == known), "{name}");
            // All of them have three channels; the values are those of one pixel.
            let image = Image { width: 1, height: 1, rgb: vec![10, 100, 250] };
            let input = known.preprocess().apply(&image, &[1, 3, 1, 1]).expect("a pixel");
            for (found, expected) in input.data.iter().zip(pixel) {
                let expected: f32 = expected.parse().expect("a number");
                assert!((found - expected).abs() <= 1e-5 * expected.abs(), "{name}: {found}, {expected} of Keras");
            }
            assert!(side.parse::<usize>().is_ok_and(|side| side >= 224), "{name}");
        }
        assert_eq!(lines.next(), None);
    }

    /// What Keras says in applications.zip.
    fn text(file: &str) -> String {
        let bytes = include_bytes!("../../../tests/fixtures/keras_zoo/applications.zip");
        let mut archive = ZipArchive::new(Cursor::new(bytes.as_slice())).expect("an archive");
        let mut text = String::new();
        archive.by_name(&format!("{file}.json")).expect(file).read_to_string(&mut text).expect("text");
        text
    }

    fn of_text(text: &str) -> facts::Result<Graph> {
        let ones = |_: &str, shape: &[usize]| HostTensor::new(shape, vec![1.0; shape.iter().product()]);
        keras::build("net.json", text, &Weights::made("net.json", ones))
    }

    fn described(file: &str) -> facts::Result<Graph> {
        of_text(&text(file))
    }

    #[test]
    fn whole_models_of_keras_are_recognised() {
        for (file, name) in [
            ("ResNet50V2", "ResNet50V2"),
            ("MobileNet", "MobileNet"),
            ("MobileNetV2", "MobileNetV2"),
            ("EfficientNetB1", "EfficientNetB1"),
            ("EfficientNetV2B0", "EfficientNetV2B0"),
            ("EfficientNetV2S", "EfficientNetV2S"),
            ("old-MobileNet", "MobileNet"),
            ("old-NASNetMobile", "NASNetMobile"),
            ("old-ResNet50V2", "ResNet50V2"),
            ("old-DenseNet121", "DenseNet121"),
        ] {
            let graph = described(file).unwrap_or_else(|error| panic!("{error}"));
            let known = Application::like(&graph).unwrap_or_else(|| panic!("{file}"));
            assert_eq!(known.name, name, "{file}");
            // What the first layers say does not contradict it.
            let first = FirstLayers::of(&graph).map(|first| first.wanted);
            assert_eq!(first, (known.normalise == Normalise::Byte).then_some(Normalise::Byte), "{file}");
        }
    }

    #[test]
    fn other_classes_or_layers_are_another_network() {
        for (file, namesake) in [("ResNet50-10", Some("ResNet50")), ("EfficientNetV2B0-bare", None)] {
            let graph = described(file).expect(file);
            assert_eq!(Application::like(&graph), None, "{file}");
            assert_eq!(Application::namesake(&graph).map(|known| known.name), namesake, "{file}");
        }
        let renamed = of_text(&text("ResNet50V2").replace("\"resnet50v2\"", "\"model_1\"")).expect("a network");
        assert_eq!((Application::like(&renamed), Application::namesake(&renamed)), (None, None));
    }

    #[test]
    fn the_architectures_of_the_program_are_among_them() {
        for architecture in Architecture::all().iter().filter(|known| !known.any_classes()) {
            let known = Application::all().iter().find(|known| known.name == architecture.name);
            assert_eq!(known.map(|known| known.preprocess()), Some(architecture.preprocess()), "{}", architecture.id);
        }
    }
}
