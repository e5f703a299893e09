use super::*;
use crate::ui::fixture::{known, race, result, scene};
use crate::worker::Message;

/// The farthest that a class is from where it was, as a share of the layout's size.
fn jump(a: &Layout, b: &Layout) -> f64 {
    let size = a.line.iter().fold(0.0f64, |size, place| size.max(place.abs()));
    let way = |(x, y): (&[f64; 2], &[f64; 2])| (x[0] - y[0]).hypot(x[1] - y[1]);
    let line = a.line.iter().zip(&b.line).map(|(x, y)| (x - y).abs());
    a.plane.iter().zip(&b.plane).map(way).chain(line).fold(0.0, f64::max) / size
}

#[test]
fn layouts_do_not_flip_from_epoch_to_epoch() {
    let known = known(12);
    let mut layouts = Layouts::default();
    let at = |layouts: &mut Layouts, epoch| layouts.at(&known, Loss::Xemd2, Basis::Ground, epoch).0.unwrap().clone();
    let all: Vec<Layout> = (1..=12).map(|epoch| at(&mut layouts, epoch)).collect();
    assert!(all[0].line[0] < all[0].line[7], "classes ascend to the right: {:?}", all[0].line);
    assert!(all[0].plane[0][1] < all[0].plane[3][1], "the middle is above: {:?}", all[0].plane);
    for pair in all.windows(2) {
        let mut turned = pair[1].clone();
        align(&mut turned.plane, &pair[0].plane);
        assert!(jump(&turned, &pair[1]) <= 1e-9, "another turn would have been nearer to the epoch before");
        let along: f64 = pair[0].line.iter().zip(&pair[1].line).map(|(x, y)| x * y).sum();
        assert!(along > 0.0, "{along}");
    }
    // Whichever epoch is looked at first, all look the same.
    let mut backwards = Layouts::default();
    let again: Vec<Layout> = (1..=12).rev().map(|epoch| at(&mut backwards, epoch)).collect();
    assert!(again.iter().rev().eq(&all));
}

#[test]
fn a_mirrored_layout_before_it_mirrors_the_next() {
    let known = known(2);
    let distances = &known.epochs[&2][0].ground;
    let first = Layout::new(distances, 8, None).unwrap();
    let mirrored = |layout: &Layout| Layout {
        line: layout.line.iter().map(|place| -place).collect(),
        plane: layout.plane.iter().map(|&[x, y]| [y, x]).collect(),
        ..layout.clone()
    };
    let next = Layout::new(distances, 8, Some(&mirrored(&first))).unwrap();
    assert!(jump(&next, &mirrored(&first)) <= 1e-9);
}

#[test]
fn the_order_is_found_and_told() {
    let known = known(8);
    let mut layouts = Layouts::default();
    let (layout, ready) = layouts.at(&known, Loss::Emd, Basis::Raw, 8);
    assert!(ready);
    let layout = layout.unwrap();
    assert_eq!((layout.order.as_slice(), layout.tau), ([0, 1, 2, 3, 4, 5, 6, 7].as_slice(), 1.0));
}

#[test]
fn another_run_or_racer_begins_anew() {
    let mut known = known(3);
    let mut layouts = Layouts::default();
    let xe = layouts.at(&known, Loss::Xe, Basis::Ground, 3).0.cloned();
    let emd = layouts.at(&known, Loss::Emd, Basis::Ground, 3).0.cloned();
    assert_ne!(xe, emd);
    assert_eq!(layouts.at(&known, Loss::Xe, Basis::Ground, 3).0.cloned(), xe);
    race(&mut known, scene(8, &[Loss::Xe], 2), 3);
    let other = layouts.at(&known, Loss::Xe, Basis::Ground, 3).0.cloned();
    assert_ne!(other, xe);
    assert_eq!(other, Layouts::default().at(&known, Loss::Xe, Basis::Ground, 3).0.cloned());
}

#[test]
fn distances_that_are_no_numbers_have_no_layout() {
    let mut known = known(2);
    let scene = known.scene.clone().unwrap();
    let mut diverged = result(&scene, Loss::Xe, 3);
    diverged.ground[3] = f64::NAN;
    known.take(Message::Epoch(Box::new(diverged)));
    known.take(Message::Epoch(Box::new(result(&scene, Loss::Xe, 4))));
    let mut layouts = Layouts::default();
    assert_eq!(layouts.at(&known, Loss::Xe, Basis::Ground, 3), (None, true));
    assert!(layouts.at(&known, Loss::Xe, Basis::Ground, 4).0.is_some());
}

#[test]
fn as_many_classes_as_are_laid_out_do_not_hold_up_a_frame_for_long() {
    let mut known = Known::default();
    race(&mut known, scene(MOST_CLASSES, &[Loss::Xe], 1), 2);
    let mut layouts = Layouts::default();
    let begun = Instant::now();
    assert!(!layouts.at(&known, Loss::Xe, Basis::Ground, 2).1, "one layout a frame");
    assert!(layouts.at(&known, Loss::Xe, Basis::Ground, 2).1);
    eprintln!("two layouts of {MOST_CLASSES} classes: {:?}", begun.elapsed());
}
