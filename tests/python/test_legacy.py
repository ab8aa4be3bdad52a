"""The documented class `ArrowQuantV2`, method by method, and its configuration."""

import logging
import warnings

import arrow_quant_v2 as aq
import pytest
from support import Lent, needs, same_rows

DOCUMENTED = ["quantized_data", "scales", "zero_points", "shape", "bit_width"]


@pytest.fixture
def quantizer():
    return aq.ArrowQuantV2(mode="diffusion")


def test_modes():
    assert aq.ArrowQuantV2().mode == "diffusion"
    assert aq.ArrowQuantV2(mode="time_aware").mode == "diffusion"
    assert aq.ArrowQuantV2("base").mode == "base"
    with pytest.raises(ValueError, match="mode is 'other'"):
        aq.ArrowQuantV2(mode="other")


def test_quantize_arrow_reads_every_chunk(quantizer, numbers):
    pa = needs("pyarrow")
    lists = [numbers(64, seed) for seed in range(3)]
    table = pa.table({"layer_name": ["a", "b", "c"], "weights": pa.array(lists, pa.list_(pa.float32()))})
    chunked = pa.concat_tables([table.slice(0, 2), table.slice(2)])
    for bit_width, bytes_ in [(2, 16), (4, 32), (8, 64)]:
        result = quantizer.quantize_arrow(chunked, bit_width=bit_width)
        assert isinstance(result, pa.Table) and result.num_rows == 3
        assert {"layer_name", *DOCUMENTED} <= set(result.column_names)
        assert result["bit_width"].to_pylist() == [bit_width] * 3
        assert [len(data) for data in result["quantized_data"].to_pylist()] == [bytes_] * 3
    assert quantizer.quantize_arrow(chunked)["bit_width"].to_pylist() == [4] * 3
    batch = quantizer.quantize_arrow_batch(table.to_batches()[0], 8)
    assert isinstance(batch, pa.RecordBatch) and batch.num_rows == 3
    smart = quantizer.quantize_batch_smart(table, 8)
    assert smart.to_pylist() == batch.to_pylist()
    with pytest.raises(ValueError, match="bits is 3"):
        quantizer.quantize_arrow(table, bit_width=3)


def test_quantize_arrow_takes_and_gives_what_is_not_pyarrows(quantizer, lent):
    weights = aq.dequantize(aq.quantize({"a": lent}))
    for method in [quantizer.quantize_arrow, quantizer.quantize_arrow_batch]:
        assert isinstance(method(weights, 8), aq.QuantTable)
    smart = quantizer.quantize_batch_smart({"a": lent}, bit_width=8)
    assert same_rows(smart.rows(), aq.quantize({"a": lent}, bits=8).rows())


def test_quantize_batch_gives_plain_objects(quantizer, lent):
    with pytest.warns(DeprecationWarning, match="quantize_arrow"):
        results = quantizer.quantize_batch({"a": lent, "b": lent}, bit_width=2)
    assert list(results) == ["a", "b"]
    for result in results.values():
        assert set(DOCUMENTED) <= set(result)
        assert type(result["quantized_data"]) is bytes and len(result["quantized_data"]) == 128
        assert type(result["scales"]) is list and len(result["scales"]) == 4
        assert type(result["zero_points"]) is list and len(result["zero_points"]) == 4
        assert (result["shape"], result["bit_width"]) == ([4, 128], 2)
    expected = aq.dequantize(aq.quantize({"a": lent, "b": lent}, bits=2)).rows()
    assert same_rows(aq.dequantize(list(results.values())).rows(), expected)


def test_quantize_really_quantizes(quantizer, numbers):
    with pytest.warns(DeprecationWarning, match="lists|quantize_arrow"):
        results = quantizer.quantize({"lora": numbers(100)}, 8)
    assert len(results["lora"]["quantized_data"]) == 100 and results["lora"]["scales"]
    with pytest.warns(DeprecationWarning), pytest.raises(aq.QuantizationError, match="empty"):
        quantizer.quantize({})
    with pytest.warns(DeprecationWarning), pytest.raises(TypeError, match="dict"):
        quantizer.quantize([1.0])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_errors_stop_or_are_passed_over(quantizer, lent):
    weights = {"a": lent, "bad": [float("nan")], "c": lent}
    for method in [quantizer.quantize_batch, quantizer.quantize_batch_with_progress]:
        with pytest.raises(ValueError, match='"bad"'):
            method(weights)
        with pytest.warns(RuntimeWarning, match="'bad' was left out"):
            assert list(method(weights, continue_on_error=True)) == ["a", "c"]
        with pytest.warns(RuntimeWarning), pytest.raises(aq.QuantizationError, match="none of"):
            method({"bad": [float("inf")]}, continue_on_error=True)
        with pytest.raises(ValueError, match="bits is 5"):
            method(weights, bit_width=5, continue_on_error=True)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_progress_goes_from_0_to_1_and_its_errors_are_logged(quantizer, lent, caplog):
    told = []
    results = quantizer.quantize_batch_with_progress(
        {"a": lent, "b": lent}, 4, progress_callback=lambda *step: told.append(step)
    )
    assert told == [("a", 0.5), ("b", 1.0)] and list(results) == ["a", "b"]

    def fails(layer, done):
        raise RuntimeError("a callback's own fault")

    with caplog.at_level(logging.ERROR, "arrow_quant_v2"):
        assert list(quantizer.quantize_batch_with_progress({"a": lent}, progress_callback=fails))
    assert "a callback's own fault" in caplog.text


