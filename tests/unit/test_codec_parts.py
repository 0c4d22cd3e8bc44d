"""Lesson 7, part by part: portable functions, tables, the coder's ends, exact layers, the wavefront, tiles,
the header."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from fractions import Fraction

import constriction
import numpy as np
import pytest
import scipy.special
import scipy.stats
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from jahp_lib.checkpoints import MODELS
from jahp_lib.codec import Codec, container, fixed_point, portable_math, tables, wavefront
from jahp_lib.codec.entropy_models import EntropyModel, means_and_tables
from jahp_lib.codec.fast import tiles, transforms
from jahp_lib.factorized import FactorizedPrior
from jahp_lib.masked_conv import causal_mask
from jahp_lib.transforms import LatentModel
from jahp_lib.variable_rate import VariableRate

Lively = Callable[..., LatentModel]
CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("ours", "theirs", "points"),
    [
        (portable_math.exp, np.exp, np.linspace(-600, 600, 20001)),
        (portable_math.log1p, np.log1p, np.linspace(0, 1, 5001)),
        (portable_math.softplus, lambda x: np.logaddexp(0, x), np.linspace(-30, 30, 5001)),
        (portable_math.sigmoid, scipy.special.expit, np.linspace(-40, 40, 5001)),
        (portable_math.tanh, np.tanh, np.linspace(-20, 20, 4001)),
        (portable_math.normal_cdf, scipy.stats.norm.cdf, np.linspace(-6.9, 6.9, 5001)),
    ],
)
def test_portable_functions_agree_with_scipy(ours: Callable, theirs: Callable, points: np.ndarray) -> None:
    np.testing.assert_allclose(ours(points), theirs(points), rtol=2e-13, atol=2e-15)


@pytest.mark.parametrize(
    "function", [portable_math.exp, portable_math.softplus, portable_math.tanh, portable_math.normal_cdf]
)
def test_portable_functions_stay_finite_far_out(function: Callable) -> None:
    assert np.isfinite(function(np.array([-1e300, -1e4, 1e4, 1e300]))).all()


def test_every_gaussian_table_adds_up_and_gives_each_symbol_its_probability() -> None:
    levels = tables.scale_levels()
    for index, scale in enumerate(levels):
        table = tables.gaussian_table(index)
        assert table.frequencies.sum() == 2**24
        assert table.frequencies.min() >= 1
        symbols = np.arange(-table.reach, table.reach + 1)
        expected = scipy.stats.norm.cdf((symbols + 0.5) / scale) - scipy.stats.norm.cdf(
            (symbols - 0.5) / scale
        )
        # each is off by its rounding and by the 1 it has at least; the largest also takes what is left over
        assert np.abs(table.frequencies[:-1] / 2**24 - expected).max() < (2 * table.reach + 40) / 2**24, scale


def test_the_nearest_scale_level_costs_less_than_a_ten_thousandth_of_a_bit_on_average() -> None:
    """The largest cost is half a step away from a level:

    the divergence of two Gaussians is then about (step / 2)**2 nats.
    """
    levels, thresholds = tables.scale_levels(), tables.scale_thresholds()
    wide = thresholds >= 1  # below, bins are coarser than the density and the divergence is smaller still
    average = ((levels[1:] / levels[:-1])[wide] - 1) ** 2 / 12 / math.log(2)
    assert average.mean() < 1e-4
    ratios = (thresholds / levels[:-1])[wide]
    largest = (ratios**2 / 2 - 0.5 - np.log(ratios)) / math.log(
        2
    )  # the divergence in bits, exact but for the bins
    assert 3e-4 < largest.max() < 3.6e-4


def test_a_scale_gets_the_table_of_the_nearest_level() -> None:
    levels = torch.from_numpy(tables.scale_levels())
    scales = torch.cat((torch.logspace(-1, 3, 5000, dtype=torch.float64), torch.tensor([-5.0, 0.0, 1e4])))
    chosen = tables.scale_indices(scales, torch.from_numpy(tables.scale_thresholds())).long()
    assert torch.equal(chosen, (levels - scales[:, None]).abs().argmin(1))


def test_the_coder_uses_exactly_our_frequencies() -> None:
    """An ANS coder with a known state decodes one quantile at a time:

    each table's boundaries must lie where our integers put them.
    """
    rng = np.random.default_rng(0)
    for index in [0, 1, 40, 150, 300, len(tables.scale_levels()) - 1]:
        table = tables.gaussian_table(index)
        ends = np.cumsum(table.frequencies)
        for symbol in {0, 1, table.reach, len(ends) - 1, *rng.integers(0, len(ends), 50).tolist()}:
            for quantile in (ends[symbol] - table.frequencies[symbol], ends[symbol] - 1):
                coder = constriction.stream.stack.AnsCoder(np.array([quantile, 1], np.uint32))
                assert coder.decode(table.model) == symbol


def test_prior_tables_give_the_bits_of_the_prior(lively: Lively) -> None:
    prior = lively("FactorizedModel", M=5).prior
    medians = tables.snapped_medians(prior)
    symbols = torch.arange(-6, 7)
    with torch.no_grad():
        z = torch.from_numpy(medians)[None, :, None, None] + symbols
        bits = prior(z.float())[0, :, 0]
    for channel, table in enumerate(tables.prior_tables(prior)):
        assert table.frequencies.sum() == 2**24
        ours = 24 - np.log2(table.frequencies[symbols.numpy() + table.reach])
        np.testing.assert_allclose(ours, bits[channel], atol=2e-3)


def test_prior_tables_refuse_weights_that_are_not_finite(lively: Lively) -> None:
    prior = lively("FactorizedModel", M=5).prior
    with torch.no_grad():
        prior.biases[0][0] = float("nan")
    with pytest.raises(ValueError, match="not all finite"):
        tables.prior_tables(prior)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 411), st.integers(-32767, 32767), st.booleans()), min_size=1, max_size=60
    )
)
def test_what_was_written_is_read_back_whatever_the_symbols(drawn: list[tuple[int, int, bool]]) -> None:
    """Usual symbols and far ones (escapes); every end of the code, which is cut to as few bytes as can be."""
    which = np.array([index for index, _, _ in drawn], np.int16)
    symbols = np.array([symbol if far else symbol % 5 - 2 for _, symbol, far in drawn], np.int32)
    family = tables.GaussianTables()
    encoder = tables.SymbolEncoder()
    for _ in range(2):
        encoder.encode(family, which, symbols)
    payload = encoder.payload()
    assert len(payload) <= 4 * len(encoder.coder.get_compressed())
    decoder = tables.SymbolDecoder(payload)
    for _ in range(2):
        np.testing.assert_array_equal(decoder.decode(family, which), symbols)


def test_the_end_of_the_code_costs_about_a_byte_and_is_not_cut_too_short() -> None:
    rng = np.random.default_rng(0)
    excess = []
    for _ in range(2000):
        which = rng.integers(100, 300, rng.integers(1, 50)).astype(np.int16)
        symbols = np.rint(rng.standard_normal(len(which)) * tables.scale_levels()[which]).astype(np.int32)
        encoder = tables.SymbolEncoder()
        encoder.encode(tables.GaussianTables(), which, symbols)
        chosen = [tables.gaussian_table(index) for index in which]
        bits = sum(
            24 - np.log2(table.frequencies[symbol + table.reach])
            for table, symbol in zip(chosen, symbols, strict=True)
        )
        payload = encoder.payload()
        excess.append(len(payload) - bits / 8)
        np.testing.assert_array_equal(
            tables.SymbolDecoder(payload).decode(tables.GaussianTables(), which), symbols
        )
    assert 0 <= np.mean(excess) < 1
    assert max(excess) < 2


def fractions(values: torch.Tensor) -> np.ndarray:
    """The same values as Python's exact fractions."""
    return np.vectorize(Fraction, otypes=[object])(values.numpy())


