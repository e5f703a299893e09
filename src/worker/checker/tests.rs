//! Checks in pieces, on the processor, on one that is wrong, and on one that does not open.

use super::*;
use crate::cpu::Cpu;
use crate::device::Opened;
use crate::plan::testing::Wrapped;
use crate::plan::{Executor, ExecutorError};
use crate::worker::OpenDevice;
use std::cell::RefCell;
use std::sync::Arc;

fn own(open: fn() -> Result<Box<dyn Executor>, String>) -> Own {
    let open: OpenDevice = Arc::new(move |_| open().map(|executor| Some(Opened { executor, why: "as asked" })));
    Own::new(open, "cpu")
}

/// A device that writes nothing at all.
fn idle() -> Result<Box<dyn Executor>, String> {
    let cpu = Cpu::open(Some(1));
    let mut lost = 0;
    Ok(Box::new(Wrapped::with_accidents(
        cpu,
        Box::new(move |_| {
            lost += 1;
            if lost > 3 { Err(ExecutorError::Lost("unplugged".to_owned())) } else { Ok(()) }
        }),
    )))
}

/// Checks these kernels; what was told last, and the longest call.
fn run(mut checker: Checker, alone: bool) -> (Agreement, Checker) {
    let told = RefCell::new(None);
    let tell = |message| {
        let Message::Checked(agreement) = message else { panic!("{message:?}") };
        *told.borrow_mut() = Some(*agreement);
    };
    while checker.advance(alone, &tell) != Next::Idle {
        std::thread::sleep(Duration::from_micros(200));
    }
    (told.into_inner().unwrap_or_else(|| panic!("nothing was told")), checker)
}

#[test]
fn a_right_device_agrees_within_the_tolerances() {
    let wanted = ["relu_forward", "linear_forward", "loss_emd"];
    let own = own(|| Ok(Box::new(Cpu::open(Some(1)))));
    let (found, _) = run(Checker::of(own, Check::of(|name| wanted.contains(&name))), true);
    assert!(found.over && found.trouble.is_none() && found.cases[0] == found.cases[1] && found.cases[0] > 10);
    let mut names: Vec<&str> = found.rows.iter().map(|row| row.kernel.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["linear_forward", "loss_emd", "relu_forward"]);
    assert!(found.rows.iter().all(|row| row.failures.is_empty() && row.worst <= row.tolerance), "{found:?}");
    assert!(found.rows.iter().any(|row| row.worst > 0.0), "{found:?}");
    assert!(found.adapter.backend.contains("thread"), "{found:?}");
}

#[test]
fn a_device_that_fails_or_does_not_open_is_said_to() {
    let (found, _) = run(Checker::of(own(idle), Check::new()), true);
    assert!(found.over && found.cases[0] == 3, "{found:?}");
    assert!(found.trouble.unwrap().contains("unplugged"));
    let (found, _) = run(Checker::new(own(|| Err("no such adapter".to_owned()))), true);
    assert_eq!((found.over, found.trouble.as_deref()), (true, Some("no such adapter")));
}

/// Beside a run the check takes its share of the time and no more than the case beyond it that it could not break off.
#[test]
fn beside_a_run_it_keeps_to_its_share() {
    let own = own(|| Ok(Box::new(Cpu::open(Some(1)))));
    let mut checker = Checker::of(own, Check::of(|name| name == "linear_forward"));
    let (began, mut longest) = (Instant::now(), Duration::ZERO);
    let mut spent = Duration::ZERO;
    loop {
        std::thread::sleep(Duration::from_millis(2));
        let called = Instant::now();
        let next = checker.advance(false, &|_| ());
        longest = longest.max(called.elapsed());
        spent += called.elapsed();
        assert!(spent.as_secs_f64() <= SHARE * began.elapsed().as_secs_f64() + 2.0 * longest.as_secs_f64());
        if next == Next::Idle {
            break;
        }
    }
    assert!(spent.as_secs_f64() >= 0.5 * SHARE * began.elapsed().as_secs_f64(), "{spent:?} of {:?}", began.elapsed());
}
