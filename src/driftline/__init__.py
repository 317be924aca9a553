"""Driftline: learns what normal looks like in a model's data and says, with reasons, when it changes.

import driftline

normal = driftline.baseline("train.parquet")
report = driftline.check("today.parquet", normal)
report.violations
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from driftline.processor import choose_sort

choose_sort()

if TYPE_CHECKING:
    from driftline.analyses import Reads, baseline, check, profile
    from driftline.baselines import Baseline
    from driftline.errors import DriftlineError
    from driftline.monitors.bias import Bias
    from driftline.monitors.constraints import Constraints
    from driftline.monitors.explainability import Explainability
    from driftline.monitors.facets import Facet
    from driftline.monitors.model_quality import ModelQuality
    from driftline.monitors.verdict import Measure, Violation
    from driftline.problems import Problem
    from driftline.profile import Profile
    from driftline.reports import Report

_HOMES = {
    "Baseline": "driftline.baselines",
    "Bias": "driftline.monitors.bias",
    "Constraints": "driftline.monitors.constraints",
    "DriftlineError": "driftline.errors",
    "Explainability": "driftline.monitors.explainability",
    "Facet": "driftline.monitors.facets",
    "Measure": "driftline.monitors.verdict",
    "ModelQuality": "driftline.monitors.model_quality",
    "Problem": "driftline.problems",
    "Profile": "driftline.profile",
    "Reads": "driftline.analyses",
    "Report": "driftline.reports",
    "Violation": "driftline.monitors.verdict",
    "baseline": "driftline.analyses",
    "check": "driftline.analyses",
}
"""Where each public name lives: it is imported when it is first asked for, so that `driftline --help` is quick."""

__all__ = [
    "Baseline",
    "Bias",
    "Constraints",
    "DriftlineError",
    "Explainability",
    "Facet",
    "Measure",
    "ModelQuality",
    "Problem",
    "Profile",
    "Reads",
    "Report",
    "Violation",
    "baseline",
    "check",
    "profile",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'driftline' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


class _Package(ModuleType):
    """This package, of which `profile` is the verb although there is a subpackage of that name.

    Importing a subpackage binds its name in the package; here that binding is passed over. `import driftline.profile`
    and `from driftline.profile import ...` find the subpackage all the same.
    """

    @property
    def profile(self) -> Any:
        """The verb: the profile of some data."""
        return import_module("driftline.analyses").profile

    @profile.setter
    def profile(self, module: object) -> None:
        """What the import system does with the subpackage."""


sys.modules[__name__].__class__ = _Package
