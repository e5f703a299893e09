use super::*;
use crate::data::Images;
use crate::data::source::Source;
use crate::plan::Executor;
use crate::report::{EpochRow, Predicted, write_matrix_csv, write_metrics_csv};
use crate::train::cell::Cell;
use crate::train::run::{Record, RunFolder, Sitting};
use std::collections::BTreeSet;
use std::path::Path;

/// What every trial is trained with here.
const TUNED: Tuned = Tuned { learning_rate: 0.01, regulariser: None };

/// What a training of a trial would leave, made up: three images of three classes.
fn leave(trial: Trial, setup: &Setup, folder: &Path) {
    let (cell, folder) = (trial.cell(setup, folder, TUNED), folder.join(trial.name(setup)));
    std::fs::create_dir(&folder).unwrap();
    let classes = ["a", "b", "c"].map(str::to_owned);
    let mut images = Images::with_capacity(1, 3);
    (0..3).for_each(|at| images.push(vec![0; 3], at, f64::from(at), format!("{at}")));
    let rows = [0.6, 0.3, 0.1, 0.2, 0.5, 0.3, 0.3, 0.4, 0.3];
    let predicted = Predicted::new(&classes, &images, &rows, &[0.5, 1.1, 1.0]).unwrap();
    let loss = trial.method.loss;
    predicted.write_csv(&folder.join(format!("predictions-{loss}.csv"))).unwrap();
    let ground = [0.0, 0.4, 0.8, 0.4, 0.0, 0.4, 0.8, 0.4, 0.0];
    write_matrix_csv(&folder.join(format!("ground-distance-{loss}.csv")), &classes, &ground).unwrap();
    let row = |epoch| EpochRow { epoch, loss: loss.to_string(), sdd: Some(0.02), ..EpochRow::default() };
    write_metrics_csv(&folder.join("metrics.csv"), &(1..=setup.epochs).map(row).collect::<Vec<_>>()).unwrap();
    let Cell { source, protocol, settings, .. } = cell;
    let sittings = vec![Sitting::new(crate::reference::Interpreter::new().adapter(), 0, 0)];
    let record = Record { source, protocol, settings, classes: classes.to_vec(), images: [3, 3], sittings };
    RunFolder { path: folder }.write_record(&record).unwrap();
}

/// Every study says something of what it trained, all its claims with a judgement; without a training it says what is
/// missing.
#[test]
fn every_study_measures_what_it_trains_and_misses_what_did_not_end() {
    let place = tempfile::tempdir().unwrap();
    let setup = Setup { seeds: 2, epochs: 3, ..Setup::default() };
    // The costs are measured rather than trained.
    let trained = STUDIES.into_iter().filter(|study| !(study.methods)().is_empty());
    for study in trained {
        let folder = place.path().join(study.name);
        std::fs::create_dir(&folder).unwrap();
        let trials: Vec<Trial> =
            (study.methods)().into_iter().flat_map(|method| setup.trials(method)).collect::<Vec<_>>();
        let results = Results::new(&setup, &folder, &[]);
        assert!((study.measure)(&results).is_err(), "{}", study.name);
        let mut left = BTreeSet::new();
        for trial in trials.iter().filter(|trial| left.insert(trial.name(&setup))) {
            leave(*trial, &setup, &folder);
        }
        let section = (study.measure)(&results).unwrap_or_else(|error| panic!("{}: {error}", study.name));
        assert!(!section.verdicts.is_empty(), "{}", study.name);
        all_open_after_mishaps(study, &trials, &setup, &folder);
        let longer = Setup { epochs: 4, ..setup.clone() };
        let unfinished = (study.measure)(&Results::new(&longer, &folder, &[])).err().unwrap().to_string();
        assert!(unfinished.contains("has not come to its end"), "{}: {unfinished}", study.name);
    }
}

/// Whatever training has a mishap, a study shows what is left; where all have, none of its claims is told or lost.
fn all_open_after_mishaps(study: &Study, trials: &[Trial], setup: &Setup, folder: &Path) {
    let claims = (study.measure)(&Results::new(setup, folder, &[])).unwrap().verdicts.len();
    let mishap = |trial: &Trial| Mishap { name: trial.name(setup), why: "it diverged".to_owned() };
    for trial in trials {
        let found = (study.measure)(&Results::new(setup, folder, &[mishap(trial)]));
        let section = found.unwrap_or_else(|error| panic!("{}: {error}", study.name));
        assert_eq!(section.verdicts.len(), claims, "{}", study.name);
    }
    let mishaps: Vec<Mishap> = trials.iter().map(mishap).collect();
    let section = (study.measure)(&Results::new(setup, folder, &mishaps)).unwrap();
    assert_eq!(section.verdicts.len(), claims, "{}", study.name);
    for verdict in &section.verdicts {
        assert_eq!(verdict.judgement, Judgement::CannotTell, "{}: {verdict:?}", study.name);
        assert!(verdict.ours.contains("it diverged"), "{}: {verdict:?}", study.name);
    }
}

