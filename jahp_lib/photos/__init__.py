"""Photos: one, many, made up, downloaded; and files written whole. ``from jahp_lib import photos`` has them
all.
"""

from jahp_lib.photos.dead_leaves import dead_leaves
from jahp_lib.photos.downloads import NoNetworkError, download, fetch
from jahp_lib.photos.one_photo import PhotoError, open_photo, sample_photos, to_float, to_image, to_tensor
from jahp_lib.photos.patches import PhotoFolder, PhotoSet, Source, mixed, photo_files, sample_set, stratified
from jahp_lib.photos.whole_files import write_whole

__all__ = [
    "NoNetworkError",
    "PhotoError",
    "PhotoFolder",
    "PhotoSet",
    "Source",
    "dead_leaves",
    "download",
    "fetch",
    "mixed",
    "open_photo",
    "photo_files",
    "sample_photos",
    "sample_set",
    "stratified",
    "to_float",
    "to_image",
    "to_tensor",
    "write_whole",
]
