//! Actions, which change the state, and effects, which the state asks for.

use std::fmt;
use std::rc::Rc;

use facts::DeviceChoice;
use facts::catalogue::Catalogue;
use facts::fault::Target;
use protocol::{Envelope, FileRef, Request, Response};

use super::{Brought, CampaignAction, DownloadAction, LessonAction};
use crate::link::{Link, Sweep, View};

/// A change of choices.
#[derive(Clone)]
pub struct Change(Rc<dyn Fn(&mut Link)>);

impl Change {
    pub(super) fn make(&self, link: &mut Link) {
        (self.0)(link);
    }
}

impl fmt::Debug for Change {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Change")
    }
}

impl PartialEq for Change {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Action {
    /// The change of choices that `change` makes.
    pub fn choose(change: impl Fn(&mut Link) + 'static) -> Self {
        Self::Choose(Change(Rc::new(change)))
    }
}

/// An event that changes the state.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// The page was opened under a link, or the user went back or forward: the part of the URL after `#`.
    Navigated(String),
    /// The list of models is there, or the sentence that says why not.
    Catalogue(Result<Catalogue, String>),
    /// The worker has said something.
    Worker(Box<Envelope<Response>>),
    /// The worker has died; a new one is being started.
    WorkerDied(String),
    /// The worker has said nothing for long.
    WorkerSilent,
    /// The user brought files.
    Brought(Box<Brought>),
    /// Change choices, without further consequences.
    Choose(Change),
    /// Tell the user something.
    Tell(String),
    /// The user has read it.
    Dismiss(u32),
    /// Choose the part of the page that is shown.
    ChooseView(View),
    /// Something happened to the file of a larger network.
    Download(DownloadAction),
    /// Choose a model by its id.
    ChooseModel(String),
    /// Choose an image by its id.
    ChooseImage(String),
    /// Choose a device.
    ChooseDevice(DeviceChoice),
    /// Choose a target.
    ChooseTarget(Target),
    /// Choose a layer by its index.
    ChooseLayer(usize),
    /// Choose a tensor of the layer, by its position among them.
    ChooseTensor(usize),
    /// Choose an element of the tensor.
    ChooseElement(usize),
    /// Choose the bit that flips.
    ChooseBit(u8),
    /// Flip this bit of the element that is looked at.
    Strike(u8),
    /// Inject the chosen fault into the element that is looked at.
    Inject,
    /// Take the fault away.
    Heal,
    /// Try many faults around the one at the element that is looked at; none ends it.
    Sweep(Option<Sweep>),
    /// Follow the corruption through the layers.
    Follow(Follow),
    /// Take the last change of the choices back.
    Undo,
    /// Make it again.
    Redo,
    /// Something in the lesson.
    Lesson(LessonAction),
    /// Repeat the requests that have failed.
    Retry,
    /// Copy a link to the present page.
    Share,
    /// Something about campaigns.
    Campaign(CampaignAction),
}

/// A step on the way of a corruption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follow {
    /// To the layer that is struck.
    First,
    /// To the layer before.
    Back,
    /// To the layer after.
    Forward,
    /// To the last layer.
    Last,
    /// Go on by itself, or stop.
    Play(bool),
}

/// Something is to be done outside the state.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Send a request to the worker.
    Send(Envelope<Request>),
    /// Fetch the file of a larger network, and keep it for the next visit.
    Download {
        /// Id of the model.
        id: String,
        /// The file.
        file: FileRef,
        /// Its SHA-256, which shows whether a kept file is of this release.
        sha256: Option<String>,
    },
    /// Fetch it no more.
    CancelDownload,
    /// Write the link into the URL; `push` makes a step in the browser's history.
    Navigate {
        /// The part of the URL after `#`.
        hash: String,
        /// Whether going back undoes it.
        push: bool,
    },
    /// Have the browser save a file.
    Save {
        /// Its name.
        name: String,
        /// Its type.
        mime: String,
        /// Its contents.
        bytes: Vec<u8>,
    },
    /// Keep a picture as a file of the page, and say so with [`CampaignAction::Pictured`].
    Picture {
        /// Its name.
        name: String,
        /// The PNG.
        png: Vec<u8>,
    },
    /// Copy the page's address with this after the `#`.
    Copy {
        /// The part of the URL after `#`.
        hash: String,
    },
}
