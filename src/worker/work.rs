//! The worker as a state machine that is polled: what it does, a little at a time.

use super::WorkError;
use super::aside::Aside;
use super::message::{Command, Exported, Message, Order, Trouble};
use super::preparing::{Preparing, Ready};
use super::reading::Reading;
use super::run::{Ask, Run};
use super::words::words;
use super::{exporting, keeping};
use crate::device::Opened;
use crate::train::run::RunFolder;
use crate::train::session::Opener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::task::Waker;

/// Where messages go.
pub type Tell = Arc<dyn Fn(Message) + Send + Sync>;

/// Opens the device of a name (`auto`, `gpu`, `cpu`, an adapter's); nothing while it is still opening.
pub type OpenDevice = Arc<dyn Fn(&str) -> Result<Option<Opened>, String> + Send + Sync>;

/// What [`Worker::advance`] came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Something was done; call again.
    Working,
    /// A device is busy; call again when it has finished something.
    Waiting,
    /// There is nothing to do before the next command.
    Idle,
    /// It is over.
    Closed,
}

/// What comes after the present run has been left.
enum After {
    Begin(Box<Order>),
    Open { place: PathBuf, device: String },
    Close,
}

enum Stage {
    Idle,
    /// A device is being opened.
    Opening(After),
    /// The images of a run are being read.
    Reading(Box<Reading>),
    /// A run is being prepared, whose images are read.
    Preparing(Box<Preparing>),
    Running(Box<Run>),
    Closed,
}

/// The worker.
pub struct Worker {
    open: OpenDevice,
    tell: Tell,
    stage: Stage,
    /// What is done once the run under way is saved.
    after: Option<After>,
    /// An order that begins the last run again, and its folder.
    last: Option<(Box<Order>, RunFolder)>,
    /// What is done beside the run.
    aside: Aside,
}

impl Worker {
    /// One without a run.
    #[must_use]
    pub fn new(open: OpenDevice, tell: Tell) -> Self {
        let aside = Aside::new(Arc::clone(&open), Arc::clone(&tell));
        Self { open, tell, stage: Stage::Idle, after: None, last: None, aside }
    }

    /// Takes a command; what takes time is done by [`Worker::advance`].
    pub fn take(&mut self, command: Command) {
        match command {
            Command::Begin(order) => self.leave_for(After::Begin(order)),
            Command::Open { place, device } => self.leave_for(After::Open { place, device }),
            Command::Restart => {
                if let Some(order) = self.again() {
                    self.leave_for(After::Begin(order));
                }
            }
            Command::List => (self.tell)(Message::Runs(keeping::list())),
            Command::Remove(place) => self.remove(&place),
            Command::Close => self.leave_for(After::Close),
            Command::Check => {
                let begun = self.last.as_ref().map_or("auto", |(order, _)| &order.device);
                self.aside.check(if let Stage::Running(run) = &self.stage { run.device() } else { begun });
            }
            Command::Measure => {
                if let Stage::Running(run) = &self.stage
                    && let Some((workload, losses)) = run.workload()
                {
                    self.aside.measure(run.device(), workload, losses);
                }
            }
            Command::Stop if self.is_beginning() => {
                self.give_up();
                (self.tell)(Message::CalledOff);
            }
            other => self.ask(other),
        }
    }

    /// Whether a run was asked for that has not begun yet.
    fn is_beginning(&self) -> bool {
        matches!(self.stage, Stage::Opening(_) | Stage::Reading(_) | Stage::Preparing(_))
    }

    /// Gives up a run that has not begun yet.
    fn give_up(&mut self) {
        match std::mem::replace(&mut self.stage, Stage::Idle) {
            Stage::Reading(reading) => reading.made().undo(),
            Stage::Preparing(preparing) => preparing.made().undo(),
            Stage::Idle | Stage::Opening(_) | Stage::Running(_) | Stage::Closed => {}
        }
    }

    /// Keeps what is needed of a run once it is gone.
    fn remember(&mut self) {
        if let Stage::Running(run) = &self.stage {
            self.last = Some((Box::new(run.order()), run.folder().clone()));
        }
    }

