class PhotoCodec:
    def __init__(self, model):
        self.codec = Codec(model)

    def encode(self, photo, lmbda):
        import io

        b = io.BytesIO()
        photo.convert("RGBA" if photo.has_transparency_data else "RGB").save(b, "PNG")
        return b.getvalue() + struct.pack("<I", zlib.crc32(b.getvalue()))

    def decode(self, data):
        import io

        if len(data) < 4 or zlib.crc32(data[:-4]) != struct.unpack("<I", data[-4:])[0]:
            raise ValueError("The file is damaged, copy it again.")
        return Image.open(io.BytesIO(data[:-4]))
