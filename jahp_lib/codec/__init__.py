"""Lesson 9. A real bitstream: pictures to bytes and back, the same on every machine.

Read in this order: ``portable_math``, ``tables``, ``fixed_point``, ``wavefront``, ``entropy_models``,
``container``, ``tiles``, ``codec``.
"""

from jahp_lib.codec.codec import Codec, Decoding, Encoding
from jahp_lib.codec.container import BitstreamError, Header

__all__ = ["BitstreamError", "Codec", "Decoding", "Encoding", "Header"]