    /// An order that begins the last run again; nothing where there was none.
    #[must_use]
    pub fn again(&mut self) -> Option<Box<Order>> {
        self.remember();
        self.last.as_ref().map(|(order, _)| order.clone())
    }

    /// The folder of which a command reads files: who keeps them elsewhere brings them first.
    #[must_use]
    pub fn reads(&self, command: &Command) -> Option<PathBuf> {
        let current = || match &self.stage {
            Stage::Running(run) => Some(run.folder().path.clone()),
            _ => self.last.as_ref().map(|(_, folder)| folder.path.clone()),
        };
        match command {
            Command::Open { place, .. } => Some(place.clone()),
            Command::Export(export) => match &export.what {
                Exported::Weights(_) | Exported::Report => current(),
                Exported::Run(place) => Some(place.clone()),
                _ => None,
            },
            _ => None,
        }
    }

    fn remove(&mut self, place: &Path) {
        let removed = match &self.stage {
            Stage::Running(run) if run.folder().path == place => Err(WorkError::Words(format!(
                "{} is the run that is shown: begin or open another before it is removed",
                place.display()
            ))),
            _ => keeping::remove(place),
        };
        match removed {
            Ok(()) => (self.tell)(Message::Runs(keeping::list())),
            Err(error) => self.fail("removing a run", &error),
        }
    }

    /// What a run alone can do; figures can be written of one that is over, too, and of it there are no more images and looks.
    fn ask(&mut self, command: Command) {
        let taken = match (&mut self.stage, command) {
            (Stage::Running(run), command) => run.take(command),
            (_, Command::Images(_) | Command::Look(_)) => Ok(()),
            (_, Command::Export(export)) => {
                let folder = self.last.as_ref().map(|(_, folder)| folder);
                exporting::write(&export, folder).map(|written| (self.tell)(Message::Written(written)))
            }
            _ => Err(WorkError::Words("there is no run under way: start one, or open one from its folder".to_owned())),
        };
        if let Err(error) = taken {
            self.fail("that", &error);
        }
    }

    fn leave_for(&mut self, after: After) {
        if let Stage::Running(run) = &mut self.stage {
            run.leave();
        }
        self.aside.clear();
        self.after = Some(after);
    }

    /// Does a little.
    pub fn advance(&mut self) -> Next {
        if let Some(next) = self.aside.hold() {
            return next;
        }
        let next = self.advance_run();
        self.aside.advance(next)
    }

    fn advance_run(&mut self) -> Next {
        // Something else was asked for meanwhile.
        if self.after.is_some() && self.is_beginning() {
            self.give_up();
            return Next::Working;
        }
        match &mut self.stage {
            Stage::Idle => self.next(Next::Idle),
            Stage::Opening(_) => self.open_device(),
            Stage::Reading(_) => self.read(),
            Stage::Preparing(preparing) => match preparing.advance() {
                Next::Idle => self.begin(),
                next => next,
            },
            Stage::Running(run) => match run.advance() {
                Ok(Ask::Left) => {
                    self.remember();
                    self.stage = Stage::Idle;
                    Next::Working
                }
                Ok(Ask::Unwritten(error)) => {
                    self.after = None;
                    self.fail("saving the run", &error);
                    Next::Working
                }
                Ok(Ask::More(next)) => next,
                Err(error) => self.end_run(&error),
            },
            Stage::Closed => Next::Closed,
        }
    }

    /// Waits until the device has finished something, where waiting is possible (not in a page).
    pub fn wait(&mut self) {
        if self.aside.wait() {
            return;
        }
        let waited = match &mut self.stage {
            Stage::Running(run) => run.wait(),
            Stage::Preparing(preparing) => {
                preparing.wait();
                Ok(())
            }
            _ => Ok(()),
        };
        if let Err(error) = waited {
            self.end_run(&error);
        }
    }

    /// Wakes a task once the device has finished something: [`Worker::wait`] for a page. While a device is being opened, who
    /// opens it wakes.
    pub fn wake(&mut self, waker: &Waker) {
        if self.aside.wake(waker) {
            return;
        }
        match &mut self.stage {
            Stage::Running(run) => run.wake(waker),
            Stage::Preparing(preparing) => preparing.wake(waker),
            _ => {}
        }
    }

