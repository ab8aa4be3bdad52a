"""Ranges of activations over timesteps, and how smoothly they change."""

import arrow_quant_v2 as aq
import pytest
from support import needs

STATS = [
    {"layer_name": "a", "timestep": 0, "min": -1.0, "max": 1.0},
    {"layer_name": "a", "timestep": 1, "min": -0.5, "max": 2.0, "count": 7},
    {"layer_name": "a", "timestep": 2, "min": -3.0, "max": 1.0, "count": 0},
    {"layer_name": "a", "timestep": 10, "min": 0.0, "max": 4.0},
    {"layer_name": "b", "timestep": 5, "min": -2.0, "max": 2.0},
]


def test_groups_have_the_scale_of_what_was_seen_in_them():
    rows = aq.activation_ranges(STATS, time_groups=2).rows()
    assert [(row["layer_name"], row["t_start"], row["t_end"]) for row in rows] == [
        ("a", 0.0, 5.0),
        ("a", 5.0, 10.0),
        ("b", 5.0, 5.0),
    ]
    assert [(row["min"], row["max"]) for row in rows] == [(-1.0, 2.0), (0.0, 4.0), (-2.0, 2.0)]
    for row in rows:
        assert row["scale"] == pytest.approx((row["max"] - min(row["min"], 0)) / 255, rel=1e-6)
        assert row["zero_point"] == round(-row["min"] / row["scale"])


def test_smoothness_is_the_documented_formula():
    ranges = aq.activation_ranges(STATS, 2)
    first, second, _ = ranges.rows()
    found = aq.smoothness(ranges)
    scale_jump = abs(second["scale"] - first["scale"]) / first["scale"]
    point_jump = abs(second["zero_point"] - first["zero_point"]) / 255
    score = 1 - min((scale_jump + point_jump) / 2, 1)
    assert found["boundary_scores"] == pytest.approx([score])
    assert found["smoothness_score"] == pytest.approx(score)
    assert found["layers"] == pytest.approx({"a": score, "b": 1.0})
    (violation,) = found["violations"]
    assert (violation["boundary_idx"], violation["layer_name"], violation["timestep"]) == (0, "a", 5.0)
    assert (violation["scale_jump"], violation["severity"]) == (pytest.approx(scale_jump), "medium")
    assert (found["violation_count"], found["is_valid"]) == (1, False)
    assert aq.smoothness(ranges.rows()) == found
    assert aq.smoothness([row for row in ranges.rows() if row["layer_name"] == "b"])["is_valid"]


def test_tables_of_any_division_are_the_same():
    pa = needs("pyarrow")
    kinds = {"layer_name": pa.string(), "timestep": pa.int64(), "min": pa.float32(), "max": pa.float32(), "count": pa.int64()}  # fmt: skip
    table = pa.Table.from_pylist(STATS, pa.schema(kinds))
    chunked = pa.concat_tables([table.slice(0, 2), table.slice(2)])
    ranges = aq.activation_ranges(chunked, 2)
    assert ranges.rows() == aq.activation_ranges(STATS, 2).rows()
    whole = ranges.to_pyarrow()
    parts = pa.concat_tables([whole.slice(0, 1), whole.slice(1, 2)])
    assert aq.smoothness(parts) == aq.smoothness(whole) == aq.smoothness(ranges)


@pytest.mark.parametrize(
    "row, says",
    [
        ({"min": 2.0, "max": 1.0}, "bad activation range"),
        ({"min": float("nan")}, "bad activation range"),
        ({"timestep": float("inf")}, "bad activation range"),
        ({"timestep": "late"}, '"timestep" has a value'),
        ({"layer_name": 3}, '"layer_name" has a value'),
    ],
)
def test_statistics_that_cannot_be(row, says):
    with pytest.raises(aq.MetadataError, match=says):
        aq.activation_ranges([dict(STATS[0], **row)])


def test_other_refusals():
    with pytest.raises(aq.ConfigurationError, match="1 to 100"):
        aq.activation_ranges(STATS, 101)
    with pytest.raises(aq.MetadataError, match="no rows"):
        aq.activation_ranges([])
    with pytest.raises(aq.MetadataError, match='"max" is not there'):
        aq.activation_ranges([{"layer_name": "a", "timestep": 1, "min": 0.0}])
    with pytest.raises(aq.InputTypeError, match="a list of dicts"):
        aq.activation_ranges(3)
    with pytest.raises(aq.InputTypeError, match="row 0 is no dict"):
        aq.smoothness(["a"])
