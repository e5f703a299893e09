// The training step of R1 and R2 in TensorFlow.js, on its WebAssembly or its WebGPU backend. Loaded as a script after tf-core and the
// backend by the page that `cargo bench --bench page` serves; what it measures goes back there.
import { WORKLOADS, BATCH, SIDE, CLASSES, SAMPLES, RATE, asked, samples, measured } from "./common.js";

const { workload, backend } = asked;
if (backend === "wasm") tf.wasm.setWasmPaths("/packages/@tensorflow/tfjs-backend-wasm/dist/");
await tf.setBackend(backend);
await tf.ready();

// The WebAssembly backend has no gradient of a convolution by its weight. As one product of shifted images it runs in XNNPACK, and
// faster than as a convolution of images by gradients; so do products of what was turned before, where `transposeA` does not.
function byWeight(x, dy) {
    const [n, h, w, c] = x.shape, k = dy.shape[3];
    const padded = tf.pad(tf.transpose(x, [3, 0, 1, 2]), [[0, 0], [0, 0], [1, 1], [1, 1]]);
    const shifted = (i, j) => tf.reshape(tf.slice(padded, [0, 0, i, j], [c, n, h, w]), [c, n * h * w]);
    const rows = [0, 1, 2].flatMap((i) => [0, 1, 2].map((j) => shifted(i, j)));
    return tf.reshape(tf.matMul(tf.concat(rows, 0), tf.reshape(dy, [n * h * w, k])), [3, 3, c, k]);
}

function convolution(x, w, isFirst) {
    if (backend !== "wasm") return tf.conv2d(x, w, 1, "same");
    if (isFirst) {
        return tf.customGrad((w, save) => (save([x]), { value: tf.conv2d(x, w, 1, "same"), gradFunc: (dy, [x]) => [byWeight(x, dy)] }))(w);
    }
    return tf.customGrad((x, w, save) => {
        save([x, w]);
        const gradFunc = (dy, [x, w]) => [tf.conv2dTranspose(dy, w, x.shape, 1, "same"), byWeight(x, dy)];
        return { value: tf.conv2d(x, w, 1, "same"), gradFunc };
    })(x, w);
}

function product(x, w) {
    if (backend !== "wasm") return tf.matMul(x, w);
    return tf.customGrad((x, w, save) => {
        save([x, w]);
        const gradFunc = (dy, [x, w]) => [tf.matMul(dy, tf.transpose(w)), tf.matMul(tf.transpose(x), dy)];
        return { value: tf.matMul(x, w), gradFunc };
    })(x, w);
}

const [channels, hidden] = WORKLOADS[workload];
const normal = (shape, inputs) => tf.variable(tf.randomNormal(shape, 0, Math.sqrt(2 / inputs), "float32", 1));
const zeros = (length) => tf.variable(tf.zeros([length]));
const convolutions = channels.map((outputs, i) => {
    const inputs = i ? channels[i - 1] : 3;
    return [normal([3, 3, inputs, outputs], 9 * inputs), zeros(outputs)];
});
const features = channels.at(-1) * (SIDE >> channels.length) ** 2;
const layers = [[features, hidden], [hidden, CLASSES]].map(([inputs, outputs]) => [normal([inputs, outputs], inputs), zeros(outputs)]);

function logits(images) {
    let x = images;
    convolutions.forEach(([w, b], i) => (x = tf.maxPool(tf.relu(tf.add(convolution(x, w, i === 0), b)), 2, 2, "valid")));
    x = tf.reshape(x, [BATCH, features]);
    x = tf.relu(tf.add(product(x, layers[0][0]), layers[0][1]));
    return tf.add(product(x, layers[1][0]), layers[1][1]);
}

const optimiser = tf.train.momentum(RATE, 0.9);
const { pixels, labels, order } = samples();
const stored = tf.tensor4d(Float32Array.from(pixels), [SAMPLES, SIDE, SIDE, 3]);
const cumulated = tf.tensor2d(Array.from({ length: CLASSES }, (_, label) => Array.from({ length: CLASSES }, (_, i) => +(i >= label))));
let at = 0;

function step() {
    const rows = order.slice(at, at + BATCH);
    at = (at + BATCH) % SAMPLES;
    return tf.tidy(() => {
        const images = tf.sub(tf.div(tf.gather(stored, tf.tensor1d(rows, "int32")), 127.5), 1);
        const wanted = tf.gather(cumulated, tf.tensor1d(rows.map((row) => labels[row]), "int32"));
        const { value, grads } = tf.variableGrads(() => {
            const predicted = tf.cumsum(tf.softmax(logits(images)), 1);
            return tf.div(tf.sum(tf.square(tf.sub(predicted, wanted))), BATCH);
        });
        for (const v of [...convolutions, ...layers].flat()) grads[v.name] = tf.add(grads[v.name], tf.mul(v, 5e-4));
        optimiser.applyGradients(grads);
        return value;
    });
}

const threads = backend === "wasm" ? `, ${crossOriginIsolated ? tf.wasm.getThreadsCount() : 1} threads` : "";
await measured(`TensorFlow.js ${tf.version_core}, ${backend}${threads}`, step, async (loss) => {
    const [value] = await loss.data();
    loss.dispose();
    return value;
});
