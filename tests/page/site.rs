//! The page itself, `index.html` with all that it loads, overheard: what its Worker says goes to the test, too, and the test speaks
//! to the Worker beside the window, or has a script run in the page.

use crate::devtools::{self, DevTools};
use crate::mirror::Mirror;
use crate::{PATIENCE, TURN, browser, built, file};
use backhoe::worker::message::{Lack, Trouble};
use backhoe::worker::{Command, Message, from_bytes, to_bytes};
use std::cell::{RefCell, RefMut};
use std::collections::HashMap;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What is put before the page's own script. A page in a frame (`?second`) is overheard alone.
const TAP: &str = r#"<script>
let said = Promise.resolve();
const say = (path, body) => { said = said.then(() => fetch(path + location.search, { method: "POST", body })); };
window.Worker = class extends Worker {
    constructor(...all) {
        super(...all);
        this.addEventListener("message", ({ data }) => {
            if (data === "ready") return say("/said", ""), this.pull();
            // What a thread tells as it ends. Words are what the browser calls that, after the thread's own.
            if (data instanceof MessagePort) {
                return data.addEventListener("message", ({ data }) => typeof data === "string" || say("/said", data));
            }
            if (!Array.isArray(data)) return say("/said", data);
            data.length === 1 ? say("/words", data[0]) : say(`/file/${data[0]}`, data[1]);
        });
    }
    async pull() {
        while (!location.search) {
            const [kind, ...rest] = new Uint8Array(await (await fetch("/next")).arrayBuffer());
            const bytes = new Uint8Array(rest);
            if (kind === 0) this.postMessage(bytes);
            // A script that takes the page away says so, and nothing is asked for any more.
            if (kind === 1 && await new Function(new TextDecoder().decode(bytes))() === "gone") return;
        }
    }
};
</script>"#;

/// The page's width and height.
const SIZE: [f32; 2] = [1280.0, 800.0];

/// What a page was told and told.
pub enum Said {
    /// Its Worker hears.
    Ready,
    /// A message of the Worker.
    Message(Box<Message>),
    /// Words to be shown.
    Words(String),
    /// A file to be downloaded.
    File(String, Vec<u8>),
}

/// The page in a browser.
pub struct Site {
    next: Sender<Vec<u8>>,
    said: Receiver<Said>,
    /// What a second page in a frame said.
    pub second: Receiver<Said>,
    files: Arc<Mutex<HashMap<String, Vec<u8>>>>,
    /// What its browser lacks, where that was told before its Worker heard.
    lack: Option<Lack>,
    tools: RefCell<DevTools>,
    _browser: browser::Browser,
    _turn: MutexGuard<'static, ()>,
}

impl Site {
    /// Opens the page with this behind its `#`; its Worker runs this script first.
    pub fn open(fragment: &str, worker: &'static str) -> Self {
        Self::open_with("", fragment, worker.to_owned())
    }

    /// The same, served with these headers.
    pub fn open_with(headers: &'static str, fragment: &str, worker: String) -> Self {
        let (folder, turn) = (built(), TURN.lock().unwrap_or_else(PoisonError::into_inner));
        let ((next, wanted), (told, said), (told_second, second)) = (channel::<Vec<u8>>(), channel(), channel());
        let files: Arc<Mutex<HashMap<String, Vec<u8>>>> = Arc::default();
        let (wanted, served) = (Mutex::new(wanted), Arc::clone(&files));
        let url = browser::serve_with(headers, move |path, posted| {
            let (path, search) = path.split_once('?').unwrap_or((path, ""));
            let tell = |said| {
                // Nobody listens any more once the test is over.
                let _ = if search.is_empty() { &told } else { &told_second }.send(said);
                Some(("text/plain", Vec::new()))
            };
            match path {
                "/" => {
                    let page = std::fs::read_to_string(folder.join("index.html")).ok()?;
                    Some(("text/html", page.replace("<script", &format!("{TAP}<script")).into_bytes()))
                }
                "/worker.js" => {
                    let own = std::fs::read_to_string(folder.join("worker.js")).ok()?;
                    Some(("text/javascript", format!("{worker}\n{own}").into_bytes()))
                }
                "/next" => {
                    let wanted = wanted.lock().unwrap_or_else(PoisonError::into_inner);
                    Some(("application/octet-stream", wanted.recv_timeout(Duration::from_secs(1)).unwrap_or_default()))
                }
                "/said" if posted.is_empty() => tell(Said::Ready),
                "/said" => tell(Said::Message(Box::new(from_bytes(&posted).unwrap_or_else(|why| broken(&why))))),
                "/words" => tell(Said::Words(String::from_utf8(posted).ok()?)),
                path if path.starts_with("/file/") => tell(Said::File(path["/file/".len()..].to_owned(), posted)),
                path if path.starts_with("/given/") => {
                    Some(("application/octet-stream", served.lock().ok()?.get(&path["/given/".len()..])?.clone()))
                }
                path => file(folder, path),
            }
        });
        let (_browser, mut tools) = devtools::open(&format!("{url}#{fragment}"), &browser::WEBGPU);
        tools.size(SIZE);
        let mut lack = None;
        until(&said, |said| match said {
            Said::Ready => Some(()),
            Said::Message(message) => {
                lack = lacks(*message).or(lack.take());
                None
            }
            Said::Words(_) | Said::File(..) => None,
        });
        Self { next, said, second, files, lack, tools: RefCell::new(tools), _browser, _turn: turn }
    }

