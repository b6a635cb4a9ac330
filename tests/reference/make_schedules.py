"""Freeze what PyTorch's schedules do: python tests/reference/make_schedules.py (needs torch).

Writes schedules.json beside this script: for each schedule, optimizer and set of options the
learning rates and momenta after each of the steps; and the options of all with their defaults.
"""

import inspect
import json
import warnings
from pathlib import Path

import torch
from torch.optim import lr_scheduler

STEPS = 20
METRICS = [5, 4, 4, 4, 3, 3.1, 3.2, 3, 3, 3, 2.9999, 2, 2, 2, 2, 2, 2, 2, 2, 1]
# The name of a schedule, its options; for combined ones, the parts and more options.
CASES = [
    ("StepLR", {"step_size": 3}),
    ("StepLR", {"step_size": 7, "gamma": 0.5}),
    ("MultiStepLR", {"milestones": [2, 3, 11], "gamma": 0.3}),
    ("MultiStepLR", {"milestones": [4, 4, 15]}),
    ("ExponentialLR", {"gamma": 0.8}),
    ("ConstantLR", {}),
    ("ConstantLR", {"factor": 0.25, "total_iters": 11}),
    ("LinearLR", {}),
    ("LinearLR", {"start_factor": 0.05, "end_factor": 0.9, "total_iters": 13}),
    ("LinearLR", {"start_factor": 1.0, "end_factor": 0.0, "total_iters": 9}),
    ("CosineAnnealingLR", {"T_max": 10}),
    ("CosineAnnealingLR", {"T_max": 7, "eta_min": 0.01}),
    ("CosineAnnealingWarmRestarts", {"T_0": 6}),
    ("CosineAnnealingWarmRestarts", {"T_0": 2, "T_mult": 2, "eta_min": 0.01}),
    ("CosineAnnealingWarmRestarts", {"T_0": 1, "T_mult": 3}),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": STEPS + 1}),
    ("OneCycleLR", {"max_lr": [0.5, 2.0], "epochs": 3, "steps_per_epoch": 9}),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": STEPS + 1, "anneal_strategy": "linear"}),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": STEPS + 5, "three_phase": True}),
    (
        "OneCycleLR",
        {
            "max_lr": 0.5,
            "total_steps": STEPS + 1,
            "pct_start": 0.4,
            "base_momentum": 0.5,
            "max_momentum": [0.6, 0.9],
            "div_factor": 5.0,
            "final_div_factor": 10.0,
        },
    ),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": STEPS + 1, "cycle_momentum": False}),
    ("ReduceLROnPlateau", {"patience": 1}),
    ("ReduceLROnPlateau", {"patience": 2, "factor": 0.5, "cooldown": 3}),
    ("ReduceLROnPlateau", {"mode": "max", "patience": 1, "factor": 0.5, "min_lr": 0.05}),
    ("ReduceLROnPlateau", {"patience": 0, "factor": 0.3, "min_lr": [0.01, 0.001]}),
    ("ReduceLROnPlateau", {"patience": 0, "threshold": 0.3, "factor": 0.9}),
    (
        "ReduceLROnPlateau",
        {"patience": 0, "threshold": 0.95, "threshold_mode": "abs", "factor": 0.9},
    ),
    (
        "ReduceLROnPlateau",
        {"mode": "max", "patience": 1, "threshold": 1.0, "threshold_mode": "abs", "eps": 0.01},
    ),
    (
        "SequentialLR",
        {"milestones": [4, 12]},
        [
            ("LinearLR", {"start_factor": 0.1, "total_iters": 4}),
            ("ExponentialLR", {"gamma": 0.9}),
            ("CosineAnnealingLR", {"T_max": 8, "eta_min": 0.01}),
        ],
    ),
    (
        "ChainedScheduler",
        {},
        [("ConstantLR", {"factor": 0.1, "total_iters": 4}), ("ExponentialLR", {"gamma": 0.9})],
    ),
    (
        "ChainedScheduler",
        {},
        [
            ("LinearLR", {"start_factor": 0.1, "total_iters": 6}),
            ("CosineAnnealingLR", {"T_max": 25}),
            ("StepLR", {"step_size": 8, "gamma": 0.5}),
        ],
    ),
    # Not combined, but stepped one after the other.
    (None, {}, [("StepLR", {"step_size": 4, "gamma": 0.5}), ("ExponentialLR", {"gamma": 0.9})]),
    (
        None,
        {},
        [("ConstantLR", {"factor": 0.5, "total_iters": 3}), ("CosineAnnealingLR", {"T_max": 30})],
    ),
]
OPTIMIZERS = [("SGD", {"momentum": 0.9}), ("Adam", {})]
LRS = [0.1, 0.3]


def momentum_of(group):
    return group["betas"][0] if "betas" in group else group["momentum"]


def run(name, options, parts, optimizer_name, optimizer_options):
    parameters = [torch.zeros(1, requires_grad=True) for _ in LRS]
    groups = [{"params": [p], "lr": lr} for p, lr in zip(parameters, LRS, strict=True)]
    optimizer = getattr(torch.optim, optimizer_name)(groups, **optimizer_options)
    made = [getattr(lr_scheduler, part)(optimizer, **settings) for part, settings in parts]
    if name == "SequentialLR":
        schedules = [lr_scheduler.SequentialLR(optimizer, made, **options)]
    elif name == "ChainedScheduler":
        schedules = [lr_scheduler.ChainedScheduler(made)]
    elif name is None:
        schedules = made
    else:
        schedules = [getattr(lr_scheduler, name)(optimizer, **options)]
    seen = [[[group["lr"], momentum_of(group)] for group in optimizer.param_groups]]
    for step in range(STEPS):
        optimizer.step()
        for schedule in schedules:
            schedule.step(*([METRICS[step]] if name == "ReduceLROnPlateau" else []))
        seen.append([[group["lr"], momentum_of(group)] for group in optimizer.param_groups])
    return seen


def options_of(name):
    parameters = inspect.signature(getattr(lr_scheduler, name).__init__).parameters.values()
    return [[p.name, None if p.default is p.empty else p.default] for p in parameters][1:]


def main():
    warnings.simplefilter("ignore")
    cases = []
    for name, options, *more in CASES:
        parts = more[0] if more else []
        for optimizer, optimizer_options in OPTIMIZERS if name == "OneCycleLR" else OPTIMIZERS[:1]:
            cases.append(
                {
                    "schedule": name,
                    "options": options,
                    "parts": parts,
                    "optimizer": [optimizer, optimizer_options],
                    "seen": run(name, options, parts, optimizer, optimizer_options),
                }
            )
    made = {"torch": torch.__version__, "lrs": LRS, "metrics": METRICS, "cases": cases}
    names = dict.fromkeys(["LambdaLR", *(name for name, *_ in CASES if name)])
    made["signatures"] = {name: options_of(name) for name in names}
    Path(__file__).with_name("schedules.json").write_text(json.dumps(made) + "\n")


if __name__ == "__main__":
    main()
