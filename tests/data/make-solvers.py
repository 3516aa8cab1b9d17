#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What tests/gradients/test-solvers.c compares with: four steps of each optimiser from the same numbers with the same
gradients. With PyTorch installed these are torch.optim's own; else the algorithms as its documentation writes them down,
in Python's floats. Prints C."""
import math

VALUES = [0.5, -1.25, 2.0]
GRADIENTS = [[0.3, -0.7, 0.01], [-0.2, 0.4, 0.02], [0.9, 0.1, -0.03], [0.05, -0.6, 0.04]]
DECAY = 0.01
CASES = [  # name, rate, momentum, other arguments
    ("SGD", 0.1, 0.9, {}),
    ("SGD", 0.1, 0.9, {"nesterov": True}),
    ("Adam", 0.01, 0, {}),
    ("AdamW", 0.01, 0, {}),
    ("RMSprop", 0.01, 0, {}),
    ("RMSprop", 0.01, 0.9, {}),
    ("Adagrad", 0.1, 0, {}),
    ("Adadelta", 1.0, 0, {}),
]


def documented(name, rate, momentum, more):
    p, one, two = list(VALUES), [0.0] * 3, [0.0] * 3
    for t, gradients in enumerate(GRADIENTS, 1):
        for i, g in enumerate(gradients):
            if name == "AdamW":
                p[i] -= rate * DECAY * p[i]
            else:
                g += DECAY * p[i]
            if name == "SGD":
                one[i] = momentum * one[i] + g
                p[i] -= rate * (g + momentum * one[i] if more.get("nesterov") else one[i])
            elif name in ("Adam", "AdamW"):
                one[i] = 0.9 * one[i] + 0.1 * g
                two[i] = 0.999 * two[i] + 0.001 * g * g
                m, v = one[i] / (1 - 0.9**t), two[i] / (1 - 0.999**t)
                p[i] -= rate * m / (math.sqrt(v) + 1e-8)
            elif name == "RMSprop":
                two[i] = 0.99 * two[i] + 0.01 * g * g
                step = g / (math.sqrt(two[i]) + 1e-8)
                one[i] = momentum * one[i] + step
                p[i] -= rate * (one[i] if momentum else step)
            elif name == "Adagrad":
                two[i] += g * g
                p[i] -= rate * g / (math.sqrt(two[i]) + 1e-10)
            elif name == "Adadelta":
                two[i] = 0.9 * two[i] + 0.1 * g * g
                delta = math.sqrt(one[i] + 1e-6) / math.sqrt(two[i] + 1e-6) * g
                one[i] = 0.9 * one[i] + 0.1 * delta * delta
                p[i] -= rate * delta
    return p


def torchs(torch, name, rate, momentum, more):
    p = torch.tensor(VALUES, dtype=torch.float64, requires_grad=True)
    if momentum:
        more = dict(more, momentum=momentum)
    solver = getattr(torch.optim, name)([p], lr=rate, weight_decay=DECAY, **more)
    for gradients in GRADIENTS:
        p.grad = torch.tensor(gradients, dtype=torch.float64)
        solver.step()
    return p.tolist()


def main():
    try:
        import torch
    except ImportError:
        torch = None
    for name, rate, momentum, more in CASES:
        p = torchs(torch, name, rate, momentum, more) if torch else documented(name, rate, momentum, more)
        print("  { SOLVER_%s, %s, %g, %g, { %s } }," % (
            name.upper(), "TRUE" if more.get("nesterov") else "FALSE", rate, momentum, ", ".join("%.12f" % v for v in p)))


if __name__ == "__main__":
    main()
