//! Every kernel on the adapter that is found, against the f64 reference.

use backhoe::check;
use backhoe::gpu::{AdapterChoice, Gpu};

#[test]
fn every_kernel_agrees_with_the_reference() {
    let mut gpu = Gpu::open(&AdapterChoice::Best).expect("an adapter; scripts/setup installs one");
    let rows = check::check(&mut gpu, &mut |_| ()).unwrap();
    let failures: Vec<&String> = rows.iter().flat_map(|row| &row.failures).collect();
    assert!(failures.is_empty(), "{failures:#?}");
    assert!(rows.iter().map(|row| row.cases).sum::<usize>() > 500);
}
