//! The work of a campaign: which trials there are, in which order, and the faults of each.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::{CampaignConfig, Faults, Record, Shard, Stratified, TensorRange};
use crate::fault::{
    BitErrors, Bits, EveryFault, FaultKind, FaultModel, Mode, Sampling, Site, SiteSpace, Target, sampler,
};
use crate::graph::{Graph, NodeId};
use crate::text::scientific;
use crate::{Error, Result};

/// Most pixels of an image whose bytes faults strike: as many as are decoded.
const MAX_PIXELS: usize = 64_000_000;

/// One trial: a fault of an image. Positions are ordered as the work is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Which image of the plan, from 0.
    pub nth: usize,
    /// Index of the fault among those of the image.
    pub fault: usize,
}

/// Images of a data source that a campaign may use, in the order of work.
#[derive(Clone, Debug)]
pub enum Images {
    /// So many, from the first.
    All(usize),
    /// Those with these indices, in ascending order.
    Sample(Vec<usize>),
}

impl Images {
    fn len(&self) -> usize {
        match self {
            Self::All(images) => *images,
            Self::Sample(indices) => indices.len(),
        }
    }
}

/// All trials of a campaign. Each is known without making any other, so work may start anywhere.
///
/// How many trials an image has may depend on its golden run ([`Faults`](super::Faults)).
#[derive(Clone, Debug)]
pub struct Plan {
    config: CampaignConfig,
    graph: Arc<Graph>,
    space: SiteSpace,
    /// All faults of an image, where all are tried.
    every: Option<Arc<EveryFault>>,
    images: Images,
    range: Range<usize>,
}

impl Plan {
    /// The trials of `config` on `graph` where there are the images `available`.
    ///
    /// # Errors
    /// Where the configuration is invalid, there are too few images, or no fault can be drawn.
    pub fn new(mut config: CampaignConfig, graph: Arc<Graph>, available: Images) -> Result<Self> {
        config.validate()?;
        let images = config.images.unwrap_or(available.len());
        if images > available.len() {
            let holder = if matches!(available, Images::All(_)) { "data" } else { "sample" };
            return Err(Error::request(format_args!(
                "{images} images are asked for, the {holder} has {}; choose fewer --images",
                available.len()
            )));
        }
        if images == 0 {
            return Err(Error::request("the data has no images"));
        }
        if let Some(goal) = &config.until
            && (images as u64).saturating_mul(config.faults.at_most() as u64) > goal.max_faults
        {
            return Err(Error::request(format_args!(
                "the first round has {} faults for each of {images} images, and --max-faults is {}; fewer --faults or --images, or \
                 more --max-faults",
                config.faults.at_most(),
                goal.max_faults
            )));
        }
        let space = SiteSpace::drawn_from(&graph, &config.fault_model)?;
        let every = match config.exhaustive {
            true => Some(Arc::new(EveryFault::new(&graph, &space, &config.fault_model)?)),
            false => None,
        };
        if let Some(every) = &every {
            config.faults = Faults::Each(usize::try_from(every.count()).unwrap_or(usize::MAX));
            // All elements count alike.
            config.fault_model.sampling = Sampling::Element;
        }
        if let Some(layers) = &mut config.fault_model.layers {
            // Written down in one way, however they were given.
            *layers = names(&graph, &space);
        }
        // The smallest layer shows whether the fault fits everywhere: later draws then cannot fail for its size.
        let FaultModel { kind, amount, .. } = config.fault_model;
        let smallest = space.layers().iter().min_by_key(|sites| sites.elements);
        if let Some(sites) = smallest.filter(|sites| kind.amount(amount, sites.elements) > sites.elements) {
            return Err(Error::request(format_args!(
                "{amount} distinct elements are asked for, layer \"{}\" has {}; choose a smaller --amount, or other --layers",
                graph.nodes[sites.layer].name, sites.elements
            )));
        }
        if let Some(models) = &config.fault_model.error_models {
            models.check_layers(&graph, &space)?;
        }
        let plan = Self { config, graph, space, every, images: available, range: 0..images };
        if !plan.config.fault_model.needs_ranges() {
            plan.check_draws()?;
        }
        Ok(plan)
    }

