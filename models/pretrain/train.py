"""Trains the student on the pool that teacher.py fills, also while it is being filled.

Data-parallel over single-threaded processes (--workers) that add up their gradients in shared memory: on a machine that is
shared with others this wastes far less than one process with as many threads. One cycle, fitted either to a number of samples (--samples) or to a time of day (--until, seconds since 1970). Writes
`checkpoint.pt` every two minutes; started again with the same --run it goes on from there.
"""

import argparse
import json
import math
import multiprocessing
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.multiprocessing
from torch.nn import functional as F

from student import Student

AVERAGING = 0.995  # of the weights, every fourth step


def main():
    options = parse()
    options.run.mkdir(parents=True, exist_ok=True)
    size = sum(p.numel() for p in Student().parameters())
    shared = Shared(
        gradients=torch.zeros(options.workers, size).share_memory_(),
        losses=torch.zeros(options.workers).share_memory_(),
        plan=torch.zeros(2, dtype=torch.float64).share_memory_(),
        barrier=multiprocessing.get_context("spawn").Barrier(options.workers),
    )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # which ends the workers too: they are daemons
    torch.multiprocessing.spawn(work, (options, shared), options.workers, daemon=True)


def work(rank, options, shared):
    """One worker. They start equal and stay equal; worker 0 sets the pace, reports and saves."""
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    state = State(options)
    pool = Pool(options.pool)
    while True:
        if rank == 0:
            wait_while_paused(options)
            pool.refresh()
            shared.plan.copy_(torch.tensor([state.progress, len(pool.features)]))
        shared.barrier.wait()
        state.progress = float(shared.plan[0])
        if state.progress >= 1:
            break
        pool.refresh(int(shared.plan[1]))
        step(options, state, pool, rank, shared)
        if rank == 0:
            state.advance(float(shared.losses.mean()))
        else:
            state.step += 1
    if rank == 0:
        state.report()
        state.save()


def wait_while_paused(options):
    while options.pause and options.pause.exists():
        time.sleep(1)


@dataclass
class Shared:
    """Memory that all workers see: gradients [workers, parameters], losses, and worker 0's plan (progress, shards)."""

    gradients: torch.Tensor
    losses: torch.Tensor
    plan: torch.Tensor
    barrier: object


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pool", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True, help="folder for checkpoints")
    parser.add_argument("--samples", type=int, default=600_000, help="length of the cycle")
    parser.add_argument("--until", type=float, help="end of the cycle as a time, instead of --samples")
    parser.add_argument("--batch", type=int, default=32, help="per worker")
    parser.add_argument("--rate", type=float, default=3e-3, help="highest learning rate")
    parser.add_argument("--small", type=float, default=0.35, help="share of the cycle at 96 px, before 128 px")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--pause", type=Path, help="sleep while this file exists")
    return parser.parse_args()


class Pool:
    """The pairs on disk. Targets are standardised by the first shard's mean and deviation per feature."""

    def __init__(self, folder):
        self.folder, self.images, self.features, self.looked = folder, [], [], 0
        self.mean = self.deviation = None

    def refresh(self, wanted=2):
        """Opens new shards, every ten seconds or until there are as many as wanted."""
        while time.time() - self.looked > 10 or len(self.features) < wanted:
            self.looked = time.time()
            for path in sorted(self.folder.glob("*.features.npy"))[len(self.features) :]:
                self.features.append(np.load(path, mmap_mode="r"))
                self.images.append(np.load(str(path).replace("features", "images"), mmap_mode="r"))
            if len(self.features) < wanted:
                time.sleep(2)
        if self.mean is None:
            first = self.features[0].astype(np.float32)
            self.mean, self.deviation = first.mean(0), first.std(0) + 1e-3

    def batch(self, rng, count, available):
        """Returns images float [n, 3, 128, 128] in [-1, 1], channels last, and targets float [n, 1280]."""
        shards = rng.integers(available, size=count)
        rows = rng.integers(len(self.features[0]), size=count)
        images = np.stack([self.images[s][r] for s, r in zip(shards, rows)])
        targets = np.stack([self.features[s][r] for s, r in zip(shards, rows)]).astype(np.float32)
        pixels = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1
        return pixels, torch.from_numpy((targets - self.mean) / self.deviation)


