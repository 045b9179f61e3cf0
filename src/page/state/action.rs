//! Actions, which change the state, and effects, which the state asks for.

use facts::DeviceChoice;
use facts::catalogue::Catalogue;
use facts::data::{Normalise, Resize};
use facts::fault::Target;
use protocol::{Envelope, FileRef, Request, Response, Which};

use super::{Brought, CampaignAction, DownloadAction, LessonAction};
use facts::fault::FaultKind;

use crate::link::{Colouring, Scale, Sweep, View};

/// Something happened.
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
    /// The user brought files.
    Brought(Brought),
    /// Say how an image becomes the model's input, or leave it to the model's file again.
    ChoosePreprocess(Option<Normalise>, Option<Resize>),
    /// Use the class names of the model's file again.
    DropLabels,
    /// Use the grouping of the model's file again.
    DropGrouping,
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
    /// Choose the change of the value.
    ChooseKind(FaultKind),
    /// Choose the bit that flips.
    ChooseBit(u8),
    /// Flip this bit of the element that is looked at.
    Strike(u8),
    /// Choose the value that a random fault writes.
    ChooseValue(f32),
    /// Choose the run whose values are shown.
    ChooseWhich(Which),
    /// Choose the value at which the colours of the feature maps end.
    ChooseScale(Scale),
    /// Choose the measure that colours the layers of the diagram.
    ChooseColouring(Colouring),
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
    /// Show the fault under range clipping, too.
    Protect(bool),
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
