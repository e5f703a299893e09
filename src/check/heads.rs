//! The cases of losses, readings, distances and the optimiser.

use super::cases::{Case, FOLDED};
use super::inputs::Fill;
use crate::plan::{Link, LossKind, LossShape, Op, PADDING};

/// All of them.
pub fn all() -> Vec<Case> {
    [
        losses(),
        soft_losses(),
        of_batches(),
        regressions(),
        batch_rows(),
        tallies(),
        predictions(),
        class_sums(),
        distances(),
        optimiser(),
    ]
    .concat()
}

/// How outputs become predictions.
const LINKS: [Link; 3] = [Link::Softmax, Link::Conditional, Link::Identity];

/// Batch and classes: few and many, one and more than a workgroup.
fn shapes() -> Vec<LossShape> {
    let pairs = [(1, 2), (7, 2), (7, 3), (64, 8), (300, 8), (1, 101), (7, 101), (5, 1000)];
    pairs.map(|(batch, classes)| LossShape { batch, classes }).into()
}

/// Labels of which some are padding, or all.
fn padded(shape: LossShape) -> Fill {
    Fill::Labels { classes: shape.classes, padding: true }
}

fn losses() -> Vec<Case> {
    let mut cases = Vec::new();
    for kind in [LossKind::CrossEntropy, LossKind::Emd, LossKind::EmdLinear, LossKind::Xemd] {
        let case = |shape| Case::of(Op::Loss(kind, shape));
        cases.extend(shapes().into_iter().map(case));
        cases.extend(shapes().into_iter().map(|shape| case(shape).with("targets", padded(shape))));
        let nothing = Fill::Words(vec![f64::from(PADDING); 7]);
        cases.push(case(LossShape { batch: 7, classes: 3 }).with("targets", nothing));
    }
    for [lambda, omega, mu] in
        [[0.7, 2.0, -0.25], [0.0, 1.0, -0.5], [10.0, 0.5, 0.5], [0.3, 3.0, 0.0], [2.0, 1.7, -1.0]]
    {
        let settings = Fill::Words(vec![0.1, 0.9, 0.01, lambda, omega, mu, 0.1, 0.0]);
        for shape in shapes() {
            cases.push(Case::of(Op::Loss(LossKind::Xemd, shape)).with("settings", settings.clone()));
        }
    }
    for regulariser in [0.1, 1.0, 10.0] {
        let settings = Fill::Words(vec![0.1, 0.9, 0.01, 0.7, 1.0, -0.5, regulariser, 0.0]);
        for shape in shapes() {
            let case = Case::of(Op::Loss(LossKind::ApproximateEmd, shape)).with("settings", settings.clone());
            cases.push(case.clone().with("targets", padded(shape)));
            cases.push(case);
        }
    }
    cases
}

/// Against distributions of fewer, as many and more than the samples.
fn soft_losses() -> Vec<Case> {
    let mut cases = Vec::new();
    let kinds: [fn(usize) -> LossKind; 2] =
        [|rows| LossKind::SoftCrossEntropy { rows }, |rows| LossKind::SoftEmd { rows }];
    for kind in kinds {
        for shape in shapes() {
            for rows in [shape.classes, shape.batch + 3] {
                let case = Case::of(Op::Loss(kind(rows), shape));
                cases.push(case.clone().with("targets", padded(shape)));
                cases.push(case.clone());
                // Rows that are the labels themselves, of which some are none.
                let label =
                    |n: usize| if n.is_multiple_of(3) { f64::from(PADDING) } else { (n % shape.classes) as f64 };
                let labels = Fill::Words((0..shape.batch).map(label).collect());
                cases.push(case.with("targets", labels.clone()).with("rows", labels));
            }
        }
    }
    cases
}

/// Losses that are none of their samples' alone.
fn of_batches() -> Vec<Case> {
    let mut cases = Vec::new();
    for kind in [LossKind::Qwk, LossKind::Corn] {
        for shape in shapes() {
            let case = || Case::of(Op::Loss(kind, shape));
            if kind == LossKind::Qwk {
                cases.extend([false, true].map(|padding| case().with("targets", scattered(shape, padding))));
            } else {
                cases.extend([case(), case().with("targets", padded(shape))]);
            }
            // All of one class, and none.
            for label in [f64::from(PADDING), 0.0, (shape.classes - 1) as f64] {
                cases.push(case().with("targets", Fill::Words(vec![label; shape.batch])));
            }
        }
    }
    // Where all are of one class, kappa's gradient is what roundings leave of nothing.
    let vanishes = |case: &Case| matches!(case.op, Op::Loss(LossKind::Qwk, shape) if shape.batch == 1 || alike(case));
    cases.into_iter().map(|case| if vanishes(&case) { case.ignoring("logit_gradient") } else { case }).collect()
}

/// Labels all over the classes, with every third row being padding or without. Drawn ones are all alike where luck has it, which
/// leaves kappa no gradient.
fn scattered(shape: LossShape, padding: bool) -> Fill {
    let label = |n: usize| if padding && n % 3 == 2 { f64::from(PADDING) } else { (n * 617 % shape.classes) as f64 };
    Fill::Words((0..shape.batch).map(label).collect())
}

/// Whether all targets are said to be one.
fn alike(case: &Case) -> bool {
    let same = |words: &Vec<f64>| words.iter().all(|word| *word == words[0]);
    case.fills.iter().any(|(_, fill)| matches!(fill, Fill::Words(words) if same(words)))
}

