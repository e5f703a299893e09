//! The Worker: hears commands, works a little at a time, tells what comes of it.

use super::storage::Storage;
use super::{bell, devices, graphics};
use backhoe::worker::message::Trouble;
use backhoe::worker::{Command, Message, Next, Worker, from_bytes, to_bytes};
use js_sys::{Array, Uint8Array};
use std::cell::RefCell;
use std::panic::PanicHookInfo;
use std::sync::Arc;
use std::time::Duration;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::{Closure, JsValue};
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};
use web_time::Instant;

/// How long is worked before whatever else the Worker has to do.
const AT_ONCE: Duration = Duration::from_millis(8);

thread_local! {
    /// Commands that have not been taken yet.
    static COMMANDS: RefCell<Vec<Command>> = const { RefCell::new(Vec::new()) };
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
        let storage = Storage::open().await;
        // The page keeps its commands until it is told so.
        let _ = scope.post_message(&"ready".into());
        drive(told(storage)).await;
    });
}

/// What came of it; why it failed is said to the page.
fn told<T>(kept: Result<T, JsValue>) -> Option<T> {
    let why = |error| {
        format!("this browser keeps no more of runs: {error:?}. What comes now is gone once the page is closed")
    };
    kept.map_err(|error| fail("the browser's storage", why(error))).ok()
}

fn hear(event: &MessageEvent) {
    match from_bytes(&Uint8Array::new(&event.data()).to_vec()) {
        Ok(command) => COMMANDS.with_borrow_mut(|commands| commands.push(command)),
        Err(why) => fail("a command", why),
    }
    bell::ring();
}

/// Commands in, a little work, what it wrote kept, and so on, until it is closed.
async fn drive(mut storage: Option<Storage>) {
    let mut worker = Worker::new(Arc::new(devices::open), Arc::new(|message| tell(&message)));
    let mut since = Instant::now();
    loop {
        COMMANDS.take().into_iter().for_each(|command| worker.take(command));
        let next = worker.advance();
        let wrote = match &storage {
            Some(kept) => told(kept.keep().await),
            None => Some(false),
        };
        if wrote.is_none() {
            storage = None;
        }
        match next {
            // Whoever rang meanwhile found nobody who waits.
            Next::Idle | Next::Waiting if wrote != Some(false) => continue,
            Next::Working if since.elapsed() < AT_ONCE => continue,
            Next::Working => bell::breathe().await,
            Next::Waiting => bell::rung(|waker| worker.wake(waker)).await,
            Next::Idle => bell::rung(|_| {}).await,
            Next::Closed => return,
        }
        since = Instant::now();
    }
}

/// Says something to the page.
fn tell(message: &Message) {
    let Ok(scope) = js_sys::global().dyn_into::<DedicatedWorkerGlobalScope>() else { return };
    match to_bytes(message) {
        Ok(bytes) => {
            let bytes = Uint8Array::from(&*bytes);
            // A page that is gone hears nothing any more.
            let _ = scope.post_message_with_transfer(&bytes, &Array::of1(&bytes.buffer()));
        }
        Err(why) => fail("a message", why),
    }
}

fn fail(what: &str, why: String) {
    tell(&Message::Failed(Trouble { what: what.to_owned(), why, ends: false }));
}

fn tell_panic(info: &PanicHookInfo<'_>) {
    let why = format!("{info}; load the page again, then open the run");
    tell(&Message::Failed(Trouble { what: "this program".to_owned(), why, ends: true }));
    tell(&Message::Closed);
}
