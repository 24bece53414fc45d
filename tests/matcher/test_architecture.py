"""The matcher stands alone: its public names, what it may import, what its import costs."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import matcher


def run(code: str) -> dict[str, object]:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    answer: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return answer


def test_the_public_names_are_these() -> None:
    assert set(matcher.__all__) == {
        "APERTURE_SHEAR_PARAMETERS",
        "DEFAULT_LIMITS",
        "DEFAULT_PARAMETERS",
        "DESCRIPTOR_SHAPE",
        "FIRING_PIN_PARAMETERS",
        "MATCHER_VERSION",
        "RELIEF_PARAMETERS",
        "CandidateList",
        "Cell",
        "Comparison",
        "Filters",
        "Gallery",
        "GalleryDamaged",
        "GalleryInUse",
        "GalleryWriter",
        "Lighting",
        "Limits",
        "MarkExtent",
        "MatcherError",
        "NotComparable",
        "Parameters",
        "Photograph",
        "Prepared",
        "Profile",
        "ProfileComparison",
        "ProfileParameters",
        "Quality",
        "Ranked",
        "RankedProfile",
        "Reference",
        "ScanNotUsable",
        "ScanPair",
        "ScanRefused",
        "Segment",
        "Topography",
        "assess",
        "compare",
        "compare_profiles",
        "compare_scans",
        "correlate",
        "extent_of",
        "parameters_for",
        "prefilter",
        "prepare",
        "prepare_photograph",
        "prepare_profile",
        "rank_profiles",
        "read_mask",
        "read_photograph",
        "read_topography",
        "write_topography",
    }
    assert all(hasattr(matcher, name) for name in matcher.__all__)


@pytest.mark.slow
def test_it_works_without_any_web_or_database_package() -> None:
    answer = run(
        """
import json, sys

class Blocked:
    names = {"fastapi", "starlette", "uvicorn", "httpx", "sqlalchemy", "pydantic", "typer", "exchange"}

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in self.names:
            raise ImportError(f"{name} is blocked")

sys.meta_path.insert(0, Blocked())
import pkgutil, importlib, matcher

modules = [module.name for module in pkgutil.walk_packages(matcher.__path__, "matcher.")]
for module in modules:
    importlib.import_module(module)
from matcher.synthetic import breech_face
same = matcher.compare(matcher.prepare(breech_face.draw(1, 0)), matcher.prepare(breech_face.draw(1, 1)))
print(json.dumps({"modules": len(modules), "score": same.score}))
"""
    )
    assert isinstance(answer["modules"], int)
    assert answer["modules"] > 15
    assert isinstance(answer["score"], float)
    assert answer["score"] > 0.5


def test_its_import_is_cheap() -> None:
    answer = run(
        """
import json, sys, time
start = time.process_time()
import matcher
used = time.process_time() - start
unwanted = [name for name in ("matplotlib", "torch", "pandas", "PIL") if name in sys.modules]
# not ru_maxrss, which a process inherits from the one that started it
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps({"cpu_s": used, "unwanted": unwanted, "peak_kb": int(peak.split()[1])}))
"""
    )
    assert isinstance(answer["cpu_s"], float)
    assert answer["cpu_s"] < 1.0
    assert answer["unwanted"] == []
    assert isinstance(answer["peak_kb"], int)
    assert answer["peak_kb"] < 150_000
