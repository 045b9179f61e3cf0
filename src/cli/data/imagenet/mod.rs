//! The validation images of ILSVRC 2012, labelled by its development kit.
//!
//! The kit has its own numbers for the classes. Networks number them 0 to 999 in the order of their WordNet ids. A
//! label therefore takes three steps: the line of the image in `ILSVRC2012_validation_ground_truth.txt` is the
//! ILSVRC2012 id, `meta.mat` has its WordNet id, and the index of that id in `synset_words.txt` is the class.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::files::File;
use super::folder;
use super::mat::Structures;
use crate::cli::read;
use crate::{Error, Result};
use facts::text::lines;

const GROUND_TRUTH: &str = "ILSVRC2012_validation_ground_truth.txt";
const META: &str = "meta.mat";
/// This file is part of Caffe's tools, not of the kit.
const SYNSETS: &str = "synset_words.txt";

/// Number of classes. Larger ids in the kit are nodes above the classes in WordNet.
const CLASSES: usize = 1000;

/// Lists the images in `root` in the order of their names, with labels from the kit in `devkit`.
///
/// # Errors
/// If a part of the kit is missing or damaged, or does not fit these images.
pub fn list(root: &Path, devkit: &Path) -> Result<Vec<File>> {
    let folder::Images { mut files, .. } = folder::flat(root)?;
    let truth = part(devkit, GROUND_TRUTH)?;
    let classes = classes(devkit, root)?;
    let text = read::text(&truth)?;
    let lines: Vec<(usize, &str)> = lines(&text).collect();
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
    for (file, (number, line)) in files.iter_mut().zip(lines) {
        let class = line.parse().ok().and_then(|id: usize| classes.get(&id).copied());
        file.label = Some(class.ok_or_else(|| {
            Error::input(&name, format_args!("line {number}: \"{line}\" is no ILSVRC2012 id of {META}"))
        })?);
    }
    Ok(files)
}

/// Returns the path of the file `name` in the folder of the kit.
fn part(devkit: &Path, name: &str) -> Result<PathBuf> {
    let places = ["", "data", "ILSVRC2012_devkit_t12/data"].map(|folder| devkit.join(folder).join(name));
    places.into_iter().find(|path| path.is_file()).ok_or_else(|| {
        Error::input(
            devkit.display().to_string(),
            format_args!("{name} is neither here nor in data/; --devkit names the unpacked ILSVRC2012_devkit_t12"),
        )
    })
}

/// Returns the class of each ILSVRC2012 id.
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
    // `as` saturates. A number that is not an id is removed below, or is not in the ground truth.
    let mut synsets: Vec<(usize, &str)> = pairs.into_iter().map(|(id, wnid)| (id as usize, wnid)).collect();
    synsets.retain(|(id, _)| (1..=CLASSES).contains(id));
    let listed = part(devkit, SYNSETS).or_else(|_| part(root, SYNSETS));
    let order: Vec<String> = match &listed {
        Ok(path) => lines(&read::text(path)?)
            .filter_map(|(_, line)| line.split_whitespace().next())
            .map(str::to_owned)
            .collect(),
        // The list is in the order of the ids, so it can be computed.
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
