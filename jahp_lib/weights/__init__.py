"""What every installation needs beside the code: the shipped weights, published curves and checksums, read
by their modules."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).resolve().parent
