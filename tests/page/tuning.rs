//! Kernels that are tried in the page, and remembered there.

use crate::files::{begun, export, finished, listed, settings};
use crate::site::Site;
use backhoe::data::source::Source;
use backhoe::nn::Loss;
use backhoe::train::cell::Cell;
use backhoe::worker::message::{Exported, Order, Pace};
use backhoe::worker::{Command, Message};
use serde_json::Value;

/// A Worker that tells how often it has submitted something.
const COUNTS: &str = "
let submissions = 0;
const submit = GPUQueue.prototype.submit;
GPUQueue.prototype.submit = function (...all) {
    submissions++;
    return submit.apply(this, all);
};
const asked = new BroadcastChannel('submissions');
asked.onmessage = () => asked.postMessage(submissions);
";

const COUNT: &str = "new Promise((told) => {
    const channel = new BroadcastChannel('submissions');
    channel.onmessage = ({ data }) => told(data);
    channel.postMessage('');
})";

/// What the browser remembers; nothing where there is none.
const REMEMBERED: &str = "(async () => {
    try {
        const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle('backhoe');
        return await (await (await folder.getFileHandle('kernels.json')).getFile()).text();
    } catch {
        return '{}';
    }
})()";

/// Has the browser remember these words.
fn remember(site: &Site, text: &str) {
    site.tools().evaluate(&format!(
        "(async () => {{
            const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle('backhoe');
            const stream = await (await folder.getFileHandle('kernels.json')).createWritable();
            await stream.write({});
            await stream.close();
        }})()",
        Value::from(text)
    ));
}

/// Twice as many as operations of the network are worth a trial: of two times that the page is loaded one at least decides one.
const MOST: usize = 16;

/// Prepares a run, which rests then; so often was something submitted until then.
fn prepare(site: &Site) -> u64 {
    let source = Source::Faces { train: 192, test: 32 };
    let cell = Cell { source, protocol: Default::default(), settings: settings(), ground: None, search: false };
    let device = "swiftshader".to_owned();
    let order = Order { cell, place: None, device, begins: false, sized_by_device: false };
    site.send(&Command::Begin(Box::new(order)));
    site.message(begun);
    site.message(|message| matches!(message, Message::Resting).then_some(()));
    site.tools().evaluate(COUNT).as_u64().unwrap()
}

/// The weights in which the prepared run ends.
fn weights(site: &Site) -> Vec<u8> {
    site.send(&Command::Go(Pace::Run));
    site.message(finished);
    export(site, Exported::Weights(Loss::Emd), "weights.safetensors")
}

/// Choices by their keys.
fn remembered(site: &Site) -> serde_json::Map<String, Value> {
    let text = site.tools().evaluate(REMEMBERED);
    let Ok(Value::Object(choices)) = serde_json::from_str(text.as_str().unwrap()) else { panic!("{text}") };
    choices
}

#[test]
fn kernels_are_tried_once_remembered_in_the_browser_and_change_no_bit() {
    let site = Site::open("", COUNTS);
    let untried = prepare(&site);
    assert!(remembered(&site).is_empty(), "a software driver tries nothing of its own accord");
    site.reload_with("tune=off");
    assert_eq!(prepare(&site), untried);
    let wanted = weights(&site);
    site.reload_with("tune=on");
    let mut submitted = prepare(&site);
    assert!(submitted > untried, "{submitted}");
    let first = remembered(&site);
    assert!(!first.is_empty());
    for choice in first.values() {
        assert!(choice["adapter"].as_str().is_some_and(|adapter| adapter.contains("swiftshader")), "{choice}");
    }
    // What there was no time for is tried the next time.
    for _ in 0..MOST {
        if submitted == untried {
            break;
        }
        site.reload_with("tune=on");
        submitted = prepare(&site);
    }
    assert_eq!(submitted, untried, "all is remembered");
    let all = remembered(&site);
    let same = |(key, choice): (&String, &Value)| all.get(key) == Some(choice);
    assert!(first.iter().filter(|(_, choice)| choice["again"] == false).all(same), "nothing is tried twice");
    assert!(weights(&site) == wanted, "the weights differ");
    // By the clock it may be this or that: here it is not the fixed choice.
    let rivals = Value::from(all).to_string().replace(r#""loads":"pages""#, r#""loads":"storage""#);
    remember(&site, &rivals);
    site.reload_with("tune=on");
    assert_eq!(prepare(&site), untried, "the rival is known, too");
    assert!(weights(&site) == wanted, "the weights differ");
    // What is damaged counts as none.
    remember(&site, "{\"no");
    site.reload_with("tune=on");
    assert!(prepare(&site) > untried);
    assert!(!remembered(&site).is_empty());
}

/// A browser that does not write what is to be remembered.
const FORGETS: &str = "
const open = FileSystemFileHandle.prototype.createWritable;
FileSystemFileHandle.prototype.createWritable = function () {
    return this.name === 'kernels.json' ? Promise.reject(new DOMException('locked', 'NoModificationAllowedError')) : open.call(this);
};
";

#[test]
fn choices_that_cannot_be_kept_hold_up_no_run() {
    let site = Site::open_with("", "tune=on", format!("{COUNTS}{FORGETS}"));
    prepare(&site);
    weights(&site);
    assert!(remembered(&site).is_empty());
    site.reload();
    assert_eq!(listed(&site), ["runs/faces-1"]);
}
