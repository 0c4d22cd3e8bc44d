class PhotoCodec:
    def __init__(self, model):
        self.codec = Codec(model)

    def encode(self, photo, lmbda):
        alpha = b""
        if photo.has_transparency_data:
            photo = photo.convert("RGBA")
            alpha, photo = photo.getchannel("A").tobytes(), photo.convert("RGB")
        return b"PS6" + struct.pack("<I", len(alpha)) + alpha + self.codec.compress(photo, lmbda)

    def decode(self, data):
        if data[:3] != b"PS6" or len(data) < 7:
            raise ValueError("The file is damaged, or it is no file of mine.")
        length = struct.unpack("<I", data[3:7])[0]
        picture = self.codec.decompress(data[7 + length :])
        if length:
            picture.putalpha(Image.frombytes("L", picture.size, data[7 : 7 + length]))
        return picture
