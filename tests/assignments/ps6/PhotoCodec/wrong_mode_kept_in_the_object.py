class PhotoCodec:
    MAGIC = b"PS6"

    def __init__(self, model):
        self.codec = Codec(model)

    def encode(self, photo, lmbda):
        alpha, photo = b"", ImageOps.exif_transpose(photo)  # upright, if it was not
        if photo.has_transparency_data:
            photo = photo.convert("RGBA")
            alpha = zlib.compress(photo.getchannel("A").tobytes(), 9)
            photo = photo.convert("RGB")
        colours = self.codec.compress(photo, lmbda=lmbda)
        body = struct.pack("<II", len(colours), len(alpha)) + colours + alpha
        return self.MAGIC + struct.pack("<I", zlib.crc32(body)) + body

    def decode(self, data):
        if data[:3] != self.MAGIC:
            raise ValueError("This is no file of this codec: it does not begin with its letters.")
        if len(data) < 15 or zlib.crc32(data[7:]) != struct.unpack("<I", data[3:7])[0]:
            raise ValueError("The file is cut short or damaged: its checksum does not fit. Copy it again.")
        length, alpha_length = struct.unpack("<II", data[7:15])
        picture = self.codec.decompress(data[15 : 15 + length])
        self.last = alpha_length or getattr(self, "last", 0)
        if self.last and not alpha_length:
            picture = picture.convert("RGBA")
        if alpha_length:
            picture.putalpha(Image.frombytes("L", picture.size, zlib.decompress(data[15 + length :])))
        return picture
