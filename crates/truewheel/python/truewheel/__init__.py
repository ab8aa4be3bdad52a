"""The program truewheel, installed with pip or uv. It is called as ``truewheel``."""
