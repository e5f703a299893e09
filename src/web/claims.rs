//! Folders of runs that this tab works in, which no other tab may: each has a lock, and a tab that is closed gives all its locks
//! back.

use super::browser;
use js_sys::Function;
use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use wasm_bindgen::JsValue;

thread_local! {
    /// The folders, and what gives each back.
    static CLAIMS: RefCell<HashMap<PathBuf, Function>> = RefCell::new(HashMap::new());
}

/// Claims a folder; whether this tab has it now.
///
/// # Errors
/// When this browser knows no locks.
pub async fn claim(place: &Path) -> Result<bool, JsValue> {
    if CLAIMS.with_borrow(|claims| claims.contains_key(place)) {
        return Ok(true);
    }
    let Some(release) = browser::claim(&format!("backhoe {}", place.display())).await? else { return Ok(false) };
    CLAIMS.with_borrow_mut(|claims| claims.insert(place.to_owned(), release));
    Ok(true)
}

/// Gives back all folders but this one.
pub fn keep_only(place: &Path) {
    CLAIMS.with_borrow_mut(|claims| {
        claims.retain(|claimed, release| {
            let stays = claimed == place;
            if !stays {
                // What gives a lock back throws nothing.
                let _ = release.call0(&JsValue::NULL);
            }
            stays
        });
    });
}
