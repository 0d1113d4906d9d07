"""What several tests share."""

from skseq.nn import pooling

POOLINGS = tuple(pooling.POOLINGS)