    /// The same with the ranges of golden values, which some faults depend on.
    ///
    /// # Errors
    /// Where a range is for a tensor that the model does not have, or no fault can be drawn.
    pub fn with_ranges(mut self, ranges: &[TensorRange]) -> Result<Self> {
        let ranges = ranges.iter().map(|range| (range.tensor.as_str(), [range.low, range.high]));
        self.space = self.space.with_ranges(&self.graph, ranges)?;
        self.check_draws()?;
        Ok(self)
    }

    /// Draws a fault in every layer, so that one that does not fit is found before the first fault.
    fn check_draws(&self) -> Result<()> {
        let model = &self.config.fault_model;
        // A share of a tensor fits every tensor, and may be large.
        let is_share = matches!(model.kind, FaultKind::Zero { percent: Some(_) });
        if model.mode == Mode::Single && model.ber.is_none() && model.accelerator.is_none() && !is_share {
            for sites in self.space.layers() {
                self.check_layer(sites.layer).map_err(|error| self.with_way_out(error))?;
            }
        }
        self.sites(Position::default()).map(drop)
    }

    /// Draws some faults in `layer`.
    fn check_layer(&self, layer: NodeId) -> Result<()> {
        let (model, alone) = (&self.config.fault_model, self.space.only(layer));
        let tries = if model.pattern.is_single() { 1 } else { 4 };
        (0..tries).try_for_each(|nth| {
            sampler::draw(&self.graph, &alone, model, self.config.seed, sampler::EVERY_IMAGE - 1, nth).map(drop)
        })
    }

    /// Adds to the refusal of a pattern the kinds of layers that it fits.
    fn with_way_out(&self, error: Error) -> Error {
        let model = &self.config.fault_model;
        if model.pattern.is_single() || !matches!(model.target, Target::Activation | Target::Weight) {
            return error;
        }
        let mut fits: BTreeMap<&str, Vec<bool>> = BTreeMap::new();
        for sites in self.space.layers() {
            let kind = self.graph.nodes[sites.layer].kind.as_str();
            fits.entry(kind).or_default().push(self.check_layer(sites.layer).is_ok());
        }
        let whole = fits.iter().filter(|(_, fits)| fits.iter().all(|fits| *fits));
        let whole: Vec<String> = whole.map(|(kind, _)| format!("kind:{kind}")).collect();
        let choice = match fits.values().flatten().any(|fits| *fits) {
            _ if !whole.is_empty() => format!("for example --layers {}", whole.join(",")),
            true => "by name or index".to_owned(),
            false => return error,
        };
        match error {
            Error::Request(problem) => {
                Error::request(format_args!("{problem}; --layers chooses layers that it fits, {choice}"))
            }
            other => other,
        }
    }

    /// The part of the plan that is `shard`.
    ///
    /// # Errors
    /// Where there are more parts than images.
    pub fn shard(mut self, shard: Shard) -> Result<Self> {
        if shard.of() > self.range.len() {
            return Err(Error::request(format_args!(
                "{} images cannot be cut into {} shards; take at most as many shards as images",
                self.range.len(),
                shard.of()
            )));
        }
        self.range = shard.range(self.range.len());
        Ok(self)
    }

    /// The same with another number of faults for each image.
    ///
    /// # Errors
    /// Where an image could get none.
    pub fn with_faults(mut self, faults: Faults) -> Result<Self> {
        faults.validate()?;
        self.config.faults = faults;
        Ok(self)
    }

    /// The same with a design that gives faults weights.
    ///
    /// # Errors
    /// Where its numbers do not fit.
    pub fn with_design(mut self, design: Stratified) -> Result<Self> {
        self.config.design = Some(design);
        self.config.validate()?;
        Ok(self)
    }

    /// Elements of each layer that faults are drawn from, in model order.
    pub fn elements(&self) -> Vec<usize> {
        self.space.layers().iter().map(|sites| sites.elements).collect()
    }

    /// The configuration.
    pub fn config(&self) -> &CampaignConfig {
        &self.config
    }

    /// Number of images.
    pub fn images(&self) -> usize {
        self.range.len()
    }

    /// Index in the data source of the `nth` image, counted from 0; `None` after the last.
    pub fn image(&self, nth: usize) -> Option<usize> {
        let nth = self.range.clone().nth(nth)?;
        match &self.images {
            Images::All(_) => Some(nth),
            Images::Sample(indices) => indices.get(nth).copied(),
        }
    }

    /// Number of trials, or the most there can be where that depends on the golden runs.
    pub fn trials(&self) -> u64 {
        match self.config.until {
            Some(goal) => goal.max_faults,
            None => (self.images() as u64).saturating_mul(self.config.faults.at_most() as u64),
        }
    }

