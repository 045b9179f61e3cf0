//! A protected network as an ONNX file. Its bounds are learnt a golden run at a time, so that requests are answered in between.

use std::rc::Rc;
use std::sync::Arc;

use engine::campaign::{Bounded, ClipLearning, Lab, Unprotected, check_editable, images_of_file, protected_file};
use engine::exec::Footprint;
use engine::import::InMemory;
use facts::campaign::compared::{Clip, Method};
use facts::report::words::counted;
use facts::{DeviceChoice, Error, Result};
use protocol::{CampaignAnswer, ProtectFile, RequestId, Response};
use serde_bytes::ByteBuf;

use super::campaign::{REPORT_EVERY, classes};
use super::{Host, Service};
use crate::campaign::Opened;

/// A protected network whose bounds are learnt.
pub(super) struct Bounding {
    id: RequestId,
    clip: Clip,
    /// The network on the CPU: a file is the same whatever device the page computes on.
    lab: Rc<Lab>,
    opened: Opened,
    learning: ClipLearning,
    reported: f64,
}

impl<H: Host> Service<H> {
    /// The request number of the protected network that is made.
    pub(super) fn bounding(&self) -> Option<RequestId> {
        self.bounding.as_ref().map(|bounding| bounding.id)
    }

    /// Begins to learn the bounds of a protected network.
    pub(super) async fn bound(&mut self, id: RequestId, request: ProtectFile) -> Result<Response> {
        let Some(loaded) = &self.lab else { return Err(Error::request("no model is loaded yet")) };
        check_editable(&loaded.file.name, loaded.is_onnx)?;
        let Method::Clip(clip) = request.method else {
            return Err(Error::request(format_args!(
                "{} adds no bounds; a protected network is written with range, ranger or clip-to-zero",
                request.method
            )));
        };
        let lab = match self.device {
            DeviceChoice::Cpu => loaded.lab.clone(),
            DeviceChoice::Gpu => Rc::new(Lab::cpu(loaded.lab.model().clone())?),
        };
        let footprint = Footprint::of(&lab.model().graph, false);
        footprint.check("golden runs of the original and the protected model need", 2)?;
        let opened = self.open_images(&request.images, &request.labelling, classes(&lab)).await?;
        let count = request.profile.unwrap_or_else(|| images_of_file(opened.source.len()));
        let learning = ClipLearning::new(&lab, clip, &opened.source, count)?;
        let learnt = learning.progress();
        self.bounding = Some(Bounding { id, clip, lab, opened, learning, reported: self.host.now() });
        Ok(Response::Campaign(CampaignAnswer::Bounding { learnt }))
    }

    /// Learns from the next image, or makes the file. `None` where there is nothing to tell.
    pub(super) async fn step_bounding(&mut self) -> Option<Response> {
        let mut bounding = self.bounding.take()?;
        let answer = match bounding.learning.step(&bounding.lab, &bounding.opened.source).await {
            Ok(true) => {
                let (now, learnt) = (self.host.now(), bounding.learning.progress());
                let told = now - bounding.reported >= REPORT_EVERY;
                if told {
                    bounding.reported = now;
                }
                self.bounding = Some(bounding);
                return told.then_some(Response::Campaign(CampaignAnswer::Bounding { learnt }));
            }
            Ok(false) => self.written(bounding).await,
            Err(error) => Err(error),
        };
        Some(
            answer
                .unwrap_or_else(|error| Response::Failed { message: format!("The network is not written: {error}.") }),
        )
    }

    /// Adds the bounds to the model's file, which is fetched again: the tab does not keep it.
    async fn written(&self, Bounding { clip, lab, opened, learning, .. }: Bounding) -> Result<Response> {
        let Some(loaded) = &self.lab else { return Err(Error::request("no model is loaded yet")) };
        let bytes = self.host.fetch(&loaded.file, &|_, _| ()).await?;
        let mut files = Vec::with_capacity(loaded.weights.len());
        for (_, file) in &loaded.weights {
            files.push((file.name.clone(), self.host.fetch(file, &|_, _| ()).await?));
        }
        let [_, images] = learning.progress();
        let clips = learning.finish();
        let name = &loaded.file.name;
        let of = Unprotected {
            name,
            bytes: &bytes,
            stated: &loaded.stated,
            beside: Arc::new(InMemory::new(files)),
            lab: &lab,
        };
        let profile = &opened.origin.path;
        let bounded = Bounded { clip, clips: &clips, source: &opened.source, images, profile };
        let (stem, method) = (name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem), Method::Clip(clip));
        let output = format!("{stem}-{}.onnx", method.to_string().replace([':', ',', '='], "-"));
        let written = protected_file(of, bounded, &output).await?;
        let note = loaded.weights.first().map(|(first, _)| {
            format!(
                "{output} has its weights in {} beside it, {first} for example: put it into the folder of the network.",
                counted(loaded.weights.len(), "file")
            )
        });
        Ok(Response::Campaign(CampaignAnswer::File {
            name: output,
            mime: "application/octet-stream".to_owned(),
            bytes: ByteBuf::from(written.guarded.bytes),
            note,
        }))
    }
}
