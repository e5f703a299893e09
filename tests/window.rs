//! The window with a real trainer behind it: clicked through by its labels, and opened for real on a virtual display.

use backhoe::data::protocol::Protocol;
use backhoe::data::source::Source;
use backhoe::device;
use backhoe::plan::Augmentation;
use backhoe::train::Settings;
use backhoe::train::cell::Cell;
use backhoe::ui::App;
use backhoe::ui::controls::Controls;
use backhoe::ui::known::Phase;
use backhoe::worker::{OpenDevice, Thread};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Patience for what takes seconds.
const PATIENCE: Duration = Duration::from_secs(120);

/// Where pictures of the window are kept.
fn pictures() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("window");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn processor() -> OpenDevice {
    Arc::new(|_| {
        Ok(Some(device::open(&device::DeviceChoice::Cpu, device::Opening { threads: Some(2), tune: None }).unwrap()))
    })
}

/// A small network on small faces: an epoch takes about a second of an unoptimised build.
fn controls(place: &Path, epochs: usize) -> Controls {
    let settings = Settings {
        epochs,
        side: 16,
        channels: vec![8, 16],
        hidden: 16,
        jump_start: 1,
        augmentation: Augmentation { crop: true, flip: true, rotation: false, aspect: false, colour: false },
        ..Settings::default()
    };
    let source = Source::Faces { train: 160, test: 80 };
    let cell = Cell { source, protocol: Protocol::default(), settings, ground: None, search: false };
    Controls::new(cell, false, "cpu", Some(place.to_owned()))
}

fn window(place: &Path, epochs: usize) -> Harness<'static, App> {
    sized_window([1280.0, 800.0], place, epochs)
}

fn sized_window(size: [f32; 2], place: &Path, epochs: usize) -> Harness<'static, App> {
    let controls = controls(place, epochs);
    let builder = Harness::builder().with_size(size).wgpu();
    builder.build_eframe(move |creation| {
        let ctx = creation.egui_ctx.clone();
        let thread = Thread::start(processor(), move || ctx.request_repaint()).unwrap();
        App::new(&creation.egui_ctx, Box::new(thread), controls, false)
    })
}

/// Draws frames until something is known.
fn until(window: &mut Harness<'static, App>, what: &str, known: impl Fn(&App) -> bool) {
    let began = Instant::now();
    while !known(window.state()) {
        assert!(began.elapsed() < PATIENCE, "{what} never came");
        window.step();
        std::thread::sleep(Duration::from_millis(10));
    }
    window.run_steps(2);
}

fn click(window: &mut Harness<'static, App>, label: &str) {
    window.get_by_label(label).click();
    window.run_steps(3);
}

fn picture(window: &mut Harness<'static, App>, name: &str) {
    let image = window.render().unwrap();
    let first = image.get_pixel(0, 0);
    let other = image.pixels().filter(|pixel| *pixel != first).count();
    image.save(pictures().join(name)).unwrap();
    assert!(other > 1000, "{name} is blank");
}

#[test]
fn controls_and_view_take_turns_in_a_narrow_window() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = sized_window([390.0, 800.0], &folder.path().join("run"), 1);
    window.run_steps(2);
    click(&mut window, "Start");
    until(&mut window, "the end", |app| app.known().phase == Phase::Finished);
    assert!(window.query_by_label("Start").is_none() && window.query_by_label("Mistakes").is_some());
    picture(&mut window, "narrow.png");
    click(&mut window, "Controls");
    assert!(window.query_by_label("Start").is_some() && window.query_by_label("Mistakes").is_none());
}

#[test]
fn a_run_is_started_rested_steered_and_finished_by_its_buttons() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("run");
    let mut window = window(&place, 3);
    window.run_steps(2);
    picture(&mut window, "welcome.png");
    click(&mut window, "Start");
    until(&mut window, "the first epoch", |app| app.known().epochs.len() == 1);
    click(&mut window, "Pause");
    until(&mut window, "rest", |app| app.known().phase == Phase::Resting);
    let batch = window.state().known().batch;
    click(&mut window, "One step");
    until(&mut window, "a step", |app| app.known().phase == Phase::Resting && app.known().batch != batch);
    click(&mut window, "One epoch");
    until(&mut window, "an epoch", |app| app.known().epochs.len() == 2);
    until(&mut window, "rest", |app| app.known().phase == Phase::Resting);
    // Space goes on where it rests.
    window.key_press(eframe::egui::Key::Space);
    until(&mut window, "the end", |app| app.known().phase == Phase::Finished);
    assert_eq!(window.state().known().epochs.len(), 3);
    assert!(place.join("report.html").exists() && window.state().known().troubles.is_empty());
    // Arrows replay the epochs.
    window.key_press(eframe::egui::Key::ArrowLeft);
    window.run_steps(2);
    assert!(window.query_by_label("newest").is_some_and(|node| node.accesskit_node().toggled().is_some()));
    for (view, name) in [
        ("Race and distances", "race.png"),
        ("Edit D", "edit.png"),
        ("Mistakes", "mistakes.png"),
        ("Earth mover", "mover.png"),
        ("Look inside", "inside.png"),
        ("Engine", "engine.png"),
    ] {
        click(&mut window, view);
        for _ in 0..20 {
            window.step();
            std::thread::sleep(Duration::from_millis(20));
        }
        picture(&mut window, name);
    }
}

