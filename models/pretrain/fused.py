"""Training-mode batch normalisation + ReLU6 as one operation: C on CPUs (see fused.c), plain PyTorch elsewhere."""

import ctypes
import subprocess
import tempfile
from functools import lru_cache
from pathlib import Path

import torch
from torch.nn import functional as F


def norm_relu6(x, norm, relu):
    """Normalises x [N, C, H, W] with the batch's statistics, updates the running ones, clips to [0, 6] if `relu`."""
    if x.dtype == torch.bfloat16 and x.device.type == "cpu" and library():
        return Fused.apply(x, norm.weight, norm.bias, norm, relu)
    x = norm(x)
    return F.relu6(x) if relu else x


@lru_cache(maxsize=None)
def library():
    """The compiled C functions, or None where there is no compiler."""
    target = Path(tempfile.mkdtemp()) / "fused.so"
    source = Path(__file__).with_name("fused.c")
    flags = ["-O3", "-march=native", "-ffast-math", "-mprefer-vector-width=512", "-fopenmp", "-shared", "-fPIC"]
    try:
        subprocess.run(["cc", *flags, str(source), "-o", str(target)], check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return ctypes.CDLL(str(target))


class Fused(torch.autograd.Function):
    """With m and v the batch's mean and variance, i = 1/sqrt(v + eps), xhat = (x - m) i: y = clip(gamma xhat + beta)."""

    @staticmethod
    def forward(ctx, x, gamma, beta, norm, relu):
        x = x.contiguous(memory_format=torch.channels_last)
        rows, channels = x.numel() // x.shape[1], x.shape[1]
        sums = torch.zeros(2, channels, dtype=torch.float64)
        library().channel_sums(at(x), ctypes.c_long(rows), ctypes.c_long(channels), at(sums))
        mean = sums[0] / rows
        variance = (sums[1] / rows - mean * mean).clamp_(min=0)
        update_running(norm, mean, variance, rows)
        inverse = torch.rsqrt(variance + norm.eps)
        scale = (gamma * inverse).float().detach()
        shift = (beta - mean * inverse * gamma).float().detach()
        y = torch.empty_like(x)
        library().scale_clip(
            at(x), at(y), ctypes.c_long(rows), ctypes.c_long(channels), at(scale), at(shift), ctypes.c_int(relu)
        )
        ctx.save_for_backward(x, gamma, scale, shift, mean, inverse)
        ctx.relu = relu
        return y

    @staticmethod
    def backward(ctx, dy):
        x, gamma, scale, shift, mean, inverse = ctx.saved_tensors
        dy = dy.to(torch.bfloat16).contiguous(memory_format=torch.channels_last)
        rows, channels = x.numel() // x.shape[1], x.shape[1]
        shape = ctypes.c_long(rows), ctypes.c_long(channels)
        sums = torch.zeros(2, channels, dtype=torch.float64)
        library().gradient_sums(at(x), at(dy), *shape, at(scale), at(shift), ctypes.c_int(ctx.relu), at(sums))
        total, product = sums[0], (sums[1] - mean * sums[0]) * inverse  # sums of g and of g * xhat
        # dx = gamma i (g - mean(g) - xhat mean(g xhat)), written as a g + b x + d
        a = gamma.double() * inverse
        b = -a * inverse * product / rows
        d = -a * total / rows - b * mean
        a, b, d = a.float(), b.float(), d.float()
        dx = torch.empty_like(x)
        library().gradient_input(
            at(x), at(dy), at(dx), *shape, at(scale), at(shift), ctypes.c_int(ctx.relu), at(a), at(b), at(d)
        )
        return dx, product.float(), total.float(), None, None


def update_running(norm, mean, variance, rows):
    norm.num_batches_tracked += 1
    norm.running_mean.lerp_(mean.float(), norm.momentum)
    norm.running_var.lerp_((variance * rows / max(rows - 1, 1)).float(), norm.momentum)


def at(tensor):
    return ctypes.c_void_p(tensor.data_ptr())
