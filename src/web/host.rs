//! The Worker: hears commands, works a little at a time, keeps what it wrote, tells what comes of it.

use super::storage::Storage;
use super::{bell, brought, browser, claims, devices, graphics};
use backhoe::device::Opening;
use backhoe::files::memory;
use backhoe::train::run::{RUNS, RunFolder};
use backhoe::worker::message::{Exported, Trouble};
use backhoe::worker::{Command, Message, Next, Worker, from_bytes, to_bytes};
use js_sys::{Array, Uint8Array};
use std::cell::{Cell, RefCell};
use std::panic::PanicHookInfo;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::{Closure, JsValue};
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};
use web_time::Instant;

/// How long is worked before whatever else the Worker has to do.
const AT_ONCE: Duration = Duration::from_millis(8);
/// Time in which the page shows that a run is being prepared. Compiling kernels keeps the browser's graphics process busy, and a
/// picture that it has to put on the screen meanwhile would hold the page.
const SHOWN_WITHIN: Duration = Duration::from_millis(300);
/// Time after which it is tried again to keep what could not be kept.
const TRY_AGAIN: Duration = Duration::from_secs(5);

thread_local! {
    /// Commands that have not been taken yet.
    static COMMANDS: RefCell<Vec<Command>> = const { RefCell::new(Vec::new()) };
    /// Files that were handed over and have not been read yet.
    static HANDED: RefCell<Vec<Array>> = const { RefCell::new(Vec::new()) };
    /// That a checkpoint is kept, which is told once it is true, and what was said after that.
    static HELD: RefCell<Vec<Message>> = const { RefCell::new(Vec::new()) };
    /// Whether the next bit of work prepares a run.
    static PREPARES: Cell<bool> = const { Cell::new(false) };
}

/// Listens to the page, and works.
pub fn start(scope: &DedicatedWorkerGlobalScope) {
    std::panic::set_hook(Box::new(tell_panic));
    let listen = Closure::<dyn FnMut(MessageEvent)>::new(|event: MessageEvent| hear(&event));
    scope.set_onmessage(Some(listen.as_ref().unchecked_ref()));
    // It listens for as long as there is a Worker.
    listen.forget();
    wasm_bindgen_futures::spawn_local(graphics::tell_lack(scope.clone(), tell));
    let scope = scope.clone();
    wasm_bindgen_futures::spawn_local(async move {
        let storage = Storage::open().await.map_err(|error| fail(STORAGE, keeps_nothing(&error))).ok();
        // The page keeps its commands until it is told so.
        let _ = scope.post_message(&"ready".into());
        // Before anything could ask for threads.
        #[cfg(target_feature = "atomics")]
        super::threads::start(&scope).await;
        let opening = Opening { tune: tunes(&scope), ..Opening::default() };
        let worker = Worker::new(Arc::new(move |name: &str| devices::open(name, opening)), Arc::new(tell));
        Host { worker, storage, fails: false, try_at: None }.drive().await;
    });
}

/// Whether kernels are tried, as the page says behind the `#` of the Worker's address.
fn tunes(scope: &DedicatedWorkerGlobalScope) -> Option<bool> {
    match &*scope.location().hash() {
        "#tune=on" => Some(true),
        "#tune=off" => Some(false),
        _ => None,
    }
}

const STORAGE: &str = "the browser's storage";

fn keeps_nothing(error: &JsValue) -> String {
    format!("this browser keeps no runs ({error:?}): export what you want to have, it is gone once the page is closed")
}

fn hear(event: &MessageEvent) {
    match event.data().dyn_into::<Array>() {
        Ok(pairs) => HANDED.with_borrow_mut(|handed| handed.push(pairs)),
        Err(bytes) => match from_bytes(&Uint8Array::new(&bytes).to_vec()) {
            Ok(command) => COMMANDS.with_borrow_mut(|commands| commands.push(command)),
            Err(why) => fail("a command", why),
        },
    }
    bell::ring();
}

/// The worker and what it needs of the browser.
struct Host {
    worker: Worker,
    /// Where runs are kept; nothing where the browser has no such place.
    storage: Option<Storage>,
    /// Whether the last thing could not be kept.
    fails: bool,
    /// When it is to be tried again.
    try_at: Option<Instant>,
}

