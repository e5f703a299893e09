//! What the Worker's work waits for: rung by whatever may let it go on.

use js_sys::Promise;
use std::cell::RefCell;
use std::task::{Poll, Waker};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::MessageChannel;

thread_local! {
    static WAITING: RefCell<Option<Waker>> = const { RefCell::new(None) };
}

/// Lets the work go on, where it waits.
pub fn ring() {
    if let Some(waker) = WAITING.take() {
        waker.wake();
    }
}

/// Until somebody rings, or what `also` gave the waker to wakes it.
pub async fn rung(mut also: impl FnMut(&Waker)) {
    let mut asked = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut asked, true) {
            return Poll::Ready(());
        }
        WAITING.set(Some(context.waker().clone()));
        also(context.waker());
        Poll::Pending
    })
    .await;
}

/// Lets whatever else the Worker has to do go first. A timer would wait for four milliseconds and for longer where the
/// tab is hidden; a message to oneself does not.
pub async fn breathe() {
    let Ok(channel) = MessageChannel::new() else { return };
    let promise = Promise::new(&mut |resolve, _| channel.port1().set_onmessage(Some(&resolve)));
    if channel.port2().post_message(&JsValue::NULL).is_ok() {
        // The promise is never refused.
        let _ = JsFuture::from(promise).await;
    }
    channel.port1().close();
}
