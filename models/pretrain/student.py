"""MobileNetV2 1.0 up to its pooled features, written so that training is fast on CPUs (bfloat16, fused normalisation)."""

import torch
from torch import nn
from torch.nn import functional as F

from fused import norm_relu6

FEATURES = 1280
# Sandler et al. 2018, table 2: expansion, output channels, repeats, first stride.
BLOCKS = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))


class ConvNorm(nn.Module):
    """Convolution (symmetric padding), batch normalisation and, unless it is a bottleneck's end, ReLU6."""

    def __init__(self, inputs, outputs, kernel, stride=1, groups=1, relu=True):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        self.relu = relu
        nn.init.kaiming_normal_(self.conv.weight, mode="fan_out")

    def forward(self, x):
        x = self.conv(x)
        if self.training:
            return norm_relu6(x, self.norm, self.relu)
        x = self.norm(x)
        return F.relu6(x) if self.relu else x


class Block(nn.Module):
    """Inverted residual."""

    def __init__(self, inputs, outputs, stride, expansion):
        super().__init__()
        hidden = inputs * expansion
        expand = [] if expansion == 1 else [ConvNorm(inputs, hidden, 1)]
        self.body = nn.Sequential(
            *expand, ConvNorm(hidden, hidden, 3, stride, hidden), ConvNorm(hidden, outputs, 1, relu=False)
        )
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.body(x) if self.residual else self.body(x)


class Student(nn.Module):
    """[N, 3, H, W] RGB in [-1, 1] -> features [N, 1280]; `head` maps them to the teacher's and is thrown away."""

    def __init__(self):
        super().__init__()
        layers, inputs = [ConvNorm(3, 32, 3, 2)], 32
        for expansion, outputs, repeats, stride in BLOCKS:
            for repeat in range(repeats):
                layers.append(Block(inputs, outputs, stride if repeat == 0 else 1, expansion))
                inputs = outputs
        layers.append(ConvNorm(inputs, FEATURES, 1))
        self.layers = nn.Sequential(*layers)
        self.head = nn.Linear(FEATURES, FEATURES)

    def features(self, x):
        return self.layers(x).float().mean((2, 3))

    def forward(self, x):
        return self.head(self.features(x))


def folded_convolutions(student):
    """[(weight, bias)] of all 52 convolutions in execution order, batch normalisation folded in, float32."""
    pairs = []
    for layer in student.modules():
        if isinstance(layer, ConvNorm):
            norm = layer.norm
            gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
            pairs.append((layer.conv.weight * gain[:, None, None, None], norm.bias - norm.running_mean * gain))
    return [(weight.detach().float(), bias.detach().float()) for weight, bias in pairs]
