//! The plans of a run on a device.

use super::{Ground, Settings, TrainError, Trainer, batches, examiner};
use crate::data::Dataset;
use crate::nn::Model;
use crate::nn::plans::{Batches, distances, training};
use crate::plan::{Executor, Memory, Plan};

/// What a run is computed by on a device that it fits.
pub(super) struct Plans {
    pub(super) model: Model,
    pub(super) batches: Batches,
    /// A training step, and the memory it takes.
    pub(super) step: Plan,
    pub(super) memory: Memory,
    /// The distances between classes, at the end of an epoch.
    pub(super) distance: Plan,
    /// A batch of test images.
    examination: Plan,
}

impl Plans {
    /// Those of a run with these settings.
    ///
    /// # Errors
    /// When a setting is out of range or a plan does not fit the device.
    pub(super) fn of(executor: &dyn Executor, data: &Dataset, settings: &Settings) -> Result<Self, TrainError> {
        settings.check()?;
        settings.check_ground(&data.classes)?;
        let model = settings.model(data.classes.len())?;
        let [trained, tested] = [&data.train, &data.test].map(|images| [images.len(), images.side]);
        let batches = batches("train", trained, settings.batch, true, executor.limits());
        let batches = Batches { votes: !data.train.votes.is_empty(), ..batches };
        let step = training(&model, &settings.losses, &batches, settings.augmentation);
        let examined = examiner::fitting(executor, &model, &settings.losses, tested, settings.batch);
        let fits = executor.fits(&step).and_then(|memory| Ok((memory, examined.clone()?)));
        let (memory, (_, examination)) = fits.map_err(|misfit| {
            let batch = examined.ok().and_then(|_| fitting(executor, &model, settings, &batches));
            TrainError::TooLarge { misfit, batch }
        })?;
        let distance = distances(&model, &settings.losses, settings.ground != Ground::Learned);
        Ok(Self { model, batches, step, memory, distance, examination })
    }
}

impl Trainer {
    /// Announces the plans of a run to a device that is going to be given to [`Trainer::new`] or [`Trainer::resume`]
    /// ([`Executor::announce`]). Nothing where the run cannot be prepared: these say why.
    pub fn announce(executor: &mut dyn Executor, data: &Dataset, settings: &Settings) {
        if let Ok(Plans { step, distance, examination, .. }) = Plans::of(executor, data, settings) {
            [step, distance, examination].iter().for_each(|plan| executor.announce(plan));
        }
    }
}

/// The largest batch, halving the one asked for, whose plan fits. Evaluation halves its own.
fn fitting(executor: &dyn Executor, model: &Model, settings: &Settings, batches: &Batches) -> Option<usize> {
    let halves = std::iter::successors(Some(batches.batch / 2), |batch| Some(batch / 2));
    halves.take_while(|&batch| batch > 0).find(|&batch| {
        let smaller = Batches { batch, count: batches.samples / batch, ..batches.clone() };
        executor.fits(&training(model, &settings.losses, &smaller, settings.augmentation)).is_ok()
    })
}
