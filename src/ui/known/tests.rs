use super::*;
use crate::ui::desk::Choice;
use crate::ui::fixture::{known, race, scene};

fn trouble(ends: bool) -> Message {
    Message::Failed(Trouble { what: "training".to_owned(), why: "it diverged".to_owned(), ends })
}

#[test]
fn a_run_is_alive_until_an_error_or_another_ends_it() {
    let mut known = known(2);
    known.take(trouble(false));
    known.take(Message::Finished);
    assert!(known.alive, "what is over can go on with more epochs");
    known.kept = None;
    assert!(known.is_unsaved());
    known.take(trouble(true));
    assert!(!known.alive && known.phase == Phase::Finished && known.scene.is_some());
    assert!(!known.is_unsaved(), "nobody can save it");
    race(&mut known, scene(8, &[Loss::Xe], 2), 1);
    assert!(known.alive);
    known.take(Message::Loading { done: 1, of: 2 });
    assert!(!known.alive, "it was left for the next");
}

#[test]
fn epoch_and_image_of_another_run_are_not_shown() {
    let (mut known, mut choice) = (known(2), Choice::default());
    choice.keep_up(&known);
    (choice.epoch, choice.image) = (Some(1), 9);
    choice.keep_up(&known);
    assert_eq!((choice.epoch, choice.image), (Some(1), 9));
    race(&mut known, scene(8, &[Loss::Xe], 2), 2);
    choice.keep_up(&known);
    assert_eq!((choice.epoch, choice.image), (None, 0));
}
