"""The workloads R1 and R2 of `backhoe bench` in PyTorch, on the processor or, with `--device cuda`, on a GPU.

A step is: 64 images of 3x32x32 bytes, gathered by index from memory and made floats in -1..1 (with
--augment also cropped out of 36x36 and flipped at random), forward, softmax and squared earth
mover's distance, backward, SGD with momentum 0.9 and weight decay 5e-4. Prints one JSON object with
the keys of `backhoe bench --json` that both have.
"""

import argparse
import json
import statistics
import time

import torch
from torch import nn

BATCH, SIDE, STORED, CLASSES, SAMPLES, BURST = 64, 32, 36, 8, 256, 10
WORKLOADS = {"R1": ((16, 32, 64), 128), "R2": ((32, 64, 128), 256)}


def network(workload):
    channels, hidden = WORKLOADS[workload]
    layers, inputs = [], 3
    for outputs in channels:
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        inputs = outputs
    side = SIDE // 2 ** len(channels)
    layers += [nn.Flatten(), nn.Linear(inputs * side * side, hidden), nn.ReLU(), nn.Linear(hidden, CLASSES)]
    return nn.Sequential(*layers)


def squared_emd(logits, labels):
    predicted = torch.softmax(logits, 1).cumsum(1)
    wanted = (torch.arange(CLASSES, device=labels.device) >= labels[:, None]).float()
    return (predicted - wanted).square().sum(1).mean()


def batch(pixels, chosen, augment):
    images = pixels[chosen]
    if augment:
        # One draw a sample, as the shader does; crops by a gather over rows and columns.
        at = torch.randint(0, STORED - SIDE + 1, (2, BATCH, 1))
        span = torch.arange(SIDE)
        flipped = torch.rand(BATCH, 1) < 0.5
        rows = at[0] + span
        columns = at[1] + torch.where(flipped, SIDE - 1 - span, span)
        sample = torch.arange(BATCH)[:, None, None, None]
        channel = torch.arange(3)[None, :, None, None]
        images = images[sample, channel, rows[:, None, :, None], columns[:, None, None, :]]
    return images.float() / 127.5 - 1.0


def median_rate(step, seconds):
    """By the median of bursts of steps. What the last step gave is read, so that a GPU is waited for then, and not after every step."""

    def burst():
        for _ in range(BURST):
            last = step()
        last.sum().item()

    burst()
    times, began = [], time.perf_counter()
    while time.perf_counter() - began < seconds:
        start = time.perf_counter()
        burst()
        times.append(time.perf_counter() - start)
    return BURST * BATCH / statistics.median(times)


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--workload", choices=WORKLOADS, default="R1")
    arguments.add_argument("--seconds", type=float, default=5.0)
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--device", default="cpu", help="PyTorch's name of the device")
    arguments.add_argument("--augment", action="store_true", help="random crop and flip")
    arguments.add_argument("--channels-last", action="store_true", help="PyTorch's other memory format")
    arguments.add_argument("--compile", action="store_true", help="torch.compile (needs a C++ compiler)")
    chosen = arguments.parse_args()
    torch.set_num_threads(chosen.threads)
    torch.manual_seed(1)
    torch.set_default_device(chosen.device)
    layout = torch.channels_last if chosen.channels_last else torch.contiguous_format
    model = network(chosen.workload).to(memory_format=layout)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)
    side = STORED if chosen.augment else SIDE
    pixels = torch.randint(0, 256, (SAMPLES, 3, side, side), dtype=torch.uint8)
    labels = torch.randint(0, CLASSES, (SAMPLES,))
    run = torch.compile(model) if chosen.compile else model
    loss_of = torch.compile(squared_emd) if chosen.compile else squared_emd
    order, at = torch.randperm(SAMPLES), 0

    def gather():
        nonlocal at
        rows = order[at : at + BATCH]
        at = (at + BATCH) % SAMPLES
        return batch(pixels, rows, chosen.augment).contiguous(memory_format=layout), labels[rows]

    def train():
        images, targets = gather()
        optimiser.zero_grad()
        loss = loss_of(run(images), targets)
        loss.backward()
        optimiser.step()
        return loss.detach()

    def infer():
        with torch.no_grad():
            images, _ = gather()
            # As backhoe evaluates: each image and its mirror image.
            return torch.softmax(run(torch.cat([images, images.flip(3)])), 1)

    measured = {
        "workload": chosen.workload,
        "adapter": f"PyTorch {torch.__version__}, {chosen.device}, {chosen.threads} threads",
        "augment": chosen.augment,
        "channels_last": chosen.channels_last,
        "compile": chosen.compile,
        "train_images_per_s": median_rate(train, chosen.seconds),
        "infer_images_per_s": median_rate(infer, chosen.seconds / 2),
    }
    print(json.dumps(measured))


if __name__ == "__main__":
    main()
