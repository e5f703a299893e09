//! Threads: Workers of this one, each with the same module and memory, as the pool that rayon has for everybody. They can be had
//! where the page is isolated from other origins; the module is one of its own then, whose standard library knows of them.

use js_sys::{Array, Promise};
use rayon::{ThreadBuilder, ThreadPoolBuilder};
use std::cell::RefCell;
use std::sync::{Condvar, Mutex, PoisonError};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    DedicatedWorkerGlobalScope, MessageChannel, MessageEvent, MessagePort, Worker, WorkerOptions, WorkerType,
};

/// What the pool gives its threads to do for as long as they live, one each, and who waits for that.
static WAITING: (Mutex<Vec<ThreadBuilder>>, Condvar) = (Mutex::new(Vec::new()), Condvar::new());

thread_local! {
    /// A thread's own way to the page.
    static PAGE: RefCell<Option<MessagePort>> = const { RefCell::new(None) };
}

/// Starts a thread a core, where there is more than one. Nothing may have asked rayon for threads before, nor does another time.
pub async fn start(scope: &DedicatedWorkerGlobalScope) {
    let cores = scope.navigator().hardware_concurrency() as usize;
    if cores < 2 {
        return;
    }
    let told: Vec<Promise> = (0..cores).filter_map(|_| thread(scope).ok()).collect();
    let mut threads = 0;
    for told in told {
        threads += usize::from(JsFuture::from(told).await.is_ok_and(|event| event.has_type::<MessageEvent>()));
    }
    if threads > 1 {
        // An error would be that there is a pool: then all goes on with that.
        let _ = ThreadPoolBuilder::new().num_threads(threads).spawn_handler(hand_over).build_global();
    }
}

fn hand_over(thread: ThreadBuilder) -> std::io::Result<()> {
    let (waiting, more) = &WAITING;
    waiting.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
    more.notify_one();
    Ok(())
}

/// Starts a Worker that becomes a thread; a promise of what it tells: its message that it has, or an error. It and the page have
/// an end each of a channel.
fn thread(scope: &DedicatedWorkerGlobalScope) -> Result<Promise, JsValue> {
    let options = WorkerOptions::new();
    options.set_type(WorkerType::Module);
    let worker = Worker::new_with_options("./thread.js", &options)?;
    let channel = MessageChannel::new()?;
    let (page, own) = (channel.port1(), channel.port2());
    scope.post_message_with_transfer(&page, &Array::of1(&page))?;
    let given = Array::of3(&wasm_bindgen::module(), &wasm_bindgen::memory(), &own);
    worker.post_message_with_transfer(&given, &Array::of1(&own))?;
    let told = Promise::new(&mut |tell, _| {
        worker.set_onmessage(Some(&tell));
        worker.set_onerror(Some(&tell));
    });
    // Some browsers end a Worker that nobody holds; the threads live for as long as this Worker.
    std::mem::forget(worker);
    Ok(told)
}

/// Says something to the page from a thread of the pool, whose Worker may wait for it; whether this is one.
pub fn say(data: &JsValue, transferred: &Array) -> bool {
    PAGE.with_borrow(|page| {
        // A page that is gone hears nothing any more.
        page.as_ref().map(|page| page.post_message_with_transferable(data, transferred)).is_some()
    })
}

/// Does what a thread of the pool does, in a Worker that `thread.js` made one. Ends with the page.
#[wasm_bindgen]
pub fn work(page: MessagePort) {
    PAGE.set(Some(page));
    let (waiting, more) = &WAITING;
    let waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
    let found = more.wait_while(waiting, |waiting| waiting.is_empty());
    let thread = found.unwrap_or_else(PoisonError::into_inner).pop();
    thread.into_iter().for_each(ThreadBuilder::run);
}
