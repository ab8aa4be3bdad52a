"""What runs in the other Python: it imports what only that one has.

Nothing of arrow_quant_v2 is needed there, but where its own reader is what is called.
"""

import numpy as np


def load(path):
    """The splats of a file, by the SPZ bindings of Niantic, which need a Python of their own."""
    import spz

    cloud = spz.load_spz(path, spz.UnpackOptions())
    count = cloud.num_points
    return {
        "positions": np.asarray(cloud.positions).reshape(count, 3),
        "scales": np.asarray(cloud.scales).reshape(count, 3),
        "rotations": np.asarray(cloud.rotations).reshape(count, 4),
        "alphas": np.asarray(cloud.alphas),
        "colors": np.asarray(cloud.colors).reshape(count, 3),
        "sh_coefficients": np.asarray(cloud.sh).reshape(count, -1) if cloud.sh_degree else None,
        "sh_degree": int(cloud.sh_degree),
        "num_points": int(count),
    }


def load_with_arrow_quant(path):
    """The splats of a file, by the reader of arrow_quant_v2."""
    from arrow_quant_v2 import load_spz

    cloud = load_spz(path)
    # It is a view into `sh_coefficients`, and would be sent a second time.
    del cloud["sh"]
    return cloud


def make(count, degree=3):
    """Arrays as large as those of a file with so many splats, where there is neither file nor bindings."""
    coefficients = 3 * ((degree + 1) ** 2 - 1)
    ramp = np.arange(count, dtype=np.float32)

    def columns(number):
        return ramp[:, None] + np.arange(number, dtype=np.float32)

    return {
        "positions": columns(3),
        "scales": columns(3),
        "rotations": columns(4),
        "alphas": ramp,
        "colors": columns(3),
        "sh_coefficients": columns(coefficients) if coefficients else None,
        "sh_degree": degree,
        "num_points": count,
    }


def pickled(count):
    """The way that fails between numpys: a pickle, here as bytes that print nothing else."""
    import pickle

    return pickle.dumps(make(count))
