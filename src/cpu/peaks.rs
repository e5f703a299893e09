//! What the processor reaches in work made to reach it, on all threads at once.

use super::threads::Threads;
use crate::plan::Peaks;
use pulp::{Arch, Simd, WithSimd};
use std::hint::black_box;
use web_time::Instant;

/// Independent chains of multiply-adds: more than an instruction's latency in steps of its rate.
const CHAINS: usize = 12;
/// Turns of the chains in one measurement, some milliseconds.
const TURNS: usize = 1 << 20;
/// Words that all threads copy together: more than caches keep.
const COPIED: usize = 16 << 20;
/// Measurements, of which the best counts: other work on the machine takes its share of most.
const TIMES: usize = 8;

/// Measures both peaks on all threads.
pub(super) fn peaks(threads: &Threads) -> Peaks {
    let count = threads.count();
    let width = super::tile::lanes(Arch::new());
    let operations = (2 * CHAINS * TURNS * width * count) as f64;
    let seconds = best(threads, &|| {
        black_box(Arch::new().dispatch(MultiplyAdds));
    });
    let share = COPIED / count;
    let bytes = (8 * share * count) as f64;
    let copies: Vec<std::sync::Mutex<[Vec<f32>; 2]>> =
        (0..count).map(|_| std::sync::Mutex::new([vec![1.0; share], vec![0.0; share]])).collect();
    let copying = best(threads, &|| {
        // Every thread has its own pair, and nobody panics with one in his hands.
        if let Ok(mut pair) = copies[rayon::current_thread_index().unwrap_or(0)].lock() {
            let [source, target] = &mut *pair;
            target.copy_from_slice(black_box(source));
        }
    });
    Peaks { gflops: operations / seconds / 1e9, gb_per_s: bytes / copying / 1e9 }
}

/// Best seconds of some work done by every thread at once.
fn best(threads: &Threads, work: &(dyn Fn() + Sync)) -> f64 {
    let once = || {
        let began = Instant::now();
        threads.broadcast(work);
        began.elapsed().as_secs_f64()
    };
    (0..TIMES).map(|_| once()).fold(f64::INFINITY, f64::min)
}

struct MultiplyAdds;

impl WithSimd for MultiplyAdds {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f32 {
        // A factor below 1 and a small summand: the chains stay finite and normal.
        let (factor, summand) = (simd.splat_f32s(black_box(0.999)), simd.splat_f32s(black_box(1e-3)));
        let mut chains = [simd.splat_f32s(1.0); CHAINS];
        for _ in 0..TURNS {
            for chain in &mut chains {
                *chain = simd.mul_add_e_f32s(*chain, factor, summand);
            }
        }
        chains.into_iter().map(|chain| simd.reduce_sum_f32s(chain)).sum()
    }
}
