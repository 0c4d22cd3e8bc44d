"""A model's layers with shapes and parameters, as ``jahp table`` prints them."""

from __future__ import annotations

from torch import nn
from torchinfo import summary

from jahp_lib.context import JointModel
from jahp_lib.transforms import LatentModel

ORIGINAL = """\
The original implementation (thekoshkina/learned_image_compression) has as many in its convolutions. It shares
one GDN among the three stages of g_a, and one inverse among those of g_s (2 x 37,056 parameters), where here
each stage has its own, and it has a sigmoid where the learned density of z belongs."""


def layer_table(model: LatentModel, height: int, width: int) -> str:
    """Layers, output shapes and parameters of a model on an image of ``height`` x ``width`` pixels, as text.

    Raises:
        ValueError: the model cannot take an image of that size.
    """
    forward = model.forward
    model.forward = lambda x: forward(x).x_hat  # type: ignore # torchinfo wants one tensor
    try:
        table = summary(
            model.eval(),
            input_size=(1, 3, height, width),
            col_names=("output_size", "kernel_size", "num_params"),
            depth=2,
            device="cpu",
            verbose=0,
        )
    except RuntimeError as error:  # torchinfo's, around what the model says of a size that it cannot take
        raise error.__cause__ or error from None
    finally:
        model.forward = forward  # type: ignore[method-assign]
    convolutions = sum(
        parameter.numel()
        for layer in model.modules()
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)
        for parameter in layer.parameters(recurse=False)
    )
    lines = [
        str(table),
        f"Convolutions alone, without GDN and the learned density of z: {convolutions:,} parameters.",
    ]
    if isinstance(model, JointModel) and model.N == model.M == 192:
        lines.append(ORIGINAL)
    return "\n".join(lines)
