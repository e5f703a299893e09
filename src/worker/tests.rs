//! Real runs on the processor, driven by messages alone.

use super::message::{Export, Exported, Order, Pace, Scene};
use super::{Command, Link, Message, Next, OpenDevice, Tell, Thread, Worker, device_words};
use crate::data::protocol::Protocol;
use crate::data::source::Source;
use crate::device::{self, DeviceChoice, Opening};
use crate::nn::Loss;
use crate::plan::Augmentation;
use crate::train::cell::Cell;
use crate::train::run::{RunFolder, read_weights};
use crate::train::{Change, EpochResult, GroundEdit, Lambda, Settings, Snapshot};
use std::path::Path;
use std::sync::{Arc, Mutex};

const CLASSES: usize = 8;

/// Two epochs of three batches on small faces.
pub(super) fn settings() -> Settings {
    let mut settings = Settings {
        losses: vec![Loss::Xe, Loss::Xemd2],
        epochs: 2,
        batch: 16,
        side: 16,
        channels: vec![4],
        hidden: 8,
        jump_start: 1,
        augmentation: Augmentation { crop: true, flip: true, rotation: false, aspect: false, colour: false },
        ..Settings::default()
    };
    settings.make_room(256);
    settings
}

pub(super) fn order(place: &Path, settings: Settings) -> Command {
    order_on(Source::Faces { train: 48, test: 24 }, place, settings)
}

pub(super) fn order_on(source: Source, place: &Path, settings: Settings) -> Command {
    let cell = Cell { source, protocol: Protocol::default(), settings, ground: None, search: false };
    Command::Begin(Box::new(Order {
        cell,
        place: Some(place.to_owned()),
        device: "cpu".to_owned(),
        begins: true,
        sized_by_device: false,
    }))
}

fn processor() -> OpenDevice {
    Arc::new(|name| {
        let Ok(choice) = name.parse::<DeviceChoice>();
        device::open(&choice, Opening { threads: Some(1), tune: None }).map(Some).map_err(|error| device_words(&error))
    })
}

/// A worker, and all that it told.
pub(super) struct Desk {
    pub(super) worker: Worker,
    told: Arc<Mutex<Vec<Message>>>,
}

impl Desk {
    pub(super) fn new() -> Self {
        Self::on(processor())
    }

    /// One whose devices are opened so.
    pub(super) fn on(open: OpenDevice) -> Self {
        let told = Arc::new(Mutex::new(Vec::new()));
        let mailbox = Arc::clone(&told);
        let tell: Tell = Arc::new(move |message| mailbox.lock().unwrap().push(message));
        Self { worker: Worker::new(open, tell), told }
    }

    /// One whose run has begun in a folder, and rests.
    fn resting(place: &Path) -> Self {
        let mut desk = Self::new();
        desk.worker.take(order(place, settings()));
        desk.until(|message| matches!(message, Message::Begun(_)));
        desk.take(Command::Go(Pace::Rest));
        desk
    }

    /// Advances until the worker has nothing to do; what it told meanwhile.
    pub(super) fn settle(&mut self) -> Vec<Message> {
        self.until(|_| false)
    }

    /// Advances until a message is told, or the worker has nothing to do.
    pub(super) fn until(&mut self, seen: impl Fn(&Message) -> bool) -> Vec<Message> {
        loop {
            let next = self.worker.advance();
            let stop = self.told.lock().unwrap().iter().any(&seen);
            match next {
                _ if stop => break,
                Next::Working => {}
                Next::Waiting => self.worker.wait(),
                Next::Idle | Next::Closed => break,
            }
        }
        std::mem::take(&mut self.told.lock().unwrap())
    }

    pub(super) fn take(&mut self, command: Command) -> Vec<Message> {
        self.worker.take(command);
        self.settle()
    }
}

pub(super) fn checkpoint(place: &Path) -> Snapshot {
    RunFolder { path: place.to_owned() }.read_checkpoint().unwrap()
}

fn scene(messages: &[Message]) -> &Scene {
    let found =
        messages.iter().find_map(|message| if let Message::Begun(scene) = message { Some(scene) } else { None });
    found.unwrap_or_else(|| panic!("no run began: {messages:?}"))
}

pub(super) fn results(messages: &[Message]) -> Vec<&EpochResult> {
    messages
        .iter()
        .filter_map(|message| if let Message::Epoch(result) = message { Some(&**result) } else { None })
        .collect()
}

