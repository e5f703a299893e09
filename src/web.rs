//! The page: wiring only. The module is loaded twice, by the page, which draws, and by its Worker, which trains, and begins
//! here in both. Where it is built with atomics, it is the Worker's alone, and has threads.

mod bell;
mod brought;
mod browser;
mod claims;
mod devices;
mod graphics;
mod host;
#[cfg(not(target_feature = "atomics"))]
mod page;
#[cfg(not(target_feature = "atomics"))]
mod picture;
mod storage;
#[cfg(target_feature = "atomics")]
mod threads;

use wasm_bindgen::JsCast;
use web_sys::DedicatedWorkerGlobalScope;

/// Begins what this copy of the module is for.
pub fn start() {
    match js_sys::global().dyn_into::<DedicatedWorkerGlobalScope>() {
        Ok(scope) => host::start(&scope),
        Err(_) => draw(),
    }
}

#[cfg(not(target_feature = "atomics"))]
fn draw() {
    if let Ok(window) = js_sys::global().dyn_into::<web_sys::Window>()
        && let Some(canvas) = page::canvas(&window)
    {
        page::start(canvas, &window);
    }
}

/// A module with threads draws nothing: a window may not wait for them.
#[cfg(target_feature = "atomics")]
fn draw() {}
