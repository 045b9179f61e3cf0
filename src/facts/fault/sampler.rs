//! Drawing faults.
//!
//! What is drawn depends on nothing but the campaign's seed, the image's index and the fault's index: sharding,
//! resuming, the device and the platform never change it. The generator is ChaCha8, keyed with those three
//! numbers, and all ranges are drawn as `u64`, so that 32-bit wasm draws what a 64-bit machine draws.

use rand::seq::index;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::site::LayerSites;
use super::{Corruption, FaultModel, Mode, Sampling, Site, SiteSpace, Target, metadata, rate, systolic};
use crate::graph::Graph;
use crate::{Error, Result};

/// Tells this stream of numbers from any other that may be drawn from the same seed.
const DOMAIN: u64 = u64::from_le_bytes(*b"fault v1");

/// The generator of fault number `fault` of image number `image`.
fn generator(seed: u64, image: u64, fault: u64) -> ChaCha8Rng {
    let mut key = [0u8; 32];
    for (part, number) in key.chunks_exact_mut(8).zip([seed, image, fault, DOMAIN]) {
        part.copy_from_slice(&number.to_le_bytes());
    }
    ChaCha8Rng::from_seed(key)
}

/// Draws fault number `fault` of image number `image` from `model`.
///
/// `space` is usually [`SiteSpace::drawn_from`] the graph by the model. The sites are sorted by
/// layer, tensor and element.
///
/// # Errors
/// Where the model is invalid, the space is empty, a layer has fewer elements than the amount asked for, or a tensor's
/// number format lacks a bit that is to be drawn from.
pub fn draw(
    graph: &Graph,
    space: &SiteSpace,
    model: &FaultModel,
    seed: u64,
    image: u64,
    fault: u64,
) -> Result<Vec<Site>> {
    model.validate()?;
    let layers = space.layers();
    if layers.is_empty() {
        return Err(Error::request(match space.target() {
            Target::Metadata => {
                "the model has no scale or zero point to corrupt: formats of integers have them, int8 for example (--format, --weight-format), and \
                 so have networks of integers; in fixed:M.N the place of the point is part of the hardware"
            }
            _ => "the model has no layer in which a fault of this target can strike",
        }));
    }
    let mut rng = generator(seed, image, fault);
    if let (Some(rates), Some(bits)) = (&model.ber, model.kind.bits()) {
        // The remainder is below the number of rates.
        let rate = rates.of((fault % rates.all().len() as u64) as usize);
        let mut sites = rate::draw(&mut rng, graph, space.target(), layers, bits, rate)?;
        sites.sort_by_key(|site| (site.layer, site.tensor, site.element));
        return Ok(sites);
    }
    if let Some(array) = model.accelerator {
        let mut sites = systolic::draw(&mut rng, graph, layers, model.kind, array)?;
        sites.sort_by_key(|site| (site.layer, site.tensor, site.element));
        return Ok(sites);
    }
    let mut sites = Vec::new();
    match model.mode {
        Mode::Multiple => {
            for layer in layers {
                draw_in_layer(graph, space, layer, model, &mut rng, &mut sites)?;
            }
        }
        Mode::Single => {
            let layer = match model.sampling {
                Sampling::Layer => &layers[below(&mut rng, layers.len())],
                Sampling::Element => {
                    let total = layers.iter().map(|layer| layer.elements).sum();
                    let mut rest = below(&mut rng, total);
                    layers
                        .iter()
                        .find(|layer| {
                            let here = rest < layer.elements;
                            if !here {
                                rest -= layer.elements;
                            }
                            here
                        })
                        .expect("the number drawn is below the sum")
                }
            };
            draw_in_layer(graph, space, layer, model, &mut rng, &mut sites)?;
        }
    }
    sites.sort_by_key(|site| (site.layer, site.tensor, site.element));
    Ok(sites)
}

fn draw_in_layer(
    graph: &Graph,
    space: &SiteSpace,
    layer: &LayerSites,
    model: &FaultModel,
    rng: &mut ChaCha8Rng,
    sites: &mut Vec<Site>,
) -> Result<()> {
    let amount = model.kind.amount(model.amount, layer.elements);
    if amount > layer.elements {
        return Err(Error::request(format_args!(
            "{amount} distinct elements are asked for, layer \"{}\" has {}",
            graph.nodes[layer.layer].name, layer.elements
        )));
    }
    let elements = if amount == 1 {
        vec![below(rng, layer.elements)]
    } else {
        // Documented to give the same indices on 32- and 64-bit machines while they fit 32 bits.
        index::sample(rng, layer.elements, amount).into_vec()
    };
    for index in elements {
        let (tensor, element) = layer.locate(graph, index)?;
        let value = &graph.values[tensor];
        // The parameter of a large layer is read once.
        let range = if model.needs_ranges() || model.kind.needs_range() { space.range(graph, tensor) } else { None };
        if let Some(models) = &model.error_models {
            let node = &graph.nodes[layer.layer];
            let own = models.of(&node.kind).ok_or_else(|| {
                Error::request(format_args!("there is no error model for layer \"{}\" ({})", node.name, node.kind))
            })?;
            let site = |(element, corruption)| Site {
                target: space.target(),
                layer: layer.layer,
                tensor,
                element,
                corruption,
            };
            sites.extend(own.draw(rng, value, range)?.into_iter().map(site));
            continue;
        }
        let struck = match (model.pattern.is_single(), space.pixels()) {
            (true, _) => vec![element],
            (false, Some(pixels)) => model.pattern.draw_in_image(rng, pixels, element)?,
            (false, None) => model.pattern.draw(rng, value, element)?,
        };
        for element in struck {
            let target = space.target();
            let site = Site { target, layer: layer.layer, tensor, element, corruption: Corruption::Set(0.0) };
            let code = match target {
                Target::Input | Target::Metadata => metadata::format_at(graph, &site).into(),
                Target::Activation | Target::Weight => value.code(value.layout.stored_index(&value.shape, element)),
            };
            let drawn = model.kind.draw(rng, code, range);
            let corruption =
                drawn.map_err(|error| Error::request(format_args!("tensor \"{}\": {error}", value.name)))?;
            sites.push(Site { corruption, ..site });
        }
    }
    Ok(())
}

/// The number of bits that bit errors of `model` can flip in `space`; `None` where the model has no bit error rate.
///
/// # Errors
/// Where a tensor's number format lacks a bit that may flip.
pub fn bits(graph: &Graph, space: &SiteSpace, model: &FaultModel) -> Result<Option<u64>> {
    match (&model.ber, model.kind.bits()) {
        (Some(_), Some(bits)) => rate::bits_of(graph, space.target(), space.layers(), bits).map(Some),
        _ => Ok(None),
    }
}

/// The image that permanent faults are drawn for: all images have the same.
pub const EVERY_IMAGE: u64 = u64::MAX;

fn below(rng: &mut ChaCha8Rng, bound: usize) -> usize {
    rng.random_range(0..bound as u64) as usize
}
