class PhotoCodec:
    def __init__(self, model):
        self.codec = Codec(model)

    def encode(self, photo, lmbda):
        flag, alpha = 0, b""
        if photo.has_transparency_data:
            pixels = np.asarray(photo.convert("RGBA"))
            flag, alpha, photo = (
                1,
                zlib.compress(pixels[..., 3].tobytes()),
                Image.fromarray(np.ascontiguousarray(pixels[..., :3])),
            )
        file = (
            b"PC" + bytes([flag]) + len(alpha).to_bytes(4, "big") + alpha + self.codec.compress(photo, lmbda)
        )
        return file + zlib.crc32(file).to_bytes(4, "big")

    def decode(self, data):
        body, checksum = data[:-4], data[-4:]
        if not body.startswith(b"PC") or zlib.crc32(body).to_bytes(4, "big") != checksum:
            raise ValueError("The file is damaged, or it is no file of mine.")
        flag, length = body[2], int.from_bytes(body[3:7], "big")
        picture = self.codec.decompress(body[7 + length :])
        if flag:
            values = np.frombuffer(zlib.decompress(body[7 : 7 + length]), np.uint8).reshape(
                picture.height, picture.width
            )
            picture = Image.fromarray(np.dstack([np.asarray(picture), values]))
        return picture
