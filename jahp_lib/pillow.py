"""Compressed pictures in Pillow: after ``import jahp_lib.pillow``, it opens and saves ``.jahp`` files.

    from PIL import Image
    import jahp_lib.pillow

    Image.open("photo.jahp").show()
    image.save("photo.jahp", lmbda=0.013)  # all options of ``Codec.compress``: effort, target_bytes, ...

The shipped weights (``small``) are loaded when the first picture is decoded or saved, and kept. For others,
name a codec: ``register(jahp.Codec(model))`` before, or ``image.save("photo.jahp", codec=codec)``.
"""

from __future__ import annotations

from functools import cache
from typing import IO, TYPE_CHECKING, Any

from PIL import Image, ImageFile

from jahp_lib.codec.container import MAGIC, unpack

if TYPE_CHECKING:
    from jahp_lib.codec import Codec

FORMAT, ENDING, MIME = "JAHP", ".jahp", "image/x-jahp"
OPTIONS = ("lmbda", "effort", "target_bytes", "target_bpp", "target_psnr", "progress", "watch")

_chosen: list[Codec] = []


@cache
def _shipped() -> Codec:
    from jahp_lib.checkpoints import load
    from jahp_lib.codec import Codec

    return Codec(load("small"))


def _codec() -> Codec:
    return _chosen[-1] if _chosen else _shipped()


class JahpImageFile(ImageFile.ImageFile):
    """A compressed picture as Pillow has it: its size is known at once, its pixels when they are asked
    for."""

    format = FORMAT
    format_description = "JAHP learned image compression"

    def _open(self) -> None:
        if self.fp is None:
            raise SyntaxError("no file")
        self._blob = self.fp.read()
        try:
            header, _ = unpack(self._blob)
        except ValueError as error:  # SyntaxError is how a plugin tells Pillow that a file is not its own
            raise SyntaxError(str(error)) from error
        self._size = header.width, header.height
        self._mode = "RGB"
        self.info["lmbda"] = header.lmbda
        self.tile = []

    def load(self) -> Any:
        """Decode, the first time.

        Raises:
            BitstreamError: damaged, or made with other weights.
        """
        if self._blob:
            picture = _codec().decompress(self._blob)
            self._blob = b""
            self.im = picture.im
        return super().load()


def save(image: Image.Image, file: IO[bytes], filename: str | bytes) -> None:
    """What ``image.save("photo.jahp", ...)`` calls; options are those of ``Codec.compress``, and
    ``codec``."""
    given: dict[str, Any] = dict(image.encoderinfo)
    codec = given.pop("codec", None) or _codec()
    options = {name: given[name] for name in OPTIONS if given.get(name) is not None}
    file.write(codec.compress(image, **options))


def register(codec: Codec | None = None) -> None:
    """Tell Pillow of the format; from now on with this codec, or with the shipped weights if none is
    given."""
    _chosen[:] = [] if codec is None else [codec]
    Image.register_open(FORMAT, JahpImageFile, lambda prefix: prefix[: len(MAGIC)] == MAGIC)
    Image.register_save(FORMAT, save)
    Image.register_extension(FORMAT, ENDING)
    Image.register_mime(FORMAT, MIME)


register()