def test_a_layer_computes_what_exact_fractions_give() -> None:
    """With inputs as large as are let through at all; fails if the bound on the sums is too generous."""
    generator = torch.Generator().manual_seed(0)
    weight, bias = torch.randn(7, 300, generator=generator), torch.randn(7, generator=generator) * 50
    layer = fixed_point.ExactLinear.from_rows(weight, bias, "a layer")
    rows = fixed_point.snap(torch.randn(5, 300, generator=generator, dtype=torch.float64) * 1e5)
    rows[0] = torch.sign(layer.weight[0]) * fixed_point.LIMIT  # all terms of the first output add up
    expected = fractions(rows) @ fractions(layer.weight).T + fractions(layer.bias)
    assert (fractions(layer(rows)) == expected).all()


def test_the_order_of_summation_changes_no_bit_of_a_layer_and_does_change_float32() -> None:
    """The second half shows that the first is no matter of course."""
    generator = torch.Generator().manual_seed(0)
    weight, bias = torch.randn(64, 500, generator=generator), torch.randn(64, generator=generator)
    layer = fixed_point.ExactLinear.from_rows(weight, bias, "a layer")
    rows = fixed_point.snap(torch.randn(40, 500, generator=generator, dtype=torch.float64) * 30)
    once = layer(rows)
    in_float32 = rows.float() @ weight.T
    same_in_float32 = True
    for _ in range(5):
        order = torch.randperm(500, generator=generator)
        assert torch.equal(rows[:, order] @ layer.weight.T[order] + layer.bias, once)
        assert torch.equal(torch.stack([layer(row[None])[0] for row in rows]), once)
        same_in_float32 &= torch.equal(rows[:, order].float() @ weight.T[order], in_float32)
    assert not same_in_float32


