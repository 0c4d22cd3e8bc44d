class PhotoCodec:
    def __init__(self, model):
        self.codec = Codec(model)

    def encode(self, photo, lmbda):
        clear = bool(photo.has_transparency_data)
        bare, alpha = photo, b""
        if clear:
            r, g, b, a = photo.convert("RGBA").split()
            bare, alpha = Image.merge("RGB", (r, g, b)), zlib.compress(a.tobytes())
        blob = self.codec.compress(bare, lmbda=lmbda)
        head = b"XY" + bytes([clear]) + len(blob).to_bytes(6, "little")
        rest = head + blob + alpha
        return rest + zlib.crc32(rest).to_bytes(4, "little")

    def decode(self, data):
        data = bytes(data)
        if len(data) < 13 or data[:2] != b"XY" or zlib.crc32(data[:-4]).to_bytes(4, "little") != data[-4:]:
            raise ValueError("This is none of my files, or it was damaged on the way.")
        n = int.from_bytes(data[3:9], "little")
        out = self.codec.decompress(data[9 : 9 + n])
        if data[2]:
            a = Image.frombytes("L", out.size, zlib.decompress(data[9 + n : -4]))
            out = Image.merge("RGBA", (*out.split(), a))
        return out
