"""Sliders that redraw a figure, and questions to answer before the result is shown; ipywidgets 7.7 or 8.

A figure behind a slider is an ordinary notebook output that is replaced when the slider moves. So it is
stored in the file, is seen where widgets are not (GitHub, a printed page), and nothing waits for an
``Output`` widget. Colab replaces outputs only inside an ``Output`` widget, so there it gets one.
"""

from __future__ import annotations

import io
import math
import os
from collections.abc import Callable, Mapping, Sequence

import ipywidgets
from IPython.display import Markdown, display
from matplotlib.figure import Figure
from PIL import Image

from jahp_lib.course.checks import in_colab
from jahp_lib.course.figures import bundle
from jahp_lib.photos.one_photo import PhotoError, open_photo
from jahp_lib.variable_rate import LMBDA_MAX, LMBDA_MIN

WIDE = {"description_width": "initial"}


def lmbda_slider(
    value: float = 0.013, low: float = LMBDA_MIN, high: float = LMBDA_MAX, live: bool = False
) -> ipywidgets.FloatLogSlider:
    """A slider for λ with a logarithmic scale. ``live`` follows while it is dragged; else it acts when it is
    let go.
    """
    slider = log_slider("λ", value, low, high, live)
    slider.step, slider.readout_format = 0.02, ".4f"
    return slider


def float_slider(
    description: str, value: float, low: float, high: float, step: float, live: bool = True
) -> ipywidgets.FloatSlider:
    """A slider for a number; see ``lmbda_slider`` for ``live``."""
    return ipywidgets.FloatSlider(
        value=value,
        min=low,
        max=high,
        step=step,
        description=description,
        continuous_update=live,
        style=WIDE,
        layout=ipywidgets.Layout(width="480px"),
    )


def log_slider(
    description: str, value: float, low: float, high: float, live: bool = True
) -> ipywidgets.FloatLogSlider:
    """A slider for a number above 0 on a logarithmic scale; see ``lmbda_slider`` for ``live``."""
    return ipywidgets.FloatLogSlider(
        value=value,
        base=10,
        min=math.log10(low),
        max=math.log10(high),
        step=0.05,
        description=description,
        continuous_update=live,
        readout_format=".3g",
        style=WIDE,
        layout=ipywidgets.Layout(width="480px"),
    )


def int_slider(description: str, value: int, low: int, high: int, live: bool = True) -> ipywidgets.IntSlider:
    """A slider for a whole number; see ``lmbda_slider`` for ``live``."""
    return ipywidgets.IntSlider(
        value=value,
        min=low,
        max=high,
        description=description,
        continuous_update=live,
        style=WIDE,
        layout=ipywidgets.Layout(width="480px"),
    )


def choice(description: str, options: Sequence[str] | Mapping[str, object]) -> ipywidgets.Dropdown:
    """A list to choose from."""
    return ipywidgets.Dropdown(options=options, description=description, style=WIDE)


def photo_upload() -> ipywidgets.FileUpload:
    """A button that sends one photo from the reader's computer; ``chosen_photo`` reads its ``value``."""
    return ipywidgets.FileUpload(
        accept="image/*", multiple=False, description="Your photo", layout=ipywidgets.Layout(width="240px")
    )


def chosen_photo(
    upload: Mapping[str, Mapping] | Sequence[Mapping], path: str, default: Image.Image, longest: int = 640
) -> tuple[Image.Image, str]:
    """The reader's photo, and a sentence on which one it is.

    Args:
        upload: the value of ``photo_upload``'s widget: by file name in ipywidgets 7, a sequence in 8.
        path: a photo's path, used if nothing was uploaded; may be empty.
        default: used if there is neither, or the photo cannot be read (the sentence says why).
        longest: a photo whose longer side has more pixels is scaled down to that.
    """
    files = list(upload.values()) if isinstance(upload, Mapping) else list(upload)
    if not files and not path:
        return default, "no photo chosen yet: this is a sample"
    try:
        image = open_photo(io.BytesIO(bytes(files[-1]["content"])) if files else path)
    except PhotoError as error:
        return default, f"{error} Shown is a sample."
    width, height = image.size
    if max(width, height) <= longest:
        return image, f"your photo, {width}×{height} pixels"
    scale = longest / max(width, height)
    small = image.resize(
        (max(1, round(width * scale)), max(1, round(height * scale))), Image.Resampling.LANCZOS
    )
    return small, f"your photo, scaled down from {width}×{height} to {small.width}×{small.height} pixels"


