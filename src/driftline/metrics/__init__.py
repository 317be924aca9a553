"""The formulas: one documented function a metric, of states only."""

# importing a family registers its metrics in the table, in the order of the reference whatever is imported first
from driftline.metrics import calibration as calibration
from driftline.metrics import chances as chances
from driftline.metrics import classification as classification
from driftline.metrics import curves as curves
from driftline.metrics import distance as distance
from driftline.metrics import ranking as ranking
from driftline.metrics import regression as regression

# isort: off
from driftline.metrics import bias_pre as bias_pre
from driftline.metrics import bias_post as bias_post
from driftline.metrics import attribution as attribution
