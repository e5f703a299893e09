//! The examples do what they say. `cargo test` builds them; `cargo test --test examples` alone runs what
//! `cargo build --examples` built last.

use backhoe::ui::{Address, PanelName};
use image::{Rgb, RgbImage};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// An example's program, which lies beside the main one's.
fn example(name: &str) -> Command {
    let folder = Path::new(env!("CARGO_BIN_EXE_backhoe")).with_file_name("examples");
    let program: PathBuf = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(program.exists(), "{} is not built: cargo build --examples", program.display());
    Command::new(program)
}

#[track_caller]
fn words(output: Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn distances_find_the_order_of_the_rainbow() {
    let text = words(example("distances").output().unwrap());
    let (_, order) = text.split_once("order: ").unwrap();
    let mut order: Vec<&str> = order.split("  ").next().unwrap().split(", ").collect();
    if order[0] == "red" {
        order.reverse();
    }
    assert_eq!(order, ["violet", "blue", "cyan", "green", "yellow", "orange", "red"], "{text}");
}

/// The numbers of a line after a word and within brackets.
fn numbers(line: &str, word: &str) -> Vec<f64> {
    let (_, rest) = line.split_once(word).unwrap();
    let (list, _) = rest.split_once('[').unwrap().1.split_once(']').unwrap();
    list.split(',').map(|number| number.trim().parse().unwrap()).collect()
}

fn softmax(logits: &[f64]) -> Vec<f64> {
    let sum: f64 = logits.iter().map(|logit| logit.exp()).sum();
    logits.iter().map(|logit| logit.exp() / sum).collect()
}

/// The loss of a row whose class is the second.
type RowLoss = fn(&[f64]) -> f64;

fn cross_entropy(logits: &[f64]) -> f64 {
    -(softmax(logits)[1] + 1e-6).ln()
}

/// Equation 10: the squares of what the distributions up to each class differ by.
fn squared_emd(logits: &[f64]) -> f64 {
    let (mut sum, mut loss) = (0.0, 0.0);
    for (class, p) in softmax(logits).iter().enumerate() {
        sum += p - f64::from(u8::from(class == 1));
        loss += sum * sum;
    }
    loss
}

#[track_caller]
fn assert_near(what: &str, got: f64, want: f64) {
    let error = (got - want).abs();
    assert!(error <= 2e-5, "{what}: got {got}, want {want}");
}

#[test]
fn a_loss_and_its_gradient_are_those_of_the_formula() {
    for (name, loss) in [("xe", cross_entropy as RowLoss), ("emd", squared_emd)] {
        let text = words(example("loss_gradient").arg(name).output().unwrap());
        assert_eq!(text.lines().count(), 4, "{text}");
        for (row, line) in text.lines().enumerate() {
            let logits: Vec<f64> = (0..4).map(|class| if class == row { 1.5 } else { 0.25 * class as f64 }).collect();
            let value = line.split_whitespace().nth(1).unwrap().parse().unwrap();
            assert_near(name, value, loss(&logits));
            for (got, want) in numbers(line, "probabilities").into_iter().zip(softmax(&logits)) {
                assert_near("probability", got, want);
            }
            let gradient = numbers(line, "gradient");
            assert_eq!(gradient.len(), 4);
            for (class, got) in gradient.into_iter().enumerate() {
                let moved = |by: f64| {
                    let mut logits = logits.clone();
                    logits[class] += by;
                    loss(&logits)
                };
                // The gradient is that of the mean over four rows.
                assert_near("gradient", got, (moved(1e-5) - moved(-1e-5)) / 2e-5 / 4.0);
            }
        }
    }
}

#[test]
fn every_loss_has_an_example_and_others_are_named() {
    for name in ["emd-linear", "xemd1", "xemd2"] {
        let text = words(example("loss_gradient").arg(name).output().unwrap());
        for line in text.lines() {
            let sum: f64 = numbers(line, "gradient").iter().sum();
            // Adding one number to all logits changes nothing.
            assert!(line.starts_with(name) && sum.abs() <= 1e-5, "{line}");
        }
    }
    let output = example("loss_gradient").arg("foo").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("there is no loss `foo`"), "{output:?}");
}

/// Twelve pictures of a shade of grey, all somewhat different.
fn write_shade(folder: &Path, shade: u8) {
    fs::create_dir_all(folder).unwrap();
    for number in 0..12 {
        let pixel = |x: u32, y: u32| Rgb([shade + ((x * 7 + y * 5 + number * 3) % 20) as u8; 3]);
        RgbImage::from_fn(20, 20, pixel).save(folder.join(format!("{number}.png"))).unwrap();
    }
}

#[test]
fn training_on_a_folder_learns_dark_from_light() {
    let folder = tempfile::tempdir().unwrap();
    for (name, shade) in [("1 dark", 10), ("2 grey", 120), ("3 light", 230)] {
        write_shade(&folder.path().join("shades").join(name), shade);
    }
    fs::write(folder.path().join("shades/1 dark/broken.png"), "words").unwrap();
    let output = example("train_folder").arg(folder.path().join("shades")).arg("15").output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(stderr.starts_with("passed over: ") && stderr.contains("broken.png"), "{stderr}");
    let text = words(output);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((lines.len(), lines[0]), (16, "shades: 1 dark, 2 grey, 3 light"), "{text}");
    let percent = |line: &str, name: &str| -> f64 {
        let (_, rest) = line.split_once(name).unwrap();
        rest.split_whitespace().next().unwrap().trim_end_matches(',').parse().unwrap()
    };
    for (epoch, line) in lines[1..].iter().enumerate() {
        assert!(line.starts_with(&format!("epoch {}: loss ", epoch + 1)), "{line}");
        assert!(percent(line, "AEM") <= percent(line, "AEO"), "{line}");
    }
    let (first, last) = (lines[1], lines[15]);
    assert!(percent(last, "AEM") >= 60.0 && percent(last, "loss") < percent(first, "loss"), "{text}");
}

#[test]
fn training_on_nothing_ends_in_words() {
    for (arguments, reason) in [(vec![], "which folder"), (vec!["absent"], "absent does not exist")] {
        let output = example("train_folder").args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&output.stderr).contains(reason), "{output:?}");
    }
}

#[test]
fn the_course_page_asks_for_panels_that_there_are() {
    let page = include_str!("../examples/embed.html");
    let addresses: Vec<&str> = page.split("index.html#").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let panels = addresses.iter().map(|address| Address::read(address).unwrap().panel);
    assert_eq!(panels.collect::<Vec<_>>(), [Some(PanelName::Distances), Some(PanelName::Race)]);
}
