//! The page itself: the window's app on a canvas, and its end of the border to the Worker.

use super::browser;
use super::picture::Picture;
use backhoe::ui::controls::Controls;
use backhoe::ui::{Address, App};
use backhoe::worker::message::{Browser, Choose, Trouble};
use backhoe::worker::{Command, Link, Message, from_bytes, to_bytes};
use eframe::egui::{Context, Ui};
use eframe::{CreationContext, Renderer, WebOptions, WebRunner};
use js_sys::{Array, Function, Uint8Array};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::{Closure, JsValue};
use web_sys::{HtmlCanvasElement, MessageEvent, MessagePort, Window, Worker, WorkerOptions, WorkerType};

/// Time from a message to the next picture: what trains on the same cores shall not wait for pictures.
const REPAINT_AFTER: Duration = Duration::from_millis(90);

/// Where the app is drawn.
pub fn canvas(window: &Window) -> Option<HtmlCanvasElement> {
    window.document()?.get_element_by_id("backhoe")?.dyn_into().ok()
}

/// Draws the app from now on, with what the address asks for.
pub fn start(canvas: HtmlCanvasElement, window: &Window) {
    let fragment = window.location().hash().unwrap_or_default();
    let address = Address::read(fragment.trim_start_matches('#'));
    let picture = Picture::beside(&canvas);
    let make = move |creation: &CreationContext<'_>| {
        let tune = address.as_ref().map_or(None, |address| address.tune);
        let link = Border::to_worker(&creation.egui_ctx, tune).map_err(|error| format!("{error:?}"))?;
        let address = address.unwrap_or_else(|why| {
            link.crossed.borrow_mut().fail("the address", why, false);
            Address::default()
        });
        let Address { cell, device, autostart, panel, .. } = address;
        let controls = Controls::new(cell, true, &device, None);
        let app = App::new(&creation.egui_ctx, Box::new(link), controls, autostart).showing(panel);
        Ok(Box::new(Drawn { app, picture }) as Box<dyn eframe::App>)
    };
    wasm_bindgen_futures::spawn_local(async move {
        // WebGL is wherever a browser is, and takes a sixth of wgpu's time where software draws.
        // A task of its own, so that the browser can do something between.
        browser::later(0.0).await;
        let options = WebOptions { renderer: Renderer::Glow, dithering: false, ..WebOptions::default() };
        let runner = WebRunner::new();
        match runner.start(canvas, options, Box::new(make)).await {
            Ok(()) => say(""),
            Err(error) => say(&format!("The page cannot be drawn: {error:?}")),
        }
    });
}

/// The app, and how its pictures come onto the canvas.
struct Drawn {
    app: App,
    picture: Option<Rc<Picture>>,
}

impl eframe::App for Drawn {
    fn logic(&mut self, ctx: &Context, frame: &mut eframe::Frame) {
        self.app.logic(ctx, frame);
    }

    fn ui(&mut self, ui: &mut Ui, frame: &mut eframe::Frame) {
        if let Some(picture) = &self.picture {
            picture.begin();
        }
        self.app.ui(ui, frame);
    }
}

/// Says something where the app is not.
fn say(words: &str) {
    let window = js_sys::global().dyn_into::<Window>().ok();
    let place = window.and_then(|window| window.document()?.get_element_by_id("words"));
    if let Some(place) = place {
        place.set_text_content(Some(words));
    }
}

/// What has crossed the border.
#[derive(Default)]
struct Crossed {
    /// Whether the Worker hears.
    ready: bool,
    /// Whether a run is kept, so that the browser has been asked to let it stay.
    keeps: bool,
    /// Commands and files that wait for it.
    waiting: Vec<JsValue>,
    messages: Vec<Message>,
    /// Whether the Worker has ended, which is told once.
    over: bool,
}

/// The border to the Worker.
struct Border {
    worker: Worker,
    crossed: Rc<RefCell<Crossed>>,
    /// Takes files that were chosen or dropped.
    found: Closure<dyn FnMut(Array)>,
    _unread: Closure<dyn FnMut(String)>,
    _listeners: [Closure<dyn FnMut(MessageEvent)>; 3],
}

