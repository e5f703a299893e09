//! Which device runs: the processor without any driver, an adapter by its index, and one run on both.

use super::program::{TINY, backhoe};
use super::runs::{Asked, assert_whole};
use backhoe::plan::AdapterKind;
use backhoe::train::run::RunFolder;
use std::path::Path;

/// Hides every Vulkan driver.
#[cfg(target_os = "linux")]
const NO_DRIVER: &str = "export VK_DRIVER_FILES=/dev/null VK_ICD_FILENAMES=/dev/null";

#[cfg(target_os = "linux")]
#[test]
fn without_a_driver_the_processor_trains() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let call = backhoe("train --epochs 1 --loss emd").words(TINY).words("--out").arg(&run);
    let ran = call.under_shell(NO_DRIVER).run().succeeded();
    assert!(ran.stdout.starts_with("on ") && ran.stdout.contains("(no GPU was found)"), "{ran:#?}");
    let ran = backhoe("devices").under_shell(NO_DRIVER).run().succeeded();
    assert!(ran.stdout.starts_with("cpu: ") && ran.stdout.contains("none is needed"), "{ran:#?}");
    backhoe("check --device gpu").under_shell(NO_DRIVER).run().refused(&["no GPU", "--device cpu"]);
    backhoe("check --device llvmpipe").under_shell(NO_DRIVER).run().refused(&["no graphics adapter", "--device cpu"]);
}

fn train(device: &str, run: &Path) {
    backhoe("train --quiet --epochs 1 --jump-start 1 --loss emd,xemd2 --device")
        .words(device)
        .words(TINY)
        .words("--out")
        .arg(run)
        .run()
        .succeeded();
}

/// The adapter of index 0 may be a software driver: it is asked for.
#[test]
fn a_run_begun_on_one_device_goes_on_on_another() {
    for [first, then] in [["0", "cpu"], ["cpu", "0"]] {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("run");
        train(first, &run);
        backhoe("train --quiet --epochs 2 --device").words(then).words("--resume").arg(&run).run().succeeded();
        assert_whole(&run, &Asked { losses: &["emd", "xemd2"], epochs: 2, classes: 8, test_images: 24 });
        let sittings = RunFolder { path: run }.read_record().unwrap().sittings;
        let on_processor = sittings.iter().map(|sitting| sitting.adapter.kind == AdapterKind::Processor);
        assert_eq!(on_processor.collect::<Vec<_>>(), [first == "cpu", then == "cpu"]);
    }
}

#[test]
fn any_number_of_threads_writes_the_same_weights() {
    let folder = tempfile::tempdir().unwrap();
    let weights = ["1", "3"].map(|threads| {
        let run = folder.path().join(threads);
        train(&format!("cpu --threads {threads}"), &run);
        std::fs::read(run.join("weights-xemd2.safetensors")).unwrap()
    });
    assert!(weights[0] == weights[1]);
    backhoe("check --threads 0").run().misunderstood(&["0", "--threads"]);
}
