"""What a build tries with the wheel that it made, before anybody else gets it."""

import arrow_quant_v2
import numpy

weights = numpy.linspace(-1.0, 1.0, 4096, dtype=numpy.float32).reshape(16, 256)
table = arrow_quant_v2.quantize({"layer": weights}, bits=4, group_size=64)
(row,) = arrow_quant_v2.dequantize(table).rows()
back = numpy.asarray(row["weights"]).reshape(weights.shape)
difference = float(numpy.abs(back - weights).max())
assert difference < 0.1, difference