impl Host {
    /// Commands in, a little work, what it wrote kept, and so on, until it is closed.
    async fn drive(mut self) {
        let mut since = Instant::now();
        loop {
            let heard = self.hear().await;
            let next = self.worker.advance();
            let kept = self.keep().await;
            match next {
                // Whoever rang meanwhile found nobody who waits.
                Next::Idle | Next::Waiting if heard || kept => continue,
                Next::Working if PREPARES.take() => browser::later(SHOWN_WITHIN.as_secs_f64() * 1000.0).await,
                Next::Working if since.elapsed() < AT_ONCE => continue,
                Next::Working => bell::breathe().await,
                Next::Waiting => bell::rung(|waker| self.worker.wake(waker)).await,
                Next::Idle => bell::rung(|_| {}).await,
                Next::Closed => return,
            }
            since = Instant::now();
        }
    }

    /// Takes what was sent by the page; whether anything was.
    async fn hear(&mut self) -> bool {
        let (commands, handed) = (COMMANDS.take(), HANDED.take());
        let any = !commands.is_empty() || !handed.is_empty();
        for command in commands {
            // Room may have been made.
            self.try_at = None;
            match self.prepare(command).await {
                Ok(command) => self.worker.take(command),
                Err(why) => fail("the command", why),
            }
        }
        for pairs in handed {
            let taken = brought::take(&pairs, say).await;
            say("");
            match taken {
                Ok(taken) => {
                    taken.trouble.into_iter().for_each(|why| fail("what was brought", why));
                    post(&Message::Brought(taken.brought));
                }
                Err(why) => fail("what was brought", why),
            }
        }
        any
    }

    /// Does what the browser's storage needs before a command: a run has a folder of its own that no other tab works in, and
    /// what is read of it is brought into memory.
    async fn prepare(&mut self, command: Command) -> Result<Command, String> {
        let Some(storage) = &mut self.storage else { return Ok(command) };
        let refused = |error: JsValue| format!("the browser's storage refuses: {error:?}");
        let mut command = match (command, self.worker.again()) {
            (Command::Restart, Some(order)) => Command::Begin(order),
            (command, _) => command,
        };
        let looks = match &command {
            Command::Begin(_) | Command::Open { .. } | Command::Remove(_) | Command::List => true,
            Command::Export(export) => matches!(export.what, Exported::Run(_)),
            _ => false,
        };
        if looks {
            storage.look().await.map_err(refused)?;
        }
        if matches!(command, Command::Begin(_) | Command::Open { .. }) {
            storage.recall().await;
        }
        match &mut command {
            Command::Begin(order) => order.place = Some(free(order.place.take(), &order.cell.source.name()).await?),
            Command::Open { place, .. } | Command::Remove(place) if place.starts_with(RUNS) => claim(place).await?,
            _ => {}
        }
        if let Some(folder) = self.worker.reads(&command).filter(|folder| folder.starts_with(RUNS)) {
            storage.fetch(&folder).await.map_err(refused)?;
            if matches!(command, Command::Open { .. }) {
                storage.hold(folder);
            }
        }
        Ok(command)
    }

    /// Keeps all that was written; whether anything was, or had to be tried. What cannot be kept is said once, and tried again
    /// from time to time.
    async fn keep(&mut self) -> bool {
        let waits = self.try_at.is_some_and(|at| Instant::now() < at);
        let Some(storage) = self.storage.as_ref().filter(|_| !waits) else {
            post_held(false);
            return false;
        };
        let mut wrote = false;
        loop {
            match storage.keep().await {
                Ok(true) => wrote = true,
                Ok(false) => break,
                Err(error) => {
                    self.try_later(&error);
                    post_held(false);
                    return true;
                }
            }
        }
        (self.fails, self.try_at) = (false, None);
        storage.release();
        post_held(true);
        wrote
    }

    fn try_later(&mut self, error: &JsValue) {
        if !std::mem::replace(&mut self.fails, true) {
            let why = format!(
                "it cannot keep the run at present: {error:?}. It is tried again all the time: make room, or remove runs that \
                 you no longer need; until then what comes is gone once the page is closed"
            );
            fail(STORAGE, why);
        }
        self.try_at = Some(Instant::now() + TRY_AGAIN);
        wasm_bindgen_futures::spawn_local(async {
            browser::later(TRY_AGAIN.as_secs_f64() * 1000.0).await;
            bell::ring();
        });
    }
}

