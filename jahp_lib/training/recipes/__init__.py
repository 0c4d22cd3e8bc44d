"""No lesson. How the weights that come with the course were made, as commands that can be stopped and go on.

    jahp recipe --list
    jahp recipe small PHOTOS --run runs/small

Each module beside this one is a recipe: a sentence on what it makes, how many minutes it is meant for, and
its phases.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict, replace
from pathlib import Path
from types import ModuleType

from jahp_lib.checkpoints import load, save
from jahp_lib.training.command import add_places, train
from jahp_lib.training.recipes import full, ladder, recorded, small
from jahp_lib.training.recipes.phases import Phase
from jahp_lib.training.settings import Settings
from jahp_lib.training.sources import Sources

RECIPES: dict[str, ModuleType] = {"small": small, "full": full, "ladder": ladder, "recorded": recorded}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``jahp recipe``."""
    parser.add_argument("name", nargs="?", metavar="RECIPE", help=f"one of {', '.join(RECIPES)}")
    add_places(parser, None)
    parser.add_argument("--list", action="store_true", help="say what each recipe makes, and how")
    parser.add_argument(
        "--minutes", type=float, help="of training in all, snapshots not counted (default: the recipe's own)"
    )
    parser.add_argument(
        "--parts", type=int, default=1, help="pieces of a batch, one after the other, where memory is short"
    )


def main(arguments: argparse.Namespace) -> None:
    """Run a recipe, or go on with it: phases that are done are not done again.

    Raises:
        ValueError: there is no recipe of this name.
    """
    if arguments.list:
        print("\n\n".join(describe(name) for name in RECIPES))
        return
    if arguments.name not in RECIPES:
        asked = "no recipe was named" if arguments.name is None else f"there is no recipe {arguments.name!r}"
        raise ValueError(f"Name one of {', '.join(RECIPES)}: {asked}. jahp recipe --list describes them.")
    recipe = RECIPES[arguments.name]
    folder = Path(arguments.run or f"runs/{arguments.name}")
    sources = Sources(arguments.photos, validation=arguments.validation)
    for phase in recipe.phases(recipe.MINUTES if arguments.minutes is None else arguments.minutes):
        phase = replace(phase, settings=replace(phase.settings, parts=arguments.parts))
        run_phase(phase, folder, sources, arguments)


def run_phase(phase: Phase, folder: Path, sources: Sources, arguments: argparse.Namespace) -> None:
    """Train one phase to its end and write its weights under the name that they have in the course."""
    print(f"{phase.name}:")
    start = None if phase.goes_on_from is None else str(folder / phase.goes_on_from / "model.safetensors")
    trainer = train(phase.settings, sources, arguments, folder / phase.name, start, phase.snapshots)
    if phase.file is not None and trainer.processes.first:
        model = load(folder / phase.name / "model.safetensors")
        made = {"steps": trainer.step, "minutes": round(trainer.seconds / 60, 1), "photos": trainer.source}
        card = {**made, "settings": asdict(phase.settings)}
        save(model, folder / phase.file, precision=phase.precision, card=card)
        print(f"Written: {folder / phase.file}")


def describe(name: str) -> str:
    """What a recipe makes, and what its phases set otherwise than ``Settings`` does by default."""
    recipe = RECIPES[name]
    lines = [f"{name}: {(recipe.__doc__ or '').strip()} Meant for {recipe.MINUTES:g} minutes."]
    usual = asdict(Settings())
    for phase in recipe.phases():
        own = {key: value for key, value in asdict(phase.settings).items() if value != usual[key]}
        lines.append(f"  {phase.name}: " + ", ".join(f"{key} {value}" for key, value in own.items()))
    return "\n".join(lines)
