//! Batch normalisation.

use super::tower::{Activation, Backward, Mode, Tower};
use crate::plan::{BatchNorm, Element, Op, Residency, View};

/// The gradient through running statistics, which do not hang on the input: it is scaled as the input was, about zero.
fn inference_backward(tower: &Tower<'_>, shape: BatchNorm, running_variance: View, weight: View) -> Backward {
    let name = tower.name("in_gradient");
    Box::new(move |tower, gradient, wanted| {
        wanted.then(|| {
            let zeros = format!("zeros/{}", shape.channels);
            let zeros = tower.plan.kept(&zeros, Element::F32, shape.channels, Residency::Data);
            let input_gradient = tower.named(&name, shape.len());
            let views = [gradient, zeros, running_variance, weight, zeros, input_gradient];
            tower.push(Op::BatchNormInference(shape), &views);
            input_gradient
        })
    })
}

/// Normalises each channel: by the batch in training, by the running statistics in evaluation.
pub(super) fn batch_norm(tower: &mut Tower<'_>, input: Activation) -> (Activation, Backward) {
    let shape = BatchNorm {
        batch: tower.batch,
        channels: input.shape.channels,
        plane: input.shape.height * input.shape.width,
        epsilon: 1e-5,
        momentum: 0.1,
    };
    let (weight, bias) = (tower.weight("weight"), tower.weight("bias"));
    let running = [tower.statistic("running_mean"), tower.statistic("running_var")];
    let output = tower.tensor("out", shape.len());
    let result = Activation { view: output, shape: input.shape };
    if tower.mode == Mode::Evaluation {
        let views = [input.view, running[0], running[1], weight, bias, output];
        tower.push(Op::BatchNormInference(shape), &views);
        return (result, inference_backward(tower, shape, running[1], weight));
    }
    let mean = tower.tensor("mean", shape.channels);
    let deviation = tower.tensor("inverse_deviation", shape.channels);
    tower.push(Op::BatchNormStatistics(shape), &[input.view, running[0], running[1], mean, deviation]);
    tower.push(Op::BatchNormForward(shape), &[input.view, mean, deviation, weight, bias, output]);

    let (weight_gradient, bias_gradient) = (tower.gradient("weight"), tower.gradient("bias"));
    let name = tower.name("in_gradient");
    let backward: Backward = Box::new(move |tower, gradient, wanted| {
        let views = [input.view, mean, deviation, gradient, weight_gradient, bias_gradient];
        tower.push(Op::BatchNormBackwardWeight(shape), &views);
        wanted.then(|| {
            let input_gradient = tower.named(&name, shape.len());
            let views = [input.view, mean, deviation, weight, gradient, weight_gradient, bias_gradient, input_gradient];
            tower.push(Op::BatchNormBackwardData(shape), &views);
            input_gradient
        })
    });
    (result, backward)
}