def test_no_activation_is_let_through_beyond_the_limit_that_the_bound_on_sums_counts_with() -> None:
    values = torch.tensor([-1e12, -70000.0, 65535.99999, 1e300], dtype=torch.float64)
    assert fixed_point.snap(values).tolist() == [-(2.0**16), -(2.0**16), 2.0**16, 2.0**16]
    assert fixed_point.snap(torch.tensor([0.3], dtype=torch.float64)).item() == round(0.3 * 4096) / 4096


def test_a_mean_and_a_symbol_together_stay_within_the_limit() -> None:
    parameters = torch.tensor([[-6e4, 6e4, 1.0, 1.0]], dtype=torch.float64)
    means, _ = means_and_tables(parameters, True, torch.from_numpy(tables.scale_thresholds()))
    assert means.abs().max() + tables.LARGEST_SYMBOL + 1 <= fixed_point.LIMIT


def test_snapped_weights_are_close_to_the_floats() -> None:
    weight, bias = torch.randn(64, 500), torch.randn(64)
    layer = fixed_point.ExactLinear.from_rows(weight, bias, "a layer")
    assert (layer.weight - weight).abs().max() < 2**-12
    assert (layer.bias - bias).abs().max() < 2**-24


@pytest.mark.parametrize(
    ("factor", "sentence"),
    [(1e5, "too large for exact sums"), (math.inf, "not all finite"), (math.nan, "not all finite")],
)
def test_weights_whose_sums_might_not_be_exact_are_refused(factor: float, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        fixed_point.exact_weights(torch.ones(3, 10) * factor, torch.zeros(3), "a layer")


def test_the_bound_on_sums_is_sharp() -> None:
    """Sums of just below 2**53 units pass, twice as much is refused:

    weights of 1, LIMIT = 2**16, units of 2**-(8 + 12).
    """
    most = 2 ** (53 - 16 - 12 - fixed_point.LEAST_WEIGHT_BITS)
    fixed_point.exact_weights(torch.full((1, 8), most / 8 - 1), torch.zeros(1), "a layer")
    with pytest.raises(ValueError, match="too large"):
        fixed_point.exact_weights(torch.full((1, 8), most / 8), torch.zeros(1), "a layer")


@pytest.mark.parametrize("layer", [
    nn.ConvTranspose2d(5, 7, 5, 2, 2, output_padding=1),
    nn.ConvTranspose2d(5, 7, 3, 1, 1),
    nn.ConvTranspose2d(5, 7, 5, 2, 0),
    nn.ConvTranspose2d(5, 7, 5, 2, 1),
])  # fmt: skip
@pytest.mark.parametrize("size", [(1, 1), (3, 5), (6, 2)])
def test_the_exact_transposed_convolution_is_the_one_of_pytorch(
    layer: nn.ConvTranspose2d, size: tuple[int, int]
) -> None:
    exact = fixed_point.ExactTransposedConv.from_layer(layer, "a layer")
    x = fixed_point.snap(torch.randn(5, *size, dtype=torch.float64) * 10)
    with torch.no_grad():
        expected = layer.double()(x[None])[0]
    layer.float()
    torch.testing.assert_close(exact(x), expected, rtol=0, atol=1e-3)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 9), (9, 1), (6, 11), (11, 6)])
