#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Draws tracks.svg and looks.svg of docs/seeing.md from that page's figures: docs/seeing-curves.py, in any folder."""
from curves import curve

RATES = [30, 10, 5, 3]
curve("tracks.svg", "looks a second", "HOTA", (0, 30), (0.59, 0.71),
      [("FbnetTracker", list(zip(RATES, [.698, .694, .700, .685]))),
       ("ByteTrack", list(zip(RATES, [.684, .671, .638, .605]))),
       ("OC-SORT", list(zip(RATES, [.675, .659, .629, .599])))])
curve("looks.svg", "mean passes", "AP", (1, 5), (0.23, 0.30),
      [("uncertain", [(1, .240), (1.78, .283), (2.40, .291), (2.58, .292), (2.64, .293)]),
       ("sweep", [(1, .240), (2, .239), (3, .264), (4, .250), (5, .259)])])
