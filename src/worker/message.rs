//! What an interface and the worker tell each other. Plain data: it crosses a thread on the desktop, and
//! the border between two copies of this program in a page.

pub use crate::bench::TimedBy;
use crate::check::Row;
use crate::data::protocol::Protocol;
use crate::data::source::Source;
use crate::nn::Loss;
use crate::plan::Adapter;
use crate::report::Chart;
use crate::train::cell::Cell;
use crate::train::metrics::Confusion;
use crate::train::{Change, EpochResult, EpochRow, GroundEdit, Settings};
pub use crate::train::{Look, Maps, Seen};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What joins an interface with a worker, wherever that is.
pub trait Link {
    /// Hands over a command. Never waits.
    fn send(&mut self, command: Command);

    /// All messages that have arrived.
    fn receive(&mut self) -> Vec<Message>;

    /// The browser around a page, where files have no places: what is read is chosen there and handed to the worker, which tells
    /// of it ([`Message::Brought`]), and what is written is offered as a download.
    fn browser(&mut self) -> Option<&mut dyn Browser> {
        None
    }
}

/// The browser around a page.
pub trait Browser {
    /// Opens the browser's own dialog.
    fn choose(&mut self, what: Choose);
}

/// What a browser's dialog lets choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choose {
    /// A folder with all that is in it.
    Folder,
    /// Files.
    Files,
}

/// What was brought into a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Brought {
    /// A folder of images.
    Images(PathBuf),
    /// A file into which a run was packed.
    Run(PathBuf),
}

/// A run that lies in `runs/`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Its folder.
    pub place: PathBuf,
    /// Name of its data.
    pub data: String,
    /// Its racers.
    pub losses: Vec<Loss>,
    /// Epochs done, and epochs in all.
    pub epochs: [usize; 2],
    /// Bytes of all its files.
    pub bytes: u64,
}

/// What the worker is asked to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Command {
    /// Train this from its first step; a run under way is saved and left.
    Begin(Box<Order>),
    /// Open the run of a folder, resting where its checkpoint stands.
    Open {
        /// The run's folder, or a file into which it was packed.
        place: PathBuf,
        /// On what it goes on: `auto`, `gpu`, `cpu` or a name.
        device: String,
    },
    /// Train on, or rest.
    Go(Pace),
    /// Train with another setting from the next step on.
    Change(Change),
    /// Train with these cells of D from the next epoch on, all racers that read one.
    Ground(GroundEdit),
    /// Begin again from the same first weights.
    Restart,
    /// Write checkpoint, weights, matrices, figures and report now.
    Save,
    /// End the run here, all files written; one whose data are still being read does not begin.
    Stop,
    /// Show test images.
    Images(Vec<usize>),
    /// Look into a network.
    Look(Look),
    /// Test every kernel of the device that is used against the f64 reference.
    Check,
    /// Measure the time of each kind of step.
    Measure,
    /// Draw a figure or write numbers.
    Export(Box<Export>),
    /// Tell which runs lie in `runs/`.
    List,
    /// Remove one of them with all its files.
    Remove(PathBuf),
    /// Save what there is and end.
    Close,
}

/// A run to be begun.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Order {
    /// What is trained.
    pub cell: Cell,
    /// The run's folder; the next unused one of `runs/` where none is said.
    pub place: Option<PathBuf>,
    /// On what: `auto`, `gpu`, `cpu` or an adapter's name.
    pub device: String,
    /// Whether it begins at once, or rests before its first step.
    pub begins: bool,
    /// Whether the network's channels and hidden layer are those that suit the device, whatever the cell says.
    pub sized_by_device: bool,
}

/// How far to train.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pace {
    /// To the end.
    Run,
    /// Not at all.
    Rest,
    /// One step.
    Step,
    /// To the end of the epoch.
    Epoch,
}

/// A figure or a table of numbers to be written, with all that it shows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Export {
    /// What it shows.
    pub what: Exported,
    /// The file; its ending says the format: `.png`, `.svg` or `.csv`.
    pub to: PathBuf,
}

/// What can be written.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Exported {
    /// Curves of AEM and AEO, or rows of metrics.
    Curves(Vec<EpochRow>),
    /// Curves as they are shown.
    Charts(Vec<Chart>),
    /// A matrix of distances, classes x classes.
    Matrix {
        /// Class names.
        classes: Vec<String>,
        /// The matrix.
        matrix: Vec<f64>,
        /// The figure's title.
        title: String,
    },
    /// Counts by true and predicted class.
    Confusion {
        /// Class names.
        classes: Vec<String>,
        /// The counts.
        confusion: Confusion,
        /// The figure's title.
        title: String,
    },
    /// The weights of a racer.
    Weights(Loss),
    /// A picture that the window made.
    Picture {
        /// Pixels across.
        width: u32,
        /// Red, green and blue, row by row.
        rgb: Vec<u8>,
    },
    /// A drawing that the window made, as SVG.
    Drawing(String),
    /// A difference of two matrices, classes x classes: below zero in another colour than above.
    Difference {
        /// Class names.
        classes: Vec<String>,
        /// The difference.
        matrix: Vec<f64>,
        /// The figure's title.
        title: String,
    },
    /// The report of the run, `.html`.
    Report,
    /// The run of a folder packed into one file, `.backhoe`.
    Run(PathBuf),
}

