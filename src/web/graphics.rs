//! What the browser lacks to train on a GPU.

use backhoe::gpu::{has_gpu, list_async};
use backhoe::worker::Message;
use backhoe::worker::message::Lack;
use js_sys::Reflect;
use web_sys::DedicatedWorkerGlobalScope;

/// Tells what is missing, where no GPU can be had.
pub async fn tell_lack(scope: DedicatedWorkerGlobalScope, tell: impl FnOnce(Message)) {
    if let Some(lack) = lack(&scope).await {
        tell(Message::Lacks(lack));
    }
}

/// The first thing that is missing.
async fn lack(scope: &DedicatedWorkerGlobalScope) -> Option<Lack> {
    // A navigator is an object, and any object can be asked for what it has.
    if !Reflect::has(&scope.navigator(), &"gpu".into()).unwrap_or(false) {
        return Some(if scope.is_secure_context() { Lack::WebGpu } else { Lack::Secure });
    }
    let found = list_async().await;
    match found.first() {
        None => Some(Lack::Adapter),
        Some(best) if !has_gpu(&found) => Some(Lack::Gpu(best.adapter.name.clone())),
        Some(_) => None,
    }
}
