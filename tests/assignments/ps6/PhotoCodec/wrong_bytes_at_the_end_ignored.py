class PhotoCodec:
    def __init__(self, model):
        self.codec = Codec(model)

    def encode(self, photo, lmbda):
        alpha = b""
        if photo.has_transparency_data:
            photo = photo.convert("RGBA")
            alpha, photo = zlib.compress(photo.getchannel("A").tobytes()), photo.convert("RGB")
        colours = self.codec.compress(photo, lmbda)
        body = struct.pack("<II", len(colours), len(alpha)) + colours + alpha
        return b"PS6" + struct.pack("<I", zlib.crc32(body)) + body

    def decode(self, data):
        if data[:3] != b"PS6" or len(data) < 15:
            raise ValueError("The file is cut short, or it is no file of mine.")
        checksum, first, second = struct.unpack("<III", data[3:15])
        if zlib.crc32(data[7 : 15 + first + second]) != checksum:
            raise ValueError("The file is damaged: its checksum does not fit.")
        picture = self.codec.decompress(data[15 : 15 + first])
        if second:
            picture.putalpha(
                Image.frombytes("L", picture.size, zlib.decompress(data[15 + first : 15 + first + second]))
            )
        return picture