@pytest.mark.parametrize("kernel_size", [3, 5])
def test_the_wavefront_takes_each_position_once_and_never_before_its_neighbours(
    height: int, width: int, kernel_size: int
) -> None:
    schedule = wavefront.wavefront(height, width, kernel_size)
    assert sorted(schedule.order.tolist()) == list(range(height * width))
    assert len(schedule.blocks) == width + (kernel_size // 2 + 1) * (height - 1) - (
        0 if width > kernel_size // 2 else (height - 1) * (kernel_size // 2 + 1 - width)
    )
    step = np.empty(height * width, int)
    for number, block in enumerate(schedule.blocks):
        step[schedule.order[block]] = number
    step = step.reshape(height, width)
    radius = kernel_size // 2
    for down, across in torch.nonzero(causal_mask("A", kernel_size, kernel_size)).tolist():
        down, across = down - radius, across - radius
        for row in range(height):
            for column in range(width):
                if row + down >= 0 and 0 <= column + across < width:
                    assert step[row + down, column + across] < step[row, column]


def test_a_photo_of_768x512_takes_141_steps() -> None:
    assert len(wavefront.wavefront(32, 48).blocks) == 48 + 3 * 31 == 141


def test_along_the_wavefront_and_one_by_one_in_raster_order_give_the_same_bits(lively: Lively) -> None:
    model = lively("JointModel", N=8, M=12)
    with torch.inference_mode():
        exact = EntropyModel(model, CPU)
        y, z_hat = torch.randn(12, 7, 9, dtype=torch.float64) * 4, torch.randint(-3, 4, (8, 2, 3)).double()
        fast = wavefront.wavefront(7, 9)
        slow = wavefront.Schedule(7, 9, 2, np.arange(63), np.arange(63) + 1)
        results = []
        for schedule in (fast, slow):
            rows = y.flatten(1).T[torch.from_numpy(schedule.order)]
            symbols = []

            def code(
                block: slice, means: torch.Tensor, which: torch.Tensor, rows=rows, symbols=symbols
            ) -> torch.Tensor:
                symbols.append(torch.round(rows[block] - means))
                return symbols[-1]

            results.append(wavefront.walk(schedule, 12, exact.y_predictor(z_hat, schedule), code, CPU))
            assert torch.cat(symbols).abs().max() > 3
        assert torch.equal(*results)


