//! The oracle's losses against central differences, other libraries and closed forms.

use super::*;
use crate::plan::PADDING;
use crate::reference::testing::{assert_close, assert_gradient, fixture, noise, numbers};

const KINDS: [LossKind; 5] =
    [LossKind::CrossEntropy, LossKind::Emd, LossKind::EmdLinear, LossKind::Xemd, LossKind::ApproximateEmd];

fn symmetric(classes: usize) -> Vec<f64> {
    let draws = noise(5, classes * classes);
    let entry = |i: usize, j: usize| {
        if i == j { 0.0 } else { (draws[i * classes + j] + draws[j * classes + i]).abs() / 2.0 }
    };
    (0..classes * classes).map(|at| entry(at / classes, at % classes)).collect()
}

fn labels(batch: usize, classes: usize) -> Vec<f64> {
    (0..batch).map(|row| (row * 5 % classes) as f64).collect()
}

/// The mean over the rows, computed here from the terms.
fn mean_of(terms: &[f64]) -> f64 {
    terms.chunks(3).map(|row| row[0]).sum::<f64>() / (terms.len() / 3) as f64
}

#[test]
fn gradients_are_those_of_the_mean_loss() {
    for kind in KINDS {
        for (batch, classes) in [(3, 2), (4, 3), (5, 8), (2, 101)] {
            let shape = LossShape { batch, classes };
            let (targets, ground) = (labels(batch, classes), symmetric(classes));
            let weighting = Weighting { lambda: 0.7, omega: 1.5, mu: -0.25, regulariser: 0.1 };
            let logits: Vec<f64> = noise(1, batch * classes).iter().map(|z| 3.0 * z).collect();
            let loss = |logits: &[f64]| {
                let given = Given { logits, targets: &targets, ground: &ground, weighting, ..Given::default() };
                mean_loss(kind, &shape, &given)
            };
            let gradient = loss(&logits).logit_gradient;
            assert_gradient(&logits, &gradient, |logits| mean_of(&loss(logits).terms));
        }
    }
}

/// To 1e-10 of the largest entry, or of PyTorch's own rounding where differences of
/// probabilities near 1 left it nothing else.
fn assert_near(got: &[f64], want: &[f64]) {
    let largest = want.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
    assert_eq!(got.len(), want.len());
    for (got, want) in got.iter().zip(want) {
        assert!((got - want).abs() <= 1e-10 * largest + 1e-15, "got {got}, want {want} of {largest}");
    }
}

/// Losses and gradients computed by PyTorch.
#[test]
fn losses_are_those_of_the_fixtures() {
    let losses = fixture("losses.json");
    assert_eq!(losses["epsilon"].as_f64(), Some(EPSILON));
    let cases = losses["cases"].as_array().unwrap();
    assert!(cases.len() >= 24);
    for case in cases {
        let classes = case["classes"].as_u64().unwrap() as usize;
        let shape = LossShape { batch: 1, classes };
        let (logits, ground) = (numbers(&case["logits"]), numbers(&case["ground"]));
        let targets = numbers(&case["label"]);
        let lambda = case["lambda"].as_f64().unwrap();
        for (name, kind, omega, mu) in [
            ("xe", LossKind::CrossEntropy, 1.0, 0.0),
            ("emd", LossKind::Emd, 1.0, 0.0),
            ("emd_linear", LossKind::EmdLinear, 1.0, 0.0),
            ("xemd1", LossKind::Xemd, 1.0, -0.5),
            ("xemd2", LossKind::Xemd, 2.0, -0.25),
        ] {
            let weighting = Weighting { lambda, omega, mu, ..Weighting::default() };
            let (logits, targets, ground) = (&logits, &targets, &ground);
            let given = Given { logits, targets, ground, weighting, ..Given::default() };
            let got = mean_loss(kind, &shape, &given);
            let want = &case["expect"][name];
            assert_near(&got.terms[..1], &numbers(&want["loss"]));
            assert_near(&got.logit_gradient, &numbers(&want["grad"]));
        }
    }
}

