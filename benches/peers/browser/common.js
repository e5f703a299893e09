// What the peers in a browser share: the workloads, their data and the clock.
export const [BATCH, SIDE, CLASSES, SAMPLES] = [64, 32, 8, 256];
// With the other peers' 0.01 and momentum these images of noise drive the loss up, and its last value would show nothing.
export const RATE = 0.0003;
export const WORKLOADS = { R1: [[16, 32, 64], 128], R2: [[32, 64, 128], 256] };

const query = new URLSearchParams(location.search);
export const asked = { workload: query.get("workload"), backend: query.get("backend"), seconds: Number(query.get("seconds")) };
// Steps after which the device is waited for; on a software driver one of these libraries takes seconds for one.
const BURST = asked.backend === "webgpu" ? 2 : 10;

// Bytes of images, labels, and an order of the samples; the same each time.
export function samples() {
    let state = 1;
    const below = (n) => Math.floor(((state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32) * n);
    const pixels = Uint8Array.from({ length: SAMPLES * SIDE * SIDE * 3 }, () => below(256));
    const labels = Array.from({ length: SAMPLES }, () => below(CLASSES));
    const order = Array.from({ length: SAMPLES }, (_, i) => i);
    for (let i = SAMPLES - 1; i > 0; i--) {
        const j = below(i + 1);
        [order[i], order[j]] = [order[j], order[i]];
    }
    return { pixels, labels, order };
}

// Images a second by the median of bursts of steps, of which the last one's loss is `read`; what that is goes to whoever serves.
export async function measured(adapter, step, read) {
    const losses = [], times = [];
    const burst = async () => {
        let last;
        for (let i = 0; i < BURST; i++) {
            if (last) last.dispose();
            last = step();
        }
        losses.push(await read(last));
    };
    const began = performance.now();
    await burst();
    const warm = performance.now();
    while (performance.now() - warm < 1000 * asked.seconds) {
        const start = performance.now();
        await burst();
        times.push(performance.now() - start);
    }
    times.sort((a, b) => a - b);
    const rate = (1000 * BURST * BATCH) / times[times.length >> 1];
    const result = { workload: asked.workload, adapter, train_images_per_s: rate, bursts: times.length };
    Object.assign(result, { first_burst_s: (warm - began) / 1000, loss: [losses[0], losses.at(-1)] });
    await fetch("/said", { method: "POST", body: JSON.stringify(result) });
}
