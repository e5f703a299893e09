//! How pictures of the window come onto the page while it trains: the page waits for no driver that draws.

use crate::files::{begun, finished, order};
use crate::site::Site;
use backhoe::data::source::Source;
use serde_json::Value;

/// Most milliseconds that the page's own work on a picture may take: longer tasks are felt.
const MOST_MS: f64 = 50.0;

/// Overhears the page's WebGL: what is drawn on the canvas itself, what is shown before the driver was done, and how long the page's
/// own code takes for each picture.
const OVERHEAR: &str = "(() => {
    const gl = WebGL2RenderingContext.prototype, seen = { beside: 0, onto: 0, shown: 0, early: 0, took: [] }, done = new Set();
    let newest = null, drew = false;
    const tap = (name, then) => {
        const own = gl[name];
        gl[name] = function (...all) { return then.call(this, own.apply(this, all), all); };
    };
    tap('drawElements', function () { drew = true; this.getParameter(this.DRAW_FRAMEBUFFER_BINDING) ? seen.beside++ : seen.onto++; });
    tap('fenceSync', (fence) => newest = fence);
    tap('getSyncParameter', function (status, [fence]) { if (status === this.SIGNALED) done.add(fence); return status; });
    tap('blitFramebuffer', () => { seen.shown++; if (!done.has(newest)) seen.early++; });
    const frame = window.requestAnimationFrame;
    window.requestAnimationFrame = (call) => frame((time) => {
        const since = performance.now();
        drew = false;
        call(time);
        if (drew) seen.took.push(performance.now() - since);
    });
    window.seen = seen;
})()";

#[test]
fn a_picture_is_drawn_beside_the_canvas_and_shown_once_the_driver_is_done() {
    let site = Site::open("", "");
    site.tools().rest();
    site.tools().evaluate(OVERHEAR);
    site.send(&order(Source::Faces { train: 192, test: 32 }, "cpu"));
    site.message(begun);
    site.message(finished);
    site.tools().rest();
    let seen = site.tools().evaluate("seen");
    let count = |name: &str| seen[name].as_u64().unwrap();
    assert!(count("beside") > 100 && count("shown") >= 5, "{seen}");
    assert_eq!((count("onto"), count("early")), (0, 0), "{seen}");
    let mut took: Vec<f64> = seen["took"].as_array().unwrap().iter().filter_map(Value::as_f64).collect();
    took.sort_by(f64::total_cmp);
    // The median: whatever else the machine does takes its turns, too.
    let median = took[took.len() / 2];
    assert!(median <= MOST_MS, "{took:?}");
}

#[test]
fn that_the_browser_draws_no_more_is_said() {
    let site = Site::open("", "");
    site.tools().rest();
    let lose = "new Promise((seen) => {
        const canvas = document.getElementById('backhoe'), told = document.getElementById('told');
        canvas.addEventListener('webglcontextlost', () => setTimeout(() => seen(told.hidden ? '' : told.textContent)));
        canvas.getContext('webgl2').getExtension('WEBGL_lose_context').loseContext();
    })";
    let said = site.tools().evaluate(lose);
    assert!(said.as_str().is_some_and(|said| said.contains("Load the page again")), "{said}");
}