@pytest.mark.parametrize(("height", "width"), [(25, 1), (25, 2), (9, 3), (1, 20), (7, 9)])
def test_no_position_is_predicted_from_a_neighbour_that_is_not_coded_yet(
    height: int, width: int, lively: Lively
) -> None:
    """Would break where blocks looked at together are counted by number:

    a narrow latent has no block for some times.
    """
    model, told = lively("JointModel", N=8, M=12), []
    with torch.inference_mode():
        exact = EntropyModel(model, CPU)
        y = torch.randn(12, height, width, dtype=torch.float64) * 4
        z_hat = torch.randint(-3, 4, (8, -(-height // 4), -(-width // 4))).double()
        schedule = wavefront.wavefront(height, width)
        rows = y.flatten(1).T[torch.from_numpy(schedule.order)]

        def code(block: slice, means: torch.Tensor, which: torch.Tensor) -> torch.Tensor:
            told.append((means.clone(), which.clone()))
            return torch.round(rows[block] - means)

        y_hat = wavefront.walk(schedule, 12, exact.y_predictor(z_hat, schedule), code, CPU)
        buffer = (
            F.pad(y_hat, (2, 2, 2, 0)).flatten(1).T.contiguous()
        )  # all of it, as only the encoder could know it
        predictor = exact.y_predictor(z_hat, schedule)
        for block, (means, which) in zip(schedule.blocks, told, strict=True):
            later_means, later_which = predictor(buffer, block, torch.from_numpy(schedule.slots[block]))
            assert torch.equal(means, later_means)
            assert torch.equal(which, later_which)


def test_exact_networks_predict_what_the_float_model_predicts(lively: Lively) -> None:
    """Means to 0.002 of a quantisation step, scales to the nearest table:

    means before scales, psi before phi, neighbours in order.
    """
    model = lively("JointModel", N=8, M=12)
    with torch.inference_mode():
        exact = EntropyModel(model, CPU)
        y_hat, z_hat = (
            torch.round(torch.randn(12, 7, 9) * 4).double(),
            torch.randint(-3, 4, (8, 2, 3)).double(),
        )
        schedule = wavefront.wavefront(7, 9)
        predictor = exact.y_predictor(z_hat, schedule)
        buffer = F.pad(y_hat, (2, 2, 2, 0)).flatten(1).T.contiguous()
        parts = [
            predictor(buffer, block, torch.from_numpy(schedule.slots[block])) for block in schedule.blocks
        ]
        order = torch.from_numpy(schedule.order)
        means, which = torch.empty(63, 12, dtype=torch.float64), torch.empty(63, 12, dtype=torch.int16)
        means[order], which[order] = (torch.cat(part) for part in zip(*parts, strict=True))
        double = model.double()
        psi = double.hyper_synthesise(z_hat[None], 7, 9)
        expected_means, raw_scales = double.entropy_parameters.means_and_scales(
            psi, double.context_prediction(y_hat[None])
        )
    assert expected_means.abs().max() > 0.2
    torch.testing.assert_close(means.T.view(12, 7, 9), expected_means[0], rtol=0, atol=2e-3)
    levels = torch.from_numpy(tables.scale_levels())
    chosen = levels[which.long()].T.view(12, 7, 9)
    wanted = raw_scales[0].clamp(min=float(levels[0]))
    assert ((chosen - wanted).abs() / wanted).max() < 1 / 32


def test_tiles_give_what_the_whole_gives(lively: Lively) -> None:
    """Fails if the margin is too small, or a tile lands in the wrong place."""
    model = lively("FactorizedModel", N=6, M=5)
    x = torch.rand(1, 3, 16 * 7, 16 * 9)
    with torch.no_grad():
        y = model.g_a(x)
        for tile in (1, 2, 3, 8):
            torch.testing.assert_close(tiles.tiled(model.g_a, x, 16, 1, tile), y, rtol=0, atol=1e-5)
            torch.testing.assert_close(
                tiles.tiled(model.g_s, y, 1, 16, tile), model.g_s(y), rtol=0, atol=1e-5
            )
        narrow = tiles.tiled(model.g_a, x, 16, 1, 2, margin=1)
    assert (narrow - y).abs().max() > 1e-4


@pytest.mark.parametrize("name", ["g_a", "g_s"])
def test_a_transform_with_gdn_in_place_is_the_transform(lively: Lively, name: str) -> None:
    network = getattr(lively("FactorizedModel", N=6, M=5), name)
    x = torch.rand(1, 3 if name == "g_a" else 5, 48, 32)
    before = x.clone()
    with torch.inference_mode():
        torch.testing.assert_close(transforms.apply(network, x), network(x))
    assert torch.equal(x, before)


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 4)])
@pytest.mark.parametrize("bias", [True, False])
def test_the_sub_pixel_form_of_a_transposed_convolution_is_the_transposed_convolution(
    size: tuple[int, int], bias: bool
) -> None:
    """Breaks if a tap goes to another output pixel, is turned, or is lost at the border."""
    torch.manual_seed(0)
    layer = nn.ConvTranspose2d(4, 3, 5, stride=2, padding=2, output_padding=1, bias=bias).double()
    x = torch.from_numpy(np.random.default_rng(0).standard_normal((1, 4, *size)))
    torch.testing.assert_close(transforms.sub_pixel(layer, x), layer(x))


