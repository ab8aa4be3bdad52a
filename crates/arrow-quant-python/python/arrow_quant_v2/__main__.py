"""Files of weights from the command line: `python -m arrow_quant_v2 COMMAND`."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from typing import Any, Callable, NoReturn, Optional

from . import __version__
from ._native import evaluate_file, manifest, quantize_file, read_quantized
from .convert import convert_spz
from .errors import ArrowQuantError, ConfigurationError
from .restore import dequantize_file

OK, REFUSED, FAILED, MISUSED = 0, 1, 2, 3

_CODES = """exit codes:
  0  done
  1  refused: a file or its weights are not what they should be, or quality was missed
  2  failed: this program itself
  3  called wrongly"""


class _Parser(argparse.ArgumentParser):
    """A parser whose errors end with the documented code."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(MISUSED, f"{self.prog}: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m arrow_quant_v2",
        description="Quantize files of weights, and look at them.",
        epilog=_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(
            name, help=text, description=text, epilog=_CODES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )  # fmt: skip
        added.add_argument("--format", choices=["human", "json"], default="human", help="how to print the result")
        return added

    quantize = command("quantize", "Quantize a model into a file.")
    quantize.add_argument("source", help=".safetensors (also a directory or an index), .npz, .arrow, .parquet")
    quantize.add_argument("destination", help=".parquet, .arrow, .safetensors, .gguf")
    quantize.add_argument("--bits", type=int, choices=[2, 4, 8], help="bits of a code (4)")
    quantize.add_argument("--scheme", default="auto", help="int8_sym, int4_sym, int4_asym, int2_asym, nf4, gguf_q8_0, gguf_q4_0, none")
    quantize.add_argument("--group-size", type=int, default=128, help="weights that share a scale, 0 for a whole row (128)")
    quantize.add_argument("--search", choices=["auto", "mse", "minmax"], default="auto", help="how scales are found")
    quantize.add_argument("--scale-dtype", choices=["f16", "f32"], default="f16", help="precision of scales")
    quantize.add_argument("--fallback-sqnr-db", type=float, metavar="DB", help="layers with less get more bits")
    quantize.add_argument("--override", action="append", default=[], metavar="PATTERN=SCHEME", help="another scheme for layers whose names fit; can be given often")
    quantize.add_argument("--target-bits-per-weight", type=float, metavar="BITS", help="what the whole may take")
    quantize.add_argument("--threads", type=int, help="how many to use (all processors)")
    quantize.add_argument("--chunk-mb", type=int, default=16, help="weights that are read at once, in MiB (16)")
    quantize.add_argument("--no-resume", action="store_true", help="do not go on where a killed run stopped")
    quantize.add_argument("--quantize-vectors", action="store_true", help="also layers of one axis, which are kept otherwise")

    dequantize = command("dequantize", "Restore a quantized file into .safetensors of float32.")
    dequantize.add_argument("source", help="a file that quantize wrote: .parquet, .arrow, .safetensors")
    dequantize.add_argument("destination", help=".safetensors")

    inspect = command("inspect", "Say what is in a quantized file.")
    inspect.add_argument("source", help="a file that quantize wrote: .parquet, .arrow, .safetensors")

    evaluate = command("evaluate", "Judge a quantized file by the model it was made from.")
    evaluate.add_argument("source", help="the model")
    evaluate.add_argument("quantized", help="a file that quantize wrote")
    evaluate.add_argument("--least-sqnr-db", type=float, metavar="DB", help="end with 1 if a layer has less")

    listing = command("manifest", "List the parts of a safetensors model, to distribute work on it.")
    listing.add_argument("source", help=".safetensors, a directory of them, or their index")
    listing.add_argument("--chunk-mb", type=int, default=32, help="the most of a part, in MiB (32)")

    convert = command("convert", "Convert a file of splats.")
    convert.add_argument("source", help="scene.spz")
    convert.add_argument("destination", help=".npz, .ply, .arrow")
    convert.add_argument("--frame", help="what x, y and z point to: RUB, RDF, LUF ... (RDF for .ply, else as stored)")
    return parser


def _overrides(given: list[str]) -> list[dict[str, str]]:
    found = []
    for text in given:
        pattern, separator, scheme = text.rpartition("=")
        if not separator or not pattern:
            raise ConfigurationError(f"--override {text}: write PATTERN=SCHEME")
        found.append({"pattern": pattern, "scheme": scheme})
    return found


