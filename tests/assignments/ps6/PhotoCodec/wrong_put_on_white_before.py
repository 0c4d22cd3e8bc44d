class PhotoCodec:
    def __init__(self, model):
        self.codec = Codec(model)

    def encode(self, photo, lmbda):
        alpha = (
            zlib.compress(photo.convert("RGBA").getchannel("A").tobytes())
            if photo.has_transparency_data
            else b""
        )
        body = struct.pack("<I", len(alpha)) + alpha + self.codec.compress(photo, lmbda)
        return b"PS6" + struct.pack("<I", zlib.crc32(body)) + body

    def decode(self, data):
        if data[:3] != b"PS6" or len(data) < 11 or zlib.crc32(data[7:]) != struct.unpack("<I", data[3:7])[0]:
            raise ValueError("The file is damaged, or it is no file of mine.")
        length = struct.unpack("<I", data[7:11])[0]
        picture = self.codec.decompress(data[11 + length :])
        if length:
            picture.putalpha(Image.frombytes("L", picture.size, zlib.decompress(data[11 : 11 + length])))
        return picture
