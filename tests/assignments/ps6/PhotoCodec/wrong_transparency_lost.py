class PhotoCodec:
    def __init__(self, model):
        self.codec = Codec(model)

    def encode(self, photo, lmbda):
        return self.codec.compress(photo, lmbda)

    def decode(self, data):
        return self.codec.decompress(data)
