"""Which of Beijing's files of inspections each study reads."""

from __future__ import annotations

BEIJING = {
    "culture": ("culture", "culture_press"),
    "districts": ("miyun_emergency", "fengtai_emergency", "pinggu_urban_mgmt"),
}
"""Files of inspections by study."""
