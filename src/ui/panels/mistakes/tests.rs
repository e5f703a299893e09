use super::*;
use crate::ui::fixture::{Table, harness, keep, race, scene};
use crate::worker::Command;
use eframe::egui::Theme;
use egui_kittest::kittest::Queryable;

#[test]
fn shares_are_of_the_true_class() {
    let confusion = Confusion::from_counts(2, vec![3, 1, 0, 0]).unwrap();
    assert_eq!(values(&confusion, Cells::Counts), [3.0, 1.0, 0.0, 0.0]);
    let percent = values(&confusion, Cells::Percent);
    assert_eq!(percent[..2], [75.0, 25.0]);
    assert!(percent[2..].iter().all(|share| share.is_nan()), "nothing is known of a class without images");
    let classes = ["a", "b"].map(str::to_owned);
    assert_eq!(cell_in_words([0, 1], &classes, &confusion), "a taken for b: 1 of 4 (25 %)");
}

#[test]
fn most_distant_mistakes_come_first() {
    // Truths 0, 0, 2, 0: two classes off, right, one off, one off and farther on the whole.
    let outcomes = [0.2, 0.1, 0.7, 0.6, 0.2, 0.2, 0.0, 0.9, 0.1, 0.1, 0.5, 0.4];
    let labels = [0, 0, 2, 0];
    let order = |cell| list(&outcomes, &labels, 3, cell).iter().map(|found| found.index).collect::<Vec<_>>();
    assert_eq!(order(None), [0, 3, 2]);
    assert_eq!(order(Some([0, 1])), [3]);
    assert_eq!(order(Some([0, 0])), [1]);
    assert_eq!(order(Some([1, 1])), [0; 0]);
    let first = list(&outcomes, &labels, 3, None)[0];
    assert!((first.moved - 1.5).abs() <= 1e-6, "0.1 by one class and 0.7 by two: {}", first.moved);
}

#[test]
fn a_cell_shows_its_images_and_each_is_asked_for_once() {
    let table = Table::of_losses(&[Loss::Xe, Loss::Emd, Loss::Xemd2]);
    let mut harness = harness(table, Mistakes::default(), Theme::Dark, Mistakes::show);
    harness.run();
    let shown = harness.state().1.listed.clone().unwrap().1;
    let names = harness.state().0.known.classes().to_vec();
    assert!(shown.len() > 3 && shown.iter().all(|found| found.truth == found.index % names.len()));
    let Found { index, truth, predicted, .. } = shown[1];
    let cell = format!("confusion of xemd2: {} to {}", names[truth], names[predicted]);
    harness.get_by(|node| node.label().is_some_and(|label| label.starts_with(&format!("{cell}:")))).click();
    harness.run();
    harness.get_by_label(&format!("{} taken for {}", names[truth], names[predicted]));
    let image = format!("face {index}: {} taken for {}", names[truth], names[predicted]);
    harness.get_by_label(&image).click();
    harness.run();
    assert_eq!(harness.state().0.choice.image, index);
    harness.get_by_label("Show all mistakes").click();
    harness.run();
    let mut asked = harness.state().0.asked();
    asked.sort_unstable();
    let count = asked.len();
    asked.dedup();
    assert_eq!(asked.len(), count, "each is asked for once: {asked:?}");
    assert!(asked.contains(&index) && asked.contains(&0));
    let only_images = harness.state().0.commands.iter().all(|command| matches!(command, Command::Images(_)));
    assert!(only_images, "nothing else is asked for");
}

#[test]
fn the_cell_of_another_run_is_forgotten() {
    let mut harness = harness(Table::of_losses(&[Loss::Emd]), Mistakes::default(), Theme::Dark, Mistakes::show);
    harness.run();
    harness.state_mut().1.cell = Some([7, 6]);
    harness.run();
    harness.get_by_label("60+ taken for 48-53");
    let fewer = scene(3, &[Loss::Emd], 1);
    race(&mut harness.state_mut().0.known, fewer, 2);
    harness.run();
    harness.get_by_label("All mistakes");
    assert_eq!(harness.state().1.cell, None);
}

#[test]
fn cells_of_many_classes_are_chosen_by_their_classes() {
    let mut table = Table::default();
    race(&mut table.known, scene(20, &[Loss::Emd], 1), 1);
    let mut harness = harness(table, Mistakes::default(), Theme::Dark, Mistakes::show);
    harness.run();
    for (label, class) in [("true class", "class 3"), ("predicted class", "class 1")] {
        harness.get_by_role_and_label(Role::ComboBox, label).click();
        harness.run();
        harness.get_by_label(class).click();
        harness.run();
    }
    assert_eq!(harness.state().1.cell, Some([3, 1]));
    harness.get_by_label("class 3 taken for class 1");
    // Other epochs and other words have other values.
    harness.get_by_label("row percent").click();
    harness.run();
    let shares: f64 = harness.state().1.table.values[..20].iter().sum();
    assert!((shares - 100.0).abs() <= 1e-9, "{shares}");
    keep(&mut harness, "mistakes-many");
}

#[test]
fn the_counts_are_exported_as_they_are_shown() {
    let mut table = Table::of_losses(&[Loss::Xe, Loss::Emd]);
    table.choice.epoch = Some(1);
    let mut harness = harness(table, Mistakes::default(), Theme::Light, Mistakes::show);
    harness.get_by_label("Export").click();
    harness.run();
    harness.get_by_label("SVG").click();
    harness.run();
    let [(name, Exported::Confusion { title, confusion, .. })] = &harness.state().0.exports[..] else { panic!() };
    assert_eq!((name.as_str(), title.as_str()), ("confusion-emd-epoch-1.svg", "Confusion of emd after epoch 1"));
    assert_eq!(confusion.total(), 96);
}

#[test]
fn an_old_epoch_without_predictions_says_so() {
    let mut table = Table::of_losses(&[Loss::Emd]);
    table.known.epochs.get_mut(&1).unwrap()[0].outcomes.clear();
    table.choice.epoch = Some(1);
    let mut harness = harness(table, Mistakes::default(), Theme::Dark, Mistakes::show);
    harness.run();
    assert_eq!(harness.get_all_by_label(FORGOTTEN).count(), 2);
    harness.state_mut().0.choice.epoch = None;
    harness.run();
    assert_eq!(harness.query_all_by_label(FORGOTTEN).count(), 0);
}

#[test]
fn it_is_drawn_in_dark_and_light() {
    for (theme, name) in [(Theme::Dark, "mistakes-dark"), (Theme::Light, "mistakes-light")] {
        let table = Table::of_losses(&[Loss::Xe, Loss::Emd, Loss::Xemd2, Loss::Reg]);
        let mut harness = harness(table, Mistakes::default(), theme, Mistakes::show);
        harness.run();
        keep(&mut harness, name);
    }
}
