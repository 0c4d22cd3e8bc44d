"""Answers are data, whatever their files are called (``wrong_noise_at_test.py`` would be collected as a
test)."""

collect_ignore_glob = ["ps*/*"]
