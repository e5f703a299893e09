//! What a browser says of its adapter, beyond what wgpu hands on.

use crate::plan::{Adapter, AdapterKind};
use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// Architectures of drivers that compute on the processor.
const SOFTWARE: [&str; 2] = ["swiftshader", "llvmpipe"];

/// The adapter with the name that the browser gives it: vendor, architecture, device and description, as far as it tells.
/// A browser may be told to take a software driver for its usual adapter; then the name alone shows it.
pub(super) async fn name(adapter: Adapter) -> Adapter {
    let Ok(words) = words().await else { return adapter };
    let is_software = SOFTWARE.iter().any(|driver| words.to_lowercase().contains(driver));
    let kind = if is_software { AdapterKind::Software } else { adapter.kind };
    let name = if words.is_empty() { "unnamed adapter".to_owned() } else { words };
    Adapter { name, kind, ..adapter }
}

/// `navigator.gpu.requestAdapter()` and the texts of its `info`.
async fn words() -> Result<String, JsValue> {
    let gpu = ["navigator", "gpu"].iter().try_fold(js_sys::global().into(), get)?;
    let request: Function = get(gpu.clone(), &"requestAdapter")?.dyn_into()?;
    let adapter = JsFuture::from(request.call0(&gpu)?.dyn_into::<Promise>()?).await?;
    let info = get(adapter, &"info")?;
    let texts = ["vendor", "architecture", "device", "description"].map(|key| get(info.clone(), &key));
    let texts = texts.into_iter().filter_map(|text| text.ok()?.as_string()).filter(|text| !text.is_empty());
    Ok(texts.collect::<Vec<_>>().join(" "))
}

/// What the browser calls itself, with its version.
pub(super) fn agent() -> String {
    let agent = ["navigator", "userAgent"].iter().try_fold(js_sys::global().into(), get);
    agent.ok().and_then(|agent| agent.as_string()).unwrap_or_default()
}

fn get(object: JsValue, key: &&str) -> Result<JsValue, JsValue> {
    Reflect::get(&object, &JsValue::from_str(key))
}
