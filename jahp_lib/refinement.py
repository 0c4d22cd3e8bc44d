"""Lesson 11. The encoder is free: the latents of one photo, refined by gradient through the frozen model.

The format fixes what the decoder does with y_hat and z_hat. It does not say where they come from. g_a and h_a
make good latents for all photos at once; for one photo there are better ones, and R + λD itself tells in
which direction they lie:

    y, z  ◀── gradient of R + λD, model fixed
      │
      Q   soft at first, then hard: y_hat = Q(y - means) + means
      │
      ├── entropy model ──▶ R
      └── g_s ──▶ x_hat ──▶ D

Rounding has no gradient, so it is replaced by a coin that falls on one of the two neighbouring integers, the
nearer one more probably: *stochastic Gumbel annealing*. At a high temperature a coin lands between the
integers and tells how R + λD changes there; as the temperature falls it lands on them, and at the end
nothing is left to round.

Source: Yang, Bamler & Mandt 2020, "Improving inference for neural image compression", section 3.2. There the
model has means and scales from z; here the means come from the neighbours too, as far as they are decided at
that step.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from jahp_lib.context import ContextModel, JointModel
from jahp_lib.factorized import FactorizedModel, FactorizedPrior
from jahp_lib.gdn import lower_bound
from jahp_lib.hyperprior import HyperpriorModel, ScaleHyperprior, bound_scales, gaussian_bits
from jahp_lib.rate_distortion import check_lmbda, psnr
from jahp_lib.transforms import LatentModel
from jahp_lib.variable_rate import VariableRate

# How they were found, and what each is worth, stands in data/README.md, section "Refinement".
STEP_SIZE = 0.05  # of Adam, in units of a quantisation bin; falls along a cosine
LAST_STEP_SIZE = 0.05  # as a part of STEP_SIZE
WARMEST, COLDEST = 0.5, 0.2  # temperature
NOISE = 0.5  # of a coin; Yang et al. have 1, for some thousands of steps
WARM_PART = 0.15  # of all steps, before the temperature begins to fall
LOOKS = 20  # how often, in all, the latents are rounded to see what they are worth by now


@dataclass(frozen=True)
class Refinement:
    """How far a refinement has come: what the latents are worth, rounded, at ``step`` of ``steps``.

    ``bpp`` in bit/pixel is the model's estimate, ``psnr`` in dB; ``loss`` is R + λD.
    """

    step: int
    steps: int
    loss: float
    bpp: float
    psnr: float


Watch = Callable[[Refinement], None]


@dataclass(frozen=True)
class Latents:
    """y [B, M, h, w] and z [B, N, h/4, w/4] of photos, not quantised; z has no channels where a model has
    none.

    ``stopped``: whether Ctrl-C ended their refinement early.
    """

    y: Tensor
    z: Tensor
    stopped: bool = False


def refine(
    model: LatentModel | VariableRate,
    x: Tensor,
    lmbda: float,
    steps: int = 200,
    *,
    start: Latents | None = None,
    free: Latents | None = None,
    watch: Watch | None = None,
    generator: torch.Generator | None = None,
) -> Latents:
    """Better latents for these photos: ``steps`` of Adam on y and z by the gradient of R + λD.

    They are what a codec is to code instead of y = g_a(x) and z = h_a(y). KeyboardInterrupt (Ctrl-C, or the
    stop button of a notebook) ends the refinement early; what is returned is always the best of what was
    looked at.

    Args:
        model: in evaluation mode, its weights stay as they are.
        x: photos [B, 3, H, W] in [0, 1].
        lmbda: λ of R + λD.
        start: where to begin; g_a(x) and h_a(y) if not given.
        free: ones where y and z may change and zeros elsewhere, shapes like theirs (or such as broadcast).
        watch: told now and then how far it has come.
        generator: of the coins' randomness, on the device of x; if none is given one that starts from 0, so
            that the same photo gives the same file.

    Returns:
        y and z for ``Codec``: on which side of a boundary between bins they lie is what was learned.

    Raises:
        ValueError: ``lmbda`` is not finite and above 0, ``steps`` is negative, or x has not the shape of
        photos.

    Source: Yang, Bamler & Mandt 2020.
    """
    if steps < 0:
        raise ValueError(f"The number of steps of a refinement is 0 or more, not {steps}.")
    check_lmbda(lmbda)
    base, generator = model.base, generator or torch.Generator(x.device).manual_seed(0)
    height, width = x.shape[-2:]
    with torch.no_grad():
        _, inverse_gain = model.gains(lmbda)
        best = start or first_latents(model, x, lmbda)
        means = first_means(base, best)
    best_loss = math.inf
    y, z = best.y.clone().requires_grad_(), best.z.clone().requires_grad_()
    optimizer = torch.optim.Adam([y, z])

    def lagrangian(y_hat: Tensor, z_hat: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """R + λD, R and D of quantised latents, and the means that the entropy model has for y_hat."""
        predicted, y_bits, z_bits = price(base, y_hat, z_hat)
        rate = (y_bits.sum() + z_bits.sum()) / (len(x) * height * width)
        seen = (y_hat * inverse_gain).contiguous(memory_format=torch.channels_last)  # a quarter faster so
        distortion = (within_0_and_1(base.synthesise(seen, height, width)) - x).square().mean()
        return rate + lmbda * 255**2 * distortion, rate, distortion, predicted.detach()

    @torch.no_grad()
    def look(step: int) -> None:
        """Round, see what that is worth, and keep it if nothing was better."""
        nonlocal best, best_loss
        y_hat, z_hat = torch.round(y - means) + means, quantized_z(base, z, torch.round)
        loss, rate, distortion, _ = lagrangian(y_hat, z_hat)
        if loss.item() < best_loss:
            best, best_loss = Latents(y.detach().clone(), z.detach().clone()), loss.item()
        if watch is not None:
            watch(Refinement(step, steps, loss.item(), rate.item(), psnr(distortion).item()))

    try:
        for step in range(steps):
            if step % math.ceil(steps / LOOKS) == 0:
                look(step)
            toss = partial(gumbel_round, temperature=temperature_at(step / steps), generator=generator)
            optimizer.param_groups[0]["lr"] = step_size_at(step / steps)

            y_hat = toss(y - means) + means
            z_hat = quantized_z(base, z, toss)
            if free is not None:
                y_hat = torch.where(free.y > 0, y_hat, torch.round(y - means) + means)
                z_hat = torch.where(free.z > 0, z_hat, quantized_z(base, z, torch.round))
            loss, _, _, means = lagrangian(y_hat, z_hat)

            y.grad, z.grad = torch.autograd.grad(loss, (y, z), materialize_grads=True)
            if free is not None:
                y.grad, z.grad = y.grad * free.y, z.grad * free.z
            optimizer.step()
        look(steps)
    except KeyboardInterrupt:
        return replace(best, stopped=True)
    return best


def gumbel_round(values: Tensor, temperature: float, generator: torch.Generator | None = None) -> Tensor:
    """A coin for each value, which falls near one of the two neighbouring integers; same shape, with a
    gradient.

    For a value that lies a part f of the way from one integer up to the next:

        odds = (atanh(f) - atanh(1 - f)) / temperature           log odds of falling up rather than down
        coin = floor(value) + sigmoid((odds + noise) / temperature)

    The noise is that of a logistic density, the difference of two Gumbel ones. A warm coin does not fall
    quite flat: it lies between the integers, and moves with the value. A cold one lies on the nearest
    integer.

    Source: Yang, Bamler & Mandt 2020, equation 8; Gumbel-softmax: Jang, Gu & Poole 2017.
    """
    floor = torch.floor(values)
    up = (values - floor).clamp(1e-4, 1 - 1e-4)  # part of the way to the next integer
    odds = (torch.atanh(up) - torch.atanh(1 - up)) / temperature
    noise = torch.rand(values.shape, device=values.device, generator=generator).clamp(1e-6, 1 - 1e-6).logit()
    return floor + torch.sigmoid((odds + NOISE * noise) / temperature)


def within_0_and_1(x_hat: Tensor) -> Tensor:
    """Clipped as a decoder clips; the gradient still brings back a value that should not lie outside; same
    shape."""
    return -lower_bound(-lower_bound(x_hat, 0.0), -1.0)


def temperature_at(part: float) -> float:
    """The temperature after ``part`` (0 to 1) of all steps: ``WARMEST``, then falling at an even rate to
    ``COLDEST``."""
    falling = max(part - WARM_PART, 0.0) / (1 - WARM_PART)
    return WARMEST * (COLDEST / WARMEST) ** falling


def step_size_at(part: float) -> float:
    """Adam's step after ``part`` (0 to 1) of all steps, along a cosine."""
    falling = (1 + math.cos(math.pi * part)) / 2
    return STEP_SIZE * (LAST_STEP_SIZE + (1 - LAST_STEP_SIZE) * falling)


