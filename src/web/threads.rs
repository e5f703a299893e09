//! Threads for the processor: Workers of this one, each with the same module and memory, lent to the executor as rayon's pool.
//! They can be had where the page is isolated from other origins; the module is one of its own then, whose standard library
//! knows of them.

use js_sys::{Array, Promise};
use rayon::{ThreadBuilder, ThreadPoolBuilder};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent, Worker, WorkerOptions, WorkerType};

/// What the pool gives its threads to do for as long as they live, one each, and who waits for that.
static WAITING: (Mutex<Vec<ThreadBuilder>>, Condvar) = (Mutex::new(Vec::new()), Condvar::new());

/// Whether threads were started, or could not be.
static STARTED: AtomicBool = AtomicBool::new(false);

/// Starts a thread a core, the first time, and lends them to the processor; whether it did.
pub async fn start() -> bool {
    let Ok(scope) = js_sys::global().dyn_into::<DedicatedWorkerGlobalScope>() else { return false };
    let cores = scope.navigator().hardware_concurrency() as usize;
    if cores < 2 || STARTED.swap(true, Ordering::Relaxed) {
        return false;
    }
    let told: Vec<Promise> = (0..cores).filter_map(|_| thread().ok()).collect();
    let mut threads = 0;
    for told in told {
        threads += usize::from(JsFuture::from(told).await.is_ok_and(|event| event.has_type::<MessageEvent>()));
    }
    threads > 1 && lend(threads)
}

fn lend(threads: usize) -> bool {
    let hand_over = |thread| {
        let (waiting, more) = &WAITING;
        waiting.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        more.notify_one();
        Ok(())
    };
    ThreadPoolBuilder::new().num_threads(threads).spawn_handler(hand_over).build().is_ok_and(backhoe::cpu::lend)
}

/// Starts a Worker that becomes a thread; a promise of what it tells: its message that it has, or an error.
fn thread() -> Result<Promise, JsValue> {
    let options = WorkerOptions::new();
    options.set_type(WorkerType::Module);
    let worker = Worker::new_with_options("./thread.js", &options)?;
    worker.post_message(&Array::of2(&wasm_bindgen::module(), &wasm_bindgen::memory()))?;
    let told = Promise::new(&mut |tell, _| {
        worker.set_onmessage(Some(&tell));
        worker.set_onerror(Some(&tell));
    });
    // Some browsers end a Worker that nobody holds; the threads live for as long as this Worker.
    std::mem::forget(worker);
    Ok(told)
}

/// Does what a thread of the pool does, in a Worker that `thread.js` made one. Ends with the page.
#[wasm_bindgen]
pub fn work() {
    let (waiting, more) = &WAITING;
    let waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
    let found = more.wait_while(waiting, |waiting| waiting.is_empty());
    let thread = found.unwrap_or_else(PoisonError::into_inner).pop();
    thread.into_iter().for_each(ThreadBuilder::run);
}
