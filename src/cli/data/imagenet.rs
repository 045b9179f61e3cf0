//! The validation images of ILSVRC 2012, labelled by its development kit.
//!
//! The kit numbers the classes its own way. Networks number them 0 to 999 in the order of their WordNet ids, so a label
//! takes three steps: the image's line in `ILSVRC2012_validation_ground_truth.txt` gives the ILSVRC2012 id, `meta.mat`
//! its WordNet id, and the place of that in `synset_words.txt` is the class.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::files::File;
use super::folder;
use super::mat::Structures;
use crate::cli::read;
use crate::{Error, Result};

const GROUND_TRUTH: &str = "ILSVRC2012_validation_ground_truth.txt";
const META: &str = "meta.mat";
/// Comes with Caffe's tools, not with the kit.
const SYNSETS: &str = "synset_words.txt";

/// Number of classes; the kit gives larger ids to what lies above them in WordNet.
const CLASSES: usize = 1000;

/// The images in `root`, in the order of their names, with labels from the kit in `devkit`.
///
/// # Errors
/// Where a part of the kit is missing or damaged, or is not for these images.
pub fn list(root: &Path, devkit: &Path) -> Result<Vec<File>> {
    let mut files = folder::flat(root)?;
    let truth = part(devkit, GROUND_TRUTH)?;
    let classes = classes(devkit, root)?;
    let text = read::text(&truth)?;
    let lines: Vec<&str> = text.lines().collect();
    let name = truth.display().to_string();
    if lines.len() != files.len() {
        return Err(Error::input(
            name,
            format_args!(
                "it has {} lines, one an image, but there are {} images in {}",
                lines.len(),
                files.len(),
                root.display()
            ),
        ));
    }
    for (number, (file, line)) in files.iter_mut().zip(lines).enumerate() {
        let class = line.trim().parse().ok().and_then(|id: usize| classes.get(&id).copied());
        file.label = Some(class.ok_or_else(|| {
            Error::input(&name, format_args!("line {}: \"{line}\" is no ILSVRC2012 id of {META}", number + 1))
        })?);
    }
    Ok(files)
}

/// The file `name` in the kit's folder, wherever below it the kit was unpacked.
fn part(devkit: &Path, name: &str) -> Result<PathBuf> {
    let places = ["", "data", "ILSVRC2012_devkit_t12/data"].map(|folder| devkit.join(folder).join(name));
    places.into_iter().find(|path| path.is_file()).ok_or_else(|| {
        Error::input(
            devkit.display().to_string(),
            format_args!("{name} is neither here nor in data/; --devkit names the unpacked ILSVRC2012_devkit_t12"),
        )
    })
}

/// Class by ILSVRC2012 id.
fn classes(devkit: &Path, root: &Path) -> Result<HashMap<usize, usize>> {
    let meta = part(devkit, META)?;
    let name = meta.display().to_string();
    let damaged = || {
        Error::input(
            &name,
            "this is no MAT-file with the array \"synsets\" of structures with ILSVRC2012_ID and WNID; it may be damaged",
        )
    };
    let structures = Structures::read(&read::bytes(&meta)?, "synsets").ok_or_else(damaged)?;
    let pairs = structures.pairs("ILSVRC2012_ID", "WNID").ok_or_else(damaged)?;
    // `as` saturates, and what is no id then is none of the ground truth's either.
    let mut synsets: Vec<(usize, &str)> = pairs.into_iter().map(|(id, wnid)| (id as usize, wnid)).collect();
    synsets.retain(|(id, _)| (1..=CLASSES).contains(id));
    let listed = part(devkit, SYNSETS).or_else(|_| part(root, SYNSETS));
    let order: Vec<String> = match &listed {
        Ok(path) => {
            read::text(path)?.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
        }
        // The list is in the order of the ids, so it can do without.
        Err(_) => {
            let mut order: Vec<String> = synsets.iter().map(|&(_, wnid)| wnid.to_owned()).collect();
            order.sort();
            order
        }
    };
    let places: HashMap<&str, usize> = order.iter().enumerate().map(|(place, wnid)| (wnid.as_str(), place)).collect();
    synsets
        .into_iter()
        .map(|(id, wnid)| {
            let place = places.get(wnid).copied().ok_or_else(|| {
                let list = listed.as_ref().map_or_else(|_| name.clone(), |path| path.display().to_string());
                Error::input(list, format_args!("{wnid}, which is ILSVRC2012 id {id} in {META}, is missing"))
            })?;
            Ok((id, place))
        })
        .collect()
}

#[cfg(test)]
mod tests;
