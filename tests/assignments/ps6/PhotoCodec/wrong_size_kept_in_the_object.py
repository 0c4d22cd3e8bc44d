class PhotoCodec:
    def __init__(self, model):
        self.codec = Codec(model)

    def encode(self, photo, lmbda):
        alpha = b""
        if photo.has_transparency_data:
            photo = photo.convert("RGBA")
            alpha, photo = zlib.compress(photo.getchannel("A").tobytes()), photo.convert("RGB")
        self.size, self.length = photo.size, len(alpha)
        body = alpha + self.codec.compress(photo, lmbda)
        return b"PS6" + struct.pack("<I", zlib.crc32(body)) + body

    def decode(self, data):
        if data[:3] != b"PS6" or len(data) < 7 or zlib.crc32(data[7:]) != struct.unpack("<I", data[3:7])[0]:
            raise ValueError("The file is damaged, or it is no file of mine.")
        picture = self.codec.decompress(data[7 + self.length :])
        if self.length:
            picture.putalpha(Image.frombytes("L", self.size, zlib.decompress(data[7 : 7 + self.length])))
        return picture