/// Where p_k is nearly 1 the gradients are tiny and known: with two classes, other
/// probability q and label 0, cross-entropy has `p q / (p + 1e-6)`, the squared distance q^2
/// and its gradient 2 p q^2.
#[test]
fn a_saturated_prediction_keeps_its_digits() {
    let shape = LossShape { batch: 1, classes: 2 };
    for gap in [20.0, 40.0, 300.0] {
        let q = 1.0 / (1.0 + f64::exp(gap));
        let given = Given { logits: &[gap, 0.0], targets: &[0.0], ..Given::default() };
        let loss = |kind| mean_loss(kind, &shape, &given);
        let (xe, emd) = (loss(LossKind::CrossEntropy), loss(LossKind::Emd));
        let xe_gradient = (1.0 - q) * q / (1.0 - q + 1e-6);
        assert_close(&xe.logit_gradient, &[-xe_gradient, xe_gradient], 1e-12);
        assert_close(&xe.terms[..1], &[-f64::ln_1p(1e-6 - q)], 1e-12);
        assert_close(&emd.terms[..1], &[q * q], 1e-12);
        assert_close(&emd.logit_gradient, &[-2.0 * (1.0 - q) * q * q, 2.0 * (1.0 - q) * q * q], 1e-12);
    }
}

/// Softmax does not change when all logits move together; these move without rounding.
#[test]
fn large_logits_are_as_good_as_small_ones() {
    let shape = LossShape { batch: 2, classes: 5 };
    let logits: Vec<f64> = noise(1, 10).iter().map(|z| (z * 8192.0).round() / 1024.0).collect();
    let (targets, ground) = (labels(2, 5), symmetric(5));
    let weighting = Weighting { lambda: 2.0, omega: 2.0, mu: -0.25, regulariser: 0.1 };
    for kind in KINDS {
        let given = Given { logits: &logits, targets: &targets, ground: &ground, weighting, ..Given::default() };
        let small = mean_loss(kind, &shape, &given);
        for shift in [1e4, -1e4] {
            let moved: Vec<f64> = logits.iter().map(|z| z + shift).collect();
            assert_eq!(mean_loss(kind, &shape, &Given { logits: &moved, ..given }), small);
        }
    }
}

#[test]
fn a_wrong_prediction_without_doubt_costs_what_the_formulas_say() {
    let shape = LossShape { batch: 1, classes: 3 };
    let ground = [0.0, 0.5, 0.75, 0.5, 0.0, 0.25, 0.75, 0.25, 0.0];
    let weighting = Weighting { lambda: 2.0, omega: 2.0, mu: -0.25, regulariser: 0.1 };
    let logits = [1e4, 0.0, -1e4];
    let xe = -f64::ln(1e-6);
    let distance = 0.75f64.powi(2) - 0.25;
    for (kind, terms) in [
        (LossKind::CrossEntropy, [xe, xe, 0.0]),
        (LossKind::Emd, [2.0, 0.0, 2.0]),
        (LossKind::EmdLinear, [0.75, 0.0, 0.75]),
        (LossKind::Xemd, [xe + 2.0 * distance, xe, distance]),
    ] {
        let given = Given { logits: &logits, targets: &[2.0], ground: &ground, weighting, ..Given::default() };
        let got = mean_loss(kind, &shape, &given);
        assert_close(&got.terms, &terms, 1e-14);
        assert_eq!(got.probabilities, [1.0, 0.0, 0.0]);
        assert_eq!(got.logit_gradient, [0.0; 3]);
    }
}