impl Border {
    /// To a Worker of its own, whose graphics adapters try kernels, or do not, or do what is usual.
    fn to_worker(ctx: &Context, tune: Option<bool>) -> Result<Self, JsValue> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let address = match tune {
            Some(true) => "./worker.js#tune=on",
            Some(false) => "./worker.js#tune=off",
            None => "./worker.js",
        };
        let worker = Worker::new_with_options(address, &options)?;
        let crossed = Rc::new(RefCell::new(Crossed::default()));
        let [heard, failed] = [Rc::clone(&crossed), Rc::clone(&crossed)];
        let [on_heard, on_failed] = [ctx.clone(), ctx.clone()];
        let sender = worker.clone();
        let (found, unread) = take_files(&worker, &crossed, ctx);
        browser::listen(&found, &unread);
        let hear_thread = hear_threads(&worker, &crossed, ctx);
        let listener: Function = hear_thread.as_ref().unchecked_ref::<Function>().clone();
        let hear = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            match event.data().dyn_into::<MessagePort>() {
                Ok(thread) => thread.set_onmessage(Some(&listener)),
                Err(data) => heard.borrow_mut().take(&data, &sender),
            }
            on_heard.request_repaint_after(REPAINT_AFTER);
        });
        let fail = Closure::<dyn FnMut(MessageEvent)>::new(move |_| {
            failed.borrow_mut().end("the page", "its Worker ended; load it again".to_owned());
            on_failed.request_repaint();
        });
        worker.set_onmessage(Some(hear.as_ref().unchecked_ref()));
        worker.set_onerror(Some(fail.as_ref().unchecked_ref()));
        Ok(Self { worker, crossed, found, _unread: unread, _listeners: [hear, hear_thread, fail] })
    }
}

/// What hears the Worker's threads, which have something to say as they end alone.
fn hear_threads(worker: &Worker, crossed: &Rc<RefCell<Crossed>>, ctx: &Context) -> Closure<dyn FnMut(MessageEvent)> {
    let (worker, ctx, heard) = (worker.clone(), ctx.clone(), Rc::clone(crossed));
    Closure::new(move |event: MessageEvent| {
        heard.borrow_mut().take_last(&event.data(), &worker);
        ctx.request_repaint();
    })
}

/// What hands files that were chosen or dropped to the Worker, which reads them; and what says that some cannot be read.
fn take_files(
    worker: &Worker,
    crossed: &Rc<RefCell<Crossed>>,
    ctx: &Context,
) -> (Closure<dyn FnMut(Array)>, Closure<dyn FnMut(String)>) {
    let (sender, ctx, [handed, failed]) = (worker.clone(), ctx.clone(), [Rc::clone(crossed), Rc::clone(crossed)]);
    let found = Closure::new(move |pairs: Array| handed.borrow_mut().send(pairs.into(), &sender));
    let unread = Closure::new(move |why| {
        failed.borrow_mut().fail("what was dropped", why, false);
        ctx.request_repaint();
    });
    (found, unread)
}

impl Crossed {
    fn take(&mut self, data: &JsValue, worker: &Worker) {
        if data.is_string() {
            self.ready = true;
            std::mem::take(&mut self.waiting).into_iter().for_each(|data| self.send(data, worker));
            return;
        }
        match data.dyn_ref::<Array>() {
            Some(words) if words.length() == 1 => return browser::tell(&words.get(0)),
            Some(file) => return browser::download(&file.get(0), &file.get(1)),
            None => {}
        }
        match from_bytes(&Uint8Array::new(data).to_vec()) {
            Ok(message) => {
                if matches!(message, Message::Kept { .. }) && !std::mem::replace(&mut self.keeps, true) {
                    browser::persist();
                }
                self.over |= matches!(message, Message::Closed);
                self.messages.push(message);
            }
            Err(why) => self.fail("a message", why, false),
        }
    }

    /// Takes what a thread of the Worker's tells as it ends: a panic's messages, then what the browser calls it. The Worker waits
    /// for that thread and ends with it, so that its run is nobody's.
    fn take_last(&mut self, data: &JsValue, worker: &Worker) {
        match data.as_string() {
            Some(why) => self.end("this program", format!("{why}; load the page again, then open the run")),
            None => self.take(data, worker),
        }
        if self.over {
            worker.terminate();
        }
    }

    /// Sends to the Worker once it hears.
    fn send(&mut self, data: JsValue, worker: &Worker) {
        if self.ready {
            // A Worker that is gone shows by its error.
            let _ = worker.post_message(&data);
        } else {
            self.waiting.push(data);
        }
    }

    /// Nothing goes on any more, unless that is known.
    fn end(&mut self, what: &str, why: String) {
        if !std::mem::replace(&mut self.over, true) {
            self.fail(what, why, true);
            self.messages.push(Message::Closed);
        }
    }

    fn fail(&mut self, what: &str, why: String, ends: bool) {
        self.messages.push(Message::Failed(Trouble { what: what.to_owned(), why, ends }));
    }
}

impl Link for Border {
    fn send(&mut self, command: Command) {
        let mut crossed = self.crossed.borrow_mut();
        match to_bytes(&command) {
            Ok(bytes) => crossed.send(Uint8Array::from(&*bytes).into(), &self.worker),
            Err(why) => crossed.fail("a command", why, false),
        }
    }

    fn receive(&mut self) -> Vec<Message> {
        std::mem::take(&mut self.crossed.borrow_mut().messages)
    }

    fn browser(&mut self) -> Option<&mut dyn Browser> {
        Some(self)
    }
}

impl Browser for Border {
    fn choose(&mut self, what: Choose) {
        browser::choose(what == Choose::Folder, &self.found);
    }
}
