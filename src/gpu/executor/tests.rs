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

/// A convolution of random images and the pooling of its ReLU, with what passes between them kept or not.
fn pooled(passed: Residency) -> Plan {
    let conv = crate::plan::Conv { in_height: 8, in_width: 16, batch: 3, bias: true, ..crate::plan::testing::CONV };
    let pool = crate::plan::Pool {
        planes: conv.batch * conv.out_channels,
        in_height: 8,
        in_width: 16,
        window_height: 2,
        window_width: 2,
        stride: 2,
        padding: 0,
    };
    let mut plan = Plan::default();
    let op = crate::plan::Op::ConvForward(conv);
    let mut lens: Vec<_> = op.operands().iter().map(|operand| (operand.name, operand.len)).collect();
    lens.pop();
    let mut views: Vec<_> =
        lens.iter().map(|(name, len)| plan.kept(name, Element::F32, *len, Residency::State)).collect();
    views.push(match passed {
        Residency::Transient => plan.transient("passed", Element::F32, conv.output_len()),
        kept => plan.kept("passed", Element::F32, conv.output_len(), kept),
    });
    plan.push(op, &views);
    let results = [("maxima", Element::F32), ("places", Element::U32)]
        .map(|(name, element)| plan.kept(&format!("{name}/{passed:?}"), element, pool.output_len(), Residency::State));
    plan.push(crate::plan::Op::MaxPoolReluForward(pool), &[views[views.len() - 1], results[0], results[1]]);
    plan
}

#[test]
fn what_is_done_together_has_the_bits_of_what_is_done_apart() {
    for loads in [Loads::Pages, Loads::Storage] {
        let mut gpu = Gpu::open(&AdapterChoice::Best).unwrap();
        gpu.set_loads(loads);
        let [together, apart] = [Residency::Transient, Residency::Data].map(|passed| {
            let plan = pooled(passed);
            let handle = gpu.prepare(&plan).unwrap();
            for slot in plan.slots.iter().filter(|slot| slot.residency == Residency::State).take(3) {
                let draw = |at| crate::plan::random::unit(crate::plan::random::draw(7, 0, slot.len as u32, at)[0]);
                let words: Vec<f32> = (0..slot.len as u32).map(|at| draw(at) - 0.5).collect();
                gpu.write(&slot.name, 0, bytemuck::cast_slice(&words)).unwrap();
            }
            gpu.submit(handle).unwrap();
            let read = |what| crate::plan::executor::read_now(&mut gpu, &format!("{what}/{passed:?}")).unwrap();
            (lower::works(&plan, |_| loads).len(), ["maxima", "places"].map(read))
        });
        assert_eq!((together.0, apart.0), (1, 2));
        assert!(together.1 == apart.1, "{loads:?}");
    }
}