    /// Names of the layers that faults are drawn from, in model order.
    pub fn layers(&self) -> Vec<String> {
        names(&self.graph, &self.space)
    }

    /// What is injected at `position`: one element, or several ([`Mode::Multiple`](crate::fault::Mode), an
    /// amount above 1, a percentage). In a stratified campaign the fault's number is that of the candidate.
    ///
    /// # Errors
    /// Where the plan has no such image.
    pub fn sites(&self, position: Position) -> Result<Vec<Site>> {
        self.sites_in(position, None)
    }

    /// Whether faults strike the bytes of the image, so that its size must be known.
    pub fn strikes_image(&self) -> bool {
        self.space.target() == Target::Input
    }

    /// The same for an image of this width and height, where faults strike its bytes. Without its size it is as large as the
    /// model's input.
    ///
    /// # Errors
    /// As [`Plan::sites`].
    pub fn sites_in(&self, position: Position, pixels: Option<[usize; 2]>) -> Result<Vec<Site>> {
        let image = self.image(position.nth).ok_or_else(|| {
            Error::request(format_args!("the campaign has {} images, no image {}", self.images(), position.nth))
        })?;
        if let Some(every) = &self.every {
            return Ok(vec![every.site(&self.space, position.fault as u64)?]);
        }
        let own = pixels.filter(|_| self.strikes_image()).map(|pixels| self.space.of_image(pixels));
        sampler::draw(
            &self.graph,
            own.as_ref().unwrap_or(&self.space),
            &self.config.fault_model,
            self.config.seed,
            if self.config.fault_model.is_permanent() { sampler::EVERY_IMAGE } else { image as u64 },
            position.fault as u64,
        )
    }

    /// The sum of what is struck at `sites`, which are drawn for fault number `fault` of an image; `None` where a record lists all of
    /// them.
    pub fn errors(&self, fault: usize, sites: &[Site]) -> Option<BitErrors> {
        let struck = sites.iter().map(|site| {
            let (layer, tensor) = (&self.graph.nodes[site.layer].name, &self.graph.values[site.tensor].name);
            (layer.as_str(), tensor.as_str(), site.element, site.corruption.bits())
        });
        self.errors_of(fault, struck)
    }

