//! `backhoe gui`: the window, joined with a worker in a thread of its own.

use super::CliError;
use super::args::{Command, DeviceArguments, GuiArguments, TrainArguments};
use backhoe::device::{self, DeviceChoice};
use backhoe::gpu;
use backhoe::ui::App;
use backhoe::ui::controls::Controls;
use backhoe::worker::{Link, OpenDevice, Thread, device_words};
use eframe::egui::{Context, ViewportBuilder};
use eframe::{CreationContext, NativeOptions, Renderer};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

/// Time from a message to the window's next picture: what trains on the same cores shall not wait for pictures.
const REPAINT_AFTER: Duration = Duration::from_millis(50);

/// What `backhoe` alone does: the window where there is a display, else a training.
pub fn or_train() -> Command {
    if has_display() { Command::Gui(Box::default()) } else { Command::Train(Box::default()) }
}

fn has_display() -> bool {
    let named = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(any(windows, target_os = "macos")) || named("DISPLAY") || named("WAYLAND_DISPLAY")
}

/// Opens the window and stays until it is closed.
pub fn run(arguments: &GuiArguments) -> Result<(), CliError> {
    // What is wrong with the arguments is said before a window opens.
    controls(&arguments.train)?;
    if !has_display() {
        let why =
            "there is no display for a window (neither DISPLAY nor WAYLAND_DISPLAY is set); `backhoe train` needs none";
        return Err(CliError::Words(why.to_owned()));
    }
    let [first, second] = renderers();
    let Err(error) = show(arguments, first) else { return Ok(()) };
    let Err(other) = show(arguments, second) else { return Ok(()) };
    let words = format!("the window cannot open: {error} (and drawn otherwise: {other}); `backhoe train` needs none");
    Err(CliError::Words(words))
}

/// What draws the window, and what does where that cannot: wgpu on a GPU. Where software draws, OpenGL's takes a sixth of
/// the time, since wgpu's shader of the interface computes both of two ways to read its texture there.
fn renderers() -> [Renderer; 2] {
    if gpu::has_gpu(&gpu::list()) { [Renderer::Wgpu, Renderer::Glow] } else { [Renderer::Glow, Renderer::Wgpu] }
}

fn show(arguments: &GuiArguments, renderer: Renderer) -> eframe::Result {
    let viewport = ViewportBuilder::default().with_title("backhoe").with_inner_size([1280.0, 800.0]);
    // The app asks the system's fonts itself.
    let system_font_fallback = false;
    let options =
        NativeOptions { viewport, renderer, dithering: false, system_font_fallback, ..NativeOptions::default() };
    let GuiArguments { autostart, train } = arguments.clone();
    let begin = move |creation: &CreationContext<'_>| -> Result<Box<dyn eframe::App>, Box<dyn Error + Send + Sync>> {
        let controls = controls(&train)?;
        let mut worker = Thread::start(opener(&train.device), waker(creation.egui_ctx.clone()))?;
        if let Some(place) = train.resume {
            worker.send(controls.open(place));
        }
        Ok(Box::new(App::new(&creation.egui_ctx, Box::new(worker), controls, autostart)))
    };
    eframe::run_native("backhoe", options, Box::new(begin))
}

fn waker(ctx: Context) -> impl Fn() + Send + Sync + 'static {
    move || ctx.request_repaint_after(REPAINT_AFTER)
}

fn opener(device: &DeviceArguments) -> OpenDevice {
    let opening = device.opening();
    Arc::new(move |name| {
        let Ok(choice) = name.parse::<DeviceChoice>();
        device::open(&choice, opening).map(Some).map_err(|error| device_words(&error))
    })
}

fn controls(train: &TrainArguments) -> Result<Controls, CliError> {
    if train.quiet || train.json {
        return Err(CliError::Words("the window prints nothing: leave --quiet and --json out".to_owned()));
    }
    let sized = train.channels.is_empty() && train.hidden.is_none();
    let cell = super::train::cell(train, false)?;
    if cell.search {
        let why = "the window searches for no learning rates: give it one with --lr, or use `backhoe train`";
        return Err(CliError::Words(why.to_owned()));
    }
    Ok(Controls::new(cell, sized, &train.device.device.to_string(), train.out.clone()))
}
