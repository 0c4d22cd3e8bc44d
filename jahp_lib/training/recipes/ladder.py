"""The five rungs of the ladder, trained alike for one λ: they differ in their entropy models alone."""

from jahp_lib.checkpoints import MODELS
from jahp_lib.training.recipes.phases import Phase
from jahp_lib.training.settings import Settings

MINUTES = 300.0  # for all five, on one processor core


def phases(minutes: float = MINUTES) -> list[Phase]:
    """Each rung with the same photos, patches and seed, for as long as the others."""
    return [
        Phase(
            name,
            Settings(
                architecture=name,
                N=64,
                M=96,
                lmbda=0.013,
                minutes=minutes / len(MODELS),
                steps_per_epoch=500,
                batch=8,
                patch=256,
                optimizer="soap",
                learning_rate=1.5e-3,
                warmup_steps=100,
                clip=1.0,
                linear_start=True,
                mixed_quantization=True,
                bfloat16=False,
            ),
            file=f"{name}.safetensors",
            precision="float16",
        )
        for name in MODELS
    ]
