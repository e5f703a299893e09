//! What the page says where its browser gives it no GPU: the page's own Worker in real browsers that lack one thing or another.
//! A missing Chromium fails the tests.

mod browser;

use backhoe::worker::message::Lack;
use backhoe::worker::{Message, from_bytes};
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::sync::mpsc::channel;
use std::time::Duration;

/// Longest time between two messages.
const PATIENCE: Duration = Duration::from_secs(120);

/// Hands on what the Worker says.
const PAGE: &str = r#"<!doctype html><script type="module">
const worker = new Worker("./worker.js", { type: "module" });
worker.onmessage = ({ data }) => fetch("/said", { method: "POST", body: data });
</script>"#;

/// The folder of the page, built once.
fn built() -> &'static Path {
    static FOLDER: OnceLock<()> = OnceLock::new();
    let folder = Path::new(concat!(env!("CARGO_TARGET_TMPDIR"), "/page"));
    FOLDER.get_or_init(|| {
        let mut build = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/web"));
        let status = build.args(["--build", "--profile", "web-test", "--out"]).arg(folder).status();
        assert!(status.is_ok_and(|status| status.success()), "scripts/web --build fails");
    });
    folder
}

/// What the Worker says that is missing, in a browser with these flags that finds the page on this host; the Worker first
/// does this.
fn lack(host: &str, flags: &[&str], first: &'static str) -> Lack {
    let folder = built();
    let (told, said) = channel();
    let url = browser::serve(move |path, posted| match path {
        "/" => Some(("text/html", PAGE.into())),
        "/said" => {
            // Nobody listens any more once the test is over.
            let _ = told.send(posted);
            Some(("text/plain", Vec::new()))
        }
        "/worker.js" => {
            let worker = std::fs::read_to_string(folder.join("worker.js")).ok()?;
            Some(("text/javascript", format!("{first}\n{worker}").into_bytes()))
        }
        path => {
            let kind = if path.ends_with(".wasm") { "application/wasm" } else { "text/javascript" };
            Some((kind, std::fs::read(folder.join(path.trim_start_matches('/'))).ok()?))
        }
    });
    let _browser = browser::open(&url.replace("127.0.0.1", host), flags);
    loop {
        let bytes = said.recv_timeout(PATIENCE).expect("the Worker says what is missing");
        // That it is ready is no message.
        if let Ok(Message::Lacks(lack)) = from_bytes(&bytes) {
            return lack;
        }
    }
}

#[test]
fn the_page_says_what_its_browser_lacks() {
    let software = lack("localhost", &browser::WEBGPU, "");
    assert_eq!(software, Lack::Gpu("google swiftshader".to_owned()));
    assert_eq!(lack("localhost", &[], ""), Lack::Adapter);
    assert_eq!(lack("localhost", &[], "delete WorkerNavigator.prototype.gpu;"), Lack::WebGpu);
    assert_eq!(lack("backhoe.test", &["--host-resolver-rules=MAP backhoe.test 127.0.0.1"], ""), Lack::Secure);
}
