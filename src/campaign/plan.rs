//! The work of a campaign: which trials there are, in which order, and the faults of each.

use std::sync::Arc;

use super::CampaignConfig;
use crate::fault::{FaultKind, Site, SiteSpace, sampler};
use crate::graph::Graph;
use crate::{Error, Result};

/// One trial: a fault of an image. Positions are ordered as the work is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Index of the image in the source.
    pub image: usize,
    /// Index of the fault among those of the image.
    pub fault: usize,
}

/// All trials of a campaign. Each is known without making any other, so work may start anywhere.
#[derive(Clone, Debug)]
pub struct Plan {
    config: CampaignConfig,
    graph: Arc<Graph>,
    space: SiteSpace,
    images: usize,
}

impl Plan {
    /// The trials of `config` on `graph` where there are `available` images.
    ///
    /// # Errors
    /// Where the configuration is invalid, there are too few images, or no fault can be drawn.
    pub fn new(config: CampaignConfig, graph: Arc<Graph>, available: usize) -> Result<Self> {
        config.validate()?;
        let images = config.images.unwrap_or(available);
        if images > available {
            return Err(Error::request(format_args!("{images} images are asked for, the data has {available}")));
        }
        if images == 0 {
            return Err(Error::request("the data has no images"));
        }
        let space = SiteSpace::sampled(&graph, config.fault_model.target);
        let (kind, amount) = (config.fault_model.kind, config.fault_model.amount);
        let smallest = space.layers().iter().min_by_key(|sites| sites.elements);
        if let Some(sites) = smallest
            && sites.elements < amount
            && !matches!(kind, FaultKind::Zero { percent: Some(_) })
        {
            return Err(Error::request(format_args!(
                "{amount} distinct elements are asked for, layer \"{}\" has {}",
                graph.nodes[sites.layer].name, sites.elements
            )));
        }
        let plan = Self { config, graph, space, images };
        plan.sites(Position::default())?;
        Ok(plan)
    }

    /// The configuration.
    pub fn config(&self) -> &CampaignConfig {
        &self.config
    }

    /// Number of images.
    pub fn images(&self) -> usize {
        self.images
    }

    /// Number of trials.
    pub fn trials(&self) -> u64 {
        self.images as u64 * self.config.faults as u64
    }

    /// Number of trials before `position`.
    pub fn trials_before(&self, position: Position) -> u64 {
        position.image as u64 * self.config.faults as u64 + position.fault as u64
    }

    /// Names of the layers that faults are drawn from, in model order.
    pub fn layers(&self) -> Vec<String> {
        self.space.layers().iter().map(|sites| self.graph.nodes[sites.layer].name.clone()).collect()
    }

    /// Whether there is a trial at `position`.
    pub fn contains(&self, position: Position) -> bool {
        position.image < self.images && position.fault < self.config.faults
    }

    /// The position after `position`.
    pub fn after(&self, position: Position) -> Position {
        if position.fault + 1 < self.config.faults {
            Position { fault: position.fault + 1, ..position }
        } else {
            Position { image: position.image + 1, fault: 0 }
        }
    }

    /// What is injected at `position`: one element, or several ([`Mode::Multiple`](crate::fault::Mode), an
    /// amount above 1, a percentage).
    ///
    /// # Errors
    /// None for a position that the plan contains.
    pub fn sites(&self, position: Position) -> Result<Vec<Site>> {
        sampler::draw(
            &self.graph,
            &self.space,
            &self.config.fault_model,
            self.config.seed,
            position.image as u64,
            position.fault as u64,
        )
    }
}