    /// The same of the layer, tensor, element and bits of each place.
    pub fn errors_of<'a>(
        &self,
        fault: usize,
        struck: impl ExactSizeIterator<Item = (&'a str, &'a str, usize, Option<Bits>)>,
    ) -> Option<BitErrors> {
        let model = &self.config.fault_model;
        let rate = model.ber.as_ref().map(|rates| rates.of(fault));
        let is_summed = rate.is_some() || model.accelerator.is_some() || self.is_in_ranges(struck.len());
        is_summed.then(|| BitErrors::of(rate, struck))
    }

    /// Whether a record gives the elements of a pattern as ranges, because they are too many to be listed.
    pub fn is_in_ranges(&self, elements: usize) -> bool {
        let model = &self.config.fault_model;
        let may_be_many = !model.pattern.is_single() || model.error_models.is_some();
        may_be_many && elements > <Record>::LISTED
    }

    /// The number of bits that bit errors can flip in an inference of an image of `pixels`, width and height, which counts where
    /// they strike its bytes; `None` where the fault model has no bit error rate.
    pub fn bits(&self, pixels: [usize; 2]) -> Option<u64> {
        sampler::bits(&self.graph, &self.space.of_image(pixels), &self.config.fault_model).unwrap_or_default()
    }

    /// Makes sure that `image` is the one at `position`.
    ///
    /// # Errors
    /// Where it is another.
    pub fn check_image(&self, position: Position, image: usize) -> Result<()> {
        if self.image(position.nth) == Some(image) {
            return Ok(());
        }
        Err(Error::request(format_args!(
            "image {} is expected here, found image {image}",
            self.image(position.nth).unwrap_or_default()
        )))
    }

    /// Makes sure that `record` is one of the trial at `position`: of that image, with the faults that are drawn
    /// there.
    ///
    /// # Errors
    /// Where it is of another trial.
    pub fn check(&self, position: Position, record: &Record) -> Result<()> {
        let drawn = match (&self.config.design, &record.drawn) {
            (None, None) => position,
            (Some(design), Some(drawn)) if design.aim.is_none() && drawn.candidate < design.candidates => {
                Position { fault: drawn.candidate, ..position }
            }
            // Each fault has candidates of its own.
            (Some(design), Some(drawn))
                if design.aim.is_some() && drawn.candidate / design.candidates == position.fault =>
            {
                Position { fault: drawn.candidate, ..position }
            }
            (Some(design), drawn) => {
                return Err(Error::request(format_args!(
                    "a record of a stratified campaign names one of {} candidates, found {}",
                    design.candidates,
                    drawn.as_ref().map_or_else(|| "none".to_owned(), |drawn| drawn.candidate.to_string())
                )));
            }
            (None, Some(_)) => {
                return Err(Error::request("the record has a weight, and the campaign is uniform"));
            }
        };
        let protections = self.config.compared.as_ref().map_or(0, |compared| compared.methods.len());
        if record.protected.len() != protections {
            return Err(Error::request(format_args!(
                "fault {} of image {}: expected the outcome under {protections} protections (config.json), found {}",
                position.fault,
                record.image,
                record.protected.len()
            )));
        }
        if self.strikes_image() != record.pixels.is_some() {
            let wanted = if self.strikes_image() { "width and height" } else { "no width and height" };
            return Err(Error::request(format_args!(
                "fault {} of image {}: {wanted} of the image are expected in its record",
                position.fault, record.image
            )));
        }
        if record.pixels.is_some_and(|[width, height]| !(1..=MAX_PIXELS).contains(&width.saturating_mul(height))) {
            return Err(Error::request(format_args!(
                "image {}: an image of 1 to {MAX_PIXELS} pixels is expected",
                record.image
            )));
        }
        let sites = self.sites_in(drawn, record.pixels)?;
        self.check_image(position, record.image)?;
        let errors = self.errors(drawn.fault, &sites);
        // Versions before listed all elements of a pattern.
        let in_full = record.errors.is_none() && !self.config.fault_model.pattern.is_single();
        if errors != record.errors && !in_full {
            let said = |errors: Option<BitErrors>| match errors {
                None => "no bit errors".to_owned(),
                Some(BitErrors { rate, flips, elements, sites, .. }) => {
                    let rate = rate.map(|rate| format!(" at rate {}", scientific(rate))).unwrap_or_default();
                    format!("{flips} bit errors{rate} in {elements} elements (CRC-32 {sites:08x})")
                }
            };
            return Err(Error::request(format_args!(
                "fault {} of image {} strikes with {}, found {}",
                position.fault,
                record.image,
                said(errors),
                said(record.errors)
            )));
        }
        let mut drawn: Vec<_> = sites
            .iter()
            .map(|site| {
                let bits = site.corruption.bits();
                let (layer, tensor) = (&self.graph.nodes[site.layer].name, &self.graph.values[site.tensor].name);
                (layer.as_str(), tensor.as_str(), site.element, bits)
            })
            .collect();
        let mut found: Vec<_> = record
            .all_faults()
            .iter()
            .map(|fault| (fault.layer.as_str(), fault.tensor.as_str(), fault.element, fault.struck()))
            .collect();
        if !in_full && errors.is_some_and(|errors| errors.elements > BitErrors::LISTED) {
            // The sum of all of them was compared; the record lists the one that was drawn first.
            drawn.truncate(1);
        }
        drawn.sort_unstable();
        found.sort_unstable();
        let differing = drawn.iter().zip(&found).find(|(drawn, found)| drawn != found);
        let problem = match differing {
            Some(((layer, tensor, element, bits), found)) => format!(
                "strikes layer \"{layer}\", tensor \"{tensor}\", element {element}, {}, found \"{}\", \"{}\", {}, {}",
                struck(*bits),
                found.0,
                found.1,
                found.2,
                struck(found.3)
            ),
            None if drawn.len() != found.len() => {
                format!("strikes {} elements at once, found {}", drawn.len(), found.len())
            }
            None => return Ok(()),
        };
        Err(Error::request(format_args!("fault {} of image {} {problem}", position.fault, record.image)))
    }
}

/// The struck bits in words.
fn struck(bits: Option<Bits>) -> String {
    bits.map_or_else(|| "no single bit".to_owned(), |bits| format!("bit {bits}"))
}

fn names(graph: &Graph, space: &SiteSpace) -> Vec<String> {
    space.layers().iter().map(|sites| graph.nodes[sites.layer].name.clone()).collect()
}