#[test]
fn every_method_is_trained_once_under_a_name_of_its_own() {
    let methods = methods_of(&STUDIES);
    let names: BTreeSet<String> = methods.iter().map(|method| method.name()).collect();
    assert_eq!(names.len(), methods.len());
    let setup = Setup::default();
    let trials: Vec<Trial> = methods.iter().flat_map(|&method| setup.trials(method)).collect();
    assert_eq!(trials.len(), setup.seeds * methods.len());
    let cells: Vec<Cell> = trials.iter().map(|trial| trial.cell(&setup, Path::new("kept"), TUNED)).collect();
    for (at, cell) in cells.iter().enumerate() {
        cell.settings.check().unwrap();
        if let Some(teacher) = trials[at].teacher() {
            assert!(trials[..at].contains(&teacher), "{} comes before its teacher", trials[at].name(&setup));
        }
        assert!(!cells[..at].contains(cell), "{} is trained twice", trials[at].name(&setup));
    }
}

#[test]
fn a_rate_is_searched_once_for_all_bins_and_lambdas() {
    let bins = Method::new(Variant::Bins(3), Net::Small, crate::nn::Loss::Emd);
    assert_eq!(bins.searched().data, Variant::Bins(10));
    let heavy = Method { lambda: Some(3.0), ..Method::new(Variant::Whole, Net::Default, crate::nn::Loss::Xemd2) };
    assert_eq!(heavy.searched(), Method::new(Variant::Whole, Net::Default, crate::nn::Loss::Xemd2));
}

#[test]
fn folds_take_the_place_of_seeds() {
    let setup = Setup { folds: Some(5), ..Setup::default() };
    let method = Method::new(Variant::Whole, Net::Default, crate::nn::Loss::Xe);
    let trials = setup.trials(method);
    assert_eq!((trials.len(), setup.repeats_in_words().as_str()), (5, "5 folds"));
    let cell = trials[4].cell(&setup, Path::new("kept"), TUNED);
    assert_eq!((cell.protocol.fold, cell.settings.seed), (Some(5), 1));
    assert_eq!(trials[4].name(&setup), "whole-default-xe-fold5");
}

/// Faces drawn anew are in no other repetition; images of folds and of split data are.
#[test]
fn a_search_is_shared_where_no_repetition_tests_on_its_images() {
    let of = |setup: &Setup, data| {
        let trial = Trial { method: Method::new(data, Net::Default, crate::nn::Loss::Xe), repeat: 3 };
        setup.searched(trial).repeat
    };
    let seeds = Setup::default();
    assert_eq!((of(&seeds, Variant::Whole), of(&seeds, Variant::Unordered)), (1, 3));
    let folds = Setup { folds: Some(5), ..Setup::default() };
    assert_eq!(of(&folds, Variant::Whole), 3);
    let path = Path::new("photos").to_owned();
    let folder = Setup { ordered: Source::Folder { path, test_fraction: 0.2, strict: false }, ..Setup::default() };
    assert_eq!((of(&folder, Variant::Whole), of(&folder, Variant::Bins(3))), (3, 3));
}

#[test]
fn half_of_a_folder_is_half_of_its_training_images() {
    let path = Path::new("photos").to_owned();
    let folder = Setup { ordered: Source::Folder { path, test_fraction: 0.2, strict: false }, ..Setup::default() };
    let cell = |setup: &Setup, data| {
        let trial = Trial { method: Method::new(data, Net::Default, crate::nn::Loss::Xe), repeat: 1 };
        trial.cell(setup, Path::new("kept"), TUNED)
    };
    let half = cell(&folder, Variant::Half);
    assert_eq!((half.protocol.share, cell(&folder, Variant::Whole).protocol.share), (Some(0.5), None));
    assert!(folder.data_name(Variant::Half).contains("half of its training images"));
    let drawn = cell(&Setup::default(), Variant::Half);
    assert_eq!((drawn.protocol.share, drawn.source), (None, Source::Faces { train: 800, test: 400 }));
}

/// One repetition that did not end leaves the others their rows, and the claims without an answer.
#[test]
fn what_is_left_of_a_method_is_shown_and_not_judged() {
    let place = tempfile::tempdir().unwrap();
    let setup = Setup { seeds: 2, epochs: 3, ..Setup::default() };
    let trials: Vec<Trial> = (table5::STUDY.methods)().into_iter().flat_map(|method| setup.trials(method)).collect();
    trials.iter().for_each(|trial| leave(*trial, &setup, place.path()));
    let mishaps = [Mishap { name: "unordered-default-xemd1-seed2".to_owned(), why: "it diverged".to_owned() }];
    let section = (table5::STUDY.measure)(&Results::new(&setup, place.path(), &mishaps)).unwrap();
    let text: String = section.blocks.iter().map(crate::report::Block::text).collect();
    assert!(text.contains("xemd1 (1 of 2 ended)"), "{text}");
    assert!(
        section.verdicts.iter().all(|verdict| verdict.judgement == Judgement::CannotTell),
        "{:?}",
        section.verdicts
    );
    assert!(section.verdicts[0].ours.contains("it diverged"));
}