#[test]
fn padding_has_probabilities_alone_but_counts_in_the_mean() {
    let logits = noise(1, 6);
    let (padded, alone) = (LossShape { batch: 2, classes: 3 }, LossShape { batch: 1, classes: 3 });
    for kind in KINDS {
        let loss = |shape: &LossShape, logits: &[f64], targets: &[f64]| {
            let weighting = Weighting { lambda: 1.0, omega: 1.0, mu: 0.5, regulariser: 0.1 };
            let given = Given { logits, targets, ground: &symmetric(3), weighting, ..Given::default() };
            mean_loss(kind, shape, &given)
        };
        let got = loss(&padded, &logits, &[f64::from(PADDING), 1.0]);
        let want = loss(&alone, &logits[3..], &[1.0]);
        assert_eq!(got.terms[..3], [0.0; 3]);
        assert_eq!(got.terms[3..], want.terms);
        assert_eq!(got.logit_gradient[..3], [0.0; 3]);
        let halves: Vec<f64> = want.logit_gradient.iter().map(|value| value / 2.0).collect();
        assert_close(&got.logit_gradient[3..], &halves, 1e-15);
        assert_close(&got.probabilities[..3], &softmax(&logits[..3]), 0.0);
    }
}

#[test]
fn no_distance_stays_none_at_any_power() {
    for omega in [0.5, 1.0, 2.0, 1.7] {
        let sample = xemd(&[1.0, 0.0], 0, &[0.0, 0.5], Weighting { lambda: 1.0, omega, mu: -0.5, regulariser: 0.1 });
        assert_eq!(sample.terms[2], -0.5);
    }
}

/// The gradient of a batch whose rows of outputs are `outputs` long, by central differences of the mean of its terms.
fn assert_batch_gradient(kind: LossKind, shape: &LossShape, given: &Given<'_>) {
    let loss = |logits: &[f64]| mean_loss(kind, shape, &Given { logits, ..*given });
    let gradient = loss(given.logits).logit_gradient;
    assert_gradient(given.logits, &gradient, |logits| mean_of(&loss(logits).terms));
}

#[test]
fn regression_learns_the_value_and_predicts_the_nearest_class() {
    let (shape, table) = (LossShape { batch: 4, classes: 3 }, [0.5, -2.0, 7.0]);
    let (logits, targets) = ([0.75, 1.5, -40.0, 2.5], [2.0, 0.0, 1.0, 1.0]);
    let (rows, class_values) = ([2.0, 0.0, 1.0, 1.0], [1.0, 3.0, 2.0]);
    let given = Given {
        logits: &logits,
        targets: &targets,
        rows: &rows,
        table: &table,
        class_values: &class_values,
        ..Given::default()
    };
    let kind = LossKind::Regression { rows: 3 };
    assert_batch_gradient(kind, &shape, &given);
    let got = mean_loss(kind, &shape, &given);
    assert_close(&got.terms[..6], &[39.0625, 0.0, 0.0, 1.0, 0.0, 0.0], 1e-15);
    // 1.5 lies between the first class and the third, 2.5 between the second and the third.
    let nearest = [0, 0, 0, 1].map(|class| [0, 1, 2].map(|at| f64::from(at == class)));
    assert_eq!(got.probabilities, nearest.concat());
    let padded = Given { targets: &[2.0, f64::from(PADDING), 1.0, 1.0], ..given };
    let got = mean_loss(kind, &shape, &padded);
    assert_eq!((got.logit_gradient[1], got.terms[3]), (0.0, 0.0));
    assert_eq!(got.probabilities, nearest.concat());
}

/// Batches of CORN and of kappa, whole and with padding.
#[test]
fn losses_of_whole_batches_have_their_gradients() {
    for kind in [LossKind::Corn, LossKind::Qwk] {
        for (batch, classes) in [(3, 2), (4, 3), (6, 8), (3, 101)] {
            let shape = LossShape { batch, classes };
            let outputs = kind.link().outputs(classes);
            let logits: Vec<f64> = noise(1, batch * outputs).iter().map(|z| 3.0 * z).collect();
            let targets = labels(batch, classes);
            let given = Given { logits: &logits, targets: &targets, ..Given::default() };
            assert_batch_gradient(kind, &shape, &given);
            let mut targets = [f64::from(PADDING)].repeat(batch + 1);
            targets[..batch].copy_from_slice(given.targets);
            let padded = [logits.clone(), vec![0.5; outputs]].concat();
            let padded = Given { logits: &padded, targets: &targets, ..Given::default() };
            let shape = LossShape { batch: batch + 1, classes };
            let (got, want) =
                (mean_loss(kind, &shape, &padded), mean_loss(kind, &LossShape { batch, classes }, &given));
            assert_eq!(got.terms[..3 * batch], want.terms);
            assert_eq!(got.logit_gradient[..batch * outputs], want.logit_gradient);
            assert!(got.logit_gradient[batch * outputs..].iter().all(|slope| *slope == 0.0));
        }
    }
}