def price(model: LatentModel, y_hat: Tensor, z_hat: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """What a model of the ladder, without gains, charges for latents: means, bits of y, bits of z, per
    element.

    Args:
        y_hat: [B, M, h, w], quantised or nearly.
        z_hat: [B, N, h/4, w/4]; not looked at where a model has none.
    """
    nothing = torch.zeros_like(z_hat)
    if isinstance(model, FactorizedModel):
        return _medians(model.prior).expand_as(y_hat), model.prior(y_hat), nothing
    if isinstance(model, HyperpriorModel):
        features, z_bits = [model.hyper_synthesise(z_hat, *y_hat.shape[-2:])], model.prior(z_hat)
    else:
        features, z_bits = [], nothing
    if isinstance(model, ContextModel | JointModel):
        features.append(model.context_prediction(y_hat))
        means, raw_scales = model.entropy_parameters.means_and_scales(*features)
    elif isinstance(model, ScaleHyperprior):
        means, raw_scales = torch.zeros_like(y_hat), features[0]
    else:
        means, raw_scales = features[0].chunk(2, dim=1)
    return means, gaussian_bits(y_hat, means, bound_scales(raw_scales)), z_bits


def quantized_z(model: LatentModel, z: Tensor, rounding: Callable[[Tensor], Tensor]) -> Tensor:
    """z rounded around its medians, as it is coded."""
    if not isinstance(model, HyperpriorModel):
        return z
    medians = _medians(model.prior)
    return rounding(z - medians) + medians


def _medians(prior: FactorizedPrior) -> Tensor:
    """[C, 1, 1]."""
    return prior.get_buffer("medians")[:, None, None]


def first_latents(model: LatentModel | VariableRate, x: Tensor, lmbda: float) -> Latents:
    """y = g_a(x) and z = h_a(y): what is coded where nothing is refined."""
    y = model.base.analyse(x) * model.gains(lmbda)[0]
    if isinstance(model.base, HyperpriorModel):
        return Latents(y, model.base.hyper_analyse(y))
    return Latents(y, y.new_zeros(len(y), 0, 1, 1))


def first_means(model: LatentModel, latents: Latents) -> Tensor:
    """Means of y, as far as they are known before anything is coded: the neighbours rounded, then rounded
    around their means."""
    z_hat = quantized_z(model, latents.z, torch.round)
    means, _, _ = price(model, torch.round(latents.y), z_hat)
    means, _, _ = price(model, torch.round(latents.y - means) + means, z_hat)
    return means
