"""Refinement of big photos in overlapping windows: bounded memory, whatever the size.

An element of y moves pixels no further than 2 latents away, and the bits of neighbours within 2 (context) or
some 8 (z, through h_s). So one window after another is refined, its inner part alone free to change, all
around it
held as it is by then: each pass lowers R + λD of the whole photo as far as its window's error and bits tell.

A window of 80 x 80 latents (1280 x 1280 pixels) takes 1.5 GB for N = 64 (measured); memory grows with N, so
models with more than 96 channels get windows of 56 x 56. Margins are computed and thrown away: 56 % more
time for photos that need many windows, 96 % for wide models.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from jahp_lib.photos.one_photo import to_float
from jahp_lib.refinement import Latents, Refinement, Watch, refine
from jahp_lib.transforms import STRIDE, LatentModel
from jahp_lib.variable_rate import VariableRate

INNER = 64  # side of a window's free part, in latents
INNER_OF_WIDE_MODELS, WIDE = 40, 96  # the same where N is more than WIDE
MARGIN = (
    8  # on each side of it; both are multiples of 4, so that windows of y and of z begin at the same pixel
)
Z_STRIDE = 4  # elements of y to one of z, in each direction


def refine_in_windows(
    model: LatentModel | VariableRate,
    pixels: Tensor,
    lmbda: float,
    steps: int,
    start: Latents,
    watch: Watch | None = None,
    tell: Callable[[int, int], None] | None = None,
    inner: int | None = None,
    margin: int = MARGIN,
) -> Latents:
    """``refinement.refine``, window by window where the photo does not fit into one.

    Args:
        pixels: uint8 [3, H, W].
        start: the latents to begin with, batch of one.
        watch: told how far the window at work has come.
        tell: told (steps done, steps in all, over all windows).
        inner, margin: of a window, in latents; multiples of 4.
    """
    if inner is None:
        inner = INNER if model.base.N <= WIDE else INNER_OF_WIDE_MODELS
    height, width = start.y.shape[-2:]
    if height * width <= (inner + 2 * margin) ** 2 or model.base.padding == "valid":
        corners, inner = [(0, 0)], max(height, width)
    else:
        corners = [(top, left) for top in range(0, height, inner) for left in range(0, width, inner)]
    y, z = start.y, start.z
    for done, (top, left) in enumerate(corners):

        def look(refinement: Refinement, done: int = done) -> None:
            if watch is not None:
                watch(refinement)
            if tell is not None:
                tell(done * steps + refinement.step, len(corners) * steps)

        rows, outer_rows = _spans(top, inner, margin, height)
        columns, outer_columns = _spans(left, inner, margin, width)
        window = Latents(y[..., outer_rows, outer_columns], z[..., _of_z(outer_rows), _of_z(outer_columns)])
        x = pixels[:, _of_x(outer_rows), _of_x(outer_columns)].to(y.device)
        free = Latents(
            _ones_inside(window.y, rows, columns, outer_rows.start, outer_columns.start),
            _ones_inside(
                window.z,
                _of_z(rows),
                _of_z(columns),
                outer_rows.start // Z_STRIDE,
                outer_columns.start // Z_STRIDE,
            ),
        )
        better = refine(
            model,
            to_float(x)[None],
            lmbda,
            steps,
            start=window,
            free=None if len(corners) == 1 else free,
            watch=look,
        )
        if len(corners) == 1:
            return better
        window.y.copy_(better.y)  # views of y and z: what is not free is there as it was
        window.z.copy_(better.z)
        if better.stopped:
            break
    return Latents(y, z)


def _spans(start: int, inner: int, margin: int, length: int) -> tuple[slice, slice]:
    """A window's free part along one side, and the whole of it; both within 0 ... length."""
    end = min(start + inner, length)
    return slice(start, end), slice(max(start - margin, 0), min(end + margin, length))


def _of_z(span: slice) -> slice:
    """The elements of z that belong to a span of y whose start is a multiple of 4."""
    return slice(span.start // Z_STRIDE, -(-span.stop // Z_STRIDE))


def _of_x(span: slice) -> slice:
    """The pixels that belong to a span of y; the last may not be there."""
    return slice(span.start * STRIDE, span.stop * STRIDE)


def _ones_inside(latent: Tensor, rows: slice, columns: slice, top: int, left: int) -> Tensor:
    """[1, 1, h, w]: ones in the free part of a window that begins at (top, left), zeros around it."""
    mask = latent.new_zeros(1, 1, *latent.shape[-2:])
    mask[..., rows.start - top : rows.stop - top, columns.start - left : columns.stop - left] = 1
    return mask