/// Losses and gradients by coral-pytorch and dlordinal.
#[test]
fn rivals_are_those_of_the_fixtures() {
    let rivals = fixture("rivals.json");
    for case in rivals["cases"].as_array().unwrap() {
        let targets = numbers(&case["labels"]);
        let shape = LossShape { batch: targets.len(), classes: case["classes"].as_u64().unwrap() as usize };
        for (name, kind) in [("corn", LossKind::Corn), ("qwk", LossKind::Qwk)] {
            let want = &case["expect"][name];
            let logits = numbers(&want["logits"]);
            let got = mean_loss(kind, &shape, &Given { logits: &logits, targets: &targets, ..Given::default() });
            assert_near(&[mean_of(&got.terms)], &numbers(&want["loss"]));
            assert_near(&got.logit_gradient, &numbers(&want["grad"]));
            if name == "corn" {
                let above = |p: &[f64]| (1..p.len()).map(|i| p[i..].iter().sum()).collect::<Vec<f64>>();
                let chains: Vec<f64> = got.probabilities.chunks(shape.classes).flat_map(above).collect();
                assert_near(&chains, &numbers(&want["above"]));
            }
        }
    }
}

/// Kappa of a batch of one class is the same whatever is predicted, until the errors are as small as the 1e-10 that is added to
/// those of chance: there it has a slope, and a finite one.
#[test]
fn kappa_of_one_class_alone_is_finite_and_mostly_still() {
    let shape = LossShape { batch: 2, classes: 3 };
    let of = |logits: &[f64]| {
        let got = mean_loss(LossKind::Qwk, &shape, &Given { logits, targets: &[0.0; 2], ..Given::default() });
        assert!((0.0..=1.0).contains(&mean_of(&got.terms)), "{got:?}");
        got.logit_gradient.iter().fold(0.0, |most: f64, slope| most.max(slope.abs()))
    };
    assert!(of(&[1.0, 2.0, 3.0, 0.5, 0.0, 0.0]) < 1e-8);
    assert_eq!(of(&[1e4, -1e4, 0.0, 1e4, -1e4, 0.0]), 0.0);
    let slope = of(&[23.0, 0.0, 0.0, 23.0, 0.0, 0.0]);
    assert!((0.01..1.0).contains(&slope), "{slope}");
}

/// The targets of a batch as distributions: all on the label.
fn sure(targets: &[f64], classes: usize) -> Vec<f64> {
    targets.iter().flat_map(|target| (0..classes).map(move |class| f64::from(class as f64 == *target))).collect()
}

const SOFT: [LossKind; 2] = [LossKind::SoftCrossEntropy { rows: 5 }, LossKind::SoftEmd { rows: 5 }];

#[test]
fn losses_against_distributions_have_their_gradients() {
    for kind in SOFT {
        for (batch, classes) in [(3, 2), (4, 3), (5, 8), (2, 101)] {
            let logits: Vec<f64> = noise(1, batch * classes).iter().map(|z| 3.0 * z).collect();
            let table: Vec<f64> = noise(2, 5 * classes).chunks(classes).flat_map(softmax).collect();
            let (targets, rows) = (labels(batch, classes), labels(batch, 5));
            let given = Given { logits: &logits, targets: &targets, rows: &rows, table: &table, ..Given::default() };
            assert_batch_gradient(kind, &LossShape { batch, classes }, &given);
        }
    }
}