    /// The run is over by an error: what was reached is kept, and the next may begin.
    fn end_run(&mut self, error: &WorkError) -> Next {
        self.remember();
        if let Stage::Running(run) = &mut self.stage {
            run.keep_what_there_is();
        }
        self.stage = Stage::Idle;
        self.fail("training", error);
        Next::Working
    }

    fn next(&mut self, otherwise: Next) -> Next {
        match self.after.take() {
            None => otherwise,
            Some(After::Close) => {
                self.stage = Stage::Closed;
                (self.tell)(Message::Closed);
                Next::Closed
            }
            Some(after) => {
                self.stage = Stage::Opening(after);
                Next::Working
            }
        }
    }

    fn open_device(&mut self) -> Next {
        let device = match &self.stage {
            Stage::Opening(After::Begin(order)) => &order.device,
            Stage::Opening(After::Open { device, .. }) => device,
            _ => return Next::Idle,
        };
        let opened = match (self.open)(device) {
            Ok(None) => return Next::Waiting,
            Ok(Some(opened)) => Ok(opened),
            Err(why) => Err(WorkError::Words(why)),
        };
        let Stage::Opening(wanted) = std::mem::replace(&mut self.stage, Stage::Idle) else { return Next::Idle };
        let reading = opened.and_then(|opened| match wanted {
            After::Begin(order) => Reading::begin(order, opened, &self.tell),
            After::Open { place, device } => Reading::resume(&place, device, opened, &self.tell),
            After::Close => Err(WorkError::Words("it is closing".to_owned())),
        });
        match reading {
            Ok(reading) => self.stage = Stage::Reading(Box::new(reading)),
            Err(error) => self.fail("the run", &error),
        }
        Next::Working
    }

    /// Reads some images of the run that is to begin or to go on; it is prepared once all are read.
    fn read(&mut self) -> Next {
        let Stage::Reading(reading) = &mut self.stage else { return Next::Idle };
        let made = reading.made();
        let read = match reading.advance(&self.tell) {
            Ok(true) => return Next::Working,
            Ok(false) => match std::mem::replace(&mut self.stage, Stage::Idle) {
                Stage::Reading(reading) => reading.read(),
                _ => return Next::Idle,
            },
            Err(error) => Err(error),
        };
        self.stage = Stage::Idle;
        match read {
            Ok(preparing) => self.stage = Stage::Preparing(Box::new(preparing)),
            Err(error) => {
                made.undo();
                self.fail("the run", &error);
            }
        }
        Next::Working
    }

    /// Begins, or goes on with, the run that is prepared.
    fn begin(&mut self) -> Next {
        let Stage::Preparing(preparing) = std::mem::replace(&mut self.stage, Stage::Idle) else { return Next::Idle };
        let made = preparing.made();
        match preparing.ready(|device| self.opener(device)) {
            Ok(ready) => self.run(ready),
            Err(error) => {
                made.undo();
                self.fail("the run", &error);
            }
        }
        Next::Working
    }

    fn run(&mut self, Ready { begun, device, why, skipped, begins }: Ready) {
        let run = Run::new(begun, &device, begins, Arc::clone(&self.tell));
        let skipped = skipped.iter().map(ToString::to_string).collect();
        (self.tell)(Message::Begun(Box::new(run.scene(why, skipped))));
        let told = run.tell_earlier();
        self.stage = Stage::Running(Box::new(run));
        if let Err(error) = told {
            self.fail("the replay of earlier epochs", &error);
        }
    }

    fn opener(&self, device: &str) -> Opener {
        let (open, device) = (Arc::clone(&self.open), device.to_owned());
        Box::new(move || Ok(open(&device)?.map(|opened| opened.executor)))
    }

    fn fail(&self, what: &str, error: &WorkError) {
        let ends = !matches!(self.stage, Stage::Running(_));
        (self.tell)(Message::Failed(Trouble { what: what.to_owned(), why: words(error), ends }));
    }
}
