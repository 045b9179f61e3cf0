//! The files that are part of the program: the built-in networks and their sample images.

use std::path::Path;

/// A file that is part of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuiltIn {
    /// Path below the folder of models, with `/` between its parts.
    pub path: &'static str,
    /// Contents.
    pub bytes: &'static [u8],
}

macro_rules! files {
    ($($path:literal),* $(,)?) => {
        &[$(BuiltIn { path: $path, bytes: include_bytes!(concat!("../../models/", $path)) }),*]
    };
}

/// All files, those of one folder in the order of their names.
const FILES: &[BuiltIn] = files![
    "gtsrb-resnet8/gtsrb-resnet8.bpk",
    "gtsrb-resnet8/samples/sign_00_14.png",
    "gtsrb-resnet8/samples/sign_01_1.png",
    "gtsrb-resnet8/samples/sign_02_2.png",
    "gtsrb-resnet8/samples/sign_03_3.png",
    "gtsrb-resnet8/samples/sign_04_5.png",
    "gtsrb-resnet8/samples/sign_05_7.png",
    "gtsrb-resnet8/samples/sign_06_12.png",
    "gtsrb-resnet8/samples/sign_07_13.png",
    "gtsrb-resnet8/samples/sign_08_17.png",
    "gtsrb-resnet8/samples/sign_09_18.png",
    "gtsrb-resnet8/samples/sign_10_25.png",
    "gtsrb-resnet8/samples/sign_11_26.png",
    "gtsrb-resnet8/samples/sign_12_28.png",
    "gtsrb-resnet8/samples/sign_13_35.png",
    "gtsrb-resnet8/samples/sign_14_38.png",
    "gtsrb-resnet8/samples/sign_15_40.png",
    "gtsrb-vit/gtsrb-vit.bpk",
];

impl BuiltIn {
    /// The file at `path`, a path below the folder of models.
    pub fn file(path: &Path) -> Option<Self> {
        FILES.iter().find(|file| Path::new(file.path) == path).copied()
    }

    /// The files in the folder `path`, in the order of their names.
    pub fn folder(path: &Path) -> Vec<Self> {
        FILES.iter().filter(|file| Path::new(file.path).parent() == Some(path)).copied().collect()
    }

    /// The last part of the path.
    pub fn name(self) -> &'static str {
        self.path.rsplit('/').next().unwrap_or(self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::sha256;
    use crate::zoo::{Manifest, Origin};

    #[test]
    fn the_files_are_those_that_the_manifest_pins() {
        let mut files = 0;
        for id in Manifest::builtin_ids() {
            let manifest = Manifest::builtin(id).expect("a manifest");
            let Origin::Trained(trained) = &manifest.origin else { continue };
            let folder = Path::new(id);
            let model = BuiltIn::file(&folder.join(&manifest.file)).expect("the model file");
            assert_eq!(sha256(model.bytes), trained.sha256);
            files += 1;
            let Some(samples) = manifest.samples else { continue };
            let found = BuiltIn::folder(&folder.join(&samples.folder));
            let found: Vec<_> = found.into_iter().map(|file| (file.name().to_owned(), sha256(file.bytes))).collect();
            let pinned: Vec<_> = samples.images.into_iter().map(|image| (image.file, image.sha256)).collect();
            assert_eq!(found, pinned);
            files += found.len();
        }
        assert_eq!(files, FILES.len());
    }

    #[test]
    fn other_paths_are_no_files_of_the_program() {
        for path in ["", "gtsrb-resnet8", "gtsrb-resnet8/manifest.toml", "sign_00_14.png"] {
            assert_eq!(BuiltIn::file(Path::new(path)), None, "{path}");
        }
        assert_eq!(BuiltIn::folder(Path::new("gtsrb-resnet8")).len(), 1);
    }
}
