#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Draws soak-memory.svg and soak-latency.svg of docs/security.md from what test-soak writes: docs/soak-curves.py CSV..."""
import csv
import sys

from curves import curve


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    series = {}
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as f:
            for line in csv.DictReader(f):
                series.setdefault(line["scheduling"], []).append(line)

    def lines(field, factor):
        return [(name, [(float(s["seconds"]) / 60, float(s[field]) * factor) for s in samples])
                for name, samples in series.items()]

    end = max(x for _, points in lines("threads", 1) for x, _ in points)
    curve("soak-memory.svg", "minutes", "MiB", (0, end), (0, 60), lines("resident_kib", 1 / 1024), dots=False)
    curve("soak-latency.svg", "minutes", "median, ms", (0, end), (0, .2), lines("median_ms", 1), dots=False)


if __name__ == "__main__":
    main()
