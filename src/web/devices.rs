//! Devices in a page open after a while: the worker asks until they have.

use super::bell;
use backhoe::device::{DeviceChoice, Opened, Opening, open_async};
use backhoe::worker::device_words;
use std::cell::RefCell;
use std::collections::HashMap;

type Answer = Result<Opened, String>;

thread_local! {
    /// What has been asked for: nothing while it is being opened.
    static ASKED: RefCell<HashMap<String, Option<Answer>>> = RefCell::new(HashMap::new());
}

/// The device of a name, computing so; nothing while it is being opened.
pub fn open(name: &str, opening: Opening) -> Result<Option<Opened>, String> {
    let answer = ASKED.with_borrow_mut(|asked| match asked.get(name) {
        Some(Some(_)) => asked.remove(name).flatten(),
        Some(None) => None,
        None => {
            asked.insert(name.to_owned(), None);
            wasm_bindgen_futures::spawn_local(ask(name.to_owned(), opening));
            None
        }
    });
    answer.transpose()
}

async fn ask(name: String, opening: Opening) {
    let Ok(choice) = name.parse::<DeviceChoice>();
    let answer = open_async(&choice, opening).await.map_err(|error| device_words(&error));
    ASKED.with_borrow_mut(|asked| asked.insert(name, Some(answer)));
    bell::ring();
}
