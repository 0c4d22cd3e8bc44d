import io


class PhotoCodec:
    def __init__(self, model):
        self.model, self.codec = model, Codec(model)

    def encode(self, photo, lmbda):
        parts = [b"", b""]
        if photo.has_transparency_data:
            rgba = photo.convert("RGBA")
            buffer = io.BytesIO()
            rgba.getchannel("A").save(buffer, "PNG")
            parts[1] = buffer.getvalue()
            photo = rgba.convert("RGB")
        parts[0] = self.codec.compress(photo, lmbda)
        start = b"MINE" + struct.pack(">II", *map(len, parts))
        return start + struct.pack(">I", zlib.crc32(start + parts[0] + parts[1])) + parts[0] + parts[1]

    def decode(self, data):
        if len(data) < 16 or data[:4] != b"MINE":
            raise BitstreamError("This is not one of my files, or there is not even a whole header.")
        first, second, checksum = struct.unpack_from(">III", data, 4)
        if len(data) != 16 + first + second:
            raise BitstreamError("My file has another length than its header says.")
        if zlib.crc32(data[16:], zlib.crc32(data[:12])) != checksum:
            raise BitstreamError("My file is damaged: the checksum is wrong.")
        picture = self.codec.decompress(data[16 : 16 + first])
        if second:
            picture.putalpha(Image.open(io.BytesIO(data[16 + first :])))
        return picture