def test_the_age_of_a_neighbour_is_how_many_blocks_earlier_the_wavefront_takes_it() -> None:
    """Breaks if a neighbour is called older than it is: it would be looked at before it is decoded."""
    mask = causal_mask("A", 5, 5)
    schedule = wavefront.wavefront(7, 9)
    block_of = {int(place): k for k, block in enumerate(schedule.blocks) for place in schedule.slots[block]}
    centre = 4 * schedule.row_length + schedule.margin + 4
    earlier = [
        block_of[centre] - block_of[centre + int(offset)]
        for offset in wavefront.context_offsets(mask, schedule.row_length)
    ]
    assert wavefront.context_ages(mask).tolist() == earlier
    assert min(earlier) == 1


def test_tiles_report_their_progress() -> None:
    told: list[tuple[int, int]] = []
    tiles.tiled(
        lambda part: part,
        torch.zeros(1, 1, 5, 4),
        1,
        1,
        2,
        progress=lambda done, total: told.append((done, total)),
    )
    assert told == [(1, 6), (2, 6), (3, 6), (4, 6), (5, 6), (6, 6)]


@pytest.mark.parametrize("lmbda", [0.0018, 0.013, 0.05, 0.18, 1e-4, 100.0])
def test_lmbda_survives_in_16_bits_to_a_fiftieth_of_a_percent(lmbda: float) -> None:
    assert container.lmbda_from_code(container.lmbda_to_code(lmbda)) == pytest.approx(lmbda, rel=2e-4)


def test_lmbda_beyond_16_bits_becomes_the_nearest_end_and_none_stays_none() -> None:
    assert container.lmbda_to_code(1e-30) == 1
    assert container.lmbda_to_code(1e30) == 65535
    assert container.lmbda_from_code(container.lmbda_to_code(None)) is None


def test_the_header_takes_24_bytes() -> None:
    header = container.Header(b"abcd", 768, 512, 5, 6)
    blob = container.pack(header, b"xyz")
    assert len(blob) == 24 + 3
    assert container.unpack(blob) == (container.Header(b"abcd", 768, 512, 5, 6, 3), b"xyz")


def test_the_fingerprint_tells_the_smallest_change_of_a_weight(lively: Lively) -> None:
    model = lively("JointModel")
    before = container.fingerprint(model, model.config)
    assert container.fingerprint(model, model.config) == before
    with torch.no_grad():
        model.g_s[0].bias[0] = torch.nextafter(model.g_s[0].bias[0], torch.tensor(9.0))
    assert container.fingerprint(model, model.config) != before


def test_a_network_that_is_no_model_of_the_ladder_is_named() -> None:
    """Breaks if the network is read before it is looked at: an AttributeError would come first."""
    with pytest.raises(ValueError, match="no codec for a Identity"):
        EntropyModel(nn.Identity(), CPU)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize(("here", "there"), [("cpu", "cuda"), ("cuda", "cpu")])
def test_a_file_made_on_the_processor_decodes_on_the_gpu_and_the_other_way_round(
    here: str, there: str, lively: Callable[..., LatentModel]
) -> None:
    """Breaks if the GPU rounds or sums differently where both sides must compute alike.

    Pictures may differ by a level: g_s is float32.
    """
    model = VariableRate(lively("JointModel"))
    picture = np.random.default_rng(0).integers(0, 256, (80, 112, 3), dtype=np.uint8)
    writer, reader = (Codec(copy.deepcopy(model).to(device)) for device in (here, there))
    made = writer.encode(picture, 0.05)
    read = reader.decode(made.blob)
    assert torch.equal(read.y_hat.cpu(), made.y_hat.cpu())
    assert torch.equal(read.z_hat.cpu(), made.z_hat.cpu())
    pictures = [np.asarray(codec.decompress(made.blob), np.int64) for codec in (writer, reader)]
    assert np.abs(pictures[0] - pictures[1]).max() <= 1


