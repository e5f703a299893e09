use super::*;
use crate::plan::Element;

fn gpu() -> (Gpu, PlanHandle) {
    let mut gpu = Gpu::open(&AdapterChoice::Best).unwrap();
    let mut plan = Plan::default();
    let views = ["a", "b"].map(|name| plan.kept(name, Element::F32, 64, Residency::State));
    plan.push(crate::plan::Op::ReluForward(64), &views);
    let handle = gpu.prepare(&plan).unwrap();
    (gpu, handle)
}

#[test]
fn what_the_driver_refuses_outside_of_preparation_is_no_lost_device() {
    let (mut gpu, handle) = gpu();
    gpu.kept.get_mut("a").unwrap().len = 1 << 20;
    let refused = gpu.write("a", 1000, &[0; 64]).unwrap_err();
    let ExecutorError::Refused { what, .. } = &refused else { panic!("{refused:?}") };
    assert_eq!(what, "write into a slot");
    assert!(refused.to_string().starts_with("the graphics driver refused to write into a slot: "), "{refused}");
    assert_eq!(gpu.submit(handle), Err(refused), "what follows cannot be trusted");
}

#[test]
fn a_destroyed_device_is_lost() {
    let (mut gpu, handle) = gpu();
    gpu.submit(handle).unwrap();
    gpu.destroy();
    // The device is gone once what was under way is done; nothing before may be called refused.
    let mut submit = || {
        std::thread::sleep(std::time::Duration::from_millis(1));
        gpu.submit(handle).err()
    };
    let found = (0..10_000).find_map(|_| submit());
    assert!(matches!(found, Some(ExecutorError::Lost(_))), "{found:?}");
    assert!(matches!(gpu.poll(), Err(ExecutorError::Lost(_))));
    assert!(matches!(gpu.write("a", 0, &[0; 4]), Err(ExecutorError::Lost(_))));
}

#[test]
fn scratch_counts_as_memory() {
    let (gpu, _) = gpu();
    let mut plan = Plan::default();
    let op = crate::plan::Op::ConvForward(crate::plan::testing::CONV);
    let lens: Vec<_> = op.operands().iter().map(|operand| (operand.name, operand.len)).collect();
    let views: Vec<_> = lens.iter().map(|(name, len)| plan.kept(name, Element::F32, *len, Residency::State)).collect();
    plan.push(op, &views);
    let slots: usize = lens.iter().map(|(_, len)| len).sum();
    let memory = gpu.fits(&plan).unwrap();
    assert_eq!(memory.bytes(), 4 * (slots + crate::gpu::kernels::PAGE_WORDS) as u64);
}
