"""Measurements, each printed with the numbers it is compared with."""