/// All that is known of a run when it begins or is opened.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Scene {
    /// The run's folder.
    pub place: PathBuf,
    /// Name of the data.
    pub data: String,
    /// Where the data come from.
    pub source: Source,
    /// How they are grouped and divided.
    pub protocol: Protocol,
    /// How it is trained.
    pub settings: Settings,
    /// Class names in their order.
    pub classes: Vec<String>,
    /// What each class stands for as a number.
    pub class_values: Vec<f64>,
    /// Training images.
    pub train_images: usize,
    /// Class of each test image.
    pub labels: Vec<u32>,
    /// Name of each test image.
    pub names: Vec<String>,
    /// Weights of a racer.
    pub parameters: usize,
    /// Bytes of memory that the plan of a step takes, scratch included.
    pub memory: u64,
    /// What it runs on.
    pub adapter: Adapter,
    /// Why that.
    pub why: String,
    /// Files that were passed over.
    pub skipped: Vec<String>,
    /// Rows of the epochs done before.
    pub rows: Vec<EpochRow>,
    /// Steps done before.
    pub step: usize,
    /// Cells of D that are held fast.
    pub held: GroundEdit,
    /// Batches of an epoch.
    pub batches: usize,
}

/// A test image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// Its number among the test images.
    pub index: usize,
    /// Pixels across and down.
    pub side: usize,
    /// Red, green and blue planes, 3 x side x side.
    pub planes: Vec<u8>,
}

/// Time of one kind of step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PassTime {
    /// The operation.
    pub op: String,
    /// Milliseconds of a training step.
    pub ms: f64,
    /// Share of the step, 0 to 1.
    pub share: f64,
    /// GFLOP/s by the plan's count.
    pub gflops: f64,
}

/// How fast each kind of step is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Passes {
    /// A row a kind, slowest first.
    pub kinds: Vec<PassTime>,
    /// How they were timed.
    pub timed_by: TimedBy,
    /// Steps measured, and steps in all.
    pub steps: [usize; 2],
    /// Whether all are measured, or the measurement came to nothing.
    pub over: bool,
    /// Why they could not be measured.
    pub trouble: Option<String>,
}

/// How a device agrees with the f64 reference so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// The device.
    pub adapter: Adapter,
    /// A row a kernel that is done.
    pub rows: Vec<Row>,
    /// Cases done, and cases in all.
    pub cases: [usize; 2],
    /// Whether the check is over.
    pub over: bool,
    /// Why it ended before its last case.
    pub trouble: Option<String>,
}

/// What went wrong, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// What was attempted.
    pub what: String,
    /// Why it failed and what to do.
    pub why: String,
    /// Whether no run is under way any more.
    pub ends: bool,
}

/// What a browser lacks to train on a GPU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Lack {
    /// A page that was loaded in a way that may use WebGPU.
    Secure,
    /// WebGPU.
    WebGpu,
    /// An adapter for it.
    Adapter,
    /// An adapter that is more than a driver of this name that computes on the processor.
    Gpu(String),
}

/// What the worker tells.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Message {
    /// No GPU can be had here.
    Lacks(Lack),
    /// Data are being made or read.
    Loading {
        /// Images done.
        done: usize,
        /// Images in all; 0 where they are still being looked for.
        of: usize,
    },
    /// All data are there, and what computes makes itself ready: kernels are compiled.
    Preparing,
    /// The run whose data were being read does not begin, as it was asked by [`Command::Stop`].
    CalledOff,
    /// A run has begun or was opened.
    Begun(Box<Scene>),
    /// A batch was submitted.
    Step {
        /// Epochs done.
        epoch: usize,
        /// Batches done in the present epoch.
        batch: usize,
        /// Images a second in the last moments, each counted once however many losses race.
        rate: f64,
    },
    /// Mean training loss of the epoch so far.
    Loss {
        /// The racer.
        loss: Loss,
        /// The mean.
        mean: f64,
    },
    /// An epoch of one racer is over.
    Epoch(Box<EpochResult>),
    /// What was asked for is reached; it waits for the next command.
    Resting,
    /// All epochs are done and all files written.
    Finished,
    /// The settings as they are from now on.
    Changed(Box<Settings>),
    /// The cells of D that are held fast from the next epoch on.
    Held(GroundEdit),
    /// The device was lost and opened again.
    Recovered {
        /// Why it was lost.
        why: String,
        /// What it runs on now.
        adapter: Adapter,
        /// Steps done.
        step: usize,
    },
    /// A checkpoint lies in the folder.
    Kept {
        /// Steps done by then.
        step: usize,
        /// Whether weights, figures and report are of that step, too.
        whole: bool,
    },
    /// Test images that were asked for.
    Images(Vec<Picture>),
    /// What was looked at.
    Seen(Box<Seen>),
    /// How the device agrees with the reference so far.
    Checked(Box<Agreement>),
    /// Time of each kind of step.
    Measured(Box<Passes>),
    /// A file was written.
    Written(PathBuf),
    /// The runs that lie in `runs/`, in the order of their names.
    Runs(Vec<Kept>),
    /// Files were handed to a page.
    Brought(Brought),
    /// Something went wrong; the worker lives on.
    Failed(Trouble),
    /// It is over.
    Closed,
}