def display_widget(widget: ipywidgets.Widget, instead: str) -> None:
    """Display a widget; where widgets are not shown, ``instead`` stands in its place."""
    view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    display({"application/vnd.jupyter.widget-view+json": view, "text/plain": instead}, raw=True)


def player(slider: ipywidgets.IntSlider, milliseconds: int = 600) -> ipywidgets.HBox:
    """``slider`` behind buttons that move it on by itself, a step after another."""
    play = ipywidgets.Play(
        value=slider.value,
        min=slider.min,
        max=slider.max,
        step=slider.step,
        interval=milliseconds,
        layout=ipywidgets.Layout(width="140px"),
    )
    ipywidgets.jslink((play, "value"), (slider, "value"))
    return ipywidgets.HBox([play, slider])


def explore(
    draw: Callable[..., Figure],
    alt: str,
    caption: str = "",
    kind: str = "plot",
    play: str = "",
    **controls: ipywidgets.Widget,
) -> None:
    """Show a figure under sliders; ``draw`` is called with their values whenever one of them changes.

    Args:
        draw: takes the controls' values by name, returns a matplotlib figure.
        alt: what the figure looks like, in words.
        caption: what to try, in Markdown, shown above the sliders.
        kind: "plot" or "photo", as for ``figures.show``.
        play: the name of a slider for whole numbers that gets buttons to move by itself.
        controls: widgets with a ``value``, by the names of ``draw``'s arguments.
    """
    if caption:
        display(Markdown(caption))

    def picture() -> tuple[dict, dict]:
        return bundle(draw(**{name: control.value for name, control in controls.items()}), alt, kind)

    if os.environ.get("NBGRADER_EXECUTION"):  # nothing waits for a mouse while a submission is graded
        return
    names = ", ".join(str(control.description) for control in controls.values())
    rows = [player(control) if name == play else control for name, control in controls.items()]
    display_widget(
        ipywidgets.VBox(rows), f"[Slider: {names}. Open this notebook in JupyterLab or Colab to move it.]"
    )
    if in_colab():

        def redraw(**_: object) -> None:
            data, metadata = picture()
            display(data, raw=True, metadata=metadata)

        display(ipywidgets.interactive_output(redraw, controls))
        return
    data, metadata = picture()
    handle = display(data, raw=True, metadata=metadata, display_id=True)

    def changed(_: object) -> None:
        data, metadata = picture()
        handle.update(data, raw=True, metadata=metadata)

    for control in controls.values():
        control.observe(changed, "value")


class Prediction:
    """A question asked before its answer is shown.

    ``question = Prediction("...", ["...", "..."])`` asks; ``question.reveal("...", because="...")`` in a
    later cell compares.
    """

    def __init__(self, question: str, options: Sequence[str]) -> None:
        self.options = list(options)
        display(Markdown(f"**Predict.** {question}"))
        self.buttons = ipywidgets.RadioButtons(
            options=self.options, value=None, layout=ipywidgets.Layout(width="max-content"), style=WIDE
        )
        listing = "\n".join(f"( ) {option}" for option in self.options)
        display_widget(self.buttons, listing)

    def reveal(self, answer: str, because: str) -> None:
        """Say what is right and why, and how it compares with what was chosen."""
        if answer not in self.options:
            raise ValueError(f"{answer!r} is not one of the options {self.options}.")
        chosen = self.buttons.value
        verdict = (
            ""
            if chosen is None
            else ("You predicted it. " if chosen == answer else f"You predicted: {chosen}. ")
        )
        display(Markdown(f"{verdict}**Answer: {answer}.** {because}"))