#[test]
fn a_bad_folder_is_said_and_the_window_lives_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = window(&folder.path().join("run"), 1);
    window.run_steps(2);
    click(&mut window, "folder");
    let missing = folder.path().join("no such folder");
    let field = |window: &Harness<'static, App>, act: &dyn Fn(egui_kittest::Node<'_>)| {
        act(window.get_by_role_and_label(eframe::egui::Role::TextInput, "folder"));
    };
    field(&window, &|node| node.focus());
    window.run_steps(2);
    field(&window, &|node| node.type_text(&missing.display().to_string()));
    window.run_steps(2);
    click(&mut window, "Start");
    until(&mut window, "the problem", |app| !app.known().troubles.is_empty());
    let why = window.state().known().troubles[0].why.clone();
    assert!(why.contains("no such folder"), "{why}");
    picture(&mut window, "trouble.png");
    click(&mut window, "OK");
    assert!(window.state().known().troubles.is_empty());
    click(&mut window, "faces");
    click(&mut window, "Start");
    until(&mut window, "the end", |app| app.known().phase == Phase::Finished);
}

/// A virtual display, ended with the test.
struct Display {
    server: Child,
    name: String,
}

impl Display {
    fn open() -> Self {
        let (mut numbers, number) = std::io::pipe().unwrap();
        let mut command = Command::new("Xvfb");
        command.args(["-displayfd", "1", "-screen", "0", "1280x800x24", "-nolisten", "tcp"]);
        let server =
            command.stdout(number).stderr(Stdio::null()).spawn().expect("Xvfb is installed by scripts/setup --tests");
        drop(command);
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(&mut numbers), &mut line).unwrap();
        Self { server, name: format!(":{}", line.trim()) }
    }

    fn picture(&self, name: &str) -> image::RgbImage {
        let path = pictures().join(name);
        let taken = Command::new("import").args(["-display", &self.name, "-window", "root"]).arg(&path).status();
        assert!(taken.expect("ImageMagick is installed by scripts/setup --tests").success());
        image::open(path).unwrap().to_rgb8()
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Share of pixels that differ from a picture's most frequent colour.
fn ink(image: &image::RgbImage) -> f64 {
    let mut counts = std::collections::HashMap::new();
    image.pixels().for_each(|pixel| *counts.entry(pixel.0).or_insert(0u32) += 1);
    1.0 - f64::from(*counts.values().max().unwrap()) / f64::from(image.width() * image.height())
}

#[test]
fn the_real_window_opens_trains_and_changes() {
    let folder = tempfile::tempdir().unwrap();
    let display = Display::open();
    let arguments =
        "gui --autostart --train-images 96 --test-images 48 --size 16 --channels 4,8 --hidden 16 --epochs 40";
    let mut program = Command::new(env!("CARGO_BIN_EXE_backhoe"));
    program.args(arguments.split(' ')).current_dir(folder.path());
    program.env("DISPLAY", &display.name).env_remove("WAYLAND_DISPLAY");
    let mut program = program.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let metrics = folder.path().join("runs/faces-1/metrics.csv");
    let epochs = || std::fs::read_to_string(&metrics).map_or(0, |text| text.lines().count());
    let began = Instant::now();
    let wait = |lines: usize| {
        while epochs() < lines {
            assert!(began.elapsed() < PATIENCE, "no epoch ended");
            std::thread::sleep(Duration::from_millis(50));
        }
        std::thread::sleep(Duration::from_millis(500));
    };
    wait(4);
    let first = display.picture("real-1.png");
    wait(16);
    let second = display.picture("real-2.png");
    let (drawn, changed) = (ink(&first), first.pixels().zip(second.pixels()).filter(|(a, b)| a != b).count());
    let alive = program.try_wait().unwrap().is_none();
    let _ = program.kill();
    let _ = program.wait();
    assert!(alive, "the window ended by itself");
    assert!(drawn > 0.05, "the window is blank: {drawn}");
    assert!(changed > 200, "the window does not change: {changed} pixels");
}
