//! The adapter's own peaks, by the two kernels of `peaks.wgsl`.

use super::executor::{Bound, Gpu};
use super::kernels::{GROUP, kernel};
use super::lower::{Dispatch, folded};
use crate::plan::{ExecutorError, Peaks};
use std::time::Instant;

/// Vectors that `multiply_add_chains` ends with, one an invocation: enough for the largest GPUs.
const CHAINS: usize = 1 << 18;
/// Floating-point operations of a turn of one invocation.
const TURN: f64 = 2.0 * 96.0;
/// Vectors of a copy: 64 MiB read and 64 MiB written, more than processors keep in their caches.
const COPIED: usize = 4 << 20;
/// A measurement lasts at least so many seconds, so that what surrounds it does not count.
const LONG_ENOUGH: f64 = 0.03;
/// Measurements, of which the best counts: other work on the machine takes its share of most.
const TIMES: usize = 20;

impl Gpu {
    /// Measures both peaks. Each kernel runs once before it is timed: many drivers compile it only then, and what that takes
    /// would pass for a long measurement.
    pub(super) fn measure_peaks(&mut self) -> Result<Peaks, ExecutorError> {
        Ok(Peaks { gflops: self.multiply_add_peak()?, gb_per_s: self.copy_peak()? })
    }

    /// GFLOP/s of independent multiply-adds.
    fn multiply_add_peak(&mut self) -> Result<f64, ExecutorError> {
        let (source, result) = (self.buffer("bench/source", 12), self.buffer("bench/result", 4 * CHAINS));
        let resources = [(source.clone(), 0, 12), (result, 0, 4 * CHAINS)];
        let [chains, _] = peak_dispatches();
        let bound = self.bind(&chains, &resources);
        self.run_alone(&bound, 1)?;
        let mut turns = 1.0f32;
        loop {
            // A factor below 1 and a small summand: the chains stay finite and normal, however long.
            let words = [[0.999f32; 4], [1e-3; 4], [turns; 4]].concat();
            self.queue.write_buffer(&source, 0, bytemuck::cast_slice(&words));
            if self.best(&bound, 1, 1)? >= LONG_ENOUGH {
                let seconds = self.best(&bound, 1, TIMES)?;
                return Ok(TURN * f64::from(turns) * CHAINS as f64 / seconds / 1e9);
            }
            turns *= 2.0;
        }
    }

    /// GB/s of a copy, read and written.
    fn copy_peak(&mut self) -> Result<f64, ExecutorError> {
        let (source, result) = (self.buffer("bench/source", 4 * COPIED), self.buffer("bench/result", 4 * COPIED));
        let resources = [(source, 0, 4 * COPIED), (result, 0, 4 * COPIED)];
        let [_, copy] = peak_dispatches();
        let bound = self.bind(&copy, &resources);
        self.run_alone(&bound, 1)?;
        let mut copies = 1;
        loop {
            if self.best(&bound, copies, 1)? >= LONG_ENOUGH {
                let seconds = self.best(&bound, copies, TIMES)?;
                return Ok(2.0 * 16.0 * (copies * COPIED) as f64 / seconds / 1e9);
            }
            copies *= 2;
        }
    }

    /// Best seconds, of so many measurements, of `dispatches` of one kernel in one submission.
    fn best(&mut self, bound: &Bound, dispatches: usize, measurements: usize) -> Result<f64, ExecutorError> {
        let mut best = f64::INFINITY;
        for _ in 0..measurements {
            let start = Instant::now();
            self.run_alone(bound, dispatches)?;
            best = best.min(start.elapsed().as_secs_f64());
        }
        Ok(best)
    }
}

/// The two dispatches that peaks are measured by: the only ones that no operation becomes.
#[must_use]
pub fn peak_dispatches() -> [Dispatch; 2] {
    [dispatch("multiply_add_chains", CHAINS), dispatch("copy", COPIED)]
}

/// A kernel of `peaks.wgsl` over so many elements; its two buffers are bound by the caller.
fn dispatch(entry: &str, len: usize) -> Dispatch {
    Dispatch {
        kernel: kernel(entry),
        constants: vec![("LEN", len as f64)],
        grid: folded(len.div_ceil(GROUP)),
        arguments: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::AdapterChoice;
    use super::*;
    use crate::plan::executor::read_now;
    use crate::plan::{Element, Executor, Op, Plan, Residency};

    /// An adapter that keeps `source` and `result` of so many words, and the dispatch of `entry` over them.
    fn bound(entry: &str, words: usize, source: &[f32]) -> (Gpu, Bound) {
        let mut plan = Plan::default();
        let slot = |plan: &mut Plan, name| plan.kept(name, Element::F32, words, Residency::Data);
        let views = [slot(&mut plan, "source"), slot(&mut plan, "result")];
        plan.push(Op::ReluForward(words), &views);
        let mut gpu = Gpu::open(&AdapterChoice::Best).unwrap();
        gpu.prepare(&plan).unwrap();
        gpu.write("source", 0, bytemuck::cast_slice(source)).unwrap();
        gpu.write("result", 0, bytemuck::cast_slice(&vec![f32::NAN; words])).unwrap();
        let resource = |name| (gpu.kept(name).unwrap().buffer.clone(), 0, words);
        let resources = [resource("source"), resource("result")];
        let bound = gpu.bind(&dispatch(entry, words / 4), &resources);
        (gpu, bound)
    }

    fn result(gpu: &mut Gpu) -> Vec<f32> {
        bytemuck::pod_collect_to_vec(&read_now(gpu, "result").unwrap())
    }

    #[test]
    fn the_copy_copies_every_vector() {
        let source: Vec<f32> = (0..4 * 67).map(|word| word as f32).collect();
        let (mut gpu, bound) = bound("copy", source.len(), &source);
        gpu.run_alone(&bound, 1).unwrap();
        assert_eq!(result(&mut gpu), source);
    }

    #[test]
    fn the_chains_do_the_multiply_adds_that_are_counted() {
        let (factor, summand, turns, words) = (0.9f64, 0.5, 3, 4 * 66);
        let mut source = [[factor as f32; 4], [summand as f32; 4], [turns as f32; 4]].concat();
        source.resize(words, 0.0);
        let (mut gpu, bound) = bound("multiply_add_chains", words, &source);
        gpu.run_alone(&bound, 1).unwrap();
        let chain = |start: f64| (0..8 * turns).fold(start, |x, _| x * factor + summand);
        for (element, vector) in result(&mut gpu).chunks(4).enumerate() {
            let starts = [0.0, summand, 2.0 * summand].map(|more| element as f64 + more);
            let want: f64 = starts.into_iter().map(chain).sum();
            assert!(vector.iter().all(|got| (f64::from(*got) - want).abs() <= 1e-4), "{element}: {vector:?}, {want}");
        }
    }

    #[test]
    fn peaks_are_those_of_a_machine() {
        let mut gpu = Gpu::open(&AdapterChoice::Best).unwrap();
        let peaks = gpu.peaks().unwrap().unwrap();
        println!("{peaks:?}");
        for peak in [peaks.gflops, peaks.gb_per_s] {
            assert!(peak > 0.05 && peak < 1e6, "{peaks:?}");
        }
        assert_eq!(gpu.usage().submissions, 0, "only replays count");
    }
}