pub(super) fn troubles<'a>(messages: &'a [Message]) -> Vec<&'a str> {
    let why =
        |message: &'a Message| if let Message::Failed(trouble) = message { Some(trouble.why.as_str()) } else { None };
    messages.iter().filter_map(why).collect()
}

/// All that a run keeps, but for what its clock says.
pub(super) fn assert_same_state(found: &Snapshot, wanted: &Snapshot) {
    for (name, bytes) in &wanted.slots {
        assert!(found.slots[name] == *bytes, "{name} differs");
    }
    assert_eq!(found.progress.lambdas, wanted.progress.lambdas);
    let timeless = |snapshot: &Snapshot| {
        let rows = snapshot.progress.history.iter().cloned();
        rows.map(|row| crate::train::EpochRow { seconds: 0.0, ..row }).collect::<Vec<_>>()
    };
    assert_eq!(timeless(found), timeless(wanted));
}

#[test]
fn a_run_tells_its_epochs_and_leaves_its_files() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("run");
    let told = Desk::new().take(order(&place, settings()));
    let begun = scene(&told);
    assert_eq!((begun.classes.len(), begun.labels.len(), begun.batches), (CLASSES, 24, 3));
    assert!(begun.memory > 0 && begun.parameters > 0, "{begun:?}");
    let names: Vec<_> = results(&told).iter().map(|result| (result.row.epoch, result.row.loss.clone())).collect();
    assert_eq!(names.len(), 4);
    assert_eq!((names[0].0, names[3].0, names[3].1.as_str()), (1, 2, "xemd2"));
    assert!(matches!(told.last(), Some(Message::Finished)), "{told:?}");
    assert!(told.iter().any(|message| matches!(message, Message::Kept { step: 6, whole: true })));
    for name in ["report.html", "weights-xe.safetensors", "ground-distance-xemd2.csv", "curves.svg"] {
        assert!(place.join(name).exists(), "{name}");
    }
}

#[test]
fn rests_change_no_bit_of_the_result() {
    let folder = tempfile::tempdir().unwrap();
    let [straight, halting] = ["straight", "halting"].map(|name| folder.path().join(name));
    Desk::new().take(order(&straight, settings()));
    let mut desk = Desk::new();
    desk.worker.take(order(&halting, settings()));
    desk.until(|message| matches!(message, Message::Begun(_)));
    let rested = desk.take(Command::Go(Pace::Rest));
    assert!(matches!(rested.last(), Some(Message::Resting)), "{rested:?}");
    for step in 1..=2 {
        let told = desk.take(Command::Go(Pace::Step));
        assert!(matches!(told.last(), Some(Message::Resting)), "{told:?}");
        desk.take(Command::Save);
        assert_eq!(checkpoint(&halting).progress.step, step);
    }
    let told = desk.take(Command::Go(Pace::Epoch));
    assert_eq!(results(&told).len(), 2, "{told:?}");
    assert_eq!(checkpoint(&halting).progress.step, 3);
    let told = desk.take(Command::Go(Pace::Run));
    assert!(matches!(told.last(), Some(Message::Finished)), "{told:?}");
    assert_same_state(&checkpoint(&halting), &checkpoint(&straight));
}

#[test]
fn settings_that_change_are_trained_with_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("run");
    let mut desk = Desk::resting(&place);
    desk.take(Command::Go(Pace::Epoch));
    desk.take(Command::Change(Change::Lambda(Lambda::Fixed(0.25))));
    desk.take(Command::Change(Change::LearningRate(0.5)));
    let told = desk.take(Command::Change(Change::Epochs(0)));
    assert!(troubles(&told)[0].contains("epochs"), "{told:?}");
    let told = desk.take(Command::Change(Change::Epochs(3)));
    let Some(Message::Changed(now)) = told.first() else { panic!("{told:?}") };
    assert_eq!((now.learning_rate, now.epochs, now.lambda), (0.5, 3, Lambda::Fixed(0.25)));
    let told = desk.take(Command::Go(Pace::Run));
    let lambdas: Vec<_> = results(&told).iter().filter_map(|result| result.row.lambda).collect();
    assert_eq!(lambdas, [0.25, 0.25], "{told:?}");
    let record = RunFolder { path: place.clone() }.read_record().unwrap();
    assert_eq!((record.settings.learning_rate, record.settings.epochs), (0.5, 3));
    let report = std::fs::read_to_string(place.join("report.html")).unwrap();
    assert!(report.contains("changed after step 3") && report.contains("learning rate 0.5"));
    // Once more than was asked for: the run that was over goes on.
    let told = desk.take(Command::Change(Change::Epochs(4)));
    assert!(results(&told).iter().all(|result| result.row.epoch == 4) && results(&told).len() == 2, "{told:?}");
}

