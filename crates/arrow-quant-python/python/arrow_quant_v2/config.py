"""The configuration of `ArrowQuantV2`: every documented argument, honoured or told about."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass, fields
from typing import Any, Optional

from .errors import ConfigurationError

# Bits, group size, time groups, least accuracy.
_PROFILES: dict[str, dict[str, Any]] = {
    "edge": {"bit_width": 2, "group_size": 256, "num_time_groups": 5, "min_accuracy": 0.65},
    "local": {"bit_width": 4, "group_size": 128, "num_time_groups": 10, "min_accuracy": 0.85},
    "cloud": {"bit_width": 8, "group_size": 64, "num_time_groups": 20, "min_accuracy": 0.95},
}

_CHOICES: dict[str, tuple[object, ...]] = {
    "bit_width": (2, 4, 8),
    "modality": (None, "text", "code", "image", "audio"),
    "group_size": (32, 64, 128, 256),
    "deployment_profile": ("edge", "local", "cloud"),
    "beta_schedule": ("linear", "cosine"),
}

# What these would do is not done by this library, and why. They are told about when they are set to
# anything but their default.
_MEANINGLESS: dict[str, str] = {
    "enable_time_aware": "weights do not depend on time; time groups are those of activations, and are "
    "computed whenever there are calibration statistics",
    "enable_spatial": "groups along a row always have scales of their own",
    "calibration_samples": "all samples that the statistics hold are used",
    "enable_entropy_adaptation": "bits follow from a least accuracy and not from the entropy of weights",
    "enable_transition_optimization": "ranges of activations are measured and not optimised",
    "markov_weight": "ranges of activations are measured and not optimised",
    "entropy_weight": "ranges of activations are measured and not optimised",
    "learning_rate": "ranges of activations are measured and not optimised",
    "max_iterations": "ranges of activations are measured and not optimised",
    "convergence_threshold": "ranges of activations are measured and not optimised",
    "beta_schedule": "ranges of activations are measured and not computed from a noise schedule",
    "enable_streaming": "files are always read in parts",
    "enable_memory_aware_scheduling": "memory is always bounded by the size of a part",
    "enable_simd": "the widest instructions of the machine are used, and give the same bits as any",
    "simd_threshold": "the widest instructions of the machine are used, and give the same bits as any",
}

_VARIABLES: dict[str, str] = {
    "ARROW_QUANT_BIT_WIDTH": "bit_width",
    "ARROW_QUANT_NUM_TIME_GROUPS": "num_time_groups",
    "ARROW_QUANT_GROUP_SIZE": "group_size",
    "ARROW_QUANT_MIN_ACCURACY": "min_accuracy",
    "ARROW_QUANT_CALIBRATION_SAMPLES": "calibration_samples",
    "ARROW_QUANT_FAIL_FAST": "fail_fast",
    "ARROW_QUANT_NUM_THREADS": "num_threads",
    "ARROW_QUANT_ENABLE_STREAMING": "enable_streaming",
}


@dataclass
class DiffusionQuantConfig:
    """How `ArrowQuantV2` quantizes files.

    Honoured: `bit_width` (2, 4, 8), `modality` (goes into the result), `num_time_groups` (1 to 100, of
    activations), `group_size` (32, 64, 128, 256 weights), `min_accuracy` (least cosine similarity, 0 to
    1: layers with less get more bits, and the result says whether it was reached), `fail_fast` (a layer
    that misses it is an error), `num_threads` (0 for all processors), `max_memory_limit_mb` (bounds the
    parts in which files are read), `enable_mixed_precision` (embeddings, norms and heads get 8 bits)
    and `skip_sensitive_layers` (they are kept as they are). `deployment_profile` is checked and kept;
    `from_profile` is what applies one. All others warn when they are set: see the warning for why.

    Raises `ConfigurationError` for values that are none of those.
    """

    bit_width: int = 4
    modality: Optional[str] = None
    num_time_groups: int = 10
    group_size: int = 128
    enable_time_aware: bool = True
    enable_spatial: bool = True
    min_accuracy: float = 0.85
    calibration_samples: int = 128
    deployment_profile: str = "local"
    fail_fast: bool = False
    enable_entropy_adaptation: bool = True
    enable_transition_optimization: bool = False
    markov_weight: float = 0.1
    entropy_weight: float = 0.05
    learning_rate: float = 0.01
    max_iterations: int = 50
    convergence_threshold: float = 1e-4
    beta_schedule: str = "linear"
    num_threads: int = 0
    enable_streaming: bool = True
    enable_memory_aware_scheduling: bool = True
    max_memory_limit_mb: Optional[int] = None
    enable_mixed_precision: bool = False
    skip_sensitive_layers: bool = False
    enable_simd: bool = True
    simd_threshold: int = 128

    def __post_init__(self) -> None:
        """Checks every value."""
        for name, choices in _CHOICES.items():
            value = getattr(self, name)
            if value not in choices:
                raise ConfigurationError(f"{name} is {value!r}, but can be one of {choices}")
        for name, least, most in [
            ("num_time_groups", 1, 100),
            ("min_accuracy", 0, 1),
            ("num_threads", 0, 65536),
            ("max_memory_limit_mb", 1, 1 << 40),
        ]:
            value = getattr(self, name)
            if value is not None and not least <= value <= most:
                raise ConfigurationError(f"{name} is {value!r}, but can be {least} to {most}")
        for field in fields(self):
            reason = _MEANINGLESS.get(field.name)
            if reason and getattr(self, field.name) != field.default:
                warnings.warn(f"{field.name} has no effect: {reason}", UserWarning, stacklevel=3)

    @staticmethod
    def from_profile(profile: str) -> DiffusionQuantConfig:
        """A configuration for `"edge"` (2 bits), `"local"` (4 bits) or `"cloud"` (8 bits)."""
        if profile not in _PROFILES:
            raise ConfigurationError(f"{profile!r} is no profile: edge, local and cloud are")
        return DiffusionQuantConfig(deployment_profile=profile, **_PROFILES[profile])

    @staticmethod
    def from_env(**settings: Any) -> DiffusionQuantConfig:
        """These settings, with those that the variables `ARROW_QUANT_*` override.

        `BIT_WIDTH`, `NUM_TIME_GROUPS`, `GROUP_SIZE`, `MIN_ACCURACY`, `CALIBRATION_SAMPLES`,
        `FAIL_FAST`, `NUM_THREADS` and `ENABLE_STREAMING` are read, and nothing is read unless this is
        called.
        """
        for variable, name in _VARIABLES.items():
            text = os.environ.get(variable)
            if text is not None:
                settings[name] = _parsed(variable, text, _defaults()[name])
        return DiffusionQuantConfig(**settings)


def _defaults() -> dict[str, Any]:
    return {field.name: field.default for field in fields(DiffusionQuantConfig)}


def _parsed(variable: str, text: str, default: object) -> object:
    if isinstance(default, bool):
        known = {"true": True, "1": True, "false": False, "0": False}
        if text.lower() in known:
            return known[text.lower()]
    else:
        try:
            return type(default)(text)  # type: ignore[call-arg]
        except ValueError:
            pass
    raise ConfigurationError(f"the variable {variable} is {text!r}, which it cannot be")
