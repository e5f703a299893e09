//! Every kernel on the adapter that is found, against the f64 reference.

use backhoe::check::{self, Check};
use backhoe::gpu::{AdapterChoice, Gpu, Loads};

/// Rows of the kernels that are wanted, without failures.
fn checked(loads: Loads, wanted: impl Fn(&str) -> bool) -> usize {
    let mut gpu = Gpu::open(&AdapterChoice::Best).expect("an adapter; scripts/setup installs one");
    gpu.set_loads(loads);
    let rows = check::finish(Check::of(wanted), &mut gpu, &mut |_| ()).unwrap();
    let failures: Vec<&String> = rows.iter().flat_map(|row| &row.failures).collect();
    assert!(failures.is_empty(), "{failures:#?}");
    rows.iter().map(|row| row.cases).sum()
}

#[test]
fn every_kernel_agrees_with_the_reference() {
    assert!(checked(Loads::Pages, |_| true) > 500);
}

fn has_ways(kernel: &str) -> bool {
    kernel.starts_with("conv") || kernel.starts_with("linear")
}

#[test]
fn kernels_that_read_storage_where_others_read_pages_agree_too() {
    assert!(checked(Loads::Storage, has_ways) > 100);
}

#[test]
fn kernels_by_tiles_in_workgroup_memory_agree_too() {
    assert!(checked(Loads::Tiles, has_ways) > 100);
}

#[test]
fn kernels_by_larger_tiles_than_the_rule_says_agree_too() {
    assert!(checked(Loads::LargeTiles, has_ways) > 100);
}
