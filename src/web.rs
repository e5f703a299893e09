//! The page: wiring only. The module is loaded twice, by the page, which draws, and by its Worker, which trains, and begins
//! here in both.

mod bell;
mod brought;
mod browser;
mod claims;
mod devices;
mod graphics;
mod host;
mod page;
mod storage;

use wasm_bindgen::JsCast;
use web_sys::{DedicatedWorkerGlobalScope, Window};

/// Begins what this copy of the module is for.
pub fn start() {
    if let Ok(scope) = js_sys::global().dyn_into::<DedicatedWorkerGlobalScope>() {
        host::start(&scope);
    } else if let Ok(window) = js_sys::global().dyn_into::<Window>()
        && let Some(canvas) = page::canvas(&window)
    {
        page::start(canvas, &window);
    }
}
