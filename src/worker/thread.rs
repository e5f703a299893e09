//! The worker in a thread of its own.

use super::message::{Command, Link, Message, Trouble};
use super::work::{Next, OpenDevice, Tell, Worker};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::JoinHandle;

/// A worker in a thread of its own.
pub struct Thread {
    /// Where commands go, until the worker is left.
    commands: Option<Sender<Command>>,
    messages: Receiver<Message>,
    handle: Option<JoinHandle<()>>,
}

impl Thread {
    /// Starts the thread; `wake` is called after every message.
    ///
    /// # Errors
    /// When the system has no thread to give.
    pub fn start(open: OpenDevice, wake: impl Fn() + Send + Sync + 'static) -> std::io::Result<Self> {
        let (commands, orders) = channel();
        let (told, messages) = channel();
        let tell: Tell = Arc::new(move |message| {
            // Nobody listens any more once the interface is gone.
            let _ = told.send(message);
            wake();
        });
        let work = move || drive(Worker::new(open, tell), &orders);
        let handle = std::thread::Builder::new().name("worker".to_owned()).spawn(work)?;
        Ok(Self { commands: Some(commands), messages, handle: Some(handle) })
    }

    /// Has it save what there is, and waits until it has.
    pub fn join(&mut self) {
        self.commands = None;
        if let Some(handle) = self.handle.take() {
            let _ = handle.join();
        }
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.join();
    }
}

impl Link for Thread {
    fn send(&mut self, command: Command) {
        // A worker that is gone shows in `receive`.
        let _ = self.commands.as_ref().map(|commands| commands.send(command));
    }

    fn receive(&mut self) -> Vec<Message> {
        let mut messages: Vec<Message> = self.messages.try_iter().collect();
        let gone = self.handle.as_ref().is_some_and(JoinHandle::is_finished);
        let closed = messages.iter().any(|message| matches!(message, Message::Closed));
        if gone && !closed {
            self.handle = None;
            let what = "training".to_owned();
            let why = "it ended by an error of this program; the last checkpoint is kept: restart, then open the run"
                .to_owned();
            messages.push(Message::Failed(Trouble { what, why, ends: true }));
            messages.push(Message::Closed);
        }
        messages
    }
}

/// Commands in, a little work, and so on, until it is closed, or the interface is gone and all is saved that can be.
fn drive(mut worker: Worker, orders: &Receiver<Command>) {
    let mut left = false;
    loop {
        match orders.try_recv() {
            Ok(command) => {
                worker.take(command);
                continue;
            }
            Err(TryRecvError::Disconnected) if !left => {
                left = true;
                worker.take(Command::Close);
            }
            Err(_) => {}
        }
        match worker.advance() {
            Next::Working => {}
            Next::Waiting => worker.wait(),
            Next::Idle if left => return,
            // Without a command the interface is gone, which the next look finds.
            Next::Idle => orders.recv().into_iter().for_each(|command| worker.take(command)),
            Next::Closed => return,
        }
    }
}
