"""Estimates when each block of an orchard is ready to be picked.

The model is a degree-day sum with a correction for canopy shade; starch readings, when
there are any, pull the estimate towards what was measured in the field.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta


BASE_TEMPERATURE_C = 4.5
STARCH_FULLY_RIPE = 8.0
SHADE_DAMPING = 0.37


@dataclass
class StarchReading:
    taken_on: date
    scale_value: float
    fruit_sampled: int = 10


@dataclass
class OrchardBlock:
    block_id: str
    cultivar: str
    bloom_date: date
    required_degree_days: float
    shade_fraction: float = 0.0
    readings: list[StarchReading] = field(default_factory=list)


def daily_degree_days(low_c: float, high_c: float, shade_fraction: float) -> float:
    """Degree days of one day, by the single-sine approximation cut off at the base."""
    midpoint = (low_c + high_c) / 2.0
    swing = (high_c - low_c) / 2.0
    if high_c <= BASE_TEMPERATURE_C:
        return 0.0
    if low_c >= BASE_TEMPERATURE_C:
        gained = midpoint - BASE_TEMPERATURE_C
    else:
        overlap = (high_c - BASE_TEMPERATURE_C) / (2.0 * max(swing, 0.1))
        gained = overlap * (high_c - BASE_TEMPERATURE_C) / 2.0
    return gained * (1.0 - SHADE_DAMPING * shade_fraction)


def accumulate(block: OrchardBlock, weather: dict[date, tuple[float, float]], until: date) -> float:
    total = 0.0
    day = block.bloom_date
    while day <= until:
        observed = weather.get(day)
        if observed is None:
            # A missing station day counts as the mean of its neighbours, or not at all.
            before = weather.get(day - timedelta(days=1))
            after = weather.get(day + timedelta(days=1))
            if before and after:
                observed = ((before[0] + after[0]) / 2.0, (before[1] + after[1]) / 2.0)
        if observed is not None:
            total += daily_degree_days(observed[0], observed[1], block.shade_fraction)
        day += timedelta(days=1)
    return total


def starch_offset_days(block: OrchardBlock, today: date) -> float:
    """How many days the field readings say that the model is late (positive) or early."""
    weighted = 0.0
    weight_sum = 0.0
    for reading in block.readings:
        age = (today - reading.taken_on).days
        if age < 0 or age > 21:
            continue
        weight = reading.fruit_sampled / (1.0 + 0.5 * age)
        remaining = (STARCH_FULLY_RIPE - reading.scale_value) / 0.29
        weighted += weight * (remaining - age)
        weight_sum += weight
    return weighted / weight_sum if weight_sum > 0.0 else 0.0


def expected_pick_date(block, weather, forecast_mean_gain: float, today: date) -> date:
    reached = accumulate(block, weather, today)
    missing = max(0.0, block.required_degree_days - reached)
    model_days = missing / max(forecast_mean_gain, 0.5)
    field_days = starch_offset_days(block, today)
    blend = 0.35 if block.readings else 0.0
    days = (1.0 - blend) * model_days + blend * max(0.0, field_days)
    return today + timedelta(days=round(days))