#[test]
fn a_changed_setting_counts_from_the_next_step_on() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("run");
    let mut desk = Desk::resting(&place);
    let mut weights_after_a_step = || {
        desk.take(Command::Go(Pace::Step));
        desk.take(Command::Save);
        let weights = checkpoint(&place).floats("xe/weights").unwrap();
        desk.take(Command::Change(Change::Momentum(0.0)));
        desk.take(Command::Change(Change::LearningRate(1e-30)));
        weights
    };
    let before = weights_after_a_step();
    assert!(before == weights_after_a_step());
}

#[test]
fn cells_of_d_that_are_held_are_trained_with() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("run");
    let mut desk = Desk::resting(&place);
    desk.take(Command::Change(Change::Epochs(3)));
    let mut cells = vec![None; CLASSES * CLASSES];
    (cells[1], cells[CLASSES]) = (Some(0.875), Some(0.875));
    desk.take(Command::Ground(GroundEdit { cells: cells.clone() }));
    // What is trained with shows in the midst of an epoch; between epochs a checkpoint has what was learned.
    let trained_with = |desk: &mut Desk| {
        desk.take(Command::Go(Pace::Step));
        desk.take(Command::Save);
        checkpoint(&place).floats("xemd2/ground").unwrap()
    };
    let ground = trained_with(&mut desk);
    assert_eq!((ground[1], ground[CLASSES], ground[2]), (0.875, 0.875, 0.5));
    let learn = |desk: &mut Desk| results(&desk.take(Command::Go(Pace::Epoch)))[1].ground.clone();
    let learned = learn(&mut desk);
    let ground = trained_with(&mut desk);
    assert_eq!(ground[1], 0.875);
    assert!((f64::from(ground[2]) - learned[2]).abs() < 1e-6 && (learned[1] - 0.875).abs() > 1e-3, "{learned:?}");
    // Released, the cell is what was learned, from the next epoch on.
    desk.take(Command::Ground(GroundEdit::default()));
    let learned = learn(&mut desk);
    assert!((f64::from(trained_with(&mut desk)[1]) - learned[1]).abs() < 1e-6);
    cells[1] = Some(0.5);
    let told = desk.take(Command::Ground(GroundEdit { cells }));
    assert!(troubles(&told)[0].contains("cell 0, 1"), "{told:?}");
}

#[test]
fn cells_are_held_over_the_end_of_a_run_and_its_opening() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("run");
    let mut desk = Desk::new();
    let told = desk.take(order(&place, settings()));
    let learned = results(&told)[3].ground.clone();
    let mut cells = vec![None; CLASSES * CLASSES];
    (cells[1], cells[CLASSES]) = (Some(0.875), Some(0.875));
    desk.take(Command::Ground(GroundEdit { cells }));
    // Opened again, it shows what was learned, and trains with what is held.
    desk.take(Command::Close);
    let mut desk = Desk::new();
    let told = desk.take(Command::Open { place: place.clone(), device: "cpu".to_owned() });
    assert_eq!((results(&told)[3].ground.clone(), scene(&told).held.cells[1]), (learned.clone(), Some(0.875)));
    // Nobody has trained with it yet; whoever goes on does.
    desk.take(Command::Go(Pace::Rest));
    desk.take(Command::Change(Change::Epochs(3)));
    desk.take(Command::Go(Pace::Step));
    desk.take(Command::Save);
    assert_eq!(checkpoint(&place).floats("xemd2/ground").unwrap()[1], 0.875);
}

#[test]
fn a_run_that_is_opened_tells_all_of_its_epochs() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("run");
    let open = || Desk::new().take(Command::Open { place: place.clone(), device: "cpu".to_owned() });
    let told = Desk::new().take(order(&place, Settings { epochs: 3, ..settings() }));
    let opened = open();
    let (before, after) = (results(&told), results(&opened));
    assert_eq!((before.len(), after.len()), (6, 6), "{opened:?}");
    for (before, after) in before.into_iter().zip(after) {
        // Predictions of single images are kept of the last epoch alone.
        let outcomes = if before.row.epoch == 3 { before.outcomes.clone() } else { Vec::new() };
        let scores = if before.row.epoch == 3 { before.scores.clone() } else { Vec::new() };
        let kept = EpochResult { outcomes, scores, ..before.clone() };
        assert_eq!((&after.row, &after.ground, &after.distances), (&kept.row, &kept.ground, &kept.distances));
        assert_eq!((&after.outcomes, &after.scores), (&kept.outcomes, &kept.scores));
        assert_eq!(after.evaluation.confusion, kept.evaluation.confusion);
        assert!((after.evaluation.aem - kept.evaluation.aem).abs() <= 1e-12);
    }
    // Where these are damaged, that is said.
    let file = place.join("epochs.bin");
    let mut bytes = std::fs::read(&file).unwrap();
    let at = bytes.len() / 3;
    bytes[at] ^= 0x55;
    std::fs::write(&file, bytes).unwrap();
    let opened = open();
    assert!(troubles(&opened)[0].contains("epochs.bin"), "{opened:?}");
    std::fs::remove_file(file).unwrap();
    let opened = open();
    assert!(troubles(&opened).is_empty() && results(&opened).len() == 2, "{opened:?}");
}

