"""Regulatory family 监管信息, products and special equipment, talks and repair (SAMR (4), (5); HB 14)."""

from __future__ import annotations

from features.catalogue.declaration import indicator
from features.catalogue.expressions import Formula, Rows, shrunk_share
from features.policies import threshold


@indicator(
    "regulatory",
    "products",
    "近两年抽检不合格数",
    "product samples that failed in the last two years",
    direction="raises",
    unit="samples",
    policy="HB 14",
)
def samples_failed_2y(product_samples: Rows) -> Formula:
    """Product samples taken in the 2 years before the cut-off that failed."""
    return product_samples.where("result = 'failed'").within(months=24).count()


@indicator(
    "regulatory",
    "products",
    "近两年抽检不合格率",
    "share of its product samples that failed in the last two years",
    direction="raises",
    unit="share",
    policy="HB 14",
)
def samples_failed_share_2y(product_samples: Rows) -> Formula:
    """Share of its product samples of 2 years with a result that failed, (failed + 1) / (all + $sample_prior_tests)."""
    failed = product_samples.where("result = 'failed'").within(months=24)
    tested = product_samples.where("result IS NOT NULL").within(months=24)
    return shrunk_share(failed.count(), tested.count(), bad=1, of=threshold("sample_prior_tests"))


@indicator(
    "regulatory",
    "products",
    "近三年责令召回次数",
    "recalls ordered in the last three years",
    direction="raises",
    unit="recalls",
    policy="SAMR (5); HB 14",
)
def recalls_ordered_3y(recalls: Rows) -> Formula:
    """Recalls of its products that a regulator ordered in the 3 years before the cut-off."""
    return recalls.where("recall_kind = 'ordered'").within(months=36).count()


@indicator(
    "regulatory",
    "products",
    "近三年主动召回次数",
    "voluntary recalls in the last three years",
    direction="either",
    unit="recalls",
    policy="SAMR (5); HB 14",
)
def recalls_voluntary_3y(recalls: Rows) -> Formula:
    """Recalls that it began itself in the 3 years before the cut-off: a fault, and that it owns up to it."""
    return recalls.where("recall_kind = 'voluntary'").within(months=36).count()


@indicator(
    "regulatory",
    "products",
    "未完成召回数",
    "recalls not finished",
    direction="raises",
    unit="recalls",
    policy="SAMR (5); HB 14",
)
def recalls_unfinished(recalls: Rows) -> Formula:
    """Recalls, ordered or voluntary, that have not ended before the cut-off."""
    return recalls.open().count()


@indicator(
    "regulatory",
    "products",
    "有效认证证书数",
    "valid certificates",
    direction="either",
    unit="certificates",
    policy="HB 19(4)",
)
def certificates_valid(certificates: Rows) -> Formula:
    """Valid certificates at the cut-off, neither ended nor past their last day of validity."""
    in_force = "certificate_status = 'valid' AND (valid_to IS NULL OR valid_to >= c.cutoff)"
    return certificates.open().where(in_force).count()


@indicator(
    "regulatory",
    "products",
    "近三年证书撤销数",
    "certificates withdrawn or suspended in the last three years",
    direction="raises",
    unit="certificates",
    policy="HB 19(4)",
)
def certificates_withdrawn_3y(certificates: Rows) -> Formula:
    """Certificates withdrawn or suspended that ended in the 3 years before the cut-off."""
    return certificates.where("certificate_status IN ('withdrawn', 'suspended')").ended_within(months=36).count()


@indicator(
    "regulatory",
    "products",
    "在用特种设备数",
    "special equipment in use",
    direction="either",
    unit="pieces",
    policy="HB 18(2)",
)
def equipment_in_use(special_equipment: Rows) -> Formula:
    """Pieces of special equipment in use at the cut-off."""
    return special_equipment.where("equipment_status = 'in_use'").count()


@indicator(
    "regulatory",
    "products",
    "超期未检特种设备数",
    "special equipment overdue for inspection",
    direction="raises",
    unit="pieces",
    policy="HB 18(2)",
)
def equipment_overdue(special_equipment: Rows) -> Formula:
    """Pieces of special equipment in use whose inspection was due before the cut-off."""
    return special_equipment.where("equipment_status = 'in_use' AND inspection_due < c.cutoff").count()


@indicator(
    "regulatory",
    "talks and repair",
    "近一年警示约谈次数",
    "warning talks in the last year",
    direction="raises",
    unit="talks",
    policy="SC (9)",
)
def warning_talks_1y(warning_talks: Rows) -> Formula:
    """Reminders, warnings and talks in the year before the cut-off."""
    return warning_talks.within(months=12).count()


@indicator(
    "regulatory",
    "talks and repair",
    "近三年信用修复次数",
    "credit repairs granted in the last three years",
    direction="either",
    unit="repairs",
    policy="SC (13)",
)
def repairs_granted_3y(repairs: Rows) -> Formula:
    """Repairs granted that were applied for in the 3 years before the cut-off."""
    return repairs.where("state = 'granted'").within(months=36).count()


@indicator(
    "regulatory",
    "talks and repair",
    "近三年异议成立次数",
    "objections upheld in the last three years",
    direction="either",
    unit="objections",
    policy="HB 11(4)",
)
def objections_upheld_3y(objections: Rows) -> Formula:
    """Objections raised in the 3 years before the cut-off that were upheld: the record was wrong."""
    return objections.where("state = 'upheld'").within(months=36).count()
