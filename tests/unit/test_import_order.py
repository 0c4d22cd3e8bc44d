"""The library is the course: a lesson's module imports only what earlier lessons have built.

``ORDER`` is the one direction in which modules may import. In one place it is not the order of the course:
``codec.codec``, the end of lesson 9, also takes a model of lesson 10 (``variable_rate``), so that one codec
serves every λ. ``photos`` and ``checkpoints`` are no lessons, but stand before ``training``, which reads
photos and writes weights, and before ``codec.codec`` and ``codec.files``, which open photos and write files.
The parts of the codec that lessons 8 and 9 build come before them and touch no file. What is not listed is
the front of the house (command line, the course's figures and sliders): it may import everything and is
imported by nothing in the list.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import jahp_lib

PACKAGE = Path(jahp_lib.__file__).parent

LESSONS_1_TO_7 = [
    "bits",
    "rate_distortion",
    "gdn",
    "transforms",
    "factorized",
    "masked_conv",
    "hyperprior",
    "context",
    "original_hyperprior",
]
CODEC = [
    "container",
    "info",
    "portable_math",
    "fixed_point",
    "wavefront",
    "fast",
    "fast.trimming",
    "fast.tiles",
    "fast.transforms",
    "tables",
    "entropy_models",
    "fast.grouped_context",
    "targets",
]
FILES = [
    "whole_files",
    "colour_profiles",
    "one_photo",
    "listing",
    "on_demand",
    "patches",
    "dead_leaves",
    "downloads",
]
ORDER = [
    "weights",
    "style",
    *LESSONS_1_TO_7,
    *(f"codec.{part}" for part in CODEC),
    "multipliers",
    "variable_rate",
    "refinement",
    *(f"photos.{part}" for part in FILES),
    "photos",
    "checkpoints.files",
    "checkpoints.compressai",
    "checkpoints.published_weights",
    "checkpoints",
    "codec.windows",
    "codec.codec",
    "codec",
    "codec.files",
    "snapshots",
    "training.extras",
    *(f"training.extras.{part}" for part in ("control_variate", "distributed", "divergence", "stratified")),
    *(f"training.extras.{part}" for part in ("linear_start", "moving_average", "fast_layers")),
    *("training.settings", "training.records", "training.start", "training.optimizers"),
    *(f"training.extras.{part}" for part in ("devices", "lock", "progress", "validation")),
    *(
        "training.sources",
        "training.loop",
        "training.extras.tensorboard",
        "training.state",
        "training.run_folder",
        "training.command",
    ),
    "training",
    "training.recipes.phases",
    *(f"training.recipes.{name}" for name in ("small", "full", "ladder", "recorded")),
    "training.recipes",
    "evaluation",
    "reference_programs",
    "command_rules",
    "comparison",
]
MODULES = {
    ".".join(file.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__"): file
    for file in sorted(PACKAGE.rglob("*.py"))
    if file.parent != PACKAGE or file.name != "__init__.py"
}


def imported_modules(source: str, module: str) -> set[str]:
    """The modules of the library that a source text imports anywhere in it, names as in ``MODULES``."""
    package = (
        ("jahp_lib." + module).split(".")
        if MODULES.get(module, Path()).name == "__init__.py"
        else ("jahp_lib." + module).split(".")[:-1]
    )
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            origin = ".".join(part for part in (base, node.module) if part)
            # "from jahp_lib import data" imports a module, "from jahp_lib.data import DATA" a name out of one
            submodules = {
                f"{origin}.{alias.name}"
                for alias in node.names
                if f"{origin}.{alias.name}".removeprefix("jahp_lib.") in MODULES
            }
            found |= submodules or {origin}
    return {name.removeprefix("jahp_lib.") for name in found if name.split(".")[0] == "jahp_lib"}


def offences(module: str, source: str) -> set[str]:
    """What a module imports though it does not come before it."""
    earlier = set(ORDER[: ORDER.index(module)])
    return imported_modules(source, module) - earlier


@pytest.mark.parametrize("module", ORDER)
def test_a_module_imports_only_what_comes_before_it(module: str) -> None:
    """Breaks if a lesson's module reaches forward, to itself through the package, or into the front of the
    house."""
    assert offences(module, MODULES[module].read_text(encoding="utf-8")) == set()


def test_every_module_that_the_rule_names_is_there() -> None:
    """Breaks if a module is renamed and leaves the rule."""
    assert set(ORDER) <= set(MODULES)


@pytest.mark.parametrize("package", ["codec", "training"])
def test_every_part_of_a_package_has_its_place_in_the_order(package: str) -> None:
    """Breaks if a new part of the codec or of training is added without saying where it stands."""
    parts = {name for name in MODULES if name.split(".")[0] == package} - {"training.__main__"}
    assert parts <= set(ORDER)


@pytest.mark.parametrize(
    "source",
    [
        "from jahp_lib.context import JointModel",
        "import jahp_lib.context",
        "import jahp_lib",
        "from jahp_lib import context",
        "from jahp_lib import GDN",
        "from .context import JointModel",
        "from . import context",
        "def late():\n    from jahp_lib.context import JointModel",
        "from jahp_lib.course.checks import begin",
        "from jahp_lib.codec import Codec",
        "import torch\nif torch:\n    import jahp_lib.photos as d",
    ],
)
def test_the_rule_sees_every_way_of_importing_what_comes_later(source: str) -> None:
    """Breaks if this test's own parser overlooks an import: a test of the test."""
    assert offences("gdn", source)


def test_the_rule_lets_through_what_comes_earlier() -> None:
    """Breaks if the rule refuses everything: then passing by an empty list would prove nothing."""
    allowed = (
        "import math\nimport torch\nfrom jahp_lib.gdn import GDN\nfrom jahp_lib import transforms\n"
        "from .rate_distortion import psnr"
    )
    assert offences("context", allowed) == set()
    assert imported_modules(allowed, "context") == {"gdn", "transforms", "rate_distortion"}
