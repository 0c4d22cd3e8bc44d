"""The map of the course: the block diagram of the joint model, each block with the lesson that builds it.

Drawn after the operational diagram of Minnen et al. 2018, figure 1, with the two things the course adds to
it: the Lagrangian that trains it (lesson 2) and λ as an input (lesson 10). A lesson that is still to come has
a dashed box.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch

from jahp_lib.course.checks import LESSONS, TO_COME
from jahp_lib.style import COLOURS

LIT, BUILT, LATER = "#FFD166", "#DCEAF4", "#FFFFFF"
WHOLE = ("00", "12")  # lessons about the whole model


@dataclass(frozen=True)
class Block:
    """A box around (``x``, ``y``), its words, and its lesson. An ``inside`` block lies in another one."""

    lesson: str
    words: str
    x: float
    y: float
    width: float = 7
    height: float = 6
    inside: bool = False


BLOCKS = (
    Block("04", "analysis\n$g_a$", 16, 36, 13, 13),
    Block("03", "GDN", 16, 32.4, 8, 3.6, inside=True),
    Block("11", "refine", 29.4, 46.4, 8.4, 4),
    Block("02", "Q", 36, 36),
    Block("08", "AE", 51, 36),
    Block("09", "0110", 60, 36, 6.4, 5),
    Block("08", "AD", 69, 36),
    Block("04", "synthesis\n$g_s$", 89, 36, 13, 13),
    Block("03", "IGDN", 89, 32.4, 8, 3.6, inside=True),
    Block("06", "hyper-\nanalysis\n$h_a$", 28, 11, 11, 10),
    Block("02", "Q", 40, 11, 6),
    Block("08", "AE", 51, 11),
    Block("09", "0110", 60, 11, 6.4, 5),
    Block("08", "AD", 69, 11),
    Block("04", "factorized density", 60, 2, 25, 4.6),
    Block("06", "hyper-\nsynthesis\n$h_s$", 89, 11, 13, 10),
    Block("07", "context prediction", 89, 24, 18, 9.6),
    Block("05", "masked conv", 89, 21.9, 13, 3.6, inside=True),
    Block("07", "entropy\nparameters", 60, 23.6, 14, 7),
    Block("01", "$R$", 60, 41.6, 4.4, 3.4),
    Block("01", "$R$", 44.5, 27, 4.4, 3.4),
    Block("02", r"$R + \lambda D$", 60, 48, 13, 5.4),
    Block("10", r"$\lambda$", 40, 48, 6, 5.4),
)
# lines through points; the last piece ends in an arrow head
ARROWS: tuple[Sequence[tuple[float, float]], ...] = (
    ((5, 36), (9, 36)),
    ((22.8, 36), (32, 36)),
    ((28, 36), (28, 16.4)),
    ((39.8, 36), (47, 36)),
    ((54.8, 36), (57.2, 36)),
    ((63.4, 36), (65.2, 36)),
    ((72.8, 36), (82, 36)),
    ((95.8, 36), (100, 36)),
    ((33.8, 11), (36.6, 11)),
    ((43.3, 11), (47, 11)),
    ((54.8, 11), (57.2, 11)),
    ((63.4, 11), (65.2, 11)),
    ((72.8, 11), (82, 11)),
    ((51, 4.6), (51, 7.6)),
    ((69, 4.6), (69, 7.6)),
    ((77, 36), (77, 25.4), (79.6, 25.4)),
    ((79.6, 21.6), (74, 21.6), (74, 25), (67.4, 25)),
    ((85, 16.4), (85, 17.8), (71, 17.8), (71, 22), (67.4, 22)),
    ((29.4, 44.2), (29.4, 36.6)),
    ((56, 27.4), (56, 30), (51, 30), (51, 32.6)),
    ((64, 27.4), (64, 30), (69, 30), (69, 32.6)),
)
# what the Lagrangian is made of: rate from the bits, distortion from x and x_hat; and λ
DASHED: tuple[Sequence[tuple[float, float]], ...] = (
    ((60, 38.6), (60, 44.8)),
    ((60, 13.6), (60, 17.2), (44.5, 17.2), (44.5, 42.4), (57, 42.4), (57, 44.8)),
    ((3, 38), (3, 53), (57, 53), (57, 51)),
    ((102, 38), (102, 53), (63, 53), (63, 51)),
    ((43.4, 48), (53, 48)),
)
SIGNALS = (
    (3, 36, "$x$", "x"),
    (25.6, 37.6, "$y$", "y"),
    (77, 37.9, r"$\hat y$", "y"),
    (102, 36, r"$\hat x$", "x"),
    (35.2, 12.7, "$z$", "z"),
    (77, 13, r"$\hat z$", "z"),
    (71, 26.6, r"$\phi$", "x"),
    (77.6, 16.4, r"$\psi$", "x"),
    (60, 29.6, r"$\mu,\ \sigma$", "scales"),
    (31, 54.4, "$D$", "error"),
    (82, 54.4, "$D$", "error"),
)


def course_map(lesson: str) -> Figure:
    """The block diagram with the blocks of ``lesson`` ("00" to "12") lit, those of earlier lessons tinted,
    later ones white.

    Lessons 00 and 12 are about the whole and light every block.

    Raises:
        ValueError: there is no lesson of that number.
    """
    if lesson not in LESSONS:
        raise ValueError(f"There is no lesson {lesson!r}; lessons are {', '.join(LESSONS)}.")
    figure, ax = plt.subplots(figsize=(9.6, 5.4))
    ax.set_xlim(0, 105)
    ax.set_ylim(-7, 57)
    ax.set_aspect("equal")
    ax.axis("off")
    for points in ARROWS:
        _arrow(ax, points, "-", "#333333")
    for points in DASHED:
        _arrow(ax, points, (0, (3, 2)), COLOURS["grey"])
    for level, name in ((36, "bits of $y$"), (11, "bits of $z$")):
        ax.text(60, level - 3.6, name, ha="center", va="center", fontsize=7, color=COLOURS["grey"])
    for block in BLOCKS:
        _draw(ax, block, lesson)
    for left, height, words, colour in SIGNALS:
        ax.text(left, height, words, ha="center", va="center", fontsize=13, color=COLOURS[colour])
    _legend(ax, lesson)
    return figure


def _state(block: Block, lesson: str) -> str:
    if lesson in WHOLE or block.lesson == lesson:
        return LIT
    return BUILT if block.lesson < lesson else LATER


def _draw(ax: Axes, block: Block, lesson: str) -> None:
    fill = _state(block, lesson)
    lit = fill == LIT
    left, bottom = block.x - block.width / 2, block.y - block.height / 2
    ax.add_patch(
        FancyBboxPatch(
            (left + 0.5, bottom + 0.5),
            block.width - 1,
            block.height - 1,
            boxstyle="round,pad=0.5",
            facecolor=fill,
            edgecolor="black" if lit else "#666666",
            linewidth=2.0 if lit else 0.8,
            linestyle="--" if block.lesson in TO_COME else "-",
            zorder=3 + block.inside,
        )
    )
    holds_another = (
        any(other.inside and abs(other.x - block.x) < 1 and abs(other.y - block.y) < 6 for other in BLOCKS)
        and not block.inside
    )
    lift = 0.0 if not holds_another else (2.2 if block.height > 10 else 2.4)
    size = 8 if block.inside else 9
    ax.text(
        block.x,
        block.y + lift,
        block.words,
        ha="center",
        va="center",
        fontsize=size,
        weight="bold" if lit else "normal",
        zorder=6,
    )
    corner = (left + block.width, bottom + block.height)
    ax.add_patch(
        Circle(
            corner, 1.55, facecolor="black" if lit else "white", edgecolor="#333333", linewidth=0.8, zorder=7
        )
    )
    colour = "white" if lit else "#333333"
    ax.text(
        *corner,
        block.lesson.lstrip("0"),
        ha="center",
        va="center_baseline",
        fontsize=7.5 if block.lesson < "10" else 6.5,
        color=colour,
        weight="bold",
        zorder=8,
    )


def _arrow(ax: Axes, points: Sequence[tuple[float, float]], dash: str | tuple, colour: str) -> None:
    ax.plot(*zip(*points[:-1], strict=True), color=colour, linestyle=dash, linewidth=1.2, zorder=1)
    style = {
        "arrowstyle": "-|>",
        "color": colour,
        "linewidth": 1.2,
        "linestyle": dash,
        "shrinkA": 0,
        "shrinkB": 0,
        "mutation_scale": 10,
    }
    ax.annotate("", xy=points[-1], xytext=points[-2], arrowprops=style, zorder=2)


def _legend(ax: Axes, lesson: str) -> None:
    ax.text(1, -5, "AE, AD: arithmetic encoder, decoder", fontsize=7.5, va="center", color="#333333")
    states = (
        [(LIT, "the whole model")]
        if lesson in WHOLE
        else [(LIT, "this lesson"), (BUILT, "built before"), (LATER, "later")]
    )
    for index, (fill, words) in enumerate(states):
        left = 46 + 15.5 * index
        ax.add_patch(
            FancyBboxPatch(
                (left, -5.9),
                2,
                1.8,
                boxstyle="round,pad=0.3",
                facecolor=fill,
                edgecolor="#333333",
                linewidth=2 if fill == LIT else 0.8,
            )
        )
        ax.text(left + 3.4, -5, words, fontsize=7.5, va="center", color="#333333")
    ax.add_patch(Circle((93, -5), 1.5, facecolor="white", edgecolor="#333333", linewidth=0.8))
    ax.text(93, -5, "3", ha="center", va="center_baseline", fontsize=7.5, weight="bold", color="#333333")
    ax.text(95.2, -5, "lesson", fontsize=7.5, va="center", color="#333333")
