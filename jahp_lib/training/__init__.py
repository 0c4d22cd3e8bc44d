"""Lesson 12. Training: ``settings`` says what, ``loop`` does it, ``run_folder`` keeps it, ``command`` is
``jahp train``.

    from jahp_lib.training import Settings, Trainer, run

``extras`` holds what no lesson builds, ``recipes`` how the weights that come with the course were made.
"""

from jahp_lib.training.command import add_arguments, main
from jahp_lib.training.extras.devices import one_thread, usable_device
from jahp_lib.training.loop import Callback, Trainer
from jahp_lib.training.records import EpochRecord
from jahp_lib.training.run_folder import run
from jahp_lib.training.settings import Settings, TrainingError

__all__ = [
    "Callback",
    "EpochRecord",
    "Settings",
    "Trainer",
    "TrainingError",
    "add_arguments",
    "main",
    "one_thread",
    "run",
    "usable_device",
]
