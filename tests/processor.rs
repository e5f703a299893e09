//! The processor's executor: every task against the oracle, and equal bits whatever the threads.

use backhoe::check::{check, table};
use backhoe::cpu::Cpu;

/// On one thread, so that parts come in order, and on more threads than this machine may have.
#[test]
fn every_task_agrees_with_the_oracle() {
    for threads in [1, 3] {
        let rows = check(&mut Cpu::open(Some(threads)), &mut |_| {}).unwrap();
        assert!(rows.iter().all(|row| row.failures.is_empty()), "{threads} threads\n{}", table(&rows));
        assert!(rows.len() >= 36, "{}", table(&rows));
    }
}