/// A distribution that is sure of the label is the label. Cross-entropy has its 1e-6 there.
#[test]
fn sure_distributions_are_labels() {
    let shape = LossShape { batch: 4, classes: 5 };
    let (logits, targets) = (noise(1, 20), labels(4, 5));
    let table = sure(&targets, 5);
    let given =
        Given { logits: &logits, targets: &targets, rows: &[0.0, 1.0, 2.0, 3.0], table: &table, ..Given::default() };
    for (soft, hard, tolerance) in [(SOFT[0], LossKind::CrossEntropy, 3e-5), (SOFT[1], LossKind::Emd, 1e-14)] {
        let (soft, hard) = (mean_loss(soft, &shape, &given), mean_loss(hard, &shape, &given));
        assert_close(&soft.terms, &hard.terms, tolerance);
        assert_close(&soft.logit_gradient, &hard.logit_gradient, tolerance);
    }
}

#[test]
fn losses_against_distributions_are_those_of_the_fixtures() {
    let rivals = fixture("rivals.json");
    for case in rivals["cases"].as_array().unwrap() {
        let (targets, votes) = (numbers(&case["labels"]), numbers(&case["votes"]));
        let shape = LossShape { batch: targets.len(), classes: case["classes"].as_u64().unwrap() as usize };
        let samples: Vec<f64> = (0..shape.batch).map(|n| n as f64).collect();
        let (sord, binomial) = (crate::nn::labels::sord(shape.classes), crate::nn::labels::binomial(shape.classes));
        for (name, kind, rows, table) in [
            ("xe", SOFT[0], &samples, &votes),
            ("emd", SOFT[1], &samples, &votes),
            ("sord", SOFT[0], &targets, &sord),
            ("binomial", SOFT[0], &targets, &binomial),
        ] {
            let want = &case["expect"][name];
            let logits = numbers(&want["logits"]);
            let given = Given { logits: &logits, targets: &targets, rows, table, ..Given::default() };
            let got = mean_loss(kind, &shape, &given);
            assert_near(&[mean_of(&got.terms)], &numbers(&want["loss"]));
            assert_near(&got.logit_gradient, &numbers(&want["grad"]));
        }
    }
}

#[test]
fn transport_with_entropy_has_its_gradient_and_is_that_of_the_fixtures() {
    for (batch, classes, regulariser) in [(3, 2, 0.1), (4, 3, 1.0), (5, 8, 10.0), (2, 101, 0.1)] {
        let logits: Vec<f64> = noise(1, batch * classes).iter().map(|z| 3.0 * z).collect();
        let (targets, ground) = (labels(batch, classes), symmetric(classes));
        let weighting = Weighting { regulariser, ..Weighting::default() };
        let given = Given { logits: &logits, targets: &targets, ground: &ground, weighting, ..Given::default() };
        assert_batch_gradient(LossKind::ApproximateEmd, &LossShape { batch, classes }, &given);
    }
    for case in fixture("losses.json")["approximate_emd"].as_array().unwrap() {
        let shape = LossShape { batch: 1, classes: case["classes"].as_u64().unwrap() as usize };
        let (logits, targets, ground) = (numbers(&case["logits"]), numbers(&case["label"]), numbers(&case["ground"]));
        let weighting = Weighting { regulariser: case["reg"].as_f64().unwrap(), ..Weighting::default() };
        let given = Given { logits: &logits, targets: &targets, ground: &ground, weighting, ..Given::default() };
        let got = mean_loss(LossKind::ApproximateEmd, &shape, &given);
        assert_near(&got.terms[2..], &numbers(&case["transport_cost"]));
        assert_near(&got.logit_gradient, &numbers(&case["grad"]));
        let log_p: Vec<f64> = got.probabilities.iter().map(|p| p.ln()).collect();
        let cost: Vec<f64> = ground.chunks(shape.classes).map(|row| row[targets[0] as usize]).collect();
        let dual = super::transport::scaled(&log_p, &cost, weighting.regulariser).dual;
        let mean = dual.iter().sum::<f64>() / dual.len() as f64;
        assert_near(&dual.iter().map(|dual| dual - mean).collect::<Vec<_>>(), &numbers(&case["dual"]));
    }
}