#[test]
fn a_run_ends_with_the_epochs_it_has_and_is_saved_then() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("run");
    let mut desk = Desk::resting(&place);
    desk.take(Command::Go(Pace::Epoch));
    let told = desk.take(Command::Change(Change::Epochs(1)));
    assert!(matches!(told.last(), Some(Message::Finished)), "{told:?}");
    assert!(place.join("report.html").exists());
    assert_eq!(RunFolder { path: place }.read_record().unwrap().settings.epochs, 1);
    let told = desk.take(Command::Save);
    assert!(told.iter().any(|message| matches!(message, Message::Kept { step: 3, whole: true })), "{told:?}");
}

#[test]
fn a_run_that_cannot_be_written_rests_until_it_can() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("run");
    let mut desk = Desk::resting(&place);
    std::fs::remove_dir_all(&place).unwrap();
    for command in [Command::Save, Command::Go(Pace::Epoch), Command::Close] {
        let told = desk.take(command);
        let Some(Message::Failed(trouble)) = told.iter().find(|message| matches!(message, Message::Failed(_))) else {
            panic!("{told:?}")
        };
        assert!(!trouble.ends && trouble.why.contains("run"), "{trouble:?}");
        assert!(!told.iter().any(|message| matches!(message, Message::Closed)));
    }
    std::fs::create_dir(&place).unwrap();
    let told = desk.take(Command::Go(Pace::Run));
    assert!(matches!(told.last(), Some(Message::Finished)), "{told:?}");
    assert_eq!(checkpoint(&place).progress.step, 6);
}

#[test]
fn shuffled_ids_hide_the_order_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("run");
    let losses = vec![Loss::Xe, Loss::Emd];
    let told = Desk::new().take(order(&place, Settings { shuffled_ids: true, losses, ..settings() }));
    let last = *results(&told).last().unwrap();
    let (network, tensors) = read_weights(&RunFolder { path: place }.weights("emd")).unwrap();
    assert_eq!(network.classes, scene(&told).classes);
    // The weights file's outputs are the classes' in their order: it predicts what the run did.
    let data = Source::Faces { train: 48, test: 24 }.load(18, 1, &|_, _| {}).unwrap().0;
    let parameters = network.model.parameters();
    let mut executor = crate::cpu::Cpu::open(Some(1));
    let executor: &mut dyn crate::plan::Executor = &mut executor;
    let room = [24, 18];
    let mut examiner = crate::train::Examiner::new(executor, &network.model, &[Loss::Emd], room, 16).unwrap();
    executor.write("emd/weights", 0, bytemuck::cast_slice(&parameters.to_arena(&tensors))).unwrap();
    examiner.load(executor, &data.test).unwrap();
    examiner.begin(executor).unwrap();
    let outcomes = loop {
        if let Some(outcomes) = examiner.advance(executor, &data.test).unwrap() {
            break outcomes;
        }
    };
    let worst = outcomes[0].iter().zip(&last.outcomes).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst <= 1e-6, "{worst}");
    let told = Desk::new().take(order(
        &folder.path().join("corn"),
        Settings { shuffled_ids: true, losses: vec![Loss::Corn], ..settings() },
    ));
    assert!(troubles(&told)[0].contains("corn"), "{told:?}");
}

#[test]
fn a_run_is_opened_where_it_was_left_and_goes_on_to_the_same_end() {
    let folder = tempfile::tempdir().unwrap();
    let [straight, left] = ["straight", "left"].map(|name| folder.path().join(name));
    Desk::new().take(order(&straight, settings()));
    let mut desk = Desk::resting(&left);
    let before = desk.take(Command::Go(Pace::Epoch));
    let told = desk.take(Command::Close);
    assert!(matches!(told.last(), Some(Message::Closed)), "{told:?}");
    let mut desk = Desk::new();
    let told = desk.take(Command::Open { place: left.clone(), device: "cpu".to_owned() });
    assert_eq!(scene(&told).rows.len(), 2);
    // Its last epoch is told once more, as it was.
    assert_eq!(results(&told), results(&before));
    assert!(matches!(told.last(), Some(Message::Resting)), "{told:?}");
    desk.take(Command::Go(Pace::Run));
    assert_same_state(&checkpoint(&left), &checkpoint(&straight));
}

