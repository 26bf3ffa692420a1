"""The spot-check plan 双随机抽查计划: whom to visit and by whom, drawn from a published seed (SAMR (8), HB 17)."""

from supervision.plan.chance import Chance
from supervision.plan.given import Inspector, Lead, read_excused, read_inspectors, read_leads
from supervision.plan.plan import Asked, SpotPlan, draw, make_plan
from supervision.plan.policy import PlanPolicy, Rules, plan_rules
from supervision.plan.write import read_summary, write_plan

__all__ = [
    "Asked",
    "Chance",
    "Inspector",
    "Lead",
    "PlanPolicy",
    "Rules",
    "SpotPlan",
    "draw",
    "make_plan",
    "plan_rules",
    "read_excused",
    "read_inspectors",
    "read_leads",
    "read_summary",
    "write_plan",
]
