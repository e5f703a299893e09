//! What `browser.js` does, in this language.

use js_sys::{Array, Function, Uint8Array};
use wasm_bindgen::prelude::{Closure, JsValue, wasm_bindgen};
use web_sys::FileSystemDirectoryHandle;

#[wasm_bindgen(module = "/src/web/browser.js")]
extern "C" {
    /// Has the user choose a folder, or files; tells pairs of a path and a file.
    pub fn choose(folder: bool, found: &Closure<dyn FnMut(Array)>);

    /// Tells of files that are dropped on the page, as pairs of a path and a file, and of what cannot be read.
    pub fn listen(found: &Closure<dyn FnMut(Array)>, failed: &Closure<dyn FnMut(String)>);

    /// Shows words before everything else; none hide them.
    pub fn tell(words: &JsValue);

    /// Offers bytes as a file of this name.
    pub fn download(name: &JsValue, bytes: &JsValue);

    /// Asks for what is stored to stay even where the machine is short of room.
    pub fn persist();

    /// Writes a file of a folder whole or not at all where there are no writable streams: beside its place, by another name.
    #[wasm_bindgen(catch, js_name = writeBeside)]
    pub async fn write_beside(
        folder: &FileSystemDirectoryHandle,
        name: &str,
        beside: &str,
        bytes: &Uint8Array,
    ) -> Result<(), JsValue>;

    /// Some milliseconds later.
    pub async fn later(milliseconds: f64);

    /// With the browser's next frame; not before the tab is shown.
    pub async fn frame();

    /// A lock that no other tab has, as what gives it back; nothing where another tab has it.
    #[wasm_bindgen(catch)]
    pub async fn claim(name: &str) -> Result<Option<Function>, JsValue>;
}
