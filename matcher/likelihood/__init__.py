"""From a score to a likelihood ratio: the model, its calibration, the fusion of regions."""
