//! What the whole-program tests share: all executors behind one trait, and comparisons.

use backhoe::cpu::Cpu;
use backhoe::gpu::{AdapterChoice, Gpu};
use backhoe::plan::Executor;
use backhoe::plan::executor::read_now;
use backhoe::reference::Interpreter;

/// An executor whose kept slots can be filled and read as numbers, each in the precision it has.
pub trait Device: Executor {
    /// Fills a kept slot of floating point.
    fn put(&mut self, slot: &str, values: &[f64]);

    /// The content of a kept slot of floating point.
    fn take(&mut self, slot: &str) -> Vec<f64>;

    /// Fills a kept slot of integers.
    fn put_words(&mut self, slot: &str, words: &[u32]) {
        self.write(slot, 0, bytemuck::cast_slice(words)).unwrap();
    }
}

impl Device for Interpreter {
    fn put(&mut self, slot: &str, values: &[f64]) {
        self.set(slot, values.to_vec());
    }

    fn take(&mut self, slot: &str) -> Vec<f64> {
        self.get(slot).to_vec()
    }
}

/// Those that compute in 32 bits.
macro_rules! narrow {
    ($($executor:ty),+) => { $(impl Device for $executor {
        fn put(&mut self, slot: &str, values: &[f64]) {
            let narrow: Vec<f32> = values.iter().map(|value| *value as f32).collect();
            self.write(slot, 0, bytemuck::cast_slice(&narrow)).unwrap();
        }

        fn take(&mut self, slot: &str) -> Vec<f64> {
            let values: Vec<f32> = bytemuck::pod_collect_to_vec(&read_now(self, slot).unwrap());
            values.into_iter().map(f64::from).collect()
        }
    })+ };
}

narrow!(Gpu, Cpu);

/// What everything has to run on: the adapter and the processor.
pub fn devices() -> [Box<dyn Device>; 2] {
    [Box::new(gpu()), Box::new(cpu(3))]
}

/// The processor with so many threads.
pub fn cpu(threads: usize) -> Cpu {
    Cpu::open(Some(threads))
}

/// The best adapter of this machine. There has to be one: a software driver will do.
pub fn gpu() -> Gpu {
    Gpu::open(&AdapterChoice::Best).unwrap_or_else(|error| panic!("these tests need an adapter: {error}"))
}

/// The largest entry by its absolute value.
pub fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |largest, value| value.abs().max(largest))
}

/// All of a tensor, relative to its largest entry.
#[allow(dead_code, reason = "some programs that share this have a bound of their own")]
#[track_caller]
pub fn assert_close(what: &str, got: &[f64], want: &[f64], tolerance: f64) {
    assert_within(what, got, want, tolerance * largest(want));
}

/// All of a tensor, every entry within `bound`. What is not a number is within nothing.
#[track_caller]
pub fn assert_within(what: &str, got: &[f64], want: &[f64], bound: f64) {
    assert_eq!(got.len(), want.len(), "length of {what}");
    for (at, (got, want)) in got.iter().zip(want).enumerate() {
        let error = (got - want).abs();
        assert!(error <= bound, "{what}[{at}]: got {got:e}, want {want:e}, off by {error:e}, at most {bound:e}");
    }
}
