//! The processor's executor: every task against the oracle, on one thread, so that parts come in order, and on more
//! threads than this machine may have; and what it may take while it runs.

use backhoe::check::{check, table};
use backhoe::cpu::Cpu;
use backhoe::nn::plans::{Batches, training};
use backhoe::nn::{Loss, zoo};
use backhoe::plan::{Augmentation, Executor, Memory, Plan};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts allocations.
struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);
/// Bytes that are allocated and not given back; it may wrap around.
static BYTES: AtomicUsize = AtomicUsize::new(0);

// SAFETY: the system's allocator does the work.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        BYTES.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promises are handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        BYTES.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promises are handed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, words: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        BYTES.fetch_add(size.wrapping_sub(layout.size()), Ordering::Relaxed);
        // SAFETY: the caller's promises are handed on.
        unsafe { System.realloc(words, layout, size) }
    }

    unsafe fn dealloc(&self, words: *mut u8, layout: Layout) {
        BYTES.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promises are handed on.
        unsafe { System.dealloc(words, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// One test, since allocations are counted for the whole process.
#[test]
fn every_task_agrees_with_the_oracle_within_its_means() {
    for threads in [1, 3] {
        let rows = check(&mut Cpu::open(Some(threads)), &mut |_| {}).unwrap();
        assert!(rows.iter().all(|row| row.failures.is_empty()), "{threads} threads\n{}", table(&rows));
        assert!(rows.len() >= 36, "{}", table(&rows));
    }
    for (batch, threads) in [(64, 1), (64, 2), (1, 3)] {
        the_memory_that_it_says_is_what_it_takes(batch, threads);
    }
    a_step_takes_no_more_memory_than_the_plan_by_a_third_and_allocates_nothing();
}

/// R1, a race of three.
fn r1(batch: usize) -> Plan {
    let model = zoo::plain(32, &[16, 32, 64], 128, 8).unwrap();
    let batches = Batches {
        split: "train",
        batch,
        samples: 10 * batch,
        count: 10,
        stored_side: 36,
        resident: true,
        votes: false,
    };
    let on = Augmentation { crop: true, flip: true, rotation: true, aspect: true, colour: true };
    training(&model, &[Loss::Xe, Loss::Emd, Loss::Xemd2], &batches, on)
}

/// Packed weights, partial sums and what each thread has for itself included; by its own count, and by what is allocated,
/// which is more by the tasks themselves.
fn the_memory_that_it_says_is_what_it_takes(batch: usize, threads: usize) {
    const TASKS: usize = 1 << 20;
    let plan = r1(batch);
    let mut cpu = Cpu::open(Some(threads));
    let memory = cpu.fits(&plan).unwrap();
    assert!(memory.scratch_words > 0);
    let said = memory.bytes() as usize;
    let before = BYTES.load(Ordering::Relaxed);
    cpu.prepare(&plan).unwrap();
    let taken = BYTES.load(Ordering::Relaxed).wrapping_sub(before);
    assert_eq!(cpu.usage().allocated_bytes as usize, said);
    assert!(taken >= said && taken <= said + TASKS, "{batch} images, {threads} threads: {said} said, {taken} taken");
}

/// R1: what the executor takes beside the plan's own figure, and in twenty steps.
fn a_step_takes_no_more_memory_than_the_plan_by_a_third_and_allocates_nothing() {
    const STEPS: usize = 20;
    let plan = r1(64);
    let mut cpu = Cpu::open(Some(2));
    let handle = cpu.prepare(&plan).unwrap();
    let (taken, figure) = (cpu.usage().allocated_bytes as f64, Memory::of(&plan).bytes() as f64);
    assert!(taken <= 1.3 * figure, "{taken} bytes, {} times the plan's", taken / figure);
    cpu.submit(handle).unwrap();
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    for _ in 0..STEPS {
        // From the epoch's first batch each time.
        cpu.write("train/clock", 0, &[0; 16]).unwrap();
        cpu.submit(handle).unwrap();
    }
    let allocations = ALLOCATIONS.load(Ordering::Relaxed) - before;
    // The pool's queue of work from outside takes a block now and then.
    assert!(allocations <= STEPS / 5, "{allocations} allocations in {STEPS} steps");
}