# --- fast against plain -------------------------------------------------------------------------------------


@pytest.mark.parametrize("architecture", MODELS)
@pytest.mark.parametrize(("height", "width"), [(1, 1), (40, 17), (130, 200)])
def test_the_fast_codec_writes_the_plain_one_s_file_and_reads_the_same_latents(
    architecture: str, height: int, width: int, lively: Lively
) -> None:
    """Breaks if grouped steps, split layers, tiles or transforms in place change a symbol:

    the file is compared byte for byte.
    """
    model = lively(architecture)
    picture = np.random.default_rng(height).integers(0, 256, (height, width, 3), dtype=np.uint8)
    fast, plain = Codec(model), Codec(model, fast=False)
    y = plain.analyse(torch.from_numpy(picture).permute(2, 0, 1), None)
    with torch.inference_mode():
        z = model.hyper_analyse(y[None])[0] if hasattr(model, "h_a") else None
        encodings = [codec.code_latents(y, z, (height, width), 0) for codec in (fast, plain)]
    assert encodings[0].blob == encodings[1].blob
    assert y.abs().max() > 1
    decodings = [codec.decode(encodings[0].blob) for codec in (fast, plain)]
    for decoding in decodings:
        assert torch.equal(decoding.y_hat, encodings[1].y_hat)
    pictures = [np.asarray(codec.synthesise(decodings[0]), dtype=int) for codec in (fast, plain)]
    assert np.abs(pictures[0] - pictures[1]).max() <= 1


def test_the_plain_context_network_really_is_another_one(lively: Lively) -> None:
    """A test of the test above: without it, both codecs might be running the same code."""
    model = lively("JointModel")
    fast, plain = Codec(model).entropy_model.context, Codec(model, fast=False).entropy_model.context
    assert type(fast).__name__ == "GroupedContextModel"
    assert type(plain).__name__ == "ExactContextModel"


def test_what_trimming_leaves_is_no_longer_than_the_coder_s_words_and_decodes_alike() -> None:
    """Breaks if the number chosen lies outside the coder's last interval, or nothing is saved."""
    rng, saved = np.random.default_rng(2), 0
    for n in [*range(1, 30), 100, 1000]:
        which = rng.integers(0, 300, n).astype(np.int16)
        symbols = np.rint(rng.standard_normal(n) * tables.scale_levels()[which]).astype(np.int32)
        encoder = tables.SymbolEncoder()
        encoder.encode(tables.GaussianTables(), which, symbols)
        words = encoder.coder.get_compressed().astype(">u4").tobytes()
        payload = encoder.payload()
        saved += len(words) - len(payload)
        assert len(payload) <= len(words)
        for message in (words, payload):
            decoded = tables.SymbolDecoder(message).decode(tables.GaussianTables(), which)
            np.testing.assert_array_equal(decoded, symbols)
    assert saved > 32


def test_tables_and_training_s_bits_are_of_one_density() -> None:
    """Breaks if the density is written down twice and one of the two changes:

    every price of every channel is compared.
    """
    torch.manual_seed(3)
    prior = FactorizedPrior(12)
    with torch.no_grad():
        for parameter in prior.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    prior.update_medians()
    symbols = torch.arange(-8, 9)
    values = symbols + torch.from_numpy(tables.snapped_medians(prior)).float()[:, None]
    bits = prior(values[None, :, :, None])[0, :, :, 0]
    for channel, table in enumerate(tables.prior_tables(prior)):
        frequencies = torch.from_numpy(table.frequencies[symbols.numpy() + table.reach].astype(np.float64))
        prices = tables.PRECISION - torch.log2(frequencies)
        worth = bits[channel] < 15  # rarer symbols are rounded up to whole frequencies
        torch.testing.assert_close(prices[worth].float(), bits[channel][worth], rtol=1e-3, atol=2e-3)
        assert worth.sum() > 3