#[test]
fn restart_begins_from_the_same_first_weights() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("run");
    let mut desk = Desk::new();
    desk.take(order(&place, settings()));
    // The folder of the run that follows is the next unused one where it is begun.
    let told = desk.take(Command::Restart);
    let again = scene(&told).place.clone();
    assert_same_state(&checkpoint(&again), &checkpoint(&place));
    std::fs::remove_dir_all(&again).unwrap();
}

#[test]
fn what_fails_is_said_and_the_next_run_begins() {
    let folder = tempfile::tempdir().unwrap();
    let mut desk = Desk::new();
    let missing = folder.path().join("nothing");
    let told = desk.take(Command::Open { place: missing.clone(), device: "cpu".to_owned() });
    assert!(troubles(&told)[0].contains("holds no run"), "{told:?}");
    let told = desk.take(Command::Open { place: missing, device: "no such card".to_owned() });
    assert!(troubles(&told)[0].contains("no such card"), "{told:?}");
    let hot = Settings { learning_rate: 1e20, ..settings() };
    let told = desk.take(order(&folder.path().join("hot"), hot));
    assert!(troubles(&told)[0].contains("learning rate"), "{told:?}");
    // Of a run that is over, figures can still be written, and it can be begun again.
    let to = folder.path().join("curves.svg");
    let row = crate::train::EpochRow { epoch: 1, loss: "xe".to_owned(), ..Default::default() };
    let told = desk.take(Command::Export(Box::new(Export { what: Exported::Curves(vec![row]), to: to.clone() })));
    assert!(matches!(&told[..], [Message::Written(path)] if *path == to), "{told:?}");
    let told = desk.take(Command::Restart);
    std::fs::remove_dir_all(&scene(&told).place).unwrap();
    let told = desk.take(order(&folder.path().join("hot"), settings()));
    assert!(troubles(&told)[0].contains("already holds a run"), "{told:?}");
    let told = desk.take(order(&folder.path().join("good"), settings()));
    assert!(matches!(told.last(), Some(Message::Finished)), "{told:?}");
}

#[test]
fn a_thread_works_and_saves_when_it_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("run");
    let mut thread = Thread::start(processor(), || {}).unwrap();
    thread.send(order(&place, Settings { epochs: 1000, ..settings() }));
    let mut told = Vec::new();
    while results(&told).is_empty() {
        told.extend(thread.receive());
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    drop(thread);
    let left = checkpoint(&place).progress;
    assert!(left.epoch >= 1 && left.epoch < 1000, "{left:?}");
    assert!(place.join("report.html").exists());
}

/// Training stands still while steps are measured, and goes on beside a check: neither touches what is trained.
#[test]
fn checks_and_measurements_change_no_bit_of_the_result() {
    let folder = tempfile::tempdir().unwrap();
    let [straight, looked_at] = ["straight", "looked-at"].map(|name| folder.path().join(name));
    Desk::new().take(order(&straight, settings()));
    let mut desk = Desk::new();
    desk.worker.take(order(&looked_at, settings()));
    desk.until(|message| matches!(message, Message::Begun(_)));
    desk.worker.take(Command::Check);
    desk.until(|message| matches!(message, Message::Step { .. }));
    desk.worker.take(Command::Measure);
    let over = |message: &Message| matches!(message, Message::Measured(passes) if passes.over);
    let told = desk.until(over);
    assert!(!told.iter().any(|message| matches!(message, Message::Step { .. } | Message::Epoch(_))), "{told:?}");
    let told = desk.until(|message| matches!(message, Message::Finished));
    assert_eq!(results(&told).len(), 4);
    assert_same_state(&checkpoint(&looked_at), &checkpoint(&straight));
    // The run is over: the check goes on at full speed until it is no longer wanted.
    let told = desk.until(|message| matches!(message, Message::Checked(found) if !found.rows.is_empty()));
    assert!(matches!(told.last(), Some(Message::Checked(found)) if !found.over), "{told:?}");
    let told = desk.take(Command::Close);
    assert!(matches!(told.last(), Some(Message::Closed)), "{told:?}");
}