/// Outputs among the classes' values and far beyond them; as many classes of one value as there are levels between.
fn regressions() -> Vec<Case> {
    let mut cases = Vec::new();
    for shape in shapes() {
        let case = || Case::of(Op::Loss(LossKind::Regression { rows: 2 * shape.batch + 1 }, shape));
        cases.push(case());
        for targets in [Fill::Labels { classes: shape.classes, padding: false }, padded(shape)] {
            cases.push(case().with("logits", Fill::Between(-1.0, 1.5)).with("targets", targets));
        }
        let tied = case().with("logits", Fill::Between(-3.0, 3.0)).with("class_values", Fill::Levels(5));
        cases.push(tied.with("table", Fill::Between(-1e3, 1e3)));
    }
    cases
}

fn batch_rows() -> Vec<Case> {
    let case = |batch, batches| {
        let clock = Fill::Words(vec![1.0, 2.0, 3.0, f64::from(batches - 1)]);
        Case::of(Op::BatchRows { batch, order: batch * batches as usize }).with("clock", clock)
    };
    vec![case(1, 1), case(7, 3), case(65, 2), case(300, 5)]
}

fn tallies() -> Vec<Case> {
    let shape = |batch| LossShape { batch, classes: 8 };
    let case = |batch| Case::of(Op::Tally(shape(batch)));
    let mut cases = Vec::new();
    for shape in shapes().into_iter().chain([LossShape { batch: 300, classes: 2 }]) {
        cases.push(Case::of(Op::Tally(shape)));
        cases.push(Case::of(Op::Tally(shape)).with("targets", padded(shape)));
        cases.push(Case::of(Op::Tally(shape)).with("probabilities", Fill::Between(0.0, 1.0)));
    }
    for batch in [1, 7, 64, 65, 300, 1000] {
        cases.push(case(batch));
        cases.push(case(batch).with("targets", padded(shape(batch))));
    }
    // A step that is not finite, the first or not, in the first term or the last.
    for (place, term) in [(0, f64::NAN), (297, f64::INFINITY), (150, f64::NEG_INFINITY)] {
        for fault in [[0.0, 0.0], [3.0, 2.0]] {
            let mut terms = vec![1.0; 300];
            terms[place] = term;
            terms[place + 1] = term;
            let faulty = case(100).with("terms", Fill::Words(terms)).with("fault", Fill::Words(fault.to_vec()));
            cases.push(faulty.ignoring("sums"));
        }
    }
    cases
}

fn predictions() -> Vec<Case> {
    let mut cases = Vec::new();
    for (link, shape) in LINKS.into_iter().flat_map(|link| shapes().into_iter().map(move |shape| (link, shape))) {
        // The third batch reaches beyond the last row, the fourth begins anew.
        let rows = 3 * shape.batch - shape.batch / 2;
        for cursor in [0.0, 1.0, 2.0, 3.0] {
            let clock = Fill::Words(vec![1.0, 2.0, 3.0, cursor]);
            cases.push(Case::of(Op::AveragePredictions { shape, rows, link }).with("clock", clock));
        }
    }
    cases
}

fn class_sums() -> Vec<Case> {
    let shapes =
        [(1, 1, 2), (7, 41, 3), (1, 5, 2), (64, 128, 8), (7, 17, 101), (33, 512, 5), (300, 3, 2), (3, 4099, 2)];
    let mut cases = Vec::new();
    for (batch, features, classes) in shapes {
        let op = Op::ClassSums { batch, features, classes };
        cases.push(Case::of(op));
        cases.push(Case::of(op).with("targets", Fill::Labels { classes, padding: true }));
        cases.push(Case::of(op).with("features", Fill::Between(-1.0, 1.0)));
        cases.push(Case::of(op).with("features", Fill::Between(0.0, 0.0)));
    }
    for (classes, features) in [(2, 1), (8, 41), (101, 121), (1000, 17)] {
        let op = Op::Centroids { classes, features };
        cases.push(Case::of(op));
        // Many classes without samples.
        cases.push(Case::of(op).with("class_counts", Fill::Integers(3)));
    }
    cases
}

fn distances() -> Vec<Case> {
    let mut cases = Vec::new();
    for (classes, features) in [(2, 1), (3, 41), (8, 4099), (101, 17), (1000, 3)] {
        let op = Op::PairwiseDistances { classes, features };
        cases.push(Case::of(op));
        // Centroids that are hardly apart, as before training, and not at all.
        cases.push(Case::of(op).with("centroids", Fill::Between(10.0, 10.01)));
        cases.push(Case::of(op).with("centroids", Fill::Between(0.0, 0.0)));
    }
    for classes in [2, 3, 8, 101] {
        let op = Op::GroundDistance { classes };
        cases.extend([1 << 20, 4, 1].map(|levels| Case::of(op).with("distances", Fill::Symmetric { classes, levels })));
    }
    cases.push(Case::of(Op::GroundDistance { classes: 1000 }));
    cases
}

fn optimiser() -> Vec<Case> {
    let mut cases: Vec<Case> = [1, 65, 100_003, FOLDED].map(|len| Case::of(Op::Sgd(len))).into();
    for [rate, momentum, decay] in [[0.0, 0.9, 0.01], [0.1, 0.0, 0.0], [1e-4, 0.98, 5e-4]] {
        let settings = Fill::Words(vec![rate, momentum, decay, 0.7, 1.0, -0.5, 0.0, 0.0]);
        cases.push(Case::of(Op::Sgd(1000)).with("settings", settings));
    }
    cases
}
