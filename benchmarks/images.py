"""What explaining an image costs, and how much of the value is left over, by method and unit.

    python benchmarks/images.py MODEL IMAGE [IMAGE ...] [--pixels]

MODEL is a folder or hub id of an image classifier. For each method: forwards, backwards, seconds an image (fastest
image) and peak memory above what was held before, for patches; with --pixels, for pixels too, where the method serves
them. The residual is given as its median share of the value over the images.
"""

import argparse
import platform
from functools import partial

import numpy as np
import torch
from measuring import Measured, best, measured, mebibytes

import whence
from whence.registry import available, resolve


def row(subject, method, images, units):
    found = []

    def explain(image):
        found.append(whence.explain(subject, image, method=method, units=units))

    try:
        runs: list[Measured] = [measured(partial(explain, image), subject.device) for image in images]
    except (whence.InputError, whence.UnsupportedError):
        return f"| {method.key} | {units} | refused | | | | |"
    shares = [abs(a.residual[0] / a.targets[0].value) for a in found if a.residual is not None]
    said, cost = f"{np.median(shares):.0%}" if shares else "none claimed", best(runs)
    counts = f"{found[0].provenance['forwards']} | {found[0].provenance['backwards']}"
    return f"| {method.key} | {units} | {counts} | {cost.seconds:.2f} | {mebibytes(cost.peak)} | {said} |"


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("model")
    arguments.add_argument("images", nargs="+")
    arguments.add_argument("--pixels", action="store_true")
    given = arguments.parse_args()
    subject = whence.load(given.model, device="cpu")
    print(f"{subject.name}, {len(given.images)} images, float32, cpu ({torch.get_num_threads()} threads)")
    print(f"torch {torch.__version__}, Python {platform.python_version()}\n")
    print(
        "| method | units | forwards | backwards | seconds | peak, MiB | residual |\n|---|---|---:|---:|---:|---:|---:|"
    )
    for units in ("patch", "pixel") if given.pixels else ("patch",):
        for key in available("methods"):
            print(row(subject, resolve("methods", key)(), given.images, units), flush=True)


if __name__ == "__main__":
    main()
