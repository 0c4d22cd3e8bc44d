"""No lesson. What a recipe is made of: phases of training, one after the other, each in a folder of its
own.
"""

from __future__ import annotations

from dataclasses import dataclass

from jahp_lib.training.settings import Settings


@dataclass(frozen=True)
class Phase:
    """One run of ``jahp train``.

    ``name`` is that of its folder within the recipe's; ``goes_on_from`` the phase whose weights it starts
    from; ``snapshots`` as for ``run``. With ``file``, its weights are written to the recipe's folder under
    this name in the end, with ``precision`` as for ``save``.
    """

    name: str
    settings: Settings
    goes_on_from: str | None = None
    snapshots: str = "epochs"
    file: str | None = None
    precision: str = "int8"