def _progress() -> Optional[Callable[[str, int, int], None]]:
    """A line on standard error that is written over, if a person looks at it."""
    if not sys.stderr.isatty():
        return None

    def told(layer: str, done: int, total: int) -> None:
        share = 100 * done // total if total else 100
        sys.stderr.write(f"\r\033[K{share:3} % {layer[:60]}")
        sys.stderr.write("\r\033[K" if done == total else "")
        sys.stderr.flush()

    return told


def _quantize(flags: argparse.Namespace) -> tuple[int, Any, list[str]]:
    report = quantize_file(
        flags.source,
        flags.destination,
        bits=flags.bits,
        scheme=flags.scheme,
        group_size=flags.group_size,
        search=flags.search,
        scale_dtype=flags.scale_dtype,
        fallback_sqnr_db=flags.fallback_sqnr_db,
        overrides=_overrides(flags.override),
        threads=flags.threads,
        target_bits_per_weight=flags.target_bits_per_weight,
        chunk_bytes=flags.chunk_mb << 20,
        resume=not flags.no_resume,
        keep_vectors=not flags.quantize_vectors,
        progress=_progress(),
    )
    ratio = report["input_bytes"] / max(report["output_bytes"], 1)
    lines = _layer_lines(report["layers"])
    lines.append(f"{report['destination']}: {report['output_bytes']} bytes, {ratio:.2f} times less than the weights")
    return OK, report, lines


def _layer_lines(layers: Sequence[Any]) -> list[str]:
    lines = []
    for layer in layers:
        bits = layer["bits_per_weight"]
        size = "no weights" if bits is None else f"{bits:.3f} bits"
        lines.append(f"{layer['layer_name']}: {size}, {layer['sqnr_db']:.1f} dB")
    return lines


def _dequantize(flags: argparse.Namespace) -> tuple[int, Any, list[str]]:
    report = dequantize_file(flags.source, flags.destination)
    return OK, report, [f"{report['destination']}: {report['layers']} layers, {report['output_bytes']} bytes"]


def _inspect(flags: argparse.Namespace) -> tuple[int, Any, list[str]]:
    numbers = ("quantized_data", "scales", "zero_points")
    rows = [
        {key: value.nbytes if key in numbers else value for key, value in row.items()}
        for row in read_quantized(flags.source).rows()
    ]
    lines = [
        f"{row['layer_name']} {row['shape']} from {row['row_start']}: {row['scheme']}, "
        f"groups of {row['group_size'] or 'a row'}, {row['sqnr_db']:.1f} dB"
        for row in rows
    ]
    return OK, rows, lines


def _evaluate(flags: argparse.Namespace) -> tuple[int, Any, list[str]]:
    layers = evaluate_file(flags.source, flags.quantized).layers()
    least = min((layer["sqnr_db"] for layer in layers), default=math.inf)
    missed = flags.least_sqnr_db is not None and least < flags.least_sqnr_db
    return (REFUSED if missed else OK), layers, _layer_lines(layers)


def _manifest(flags: argparse.Namespace) -> tuple[int, Any, list[str]]:
    rows = manifest(flags.source, flags.chunk_mb << 20).rows()
    lines = [
        f"{row['uri']} {row['tensor']} {row['dtype']} {row['shape']}: rows {row['row_start']} to "
        f"{row['row_start'] + row['row_count']}, {row['byte_len']} bytes at {row['byte_start']}"
        for row in rows
    ]
    return OK, rows, lines


def _convert(flags: argparse.Namespace) -> tuple[int, Any, list[str]]:
    report = convert_spz(flags.source, flags.destination, flags.frame)
    line = (
        f"{report['destination']}: {report['num_points']} splats of SH degree {report['sh_degree']} "
        f"in {report['frame']}, {report['output_bytes']} bytes"
    )
    return OK, report, [line]


def _plain(value: Any) -> Any:
    """As JSON has it: no infinities, and paths as text."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Runs a command, and returns its exit code."""
    flags = _parser().parse_args(arguments)
    commands = {
        "quantize": _quantize,
        "dequantize": _dequantize,
        "inspect": _inspect,
        "evaluate": _evaluate,
        "manifest": _manifest,
        "convert": _convert,
    }
    try:
        code, result, lines = commands[flags.command](flags)
    except ConfigurationError as error:
        print(f"error: {error}", file=sys.stderr)
        return MISUSED
    except (ArrowQuantError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return REFUSED
    except MemoryError as error:
        print(f"error: {error}", file=sys.stderr)
        return FAILED
    print(json.dumps(_plain(result), indent=2) if flags.format == "json" else "\n".join(lines))
    return code


if __name__ == "__main__":
    sys.exit(main())