class State:
    """Student, its average, optimiser and where the cycle stands."""

    def __init__(self, options):
        self.options = options
        self.student = Student().to(memory_format=torch.channels_last)
        self.average = Student().to(memory_format=torch.channels_last).eval()
        self.average.load_state_dict(self.student.state_dict())
        decayed = [p for p in self.student.parameters() if p.ndim > 1]
        others = [p for p in self.student.parameters() if p.ndim == 1]
        groups = [{"params": decayed, "weight_decay": 0.02}, {"params": others, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, lr=options.rate)
        self.step = self.samples = 0
        self.loss, self.progress = 1.0, 0.0
        self.began, self.began_at = time.time(), 0.0
        self.saved = self.reported = time.time()
        self.reported_samples = 0
        if (options.run / "checkpoint.pt").exists():
            self.load()

    def load(self):
        saved = torch.load(self.options.run / "checkpoint.pt")
        self.student.load_state_dict(saved["student"])
        self.average.load_state_dict(saved["average"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.step, self.samples, self.loss = saved["step"], saved["samples"], saved["loss"]
        self.progress = self.began_at = saved["progress"]
        self.reported_samples = self.samples

    def save(self):
        names = ("step", "samples", "loss", "progress")
        saved = {name: getattr(self, name) for name in names}
        for name in ("student", "average", "optimizer"):
            saved[name] = getattr(self, name).state_dict()
        torch.save(saved, self.options.run / "writing.pt")
        os.replace(self.options.run / "writing.pt", self.options.run / "checkpoint.pt")
        self.saved = time.time()

    def report(self):
        rate = (self.samples - self.reported_samples) / (time.time() - self.reported)
        self.reported, self.reported_samples = time.time(), self.samples
        line = {"samples": self.samples, "progress": round(self.progress, 4), "loss": round(self.loss, 4)}
        (self.options.run / "progress.json").write_text(json.dumps(line))
        print(time.strftime("%H:%M:%S"), json.dumps({**line, "per_second": round(rate, 1)}), flush=True)

    def advance(self, loss):
        """Counts a step of worker 0; average, report and checkpoint when they are due."""
        self.step += 1
        self.samples += self.options.batch * self.options.workers
        self.loss += (loss - self.loss) * max(0.01, 1 / self.step)
        if self.options.until:
            share = (time.time() - self.began) / max(self.options.until - self.began, 1)
            self.progress = self.began_at + (1 - self.began_at) * share
        else:
            self.progress = self.samples / self.options.samples
        if self.step % 4 == 0:
            self.move_average()
        if self.step % 50 == 0:
            self.report()
        if time.time() - self.saved > 120:
            self.save()

    @torch.no_grad()
    def move_average(self):
        keep = min(AVERAGING, self.step / (self.step + 40))
        for kept, new in zip(self.average.state_dict().values(), self.student.state_dict().values()):
            if kept.dtype.is_floating_point:
                kept.lerp_(new, 1 - keep)


def step(options, state, pool, rank, shared):
    rng = np.random.default_rng([options.seed, state.step, rank])
    pixels, targets = pool.batch(rng, options.batch, int(shared.plan[1]))
    if state.progress < options.small:
        pixels = F.interpolate(pixels, size=96, mode="bilinear", align_corners=False, antialias=True)
    pixels = pixels.contiguous(memory_format=torch.channels_last)
    state.student.train()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        predicted = state.student(pixels)
    loss = F.mse_loss(predicted.float(), targets)
    state.optimizer.zero_grad(set_to_none=True)
    loss.backward()
    shared.losses[rank] = loss.item()
    share_gradients(state.student, rank, shared)
    for group in state.optimizer.param_groups:
        group["lr"] = options.rate * one_cycle(state.progress)
    torch.nn.utils.clip_grad_norm_(state.student.parameters(), 5.0)
    state.optimizer.step()


def share_gradients(student, rank, shared):
    """Replaces every gradient by its mean over the workers. Running statistics of normalisation stay each worker's own."""
    gradients = [p.grad for p in student.parameters()]
    torch.cat([g.reshape(-1) for g in gradients], out=shared.gradients[rank])
    shared.barrier.wait()
    mean, start = shared.gradients.mean(0), 0
    for gradient in gradients:
        gradient.copy_(mean[start : start + gradient.numel()].view_as(gradient))
        start += gradient.numel()
    shared.barrier.wait()


def one_cycle(progress):
    """Up in a line over the first 6 %, then down a cosine to nothing."""
    if progress < 0.06:
        return 0.02 + 0.98 * progress / 0.06
    return max(0.5 + 0.5 * math.cos(math.pi * (progress - 0.06) / 0.94), 1e-4)


if __name__ == "__main__":
    main()
