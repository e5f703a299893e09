//! What drawing costs training: the default run in the window, drawn up to sixty times a second and not drawn at all,
//! in pairs. Pictures are drawn by wgpu and read back, which a window on a screen is spared.
//!
//!     cargo bench --bench window -- --device gpu

mod common;

use backhoe::data::protocol::Protocol;
use backhoe::data::source::Source;
use backhoe::device::{self, DeviceChoice};
use backhoe::train::Settings;
use backhoe::train::cell::Cell;
use backhoe::ui::App;
use backhoe::ui::controls::Controls;
use backhoe::ui::known::Phase;
use backhoe::worker::{OpenDevice, Thread};
use clap::Parser;
use common::{Arguments, Table, number, open};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Pairs of runs.
const PAIRS: usize = 3;
/// From one picture to the next, at least.
const FRAME: Duration = Duration::from_micros(16_667);
/// How long a run may take.
const PATIENCE: Duration = Duration::from_secs(600);

#[derive(Parser)]
struct Options {
    #[command(flatten)]
    common: Arguments,
    /// Epochs of a run; what comes before the end of the first is not measured
    #[arg(long, default_value_t = 9)]
    epochs: usize,
}

/// What a run showed between the ends of its first epoch and of its last.
struct Shown {
    seconds: f64,
    pictures: usize,
    slowest: Duration,
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let headings = ["pair", "s, not drawn", "s, drawn", "ratio", "pictures/s", "slowest, ms"];
    let mut table = Table::new(open(&options.common)?.adapter(), &headings);
    for pair in 0..PAIRS {
        // Who goes first alternates.
        let first = run(&options, pair % 2 == 0)?;
        let second = run(&options, pair % 2 != 0)?;
        let (drawn, plain) = if pair % 2 == 0 { (first, second) } else { (second, first) };
        table.row(vec![
            (pair + 1).to_string(),
            number(plain.seconds),
            number(drawn.seconds),
            number(drawn.seconds / plain.seconds),
            number(drawn.pictures as f64 / drawn.seconds),
            number(drawn.slowest.as_secs_f64() * 1e3),
        ]);
    }
    table.finish(&options.common)
}

/// A run of three losses on the default faces.
fn run(options: &Options, drawn: bool) -> Result<Shown, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let mut window = window(&folder.path().join("run"), options);
    window.run_steps(2);
    window.get_by_label("Start").click();
    let (mut first, mut shown) = (None, Shown { seconds: 0.0, pictures: 0, slowest: Duration::ZERO });
    let began = Instant::now();
    while window.state().known().phase != Phase::Finished {
        if began.elapsed() > PATIENCE {
            return Err(format!("the run did not end: {:?}", window.state().known().troubles).into());
        }
        let start = Instant::now();
        window.step();
        if drawn {
            window.render()?;
        }
        let epochs = window.state().known().epochs.len();
        if first.is_none() && epochs > 0 {
            first = Some(Instant::now());
        } else if let Some(first) = first
            && epochs < options.epochs
        {
            shown.seconds = first.elapsed().as_secs_f64();
            shown.pictures += usize::from(drawn);
            shown.slowest = shown.slowest.max(start.elapsed());
        }
        std::thread::sleep(if drawn { FRAME.saturating_sub(start.elapsed()) } else { Duration::from_millis(20) });
    }
    Ok(shown)
}

fn window(place: &Path, options: &Options) -> Harness<'static, App> {
    let (choice, opening): (DeviceChoice, _) = (options.common.device.clone(), options.common.opening());
    let label = choice.to_string();
    let open: OpenDevice =
        Arc::new(move |_| device::open(&choice, opening).map(Some).map_err(|error| error.to_string()));
    let source = Source::Faces { train: 1600, test: 400 };
    let settings = Settings { epochs: options.epochs, ..Settings::default() };
    let cell = Cell { source, protocol: Protocol::default(), settings, ground: None, search: false };
    let controls = Controls::new(cell, false, &label, Some(place.to_owned()));
    Harness::builder().with_size([1280.0, 800.0]).wgpu().build_eframe(move |creation| {
        let ctx = creation.egui_ctx.clone();
        // Without a thread there is nothing to measure.
        let thread = Thread::start(open, move || ctx.request_repaint()).expect("a thread starts");
        App::new(&creation.egui_ctx, Box::new(thread), controls, false)
    })
}
