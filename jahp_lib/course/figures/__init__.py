"""The figures of the lessons, one module a lesson; ``figures.NAME`` has them all."""

from jahp_lib.course.figures.any_machine import byte_fields, wavefront_panel, wavefront_state
from jahp_lib.course.figures.common import (
    Picture,
    as_array,
    bundle,
    error_map,
    log_ticks,
    map_panel,
    over_photo,
    photo_grid,
    photo_row,
    rate_distortion_axes,
    show,
    small_maps,
    squares,
    to_numpy,
)
from jahp_lib.course.figures.context_model import numbered_grid
from jahp_lib.course.figures.entropy_coding import nested_intervals
from jahp_lib.course.figures.full_model import (
    DECODING_ORDERS,
    decoding_orders,
    decoding_steps,
    learning_curves,
    snapshot_limits,
    snapshot_panel,
)
from jahp_lib.course.figures.gdn import density_lines, joint_histogram
from jahp_lib.course.figures.masked_convolution import (
    SEEN_EARLIER,
    SEEN_TOO_EARLY,
    UNSEEN_EARLIER,
    UNSEEN_LATER,
    receptive_field,
    sight,
)
from jahp_lib.course.figures.rate_distortion import bin_borders, quantisation_bins
from jahp_lib.course.figures.transform_coding import shape_boxes
from jahp_lib.style import COLOURS, MAPS, SIGNED

__all__ = [
    "COLOURS",
    "DECODING_ORDERS",
    "MAPS",
    "SEEN_EARLIER",
    "SEEN_TOO_EARLY",
    "SIGNED",
    "UNSEEN_EARLIER",
    "UNSEEN_LATER",
    "Picture",
    "as_array",
    "bin_borders",
    "bundle",
    "byte_fields",
    "decoding_orders",
    "decoding_steps",
    "density_lines",
    "error_map",
    "joint_histogram",
    "learning_curves",
    "log_ticks",
    "map_panel",
    "nested_intervals",
    "numbered_grid",
    "over_photo",
    "photo_grid",
    "photo_row",
    "quantisation_bins",
    "rate_distortion_axes",
    "receptive_field",
    "shape_boxes",
    "show",
    "sight",
    "small_maps",
    "snapshot_limits",
    "snapshot_panel",
    "squares",
    "to_numpy",
    "wavefront_panel",
    "wavefront_state",
]
