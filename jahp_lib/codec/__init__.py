"""Lessons 8 and 9. A real bitstream: pictures to bytes and back, the same on every machine.

Read in this order: ``portable_math``, ``tables``, ``fixed_point``, ``wavefront``, ``entropy_models``,
``container``, ``codec``; then, if you like, ``fast``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jahp_lib.codec.codec import Codec, Decoding, Encoding
    from jahp_lib.codec.container import BitstreamError, Header

__all__ = ["BitstreamError", "Codec", "Decoding", "Encoding", "Header"]

_HOME = {
    "Codec": "codec",
    "Decoding": "codec",
    "Encoding": "codec",
    "BitstreamError": "container",
    "Header": "container",
}


def __getattr__(name: str) -> object:
    """A public name, loaded when it is first asked for: ``jahp info`` needs a header and no network."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value
