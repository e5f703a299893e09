// The training step of R1 and R2 in jax-js through WebGPU, compiled by `jit`. Arrays are given away with each use but that of `ref`.
import { init, defaultDevice, jit, lax, nn, numpy as np, random, valueAndGrad } from "/packages/@jax-js/jax/dist/index.js";
import { WORKLOADS, BATCH, SIDE, CLASSES, SAMPLES, RATE, asked, samples, measured } from "./common.js";

const { workload, backend } = asked;
await init(backend);
defaultDevice(backend);

const [channels, hidden] = WORKLOADS[workload];
const features = channels.at(-1) * (SIDE >> channels.length) ** 2;
const shapes = channels.map((outputs, i) => [outputs, i ? channels[i - 1] : 3, 3, 3]).concat([[features, hidden], [hidden, CLASSES]]);
const key = (i) => random.key(i + 1);
const deviation = (shape) => Math.sqrt(2 / (shape.length === 4 ? 9 * shape[1] : shape[0]));
const bias = (shape) => np.zeros(shape.length === 4 ? [1, shape[0], 1, 1] : [shape[1]]);
let weights = shapes.flatMap((shape, i) => [random.normal(key(i), shape).mul(deviation(shape)), bias(shape)]);
let momenta = weights.map((weight) => np.zeros(weight.shape));

function logits(weights, images) {
    let x = images, at = 0;
    const next = () => weights[at++];
    for (const _ of channels) {
        x = nn.relu(lax.convGeneralDilated(x, next(), [1, 1], "SAME").add(next()));
        x = lax.reduceWindow(x, np.max, [2, 2], [2, 2]);
    }
    x = nn.relu(np.matmul(x.reshape([BATCH, features]), next()).add(next()));
    return np.matmul(x, next()).add(next());
}

function loss(weights, images, wanted) {
    const off = np.cumsum(nn.softmax(logits(weights, images), -1), 1).sub(wanted);
    return np.square(off).sum().div(BATCH);
}

const train = jit((weights, momenta, stored, cumulated, rows, labels) => {
    const images = np.take(stored, rows, 0).div(127.5).sub(1);
    const wanted = np.take(cumulated, labels, 0);
    const [value, gradients] = valueAndGrad(loss)(weights.map((weight) => weight.ref), images, wanted);
    const faster = momenta.map((v, i) => v.mul(0.9).add(gradients[i]).add(weights[i].ref.mul(5e-4)));
    return [weights.map((weight, i) => weight.sub(faster[i].ref.mul(RATE))), faster, value];
});

const { pixels, labels, order } = samples();
const stored = np.array(Float32Array.from(pixels)).reshape([SAMPLES, 3, SIDE, SIDE]);
const cumulated = np.array(Array.from({ length: CLASSES }, (_, label) => Array.from({ length: CLASSES }, (_, i) => +(i >= label))));
let at = 0;

function step() {
    const rows = order.slice(at, at + BATCH);
    at = (at + BATCH) % SAMPLES;
    const integers = (values) => np.array(Int32Array.from(values), { dtype: np.int32 });
    let value;
    [weights, momenta, value] = train(weights, momenta, stored.ref, cumulated.ref, integers(rows), integers(rows.map((row) => labels[row])));
    return value;
}

await measured(`jax-js, ${backend}`, step, async (loss) => (await loss.data())[0]);
