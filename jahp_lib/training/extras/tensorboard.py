"""No lesson. The figures of each epoch for TensorBoard, beside ``history.json``."""

from __future__ import annotations

from pathlib import Path

from jahp_lib.training.loop import Callback, Trainer
from jahp_lib.training.records import EpochRecord
from jahp_lib.training.settings import TrainingError


class TensorBoard(Callback):
    """Writes loss, rate, PSNR, learning rate, λ, speed and the validation loss of each epoch to ``folder``.

    Raises:
        TrainingError: TensorBoard is not installed.
    """

    def __init__(self, folder: str | Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise TrainingError(
                "TensorBoard is not installed: pip install tensorboard, or leave --tensorboard out. "
                "The same figures are in the run's history.json."
            ) from error
        self.writer = SummaryWriter(str(folder))

    def after_epoch(self, trainer: Trainer, record: EpochRecord) -> None:
        figures = {
            "loss": record.loss,
            "bit per pixel": record.bpp,
            "PSNR": record.psnr,
            "images per second": record.images_per_second,
            "learning rate": trainer.optimizer.param_groups[0]["lr"],
            "lambda": record.lmbda,
            "validation loss": record.validation,
        }
        for name, value in figures.items():
            if value is not None:
                self.writer.add_scalar(name, value, record.step)
        self.writer.flush()
