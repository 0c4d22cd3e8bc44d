"""The next weights ``small``: one model for every λ, for two processor cores. Those shipped have M = 144."""

from jahp_lib.training.recipes.phases import Phase
from jahp_lib.training.settings import Settings

MINUTES = 600.0  # on one processor core


def phases(minutes: float = MINUTES) -> list[Phase]:
    """A linear start, then SOAP on large patches; each image draws its own λ. The learning rate follows the
    clock.
    """
    settings = Settings(
        architecture="JointModel",
        N=64,
        M=188,
        lmbda=0.0018,
        lmbda_max=0.18,
        minutes=minutes,
        steps_per_epoch=500,
        batch=8,
        patch=256,
        optimizer="soap",
        learning_rate=1.5e-3,
        warmup_steps=100,
        clip=1.0,
        linear_start=True,
        mixed_quantization=True,
        bfloat16=False,  # slow on many processors, and fast layers are for float32
    )
    return [Phase("whole_model", settings, file="small.safetensors")]