def test_markov_metrics_are_those_of_the_last_calibration(quantizer):
    assert quantizer.get_markov_metrics() is None
    stats = [{"layer_name": "a", "timestep": t, "min": -1.0, "max": 1.0 + t} for t in range(3)]
    ranges = quantizer.calibrate(stats, num_time_groups=3)
    metrics = quantizer.get_markov_metrics()
    assert metrics == aq.smoothness(ranges)
    documented = ["smoothness_score", "boundary_scores", "violation_count", "violations", "is_valid"]
    assert set(documented) <= set(metrics)
    with pytest.raises(aq.ConfigurationError, match="base"):
        aq.ArrowQuantV2("base").calibrate(stats)


def test_the_two_methods_for_trying_it_out(quantizer):
    with pytest.warns(DeprecationWarning):
        assert quantizer.simple_test() == "simple_test_works"
    with pytest.warns(DeprecationWarning):
        assert quantizer.test_method() == "test"


def test_the_configuration_has_every_documented_argument():
    config = aq.DiffusionQuantConfig()
    assert len(vars(config)) == 26
    assert (config.bit_width, config.group_size, config.min_accuracy) == (4, 128, 0.85)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        aq.DiffusionQuantConfig(8, "image", 20, 64, min_accuracy=0.95, num_threads=2)


@pytest.mark.parametrize(
    "profile, bits, group, times, least",
    [("edge", 2, 256, 5, 0.65), ("local", 4, 128, 10, 0.85), ("cloud", 8, 64, 20, 0.95)],
)
def test_profiles(profile, bits, group, times, least):
    config = aq.DiffusionQuantConfig.from_profile(profile)
    found = (config.bit_width, config.group_size, config.num_time_groups, config.min_accuracy)
    assert found == (bits, group, times, least) and config.deployment_profile == profile


@pytest.mark.parametrize(
    "settings",
    [
        {"bit_width": 3},
        {"modality": "smell"},
        {"group_size": 100},
        {"num_time_groups": 0},
        {"num_time_groups": 101},
        {"min_accuracy": 1.5},
        {"deployment_profile": "moon"},
        {"beta_schedule": "square"},
        {"num_threads": -1},
        {"max_memory_limit_mb": 0},
    ],
)
def test_values_that_cannot_be(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        aq.DiffusionQuantConfig(**settings)


@pytest.mark.parametrize(
    "settings",
    [
        {"enable_time_aware": False},
        {"enable_spatial": False},
        {"calibration_samples": 64},
        {"enable_entropy_adaptation": False},
        {"enable_transition_optimization": True},
        {"markov_weight": 0.5},
        {"beta_schedule": "cosine"},
        {"enable_streaming": False},
        {"enable_simd": False},
        {"simd_threshold": 1},
    ],
)
def test_what_has_no_effect_is_told(settings):
    with pytest.warns(UserWarning, match=f"{next(iter(settings))} has no effect"):
        aq.DiffusionQuantConfig(**settings)


def test_variables_override_when_asked(monkeypatch):
    monkeypatch.setenv("ARROW_QUANT_BIT_WIDTH", "2")
    monkeypatch.setenv("ARROW_QUANT_MIN_ACCURACY", "0.7")
    monkeypatch.setenv("ARROW_QUANT_FAIL_FAST", "true")
    config = aq.DiffusionQuantConfig.from_env(bit_width=8, group_size=64)
    assert (config.bit_width, config.min_accuracy, config.fail_fast, config.group_size) == (2, 0.7, True, 64)
    assert aq.DiffusionQuantConfig().bit_width == 4
    monkeypatch.setenv("ARROW_QUANT_BIT_WIDTH", "many")
    with pytest.raises(ValueError, match="ARROW_QUANT_BIT_WIDTH is 'many'"):
        aq.DiffusionQuantConfig.from_env()


def test_lists_and_arrays_are_the_same(quantizer, numbers):
    weights = numbers(64)
    with pytest.warns(DeprecationWarning):
        assert quantizer.quantize({"a": weights}) == quantizer.quantize_batch({"a": Lent.floats(weights)})
