/** PyTorch as a contender of fine-tuning: the same network, batch and optimiser, in its fastest layout. */
import { ANSWER_LOOP } from "./python.js";

/** What PyTorch needs to be fast: freed blocks stay with the process, because new pages are slow. */
export const TORCH_ENVIRONMENT = {
  MALLOC_MMAP_THRESHOLD_: "4000000000",
  MALLOC_TRIM_THRESHOLD_: "8000000000",
};

/** Answers the requests of protocol.ts; the number of a round's indices is the number of steps. Arguments: tiles of a batch, tags. */
export const TORCH_PROGRAM = `
import json, sys, time
import torch
from torch import nn

class Block(nn.Module):
    def __init__(self, inputs, outputs, stride, expansion):
        super().__init__()
        inner = inputs * expansion
        layers = [nn.Conv2d(inputs, inner, 1), nn.ReLU6(inplace=True)] if expansion > 1 else []
        layers += [nn.Conv2d(inner, inner, 3, stride, 1, groups=inner), nn.ReLU6(inplace=True)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(inner, outputs, 1))
        self.adds = stride == 1 and inputs == outputs
    def forward(self, x):
        return x + self.layers(x) if self.adds else self.layers(x)

def mobilenet_v2(tags):
    layers = [nn.Conv2d(3, 32, 3, 2, 1), nn.ReLU6(inplace=True)]
    width = 32
    blocks = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
    for expansion, outputs, repeats, stride in blocks:
        for repeat in range(repeats):
            layers.append(Block(width, outputs, stride if repeat == 0 else 1, expansion))
            width = outputs
    layers += [nn.Conv2d(320, 1280, 1), nn.ReLU6(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(1280, tags))

def open_training(setup):
    batch, tags = int(sys.argv[1]), int(sys.argv[2])
    torch.set_num_threads(setup["threads"])
    layout = torch.channels_last
    model = mobilenet_v2(tags).to(memory_format=layout)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.01)
    shape = (batch, 3, setup["size"], setup["size"])
    tiles = torch.randint(0, 256, shape, dtype=torch.uint8).contiguous(memory_format=layout)
    targets = (torch.rand(batch, tags) < 0.2).float()
    def step():
        optimizer.zero_grad()
        loss = nn.functional.binary_cross_entropy_with_logits(model(tiles.float() / 127.5 - 1), targets)
        loss.backward()
        optimizer.step()
    return step

def answer(request):
    global step
    if request["type"] == "setup":
        step = open_training(request)
        return {"version": "PyTorch " + torch.__version__}
    start, cpu = time.perf_counter(), time.process_time()
    for _ in request["indices"]:
        step()
    return {"seconds": {"whole": time.perf_counter() - start}, "cpuSeconds": time.process_time() - cpu}

${ANSWER_LOOP}`;
