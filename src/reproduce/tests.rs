use super::*;
use crate::train::cell::Cell;
use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn every_method_is_trained_once_under_a_name_of_its_own() {
    let methods = methods_of(&STUDIES);
    let names: BTreeSet<String> = methods.iter().map(|method| method.name()).collect();
    assert_eq!(names.len(), methods.len());
    let setup = Setup::default();
    let trials: Vec<Trial> = methods.iter().flat_map(|&method| setup.trials(method)).collect();
    assert_eq!(trials.len(), setup.seeds * methods.len());
    let cells: Vec<Cell> = trials.iter().map(|trial| trial.cell(&setup, Path::new("kept"), 0.01)).collect();
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
    let cell = trials[4].cell(&setup, Path::new("kept"), 0.01);
    assert_eq!((cell.protocol.fold, cell.settings.seed), (Some(5), 1));
    assert_eq!(trials[4].name(&setup), "whole-default-xe-fold5");
}
