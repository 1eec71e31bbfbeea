"""What holds for every test: no display, the engine as it is written, one thread, and the same random examples on every run."""

import os

import matplotlib
from hypothesis import settings

# Tests replace parts of the engine, which those of a compiled one do not allow.
os.environ["SIM_PLAIN"] = "1"
for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")
matplotlib.use("Agg")
settings.register_profile("reproducible", derandomize=True, deadline=None, database=None)
settings.load_profile("reproducible")
