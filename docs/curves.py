# SPDX-License-Identifier: LGPL-2.1-or-later
"""Line charts as SVG, for pages."""
import os

COLOURS = ["#0072b2", "#d55e00", "#009e73"]
WIDTH, HEIGHT, EDGE = 480, 300, 48


def curve(name, x_title, y_title, x_range, y_range, series, dots=True):
    """Writes `name` beside this file: each of series is a title and its points, drawn within the ranges."""
    def x(v):
        return EDGE + (v - x_range[0]) / (x_range[1] - x_range[0]) * (WIDTH - 2 * EDGE)

    def y(v):
        return HEIGHT - EDGE - (v - y_range[0]) / (y_range[1] - y_range[0]) * (HEIGHT - 2 * EDGE)

    out = ['<!-- SPDX-License-Identifier: LGPL-2.1-or-later -->',
           f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
           'font-family="sans-serif" font-size="12">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
           f'<path d="M{EDGE} {EDGE}V{HEIGHT - EDGE}H{WIDTH - EDGE}" fill="none" stroke="#000"/>',
           f'<text x="{WIDTH / 2}" y="{HEIGHT - 10}" text-anchor="middle">{x_title}</text>',
           f'<text x="{EDGE}" y="20" text-anchor="middle">{y_title}</text>']
    for v in x_range:
        out.append(f'<text x="{x(v)}" y="{HEIGHT - EDGE + 16}" text-anchor="middle">{v:g}</text>')
    for v in y_range:
        out.append(f'<text x="{EDGE - 4}" y="{y(v) + 4}" text-anchor="end">{v:g}</text>')
    for (title, points), colour, n in zip(series, COLOURS, range(9)):
        line = " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in points)
        out.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        if dots:
            out += [f'<circle cx="{x(a):.1f}" cy="{y(b):.1f}" r="3" fill="{colour}"/>'
                    for a, b in points]
        out.append(f'<text x="{WIDTH - EDGE}" y="{HEIGHT - EDGE - 50 + 16 * n}" text-anchor="end" '
                   f'fill="{colour}">{title}</text>')
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), name)
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join(out + ["</svg>", ""]))
