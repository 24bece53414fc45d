"""Tests, and programs that measure: all compute as nodes do, however early they load numpy themselves."""

import matcher as matcher
