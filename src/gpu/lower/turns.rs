//! How long the loops of one invocation are, where nothing cuts them into chunks.

use super::GROUP;
use crate::plan::shape::{Conv, Linear, LossShape, Pool};
use crate::plan::{AdapterKind, LossKind, Misfit, Op, Plan};

/// Turns after which Mesa's llvmpipe ends all loops of an invocation, as if they were done
/// (`LP_MAX_TGSI_LOOP_ITERATIONS` in its source): what they have summed until then is written as the result.
const MOST_TURNS: usize = 65_535;
/// Loops over the classes that a loss makes for one row, at most.
const CLASS_LOOPS: usize = 12;
/// Turns in which a group adds up what its lanes have, half of the lanes at a time.
const HALVINGS: usize = GROUP.ilog2() as usize + 1;

/// Whether an adapter comes to the end of every kernel of a plan: all but software drivers do.
pub(in crate::gpu) fn ends(plan: &Plan, kind: AdapterKind) -> Result<(), Misfit> {
    let longest = plan.steps.iter().map(|step| (turns(&step.op), step.op.name())).max();
    match longest {
        Some((turns, op)) if kind == AdapterKind::Software && turns > MOST_TURNS => {
            Err(Misfit::Turns { op, needed: turns, limit: MOST_TURNS })
        }
        _ => Ok(()),
    }
}

/// Turns that all loops of one invocation make at most, the last one of each included, in which it finds its end; 0 where they are
/// few whatever the sizes, or cut. Products by tiles are not counted: software drivers are given none.
fn turns(op: &Op) -> usize {
    match *op {
        Op::ConvForward(c) => c.in_channels * tap_turns(&c),
        Op::ConvBackwardData(c) => c.out_channels * tap_turns(&c),
        Op::LinearForward(l) => inner(&l, l.inputs),
        Op::LinearBackwardData(l) => inner(&l, l.outputs),
        Op::LinearBackwardWeight(l) => l.batch,
        Op::MaxPoolForward(p) | Op::MaxPoolReluForward(p) | Op::AveragePoolForward(p) => window(&p),
        Op::MaxPoolBackward(p) | Op::AveragePoolBackward(p) => window(&p),
        // One group, each of whose lanes takes every 64th row; all read all labels twice.
        Op::Loss(LossKind::Qwk, s) => 2 * (s.batch + 1 + GROUP) + s.batch.div_ceil(GROUP) * (2 + row(&s)),
        Op::Loss(LossKind::Corn, s) => s.batch + 1 + row(&s),
        Op::Tally(s) => 1 + s.batch.div_ceil(GROUP) * (1 + s.classes) + 2 * HALVINGS + 5,
        Op::Loss(_, s) => row(&s),
        Op::AveragePredictions { shape, .. } => row(&shape),
        Op::ClassSums { batch, features, .. } => {
            (1 + features.div_ceil(GROUP) + HALVINGS).max(1 + batch.div_ceil(GROUP) * (2 + GROUP / 8))
        }
        Op::PairwiseDistances { features, .. } => features,
        Op::GroundDistance { classes } => classes,
        Op::ConvBackwardWeight(_) | Op::BatchNormStatistics(_) | Op::BatchNormBackwardWeight(_) => 0,
        Op::BatchNormForward(_) | Op::BatchNormInference(_) | Op::BatchNormBackwardData(_) => 0,
        Op::Tick | Op::Augment(..) | Op::CentreCrops(_) | Op::BatchRows { .. } | Op::Centroids { .. } => 0,
        Op::ReluForward(_) | Op::ReluBackward(_) | Op::Add(_) | Op::Sgd(_) | Op::Dropout(_) => 0,
    }
}

fn tap_turns(c: &Conv) -> usize {
    2 + c.kernel_height * (2 + c.kernel_width)
}

/// Quads are read four places a turn, where all rows are whole quads.
fn inner(l: &Linear, places: usize) -> usize {
    if l.inputs.is_multiple_of(4) && l.outputs.is_multiple_of(4) { places / 4 } else { places }
}

fn window(p: &Pool) -> usize {
    1 + p.window_height * (2 + p.window_width)
}

fn row(s: &LossShape) -> usize {
    CLASS_LOOPS * (1 + s.classes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::operations;

    fn plan(op: Op) -> Plan {
        Plan { steps: vec![crate::plan::Step { op, views: Vec::new() }], ..Plan::default() }
    }

    #[test]
    fn what_software_drivers_would_cut_short_is_refused_by_name() {
        let wide = Linear { batch: 8, inputs: 1 << 18, outputs: 16, bias: true };
        let refused = ends(&plan(Op::LinearForward(wide)), AdapterKind::Software).unwrap_err();
        assert_eq!(refused, Misfit::Turns { op: "linear_forward", needed: 65_536, limit: 65_535 });
        let said = refused.to_string();
        assert!(said.contains("linear_forward") && said.contains("--device cpu"), "{said}");
        assert_eq!(ends(&plan(Op::LinearForward(wide)), AdapterKind::Gpu), Ok(()));
        let fits = Linear { inputs: (1 << 18) - 4, ..wide };
        assert_eq!(ends(&plan(Op::LinearForward(fits)), AdapterKind::Software), Ok(()));
    }

    #[test]
    fn losses_over_many_classes_and_rows_are_refused_together() {
        let qwk = |batch| plan(Op::Loss(LossKind::Qwk, LossShape { batch, classes: 1000 }));
        assert_eq!(ends(&qwk(64), AdapterKind::Software), Ok(()));
        assert!(ends(&qwk(512), AdapterKind::Software).is_err());
    }

    #[test]
    fn all_that_is_checked_ends() {
        for op in operations() {
            assert_eq!(ends(&plan(op), AdapterKind::Software), Ok(()));
        }
    }
}
