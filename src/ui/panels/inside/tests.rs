//! The panel by clicks and in pictures.

use super::*;
use crate::train::Maps;
use crate::ui::fixture::{self, Table};
use crate::worker::message::Message;
use eframe::egui::Theme;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;

type Panel = Harness<'static, (Inside, Table)>;

/// A ring that is the brighter the farther to the right, and whatever else.
fn maps(count: usize, channels: usize, side: usize, signed: bool) -> Maps {
    let mut random = fixture::random(7 + count as u64);
    let mut value = |at: usize| {
        let [x, y] = [at % side, at / side % side].map(|place| place as f64 / side as f64 - 0.5);
        let ring = (-40.0 * ((x * x + y * y).sqrt() - 0.3).powi(2)).exp() * (0.6 + x);
        let value = 0.8 * ring + 0.2 * random();
        (if signed { value - 0.4 + x * y } else { value }) as f32
    };
    let values = (0..count * channels * side * side).map(&mut value).collect();
    Maps { count, channels, height: side, width: side, values }
}

fn seen(look: Look) -> Seen {
    let layers = ["0 convolution", "2 max pooling", "1 ReLU", "4 fully connected"];
    Seen {
        look,
        step: 120,
        layers: layers.map(str::to_owned).to_vec(),
        filters: maps(16, 3, 3, true),
        activations: maps(16, 1, 32, false),
        gradient: maps(3, 1, 32, true),
        input: maps(3, 1, 32, false),
        probabilities: vec![0.02, 0.05, 0.11, 0.2, 0.4, 0.15, 0.05, 0.02],
        score: 3.8,
        value: 0.92,
        trouble: None,
    }
}

fn panel(table: Table, theme: Theme) -> Panel {
    Harness::builder()
        .with_size(Vec2::new(1100.0, 760.0))
        .with_theme(theme)
        .build_ui_state(|ui, (panel, table)| panel.show(ui, &mut table.desk()), (Inside::default(), table))
}

fn looks(panel: &Panel) -> Vec<Look> {
    let look = |command: &Command| if let Command::Look(look) = command { Some(*look) } else { None };
    panel.state().1.commands.iter().filter_map(look).collect()
}

#[test]
fn it_looks_once_after_every_epoch_and_when_something_else_is_chosen() {
    let mut panel = panel(Table::of(fixture::known(2)), Theme::Dark);
    panel.run_steps(3);
    let first = Look { loss: Loss::Xemd2, image: 0, layer: 0 };
    assert_eq!(looks(&panel), [first], "once, not in every frame");
    panel.state_mut().1.known.take(Message::Seen(Box::new(seen(first))));
    panel.run_steps(3);
    panel.get_by_label("Next").click();
    panel.run_steps(3);
    assert_eq!(looks(&panel).last(), Some(&Look { image: 1, ..first }));
    panel.get_by_label("Look again").click();
    panel.run_steps(3);
    assert_eq!(looks(&panel).len(), 3);
    panel.state_mut().1.known.epoch += 1;
    panel.run_steps(3);
    assert_eq!(looks(&panel).len(), 4);
    panel.state_mut().1.choice.loss = Some(Loss::Xe);
    panel.run_steps(3);
    assert_eq!(looks(&panel).last(), Some(&Look { loss: Loss::Xe, image: 1, layer: 0 }));
}

#[test]
fn what_was_seen_is_drawn_in_dark_and_light() {
    for (theme, name) in [(Theme::Dark, "inside-dark"), (Theme::Light, "inside-light")] {
        let mut table = Table::of(fixture::known(2));
        table.known.take(Message::Seen(Box::new(seen(Look { loss: Loss::Xemd2, image: 4, layer: 0 }))));
        let mut panel = panel(table, theme);
        panel.run();
        assert!(panel.query_by_label_contains("16 maps of 3 by 3").is_some());
        assert!(panel.query_by_label_contains("outputs of 0 convolution: 16 maps of 32 by 32").is_some());
        assert!(panel.query_by_label("xemd2: 25-32 (40 %)").is_some());
        let image = panel.render().unwrap();
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/target/window");
        std::fs::create_dir_all(folder).unwrap();
        image.save(format!("{folder}/{name}.png")).unwrap();
    }
}

#[test]
fn trouble_and_losses_of_batches_are_said() {
    let mut table = Table::of(fixture::known(1));
    let look = Look { loss: Loss::Qwk, image: 4, layer: 3 };
    table.known.take(Message::Seen(Box::new(seen(look))));
    let mut panel = panel(table, Theme::Dark);
    panel.run();
    assert!(panel.query_by_label_contains("hangs on no pixel").is_some());
    let nothing = Seen { trouble: Some("the plan takes 7 MiB".to_owned()), ..seen(look) };
    panel.state_mut().1.known.take(Message::Seen(Box::new(nothing)));
    panel.run();
    assert!(panel.query_by_label_contains("Nothing could be seen: the plan takes 7 MiB").is_some());
}
