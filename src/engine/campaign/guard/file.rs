//! A protected network as a file: the bounds of golden runs, added to its ONNX file.

use std::sync::Arc;

use facts::campaign::compared::{Clip, Method};
use facts::data::ImageSource;
use facts::graph::HostTensor;
use facts::report::words::counted;
use facts::{Error, Result};

use crate::campaign::Lab;
use crate::exec::{Clips, extents};
use crate::import::onnx::{self, Guard, Guarded};
use crate::import::{self, Beside, Statements};

/// Images that the bounds of a file are learnt from where nothing is said.
const IMAGES: usize = 100;

/// Returns the number of images that the bounds of a file are learnt from where nothing is said, of the `available`.
pub fn images_of_file(available: usize) -> usize {
    IMAGES.min(available)
}

/// A network that a protected file is made of.
#[derive(Debug)]
pub struct Unprotected<'a> {
    /// Name of the file, for messages.
    pub name: &'a str,
    /// Its bytes.
    pub bytes: &'a [u8],
    /// The user's statements about it.
    pub stated: &'a Statements,
    /// The files beside it, which hold the weights of large models.
    pub beside: Arc<dyn Beside>,
    /// The network that was read from it, on the CPU.
    pub lab: &'a Lab,
}

/// The bounds of a protected file, and what they were learnt from.
#[derive(Debug)]
pub struct Bounded<'a, S> {
    /// The protection.
    pub clip: Clip,
    /// The bounds.
    pub clips: &'a Clips,
    /// The images.
    pub source: &'a S,
    /// The number of them that the bounds were learnt from, evenly spaced.
    pub images: usize,
    /// A name for them, which the file's metadata has.
    pub profile: &'a str,
}

/// A protected network.
#[derive(Debug)]
pub struct ProtectedFile {
    /// The file.
    pub guarded: Guarded,
    /// Numbers that the bounds are.
    pub bounds: u64,
    /// The network as it is read from the file again, on the CPU.
    pub lab: Lab,
}

/// Checks that bounds can be added to the file that is called `name`.
///
/// # Errors
/// If it is no ONNX file.
pub fn check_editable(name: &str, is_onnx: bool) -> Result<()> {
    if is_onnx {
        return Ok(());
    }
    Err(Error::input(
        name,
        "this is no ONNX file, and bounds are added to ONNX files only; export the network to ONNX where it was trained \
         (torch.onnx.export, tf2onnx) and protect that file",
    ))
}

/// Adds bounds to a network, and reads the result again. Its answer must mean the same. Where the bounds are the smallest and the
/// largest golden values, an image that they were learnt from must have the same scores.
///
/// # Errors
/// If the file cannot hold the bounds, or the protected network differs from the original where it must not.
pub async fn protected_file<S: ImageSource>(
    of: Unprotected<'_>,
    bounded: Bounded<'_, S>,
    output: &str,
) -> Result<ProtectedFile> {
    let (lab, clip) = (of.lab, bounded.clip);
    let graph = lab.executor().graph();
    let extents = extents(graph);
    let guard = |(id, bounds)| {
        let tensor = &graph.values[id];
        Guard::new(id, tensor, extents[id], bounds).allowing_for_rounding(tensor.format)
    };
    let guards: Vec<Guard> = bounded.clips.iter().map(guard).collect();
    let images = counted(bounded.images, "image");
    let note = format!("{} learnt from {images} of {}", Method::Clip(clip), bounded.profile);
    let guarded = onnx::guard(of.name, of.bytes, lab.model(), &guards, &note)?;
    let mut model = import::load_beside(output, guarded.bytes.clone(), of.stated, of.beside)?;
    model.card.preprocess.clone_from(&lab.model().card.preprocess);
    if model.answer != lab.model().answer {
        return Err(Error::input(
            output,
            format_args!(
                "with bounds behind it the output would be read as {}, not as {}; please report this model",
                model.answer,
                lab.model().answer
            ),
        ));
    }
    let protected = Lab::cpu(model)?;
    if clip.percentile >= 100.0 && (clip.scale - 1.0).abs() <= 0.0 {
        check_same(lab, &protected, bounded.source).await?;
    }
    let bounds = guards.iter().map(|guard| 2 * guard.low.len() as u64).sum();
    Ok(ProtectedFile { guarded, bounds, lab: protected })
}

/// Checks that an image that bounds were learnt from has the same scores in both networks.
async fn check_same(lab: &Lab, protected: &Lab, source: &impl ImageSource) -> Result<()> {
    let input = input(lab, source, 0)?;
    let (before, after) = (lab.answer(&input).await?, protected.answer(&input).await?);
    let same = before.logits.iter().map(|score| score.to_bits()).eq(after.logits.iter().map(|score| score.to_bits()));
    if same {
        return Ok(());
    }
    Err(Error::input(
        source.name(0),
        "the protected model gives the image other scores, though its bounds were learnt from it; please report this model",
    ))
}

fn input(lab: &Lab, source: &impl ImageSource, index: usize) -> Result<HostTensor> {
    let model = lab.model();
    let input = source.image(index).and_then(|image| model.preprocess().apply(&image, model.input_shape()));
    input.map_err(|error| error.concerning(source.name(index)))
}