    pub fn send(&self, command: &Command) {
        self.next.send([vec![0], to_bytes(command).unwrap()].concat()).unwrap();
    }

    /// Has a script run in the page.
    pub fn run(&self, script: &str) {
        self.next.send([&[1], script.as_bytes()].concat()).unwrap();
    }

    /// Loads the page again, with nothing behind its `#`.
    pub fn reload(&self) {
        self.reload_with("");
    }

    /// Loads the page again, with this behind its `#`.
    pub fn reload_with(&self, fragment: &str) {
        self.run(&format!("location.hash = '{fragment}'; location.reload(); return 'gone'"));
        self.until(|said| matches!(said, Said::Ready).then_some(()));
    }

    /// Drops a file on the page.
    pub fn drop(&self, name: &str, bytes: Vec<u8>) {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), bytes);
        self.run(&format!(
            "return fetch('/given/{name}').then((answer) => answer.blob()).then((bytes) => {{
                const dataTransfer = new DataTransfer();
                dataTransfer.items.add(new File([bytes], '{name}'));
                const canvas = document.querySelector('canvas');
                canvas.dispatchEvent(new DragEvent('drop', {{ dataTransfer, bubbles: true, cancelable: true }}));
            }})"
        ));
    }

    /// What a browser does at its user's hand.
    pub fn tools(&self) -> RefMut<'_, DevTools> {
        self.tools.borrow_mut()
    }

    /// Drops files and folders of this machine on the page, as its user does.
    pub fn drop_paths(&self, paths: &[&Path]) {
        self.tools().drop(SIZE.map(|side| side / 2.0), paths);
    }

    /// Chooses a folder of this machine, as its user does, on a page without a run.
    pub fn choose_folder(&self, folder: &Path) {
        let lack = self.lack.clone().unwrap_or_else(|| self.message(lacks));
        let (mut tools, mut mirror) = (self.tools(), Mirror::new(SIZE, lack));
        tools.rest();
        for button in ["folder", "Browse…"] {
            tools.click(mirror.click(button));
        }
        let last = mirror.click("A folder…");
        tools.choose(folder, |tools| tools.click(last));
    }

    /// What the first thing has that has it.
    pub fn until<T>(&self, has: impl FnMut(Said) -> Option<T>) -> T {
        until(&self.said, has)
    }

    /// What the first message has that has it; one of failure fails the test.
    pub fn message<T>(&self, mut has: impl FnMut(Message) -> Option<T>) -> T {
        self.until(|said| match said {
            Said::Message(message) => match *message {
                Message::Failed(trouble) => panic!("{trouble:?}"),
                message => has(message),
            },
            _ => None,
        })
    }

    /// The next failure.
    pub fn failure(&self) -> Trouble {
        self.until(|said| match said {
            Said::Message(message) => match *message {
                Message::Failed(trouble) => Some(trouble),
                _ => None,
            },
            _ => None,
        })
    }

    /// The next words that are shown.
    pub fn words(&self) -> String {
        self.until(|said| if let Said::Words(words) = said { Some(words) } else { None })
    }

    /// The next file.
    pub fn file(&self) -> (String, Vec<u8>) {
        self.until(|said| if let Said::File(name, bytes) = said { Some((name, bytes)) } else { None })
    }
}

fn lacks(message: Message) -> Option<Lack> {
    if let Message::Lacks(lack) = message { Some(lack) } else { None }
}

/// What the first thing has that has it.
pub fn until<T>(said: &Receiver<Said>, mut has: impl FnMut(Said) -> Option<T>) -> T {
    loop {
        if let Some(found) = has(said.recv_timeout(PATIENCE).expect("the page goes on telling")) {
            return found;
        }
    }
}

fn broken(why: &str) -> Message {
    Message::Failed(Trouble { what: "a message".to_owned(), why: why.to_owned(), ends: true })
}