/// A folder for a new run: the one that was asked for, or the first that neither is there nor is another tab's.
async fn free(wanted: Option<PathBuf>, name: &str) -> Result<PathBuf, String> {
    if let Some(place) = wanted {
        return claim(&place).await.map(|()| place);
    }
    for place in RunFolder::numbered(name) {
        if !memory::exists(&place) && claims::claim(&place).await.map_err(no_locks)? {
            return Ok(place);
        }
    }
    Err("there is no unused name for a run".to_owned())
}

async fn claim(place: &Path) -> Result<(), String> {
    if claims::claim(place).await.map_err(no_locks)? {
        return Ok(());
    }
    Err(format!("{} is open in another tab of this browser: close that first", place.display()))
}

/// Claims the folder of a run that came as a file, whose name was not known before it was unpacked; others are claimed already.
async fn claim_unpacked(place: PathBuf) {
    if let Err(why) = claim(&place).await {
        fail("the run", why);
    }
}

fn no_locks(error: JsValue) -> String {
    format!("this browser does not say whether another tab has the run: {error:?}")
}

/// Tells the page what the worker says, though that a checkpoint is kept, and what comes after that, once it is.
fn tell(message: Message) {
    if HELD.with_borrow(|held| !held.is_empty()) || matches!(message, Message::Kept { .. }) {
        return HELD.with_borrow_mut(|held| held.push(message));
    }
    post_whole(&message);
}

/// Says what was held back; that a checkpoint is kept only where it `is_kept`, else the last of these stays.
fn post_held(is_kept: bool) {
    let (stays, told): (Vec<_>, Vec<_>) =
        HELD.take().into_iter().partition(|message| !is_kept && matches!(message, Message::Kept { .. }));
    HELD.set(stays.into_iter().last().into_iter().collect());
    told.iter().for_each(post_whole);
}

/// Says something with what belongs to it.
fn post_whole(message: &Message) {
    match message {
        Message::Begun(scene) => {
            // What was not kept of another run is no news any more.
            HELD.take();
            claims::keep_only(&scene.place);
            wasm_bindgen_futures::spawn_local(claim_unpacked(scene.place.clone()));
            memory::settled(Path::new(brought::RUNS)).iter().for_each(|path| drop(memory::take(path)));
        }
        Message::Written(path) => hand_over(path),
        Message::Preparing => PREPARES.set(true),
        _ => {}
    }
    post(message);
}

/// Says something to the page.
fn post(message: &Message) {
    match to_bytes(message) {
        Ok(bytes) => send(&Uint8Array::from(&*bytes), |bytes| bytes.clone().into()),
        Err(why) => fail("a message", why),
    }
}

/// Hands a file over to the page, which offers it as a download; here nobody needs it.
fn hand_over(path: &Path) {
    let name = path.display().to_string();
    if let Some(bytes) = memory::take(path) {
        send(&Uint8Array::from(&*bytes), |bytes| Array::of2(&name.into(), bytes).into());
    }
}

/// Sends bytes as they are wrapped, without copying them.
fn send(bytes: &Uint8Array, wrap: impl FnOnce(&Uint8Array) -> JsValue) {
    let (data, transferred) = (wrap(bytes), Array::of1(&bytes.buffer()));
    #[cfg(target_feature = "atomics")]
    if super::threads::say(&data, &transferred) {
        return;
    }
    let Ok(scope) = js_sys::global().dyn_into::<DedicatedWorkerGlobalScope>() else { return };
    // A page that is gone hears nothing any more.
    let _ = scope.post_message_with_transfer(&data, &transferred);
}

/// Has the page show these words while something goes on in which no message can come, or none any more.
fn say(words: &str) {
    let Ok(scope) = js_sys::global().dyn_into::<DedicatedWorkerGlobalScope>() else { return };
    // A page that is gone shows nothing any more.
    let _ = scope.post_message(&Array::of1(&words.into()));
}

fn fail(what: &str, why: String) {
    post(&Message::Failed(Trouble { what: what.to_owned(), why, ends: false }));
}

/// In whatever thread it was: nothing goes on in any.
fn tell_panic(info: &PanicHookInfo<'_>) {
    let why = format!("{info}; load the page again, then open the run");
    post(&Message::Failed(Trouble { what: "this program".to_owned(), why, ends: true }));
    post(&Message::Closed);
}
