//! Chromium's DevTools protocol, for what a browser does at its user's hand and lets no script do. A message is JSON and a
//! zero byte, through a pipe each way.

use crate::{PATIENCE, browser};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

/// Puts a program's input and output where Chromium has its pipes.
const PIPES: &str = r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null"#;

/// The page, and the browser around it.
pub struct DevTools {
    to: ChildStdin,
    from: Receiver<Value>,
    /// Calls made so far.
    calls: u64,
    /// Joins calls to the page.
    session: String,
    /// What happened and was not asked for yet.
    events: VecDeque<Value>,
}

/// Opens a page as [`browser::open`] does.
pub fn open(url: &str, flags: &[&str]) -> (browser::Browser, DevTools) {
    let flags = [flags, &["--remote-debugging-pipe"]].concat();
    let (command, profile) = browser::command(url, &flags);
    let mut shell = Command::new("sh");
    shell.args(["-c", PIPES]).arg(command.get_program()).args(command.get_args());
    let mut browser = browser::Browser::start(shell.stdin(Stdio::piped()).stdout(Stdio::piped()), profile);
    let (to, answers) = (browser.0.stdin.take().unwrap(), browser.0.stdout.take().unwrap());
    let (tell, from) = channel();
    std::thread::spawn(move || {
        for message in BufReader::new(answers).split(0).map_while(Result::ok) {
            // Nobody listens any more once the test is over.
            let _ = tell.send(serde_json::from_slice(&message).unwrap());
        }
    });
    let mut tools = DevTools { to, from, calls: 0, session: String::new(), events: VecDeque::new() };
    tools.attach(url);
    (browser, tools)
}

impl DevTools {
    /// Joins calls to the page of this address.
    fn attach(&mut self, url: &str) {
        self.call("Target.setDiscoverTargets", json!({ "discover": true }));
        let is_page = |event: &Value| event["targetInfo"]["type"] == "page";
        let found = loop {
            let event = self.event("Target.targetCreated");
            if is_page(&event) {
                break event["targetInfo"]["targetId"].clone();
            }
        };
        let joined = self.call("Target.attachToTarget", json!({ "targetId": found, "flatten": true }));
        self.session = joined["sessionId"].as_str().unwrap_or_else(|| panic!("{url}: {joined}")).to_owned();
        self.call("Page.enable", json!({}));
    }

    /// Calls a method and gives what it answers; an error fails the test.
    pub fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.calls += 1;
        let mut call = json!({ "id": self.calls, "method": method, "params": parameters });
        // The browser itself has no session.
        if !self.session.is_empty() && !["Target.", "Browser."].iter().any(|own| method.starts_with(own)) {
            call["sessionId"] = json!(self.session);
        }
        self.to.write_all(format!("{call}\0").as_bytes()).unwrap();
        loop {
            let message = self.next();
            if message["id"] == self.calls {
                assert!(message["error"].is_null(), "{method}: {message}");
                return message["result"].clone();
            }
            self.events.push_back(message);
        }
    }

    fn next(&self) -> Value {
        self.from.recv_timeout(PATIENCE).expect("the browser goes on telling")
    }

    /// What the next event of this name tells.
    pub fn event(&mut self, name: &str) -> Value {
        loop {
            let event = self.events.pop_front().unwrap_or_else(|| self.next());
            if event["method"] == name {
                return event["params"].clone();
            }
        }
    }

    /// Opens another tab before the page.
    pub fn hide(&mut self) {
        self.call("Target.createTarget", json!({ "url": "about:blank" }));
    }

    /// What a script comes to, as the user had it run.
    pub fn evaluate(&mut self, script: &str) -> Value {
        let call = json!({ "expression": script, "awaitPromise": true, "returnByValue": true, "userGesture": true });
        let answer = self.call("Runtime.evaluate", call);
        assert!(answer["exceptionDetails"].is_null(), "{script}: {answer}");
        answer["result"]["value"].clone()
    }

    /// Clicks, and waits until that has been drawn.
    pub fn click(&mut self, [x, y]: [f32; 2]) {
        for (kind, button) in [("mouseMoved", "none"), ("mousePressed", "left"), ("mouseReleased", "left")] {
            let mouse = json!({ "type": kind, "x": x, "y": y, "button": button, "clickCount": 1 });
            self.call("Input.dispatchMouseEvent", mouse);
            self.evaluate(PICTURES);
        }
    }

    /// Gives the page this width and height.
    pub fn size(&mut self, [width, height]: [f32; 2]) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", size);
    }

    /// Waits until the page looks the same for some while.
    pub fn rest(&mut self) {
        let (mut picture, mut same) = (Value::Null, 0);
        while same < 5 {
            self.evaluate("new Promise((over) => setTimeout(over, 100))");
            let next = self.call("Page.captureScreenshot", json!({}));
            same = if next == picture { same + 1 } else { 0 };
            picture = next;
        }
    }

    /// Answers the dialog that this opens with a path.
    pub fn choose(&mut self, path: &Path, open: impl FnOnce(&mut Self)) {
        self.call("Page.setInterceptFileChooserDialog", json!({ "enabled": true }));
        open(self);
        let dialog = self.event("Page.fileChooserOpened");
        let answer = json!({ "files": [path], "backendNodeId": dialog["backendNodeId"] });
        self.call("DOM.setFileInputFiles", answer);
    }

    /// Drops files and folders on a place of the page.
    pub fn drop(&mut self, [x, y]: [f32; 2], paths: &[&Path]) {
        let data = json!({ "items": [], "files": paths, "dragOperationsMask": 1 });
        for kind in ["dragEnter", "dragOver", "drop"] {
            self.call("Input.dispatchDragEvent", json!({ "type": kind, "x": x, "y": y, "data": data }));
        }
    }
}

/// Comes to its end once two more pictures were drawn.
const PICTURES: &str =
    "new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(drawn))))";
