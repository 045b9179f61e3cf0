//! The start: the first network, downloads of larger ones, and the measured speed of each device.

use facts::DeviceChoice;
use facts::catalogue::CatalogueEntry;
use protocol::FileRef;

use super::{Effect, GoldenKey, OWN, State};
use crate::catalogue;

/// Largest model file, in bytes, that is loaded at once, and computed on the CPU where nothing else was chosen.
const SMALL: u64 = 4_000_000;

/// The files of the site's larger networks. The network in use stays usable until they have arrived.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Downloads {
    under_way: Option<Download>,
    ready: Vec<(String, FileRef)>,
    failed: Option<String>,
}

/// A file on its way.
#[derive(Clone, Debug, PartialEq)]
pub struct Download {
    /// Id of the model.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Bytes so far.
    pub received: u64,
    /// Bytes in all, where that is known.
    pub total: Option<u64>,
    /// The model that was chosen when it began: who has chosen another one since keeps that.
    from: Option<String>,
}

/// Something happened to a download.
#[derive(Clone, Debug, PartialEq)]
pub enum DownloadAction {
    /// More of it has arrived.
    Progress {
        /// Bytes so far.
        received: u64,
        /// Bytes in all, where the server says.
        total: Option<u64>,
    },
    /// It is there.
    Arrived {
        /// Id of the model.
        id: String,
        /// The file, under a URL of this tab's.
        file: FileRef,
    },
    /// It will not come.
    Failed {
        /// Id of the model.
        id: String,
        /// Why.
        problem: String,
    },
    /// The user does not want it any more.
    Cancel,
}

/// The fastest fault-free run of a network on a device.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Speed {
    model: FileRef,
    device: DeviceChoice,
    milliseconds: f64,
}

impl State {
    /// The network that is being fetched.
    pub fn download(&self) -> Option<&Download> {
        self.downloads.under_way.as_ref()
    }

    /// How long a fault-free run of the chosen network takes on `device`, in milliseconds; `None` until there was one.
    pub fn speed(&self, device: DeviceChoice) -> Option<f64> {
        let model = self.model_file()?;
        let speed = self.speeds.iter().find(|speed| speed.device == device && speed.model == model);
        speed.map(|speed| speed.milliseconds)
    }

    /// The device that is wanted: where nothing was chosen the CPU for a small network, which is done there before a
    /// GPU has been opened and its programs compiled.
    pub fn device(&self) -> DeviceChoice {
        let small = || self.model_id().and_then(|id| self.entry(&id)).is_some_and(is_small);
        self.link.device.unwrap_or_else(|| if small() { DeviceChoice::Cpu } else { DeviceChoice::Gpu })
    }

    /// The file of a model of the site, once it can be loaded.
    pub(super) fn site_file(&self, id: &str) -> Option<FileRef> {
        let ready = self.downloads.ready.iter().find(|(ready, _)| ready == id).map(|(_, file)| file.clone());
        ready.or_else(|| self.entry(id).filter(|entry| !is_large(entry)).map(catalogue::model))
    }

    /// Whether the chosen network could not be fetched.
    pub(super) fn download_failed(&self) -> bool {
        self.downloads.failed.is_some() && self.downloads.failed == self.model_id()
    }

    /// Lets a download that failed be tried again.
    pub(super) fn forgive_download(&mut self) {
        self.downloads.failed = None;
    }

    /// Chooses the model `id`. A model that has to be fetched is chosen when it has arrived.
    pub(super) fn choose_or_fetch(&mut self, id: String, effects: &mut Vec<Effect>) {
        if self.entry(&id).is_some() && self.site_file(&id).is_none() {
            self.fetch(&id, effects);
        } else if self.model_id().as_ref() != Some(&id) {
            self.choose_model(Some(id));
        }
    }

    /// Fetches the chosen network, where a link names one that is not here yet.
    pub(super) fn fetch_wanted(&mut self, effects: &mut Vec<Effect>) {
        if let Some(id) = self.model_id()
            && !id.starts_with(OWN)
            && self.site_file(&id).is_none()
            && !self.download_failed()
        {
            self.fetch(&id, effects);
        }
    }

    fn fetch(&mut self, id: &str, effects: &mut Vec<Effect>) {
        if self.download().is_some_and(|download| download.id == id) {
            return;
        }
        let Some(entry) = self.entry(id) else { return };
        let (name, total, sha256) = (entry.name.clone(), entry.bytes, entry.sha256.clone());
        let file = catalogue::model(entry);
        self.downloads.failed = None;
        let from = self.model_id();
        self.downloads.under_way = Some(Download { id: id.to_owned(), name, received: 0, total, from });
        effects.push(Effect::Download { id: id.to_owned(), file, sha256 });
    }

    pub(super) fn apply_download(&mut self, action: DownloadAction, effects: &mut Vec<Effect>) {
        match action {
            DownloadAction::Progress { received, total } => {
                if let Some(download) = &mut self.downloads.under_way {
                    download.received = received;
                    download.total = download.total.or(total);
                }
            }
            DownloadAction::Arrived { id, file } => {
                self.downloads.ready.push((id.clone(), file));
                let done = self.downloads.under_way.take_if(|download| download.id == id);
                if done.is_some_and(|download| download.from == self.model_id()) {
                    self.choose_model(Some(id));
                }
            }
            DownloadAction::Failed { id, problem } => {
                if let Some(download) = self.downloads.under_way.take_if(|download| download.id == id) {
                    self.downloads.failed = Some(id);
                    self.tell(format!("{} could not be fetched: {problem}.", download.name));
                }
            }
            DownloadAction::Cancel => {
                if let Some(download) = self.downloads.under_way.take() {
                    effects.push(Effect::CancelDownload);
                    // Who opened a link to it goes on with the built-in network.
                    if self.model_id() == Some(download.id) {
                        self.choose_model(None);
                    }
                }
            }
        }
    }

    /// Notes how long the last golden run took.
    pub(super) fn note_speed(&mut self) {
        let golden = &self.asked.golden;
        let Some((GoldenKey { lab, .. }, info)) = golden.key().zip(golden.latest()) else { return };
        // The device that was asked for may not be there.
        let Some(device) = self.asked.lab.get(lab).map(|lab| lab.device.choice) else { return };
        let (model, milliseconds) = (lab.model.clone(), info.milliseconds);
        match self.speeds.iter_mut().find(|speed| speed.device == device && speed.model == model) {
            Some(speed) => speed.milliseconds = speed.milliseconds.min(milliseconds),
            None => self.speeds.push(Speed { model, device, milliseconds }),
        }
    }
}

fn is_small(entry: &CatalogueEntry) -> bool {
    entry.bytes.is_some_and(|bytes| bytes <= SMALL)
}

fn is_large(entry: &CatalogueEntry) -> bool {
    entry.bytes.is_some_and(|bytes| bytes > SMALL)
}
